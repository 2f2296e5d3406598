/*
 * Write JSON: what our programs say to others. Only writes; never parses.
 * Runs in: every program.  Trusts: nothing in strings.  Owns: nothing.
 */
#include "jsonw.h"

#include <assert.h>
#include <string.h>

#include "text.h"

struct jsonw
jsonw_on(struct buf *out)
{
	return (struct jsonw){ .out = out, .first = true };
}

static void
value_begins(struct jsonw *w)
{
	if (!w->first && !w->after_key)
		buf_putc(w->out, ',');
	w->first = false;
	w->after_key = false;
}

static void
open_with(struct jsonw *w, char open, char close)
{
	assert(w->depth < JSONW_DEPTH_MAX);
	value_begins(w);
	buf_putc(w->out, open);
	w->close[w->depth++] = close;
	w->first = true;
}

void
jsonw_object(struct jsonw *w)
{
	open_with(w, '{', '}');
}

void
jsonw_array(struct jsonw *w)
{
	open_with(w, '[', ']');
}

void
jsonw_end(struct jsonw *w)
{
	assert(w->depth > 0);
	assert(!w->after_key);
	buf_putc(w->out, w->close[--w->depth]);
	w->first = false;
}

static void
put_escaped_ascii(struct buf *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else if (c == '\n')
		buf_puts(out, "\\n");
	else if (c == '\t')
		buf_puts(out, "\\t");
	else
		buf_printf(out, "\\u%04x", c);
}

/* Hidden characters as JSON escapes: the same text to a reader, inert on a
 * terminal (I8). */
static void
put_code_units(struct buf *out, uint32_t cp)
{
	if (cp >= 0x10000)
		buf_printf(out, "\\u%04x\\u%04x",
		    0xd800 + ((cp - 0x10000) >> 10),
		    0xdc00 + ((cp - 0x10000) & 0x3ff));
	else
		buf_printf(out, "\\u%04x", cp);
}

static bool
is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* At once, as most text and all our keys can be. */
static bool
put_plain(struct buf *out, struct str s)
{
	char *to;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_plain(s.s[i]))
			return false;
	}
	to = buf_reserve(out, s.len + 2);
	if (to == NULL)
		return true; /* the buffer remembers */
	to[0] = '"';
	if (s.len > 0)
		memcpy(to + 1, s.s, s.len);
	to[s.len + 1] = '"';
	buf_advance(out, s.len + 2);
	return true;
}

static void
put_quoted(struct buf *out, struct str s)
{
	size_t at = 0;

	if (put_plain(out, s))
		return;
	buf_putc(out, '"');
	while (at < s.len) {
		size_t start = at;
		int32_t cp;

		while (at < s.len && is_plain(s.s[at]))
			at++;
		buf_put(out, s.s + start, at - start);
		if (at == s.len)
			break;
		start = at;
		cp = text_decode(s, &at);
		/* readers refuse \u0000, ours among them */
		if (cp <= 0)
			buf_puts(out, "\xef\xbf\xbd");
		else if (cp < 0x80)
			put_escaped_ascii(out, (unsigned char)cp);
		else if (text_is_hidden((uint32_t)cp))
			put_code_units(out, (uint32_t)cp);
		else
			buf_put(out, s.s + start, at - start);
	}
	buf_putc(out, '"');
}

void
jsonw_key_str(struct jsonw *w, struct str key)
{
	assert(!w->after_key);
	value_begins(w);
	put_quoted(w->out, key);
	buf_putc(w->out, ':');
	w->after_key = true;
}

void
jsonw_key(struct jsonw *w, const char *key)
{
	jsonw_key_str(w, str_of(key));
}

void
jsonw_str(struct jsonw *w, struct str s)
{
	value_begins(w);
	put_quoted(w->out, s);
}

void
jsonw_cstr(struct jsonw *w, const char *s)
{
	if (s == NULL)
		jsonw_null(w);
	else
		jsonw_str(w, str_of(s));
}

void
jsonw_int(struct jsonw *w, int64_t v)
{
	value_begins(w);
	buf_printf(w->out, "%lld", (long long)v);
}

void
jsonw_uint(struct jsonw *w, uint64_t v)
{
	value_begins(w);
	buf_printf(w->out, "%llu", (unsigned long long)v);
}

void
jsonw_bool(struct jsonw *w, bool v)
{
	value_begins(w);
	buf_puts(w->out, v ? "true" : "false");
}

void
jsonw_null(struct jsonw *w)
{
	value_begins(w);
	buf_puts(w->out, "null");
}

void
jsonw_hex(struct jsonw *w, const void *bytes, size_t len)
{
	value_begins(w);
	buf_putc(w->out, '"');
	text_hex(w->out, bytes, len);
	buf_putc(w->out, '"');
}

void
jsonw_time(struct jsonw *w, int64_t realtime_ns)
{
	if (realtime_ns == 0) {
		jsonw_null(w);
		return;
	}
	value_begins(w);
	buf_putc(w->out, '"');
	text_time(w->out, realtime_ns);
	buf_putc(w->out, '"');
}

void
jsonw_raw(struct jsonw *w, struct str json)
{
	value_begins(w);
	buf_put_str(w->out, json);
}

void
jsonw_kstr(struct jsonw *w, const char *key, const char *s)
{
	jsonw_key(w, key);
	jsonw_cstr(w, s);
}

void
jsonw_kint(struct jsonw *w, const char *key, int64_t v)
{
	jsonw_key(w, key);
	jsonw_int(w, v);
}

void
jsonw_kbool(struct jsonw *w, const char *key, bool v)
{
	jsonw_key(w, key);
	jsonw_bool(w, v);
}

void
jsonw_kstrs(
    struct jsonw *w, const char *key, const char *const *list, size_t count)
{
	jsonw_key(w, key);
	jsonw_array(w);
	for (size_t i = 0; i < count; i++)
		jsonw_cstr(w, list[i]);
	jsonw_end(w);
}
