/*
 * Read the part of Starlark that rule files of Codex are made of: calls of
 * functions with texts and lists. Anything else is an error with its place.
 * Runs in: assent.  Trusts: nothing in the text.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "import.h"
#include "import_reader.h"

#define DEPTH_MAX 8

static void
skip(struct import_reader *r)
{
	while (r->at < r->text.len) {
		const char c = reader_peek(r);

		if (c == '#') {
			while (r->at < r->text.len && reader_peek(r) != '\n')
				r->at++;
		} else if (isspace((unsigned char)c)) {
			r->line += c == '\n';
			r->at++;
		} else {
			return;
		}
	}
}

static bool
take(struct import_reader *r, char c)
{
	skip(r);
	return reader_take(r, c);
}

static struct str
name(struct import_reader *r)
{
	const size_t start = r->at;

	while (isalnum((unsigned char)reader_peek(r)) || reader_peek(r) == '_')
		r->at++;
	return str_n(r->text.s + start, r->at - start);
}

static void
put_escape(struct import_reader *r, struct buf *b)
{
	static const char from[] = "ntr0\\\"'", to[] = "\n\t\r\0\\\"'";
	const char c = r->text.s[r->at++];
	const char *p = c == '\0' ? NULL : strchr(from, c);

	if (p == NULL) {
		buf_putc(b, '\\');
		buf_putc(b, c);
	} else {
		buf_putc(b, to[p - from]);
	}
}

static json_t *
string(struct import_reader *r, bool raw)
{
	const char quote = reader_peek(r);
	const size_t quotes = reader_quotes(r);

	return reader_quoted(r, quote, quotes, raw ? NULL : put_escape);
}

static json_t *value(struct import_reader *r, unsigned depth);

static json_t *
list(struct import_reader *r, unsigned depth)
{
	json_t *v = json_array();
	const char end = r->text.s[r->at - 1] == '[' ? ']' : ')';

	while (!take(r, end)) {
		json_t *item = value(r, depth + 1);

		if (item == NULL || json_array_append_new(v, item) != 0) {
			json_decref(v);
			return NULL;
		}
		if (!take(r, ',') && (skip(r), reader_peek(r) != end)) {
			json_decref(v);
			return reader_fail(
			    r, "a list needs ',' or its end here");
		}
	}
	return v;
}

static json_t *
word(struct import_reader *r)
{
	const struct str w = name(r);

	if ((str_eqz(w, "r") || str_eqz(w, "b")) && (reader_at_quote(r)))
		return string(r, true);
	if (str_eqz(w, "True") || str_eqz(w, "False"))
		return json_boolean(str_eqz(w, "True"));
	if (str_eqz(w, "None"))
		return json_null();
	return reader_fail(r, "a text or a list is expected here");
}

static json_t *
value(struct import_reader *r, unsigned depth)
{
	json_t *v, *more, *sum;

	skip(r);
	if (depth > DEPTH_MAX)
		return reader_fail(r, "lists within lists are too deep");
	if (take(r, '[') || take(r, '('))
		return list(r, depth);
	v = reader_at_quote(r) ? string(r, false) : word(r);
	skip(r);
	/* Texts one after another, and added ones, are one. */
	while (json_is_string(v) &&
	    (reader_at_quote(r) || reader_peek(r) == '+')) {
		(void)take(r, '+');
		skip(r);
		more = value(r, depth + 1);
		if (!json_is_string(more)) {
			json_decref(v);
			json_decref(more);
			return reader_fail(r, "only texts can be added");
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
argument(struct import_reader *r, json_t *call)
{
	AUTO_BUF struct buf key = BUF_INIT(256);
	struct str w;
	json_t *v;

	skip(r);
	w = name(r);
	if (w.len == 0 || !take(r, '='))
		return reader_fail(r, "an argument is 'name = value'") != NULL;
	buf_put_str(&key, w);
	v = value(r, 0);
	return v != NULL && json_object_set_new(call, buf_cstr(&key), v) == 0;
}

static json_t *
one_call(struct import_reader *r)
{
	json_t *call = json_object();
	const struct str function = name(r);

	(void)json_object_set_new(call, IMPORT_LINE, json_integer(r->line));
	(void)json_object_set_new(
	    call, "__call", json_stringn(function.s, function.len));
	if (function.len == 0 || !take(r, '(')) {
		json_decref(call);
		return reader_fail(
		    r, "only calls such as prefix_rule(...) can be imported");
	}
	while (!take(r, ')')) {
		if (!argument(r, call)) {
			json_decref(call);
			return NULL;
		}
		skip(r);
		if (!take(r, ',') && reader_peek(r) != ')') {
			json_decref(call);
			return reader_fail(r, "a call needs ',' or ')' here");
		}
	}
	return call;
}

int
starlark_parse(const char *file, struct str text, json_t **ret, struct err *e)
{
	struct import_reader r = {
		.file = file, .text = text, .line = 1, .e = e
	};
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
