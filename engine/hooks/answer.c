/*
 * What each client is told, in its own JSON and no other: most of them take
 * what they do not understand for a yes.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "base/text.h"
#include "hook_int.h"

#define DENY_STATUS 2 /* what every client with exit codes takes for a no */

/* ---- what is said ------------------------------------------------------- */

enum say
say_of(const struct hook *h, const struct hook_ruling *r)
{
	switch (r->verdict) {
	case HOOK_ALLOW:
		return h->o.mode == HOOK_ADVISE ? SAY_PASS : SAY_ALLOW;
	case HOOK_ASK:
		/* its own prompt is on the screen already */
		if (h->event == HOOK_PERMISSION)
			return SAY_PASS;
		return h->o.mode == HOOK_ADVISE ? SAY_ASK : SAY_DENY;
	case HOOK_DENY:
		break;
	}
	return SAY_DENY;
}

static const char *
word(enum say say)
{
	return say == SAY_ALLOW ? "allow" : say == SAY_ASK ? "ask" : "deny";
}

/* A call that could not even be read: every way of saying no at once. */
static void
refuse_unread(const struct hook_ruling *r, struct hook_output *out)
{
	buf_puts(&out->problem, r->message);
	buf_putc(&out->problem, '\n');
	out->status = DENY_STATUS;
}

void
pass_silent(const struct hook *h, struct hook_output *out)
{
	(void)h;
	(void)out;
}

void
pass_empty(const struct hook *h, struct hook_output *out)
{
	(void)h;
	buf_puts(&out->out, "{}\n");
}

/* ---- the command that runs it ------------------------------------------- */

/* Any text as one word of any POSIX shell. */
static void
put_quoted(struct buf *out, struct str s)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, s.s[i]);
	}
	buf_putc(out, '\'');
}

/* The script is not in it: the daemon runs what it has recorded under this
 * id, if it is what has this hash. */
static void
put_command(struct buf *out, const struct hook *h, const struct hook_ruling *r)
{
	put_quoted(out, str_of(h->o.runner));
	buf_puts(out, " run");
	if (h->o.runtime != NULL) {
		buf_puts(out, " --runtime ");
		put_quoted(out, str_of(h->o.runtime));
	}
	buf_printf(out, " --approved %s --sha256 %s", r->id, r->sha256);
}

void
rewrite_put_input(
    struct jsonw *w, const struct hook *h, const struct hook_ruling *r)
{
	AUTO_BUF struct buf command = BUF_INIT(HOOK_OUTPUT_MAX);
	const struct json_doc *d = &h->doc;
	size_t n;

	put_command(&command, h, r);
	jsonw_object(w);
	for (n = doc_first(d, h->input); n < doc_end(d, h->input);
	     n = doc_next(d, n + 1)) {
		jsonw_key_str(w, doc_str(d, n));
		if (str_eqz(doc_str(d, n), h->client->rewrites))
			jsonw_str(w, buf_str(&command));
		else
			jsonw_raw(w, doc_raw(d, n + 1));
	}
	jsonw_end(w);
}

static bool
rewrites(const struct hook *h, const struct hook_ruling *r, enum say say)
{
	return say == SAY_ALLOW && hook_rewrites(h) && r->id[0] != '\0';
}

/* What was judged for our sandbox must not run without it. */
static enum say
say_contained(const struct hook *h, const struct hook_ruling *r)
{
	const enum say say = say_of(h, r);

	return say == SAY_ALLOW && hook_rewrites(h) && !rewrites(h, r, say)
	    ? SAY_DENY
	    : say;
}

/* ---- Claude Code and those who speak like it ---------------------------- */

static void
claude_call(const struct hook_ruling *r, enum say say, const struct hook *h,
    struct jsonw *w)
{
	jsonw_kstr(w, "hookEventName", "PreToolUse");
	jsonw_kstr(w, "permissionDecision", word(say));
	jsonw_kstr(w, "permissionDecisionReason", r->message);
	if (rewrites(h, r, say)) {
		jsonw_key(w, "updatedInput");
		rewrite_put_input(w, h, r);
	}
}

static void
claude_permission(const struct hook_ruling *r, enum say say, struct jsonw *w)
{
	jsonw_kstr(w, "hookEventName", "PermissionRequest");
	jsonw_key(w, "decision");
	jsonw_object(w);
	jsonw_kstr(w, "behavior", word(say));
	if (say != SAY_ALLOW)
		jsonw_kstr(w, "message", r->message);
	jsonw_end(w);
}

static void
put_claude(const struct hook *h, const struct hook_ruling *r, enum say say,
    struct hook_output *out)
{
	struct jsonw w = jsonw_on(&out->out);

	jsonw_object(&w);
	jsonw_key(&w, "hookSpecificOutput");
	jsonw_object(&w);
	if (h->event == HOOK_PERMISSION)
		claude_permission(r, say, &w);
	else
		claude_call(r, say, h, &w);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
}

void
answer_claude(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say = say_contained(h, r);

	if (h->event == HOOK_UNKNOWN) {
		put_claude(h, r, SAY_DENY, out);
		refuse_unread(r, out);
	} else if (say == SAY_PASS) {
		pass_empty(h, out);
	} else {
		put_claude(h, r, say, out);
	}
}

