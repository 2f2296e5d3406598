/*
 * Conditions on calls of MCP tools: server, tool, arguments.
 * Runs in: every program that judges.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "match.h"

#define VALUE_BYTES_MAX REGEX_SUBJECT_MAX
#define TOKEN_BYTES_MAX 256

static bool
name_is(const struct globs *want, struct str name)
{
	for (size_t i = 0; i < want->count; i++) {
		if (glob_match(&want->v[i], name))
			return true;
	}
	return want->count == 0;
}

/* One reference token with ~1 and ~0 replaced; false when too long. */
static bool
unescape(struct str token, char *ret)
{
	size_t n = 0;

	if (token.len >= TOKEN_BYTES_MAX)
		return false;
	for (size_t i = 0; i < token.len; i++) {
		char c = token.s[i];

		if (c == '~' && i + 1 < token.len)
			c = token.s[++i] == '1' ? '/' : '~';
		ret[n++] = c;
	}
	ret[n] = '\0';
	return true;
}

static const json_t *
child(const json_t *at, const char *token)
{
	if (json_is_object(at))
		return json_object_get(at, token);
	if (json_is_array(at)) {
		size_t index = 0;

		for (const char *s = token; *s != '\0'; s++) {
			if (*s < '0' || *s > '9' || index > 100000)
				return NULL;
			index = index * 10 + (size_t)(*s - '0');
		}
		return token[0] == '\0' ? NULL : json_array_get(at, index);
	}
	return NULL;
}

static const json_t *
resolve(const json_t *root, struct str pointer)
{
	char token[TOKEN_BYTES_MAX];
	struct str rest = str_from(pointer, 1);

	if (pointer.len == 0)
		return root;
	while (root != NULL) {
		const size_t slash = str_find(rest, '/');

		if (!unescape(str_head(rest, slash), token))
			return NULL;
		root = child(root, token);
		if (slash == rest.len)
			return root;
		rest = str_from(rest, slash + 1);
	}
	return NULL;
}

/* A text as it is, other values as JSON. */
static int
value_text(const json_t *v, struct buf *out)
{
	char *text;

	if (json_is_string(v)) {
		buf_put(out, json_string_value(v), json_string_length(v));
		return buf_done(out, NULL);
	}
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL)
		return ERR_NOMEM;
	buf_puts(out, text);
	free(text);
	return buf_done(out, NULL);
}

static enum tri
text_matches(const struct arg_want *w, struct str text,
    const struct match_input *in, struct strictness s)
{
	enum tri t = TRI_YES;

	if (w->values.count > 0)
		t = name_is(&w->values, text) ? TRI_YES : TRI_NO;
	if (t == TRI_YES && w->regex != NULL) {
		const enum regex_result r =
		    regex_match(in->runner, w->regex, text);

		if (r == REGEX_ERROR)
			return s.loosens ? TRI_NO : TRI_YES;
		t = r == REGEX_YES ? TRI_YES : TRI_NO;
	}
	return t;
}

static enum tri
value_matches(const struct arg_want *w, const json_t *v,
    const struct match_input *in, struct strictness s)
{
	AUTO_BUF struct buf text = BUF_INIT(VALUE_BYTES_MAX);

	/* Too long to look at. */
	if (value_text(v, &text) != 0)
		return TRI_MAYBE;
	return text_matches(w, buf_str(&text), in, s);
}

/* Of a list, some item; where the rule loosens, every one. */
static enum tri
list_matches(const struct arg_want *w, const json_t *list,
    const struct match_input *in, struct strictness s)
{
	const size_t n = json_array_size(list);
	enum tri t = s.loosens && n > 0 ? TRI_YES : TRI_NO;

	for (size_t i = 0; i < n; i++) {
		const enum tri one =
		    value_matches(w, json_array_get(list, i), in, s);

		t = s.loosens ? tri_min(t, one) : tri_max(t, one);
	}
	return t;
}

static enum tri
match_arg(
    const struct arg_want *w, const struct match_input *in, struct strictness s)
{
	const json_t *v = resolve(in->args, w->pointer);

	if (w->absent)
		return v == NULL ? TRI_YES : TRI_NO;
	if (v == NULL)
		return TRI_NO;
	if (json_is_array(v))
		return list_matches(w, v, in, s);
	return value_matches(w, v, in, s);
}

enum tri
match_mcp(
    const struct mcp_cond *c, const struct match_input *in, struct strictness s)
{
	enum tri t = TRI_YES;

	if (in->cmd->tool != TOOL_MCP ||
	    !name_is(&c->servers, in->cmd->server) ||
	    !name_is(&c->tools, in->cmd->mcp_tool))
		return TRI_NO;
	for (size_t i = 0; i < c->args.count && t != TRI_NO; i++)
		t = tri_min(t, match_arg(&c->args.v[i], in, s));
	return t;
}
