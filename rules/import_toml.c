/*
 * Read the part of TOML that policy files of Gemini CLI are made of: tables,
 * arrays of tables, texts, numbers, truth values and lists of them.
 * Runs in: assent.  Trusts: nothing in the text.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "base/num.h"
#include "import.h"
#include "import_reader.h"

#define DEPTH_MAX 8
#define KEY_BYTES_MAX 256

static void
skip_blanks(struct import_reader *r)
{
	while (reader_peek(r) == ' ' || reader_peek(r) == '\t' ||
	    reader_peek(r) == '\r')
		r->at++;
}

/* Blanks, comments and ends of lines. */
static void
skip(struct import_reader *r)
{
	for (;;) {
		skip_blanks(r);
		if (reader_peek(r) == '#') {
			while (r->at < r->text.len && reader_peek(r) != '\n')
				r->at++;
		} else if (reader_peek(r) == '\n') {
			r->line++;
			r->at++;
		} else {
			return;
		}
	}
}

static void
put_code_point(struct import_reader *r, struct buf *b, size_t digits)
{
	AUTO_BUF struct buf json = BUF_INIT(64);
	json_t *v;

	/* JSON knows four digits; that is enough for what is written so. */
	buf_puts(&json, "\"\\u");
	buf_put_str(&json, str_head(str_from(r->text, r->at), digits));
	buf_putc(&json, '"');
	r->at += digits;
	v = json_loads(buf_cstr(&json), JSON_DECODE_ANY, NULL);
	buf_puts(b, json_is_string(v) ? json_string_value(v) : "?");
	json_decref(v);
}

static void
put_escape(struct import_reader *r, struct buf *b)
{
	static const char from[] = "btnfr\"\\e", to[] = "\b\t\n\f\r\"\\\x1b";
	const char c = reader_peek(r);
	const char *p = c == '\0' ? NULL : strchr(from, c);

	r->at++;
	if (p != NULL)
		buf_putc(b, to[p - from]);
	else if (c == 'u')
		put_code_point(r, b, 4);
	else if (c == '\n')
		r->line++; /* a text goes on in the next line */
	else
		buf_putc(b, c);
}

static json_t *
string(struct import_reader *r)
{
	const char quote = reader_peek(r);
	const size_t quotes = reader_quotes(r);

	/* A line's end right behind three quotes is not part of the text. */
	if (quotes == 3 && reader_take(r, '\n'))
		r->line++;
	return reader_quoted(
	    r, quote, quotes, quote == '"' ? put_escape : NULL);
}

static json_t *
bare(struct import_reader *r)
{
	const size_t start = r->at;
	uint64_t n;

	while (isalnum((unsigned char)reader_peek(r)) ||
	    (reader_peek(r) != '\0' && strchr("+-_.:", reader_peek(r)) != NULL))
		r->at++;
	const struct str w = str_n(r->text.s + start, r->at - start);

	if (str_eqz(w, "true") || str_eqz(w, "false"))
		return json_boolean(str_eqz(w, "true"));
	if (num_parse_u64(w, 0, INT64_MAX, &n) == 0)
		return json_integer((json_int_t)n);
	return w.len == 0 ? reader_fail(r, "a value is expected here")
			  : json_stringn(w.s, w.len);
}

static json_t *value(struct import_reader *r, unsigned depth);

static json_t *
list(struct import_reader *r, unsigned depth)
{
	json_t *v = json_array();

	for (skip(r); !reader_take(r, ']'); skip(r)) {
		json_t *item = value(r, depth + 1);

		if (item == NULL || json_array_append_new(v, item) != 0) {
			json_decref(v);
			return NULL;
		}
		skip(r);
		if (!reader_take(r, ',') && reader_peek(r) != ']') {
			json_decref(v);
			return reader_fail(r, "a list needs ',' or ']' here");
		}
	}
	return v;
}

static bool pair(struct import_reader *r, json_t *to, unsigned depth);

