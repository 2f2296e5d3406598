/*
 * Read the part of Starlark that rule files of Codex are made of: calls of
 * functions with texts and lists. Anything else is an error with its place.
 * Runs in: assent.  Trusts: nothing in the text.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "import.h"

#define DEPTH_MAX 8

struct reader {
	const char *file;
	struct str text;
	size_t at;
	unsigned line;
	struct err *e;
};

static char
peek(const struct reader *r)
{
	return str_at(r->text, r->at);
}

static void
skip(struct reader *r)
{
	while (r->at < r->text.len) {
		const char c = peek(r);

		if (c == '#') {
			while (r->at < r->text.len && peek(r) != '\n')
				r->at++;
		} else if (isspace((unsigned char)c)) {
			r->line += c == '\n';
			r->at++;
		} else {
			return;
		}
	}
}

static json_t *
fail(struct reader *r, const char *what)
{
	(void)err_at(r->e, r->file, r->line, 0, "%s", what);
	return NULL;
}

static bool
take(struct reader *r, char c)
{
	skip(r);
	if (peek(r) != c || r->at >= r->text.len)
		return false;
	r->at++;
	return true;
}

static struct str
name(struct reader *r)
{
	const size_t start = r->at;

	while (isalnum((unsigned char)peek(r)) || peek(r) == '_')
		r->at++;
	return str_n(r->text.s + start, r->at - start);
}

static void
put_escape(struct buf *b, char c)
{
	static const char from[] = "ntr0\\\"'", to[] = "\n\t\r\0\\\"'";
	const char *p = c == '\0' ? NULL : strchr(from, c);

	if (p == NULL) {
		buf_putc(b, '\\');
		buf_putc(b, c);
	} else {
		buf_putc(b, to[p - from]);
	}
}

static json_t *
string(struct reader *r, bool raw)
{
	AUTO_BUF struct buf b = BUF_INIT(IMPORT_FILE_BYTES_MAX);
	const char quote = peek(r);
	const bool triple = str_at(r->text, r->at + 1) == quote &&
	    str_at(r->text, r->at + 2) == quote;

	r->at += triple ? 3 : 1;
	while (r->at < r->text.len) {
		const char c = r->text.s[r->at++];

		if (c == quote &&
		    (!triple ||
			(peek(r) == quote &&
			    str_at(r->text, r->at + 1) == quote))) {
			r->at += triple ? 2 : 0;
			return json_stringn(buf_cstr(&b), b.len);
		}
		if (c == '\n' && !triple)
			break;
		r->line += c == '\n';
		if (c != '\\' || raw || r->at >= r->text.len)
			buf_putc(&b, c);
		else
			put_escape(&b, r->text.s[r->at++]);
	}
	return fail(r, "a text that does not end");
}

static json_t *value(struct reader *r, unsigned depth);

static json_t *
list(struct reader *r, unsigned depth)
{
	json_t *v = json_array();
	const char end = r->text.s[r->at - 1] == '[' ? ']' : ')';

	while (!take(r, end)) {
		json_t *item = value(r, depth + 1);

		if (item == NULL || json_array_append_new(v, item) != 0) {
			json_decref(v);
			return NULL;
		}
		if (!take(r, ',') && (skip(r), peek(r) != end)) {
			json_decref(v);
			return fail(r, "a list needs ',' or its end here");
		}
	}
	return v;
}

static json_t *
word(struct reader *r)
{
	const struct str w = name(r);

	if ((str_eqz(w, "r") || str_eqz(w, "b")) &&
	    (peek(r) == '"' || peek(r) == '\''))
		return string(r, true);
	if (str_eqz(w, "True") || str_eqz(w, "False"))
		return json_boolean(str_eqz(w, "True"));
	if (str_eqz(w, "None"))
		return json_null();
	return fail(r, "a text or a list is expected here");
}

static json_t *
value(struct reader *r, unsigned depth)
{
	json_t *v, *more, *sum;

	skip(r);
	if (depth > DEPTH_MAX)
		return fail(r, "lists within lists are too deep");
	if (take(r, '[') || take(r, '('))
		return list(r, depth);
	v = peek(r) == '"' || peek(r) == '\'' ? string(r, false) : word(r);
	skip(r);
	/* Texts one after another, and added ones, are one. */
	while (json_is_string(v) &&
	    (peek(r) == '"' || peek(r) == '\'' || peek(r) == '+')) {
		(void)take(r, '+');
		skip(r);
		more = value(r, depth + 1);
		if (!json_is_string(more)) {
			json_decref(v);
			json_decref(more);
			return fail(r, "only texts can be added");
		}
		sum = json_sprintf(
		    "%s%s", json_string_value(v), json_string_value(more));
		json_decref(v);
		json_decref(more);
		v = sum;
	}
	return v;
}

static bool
argument(struct reader *r, json_t *call)
{
	AUTO_BUF struct buf key = BUF_INIT(256);
	struct str w;
	json_t *v;

	skip(r);
	w = name(r);
	if (w.len == 0 || !take(r, '='))
		return fail(r, "an argument is 'name = value'") != NULL;
	buf_put_str(&key, w);
	v = value(r, 0);
	return v != NULL && json_object_set_new(call, buf_cstr(&key), v) == 0;
}

static json_t *
one_call(struct reader *r)
{
	json_t *call = json_object();
	const struct str function = name(r);

	(void)json_object_set_new(call, IMPORT_LINE, json_integer(r->line));
	(void)json_object_set_new(
	    call, "__call", json_stringn(function.s, function.len));
	if (function.len == 0 || !take(r, '(')) {
		json_decref(call);
		return fail(
		    r, "only calls such as prefix_rule(...) can be imported");
	}
	while (!take(r, ')')) {
		if (!argument(r, call)) {
			json_decref(call);
			return NULL;
		}
		skip(r);
		if (!take(r, ',') && peek(r) != ')') {
			json_decref(call);
			return fail(r, "a call needs ',' or ')' here");
		}
	}
	return call;
}

int
starlark_parse(const char *file, struct str text, json_t **ret, struct err *e)
{
	struct reader r = { .file = file, .text = text, .line = 1, .e = e };
	json_t *calls = json_array();

	if (calls == NULL)
		return err_nomem(e);
	for (skip(&r); r.at < text.len; skip(&r)) {
		json_t *call = one_call(&r);

		if (call == NULL || json_array_append_new(calls, call) != 0) {
			json_decref(calls);
			return ERR_INVALID;
		}
		(void)take(&r, ';');
	}
	*ret = calls;
	return ERR_OK;
}
