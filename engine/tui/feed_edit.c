/*
 * A person edits an action before answering it. The edited one is another
 * action: it is judged by the rules, shown and answered like any other.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "feed.h"
#include "model/limits.h"
#include "tools/verdict.h"

#define PATH_BYTES 256

/* ---- text and input ------------------------------------------------------ */

/* A script as it is; words as a JSON list, which loses none of them. */
static int
put_text(const json_t *input, struct buf *out, struct err *e)
{
	const char *script = client_text(input, "script");
	const json_t *argv = json_object_get(input, "argv");
	AUTO_FREE char *words = NULL;

	if (script != NULL) {
		buf_puts(out, script);
		return buf_done(out, e);
	}
	if (!json_is_array(argv))
		return err_set(e, ERR_INVALID,
		    "only scripts and commands are edited here; deny it with a "
		    "message (m)");
	words = json_dumps(argv, JSON_INDENT(2));
	if (words == NULL)
		return err_nomem(e);
	buf_puts(out, words);
	return buf_done(out, e);
}

static int
take_words(struct str text, json_t *input, struct err *e)
{
	json_auto_t *argv = json_loadb(text.s, text.len, 0, NULL);
	const json_t *word;
	size_t i;

	if (!json_is_array(argv) || json_array_size(argv) == 0)
		return err_set(
		    e, ERR_INVALID, "the edited text is no JSON list of words");
	json_array_foreach(argv, i, word)
	{
		if (!json_is_string(word))
			return err_set(e, ERR_INVALID,
			    "the edited list holds what is no text");
	}
	return json_object_set(input, "argv", argv) != 0 ? err_nomem(e)
							 : ERR_OK;
}

static int
take_text(struct str text, json_t *input, struct err *e)
{
	if (memchr(text.s, '\0', text.len) != NULL || !text_is_utf8(text))
		return err_set(
		    e, ERR_INVALID, "the edited text is not UTF-8 text");
	if (client_text(input, "script") == NULL)
		return take_words(text, input, e);
	return json_object_set_new(
		   input, "script", json_stringn(text.s, text.len)) != 0
	    ? err_nomem(e)
	    : ERR_OK;
}

static bool
is_blank(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr(" \t\r\n", text.s[i]) == NULL || text.s[i] == '\0')
			return false;
	}
	return true;
}

/* Editors end the last line; that is no edit. */
static struct str
without_end(struct str text, bool had_end)
{
	return !had_end && str_ends(text, STR("\n"))
	    ? str_head(text, text.len - 1)
	    : text;
}

static int
let_edit(struct feed *f, json_t *input, struct err *e)
{
	AUTO_BUF struct buf was = BUF_INIT(ACTION_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(ACTION_BYTES_MAX);
	const bool script = client_text(input, "script") != NULL;
	struct str edited;
	int r = put_text(input, &was, e);

	if (r != 0)
		return r;
	buf_put_str(&text, buf_str(&was));
	const bool had_end = str_ends(buf_str(&was), STR("\n"));

	if (!had_end)
		buf_putc(&text, '\n');
	r = buf_done(&text, e);
	if (r == 0)
		r = f->edit(
		    f->edit_ctx, script ? "script.sh" : "argv.json", &text, e);
	if (r != 0)
		return r;
	edited = without_end(buf_str(&text), had_end);
	if (is_blank(edited))
		return err_set(e, ERR_CONFLICT, "the edited text is empty");
	if (str_eq(edited, buf_str(&was)))
		return err_set(e, ERR_CONFLICT, "the text was not changed");
	return take_text(edited, input, e);
}

/* ---- the other action ---------------------------------------------------- */

static int
send(struct feed *f, const struct tui_order *o, const json_t *proposal,
    json_t *input, struct verdict *ret, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	json_auto_t *body = json_object();
	AUTO_FREE char *text = NULL;
	char path[PATH_BYTES];
	int r = feed_path(o->id, "/revision", path, e);

	if (r != 0)
		return r;
	if (json_object_set(body, "tool", json_object_get(proposal, "tool")) !=
		0 ||
	    json_object_set(body, "workspace",
		json_object_get(proposal, "workspace")) != 0 ||
	    json_object_set(body, "input", input) != 0)
		return err_set(e, ERR_INTERNAL, "the action is not complete");
	text = json_dumps(body, JSON_COMPACT);
	if (text == NULL)
		return err_nomem(e);
	r = feed_call(f,
	    &(struct client_request){ .method = "POST",
		.path = path,
		.body = str_of(text),
		.if_match = o->etag },
	    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	return r != 0 ? r : verdict_read(reply.json, NULL, ret, e);
}

static int
edit(struct feed *f, const struct tui_order *o, struct verdict *ret,
    struct err *e)
{
	AUTO(client_reply_done) struct client_reply now = CLIENT_REPLY_INIT;
	AUTO(client_reply_done) struct client_reply why = CLIENT_REPLY_INIT;
	json_auto_t *input = NULL;
	const char *hash;
	int r = feed_get(f, o->id, "", &now, e);

	if (r == 0)
		r = feed_get(f, o->id, "/explain", &why, e);
	if (r != 0)
		return r;
	hash = client_text(now.json, "action_sha256");
	if (f->edit == NULL || hash == NULL || strcmp(hash, o->sha256) != 0)
		return err_set(e, ERR_CONFLICT, "it is another action now");
	input = json_deep_copy(
	    json_object_get(json_object_get(why.json, "action"), "input"));
	r = let_edit(f, input, e);
	return r != 0
	    ? r
	    : send(f, o, json_object_get(now.json, "proposal"), input, ret, e);
}

void
feed_edit(struct feed *f, const struct tui_order *o)
{
	struct err e = ERR_INIT;
	struct verdict v = { 0 };
	const int r = edit(f, o, &v, &e);
	const int64_t now = loop_now_ns();

	tui_answered(f->m, o, r == 0 ? NULL : e.msg, now);
	if (r != 0)
		return;
	tui_gone(f->m, VIEW_WAITING, o->id, NULL, now);
	tui_note(f->m, STYLE_LABEL, now,
	    v.stage == STAGE_PENDING
		? "Edited: %s waits for an answer of its own."
		: "Edited: the rules have decided %s.",
	    v.id);
}