/* Codex ignores a bare allow, and runs the tool whenever the answer is not
 * exactly one that it knows. */
void
answer_codex(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say = say_contained(h, r);

	if (h->event == HOOK_UNKNOWN)
		refuse_unread(r, out);
	else if (say == SAY_DENY || rewrites(h, r, say) ||
	    (say == SAY_ALLOW && h->event == HOOK_PERMISSION))
		put_claude(h, r, say, out);
}

/* ---- Gemini CLI --------------------------------------------------------- */

void
answer_gemini(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say =
	    h->event == HOOK_UNKNOWN ? SAY_DENY : say_contained(h, r);
	struct jsonw w = jsonw_on(&out->out);

	if (say == SAY_PASS) {
		pass_empty(h, out);
		return;
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "decision", word(say));
	jsonw_kstr(&w, "reason", r->message);
	if (rewrites(h, r, say)) {
		jsonw_key(&w, "hookSpecificOutput");
		jsonw_object(&w);
		jsonw_kstr(&w, "hookEventName", "BeforeTool");
		jsonw_key(&w, "tool_input");
		rewrite_put_input(&w, h, r);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
}

/* ---- Copilot CLI -------------------------------------------------------- */

static void
copilot_permission(
    const struct hook_ruling *r, enum say say, struct hook_output *out)
{
	struct jsonw w = jsonw_on(&out->out);

	jsonw_object(&w);
	jsonw_kstr(&w, "behavior", word(say));
	if (say != SAY_ALLOW)
		jsonw_kstr(&w, "message", r->message);
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
}

static void
copilot_call(const struct hook *h, const struct hook_ruling *r, enum say say,
    struct hook_output *out)
{
	struct jsonw w = jsonw_on(&out->out);

	jsonw_object(&w);
	jsonw_kstr(&w, "permissionDecision", word(say));
	jsonw_kstr(&w, "permissionDecisionReason", r->message);
	if (rewrites(h, r, say)) {
		jsonw_key(&w, "modifiedArgs");
		rewrite_put_input(&w, h, r);
	}
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
}

void
answer_copilot(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say = say_contained(h, r);

	if (h->event == HOOK_UNKNOWN) {
		copilot_call(h, r, SAY_DENY, out);
		refuse_unread(r, out);
	} else if (say == SAY_PASS) {
		pass_empty(h, out);
	} else if (h->names != h->client->names) {
		put_claude(h, r, say, out);
	} else if (h->event == HOOK_PERMISSION) {
		copilot_permission(r, say, out);
	} else {
		copilot_call(h, r, say, out);
	}
}

/* ---- Cursor ------------------------------------------------------------- */

void
answer_cursor(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const enum say say =
	    h->event == HOOK_UNKNOWN ? SAY_DENY : say_contained(h, r);
	struct jsonw w = jsonw_on(&out->out);

	if (say == SAY_PASS) {
		pass_empty(h, out);
		return;
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "permission", word(say));
	if (say != SAY_ALLOW) {
		jsonw_kstr(&w, "user_message", r->message);
		jsonw_kstr(&w, "agent_message", r->message);
	}
	if (rewrites(h, r, say)) {
		jsonw_key(&w, "updated_input");
		rewrite_put_input(&w, h, r);
	}
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
	/* an exit status that says no, too: both are in its contract */
	if (say == SAY_DENY)
		refuse_unread(r, out);
}

/* ---- our own form: opencode's plugin, and generic ----------------------- */

static int
plain_status(enum say say)
{
	switch (say) {
	case SAY_ALLOW:
	case SAY_PASS:
		return 0;
	case SAY_ASK:
		return 2;
	case SAY_DENY:
		break;
	}
	return 1;
}

void
answer_plain(
    const struct hook *h, const struct hook_ruling *r, struct hook_output *out)
{
	const bool unread = h->event == HOOK_UNKNOWN;
	enum say say = unread ? SAY_DENY : say_contained(h, r);
	struct jsonw w = jsonw_on(&out->out);

	/* nobody's prompt is on a screen: an open question is one */
	if (!unread && r->verdict == HOOK_ASK && h->client->own == NULL)
		say = SAY_ASK;
	jsonw_object(&w);
	jsonw_kstr(&w, "decision", say == SAY_PASS ? "pass" : word(say));
	jsonw_kstr(&w, "reason", r->message);
	if (r->id[0] != '\0') {
		jsonw_kstr(&w, "id", r->id);
		jsonw_kstr(&w, "action_sha256", r->sha256);
	}
	if (rewrites(h, r, say)) {
		jsonw_key(&w, "args");
		rewrite_put_input(&w, h, r);
	}
	jsonw_end(&w);
	buf_putc(&out->out, '\n');
	out->status = plain_status(say);
}

void
hook_answer(const struct hook *h, const struct hook_ruling *ruling,
    struct hook_output *out)
{
	h->client->answer(h, ruling, out);
}

void
hook_pass(const struct hook *h, struct hook_output *out)
{
	h->client->pass(h, out);
}
