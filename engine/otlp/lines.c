/*
 * JSON lines: the bytes that jansson writes, compact and in ASCII. Plain text
 * is copied at once; what needs escapes is left to jansson.
 * Runs in: reporter.  Trusts: jansson.  Owns: nothing.
 */
#include "lines.h"

#include <stdlib.h>

static int put_value(json_t *value, struct buf *out, struct err *e);

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.s[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static int
put_by_jansson(const json_t *value, struct buf *out, struct err *e)
{
	char *text = json_dumps(
	    value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	if (text == NULL)
		return err_nomem(e);
	buf_puts(out, text);
	free(text);
	return ERR_OK;
}

static int
put_string(json_t *value, struct buf *out, struct err *e)
{
	const struct str s =
	    str_n(json_string_value(value), json_string_length(value));

	if (!is_plain(s))
		return put_by_jansson(value, out, e);
	buf_putc(out, '"');
	buf_put_str(out, s);
	buf_putc(out, '"');
	return ERR_OK;
}

static int
put_key(const char *key, struct buf *out, struct err *e)
{
	json_auto_t *value = NULL;

	if (is_plain(str_of(key))) {
		buf_putc(out, '"');
		buf_puts(out, key);
		buf_putc(out, '"');
		return ERR_OK;
	}
	value = json_string(key);
	return value == NULL ? err_nomem(e) : put_by_jansson(value, out, e);
}

static int
put_object(json_t *object, struct buf *out, struct err *e)
{
	const char *key;
	json_t *value;
	bool first = true;

	buf_putc(out, '{');
	json_object_foreach(object, key, value)
	{
		int r;

		if (!first)
			buf_putc(out, ',');
		first = false;
		r = put_key(key, out, e);
		buf_putc(out, ':');
		if (r == 0)
			r = put_value(value, out, e);
		if (r != 0)
			return r;
	}
	buf_putc(out, '}');
	return ERR_OK;
}

/* As deep as rows are: members of members. */
static int
put_value(json_t *value, struct buf *out, struct err *e)
{
	if (json_is_object(value))
		return put_object(value, out, e);
	if (json_is_string(value))
		return put_string(value, out, e);
	if (!json_is_integer(value))
		return put_by_jansson(value, out, e);
	buf_printf(out, "%lld", (long long)json_integer_value(value));
	return ERR_OK;
}

int
rows_as_lines(json_t *const *rows, size_t count, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const int r = put_value(rows[i], out, e);

		if (r != 0)
			return r;
		buf_putc(out, '\n');
	}
	return buf_done(out, e);
}
