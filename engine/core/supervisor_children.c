/*
 * The life of roles: started, watched, started again, stopped in order.
 * Runs in: supervisor.  Trusts: nothing that a role says beyond its own
 * report.  Owns: the roles' pidfds and links.
 */
#include <assert.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "model/command.h"
#include "supervisor_int.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 30000
#define BACKOFF_STEPS_MAX 16
/* Up for so long, a role is taken to be well again. */
#define WELL_AFTER_NS ((int64_t)60 * 1000000000)
#define READY_WITHIN_MS 60000
#define STOPPED_WITHIN_MS 10000
#define HANG_UP_GRACE_MS 2000
#define CONFIG_RECORD_MAX ((size_t)4 << 20)
#define REPORT_BYTES_MAX 64
#define REASON_BYTES 1024
#define ROLE_ARG_MAX 64
#define PASSWD_BYTES_MAX ((size_t)1 << 16)

static int start_child(struct child *c, struct err *e);
static void stop_next(struct supervisor *s);

void
supervisor_end_child(struct child *c)
{
	if (c->state == CHILD_DOWN)
		return;
	c->killed = true;
	(void)pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
}

static void
set_timer(struct child *c, int64_t ms, loop_timer_fn *fn)
{
	struct err e = ERR_INIT;

	loop_cancel(c->s->loop, c->timer);
	c->timer = NULL;
	if (loop_after(c->s->loop, ms, fn, c, &c->timer, &e) != 0) {
		log_err("no-timer", "why=%s", e.msg);
		supervisor_stop(c->s, EXIT_INTERNAL);
	}
}

static void
clear_timer(struct child *c)
{
	loop_cancel(c->s->loop, c->timer);
	c->timer = NULL;
}

static void
on_patience_ended(void *ctx)
{
	struct child *c = ctx;

	c->timer = NULL;
	log_err("role-killed", "role=%s pid=%d why=%s", c->role->name,
	    (int)c->pid,
	    c->link == NULL                  ? "it hung up and did not end"
		: c->state == CHILD_STARTING ? "it did not become ready"
					     : "it did not stop");
	supervisor_end_child(c);
}

/* ---- what a role says -------------------------------------------------- */

static void
announce(struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++) {
		if (supervisor_is_wanted(s, &s->children[i]) &&
		    s->children[i].state != CHILD_UP)
			return;
	}
	if (s->announced)
		return;
	s->announced = true;
	log_info("ready", "runtime=%s state=%s", s->config->runtime_dir,
	    s->config->state_dir);
	sd_notify("READY=1");
}

static int
on_ready(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct child *c = ctx;
	struct err why = ERR_INIT;
	struct rec rec = rec_of(m->payload);
	struct confine_report report;

	if (confine_report_get(&rec, &report) != 0 || rec_done(&rec, e) != 0)
		return err_set(e, ERR_INTERNAL, "ill-formed report");
	clear_timer(c);
	/* I10: what is required and missing ends the daemon, not the rule. */
	if (supervisor_check_report(
		c->s->config, c->role->name, &report, &why) != 0) {
		log_err("requirement-not-met", "why=%s", why.msg);
		supervisor_stop(c->s, EXIT_CONFIG);
		return ERR_OK;
	}
	c->report = report;
	c->state = CHILD_UP;
	c->was_up = true;
	log_info("role-up",
	    "role=%s pid=%d landlock=%d seccomp=%d%s restarts=%u",
	    c->role->name, (int)c->pid, report.landlock_abi, report.seccomp,
	    report.relaxed ? " (relaxed for a sanitizer)" : "", c->restarts);
	if (c->s->stopping)
		return ERR_OK;
	if (c->role->takes_keys)
		supervisor_review_send_keys(c);
	if (c->role->takes_secrets)
		supervisor_credentials_send(c);
	supervisor_introduce(c);
	supervisor_tell_status(c->s);
	announce(c->s);
	supervisor_reload_up(c->s);
	return ERR_OK;
}

