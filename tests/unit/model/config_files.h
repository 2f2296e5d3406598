/*
 * Two files of settings in a folder of their own, and what was read from
 * them. Included once by a test program of the configuration.
 */
#ifndef UNIT_MODEL_CONFIG_FILES_H
#define UNIT_MODEL_CONFIG_FILES_H
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

struct config_files {
	char dir[64], file[96], requirements[96], token[96];
	struct config_sources more; /* what is read besides */
	struct diags *diags;
	struct config *config;
	struct err err;
};

static int
config_files_setup(void **state)
{
	static struct config_files f;

	memset(&f, 0, sizeof(f));
	(void)snprintf(f.dir, sizeof(f.dir), "/tmp/assent-config-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	(void)snprintf(f.file, sizeof(f.file), "%s/c.yaml", f.dir);
	(void)snprintf(
	    f.requirements, sizeof(f.requirements), "%s/r.yaml", f.dir);
	(void)snprintf(f.token, sizeof(f.token), "%s/token", f.dir);
	*state = &f;
	return 0;
}

static int
config_files_teardown(void **state)
{
	struct config_files *f = *state;

	config_free(f->config);
	diags_free(f->diags);
	(void)unlink(f->file);
	(void)unlink(f->requirements);
	(void)unlink(f->token);
	(void)rmdir(f->dir);
	return 0;
}

static void
config_files_put(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(
	    fdio_write_file(path, text, strlen(text), mode, NULL), 0);
}

/* requirements may be NULL: an empty file, so that the machine's own do not
 * matter here. */
static int
config_files_load(
    struct config_files *f, const char *text, const char *requirements)
{
	struct config_sources s = f->more;

	s.file = f->file;
	s.requirements = f->requirements;
	s.state_dir = "/state";
	s.runtime_dir = "/run/x";
	config_files_put(f->file, text, 0600);
	config_files_put(
	    f->requirements, requirements == NULL ? "" : requirements, 0600);
	diags_freep(&f->diags);
	f->diags = diags_new();
	config_freep(&f->config);
	return config_load(&s, f->diags, &f->config, &f->err);
}

#endif
