/*
 * What a client tells us besides calls: prompts, results, sessions.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "hook_int.h"

static const char *
type_of(enum hook_event event)
{
	switch (event) {
	case HOOK_PROMPT:
		return "prompt";
	case HOOK_RESULT:
		return "tool_result";
	case HOOK_SESSION_START:
		return "session_start";
	case HOOK_SESSION_END:
		return "session_end";
	case HOOK_NOTIFICATION:
		return "notification";
	case HOOK_UNKNOWN:
	case HOOK_CALL:
	case HOOK_PERMISSION:
	case HOOK_IGNORED:
		break;
	}
	return NULL;
}

struct str
hook_cut(struct str text)
{
	size_t max = HOOK_REPORT_TEXT_MAX;

	if (text.len <= max)
		return text;
	while (max > 0 && ((unsigned char)text.s[max] & 0xc0) == 0x80)
		max--;
	return str_head(text, max);
}

static void
put_text(struct jsonw *w, const char *name, struct str text)
{
	if (text.len == 0)
		return;
	jsonw_key(w, name);
	jsonw_str(w, hook_cut(text));
}

static struct str
member(const struct hook *h, size_t object, const char *name)
{
	const size_t node = hook_node(h, object, name);

	if (node == 0)
		return STR_NONE;
	return h->doc.nodes[node].kind == DOC_STRING ? doc_str(&h->doc, node)
						     : doc_raw(&h->doc, node);
}

static void
put_event(const struct hook *h, struct jsonw *w)
{
	static const char *const texts[] = { "prompt", "message", "reason",
		"source", "user_prompt" };

	jsonw_kstr(w, "type", type_of(h->event));
	if (h->event == HOOK_RESULT) {
		put_text(w, "text", member(h, 0, h->names->result));
		if (h->tool_name != NULL &&
		    strlen(h->tool_name) <= NAME_BYTES_MAX)
			jsonw_kstr(w, "tool", h->tool_name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (hook_node(h, 0, texts[i]) != 0) {
			put_text(w, "text", member(h, 0, texts[i]));
			return;
		}
	}
}

/* What the shells of clients give: output, errors, a status. */
static void
put_outcome(const struct hook *h, struct jsonw *w)
{
	static const char *const codes[] = { "exit_code", "exitCode", "code" };
	const size_t result = hook_node(h, 0, h->names->result);
	int64_t code;

	if (result == 0 || h->doc.nodes[result].kind != DOC_OBJECT) {
		put_text(w, "stdout", member(h, 0, h->names->result));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const size_t node = hook_node(h, result, codes[i]);

		if (node != 0 && doc_int(&h->doc, node, -1, 255, &code) == 0) {
			jsonw_kint(w, "exit", code);
			break;
		}
	}
	if (hook_node(h, result, "stdout") == 0) {
		put_text(w, "stdout", doc_raw(&h->doc, result));
		return;
	}
	put_text(w, "stdout", member(h, result, "stdout"));
	put_text(w, "stderr", member(h, result, "stderr"));
}

int
hook_report(struct hook *h, struct buf *json, struct err *e)
{
	struct jsonw w = jsonw_on(json);

	jsonw_object(&w);
	if (h->event == HOOK_RESULT && h->key[0] != '\0')
		put_outcome(h, &w);
	else
		put_event(h, &w);
	jsonw_end(&w);
	return buf_done(json, e);
}