struct child *
supervisor_child(struct supervisor *s, const char *name)
{
	for (size_t i = 0; i < s->child_count; i++) {
		if (strcmp(s->children[i].role->name, name) == 0)
			return &s->children[i];
	}
	return NULL;
}

/* I6: a peer was sent what it may not be sent; the sender ends. Only those
 * that have a link can accuse each other. */
static int
on_peer_ended(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(REASON_BYTES * 2);
	struct child *c = ctx;
	struct rec rec = rec_of(m->payload);
	struct child *peer;
	char *name, *why;
	int r;

	if (a == NULL)
		return err_nomem(e);
	name = rec_cstr(&rec, a);
	why = rec_cstr(&rec, a);
	r = rec_done(&rec, e);
	if (r != 0)
		return r;
	peer = name == NULL ? NULL : supervisor_child(c->s, name);
	if (peer == NULL || why == NULL ||
	    !supervisor_are_linked(c->role->name, name))
		return err_set(e, ERR_INTERNAL, "accuses a stranger");
	log_err("role-killed", "role=%s pid=%d by=%s why=%s", name,
	    (int)peer->pid, c->role->name, why);
	supervisor_end_child(peer);
	return ERR_OK;
}

/* What every role says. */
#define ROW_READY                                                              \
	{                                                                      \
		.type = RS_READY, .flags = IPC_ONCE,                           \
		.len_max = REPORT_BYTES_MAX, .handler = on_ready               \
	}
#define ROW_PEER_ENDED                                                         \
	{                                                                      \
		.type = RS_PEER_ENDED, .len_max = REASON_BYTES,                \
		.handler = on_peer_ended                                       \
	}
#define ROW_PONG                                                               \
	{                                                                      \
		.type = RS_PONG, .handler = supervisor_on_pong                 \
	}
#define ROWS_OF_ENGINE 3 /* the last ones */

static const struct ipc_row every_row[] = {
	ROW_READY,
	ROW_PEER_ENDED,
	ROW_PONG,
	{
	    .type = RS_RELOADED,
	    .len_max = REASON_BYTES,
	    .handler = supervisor_on_reloaded,
	},
	/* Engine alone: see rows_of. */
	{
	    .type = ES_LAUNCH,
	    .len_max = 16,
	    .handler = supervisor_on_launch,
	},
	{
	    .type = ES_END_LAUNCHER,
	    .len_max = 8,
	    .handler = supervisor_on_end_launcher,
	},
	{
	    .type = ES_PROJECT,
	    .len_max = PATH_BYTES_MAX + 64,
	    .handler = supervisor_on_project,
	},
};

static bool
is_engine(const struct role *r)
{
	return strcmp(r->name, "engine") == 0;
}

/* The reviewer's: it says the same, and asks for programs. */
static const struct ipc_row reviewer_rows[] = {
	ROW_READY,
	ROW_PEER_ENDED,
	ROW_PONG,
	{
	    .type = RS_PROGRAM,
	    .len_max = 16,
	    .handler = supervisor_on_program,
	},
	{
	    .type = RS_PROGRAM_DONE,
	    .len_max = 8,
	    .handler = supervisor_on_program_done,
	},
};

/* The broker's: it opens nothing itself. */
static const struct ipc_row broker_rows[] = {
	ROW_READY,
	ROW_PEER_ENDED,
	ROW_PONG,
	{
	    .type = RS_SOURCE,
	    .len_max = 12,
	    .handler = supervisor_on_source,
	},
};

static const struct ipc_row *
rows_of(const struct role *r, size_t *ret_count)
{
	if (r->takes_keys) {
		*ret_count = ARRAY_LEN(reviewer_rows);
		return reviewer_rows;
	}
	if (r->takes_secrets) {
		*ret_count = ARRAY_LEN(broker_rows);
		return broker_rows;
	}
	*ret_count = is_engine(r) ? ARRAY_LEN(every_row)
				  : ARRAY_LEN(every_row) - ROWS_OF_ENGINE;
	return every_row;
}

