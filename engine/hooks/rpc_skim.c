/*
 * The outside of a JSON-RPC message.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "rpc_skim.h"

#include <string.h>

#include "rpc.h"

struct skim {
	struct str rest;
	struct str id;
	bool method, answer, disguised;
};

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static void
skip_space(struct skim *s)
{
	s->rest = str_trim(s->rest);
}

static bool
skip_char(struct skim *s, char c)
{
	skip_space(s);
	if (s->rest.len == 0 || s->rest.s[0] != c)
		return false;
	s->rest = str_from(s->rest, 1);
	return true;
}

/* The bytes of a string between its quotes, as they are written. */
static bool
take_string(struct skim *s, struct str *ret)
{
	const struct str from = s->rest;
	size_t i = 1;

	if (from.len == 0 || from.s[0] != '"')
		return false;
	while (i < from.len && from.s[i] != '"')
		i += from.s[i] == '\\' ? 2 : 1;
	if (i >= from.len)
		return false;
	*ret = str_head(str_from(from, 1), i - 1);
	s->rest = str_from(from, i + 1);
	return true;
}

/* One value, however deep. */
static bool
skip_value(struct skim *s, struct str *ret)
{
	const struct str from = s->rest;
	size_t depth = 0;
	struct str text;

	do {
		skip_space(s);
		if (s->rest.len == 0)
			return false;
		if (s->rest.s[0] == '"') {
			if (!take_string(s, &text))
				return false;
			continue;
		}
		if (is_one_of(s->rest.s[0], "[{"))
			depth++;
		else if (is_one_of(s->rest.s[0], "]}") && depth-- == 0)
			return false;
		s->rest = str_from(s->rest, 1);
	} while (
	    depth > 0 || (s->rest.len > 0 && !is_one_of(s->rest.s[0], ",}")));
	*ret = str_trim(str_head(from, from.len - s->rest.len));
	return true;
}

static bool
take_member(struct skim *s)
{
	static const char *const members[] = { "jsonrpc", "id", "method",
		"params", "result", "error", NULL };
	struct str name, value;

	skip_space(s);
	if (!take_string(s, &name) || !skip_char(s, ':'))
		return false;
	skip_space(s);
	if (!skip_value(s, &value))
		return false;
	if (str_find(name, '\\') < name.len)
		s->disguised = true;
	if (str_eqz(name, "method"))
		s->method = true;
	else if (str_eqz(name, "result") || str_eqz(name, "error"))
		s->answer = true;
	else if (!str_eqz(name, "id") && !str_eqz(name, "params") &&
	    !str_eqz(name, "jsonrpc") && rpc_looks_like_str(name, members))
		s->disguised = true;
	if (str_eqz(name, "id")) {
		/* twice: one reader answers the one, another the other */
		s->disguised = s->disguised || s->id.len > 0;
		s->id = value;
	}
	return true;
}

static bool
is_id(struct str id)
{
	struct skim s = { .rest = id };
	struct str text;

	if (id.len == 0 || id.len > RPC_ID_MAX)
		return false;
	if (id.s[0] == '"')
		return take_string(&s, &text) && s.rest.len == 0;
	for (size_t i = id.s[0] == '-' ? 1 : 0; i < id.len; i++) {
		if (!is_one_of(id.s[i], "0123456789"))
			return false;
	}
	return id.s[id.len - 1] != '-';
}

enum rpc_skim
rpc_skim(struct str line, struct str *ret_id)
{
	struct skim s = { .rest = str_trim(line) };
	bool more = true;

	*ret_id = STR_NONE;
	if (!skip_char(&s, '{'))
		return RPC_SKIM_NONE;
	while (more) {
		if (!take_member(&s))
			return RPC_SKIM_NONE;
		more = skip_char(&s, ',');
	}
	if (!skip_char(&s, '}') || str_trim(s.rest).len > 0 || s.disguised)
		return RPC_SKIM_NONE;
	if (s.method && s.id.len == 0)
		return RPC_SKIM_NOTIFICATION;
	if (!s.method)
		return s.answer && s.id.len > 0 ? RPC_SKIM_RESPONSE
						: RPC_SKIM_NONE;
	if (is_id(s.id))
		*ret_id = s.id;
	return RPC_SKIM_REQUEST;
}
