# cmake -D PROGRAM=assent -D IN=page.in -D OUT=page -P man_page.cmake
execute_process(COMMAND ${PROGRAM} completion mdoc
	OUTPUT_VARIABLE COMMANDS OUTPUT_STRIP_TRAILING_WHITESPACE
	COMMAND_ERROR_IS_FATAL ANY)
configure_file(${IN} ${OUT} @ONLY)
