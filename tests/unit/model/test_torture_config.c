/*
 * Memory that runs out at every single point: the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "model/config.h"
#include "torture.h"

static const char settings_text[] = "approval_policy: untrusted\n"
				    "ask_timeout: 5m\n"
				    "log: {payloads: full}\n"
				    "require: [landlock>=3, seccomp, userns]\n";

static const char requirements_text[] =
    "approval_policy: {allowed: [untrusted, on-request]}\n"
    "profiles: {allowed: [read-only, workspace-write]}\n"
    "require: {forced: [no_new_privs]}\n";

static char settings_path[64], requirements_path[64];

static int
load(void)
{
	const char *const rules[] = { "/rules/a", "/rules/b" };
	const struct config_sources s = {
		.file = settings_path,
		.requirements = requirements_path,
		.state_dir = "/state",
		.runtime_dir = "/run/x",
		.rule_dirs = rules,
		.rule_dir_count = 2,
	};
	AUTO(config_freep) struct config *c = NULL;
	AUTO(config_freep) struct config *copy = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf record = BUF_INIT((size_t)1 << 20);
	int r;

	if (d == NULL)
		return ERR_NOMEM;
	r = config_load(&s, d, &c, NULL);
	/* Lack of memory is no fault of the file. */
	if (r != 0)
		return r;
	config_encode(c, SECRETS_NONE, &record);
	r = buf_done(&record, NULL);
	if (r == 0)
		r = config_decode(buf_str(&record), &copy, NULL);
	if (r == 0)
		assert_int_equal(copy->require_count, 4);
	return r;
}

static void
the_configuration(void **state)
{
	(void)state;
	torture(load, 6);
}

static void
put(char path[static 64], const char *text)
{
	AUTO_FD int fd = -1;

	(void)snprintf(path, 64, "/tmp/assent-torture-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fdio_write_all(fd, text, strlen(text), NULL), 0);
}

static int
make_files(void **state)
{
	(void)state;
	put(settings_path, settings_text);
	put(requirements_path, requirements_text);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(settings_path);
	(void)unlink(requirements_path);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration),
	};

	return cmocka_run_group_tests_name(
	    "torture", tests, make_files, remove_files);
}