static void
on_link_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct child *c = ctx;

	review_helpers_forget(c->s->review, i);
	ipc_free(i);
	c->link = NULL;
	if (why != NULL) {
		log_err("role-killed", "role=%s pid=%d why=%s", c->role->name,
		    (int)c->pid, why->msg);
		supervisor_end_child(c);
	} else {
		/* It ends by itself, and then its own status is told. */
		set_timer(c, HANG_UP_GRACE_MS, on_patience_ended);
	}
}

/* ---- the end of a role ------------------------------------------------- */

static int64_t
backoff_ms(const struct child *c)
{
	const unsigned steps =
	    c->failures < BACKOFF_STEPS_MAX ? c->failures : BACKOFF_STEPS_MAX;
	const int64_t ms = (int64_t)BACKOFF_FIRST_MS << steps;

	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void schedule(struct child *c);

static void
on_next_try(void *ctx)
{
	struct child *c = ctx;
	struct err e = ERR_INIT;

	c->timer = NULL;
	if (c->s->stopping || !supervisor_is_wanted(c->s, c))
		return;
	c->restarts++;
	if (start_child(c, &e) == 0)
		return;
	log_err("role-not-started", "role=%s why=%s", c->role->name, e.msg);
	c->failures++;
	schedule(c);
}

static void
schedule(struct child *c)
{
	const int64_t ms = backoff_ms(c);

	log_warn("role-restarts", "role=%s in_ms=%lld failures=%u",
	    c->role->name, (long long)ms, c->failures);
	set_timer(c, ms, on_next_try);
}

/* A role that never came up will not do so the next time: settings, rules or
 * the store need a person. */
static void
give_up(struct child *c, int code)
{
	log_err("not-started", "role=%s did not start (%s)", c->role->name,
	    c->how_ended);
	supervisor_stop(
	    c->s, code == EXIT_CONFIG ? EXIT_CONFIG : EXIT_INTERNAL);
}

static void
forget_process(struct child *c)
{
	clear_timer(c);
	loop_forget(c->s->loop, c->pidfd);
	fd_closep(&c->pidfd);
	if (c->link != NULL)
		review_helpers_forget(c->s->review, c->link);
	ipc_freep(&c->link);
	c->state = CHILD_DOWN;
	supervisor_reload_lost(c);
}

/* Without waiting for the loop. */
static void
abandon(struct child *c)
{
	int code;

	supervisor_end_child(c);
	(void)spawn_reap(
	    c->pidfd, &code, c->how_ended, sizeof(c->how_ended), NULL);
	forget_process(c);
}

/* It ended because settings changed: at once again, if it is still wanted. */
static void
renew(struct child *c)
{
	struct err e = ERR_INIT;

	c->renewed = false;
	supervisor_tell_status(c->s);
	if (!supervisor_is_wanted(c->s, c) || start_child(c, &e) == 0)
		return;
	log_err("role-not-started", "role=%s why=%s", c->role->name, e.msg);
	c->failures++;
	schedule(c);
}

static void
on_role_ended(void *ctx, int fd, unsigned events)
{
	struct child *c = ctx;
	struct supervisor *s = c->s;
	int code = 0;

	(void)events;
	(void)spawn_reap(fd, &code, c->how_ended, sizeof(c->how_ended), NULL);
	log_info("role-ended", "role=%s pid=%d how=%s", c->role->name,
	    (int)c->pid, c->how_ended);
	forget_process(c);
	if (s->stopping) {
		stop_next(s);
		return;
	}
	if (c->renewed || !supervisor_is_wanted(s, c)) {
		renew(c);
		return;
	}
	if (!c->was_up) {
		give_up(c, code);
		return;
	}
	if (loop_now_ns() - c->started_boot_ns >= WELL_AFTER_NS)
		c->failures = 0;
	schedule(c);
	/* SIGKILL that is not ours is a person's or the kernel's for want of
	 * memory. All else may be somebody's failed attempt, and the next
	 * ones come slower. */
	if (c->killed || code != -SIGKILL)
		c->failures++;
	supervisor_tell_status(s);
}

/* ---- the start of a role ----------------------------------------------- */

/* Nothing of the starter's environment, except for sanitizers. */
static char *const *
role_environment(void)
{
#ifdef ASSENT_SANITIZE
	return environ;
#else
	return NULL;
#endif
}

static int
execute(struct child *c, int socket_fd, struct err *e)
{
	char name[ROLE_ARG_MAX], arg[ROLE_ARG_MAX];
	char *const argv[] = { name, arg, NULL };
	const struct spawn_fd fds[] = {
		{ .fd = socket_fd, .as = 3 },
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	const struct spawn_options o = {
		.path_fd =
		    c->role->program != NULL ? c->program_fd : c->s->self_fd,
		.argv = argv,
		.envp = role_environment(),
		.fds = fds,
		.fd_count = ARRAY_LEN(fds),
		.set_user = c->has_user,
		.uid = c->uid,
		.gid = c->gid,
	};

	(void)snprintf(name, sizeof(name), "%s",
	    c->role->program != NULL ? c->role->program : "assentd");
	(void)snprintf(arg, sizeof(arg), "--role=%s", c->role->name);
	return spawn(&o, &c->pid, &c->pidfd, e);
}

static int
start_child(struct child *c, struct err *e)
{
	struct supervisor *s = c->s;
	AUTO_FD int theirs = -1;
	const struct ipc_row *rows;
	size_t row_count;
	int pair[2];
	int r;

	assert(c->state == CHILD_DOWN && c->link == NULL);
	r = ipc_pair(pair, e);
	if (r != 0)
		return r;
	theirs = pair[1];
	rows = rows_of(c->role, &row_count);
	r = ipc_new(s->loop, pair[0], c->role->name, rows, row_count, c,
	    on_link_closed, &c->link, e);
	if (r != 0)
		return r;
	r = supervisor_credentials_folder(c, e);
	if (r == 0)
		r = execute(c, theirs, e);
	if (r != 0) {
		ipc_freep(&c->link);
		return r;
	}
	c->state = CHILD_STARTING;
	c->stop_sent = false;
	c->listeners_given = false;
	c->killed = false;
	c->pinged = false;
	c->started_boot_ns = loop_now_ns();
	set_timer(c, READY_WITHIN_MS, on_patience_ended);
	r = loop_fd(s->loop, c->pidfd, LOOP_READ, on_role_ended, c, e);
	if (r == 0)
		r = supervisor_send_config(c, s->config, SR_START, e);
	if (r != 0)
		abandon(c);
	return r;
}

/* "assent-front" and so on. Engine owns files that root's tools read, and so
 * stays root, without capabilities and within its folders. */
static void
find_user(struct child *c)
{
	AUTO_FREE char *bytes = mem_new(PASSWD_BYTES_MAX, 1);
	struct passwd entry, *found = NULL;
	char name[ROLE_ARG_MAX];

	if (geteuid() != 0 || bytes == NULL || is_engine(c->role))
		return;
	(void)snprintf(name, sizeof(name), "assent-%s", c->role->name);
	(void)getpwnam_r(name, &entry, bytes, PASSWD_BYTES_MAX, &found);
	if (found == NULL || found->pw_uid == 0)
		return;
	c->has_user = true;
	c->uid = found->pw_uid;
	c->gid = found->pw_gid;
}

void
supervisor_children_init(
    struct supervisor *s, const struct role *const *roles, size_t count)
{
	assert(count <= SUPERVISOR_ROLES_MAX);
	s->child_count = count;
	for (size_t i = 0; i < count; i++) {
		s->children[i] = (struct child){
			.s = s,
			.role = roles[i],
			.pidfd = -1,
			.program_fd = -1,
		};
		find_user(&s->children[i]);
	}
	for (size_t i = 0; i < LAUNCHERS_MAX; i++)
		s->launchers[i].pidfd = -1;
}

int
supervisor_start_roles(struct supervisor *s, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < s->child_count; i++) {
		if (supervisor_is_wanted(s, &s->children[i]))
			r = start_child(&s->children[i], e);
	}
	if (r == 0)
		supervisor_watch(s);
	return r;
}

int
supervisor_check_children(
    const struct supervisor *s, const struct config *now, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < s->child_count; i++) {
		const struct child *c = &s->children[i];

		if (c->state == CHILD_UP)
			r = supervisor_check_report(
			    now, c->role->name, &c->report, e);
	}
	return r;
}

