/*
 * Files that are run by another file.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <elf.h>
#include <string.h>
#include <cmocka.h>

#include "launcher/run_by.h"

static void
usual_first_lines_are_of_the_system(void **state)
{
	static const char *const lines[] = { "#!/bin/sh\n", "#!/bin/sh -eu\n",
		"#! /bin/bash -x \nls", "#!/usr/bin/env python3\n",
		"#!/usr/bin/perl -w -T\n", "#!/usr/bin/awk -f\n",
		"#!/usr/bin/make -f\n", "#!/bin/sed -nf\n", "#!/bin/sh -\n",
		"#!/bin/sh /etc/rc.common\n", "#!", "#!\n", "echo ./x.sh", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (run_by_another(str_of(lines[i])))
			fail_msg("refused: %s", lines[i]);
	}
}

static void
first_lines_that_run_another_file_are_told(void **state)
{
	static const char *const lines[] = { "#!./x.sh\n", "#!x", "#!\r./x\n",
		"#!/w/not-there-yet\n", "#!/usr/../w/not-there-yet\n",
		"#!/bin/sh ./impl.sh\n", "#!/bin/sh impl.sh\n",
		"#!/bin/sh -e impl.sh\n", "#!/bin/sh /w/impl.sh\n",
		"#!/usr/bin/env ./tool\n", "#!/usr/bin/env -S ./tool\n",
		"#!/usr/bin/env -S tool\n", "#!/usr/bin/env -vS tool\n",
		"#!/usr/bin/env --split-string=./tool\n",
		"#!/usr/bin/env PATH=.\n", "#!/usr/bin/python3 -mtool\n",
		"#!/usr/bin/make -fother\n", "#!/usr/bin/perl -I./lib\n",
		"#!/usr/bin/node --require=./x\n",
		"#!/usr/bin/bash --rcfile=x\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!run_by_another(str_of(lines[i])))
			fail_msg("not refused: %s", lines[i]);
	}
}

struct program {
	Elf64_Ehdr h;
	Elf64_Phdr p;
	char loader[64];
};

static bool
is_foreign(const struct program *p, size_t size)
{
	return run_by_another(str_n((const char *)p, size));
}

static void
a_loader_that_is_not_of_the_system_is_told(void **state)
{
	struct program p = { .h.e_phnum = 1 };

	(void)state;
	memcpy(p.h.e_ident, ELFMAG, SELFMAG);
	p.h.e_ident[EI_CLASS] = ELFCLASS64;
	p.h.e_phoff = offsetof(struct program, p);
	p.h.e_phentsize = sizeof(p.p);
	p.p.p_type = PT_INTERP;
	p.p.p_offset = offsetof(struct program, loader);
	p.p.p_filesz = sizeof(p.loader);
	memcpy(p.loader, "/lib64/ld-linux-x86-64.so.2", 28);
	assert_false(is_foreign(&p, sizeof(p)));
	assert_true(is_foreign(&p, sizeof(p) - 1));
	memcpy(p.loader, "/w/ld.so", 9);
	assert_true(is_foreign(&p, sizeof(p)));
	p.h.e_ident[EI_CLASS] = ELFCLASS32; /* the kernel does not care */
	assert_true(is_foreign(&p, sizeof(p)));
	memcpy(p.loader, "./ld.so", 8);
	assert_true(is_foreign(&p, sizeof(p)));
	p.p.p_type = PT_LOAD;
	assert_false(is_foreign(&p, sizeof(p)));
	p.h.e_phoff = UINT64_MAX;
	assert_true(is_foreign(&p, sizeof(p)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_first_lines_are_of_the_system),
		cmocka_unit_test(first_lines_that_run_another_file_are_told),
		cmocka_unit_test(a_loader_that_is_not_of_the_system_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
