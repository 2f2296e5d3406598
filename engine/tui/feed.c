/*
 * The line to the daemon: events, calls, and what is done between them.
 * Runs in: assent.  Trusts: nothing of what the daemon says; an answer counts
 * only with id and hash.  Owns: two clients.
 */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"

#define HEALTH_EVERY_NS ((int64_t)5 * 1000000000)
#define OUTPUT_EVERY_NS ((int64_t)400 * 1000000)
#define LOOK_EVERY_NS ((int64_t)4 * 1000000000)
#define OUTPUT_SHARE 20 /* looking takes at most 1/20 of the time */

int
feed_open(const char *runtime, struct tui *m, struct feed **ret, struct err *e)
{
	AUTO(feed_freep) struct feed *f = mem_new(1, sizeof(*f));
	int r;

	if (f == NULL)
		return err_nomem(e);
	f->m = m;
	f->output_every_ns = OUTPUT_EVERY_NS;
	r = client_open(runtime, CLIENT_APPROVER, &f->calls, e);
	if (r == 0)
		r = client_open(runtime, CLIENT_APPROVER, &f->events, e);
	if (r == 0)
		*ret = TAKE_PTR(f);
	return r;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	client_free(f->calls);
	client_free(f->events);
	mem_freep(&f->rule);
	free(f);
}

void
feed_freep(struct feed **f)
{
	feed_free(*f);
	*f = NULL;
}

void
feed_wake_by(struct feed *f, int fd, feed_wake_fn *fn, void *ctx)
{
	client_interrupt_by(f->calls, fd, fn, ctx);
	client_interrupt_by(f->events, fd, fn, ctx);
}

void
feed_copy_by(struct feed *f, feed_copy_fn *fn, void *ctx)
{
	f->copy = fn;
	f->copy_ctx = ctx;
}

void
feed_edit_by(struct feed *f, feed_edit_fn *fn, void *ctx)
{
	f->edit = fn;
	f->edit_ctx = ctx;
	f->m->skills |= SKILL_EDIT;
}

int
feed_call(struct feed *f, const struct client_request *q,
    struct client_reply *ret, struct err *e)
{
	int r;

	f->in_call = true;
	r = client_call(f->calls, q, ret, e);
	f->in_call = false;
	return r;
}

int
feed_path(const char *id, const char *rest, char ret[static 256], struct err *e)
{
	static const char safe[] = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz";

	if (id[0] == '\0' || id[strspn(id, safe)] != '\0')
		return err_set(
		    e, ERR_INVALID, "'%s' is not the id of an action", id);
	(void)snprintf(ret, 256, "/v1/actions/%s%s", id, rest);
	return ERR_OK;
}

int
feed_get(struct feed *f, const char *id, const char *rest,
    struct client_reply *ret, struct err *e)
{
	char path[256];
	int r = feed_path(id, rest, path, e);

	if (r == 0)
		r = feed_call(f,
		    &(struct client_request){ .method = "GET", .path = path },
		    ret, e);
	return r != 0 ? r : client_expect(ret, e);
}

/* "2026-11-25T21:14:14.742Z" by the calendar of UTC; 0: not a time. */
int64_t
feed_time(const char *text)
{
	struct tm t = { 0 };
	const char *rest;
	uint64_t ms = 0;

	if (text == NULL)
		return 0;
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &t);
	if (rest == NULL)
		return 0;
	if (rest[0] == '.' &&
	    num_parse_u64(str_head(str_of(rest + 1), 3), 0, 999, &ms) != 0)
		return 0;
	return (int64_t)timegm(&t) * 1000000000 + (int64_t)ms * 1000000;
}

/* ---- following ----------------------------------------------------------- */

