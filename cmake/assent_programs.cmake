# The executables: here, and only here, modules that do not know each other
# meet.

# The subcommands of assent, in the order of its help, whose groups
# (engine/tools/assent_main.c) begin with check, run, pending, status, install
# and completion. Each is a constant command_NAME in the module that knows its
# subject.
set(ASSENT_COMMANDS
	check
	rules
	run
	shell
	sandbox
	changes
	stop
	pending
	tui
	approve
	deny
	undo
	revise
	escalate
	passphrase
	grants
	status
	doctor
	requirements
	setup
	log
	report
	review
	credentials
	install
	hook
	mcp
	mcp_proxy
	acp
	codex
	opencode
	completion)

set(ASSENT_COMMAND_DECLARATIONS "")
set(ASSENT_COMMAND_ROWS "")
foreach(name ${ASSENT_COMMANDS})
	string(APPEND ASSENT_COMMAND_DECLARATIONS
		"extern const struct command command_${name};\n")
	string(APPEND ASSENT_COMMAND_ROWS "\t&command_${name},\n")
endforeach()

# Verbs of a command that live in another module than it.
set(ASSENT_VERBS
	rules_shadow
	rules_rollback
	rules_off)
set(ASSENT_VERB_ROWS "")
foreach(name ${ASSENT_VERBS})
	string(APPEND ASSENT_COMMAND_DECLARATIONS
		"extern const struct command command_${name};\n")
	string(APPEND ASSENT_VERB_ROWS "\t&command_${name},\n")
endforeach()
configure_file(${CMAKE_SOURCE_DIR}/cmake/commands.c.in
	${CMAKE_BINARY_DIR}/generated/commands.c @ONLY)

# Those of them that are in assent itself, for agents wait for them. Each has
# to do with what lint.needed lets assent load.
set(ASSENT_FRONT_ROWS "")
foreach(name hook run shell sandbox)
	string(APPEND ASSENT_FRONT_ROWS "\t&command_${name},\n")
endforeach()
set(ASSENT_COMMAND_ROWS ${ASSENT_FRONT_ROWS})
set(ASSENT_VERB_ROWS "\tNULL,\n")
configure_file(${CMAKE_SOURCE_DIR}/cmake/commands.c.in
	${CMAKE_BINARY_DIR}/generated/front.c @ONLY)

# assent_program(NAME SOURCES a.c ... MODULES x y ...): what it is made of is
# also what it may hold. It waits for its sources: a program whose main file is
# not there yet is not built.
function(assent_program name)
	cmake_parse_arguments(P "" "" "SOURCES;MODULES" ${ARGN})
	foreach(source ${P_SOURCES})
		get_filename_component(path ${source} ABSOLUTE
			BASE_DIR ${CMAKE_SOURCE_DIR})
		if(NOT EXISTS ${path})
			return()
		endif()
	endforeach()
	add_executable(${name} ${P_SOURCES})
	foreach(module ${P_MODULES})
		if(TARGET assent_${module})
			target_link_libraries(${name} PRIVATE assent_${module})
		endif()
	endforeach()
	set_property(GLOBAL APPEND PROPERTY ASSENT_PROGRAMS ${name})
endfunction()

# What is shipped of a program whose processes are many and short is linked
# statically, still at a random address: each of them then has half of the
# mappings, which the kernel copies and takes down for each run.
if(ASSENT_HARDEN)
	check_linker_flag(C -static-pie HAVE_LINK_STATIC_PIE)
endif()
function(assent_static name)
	if(HAVE_LINK_STATIC_PIE)
		set_target_properties(${name} PROPERTIES ASSENT_STATIC ON)
		# Among the libraries, for it has to come after -pie.
		target_link_libraries(${name} PRIVATE -static-pie)
	endif()
endfunction()

# What the small programs need of libcrypto is linked statically: loading the
# library would cost more than a hook or a sandbox.
find_library(LIBCRYPTO_STATIC NAMES libcrypto.a REQUIRED)
set(sha256_lean engine/base/lean/sha256_lean.c)

# assent is small, for a client starts it before each tool call; for commands
# that it does not have it becomes assent-cli, which has all.
assent_program(assent
	SOURCES engine/tools/front_main.c ${sha256_lean}
		${CMAKE_BINARY_DIR}/generated/front.c
	MODULES tools sandbox)
target_link_libraries(assent PRIVATE ${LIBCRYPTO_STATIC})

assent_program(assent-cli
	SOURCES engine/tools/assent_main.c
		${CMAKE_BINARY_DIR}/generated/commands.c
	MODULES tools tui rules db sandbox reviewer_tool credentials_tool)

# Under this name it is a shell: engine/tools/shell.h.
add_custom_command(TARGET assent POST_BUILD
	COMMAND ${CMAKE_COMMAND} -E create_symlink assent
		$<TARGET_FILE_DIR:assent>/assent-shell
	VERBATIM)

assent_program(assentd
	SOURCES engine/main.c
	MODULES api core rules db sandbox reviewer)

# The reviewer's process: the network client is mapped here alone.
assent_program(assent-reviewer
	SOURCES reviewer/role/reviewer_main.c
	MODULES reviewer_role)
# So has the reporter's, which sends the log to others.
assent_program(assent-reporter
	SOURCES engine/otlp/reporter_main.c
	MODULES otlp)

# So has what speaks with remote MCP servers (assent mcp-proxy --url).
assent_program(assent-mcp-remote
	SOURCES engine/remote/remote_main.c
	MODULES remote)

# The broker of credentials: it alone has their secrets, and libssl.
assent_program(assent-broker
	SOURCES sandbox/broker/broker_main.c
	MODULES broker)

# The helpers of the sandbox know neither JSON, the network client nor the
# store: tests/lint/elf.sh holds them to it.
assent_program(assent-exec
	SOURCES sandbox/exec_main.c ${sha256_lean}
	MODULES sandbox)
if(TARGET assent-exec)
	target_link_libraries(assent-exec PRIVATE ${LIBCRYPTO_STATIC})
	assent_static(assent-exec)
endif()
assent_program(assent-proxy
	SOURCES sandbox/proxy/proxy_main.c
	MODULES proxy)

# assent(1), its list of commands made from the table above.
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/assent.1
	COMMAND ${CMAKE_COMMAND} -D PROGRAM=$<TARGET_FILE:assent-cli>
		-D IN=${CMAKE_SOURCE_DIR}/docs/man/assent.1.in
		-D OUT=${CMAKE_BINARY_DIR}/man/assent.1
		-P ${CMAKE_SOURCE_DIR}/cmake/man_page.cmake
	DEPENDS assent-cli docs/man/assent.1.in cmake/man_page.cmake
	VERBATIM)
add_custom_target(man ALL DEPENDS ${CMAKE_BINARY_DIR}/man/assent.1)
