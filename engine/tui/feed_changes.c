/*
 * What a run on a copy of its workspace changed, from the daemon, and what a
 * person wants of it, to the daemon.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "changes_page.h"
#include "feed.h"

#define PATH_BYTES 256
#define BODY_BYTES_MAX ((size_t)2 << 20)

static int
post(struct feed *f, const char *id, struct str body, struct client_reply *ret,
    struct err *e)
{
	char path[PATH_BYTES];
	int r = feed_path(id, "/changes", path, e);

	if (r == 0)
		r = feed_call(f,
		    &(struct client_request){
			.method = "POST", .path = path, .body = body },
		    ret, e);
	return r != 0 ? r : client_expect(ret, e);
}

/* ---- shown ---------------------------------------------------------------- */

/* why: what was just refused, or NULL. */
static void
show(struct feed *f, const struct tui_order *o, const char *why)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO(page_done) struct page page = PAGE_INIT;
	struct tui_change *at = NULL;
	struct err e = ERR_INIT;
	size_t count = 0;
	int r = post(f, o->id, STR("{\"apply\":\"list\"}"), &reply, &e);
	const json_t *list = json_object_get(reply.json, "changes");

	page.utf8 = f->m->utf8;
	page_field(&page, "REFUSED", why, STYLE_BAD);
	if (r == 0)
		at = mem_new(json_array_size(list) + 1, sizeof(*at));
	if (r == 0)
		r = at == NULL ? err_nomem(&e)
			       : changes_page(list, &page, at, &count, &e);
	if (r != 0) {
		page_field(&page, "NOT SO", e.msg, STYLE_BAD);
		for (size_t i = 0; i < count; i++)
			mem_freep(&at[i].path);
		count = 0;
	}
	tui_show_changes(f->m, o->id, at, count, &page, loop_now_ns());
}

void
feed_changes(struct feed *f, const struct tui_order *o)
{
	show(f, o, NULL);
}

/* ---- applying ------------------------------------------------------------- */

/* The marked ones; what lies below one of them goes with it. */
static void
put_paths(const struct tui_changes *c, struct buf *out)
{
	for (size_t i = 0; i < c->count; i++) {
		if (!c->at[i].marked)
			continue;
		buf_puts(out, c->at[i].path);
		buf_putc(out, '\n');
	}
}

static int
send(struct feed *f, const struct tui_order *o, struct client_reply *ret,
    struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	AUTO_BUF struct buf paths = BUF_INIT(BODY_BYTES_MAX);
	struct jsonw w = jsonw_on(&body);
	int r;

	if (strcmp(f->m->changes.id, o->id) != 0)
		return err_set(e, ERR_CONFLICT, "other changes are shown now");
	jsonw_object(&w);
	jsonw_kstr(&w, "apply", o->scope);
	if (strcmp(o->scope, "some") == 0) {
		put_paths(&f->m->changes, &paths);
		r = buf_done(&paths, e);
		if (r != 0)
			return r;
		jsonw_kstr(&w, "paths", buf_cstr(&paths));
	}
	jsonw_end(&w);
	r = buf_done(&body, e);
	return r != 0 ? r : post(f, o->id, buf_str(&body), ret, e);
}

void
feed_apply(struct feed *f, const struct tui_order *o)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	struct err e = ERR_INIT;
	const int r = send(f, o, &reply, &e);
	const int64_t now = loop_now_ns();
	struct tui_entry *entry = tui_find(f->m, VIEW_HISTORY, o->id);

	tui_answered(f->m, o, r == 0 ? NULL : e.msg, now);
	if (r != 0) {
		show(f, o, e.msg);
		return;
	}
	if (entry != NULL)
		entry->copy = false;
	if (tui_shows_changes(f->m))
		f->m->mode = MODE_NORMAL;
	if (strcmp(o->scope, "none") == 0)
		tui_note(f->m, STYLE_GOOD, now,
		    "Dropped: the workspace is as it was.");
	else
		tui_note(f->m, STYLE_GOOD, now,
		    "Applied: %lld of %zu changes are in the workspace.",
		    (long long)json_integer_value(
			json_object_get(reply.json, "applied")),
		    json_array_size(json_object_get(reply.json, "changes")));
}
