# Warnings for every preset, hardening for release; each flag is probed.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

function(assent_try_flag flag)
	string(MAKE_C_IDENTIFIER "HAVE_FLAG_${flag}" var)
	check_c_compiler_flag(${flag} ${var})
	if(${var})
		add_compile_options(${flag})
	endif()
endfunction()

function(assent_try_link_flag flag)
	string(MAKE_C_IDENTIFIER "HAVE_LINK_FLAG_${flag}" var)
	check_linker_flag(C ${flag} ${var})
	if(${var})
		add_link_options(${flag})
	endif()
endfunction()

set(warnings
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
	-Wcast-qual -Wformat=2 -Wundef -Wvla -Walloca -Wstrict-prototypes
	-Wmissing-prototypes -Wnull-dereference -Wswitch-enum
	-Wimplicit-fallthrough -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wformat-signedness
	-Wcast-align=strict)
if(NOT ASSENT_SANITIZE)
	# sanitizers surround every variable with a zone of their own
	list(APPEND warnings -Wframe-larger-than=16384)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
	# libseccomp's macros; gcc looks at our own
	list(APPEND warnings -Wno-gnu-zero-variadic-macro-arguments
		-Wno-missing-field-initializers)
endif()
foreach(flag ${warnings})
	assent_try_flag(${flag})
endforeach()
add_compile_options(-Werror)
add_compile_definitions(_GNU_SOURCE)
add_compile_options(
	"$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${CMAKE_SOURCE_DIR}/engine/base/poison.h>")

# Some three hundred programs are linked: the first of these that is there does
# it in half of the time. What is shipped is made by the default one.
if(NOT ASSENT_HARDEN AND NOT "${CMAKE_EXE_LINKER_FLAGS}" MATCHES "-fuse-ld")
	foreach(linker lld gold)
		check_linker_flag(C -fuse-ld=${linker} HAVE_LINKER_${linker})
		if(HAVE_LINKER_${linker})
			add_link_options(-fuse-ld=${linker})
			break()
		endif()
	endforeach()
endif()

# A program needs the libraries that it calls, not those of its whole module.
add_link_options(-Wl,--as-needed)

if(ASSENT_HARDEN)
	foreach(flag
		-fstack-protector-strong -fstack-clash-protection
		-fcf-protection=full -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
		-ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
		-fno-delete-null-pointer-checks -fno-strict-overflow
		-fno-strict-aliasing -fvisibility=hidden)
		assent_try_flag(${flag})
	endforeach()
	foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,defs)
		assent_try_link_flag(${flag})
	endforeach()
endif()
