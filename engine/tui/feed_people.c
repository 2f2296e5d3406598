/*
 * Answers that last, and other people.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "feed.h"

#define CALLS_SHOWN 12

/* ---- what it would match ------------------------------------------------- */

int
feed_preview_path(const struct tui_order *o, char ret[static FEED_PATH_BYTES])
{
	char path[256];
	size_t n;
	int r = feed_path(o->id, "/grant?scope=", path, NULL);

	if (r != 0)
		return r;
	n = (size_t)snprintf(ret, FEED_PATH_BYTES, "%s", path);
	for (const char *c = o->scope; *c != '\0' && n + 4 < FEED_PATH_BYTES;
	     c++)
		n += (size_t)snprintf(ret + n, FEED_PATH_BYTES - n, "%%%02X",
		    (unsigned)(unsigned char)*c);
	return ERR_OK;
}

static void
feed_put_texts(
    struct page *p, const char *title, const json_t *list, enum style style)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	page_own(p, STYLE_LABEL, "%s", title);
	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(item);

		/* of a call of the past, its text */
		if (text == NULL)
			text = client_text(item, "text");
		if (i == CALLS_SHOWN) {
			page_own(p, STYLE_DIM, "   ... and %zu more",
			    json_array_size(list) - i);
			return;
		}
		page_field(p, "   -", text, style);
	}
}

void
feed_put_counts(struct page *p, const json_t *history)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "would_match", "calls of them it would match" },
		{ "asked", "calls of them were asked about" },
		{ "stay_denied", "look alike and stay denied" },
	};

	if (!json_is_object(history))
		return;
	page_own(p, STYLE_LABEL, "In the last %lld days: %lld calls",
	    (long long)json_integer_value(json_object_get(history, "days")),
	    (long long)json_integer_value(json_object_get(history, "calls")));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		page_own(p, STYLE_PLAIN, "  %5lld  %s",
		    (long long)json_integer_value(
			json_object_get(history, rows[i].name)),
		    rows[i].text);
	feed_put_texts(p, "It would have matched",
	    json_object_get(history, "matched"), STYLE_BOLD);
	feed_put_texts(p, "Alike, but not matched",
	    json_object_get(history, "similar_but_not_matched"), STYLE_PLAIN);
}

static void
put_preview(struct page *p, const json_t *preview, const char *scope)
{
	const json_t *history = json_object_get(preview, "history");

	page_own(p, STYLE_LABEL, "ALLOW, AND THE LIKE: %s",
	    strcmp(scope, "session") == 0 ? "for this session" : "for a time");
	page_field(p, "NOT SO", client_text(preview, "why_not"), STYLE_BAD);
	page_field(p, "MATCHES", client_text(preview, "what"), STYLE_BOLD);
	page_field(p, "until", client_text(preview, "expires_at"), STYLE_PLAIN);
	feed_put_texts(p, "It never matches", json_object_get(preview, "never"),
	    STYLE_PLAIN);
	feed_put_counts(p, history);
}

void
feed_preview(struct feed *f, const struct tui_order *o)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO(page_done) struct page page = PAGE_INIT;
	struct err e = ERR_INIT;
	char path[FEED_PATH_BYTES];
	bool possible = false;
	int r = feed_preview_path(o, path);

	page.utf8 = f->m->utf8;
	if (r == 0)
		r = feed_call(f,
		    &(struct client_request){ .method = "GET", .path = path },
		    &reply, &e);
	if (r == 0)
		r = client_expect(&reply, &e);
	if (r == 0) {
		put_preview(&page, reply.json, o->scope);
		possible =
		    json_is_true(json_object_get(reply.json, "possible"));
	} else {
		page_field(&page, "NOT SO", e.msg, STYLE_BAD);
	}
	tui_show_preview(f->m, o->id, possible, &page, loop_now_ns());
}

/* ---- who looks ----------------------------------------------------------- */

void
feed_presence(struct feed *f)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char id[TUI_FIELD_MAX], path[256];

	if (f->m->view != VIEW_WAITING || tui_focused(f->m) == NULL)
		return;
	(void)snprintf(id, sizeof(id), "%s", tui_focused(f->m)->id);
	/* who is said to look should be somebody who chose to */
	if (f->m->opened && !f->m->unfocused &&
	    feed_path(id, "/presence", path, NULL) == 0)
		(void)feed_call(f,
		    &(struct client_request){
			.method = "PUT", .path = path, .body = STR("{}") },
		    &reply, NULL);
	feed_look_at(f, id);
}
