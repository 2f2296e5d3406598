# A module: one static library, its public headers staged by themselves.
#
#   assent_module(rules DIR rules HEADERS rules.h DEPS base model core
#                 LIBS PCRE2)
#
# Sources are all *.c of DIR (and of SUBDIRS). A module sees the staged public
# headers of its DEPS, and its own folder; nothing else. Each module is also
# linked whole against its DEPS alone (linkcheck_NAME), so that a call into a
# module that it does not declare is an error.
include(CMakeParseArguments)

set(ASSENT_STAGE ${CMAKE_BINARY_DIR}/stage)

function(assent_stage_headers name prefix dir)
	foreach(header ${ARGN})
		set(to ${ASSENT_STAGE}/${name}/${prefix}/${header})
		get_filename_component(folder ${to} DIRECTORY)
		file(MAKE_DIRECTORY ${folder})
		file(CREATE_LINK ${dir}/${header} ${to} SYMBOLIC)
	endforeach()
endfunction()

function(assent_module name)
	cmake_parse_arguments(M "" "DIR;PREFIX" "HEADERS;SUBDIRS;DEPS;LIBS" ${ARGN})
	set(dir ${CMAKE_SOURCE_DIR}/${M_DIR})
	if(NOT M_PREFIX)
		set(M_PREFIX ${name})
	endif()
	set(globs ${dir}/*.c)
	foreach(sub ${M_SUBDIRS})
		list(APPEND globs ${dir}/${sub}/*.c)
	endforeach()
	file(GLOB sources CONFIGURE_DEPENDS ${globs})
	# Files that hold a main() belong to executables, named *_main.c or main.c.
	list(FILTER sources EXCLUDE REGEX "(_main|/main)\\.c$")
	assent_stage_headers(${name} ${M_PREFIX} ${dir} ${M_HEADERS})
	set(target assent_${name})
	add_library(${target} STATIC ${sources})
	# -iquote: a header of ours never hides a system header of that name.
	target_compile_options(${target} PRIVATE "SHELL:-iquote ${dir}")
	target_include_directories(${target} INTERFACE ${ASSENT_STAGE}/${name})
	# A module includes its own public headers by their public names, too.
	target_include_directories(${target} PRIVATE ${ASSENT_STAGE}/${name})
	foreach(dep ${M_DEPS})
		target_link_libraries(${target} PUBLIC assent_${dep})
	endforeach()
	# A static program (assent_static) brings what it needs of them itself.
	foreach(lib ${M_LIBS})
		target_link_libraries(${target} PUBLIC
			$<$<NOT:$<BOOL:$<TARGET_PROPERTY:ASSENT_STATIC>>>:${lib}>)
	endforeach()
	set_property(GLOBAL APPEND PROPERTY ASSENT_MODULES ${name})
	set_property(TARGET ${target} PROPERTY ASSENT_DIR ${dir})

	# One build that proves it is enough.
	if(ASSENT_SANITIZE)
		return()
	endif()
	set(open_ports)
	if("ports" IN_LIST M_DEPS)
		set(open_ports ${CMAKE_SOURCE_DIR}/cmake/linkcheck_ports.c)
	endif()
	add_executable(linkcheck_${name}
		${CMAKE_SOURCE_DIR}/cmake/linkcheck.c ${open_ports})
	set_target_properties(linkcheck_${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/linkcheck)
	target_link_libraries(linkcheck_${name} PRIVATE
		-Wl,--whole-archive ${target} -Wl,--no-whole-archive)
endfunction()

# What a test of a module sees: the module's own headers and a few names.
function(assent_test_program target module)
	get_target_property(dir assent_${module} ASSENT_DIR)
	target_compile_options(${target} PRIVATE
		"SHELL:-iquote ${dir}" -Wno-missing-prototypes)
	target_include_directories(${target} PRIVATE
		${CMAKE_SOURCE_DIR}/tests ${CMAKE_SOURCE_DIR}/tests/unit
		$<TARGET_PROPERTY:assent_${module},INCLUDE_DIRECTORIES>)
	target_link_libraries(${target} PRIVATE
		assent_${module} PkgConfig::CMOCKA)
	target_compile_definitions(${target} PRIVATE
		TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
		TEST_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
	set_target_properties(${target} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# What a test may take on a busy machine (most take milliseconds); sanitizers
# make it several times slower.
set(ASSENT_UNIT_SECONDS 60)
set(ASSENT_DATA_SECONDS 60)
if(ASSENT_SANITIZE)
	set(ASSENT_UNIT_SECONDS 180)
	set(ASSENT_DATA_SECONDS 180)
endif()

# tests/unit/MODULE/test_*.c: one cmocka program each, CTest name unit.MODULE.X
function(assent_unit_tests module)
	file(GLOB tests CONFIGURE_DEPENDS
		${CMAKE_SOURCE_DIR}/tests/unit/${module}/test_*.c)
	foreach(source ${tests})
		get_filename_component(base ${source} NAME_WE)
		string(REGEX REPLACE "^test_" "" what ${base})
		set(target unit_${module}_${what})
		add_executable(${target} ${source})
		assent_test_program(${target} ${module})
		# A torture test makes each allocation fail in turn.
		if(what MATCHES "torture")
			target_link_options(${target} PRIVATE
				-Wl,--wrap=malloc,--wrap=calloc
				-Wl,--wrap=realloc,--wrap=free)
		endif()
		add_test(NAME unit.${module}.${what} COMMAND ${target})
		set_tests_properties(unit.${module}.${what} PROPERTIES
			LABELS unit TIMEOUT ${ASSENT_UNIT_SECONDS})
	endforeach()
endfunction()

# tests/data/data_NAME.c walks the cases below tests/data/NAME: CTest name
# data.NAME. A case is a folder; whoever adds one needs no C.
function(assent_data_test name module)
	set(target data_${name})
	add_executable(${target} ${CMAKE_SOURCE_DIR}/tests/data/data_${name}.c)
	assent_test_program(${target} ${module})
	add_test(NAME data.${name} COMMAND ${target}
		${CMAKE_SOURCE_DIR}/tests/data/${name})
	set_tests_properties(data.${name} PROPERTIES LABELS data TIMEOUT ${ASSENT_DATA_SECONDS})
endfunction()

# tests/fuzz/fuzz_NAME.c: with libFuzzer in preset fuzz; everywhere else its
# corpus is replayed (CTest name fuzz.replay.NAME), so that yesterday's crash
# is a test of today.
function(assent_fuzz_target name module)
	set(target fuzz_${name})
	set(sources ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
	if(NOT ASSENT_FUZZ)
		list(APPEND sources ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
	endif()
	add_executable(${target} ${sources})
	assent_test_program(${target} ${module})
	if(ASSENT_FUZZ)
		target_link_options(${target} PRIVATE -fsanitize=fuzzer)
	endif()
	set(corpus ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
	add_test(NAME fuzz.replay.${name} COMMAND ${target} -runs=0 ${corpus})
	set_tests_properties(fuzz.replay.${name} PROPERTIES
		LABELS unit TIMEOUT ${ASSENT_DATA_SECONDS})
endfunction()
