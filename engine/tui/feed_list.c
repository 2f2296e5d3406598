/*
 * Lists: what waits and runs, history, sessions, grants, health.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "feed.h"
#include "model/json_in.h"

#define PAGE_ITEMS 50 /* at a time: a long list must not take memory */
#define PAGES_MAX 120
#define HISTORY_ROWS 400
#define TITLE_BYTES 400
#define PATH_BYTES 256

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

/* A copy of the beginning; NULL and "" are both nothing. */
static char *
copy(const char *text)
{
	if (text == NULL || text[0] == '\0')
		return NULL;
	return mem_strndup(text, strnlen(text, TITLE_BYTES));
}

/* ---- actions ------------------------------------------------------------- */

static const json_t *
strictest(const json_t *decision)
{
	const char *want = client_text(decision, "decision");
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(decision, "rules"), i, rule)
	{
		const char *its = client_text(rule, "decision");

		if (its != NULL && want != NULL && strcmp(its, want) == 0)
			return rule;
	}
	return NULL;
}

/* The others; whoever looks here knows it. */
static void
put_looking(const json_t *names, struct tui_entry *ret)
{
	char own[TUI_FIELD_MAX];
	const json_t *name;
	size_t i;

	(void)snprintf(own, sizeof(own), "uid:%u", (unsigned)geteuid());
	json_array_foreach(names, i, name)
	{
		const char *text = json_string_value(name);

		if (text != NULL && strcmp(text, own) != 0)
			set(ret->looking, sizeof(ret->looking), text);
	}
}

/* Of a script of many lines, the one that asks says more than the first. */
static char *
title_of(const json_t *decision, const char *display)
{
	AUTO_BUF struct buf text = BUF_INIT(4 * TITLE_BYTES);
	const json_t *rule = strictest(decision);
	const char *part = client_text(rule, "part");

	if (display == NULL || part == NULL || strchr(display, '\n') == NULL)
		return copy(display);
	buf_puts(&text, "... ");
	buf_put_str(&text, str_head(str_of(part), TITLE_BYTES));
	return text.failed != 0 ? copy(display) : copy(text.s);
}

void
feed_entry(const json_t *decision, struct tui_entry *ret)
{
	const json_t *p = json_object_get(decision, "proposal");

	*ret = (struct tui_entry){ 0 };
	set(ret->id, sizeof(ret->id), client_text(decision, "id"));
	set(ret->sha256, sizeof(ret->sha256),
	    client_text(decision, "action_sha256"));
	set(ret->risk, sizeof(ret->risk), client_text(decision, "risk"));
	set(ret->decision, sizeof(ret->decision),
	    client_text(decision, "decision"));
	set(ret->state, sizeof(ret->state), client_text(decision, "state"));
	set(ret->tool, sizeof(ret->tool), client_text(p, "tool"));
	set(ret->approvals, sizeof(ret->approvals),
	    client_text(decision, "approvals"));
	put_looking(json_object_get(decision, "looking"), ret);
	ret->title = title_of(decision, client_text(p, "display"));
	ret->agent = copy(client_text(p, "agent"));
	ret->place = copy(client_text(p, "workspace"));
	ret->rule = copy(client_text(strictest(decision), "id"));
	ret->since_ns = feed_time(client_text(p, "proposed_at"));
	ret->until_ns = feed_time(client_text(p, "answer_by"));
}

static void
put_decision(struct feed *f, const json_t *decision, const char *etag)
{
	const char *state = client_text(decision, "state");
	const char *id = client_text(decision, "id");
	const int64_t now = loop_now_ns();
	struct tui_entry e;

	if (id == NULL || state == NULL)
		return;
	feed_entry(decision, &e);
	set(e.etag, sizeof(e.etag), etag);
	if (strcmp(state, "pending") == 0) {
		tui_put(f->m, VIEW_WAITING, &e, now);
		return;
	}
	tui_gone(f->m, VIEW_WAITING, id, NULL, now);
	mem_freep(&e.title);
	mem_freep(&e.agent);
	mem_freep(&e.place);
	mem_freep(&e.rule);
}

/* One page; *cursor moves on, "" at the end. */
static int
sync_page(struct feed *f, char cursor[static TUI_FIELD_MAX], struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];
	const json_t *item;
	size_t i;
	int r;

	(void)snprintf(path, sizeof(path),
	    "/v1/actions?state=pending&limit=%d%s%s", PAGE_ITEMS,
	    cursor[0] == '\0' ? "" : "&cursor=", cursor);
	r = feed_call(f,
	    &(struct client_request){ .method = "GET", .path = path }, &reply,
	    e);
	if (r == 0)
		r = client_expect(&reply, e);
	if (r != 0)
		return r;
	json_array_foreach(json_object_get(reply.json, "items"), i, item)
	    put_decision(f, item, "");
	set(cursor, TUI_FIELD_MAX, client_text(reply.json, "next_cursor"));
	return ERR_OK;
}