static void send_stop(struct child *c);

/* What it holds it opened at its start, under the old settings. */
static void
start_anew(struct child *c)
{
	struct err e = ERR_INIT;

	if (c->state != CHILD_DOWN) {
		c->renewed = true;
		send_stop(c);
	} else if (c->timer == NULL && supervisor_is_wanted(c->s, c) &&
	    start_child(c, &e) != 0) {
		log_err(
		    "role-not-started", "role=%s why=%s", c->role->name, e.msg);
	}
}

void
supervisor_tell_engine(struct supervisor *s, uint16_t type, struct str body)
{
	const struct child *c = supervisor_child(s, "engine");

	if (c != NULL && c->state == CHILD_UP && c->link != NULL)
		(void)ipc_send(c->link, type, body, -1, NULL);
}

int
supervisor_send_config(
    struct child *c, const struct config *config, uint16_t type, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(CONFIG_RECORD_MAX);
	int r;

	config_encode(config, c->role->secrets, &b);
	r = buf_done(&b, e);
	return r != 0 ? r : ipc_send(c->link, type, buf_str(&b), -1, e);
}

void
supervisor_reload_roles(struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++) {
		struct child *c = &s->children[i];
		struct err e = ERR_INIT;

		if (c->role->program != NULL)
			start_anew(c);
		/* The engine has taken it, before all others. */
		if (c->state != CHILD_UP || c->link == NULL ||
		    c->role->reload == NULL || is_engine(c->role))
			continue;
		if (supervisor_send_config(c, s->config, SR_RELOAD, &e) != 0)
			log_err("not-reloaded", "role=%s why=%s", c->role->name,
			    e.msg);
	}
}

