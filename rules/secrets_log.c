/*
 * Secrets in what the log keeps: known forms, and words that look random.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 *
 * Masking by looks costs a log nothing but a few words; a screen would lose
 * what a person has to see. So it is done here alone.
 */
#include "secrets.h"

#include <math.h>

#include "base/buf.h"

#define MASK "[masked]"
#define TEXT_MAX ((size_t)4 << 20)
#define RANDOM_MIN 24
#define RANDOM_MAX 512
#define KIND_MIN 3 /* of upper case, lower case, digits: at least so many */
#define FINGERPRINT_LEN 43 /* of 32 bytes, without its padding */
#define BITS_MIN 3.6 /* of entropy a character */

/* Where a masked value is: the part of it that tells what it is stays. */
struct span {
	size_t at, len, keep;
};

static bool
random_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=' ||
	    c == '_' || c == '-';
}

static double
bits_a_character(struct str s)
{
	unsigned counts[256] = { 0 };
	double bits = 0;

	for (size_t i = 0; i < s.len; i++)
		counts[(unsigned char)s.s[i]]++;
	for (size_t c = 0; c < 256; c++) {
		const double p = (double)counts[c] / (double)s.len;

		if (counts[c] > 0)
			bits -= p * log2(p);
	}
	return bits;
}

/* No digest, no path, no name of a class: those have one case, or few
 * digits. */
static bool
looks_random(struct str s)
{
	size_t up = 0, low = 0, digits = 0, slashes = 0;

	if (s.len < RANDOM_MIN || s.len > RANDOM_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		up += c >= 'A' && c <= 'Z';
		low += c >= 'a' && c <= 'z';
		digits += c >= '0' && c <= '9';
		slashes += c == '/';
	}
	return up > KIND_MIN && low > KIND_MIN && digits >= KIND_MIN &&
	    slashes <= s.len / RANDOM_MIN && bits_a_character(s) >= BITS_MIN;
}

/* Of a server's public key, as the row of a signature names it: what the row is
 * for. */
static bool
is_fingerprint(struct str text, size_t at, size_t len)
{
	const struct str before = STR("for the server SHA256:");

	return len == FINGERPRINT_LEN && at >= before.len &&
	    str_eq(str_n(text.s + at - before.len, before.len), before);
}

/* The next word that looks random; text.len: none. */
static struct span
next_random(struct str text, size_t from)
{
	size_t i = from;

	while (i < text.len) {
		size_t end = i;

		while (end < text.len && random_char(text.s[end]))
			end++;
		if (end > i && looks_random(str_n(text.s + i, end - i)) &&
		    !is_fingerprint(text, i, end - i))
			return (struct span){ .at = i, .len = end - i };
		i = end + 1;
	}
	return (struct span){ .at = text.len };
}

/* Each place is looked for once: what lies ahead is remembered. */
struct scanner {
	struct str text;
	size_t from;
	bool begun;
	struct span known, random;
};

static bool
next_span(struct scanner *c, struct span *ret)
{
	if (!c->begun || c->known.at < c->from) {
		c->known = (struct span){ .at = c->from };
		c->known.at = secrets_next(
		    c->text, c->from, &c->known.len, &c->known.keep);
	}
	if (!c->begun || c->random.at < c->from)
		c->random = next_random(c->text, c->from);
	c->begun = true;
	*ret = c->known.at <= c->random.at ? c->known : c->random;
	c->from = ret->at + ret->len;
	return ret->at < c->text.len;
}

struct str
secrets_mask_log(struct arena *a, struct str text)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXT_MAX + 4096);
	struct scanner c = { .text = text };
	struct span s;
	size_t from = 0;
	char *copy;

	while (next_span(&c, &s)) {
		buf_put(&b, text.s + from, s.at + s.keep - from);
		buf_puts(&b, MASK);
		from = s.at + s.len;
	}
	if (from == 0)
		return text;
	buf_put(&b, text.s + from, text.len - from);
	copy = buf_done(&b, NULL) == 0 ? arena_strndup(a, b.s, b.len) : NULL;
	return copy == NULL ? STR(MASK) : str_n(copy, b.len);
}

void
secrets_each(struct str text, secret_fn *fn, void *ctx)
{
	struct scanner c = { .text = text };
	struct span s;

	while (next_span(&c, &s))
		fn(ctx, str_n(text.s + s.at + s.keep, s.len - s.keep));
}