void
feed_sync(struct feed *f)
{
	char cursor[TUI_FIELD_MAX] = "";
	struct err e = ERR_INIT;
	int r = 0;

	f->sync = false;
	f->dirty_count = 0;
	tui_sync_begin(f->m, VIEW_WAITING);
	for (int page = 0; r == 0 && page < PAGES_MAX; page++) {
		r = sync_page(f, cursor, &e);
		if (cursor[0] == '\0')
			break;
	}
	/* what the pages took is not needed again soon */
	(void)malloc_trim(0);
	/* a list that broke off says nothing about what is gone */
	if (r == 0)
		tui_sync_end(f->m, VIEW_WAITING, loop_now_ns());
	else
		tui_note(f->m, STYLE_BAD, loop_now_ns(),
		    "The list is not complete: %s", e.msg);
}

void
feed_look_at(struct feed *f, const char *id)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];

	if (feed_path(id, "", path, NULL) == 0 &&
	    feed_call(f,
		&(struct client_request){ .method = "GET", .path = path },
		&reply, NULL) == 0 &&
	    client_expect(&reply, NULL) == 0)
		put_decision(f, reply.json, reply.etag);
}

void
feed_look_again(struct feed *f)
{
	char ids[FEED_DIRTY_MAX][TUI_FIELD_MAX];
	const size_t count = f->dirty_count;

	memcpy(ids, f->dirty, sizeof(ids));
	f->dirty_count = 0;
	for (size_t i = 0; i < count; i++)
		feed_look_at(f, ids[i]);
}

/* ---- the log ------------------------------------------------------------- */

static void
make_dirty(struct feed *f, const char *id)
{
	for (size_t i = 0; i < f->dirty_count; i++) {
		if (strcmp(f->dirty[i], id) == 0)
			return;
	}
	/* more than can be kept apart: look at all of them */
	if (f->dirty_count == FEED_DIRTY_MAX) {
		f->sync = true;
		return;
	}
	set(f->dirty[f->dirty_count++], TUI_FIELD_MAX, id);
}

static void
row_entry(const json_t *row, struct tui_entry *ret)
{
	const json_t *body = json_object_get(row, "body");

	*ret = (struct tui_entry){ 0 };
	set(ret->id, sizeof(ret->id), client_text(row, "action_id"));
	set(ret->sha256, sizeof(ret->sha256),
	    client_text(row, "action_sha256"));
	set(ret->decision, sizeof(ret->decision), client_text(row, "decision"));
	set(ret->state, sizeof(ret->state), client_text(row, "decided_by"));
	set(ret->risk, sizeof(ret->risk), client_text(body, "risk"));
	ret->title = copy(client_text(body, "text"));
	ret->agent = copy(client_text(body, "agent"));
	ret->place = copy(client_text(body, "workspace"));
	ret->rule = copy(client_text(row, "rule"));
	ret->since_ns = feed_time(client_text(row, "time"));
}

static void
trim_history(struct feed *f, int64_t now)
{
	const struct tui_list *l = &f->m->lists[VIEW_HISTORY];

	while (l->count > HISTORY_ROWS)
		tui_gone(f->m, VIEW_HISTORY, l->at[0].id, NULL, now);
}

static void
row_decided(struct feed *f, const json_t *row, const char *id, int64_t now)
{
	const json_t *body = json_object_get(row, "body");
	const char *decision = client_text(row, "decision");
	const char *by = client_text(row, "decided_by");
	const char *who = client_text(body, "approver");
	struct tui_entry e;
	char how[TUI_NOTE_MAX];

	(void)snprintf(how, sizeof(how), "%s by %s %s",
	    decision == NULL ? "?" : decision, by == NULL ? "?" : by,
	    who != NULL ? who
			: (client_text(row, "rule") == NULL
				  ? ""
				  : client_text(row, "rule")));
	tui_gone(f->m, VIEW_WAITING, id, how, now);
	row_entry(row, &e);
	tui_put(f->m, VIEW_HISTORY, &e, now);
	trim_history(f, now);
}

static void
row_running(struct feed *f, const char *id, int64_t now)
{
	const struct tui_entry *was = tui_find(f->m, VIEW_HISTORY, id);
	struct tui_entry e = { 0 };

	if (was != NULL) {
		e = *was;
		e.title = copy(was->title);
		e.agent = copy(was->agent);
		e.place = copy(was->place);
		e.rule = copy(was->rule);
		e.failed = NULL;
	}
	set(e.id, sizeof(e.id), id);
	set(e.state, sizeof(e.state), "running");
	e.since_ns = loop_realtime_ns();
	tui_put(f->m, VIEW_RUNNING, &e, now);
}

