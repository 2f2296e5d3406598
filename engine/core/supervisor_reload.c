/*
 * SIGHUP: the configuration and the rules of now, all of it or nothing. It is
 * checked here, then by the roles that could refuse it; then the engine takes
 * it, together with the rules, or does not; and only then the others.
 * Runs in: supervisor.  Trusts: its configuration (checked owners); a role for
 * its own word only.  Owns: the configuration that is under way.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "supervisor_int.h"

#define ANSWERED_WITHIN_MS 30000
#define WHY_ARENA_MAX ((size_t)4096)
#define ENGINE "engine"

/* In this order. The engine is the last who can refuse: what it takes holds. */
static const struct {
	const char *role;
	enum supervisor_to_role message;
} steps[] = {
	{ "front", SR_CHECK },
	{ ENGINE, SR_RELOAD },
};

static void next_step(struct supervisor *s);
static void on_begin(void *ctx);

/* ---- what a person is told --------------------------------------------- */

static bool
differs(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a != b;
	return strcmp(a, b) != 0;
}

static bool
differ_in_rule_dirs(const struct config *a, const struct config *b)
{
	if (a->rule_dir_count != b->rule_dir_count)
		return true;
	for (size_t i = 0; i < a->rule_dir_count; i++) {
		if (strcmp(a->rule_dirs[i].path, b->rule_dirs[i].path) != 0)
			return true;
	}
	return false;
}

static void
tell_ignored(const struct config *now, const struct config *before)
{
	if (differs(now->listen_tcp, before->listen_tcp))
		log_warn("ignoring",
		    "key=listen.tcp why=it takes effect at the next start");
	if (differ_in_rule_dirs(now, before))
		log_warn("ignoring",
		    "key=rules.directories why=folders of rules take effect "
		    "at the next start");
}

/* Who looks for what changed looks into the log of decisions. */
static void
tell_engine(struct supervisor *s, const char *role, const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(ERR_MSG_MAX + 64);
	AUTO_BUF struct buf b = BUF_INIT(ERR_MSG_MAX + 128);

	if (role != NULL)
		buf_printf(&text, "%s: ", role);
	buf_puts(&text, why);
	rec_put_cstr(&b, buf_cstr(&text));
	supervisor_tell_engine(s, SE_NOT_RELOADED, buf_str(&b));
}

/* ---- its end ------------------------------------------------------------- */

static void
stop_waiting(struct supervisor *s)
{
	loop_cancel(s->loop, s->reload.timer);
	s->reload.timer = NULL;
	s->reload.asked = NULL;
}

/* One more signal may have come meanwhile. */
static void
over(struct supervisor *s)
{
	config_freep(&s->reload.now);
	sd_notify("READY=1");
	if (s->reload.wanted && !s->stopping)
		(void)loop_after(
		    s->loop, 0, on_begin, s, &s->reload.timer, NULL);
}

/* by: the role that says so, which has said it in the log, too, if it is the
 * engine; NULL: we. */
static void
refuse(struct supervisor *s, const char *by, const char *why)
{
	stop_waiting(s);
	log_err("not-reloaded", "why=%s%s%s", by == NULL ? "" : by,
	    by == NULL ? "" : ": ", why);
	if (by == NULL || strcmp(by, ENGINE) != 0)
		tell_engine(s, by, why);
	over(s);
}

static void
take(struct supervisor *s)
{
	tell_ignored(s->reload.now, s->config);
	config_free(s->config);
	s->config = TAKE_PTR(s->reload.now);
	supervisor_reload_roles(s);
	over(s);
}

/* ---- from role to role ---------------------------------------------------- */

static void
on_patience_ended(void *ctx)
{
	struct supervisor *s = ctx;
	struct child *c = s->reload.asked;

	s->reload.timer = NULL;
	/* Killed, so that it cannot take it after all. */
	supervisor_end_child(c);
	refuse(s, NULL, "a role did not answer in time, and is started again");
}

/* One that is down gets whatever holds then when it is started again. */
static bool
ask(struct supervisor *s, struct child *c, enum supervisor_to_role message)
{
	struct err e = ERR_INIT;
	int r;

	if (c == NULL || c->state != CHILD_UP || c->link == NULL ||
	    (message == SR_CHECK ? c->role->check : c->role->reload) == NULL)
		return false;
	s->reload.asked = c;
	r = loop_after(s->loop, ANSWERED_WITHIN_MS, on_patience_ended, s,
	    &s->reload.timer, &e);
	if (r == 0)
		r = supervisor_send_config(
		    c, s->reload.now, (uint16_t)message, &e);
	if (r != 0)
		refuse(s, NULL, e.msg);
	return true;
}

