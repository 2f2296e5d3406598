/*
 * Answers that last, and other people.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "feed.h"
#include "rule_file.h"

#define PATH_BYTES 512
#define CALLS_SHOWN 12
#define RULE_PATH_BYTES 1024

/* ---- what it would match ------------------------------------------------- */

/* "until 2h" in a query. */
static int
preview_path(const struct tui_order *o, char ret[static PATH_BYTES])
{
	char path[256];
	size_t n;
	int r = feed_path(o->id, "/grant?scope=", path, NULL);

	if (r != 0)
		return r;
	n = (size_t)snprintf(ret, PATH_BYTES, "%s", path);
	for (const char *c = o->scope; *c != '\0' && n + 4 < PATH_BYTES; c++)
		n += (size_t)snprintf(ret + n, PATH_BYTES - n, "%%%02X",
		    (unsigned)(unsigned char)*c);
	return ERR_OK;
}

static void
put_texts(
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

static void
put_counts(struct page *p, const json_t *history)
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
	put_texts(p, "It would have matched",
	    json_object_get(history, "matched"), STYLE_BOLD);
	put_texts(p, "Alike, but not matched",
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
	put_texts(p, "It never matches", json_object_get(preview, "never"),
	    STYLE_PLAIN);
	put_counts(p, history);
}

void
feed_preview(struct feed *f, const struct tui_order *o)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO(page_done) struct page page = PAGE_INIT;
	struct err e = ERR_INIT;
	char path[PATH_BYTES];
	bool possible = false;
	int r = preview_path(o, path);

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

/* ---- a rule --------------------------------------------------------------- */

/* What it would match of the past is that of a grant of the same kind. */
static void
put_matches(struct feed *f, const struct tui_order *o, struct page *p)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	struct tui_order like = *o;
	char path[PATH_BYTES];

	(void)snprintf(like.scope, sizeof(like.scope), "until 1h");
	if (preview_path(&like, path) != 0 ||
	    feed_call(f,
		&(struct client_request){ .method = "GET", .path = path },
		&reply, NULL) != 0 ||
	    client_expect(&reply, NULL) != 0) {
		page_own(p, STYLE_WARN,
		    "What it would match of the past is not known.");
		return;
	}
	page_own(p, STYLE_LABEL, "%s",
	    "A grant of the same kind; a rule knows no 'these options only':");
	page_field(p, "MATCHES", client_text(reply.json, "what"), STYLE_BOLD);
	put_counts(p, json_object_get(reply.json, "history"));
}

static int
load_rule(
    struct feed *f, const struct tui_order *o, struct page *p, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const char *rule, *why;
	char path[256];
	int r = feed_path(o->id, "/rule", path, e);

	if (r == 0)
		r = feed_call(f,
		    &(struct client_request){ .method = "GET", .path = path },
		    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	if (r != 0)
		return r;
	rule = client_text(reply.json, "rule");
	why = client_text(reply.json, "why_not");
	if (rule == NULL)
		return err_set(e, ERR_DENIED, "%s",
		    why == NULL ? "no rule is made of this" : why);
	page_own(p, STYLE_LABEL, "A RULE, for your own rules");
	page_code(p, " | ", str_of(rule), STYLE_BOLD);
	f->rule = mem_strndup(rule, strlen(rule));
	(void)snprintf(f->rule_id, sizeof(f->rule_id), "%s", o->id);
	return f->rule == NULL ? err_nomem(e) : ERR_OK;
}

void
feed_rule(struct feed *f, const struct tui_order *o)
{
	AUTO(page_done) struct page page = PAGE_INIT;
	struct err e = ERR_INIT;
	int r;

	page.utf8 = f->m->utf8;
	mem_freep(&f->rule);
	r = load_rule(f, o, &page, &e);
	if (r == 0)
		put_matches(f, o, &page);
	else
		page_field(&page, "NOT SO", e.msg, STYLE_BAD);
	tui_show_preview(
	    f->m, o->id, r == 0 && page.text.failed == 0, &page, loop_now_ns());
}

void
feed_save_rule(struct feed *f, const struct tui_order *o)
{
	char path[RULE_PATH_BYTES] = "";
	struct err e = ERR_INIT;
	int r = f->rule == NULL || strcmp(f->rule_id, o->id) != 0
	    ? err_set(&e, ERR_CONFLICT, "another rule was shown")
	    : rule_file_add(f->rule, path, sizeof(path), &e);

	tui_answered(f->m, o, r == 0 ? NULL : e.msg, loop_now_ns());
	if (r == 0)
		tui_note(f->m, STYLE_LABEL, loop_now_ns(),
		    "Written: %s. A reload of the rules picks it up.", path);
	else
		tui_note(f->m, STYLE_BAD, loop_now_ns(),
		    "No rule was written: %s", e.msg);
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
