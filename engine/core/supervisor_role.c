/*
 * The supervisor from start to end.
 * Runs in: supervisor.  Trusts: its command line, its configuration (checked
 * owners); fixed frames from roles.  Owns: everything that outlives a role.
 */
#include "supervisor_role.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/command.h"
#include "supervisor_int.h"

#define DIAGS_BYTES_MAX ((size_t)1 << 18)

/* What a role would refuse is refused before any of them is told. */
static int
check_profiles(
    const struct supervisor *s, const struct config *c, struct err *e)
{
	if (s->executor == NULL || s->executor->check == NULL)
		return ERR_OK;
	return s->executor->check(c, e);
}

/* Findings for people on stderr; the failure itself as a log line. */
int
supervisor_load_config(struct supervisor *s, struct config **ret, struct err *e)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf out = BUF_INIT(DIAGS_BYTES_MAX);
	const struct diag *first;
	int r;

	if (d == NULL)
		return err_nomem(e);
	s->options.sources.environment = (const char *const *)environ;
	r = config_load(&s->options.sources, d, ret, e);
	diags_print(d, &out);
	if (out.len > 0)
		(void)fputs(buf_cstr(&out), stderr);
	first = diags_first_error(d);
	if (r != 0 && first != NULL)
		r = err_set(e, r, "%.200s:%u:%u: %.200s", first->file,
		    first->line, first->col, first->message);
	return r == 0 ? check_profiles(s, *ret, e) : r;
}

/* ---- signals ----------------------------------------------------------- */

static void
on_terminate(void *ctx, int signo)
{
	struct supervisor *s = ctx;

	log_info("signal", "name=%s", sigabbrev_np(signo));
	supervisor_stop(s, EXIT_SUCCESS);
}

static void
on_hang_up(void *ctx, int signo)
{
	(void)signo;
	supervisor_reload(ctx);
}

static int
watch_signals(struct supervisor *s, struct err *e)
{
	int r = loop_signal(s->loop, SIGTERM, on_terminate, s, e);

	if (r == 0)
		r = loop_signal(s->loop, SIGINT, on_terminate, s, e);
	if (r == 0)
		r = loop_signal(s->loop, SIGHUP, on_hang_up, s, e);
	if (r == 0 && signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		r = err_sys(e, "cannot ignore SIGPIPE");
	return r;
}

static void
on_watchdog(void *ctx)
{
	struct supervisor *s = ctx;

	sd_notify("WATCHDOG=1");
	s->watchdog = NULL;
	(void)loop_after(
	    s->loop, sd_watchdog_ms(), on_watchdog, s, &s->watchdog, NULL);
}

/* ---- start and end ----------------------------------------------------- */

/* 0-2 are open, so that no socket or file of ours takes their numbers. */
static int
fill_standard_fds(struct err *e)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return err_sys(e, "cannot open '/dev/null'");
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
	return ERR_OK;
}

static int
open_all(struct supervisor *s, struct err *e)
{
	int r = fill_standard_fds(e);

	/* While we are alone: roles and launchers come below. */
	cgroup_make_room();
	if (r == 0)
		r = supervisor_check_machine(s->config, e);
	if (r == 0)
		r = supervisor_dirs_open(s, e);
	if (r == 0)
		r = supervisor_programs_open(s, e);
	if (r == 0)
		r = supervisor_check_programs(s, s->config, e);
	if (r == 0)
		r = loop_new(&s->loop, e);
	if (r == 0)
		r = supervisor_elevated_open(s, e);
	if (r == 0)
		r = supervisor_review_open(s, e);
	if (r == 0)
		r = supervisor_credentials_open(s, e);
	if (r == 0)
		r = watch_signals(s, e);
	if (r == 0)
		r = supervisor_listen(s, e);
	return r;
}

static void
close_all(struct supervisor *s)
{
	supervisor_reload_done(s);
	supervisor_children_done(s);
	supervisor_launchers_done(s);
	review_helpers_freep(&s->review);
	supervisor_unlisten(s);
	supervisor_elevated_close(s);
	if (s->loop != NULL)
		loop_cancel(s->loop, s->watchdog);
	loop_free(s->loop);
	fd_closep(&s->launcher_fd);
	fd_closep(&s->self_fd);
	supervisor_dirs_close(s);
}

static int
serve(struct supervisor *s, struct err *e)
{
	int r = open_all(s, e);

	if (r == 0)
		r = supervisor_start_roles(s, e);
	if (r == 0 && sd_watchdog_ms() > 0)
		on_watchdog(s);
	if (r == 0)
		r = loop_run(s->loop, e);
	close_all(s);
	return r;
}

/* What a person must correct, or what is ours. */
static int
status_of(const struct err *e)
{
	switch (e->code) {
	case ERR_INVALID:
	case ERR_DENIED:
	case ERR_NOTFOUND:
	case ERR_LIMIT:
	case ERR_CONFLICT:
		return EXIT_CONFIG;
	case ERR_OK:
	case ERR_NOMEM:
	case ERR_SYS:
	case ERR_INTERNAL:
		return EXIT_INTERNAL;
	}
	return EXIT_INTERNAL;
}

static int
run(struct supervisor *s, struct err *e)
{
	int r = supervisor_load_config(s, &s->config, e);

	if (r != 0)
		return r;
	if (s->options.check_only) {
		(void)puts("settings are good");
		return ERR_OK;
	}
	log_info("starting", "version=%s uid=%u", ASSENT_VERSION,
	    (unsigned)geteuid());
	return serve(s, e);
}

int
supervisor_main(int argc, char **argv, const struct role *const *roles,
    size_t count, const struct role_ports *ports)
{
	AUTO_FREE struct supervisor *s = mem_new(1, sizeof(*s));
	struct err e = ERR_INIT;
	int status = EXIT_INTERNAL;

	log_open("supervisor", LOG_INFO);
	if (s == NULL)
		return EXIT_INTERNAL;
	s->executor = ports->executor;
	s->self_fd = -1;
	s->launcher_fd = -1;
	s->news_fd = -1;
	s->state_lock = -1;
	s->runtime_lock = -1;
	supervisor_children_init(s, roles, count);
	if (supervisor_args(argc, argv, &s->options, &status) != 0)
		return status;
	confine_forbid_dumps();
	if (run(s, &e) != 0) {
		log_err("failed", "why=%s", e.msg);
		s->status = status_of(&e);
	}
	config_free(s->config);
	return s->status;
}