static void
next_step(struct supervisor *s)
{
	while (s->reload.step < ARRAY_LEN(steps)) {
		const unsigned i = s->reload.step++;

		if (ask(s, supervisor_child(s, steps[i].role),
			steps[i].message))
			return;
	}
	take(s);
}

int
supervisor_on_reloaded(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(WHY_ARENA_MAX);
	struct child *c = ctx;
	struct supervisor *s = c->s;
	struct rec in = rec_of(m->payload);
	const bool taken = rec_u8(&in) == 1;
	const char *why;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = rec_reason(&in, a, "it gives no reason", &why, e);
	if (r != 0)
		return r;
	if (s->reload.asked == c) {
		stop_waiting(s);
		if (taken)
			next_step(s);
		else
			refuse(s, c->role->name, why);
	} else if (!taken) {
		/* After the engine took it; or supervisor_tell_all. */
		log_err("not-reloaded", "why=%s: %s", c->role->name, why);
		if (strcmp(c->role->name, ENGINE) == 0)
			supervisor_end_child(c);
		else
			tell_engine(s, c->role->name, why);
	}
	return ERR_OK;
}

static void begin(struct supervisor *s);

static void
on_begin(void *ctx)
{
	struct supervisor *s = ctx;

	s->reload.timer = NULL;
	if (s->reload.wanted && s->reload.now == NULL)
		begin(s);
}

void
supervisor_reload_lost(struct child *c)
{
	struct supervisor *s = c->s;

	if (s->reload.asked == c && s->stopping)
		stop_waiting(s);
	else if (s->reload.asked == c)
		refuse(s, NULL,
		    "a role ended while it was asked; send SIGHUP again");
	/* One that was starting is not waited for any more. Not now: whoever
	 * says that it is lost has not done with it. */
	if (s->reload.wanted && s->reload.now == NULL &&
	    s->reload.timer == NULL && !s->stopping)
		(void)loop_after(
		    s->loop, 0, on_begin, s, &s->reload.timer, NULL);
}

/* What has been found out holds at once: an engine that cannot take it, or that
 * is starting with what was before, is started anew. */
void
supervisor_tell_all(struct supervisor *s)
{
	struct child *c = supervisor_child(s, ENGINE);
	struct err e = ERR_INIT;

	assert(s->reload.now == NULL);
	if (c != NULL &&
	    (c->state == CHILD_STARTING ||
		(c->state == CHILD_UP &&
		    supervisor_send_config(c, s->config, SR_RELOAD, &e) != 0)))
		supervisor_end_child(c);
	supervisor_reload_roles(s);
}

/* ---- its beginning --------------------------------------------------------- */

/* A role that is starting has been told the old configuration; a program of
 * its own is started anew in any case. */
static bool
is_one_starting(const struct supervisor *s)
{
	for (size_t i = 0; i < s->child_count; i++) {
		if (s->children[i].state == CHILD_STARTING &&
		    s->children[i].role->program == NULL)
			return true;
	}
	return false;
}

static int
load(struct supervisor *s, struct config **ret, struct err *e)
{
	int r = supervisor_load_config(s, ret, e);

	if (r == 0)
		r = supervisor_check_machine(*ret, e);
	if (r == 0)
		r = supervisor_elevated_check(*ret, e);
	if (r == 0)
		r = supervisor_check_children(s, *ret, e);
	if (r == 0)
		r = supervisor_check_programs(s, *ret, e);
	if (r == 0)
		r = supervisor_review_check(s, *ret, e);
	if (r == 0)
		r = supervisor_credentials_check(s, *ret, e);
	return r;
}

static void
begin(struct supervisor *s)
{
	struct err e = ERR_INIT;

	if (s->stopping || is_one_starting(s))
		return; /* supervisor_reload_up */
	s->reload.wanted = false;
	sd_notify("RELOADING=1");
	if (load(s, &s->reload.now, &e) != 0) {
		refuse(s, NULL, e.msg);
		return;
	}
	assert(s->reload.now != NULL);
	s->reload.step = 0;
	next_step(s);
}

void
supervisor_reload(struct supervisor *s)
{
	s->reload.wanted = true;
	if (s->reload.now == NULL)
		begin(s);
}

void
supervisor_reload_up(struct supervisor *s)
{
	if (s->reload.wanted && s->reload.now == NULL)
		begin(s);
}

void
supervisor_reload_done(struct supervisor *s)
{
	if (s->loop != NULL)
		stop_waiting(s);
	config_freep(&s->reload.now);
}
