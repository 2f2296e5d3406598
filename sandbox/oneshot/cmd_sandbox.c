/*
 * assent sandbox: the executor alone.
 * Runs in: assent.  Trusts: the administrator's files.
 * Owns: nothing.
 */
#include "model/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "model/requirements.h"
#include "oneshot/oneshot_begin.h"
#include "oneshot/oneshot_command.h"
#include "oneshot/options.h"

#define NOWHERE "/nonexistent"
#define FOLDERS_MAX ((size_t)60 << 10)
#define DIAGS_TEXT_MAX ((size_t)60 << 10)

static int run_sandbox(int argc, char **argv);

static const struct command_option sandbox_options[] = {
	{ "--profile", "NAME",
	    "read-only, workspace-write (the default) or one of the "
	    "configuration" },
	{ "--config", "FILE", "the configuration that has the profiles" },
	{ "--workspace", "DIR", "the folder to work in; default: this one" },
	{ "--home", "DIR", "the home to close; default: $HOME if it is yours" },
	{ "--host", "HOST",
	    "let it reach this host, or HOST:PORT; repeatable" },
	{ "--overlay", NULL, "work on a copy of the workspace, show changes" },
	{ "--apply", "WHAT",
	    "after it: all, none (the default) or a path; repeatable" },
	{ "--tty", NULL, "give it a terminal of its own, shown in this one" },
	{ "--timeout", "TIME", "end the command after this time (60s, 10m)" },
	{ "--print-plan", NULL, "print what would be done, as JSON" },
	{ "--pin", "FILE",
	    "write a record of exactly what would run to FILE; run nothing" },
	{ "--pinned", "FILE", "run only what --pin recorded in FILE" },
};

const struct command command_sandbox = {
	.name = "sandbox",
	.summary = "Run a command in the sandbox, without the daemon",
	.usage = "sandbox [OPTIONS] -- CMD...",
	.details =
	    "The command sees the system read-only, the workspace writable "
	    "but for\nits protected parts, and nothing of the home but tools; "
	    "it has no network\nbut the hosts that --host or its profile "
	    "names, no "
	    "privileges, and limits on time,\nmemory, processes, files and "
	    "output.\n\nThe exit status is the "
	    "command's own (128 + the signal that ended it);\n125: denied, "
	    "124: timed out, 123: the sandbox itself failed.",
	.example = "assent sandbox --timeout 60s -- make test",
	.options = sandbox_options,
	.option_count = ARRAY_LEN(sandbox_options),
	.run = run_sandbox,
};

static int
check_host(const struct config *c, const char *host, struct err *e)
{
	AUTO_BUF struct buf why = BUF_INIT(ERR_MSG_MAX);
	const struct config_requirement *q;

	if (requirements_permit_host(&c->ceiling, host, &q))
		return ERR_OK;
	requirement_put(q, &why);
	return err_set(e, ERR_DENIED,
	    "the host '%.253s' may never be reached from here: %s", host,
	    buf_cstr(&why));
}

/* What the administrator says holds without the daemon, too. */
static int
check_requirements(
    const struct config *c, const struct options *o, struct err *e)
{
	int r = ERR_OK;

	if (c->elevated == ELEVATED_REQUIRED)
		return err_set(e, ERR_DENIED,
		    "elevated runs are required, and only the daemon has "
		    "them: use assent run");
	for (size_t i = 0; r == 0 && i < o->host_count; i++)
		r = check_host(c, o->hosts[i], e);
	return r;
}

static int
load_config(const struct options *o, struct config **ret, struct err *e)
{
	struct config_sources from = { .file = o->config_file };
	AUTO(arena_freep) struct arena *a = arena_new(FOLDERS_MAX);
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(config_freep) struct config *c = NULL;
	AUTO_BUF struct buf text = BUF_INIT(DIAGS_TEXT_MAX);
	const char *dir;
	int r;

	if (d == NULL || a == NULL)
		return err_nomem(e);
	/* Somebody without a home has no daemon whose folders count. */
	if (config_state_dir(NULL, a, &dir, NULL) != 0)
		from.state_dir = NOWHERE;
	if (config_runtime_dir(NULL, a, &dir, NULL) != 0)
		from.runtime_dir = NOWHERE;
	r = config_load(&from, d, &c, e);
	if (r != 0) {
		diags_print(d, &text);
		if (text.len > 0)
			(void)fdio_write_all(
			    STDERR_FILENO, text.s, text.len, NULL);
		return r;
	}
	r = check_requirements(c, o, e);
	if (r == 0)
		*ret = TAKE_PTR(c);
	return r;
}

static int
run_sandbox(int argc, char **argv)
{
	AUTO(config_freep) struct config *c = NULL;
	struct options o;
	struct oneshot_begun begun = ONESHOT_BEGUN_INIT;
	struct err e = ERR_INIT;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		command_help(&command_sandbox);
		return EXIT_OK;
	}
	/* Words are options only where they are read as such: once, there. */
	if (options_read(argc, argv, &o, NULL) != 0)
		return oneshot_command(argc, argv, NULL, NULL); /* says why */
	oneshot_begin(&o, &begun);
	if (load_config(&o, &c, &e) != 0) {
		oneshot_begun_done(&begun);
		(void)fprintf(stderr, "assent: %s\n", e.msg);
		return EXIT_CONFIG;
	}
	return oneshot_command(argc, argv, c, &begun);
}
