/*
 * UTF-8, hidden characters, and text made safe to show (I8).
 * Runs in: every program.  Trusts: nothing.  Owns: nothing.
 */
#include "text.h"

#include <string.h>
#include <time.h>

#define DISTANCE_WORD_MAX 64
#define NEAREST_DISTANCE_MAX 2

struct range {
	uint32_t first, last;
};

/* What is not shown, or changes how its neighbours are shown. */
static const struct range hidden_ranges[] = {
	{ 0x00, 0x1f },
	{ 0x7f, 0x9f },
	{ 0xa0, 0xa0 },
	{ 0xad, 0xad },
	{ 0x34f, 0x34f },
	{ 0x61c, 0x61c },
	{ 0x115f, 0x1160 },
	{ 0x1680, 0x1680 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x2000, 0x200f },
	{ 0x2028, 0x202f },
	{ 0x205f, 0x206f },
	{ 0x2800, 0x2800 },
	{ 0x3000, 0x3000 },
	{ 0x3164, 0x3164 },
	{ 0xe000, 0xf8ff },
	{ 0xfdd0, 0xfdef },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0x10ffff },
};

static size_t
sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

int32_t
text_decode(struct str s, size_t *at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.s + *at;
	const size_t n = sequence_len(p[0]);
	uint32_t cp;

	if (n == 0 || n > s.len - *at) {
		(*at)++;
		return -1;
	}
	cp = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			(*at)++;
			return -1;
		}
		cp = cp << 6 | (p[i] & 0x3fu);
	}
	if (cp < least[n] || (cp >= 0xd800 && cp <= 0xdfff) || cp > 0x10ffff) {
		(*at)++;
		return -1;
	}
	*at += n;
	return (int32_t)cp;
}

bool
text_is_utf8(struct str s)
{
	size_t at = 0;

	while (at < s.len) {
		if (text_decode(s, &at) < 0)
			return false;
	}
	return true;
}

void
text_encode(struct buf *out, uint32_t cp)
{
	if (cp < 0x80) {
		buf_putc(out, (char)cp);
	} else if (cp < 0x800) {
		buf_putc(out, (char)(0xc0 | cp >> 6));
		buf_putc(out, (char)(0x80 | (cp & 0x3f)));
	} else if (cp < 0x10000) {
		buf_putc(out, (char)(0xe0 | cp >> 12));
		buf_putc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (cp & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | cp >> 18));
		buf_putc(out, (char)(0x80 | (cp >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (cp & 0x3f)));
	}
}

bool
text_is_hidden(uint32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(hidden_ranges); i++) {
		if (cp >= hidden_ranges[i].first && cp <= hidden_ranges[i].last)
			return true;
	}
	return false;
}

size_t
text_find_hidden(struct str s, const char *allow)
{
	size_t at = 0;

	while (at < s.len) {
		const size_t start = at;
		const int32_t cp = text_decode(s, &at);

		if (cp < 0)
			return start;
		if (!text_is_hidden((uint32_t)cp))
			continue;
		if (allow == NULL || cp == 0 || cp > 0x7f ||
		    strchr(allow, cp) == NULL)
			return start;
	}
	return s.len;
}

static void
escape_one(struct buf *out, struct str raw, int32_t cp)
{
	if (cp == '\n')
		buf_puts(out, "\\n");
	else if (cp == '\t')
		buf_puts(out, "\\t");
	else if (cp == '\\')
		buf_puts(out, "\\\\");
	else if (cp < 0x80)
		buf_printf(out, "\\x%02x", (unsigned)(unsigned char)raw.s[0]);
	else
		buf_printf(out, "\\u{%x}", (unsigned)cp);
}

static void
escape_keeping(struct buf *out, struct str s, const char *keep)
{
	size_t at = 0;

	while (at < s.len) {
		const size_t start = at;
		const int32_t cp = text_decode(s, &at);
		const struct str raw = str_n(s.s + start, at - start);
		const bool kept =
		    cp > 0 && cp < 0x80 && strchr(keep, cp) != NULL;

		if (kept ||
		    (cp >= 0 && cp != '\\' && !text_is_hidden((uint32_t)cp)))
			buf_put_str(out, raw);
		else
			escape_one(out, raw, cp);
	}
}

void
text_escape(struct buf *out, struct str s)
{
	escape_keeping(out, s, "");
}