static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	struct feed *f = ctx;

	(void)e;
	if (str_eqz(name, CLIENT_EVENT_OPEN)) {
		tui_link(f->m, true, "", loop_now_ns());
		f->sync = true;
		f->health_ns = 0;
		/* until the daemon says that it has no such route */
		f->m->skills |= SKILL_UNDO | SKILL_RAISE | SKILL_STOP;
	} else if (str_eqz(name, "row")) {
		feed_row(f, data);
	}
	feed_work(f);
	return f->m->quit ? err_set(e, ERR_CONFLICT, "quit") : ERR_OK;
}

int
feed_follow(struct feed *f, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	struct err why = ERR_INIT;
	int r = client_call(f->events,
	    &(struct client_request){ .method = "GET",
		.path = "/v1/events",
		.on_event = on_event,
		.ctx = f },
	    &reply, &why);

	if (r == 0)
		r = client_expect(&reply, &why);
	if (r == 0)
		r = err_set(&why, ERR_SYS, "the daemon ended the stream");
	if (!f->m->quit)
		tui_link(f->m, false, why.msg, loop_now_ns());
	if (e != NULL)
		*e = why;
	return r;
}

/* ---- working ------------------------------------------------------------- */

static void
do_order(struct feed *f, const struct tui_order *o)
{
	switch (o->kind) {
	case ORDER_LOAD:
		feed_case(f, o);
		break;
	case ORDER_LIST:
		feed_view(f, o->view);
		break;
	case ORDER_ALLOW:
	case ORDER_DENY:
	case ORDER_UNDO:
	case ORDER_STOP:
	case ORDER_RAISE:
	case ORDER_REVOKE:
		feed_answer(f, o);
		break;
	case ORDER_PREVIEW:
		feed_preview(f, o);
		break;
	case ORDER_RULE:
		feed_rule(f, o);
		break;
	case ORDER_SAVE_RULE:
		feed_save_rule(f, o);
		break;
	case ORDER_EDIT:
		feed_edit(f, o);
		break;
	case ORDER_CHANGES:
		feed_changes(f, o);
		break;
	case ORDER_APPLY:
		feed_apply(f, o);
		break;
	case ORDER_COPY:
		if (f->copy != NULL)
			f->copy(f->copy_ctx, o->id);
		tui_answered(f->m, o, NULL, loop_now_ns());
		break;
	}
}

void
feed_work(struct feed *f)
{
	struct tui_order o;

	if (f->in_call || !f->m->link)
		return;
	/* what a person wants comes before what the daemon tells */
	while (f->m->link && !f->m->quit && tui_order(f->m, &o))
		do_order(f, &o);
	if (f->sync)
		feed_sync(f);
	if (f->dirty_count > 0)
		feed_look_again(f);
	if (!f->history_read && f->m->link)
		feed_history(f);
	while (f->m->link && !f->m->quit && tui_order(f->m, &o))
		do_order(f, &o);
}

/* The output of what runs, while it is looked at. */
static void
follow_output(struct feed *f, int64_t now)
{
	struct tui_order o = { .kind = ORDER_LOAD, .view = f->m->view };

	if (!f->m->open.live || now - f->output_ns < f->output_every_ns)
		return;
	(void)snprintf(o.id, sizeof(o.id), "%s", f->m->open.id);
	feed_case(f, &o);
	f->output_ns = loop_now_ns();
	f->output_every_ns = (f->output_ns - now) * OUTPUT_SHARE;
	if (f->output_every_ns < OUTPUT_EVERY_NS)
		f->output_every_ns = OUTPUT_EVERY_NS;
}

void
feed_tick(struct feed *f)
{
	const int64_t now = loop_now_ns();

	if (f->in_call || !f->m->link)
		return;
	if (f->health_ns == 0 || now - f->health_ns > HEALTH_EVERY_NS) {
		f->health_ns = now;
		feed_health(f);
	}
	follow_output(f, now);
	if (now - f->look_ns > LOOK_EVERY_NS) {
		f->look_ns = now;
		feed_presence(f);
	}
	feed_work(f);
}
