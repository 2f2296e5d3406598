/*
 * Rule files of Codex: prefix_rule, network_rule, host_executable.
 * Runs in: assent.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <string.h>

#include "import.h"

static enum decision
codex_decision(struct str s)
{
	if (s.len == 0 || str_eqz(s, "allow"))
		return DECISION_ALLOW;
	if (str_eqz(s, "prompt"))
		return DECISION_ASK;
	if (str_eqz(s, "forbidden") || str_eqz(s, "deny"))
		return DECISION_DENY;
	return DECISION_INVALID;
}

static struct str
source_of(const json_t *call, struct buf *out)
{
	char *text = json_dumps(
	    json_object_get(call, "pattern"), JSON_COMPACT | JSON_ENCODE_ANY);

	buf_printf(
	    out, "%s", json_string_value(json_object_get(call, "__call")));
	if (text != NULL)
		buf_printf(out, " %s", text);
	free(text);
	return buf_str(out);
}

/* A word, or a list of which one is meant. */
static bool
take_word(struct import *im, const json_t *v, struct import_word *to)
{
	const size_t n = json_is_array(v) ? json_array_size(v) : 1;

	to->v = arena_array(im->arena, n + 1, sizeof(*to->v));
	for (size_t i = 0; to->v != NULL && i < n; i++) {
		const struct str w = import_json_str(
		    json_is_array(v) ? json_array_get(v, i) : v);

		if (w.len == 0)
			return false;
		to->v[to->count++] = import_keep(im, w);
	}
	return to->v != NULL && n > 0;
}

static bool
take_pattern(struct import *im, const json_t *pattern, struct imported *r)
{
	const size_t n = json_array_size(pattern);

	if (n == 0 || n > IMPORT_WORDS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!take_word(im, json_array_get(pattern, i), &r->words[i]))
			return false;
	}
	r->word_count = n;
	return true;
}

static void
prefix_rule(struct import *im, const json_t *call)
{
	AUTO_BUF struct buf source = BUF_INIT(RULE_TEXT_MAX * 4);
	const struct str text = source_of(call, &source);
	const unsigned line = import_line_of(call);
	const enum decision d =
	    codex_decision(import_json_str(json_object_get(call, "decision")));
	struct imported *r;

	if (d == DECISION_INVALID) {
		import_note(im, true, line, text, "no such decision");
		return;
	}
	r = import_add(im, d, line, text);
	if (r == NULL)
		return;
	r->kind = IMPORTED_COMMAND;
	if (!take_pattern(im, json_object_get(call, "pattern"), r)) {
		im->rule_count--;
		import_note(
		    im, true, line, text, "its pattern is no list of words");
		return;
	}
	r->reason = import_keep(
	    im, import_json_str(json_object_get(call, "justification")));
	import_examples(
	    im, json_object_get(call, "match"), &r->match, &r->match_count);
	import_examples(im, json_object_get(call, "not_match"), &r->nomatch,
	    &r->nomatch_count);
}

static void
network_rule(struct import *im, const json_t *call)
{
	const struct str host = import_json_str(json_object_get(call, "host"));
	const enum decision d =
	    codex_decision(import_json_str(json_object_get(call, "decision")));
	struct imported *r;

	if (host.len == 0 || d == DECISION_INVALID) {
		import_note(im, true, import_line_of(call), STR("network_rule"),
		    "it names no host or no decision");
		return;
	}
	r = import_add(im, d, import_line_of(call), STR("network_rule"));
	if (r == NULL)
		return;
	r->kind = IMPORTED_HOST;
	r->target = import_keep(im, host);
	if (d == DECISION_ALLOW)
		import_note(im, false, r->line, r->source,
		    "only for calls of the tool fetch: a command that "
		    "connects to '%.*s' needs a rule that names it",
		    STR_ARG(host));
}

void
import_codex(struct import *im, const json_t *calls)
{
	const json_t *call;
	size_t i;

	json_array_foreach(calls, i, call)
	{
		const struct str name =
		    import_json_str(json_object_get(call, "__call"));

		if (str_eqz(name, "prefix_rule"))
			prefix_rule(im, call);
		else if (str_eqz(name, "network_rule"))
			network_rule(im, call);
		else if (str_eqz(name, "host_executable"))
			import_note(im, false, import_line_of(call), name,
			    "not needed: a rule that allows means the "
			    "system's program of that name, one that "
			    "tightens any of that name");
		else
			import_note(im, true, import_line_of(call), name,
			    "there is nothing like it");
	}
}