void
text_escape_block(struct buf *out, struct str s)
{
	escape_keeping(out, s, "\n\t\\");
}

void
text_hex(struct buf *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	char *to;

	if (len == 0)
		return;
	to = len <= SIZE_MAX / 2 ? buf_reserve(out, len * 2) : NULL;
	if (to == NULL)
		return;
	for (size_t i = 0; i < len; i++) {
		to[2 * i] = digits[p[i] >> 4];
		to[2 * i + 1] = digits[p[i] & 15];
	}
	buf_advance(out, len * 2);
}

int
text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
text_unhex(struct str hex, void *ret, size_t len)
{
	unsigned char *to = ret;

	if (hex.len / 2 != len || hex.len % 2 != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < hex.len; i++) {
		if (text_hex_digit(hex.s[i]) < 0)
			return ERR_INVALID;
	}
	for (size_t i = 0; i < len; i++)
		to[i] = (unsigned char)(text_hex_digit(hex.s[2 * i]) << 4 |
		    text_hex_digit(hex.s[2 * i + 1]));
	return ERR_OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
text_base64(struct buf *out, struct str bytes)
{
	const size_t len = (bytes.len + 2) / 3 * 4;
	char *to = buf_reserve(out, len);

	if (to == NULL)
		return;
	for (size_t i = 0; i < bytes.len; i += 3, to += 4) {
		const size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 |
			    (k < n ? (unsigned char)bytes.s[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			to[k] =
			    k > n ? '=' : base64_digits[v >> (18 - 6 * k) & 63];
	}
	buf_advance(out, len);
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; false: it is none, or none that text_base64 writes. */
static bool
unbase64_group(const char *from, size_t padding, char to[static 3])
{
	uint32_t v = 0;

	for (size_t k = 0; k < 4; k++) {
		const int digit = k < 4 - padding ? base64_value(from[k]) : 0;

		if (digit < 0)
			return false;
		v = v << 6 | (uint32_t)digit;
	}
	for (size_t k = 0; k < 3; k++)
		to[k] = (char)(v >> (16 - 8 * k) & 255);
	/* bits that nothing reads would make two texts of one value */
	return (v & ((1U << (8 * padding)) - 1)) == 0;
}

int
text_unbase64(struct str text, struct buf *out)
{
	size_t padding = 0;
	char *to;

	if (text.len % 4 != 0)
		return ERR_INVALID;
	while (padding < 2 && padding < text.len &&
	    text.s[text.len - 1 - padding] == '=')
		padding++;
	to = buf_reserve(out, text.len / 4 * 3);
	if (to == NULL)
		return out->failed;
	for (size_t i = 0; i < text.len; i += 4) {
		if (!unbase64_group(text.s + i, i + 4 == text.len ? padding : 0,
			to + i / 4 * 3))
			return ERR_INVALID;
	}
	buf_advance(out, text.len / 4 * 3 - padding);
	return ERR_OK;
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	const unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

unsigned
text_distance(struct str a, struct str b, unsigned max)
{
	unsigned rows[3][DISTANCE_WORD_MAX + 1];

	if (a.len > DISTANCE_WORD_MAX || b.len > DISTANCE_WORD_MAX)
		return max + 1;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *up = rows[(i - 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			const unsigned differ = a.s[i - 1] != b.s[j - 1];

			row[j] =
			    min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + differ);
			if (i > 1 && j > 1 && a.s[i - 1] == b.s[j - 2] &&
			    a.s[i - 2] == b.s[j - 1] &&
			    rows[(i - 2) % 3][j - 2] + 1 < row[j])
				row[j] = rows[(i - 2) % 3][j - 2] + 1;
		}
	}
	return rows[a.len % 3][b.len] > max ? max + 1 : rows[a.len % 3][b.len];
}

const char *
text_nearest(struct str word, const char *const *names, size_t count)
{
	unsigned best = NEAREST_DISTANCE_MAX + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		const unsigned d = names[i] == NULL
		    ? best
		    : text_distance(word, str_of(names[i]), best);

		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

void
text_time(struct buf *out, int64_t realtime_ns)
{
	const time_t seconds = (time_t)(realtime_ns / 1000000000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL) {
		out->failed = ERR_LIMIT;
		return;
	}
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)(realtime_ns / 1000000 % 1000));
}