/* ---- the end of the daemon --------------------------------------------- */

static void
send_stop(struct child *c)
{
	if (c->stop_sent)
		return;
	c->stop_sent = true;
	set_timer(c, STOPPED_WITHIN_MS, on_patience_ended);
	if (c->link == NULL ||
	    ipc_send(c->link, SR_STOP, STR(""), -1, NULL) != 0)
		supervisor_end_child(c);
}

/* One after the other, the last first: front has answered before engine
 * goes. */
static void
stop_next(struct supervisor *s)
{
	for (size_t i = s->child_count; i > 0; i--) {
		struct child *c = &s->children[i - 1];

		if (c->state == CHILD_DOWN)
			continue;
		send_stop(c);
		return;
	}
	loop_stop(s->loop);
}

void
supervisor_stop(struct supervisor *s, int status)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->status = status;
	sd_notify("STOPPING=1");
	log_info("stopping", "status=%d", status);
	for (size_t i = 0; i < s->child_count; i++) {
		if (s->children[i].state == CHILD_DOWN)
			clear_timer(&s->children[i]);
	}
	stop_next(s);
}

void
supervisor_children_done(struct supervisor *s)
{
	if (s->loop != NULL)
		supervisor_unwatch(s);
	for (size_t i = 0; i < s->child_count; i++) {
		struct child *c = &s->children[i];

		clear_timer(c);
		if (c->state != CHILD_DOWN)
			abandon(c);
		fd_closep(&c->program_fd);
	}
}
