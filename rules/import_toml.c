/*
 * Read the part of TOML that policy files of Gemini CLI are made of: tables,
 * arrays of tables, texts, numbers, truth values and lists of them.
 * Runs in: assent.  Trusts: nothing in the text.  Owns: nothing.
 */
#include <ctype.h>
#include <string.h>

#include "base/num.h"
#include "import.h"

#define DEPTH_MAX 8
#define KEY_BYTES_MAX 256

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

static json_t *
fail(struct reader *r, const char *what)
{
	(void)err_at(r->e, r->file, r->line, 0, "%s", what);
	return NULL;
}

static void
skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r')
		r->at++;
}

/* Blanks, comments and ends of lines. */
static void
skip(struct reader *r)
{
	for (;;) {
		skip_blanks(r);
		if (peek(r) == '#') {
			while (r->at < r->text.len && peek(r) != '\n')
				r->at++;
		} else if (peek(r) == '\n') {
			r->line++;
			r->at++;
		} else {
			return;
		}
	}
}

static bool
take(struct reader *r, char c)
{
	if (r->at >= r->text.len || peek(r) != c)
		return false;
	r->at++;
	return true;
}

static void
put_code_point(struct reader *r, struct buf *b, size_t digits)
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
put_escape(struct reader *r, struct buf *b)
{
	static const char from[] = "btnfr\"\\e", to[] = "\b\t\n\f\r\"\\\x1b";
	const char c = peek(r);
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
string(struct reader *r)
{
	AUTO_BUF struct buf b = BUF_INIT(IMPORT_FILE_BYTES_MAX);
	const char quote = peek(r);
	const bool triple = str_at(r->text, r->at + 1) == quote &&
	    str_at(r->text, r->at + 2) == quote;

	r->at += triple ? 3 : 1;
	if (triple && peek(r) == '\n') {
		r->at++;
		r->line++;
	}
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
		if (c == '\\' && quote == '"')
			put_escape(r, &b);
		else
			buf_putc(&b, c);
	}
	return fail(r, "a text that does not end");
}

static json_t *
bare(struct reader *r)
{
	const size_t start = r->at;
	uint64_t n;

	while (isalnum((unsigned char)peek(r)) ||
	    (peek(r) != '\0' && strchr("+-_.:", peek(r)) != NULL))
		r->at++;
	const struct str w = str_n(r->text.s + start, r->at - start);

	if (str_eqz(w, "true") || str_eqz(w, "false"))
		return json_boolean(str_eqz(w, "true"));
	if (num_parse_u64(w, 0, INT64_MAX, &n) == 0)
		return json_integer((json_int_t)n);
	return w.len == 0 ? fail(r, "a value is expected here")
			  : json_stringn(w.s, w.len);
}

static json_t *value(struct reader *r, unsigned depth);

static json_t *
list(struct reader *r, unsigned depth)
{
	json_t *v = json_array();

	for (skip(r); !take(r, ']'); skip(r)) {
		json_t *item = value(r, depth + 1);

		if (item == NULL || json_array_append_new(v, item) != 0) {
			json_decref(v);
			return NULL;
		}
		skip(r);
		if (!take(r, ',') && peek(r) != ']') {
			json_decref(v);
			return fail(r, "a list needs ',' or ']' here");
		}
	}
	return v;
}

static bool pair(struct reader *r, json_t *to, unsigned depth);

static json_t *
inline_table(struct reader *r, unsigned depth)
{
	json_t *v = json_object();

	for (skip(r); !take(r, '}'); skip(r)) {
		if (!pair(r, v, depth + 1)) {
			json_decref(v);
			return NULL;
		}
		skip(r);
		if (!take(r, ',') && peek(r) != '}') {
			json_decref(v);
			return fail(r, "a table needs ',' or '}' here");
		}
	}
	return v;
}

static json_t *
value(struct reader *r, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return fail(r, "values within values are too deep");
	if (take(r, '['))
		return list(r, depth);
	if (take(r, '{'))
		return inline_table(r, depth);
	return peek(r) == '"' || peek(r) == '\'' ? string(r) : bare(r);
}

/* "a", 'a b', a-b; dots between them belong to the name. */
static bool
key(struct reader *r, struct buf *out)
{
	skip_blanks(r);
	while (peek(r) != '\0' && strchr("=]\n ", peek(r)) == NULL) {
		if (peek(r) == '"' || peek(r) == '\'') {
			json_t *v = string(r);

			if (v == NULL)
				return false;
			buf_puts(out, json_string_value(v));
			json_decref(v);
		} else {
			buf_putc(out, peek(r));
			r->at++;
		}
	}
	skip_blanks(r);
	return out->len > 0 || fail(r, "a name is expected here") != NULL;
}

static bool
pair(struct reader *r, json_t *to, unsigned depth)
{
	AUTO_BUF struct buf name = BUF_INIT(KEY_BYTES_MAX);
	json_t *v;

	if (!key(r, &name))
		return false;
	if (!take(r, '='))
		return fail(r, "'name = value' is expected here") != NULL;
	skip_blanks(r);
	v = value(r, depth);
	if (v == NULL)
		return false;
	if (json_object_get(to, buf_cstr(&name)) != NULL) {
		json_decref(v);
		return fail(r, "a name is used twice") != NULL;
	}
	return json_object_set_new(to, buf_cstr(&name), v) == 0;
}

/* [name] or [[name]]: where the pairs that follow go. */
static json_t *
header(struct reader *r, json_t *root)
{
	AUTO_BUF struct buf name = BUF_INIT(KEY_BYTES_MAX);
	const bool many = take(r, '[');
	json_t *table = json_object(), *list_of;

	(void)json_object_set_new(table, IMPORT_LINE, json_integer(r->line));
	if (!key(r, &name) || !take(r, ']') || (many && !take(r, ']'))) {
		json_decref(table);
		return fail(r, "a table is '[name]' or '[[name]]'");
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
		return fail(r, "a name is both a table and a list of them");
	return table;
}

int
toml_parse(const char *file, struct str text, json_t **ret, struct err *e)
{
	struct reader r = { .file = file, .text = text, .line = 1, .e = e };
	json_t *root = json_object(), *now = root;

	if (root == NULL)
		return err_nomem(e);
	for (skip(&r); r.at < text.len; skip(&r)) {
		if (take(&r, '['))
			now = header(&r, root);
		else if (!pair(&r, now, 0))
			now = NULL;
		skip_blanks(&r);
		if (now != NULL && r.at < text.len && peek(&r) != '\n' &&
		    peek(&r) != '#')
			now = fail(&r, "the line does not end here");
		if (now == NULL) {
			json_decref(root);
			return ERR_INVALID;
		}
	}
	*ret = root;
	return ERR_OK;
}