static json_t *
inline_table(struct import_reader *r, unsigned depth)
{
	json_t *v = json_object();

	for (skip(r); !reader_take(r, '}'); skip(r)) {
		if (!pair(r, v, depth + 1)) {
			json_decref(v);
			return NULL;
		}
		skip(r);
		if (!reader_take(r, ',') && reader_peek(r) != '}') {
			json_decref(v);
			return reader_fail(r, "a table needs ',' or '}' here");
		}
	}
	return v;
}

static json_t *
value(struct import_reader *r, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return reader_fail(r, "values within values are too deep");
	if (reader_take(r, '['))
		return list(r, depth);
	if (reader_take(r, '{'))
		return inline_table(r, depth);
	return reader_at_quote(r) ? string(r) : bare(r);
}

/* "a", 'a b', a-b; dots between them belong to the name. */
static bool
key(struct import_reader *r, struct buf *out)
{
	skip_blanks(r);
	while (
	    reader_peek(r) != '\0' && strchr("=]\n ", reader_peek(r)) == NULL) {
		if (reader_at_quote(r)) {
			json_t *v = string(r);

			if (v == NULL)
				return false;
			buf_puts(out, json_string_value(v));
			json_decref(v);
		} else {
			buf_putc(out, reader_peek(r));
			r->at++;
		}
	}
	skip_blanks(r);
	return out->len > 0 ||
	    reader_fail(r, "a name is expected here") != NULL;
}

static bool
pair(struct import_reader *r, json_t *to, unsigned depth)
{
	AUTO_BUF struct buf name = BUF_INIT(KEY_BYTES_MAX);
	json_t *v;

	if (!key(r, &name))
		return false;
	if (!reader_take(r, '='))
		return reader_fail(r, "'name = value' is expected here") !=
		    NULL;
	skip_blanks(r);
	v = value(r, depth);
	if (v == NULL)
		return false;
	if (json_object_get(to, buf_cstr(&name)) != NULL) {
		json_decref(v);
		return reader_fail(r, "a name is used twice") != NULL;
	}
	return json_object_set_new(to, buf_cstr(&name), v) == 0;
}

/* [name] or [[name]]: where the pairs that follow go. */
static json_t *
header(struct import_reader *r, json_t *root)
{
	AUTO_BUF struct buf name = BUF_INIT(KEY_BYTES_MAX);
	const bool many = reader_take(r, '[');
	json_t *table = json_object(), *list_of;

	(void)json_object_set_new(table, IMPORT_LINE, json_integer(r->line));
	if (!key(r, &name) || !reader_take(r, ']') ||
	    (many && !reader_take(r, ']'))) {
		json_decref(table);
		return reader_fail(r, "a table is '[name]' or '[[name]]'");
	}
	if (!many) {
		(void)json_object_set_new(root, buf_cstr(&name), table);
		return table;
	}
	list_of = json_object_get(root, buf_cstr(&name));
	if (list_of == NULL) {
		list_of = json_array();
		(void)json_object_set_new(root, buf_cstr(&name), list_of);
	}
	if (json_array_append_new(list_of, table) != 0)
		return reader_fail(
		    r, "a name is both a table and a list of them");
	return table;
}

int
toml_parse(const char *file, struct str text, json_t **ret, struct err *e)
{
	struct import_reader r = {
		.file = file, .text = text, .line = 1, .e = e
	};
	json_t *root = json_object(), *now = root;

	if (root == NULL)
		return err_nomem(e);
	for (skip(&r); r.at < text.len; skip(&r)) {
		if (reader_take(&r, '['))
			now = header(&r, root);
		else if (!pair(&r, now, 0))
			now = NULL;
		skip_blanks(&r);
		if (now != NULL && r.at < text.len && reader_peek(&r) != '\n' &&
		    reader_peek(&r) != '#')
			now = reader_fail(&r, "the line does not end here");
		if (now == NULL) {
			json_decref(root);
			return ERR_INVALID;
		}
	}
	*ret = root;
	return ERR_OK;
}