/* What it changed may wait for somebody to apply it. */
static void
row_ended(struct feed *f, const json_t *row, const char *id, int64_t now)
{
	struct tui_entry *e = tui_find(f->m, VIEW_HISTORY, id);
	const json_t *body = json_object_get(row, "body");

	tui_gone(f->m, VIEW_RUNNING, id, NULL, now);
	if (e == NULL || !json_is_true(json_object_get(body, "copy")))
		return;
	e->copy = true;
	if (f->history_read)
		tui_note(f->m, STYLE_LABEL, now,
		    "A run on a copy has ended: 3, then c, shows its changes.");
}

/* Somebody applied or dropped what a run on a copy changed. */
static void
row_event(struct feed *f, const json_t *row)
{
	const json_t *body = json_object_get(row, "body");
	const char *id = client_text(body, "action");
	const char *type = client_text(body, "type");
	struct tui_entry *e =
	    id == NULL ? NULL : tui_find(f->m, VIEW_HISTORY, id);

	if (e != NULL && type != NULL && strcmp(type, "changes") == 0)
		e->copy = false;
}

static void
take_row(struct feed *f, const json_t *row, const char *kind)
{
	const char *id = client_text(row, "action_id");
	const int64_t now = loop_now_ns();
	const json_int_t seq = json_integer_value(json_object_get(row, "seq"));

	if (seq > 0)
		f->m->health.log_seq = f->last_seq = (uint64_t)seq;
	feed_session(f, row, kind);
	if (strcmp(kind, "reload") == 0) {
		/* what waits is judged anew: the list says how */
		f->sync = true;
		f->health_ns = 0;
	}
	if (strcmp(kind, "event") == 0)
		row_event(f, row);
	if (id == NULL)
		return;
	if (strcmp(kind, "proposed") == 0 || strcmp(kind, "undone") == 0) {
		make_dirty(f, id);
		if (kind[0] == 'u')
			tui_gone(f->m, VIEW_HISTORY, id, NULL, now);
	} else if (strcmp(kind, "decided") == 0) {
		row_decided(f, row, id, now);
	} else if (strcmp(kind, "cancelled") == 0 ||
	    strcmp(kind, "expired") == 0) {
		tui_gone(f->m, VIEW_WAITING, id, kind, now);
		tui_gone(f->m, VIEW_RUNNING, id, kind, now);
	} else if (strcmp(kind, "intent") == 0) {
		row_running(f, id, now);
	} else if (strcmp(kind, "outcome") == 0 ||
	    strcmp(kind, "unknown") == 0) {
		row_ended(f, row, id, now);
	} else if (tui_find(f->m, VIEW_WAITING, id) != NULL) {
		make_dirty(f, id);
	}
}

void
feed_row(struct feed *f, struct str text)
{
	json_auto_t *row = NULL;
	const char *kind;

	if (json_in(text, &row, NULL) != 0)
		return;
	kind = client_text(row, "kind");
	if (kind != NULL)
		take_row(f, row, kind);
}

/* ---- history ------------------------------------------------------------- */

struct log_page {
	struct feed *f;
	size_t rows;
	bool only_count;
};

static int
on_log_line(void *ctx, struct str name, struct str line, struct err *e)
{
	struct log_page *p = ctx;

	(void)name;
	(void)e;
	if (line.len == 0)
		return ERR_OK;
	p->rows++;
	if (!p->only_count)
		feed_row(p->f, line);
	return ERR_OK;
}

static int
read_log(struct log_page *p, uint64_t from, unsigned limit, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];
	int r;

	p->rows = 0;
	(void)snprintf(path, sizeof(path), "/v1/log?from_seq=%llu&limit=%u",
	    (unsigned long long)from, limit);
	r = feed_call(p->f,
	    &(struct client_request){ .method = "GET",
		.path = path,
		.on_event = on_log_line,
		.ctx = p },
	    &reply, e);
	return r != 0 ? r : client_expect(&reply, e);
}

/* The last row that there is: its number is not told, but there are none
 * behind it. */
static uint64_t
last_row(struct feed *f)
{
	struct log_page p = { .f = f, .only_count = true };
	uint64_t low = 0, high = 1;

	while (high < (uint64_t)1 << 40 && read_log(&p, high, 1, NULL) == 0 &&
	    p.rows > 0) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;

		if (read_log(&p, middle, 1, NULL) != 0)
			return low;
		if (p.rows > 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* What was decided before this program began, so far as a person would look
 * back. Events that came meanwhile are told twice, which changes nothing. */
void
feed_history(struct feed *f)
{
	struct log_page p = { .f = f };
	const uint64_t waited = f->m->arrived;
	const uint64_t last = f->last_seq > 0 ? f->last_seq : last_row(f);
	uint64_t from = last > HISTORY_ROWS ? last - HISTORY_ROWS : 1;

	f->history_read = true;
	while (
	    last > 0 && read_log(&p, from, PAGE_ITEMS, NULL) == 0 && p.rows > 0)
		from += p.rows;
	f->m->arrived = waited;
	/* old rows said what was once so */
	f->sync = false;
	feed_sync(f);
}
