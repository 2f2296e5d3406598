/*
 * A rule of one action: shown with what it would change, and written.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "feed.h"
#include "rule_file.h"

#define RULE_PATH_BYTES 1024
#define RULE_BODY_MAX ((size_t)1 << 20)

/* What it would match of the past is that of a grant of the same kind. */
static void
put_matches(struct feed *f, const struct tui_order *o, struct page *p)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	struct tui_order like = *o;
	char path[FEED_PATH_BYTES];

	(void)snprintf(like.scope, sizeof(like.scope), "until 1h");
	if (feed_preview_path(&like, path) != 0 ||
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
	feed_put_counts(p, json_object_get(reply.json, "history"));
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
	page_own(p, STYLE_LABEL,
	    "A RULE, for your own rules or as a draft for the organisation's");
	page_code(p, " | ", str_of(rule), STYLE_BOLD);
	f->rule = mem_strndup(rule, strlen(rule));
	(void)snprintf(f->rule_id, sizeof(f->rule_id), "%s", o->id);
	return f->rule == NULL ? err_nomem(e) : ERR_OK;
}

/* "12 of deny to allow" and such, from the daemon's matrix. */
static json_int_t
moved(const json_t *matrix, const char *from, const char *to)
{
	return json_integer_value(
	    json_object_get(json_object_get(matrix, from), to));
}

/* The calls of the past that were denied and would be allowed. */
static void
put_denied(struct page *p, const json_t *changes)
{
	const json_t *one;
	size_t i;

	json_array_foreach(changes, i, one)
	{
		const char *from = client_text(one, "from");
		const char *to = client_text(one, "to");

		if (from != NULL && to != NULL && strcmp(from, "deny") == 0 &&
		    strcmp(to, "allow") == 0)
			page_field(
			    p, "   -", client_text(one, "text"), STYLE_BAD);
	}
}

/*
 * What the calls of the last days would become with it. No deny may become an
 * allow, and what cannot be tried is not written.
 */
static int
try_rule(struct feed *f, struct page *p, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf body = BUF_INIT(RULE_BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	const json_t *matrix;
	json_int_t denied;
	int r;

	jsonw_object(&w);
	jsonw_kstr(&w, "rules", f->rule);
	jsonw_kstr(&w, "place", "beside");
	jsonw_end(&w);
	r = buf_done(&body, e);
	if (r == 0)
		r = feed_call(f,
		    &(struct client_request){ .method = "POST",
			.path = "/v1/rules/preview",
			.body = buf_str(&body) },
		    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	matrix = json_object_get(reply.json, "matrix");
	if (r == 0 && !json_is_object(matrix))
		r = err_set(e, ERR_INTERNAL, "the daemon did not try it");
	if (r != 0)
		return r;
	denied = moved(matrix, "deny", "allow");
	page_own(p, STYLE_LABEL, "WITH IT, of %lld calls of the last 30 days%s",
	    (long long)json_integer_value(json_object_get(reply.json, "calls")),
	    json_is_true(json_object_get(reply.json, "complete"))
		? ""
		: " (not all were tried)");
	page_own(p, STYLE_PLAIN, "  %5lld  questions would be allowed",
	    (long long)(moved(matrix, "ask", "allow") +
		moved(matrix, "review", "allow")));
	page_own(p, denied > 0 ? STYLE_BAD : STYLE_PLAIN,
	    "  %5lld  denied ones would be allowed (must be 0)",
	    (long long)denied);
	put_denied(p, json_object_get(reply.json, "changes"));
	return denied == 0
	    ? ERR_OK
	    : err_set(e, ERR_DENIED, "it would allow what is denied");
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
	if (r == 0)
		r = try_rule(f, &page, &e);
	if (r != 0)
		page_field(&page, "NOT SO", e.msg, STYLE_BAD);
	tui_show_preview(
	    f->m, o->id, r == 0 && page.text.failed == 0, &page, loop_now_ns());
}

void
feed_save_rule(struct feed *f, const struct tui_order *o)
{
	char path[RULE_PATH_BYTES] = "";
	struct err e = ERR_INIT;
	const bool draft = strcmp(o->scope, "draft") == 0;
	bool is_new = false;
	int r = f->rule == NULL || strcmp(f->rule_id, o->id) != 0
	    ? err_set(&e, ERR_CONFLICT, "another rule was shown")
	    : draft ? rule_file_draft(f->rule, o->id, path, sizeof(path), &e)
		    : rule_file_add(f->rule, path, sizeof(path), &is_new, &e);

	tui_answered(f->m, o, r == 0 ? NULL : e.msg, loop_now_ns());
	if (r == 0)
		tui_note(f->m, STYLE_LABEL, loop_now_ns(),
		    draft ? "A draft: %s. It counts when it lies among the "
			    "organisation's rules."
			: is_new
			? "Written: %s. Its folder is new: restart the daemon "
			  "once, so that it reads it."
			: "Written: %s. The daemon picks it up by itself.",
		    path);
	else
		tui_note(f->m, STYLE_BAD, loop_now_ns(),
		    "No rule was written: %s", e.msg);
}
