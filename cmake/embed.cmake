# cmake -DOUT=x.c -DTABLE=name -DHEADER=h -P embed.cmake FILE...
# Writes the files as one constant table: struct embedded_file TABLE[], and
# TABLE_count. Names are those of the files, without their folder.
set(out "/* Generated from the files of the tree. */\n#include \"${HEADER}\"\n\n")
set(rows "")
set(index 0)
math(EXPR last "${CMAKE_ARGC} - 1")
set(files "")
set(from -1)
foreach(i RANGE ${last})
	if(from GREATER -1)
		list(APPEND files ${CMAKE_ARGV${i}})
	elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
		set(from ${i})
	endif()
endforeach()
list(SORT files)
foreach(file ${files})
	get_filename_component(name ${file} NAME)
	file(READ ${file} hex HEX)
	string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
	string(REGEX REPLACE
		"('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)"
		"\\1\\2\\3\\4\\5\\6\\7\\8\n" bytes "${bytes}")
	string(APPEND out "static const char file_${index}[] = {\n${bytes}0 };\n")
	string(APPEND rows
		"\t{ \"${name}\", { file_${index}, sizeof(file_${index}) - 1 } },\n")
	math(EXPR index "${index} + 1")
endforeach()
string(APPEND out
	"const struct embedded_file ${TABLE}[] = {\n${rows}\t{ 0 },\n};\n"
	"const size_t ${TABLE}_count = ${index};\n")
file(WRITE ${OUT} "${out}")
