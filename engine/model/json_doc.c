/*
 * Strict JSON text to a flat list of nodes, strings decoded once.
 * Runs in: front, assent.  Trusts: nothing.  Owns: the list of nodes.
 */
#include "model/json_doc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/limits.h"

#define NUMBER_BYTES_MAX 64
#define EXPONENT_MAX 307
#define FEW_KEYS 16

struct parser {
	struct json_doc *d;
	struct str text;
	size_t at;
	unsigned depth;
	char *out; /* decoded strings: room for all of them */
	struct err *e;
};

static int parse_value(struct parser *p);

/* Ends with where it is, in lines and columns as an editor counts them. */
static int
fail(struct parser *p, const char *what)
{
	unsigned line = 1, col = 1;

	for (size_t i = 0; i < p->at && i < p->text.len; i++) {
		if (p->text.s[i] == '\n') {
			line++;
			col = 1;
		} else {
			col++;
		}
	}
	return err_set(p->e, ERR_INVALID,
	    "the JSON is wrong at line %u, column %u: %s", line, col, what);
}

static int
node_add(struct parser *p, enum doc_kind kind, size_t *ret)
{
	struct json_doc *d = p->d;

	if (d->count >= JSON_NODES_MAX)
		return err_set(p->e, ERR_LIMIT,
		    "the JSON has more than %d values; send fewer",
		    JSON_NODES_MAX);
	if (d->count == ARRAY_LEN(d->few) && d->nodes == d->few) {
		struct doc_node *more =
		    mem_new(ARRAY_LEN(d->few) * 4, sizeof(*more));

		if (more == NULL)
			return err_nomem(p->e);
		memcpy(more, d->few, sizeof(d->few));
		d->nodes = more;
		d->cap = ARRAY_LEN(d->few) * 4;
	}
	if (d->nodes != d->few &&
	    mem_grow(&d->nodes, &d->cap, d->count + 1, sizeof(*d->nodes)) != 0)
		return err_nomem(p->e);
	*ret = d->count++;
	d->nodes[*ret] = (struct doc_node){
		.kind = kind,
		.at = (uint32_t)p->at,
		.size = 1,
	};
	return ERR_OK;
}

static void
node_ends(struct parser *p, size_t node)
{
	struct doc_node *n = &p->d->nodes[node];

	n->raw_len = (uint32_t)p->at - n->at;
	n->size = (uint32_t)(p->d->count - node);
}

static int
peek(const struct parser *p)
{
	return p->at < p->text.len ? (unsigned char)p->text.s[p->at] : -1;
}

static void
skip_space(struct parser *p)
{
	int c = peek(p);

	while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
		p->at++;
		c = peek(p);
	}
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* ---- strings ----------------------------------------------------------- */

static int
hex4(struct parser *p, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		const int c = peek(p);

		if (is_digit(c))
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else
			return fail(p, "\\u needs four hexadecimal digits");
		p->at++;
	}
	*ret = v;
	return ERR_OK;
}

static void
put_utf8(struct parser *p, uint32_t cp)
{
	unsigned char *o = (unsigned char *)p->out;

	if (cp < 0x80) {
		*o++ = (unsigned char)cp;
	} else if (cp < 0x800) {
		*o++ = (unsigned char)(0xc0 | cp >> 6);
		*o++ = (unsigned char)(0x80 | (cp & 0x3f));
	} else if (cp < 0x10000) {
		*o++ = (unsigned char)(0xe0 | cp >> 12);
		*o++ = (unsigned char)(0x80 | (cp >> 6 & 0x3f));
		*o++ = (unsigned char)(0x80 | (cp & 0x3f));
	} else {
		*o++ = (unsigned char)(0xf0 | cp >> 18);
		*o++ = (unsigned char)(0x80 | (cp >> 12 & 0x3f));
		*o++ = (unsigned char)(0x80 | (cp >> 6 & 0x3f));
		*o++ = (unsigned char)(0x80 | (cp & 0x3f));
	}
	p->out = (char *)o;
}

/* After "\u": one code point, perhaps from two escapes. */
static int
parse_unicode(struct parser *p)
{
	uint32_t cp, low;

	if (hex4(p, &cp) != 0)
		return ERR_INVALID;
	if (cp == 0)
		return fail(p, "NUL (\\u0000) is not accepted in text");
	if (cp >= 0xdc00 && cp <= 0xdfff)
		return fail(p, "half of a surrogate pair stands alone");
	if (cp >= 0xd800 && cp <= 0xdbff) {
		if (!str_starts(str_from(p->text, p->at), STR("\\u")))
			return fail(p, "half of a surrogate pair stands alone");
		p->at += 2;
		if (hex4(p, &low) != 0)
			return ERR_INVALID;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(p, "half of a surrogate pair stands alone");
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(p, cp);
	return ERR_OK;
}

static int
parse_escape(struct parser *p)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	int c;

	p->at++;
	c = peek(p);
	if (c == 'u') {
		p->at++;
		return parse_unicode(p);
	}
	found = c <= 0 ? NULL : strchr(from, c);
	if (found == NULL)
		return fail(p, "unknown escape after a backslash in a string");
	*p->out++ = to[found - from];
	p->at++;
	return ERR_OK;
}

static int
parse_wide(struct parser *p)
{
	const size_t start = p->at;

	if (text_decode(p->text, &p->at) < 0) {
		p->at = start;
		return fail(p, "the text is not valid UTF-8");
	}
	memcpy(p->out, p->text.s + start, p->at - start);
	p->out += p->at - start;
	return ERR_OK;
}

static void
copy_plain(struct parser *p)
{
	const size_t start = p->at;
	int c = peek(p);

	while (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
		p->at++;
		c = peek(p);
	}
	memcpy(p->out, p->text.s + start, p->at - start);
	p->out += p->at - start;
}

static int
parse_string(struct parser *p)
{
	char *start = p->out;
	size_t node;
	int r;

	r = node_add(p, DOC_STRING, &node);
	if (r != 0)
		return r;
	p->at++;
	for (;;) {
		copy_plain(p);
		const int c = peek(p);

		if (c == '"')
			break;
		if (c < 0)
			return fail(p, "a string is not closed");
		if (c < 0x20)
			return fail(p,
			    "a control character in a string must be escaped");
		r = c == '\\' ? parse_escape(p) : parse_wide(p);
		if (r != 0)
			return r;
	}
	p->at++;
	p->d->nodes[node].s = start;
	p->d->nodes[node].len = (uint32_t)(p->out - start);
	*p->out++ = '\0';
	node_ends(p, node);
	return ERR_OK;
}

/* ---- numbers and words ------------------------------------------------- */

static size_t
skip_digits(struct parser *p)
{
	const size_t start = p->at;

	while (is_digit(peek(p)))
		p->at++;
	return p->at - start;
}

/* Reads "e+12"; 0 for none. Too long is as good as too large. */
static int
parse_exponent(struct parser *p, long *ret)
{
	bool minus = false;
	long v = 0;
	size_t start;

	*ret = 0;
	if (peek(p) != 'e' && peek(p) != 'E')
		return ERR_OK;
	p->at++;
	if (peek(p) == '+' || peek(p) == '-') {
		minus = peek(p) == '-';
		p->at++;
	}
	start = p->at;
	if (skip_digits(p) == 0)
		return fail(p, "a number ends in the middle");
	for (size_t i = start; i < p->at && v < 100000; i++)
		v = v * 10 + (p->text.s[i] - '0');
	*ret = minus ? -v : v;
	return ERR_OK;
}

static int
check_integer(struct parser *p, struct str digits)
{
	int64_t v = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.s[i] == '-')
			continue;
		if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
		    __builtin_sub_overflow(v, (int64_t)(digits.s[i] - '0'), &v))
			return fail(p, "a number does not fit in 64 bits");
	}
	if (digits.s[0] != '-' && v == INT64_MIN)
		return fail(p, "a number does not fit in 64 bits");
	return ERR_OK;
}

static int
parse_number(struct parser *p)
{
	const size_t start = p->at;
	size_t node, whole;
	long exponent = 0;
	bool fraction = false;
	int r;

	r = node_add(p, DOC_NUMBER, &node);
	if (r != 0)
		return r;
	if (peek(p) == '-')
		p->at++;
	whole = skip_digits(p);
	if (whole == 0 || (whole > 1 && p->text.s[p->at - whole] == '0'))
		return fail(p, "a number must have digits, no leading zero");
	if (peek(p) == '.') {
		fraction = true;
		p->at++;
		if (skip_digits(p) == 0)
			return fail(p, "a number ends in the middle");
	}
	fraction = fraction || peek(p) == 'e' || peek(p) == 'E';
	r = parse_exponent(p, &exponent);
	if (r != 0)
		return r;
	node_ends(p, node);
	if (p->at - start > NUMBER_BYTES_MAX)
		return err_set(p->e, ERR_LIMIT,
		    "a number has more than %d characters", NUMBER_BYTES_MAX);
	if (!fraction)
		return check_integer(
		    p, str_n(p->text.s + start, p->at - start));
	if (exponent + (long)whole - 1 > EXPONENT_MAX)
		return err_set(p->e, ERR_LIMIT, "a number is too large");
	return ERR_OK;
}

static int
parse_word(struct parser *p)
{
	static const struct {
		struct str word;
		enum doc_kind kind;
	} words[] = {
		{ { "true", 4 }, DOC_TRUE },
		{ { "false", 5 }, DOC_FALSE },
		{ { "null", 4 }, DOC_NULL },
	};
	size_t node;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_starts(str_from(p->text, p->at), words[i].word))
			continue;
		r = node_add(p, words[i].kind, &node);
		if (r != 0)
			return r;
		p->at += words[i].word.len;
		node_ends(p, node);
		return ERR_OK;
	}
	return fail(p,
	    p->at < p->text.len ? "a value must stand here (quote text with \")"
				: "it ends too early");
}

/* ---- arrays and objects ------------------------------------------------ */

static int
key_cmp(const void *a, const void *b, void *ctx)
{
	const struct doc_node *nodes = ctx;
	const struct doc_node *x = &nodes[*(const uint32_t *)a];
	const struct doc_node *y = &nodes[*(const uint32_t *)b];

	return str_cmp(str_n(x->s, x->len), str_n(y->s, y->len));
}

static int
fail_duplicate(struct parser *p, const struct doc_node *key)
{
	AUTO_BUF struct buf shown = BUF_INIT(ERR_MSG_MAX);

	text_escape(&shown, str_head(str_n(key->s, key->len), 64));
	return err_set(p->e, ERR_INVALID, "field '%s' is there twice; keep one",
	    buf_cstr(&shown));
}

static int
check_keys_sorted(struct parser *p, size_t object, size_t keys)
{
	struct doc_node *nodes = p->d->nodes;
	AUTO_FREE uint32_t *order = mem_new(keys, sizeof(*order));
	size_t n = 0;

	if (order == NULL)
		return err_nomem(p->e);
	for (size_t k = object + 1; k < p->d->count;
	     k = k + 1 + nodes[k + 1].size)
		order[n++] = (uint32_t)k;
	assert(n == keys);
	qsort_r(order, n, sizeof(*order), key_cmp, nodes);
	for (size_t i = 1; i < n; i++) {
		if (key_cmp(&order[i - 1], &order[i], nodes) == 0)
			return fail_duplicate(p, &nodes[order[i]]);
	}
	return ERR_OK;
}

/* The object is the last subtree: all nodes after it are its own. */
static int
check_keys(struct parser *p, size_t object, size_t keys)
{
	const struct doc_node *nodes = p->d->nodes;
	size_t seen[FEW_KEYS];
	size_t n = 0;

	if (keys > FEW_KEYS)
		return check_keys_sorted(p, object, keys);
	for (size_t k = object + 1; k < p->d->count;
	     k = k + 1 + nodes[k + 1].size) {
		for (size_t i = 0; i < n; i++) {
			if (str_eq(str_n(nodes[seen[i]].s, nodes[seen[i]].len),
				str_n(nodes[k].s, nodes[k].len)))
				return fail_duplicate(p, &nodes[k]);
		}
		seen[n++] = k;
	}
	return ERR_OK;
}

static int
parse_member(struct parser *p)
{
	int r;

	skip_space(p);
	if (peek(p) != '"')
		return fail(p, "a field name in double quotes must stand here");
	r = parse_string(p);
	if (r != 0)
		return r;
	skip_space(p);
	if (peek(p) != ':')
		return fail(p, "a colon must follow the field name");
	p->at++;
	return parse_value(p);
}

/* Members or elements up to close; *ret counts them. */
static int
parse_list(
    struct parser *p, char close, int (*each)(struct parser *p), size_t *ret)
{
	size_t n = 0;
	int r;

	p->at++;
	skip_space(p);
	while (n > 0 || peek(p) != close) {
		r = each(p);
		if (r != 0)
			return r;
		n++;
		skip_space(p);
		if (peek(p) == close)
			break;
		if (peek(p) != ',')
			return fail(p,
			    "a comma or the closing bracket must "
			    "stand here");
		p->at++;
	}
	p->at++;
	*ret = n;
	return ERR_OK;
}

static int
parse_composite(struct parser *p, bool object)
{
	size_t node, n = 0;
	int r;

	if (p->depth >= JSON_DEPTH_MAX)
		return err_set(p->e, ERR_INVALID,
		    "the JSON is nested deeper than %d levels; make it flatter",
		    JSON_DEPTH_MAX);
	r = node_add(p, object ? DOC_OBJECT : DOC_ARRAY, &node);
	if (r != 0)
		return r;
	p->depth++;
	r = object ? parse_list(p, '}', parse_member, &n)
		   : parse_list(p, ']', parse_value, &n);
	p->depth--;
	if (r == 0 && object)
		r = check_keys(p, node, n);
	if (r == 0)
		node_ends(p, node);
	return r;
}

static int
parse_value(struct parser *p)
{
	int c;

	skip_space(p);
	c = peek(p);
	if (c == '{' || c == '[')
		return parse_composite(p, c == '{');
	if (c == '"')
		return parse_string(p);
	if (c == '-' || is_digit(c))
		return parse_number(p);
	return parse_word(p);
}

int
json_doc_parse(
    struct json_doc *d, struct str text, struct arena *a, struct err *e)
{
	struct parser p = { .d = d, .text = text, .e = e };
	int r;

	assert(d->count == 0);
	if (text.len >= UINT32_MAX)
		return err_set(e, ERR_LIMIT, "the JSON is too long");
	d->text = text;
	d->nodes = d->few;
	/* Each decoded string and its NUL is shorter than its quoted form. */
	p.out = arena_alloc(a, text.len + 1);
	if (p.out == NULL)
		return err_nomem(e);
	skip_space(&p);
	if (peek(&p) < 0)
		return err_set(
		    e, ERR_INVALID, "the body is empty; send a JSON object");
	if (str_starts(text, STR("\xef\xbb\xbf")))
		return fail(&p, "a byte order mark is not accepted");
	r = parse_value(&p);
	if (r != 0)
		return r;
	skip_space(&p);
	if (p.at != text.len)
		return fail(&p, "something follows the end of the value");
	return ERR_OK;
}

void
json_doc_done(struct json_doc *d)
{
	if (d->nodes != d->few)
		free(d->nodes);
	d->nodes = NULL;
	d->count = d->cap = 0;
}

/* ---- reading ----------------------------------------------------------- */

size_t
doc_first(const struct json_doc *d, size_t node)
{
	(void)d;
	return node + 1;
}

size_t
doc_next(const struct json_doc *d, size_t node)
{
	return node + d->nodes[node].size;
}

size_t
doc_end(const struct json_doc *d, size_t node)
{
	return node + d->nodes[node].size;
}

struct str
doc_str(const struct json_doc *d, size_t node)
{
	return str_n(d->nodes[node].s, d->nodes[node].len);
}

struct str
doc_raw(const struct json_doc *d, size_t node)
{
	return str_n(d->text.s + d->nodes[node].at, d->nodes[node].raw_len);
}

size_t
doc_get(const struct json_doc *d, size_t object, struct str key)
{
	if (d->nodes[object].kind != DOC_OBJECT)
		return 0;
	for (size_t k = doc_first(d, object); k < doc_end(d, object);
	     k = doc_next(d, k + 1)) {
		if (str_eq(doc_str(d, k), key))
			return k + 1;
	}
	return 0;
}

const char *
doc_kind_phrase(enum doc_kind k)
{
	static const char *const phrases[] = {
		[DOC_INVALID] = "nothing",
		[DOC_OBJECT] = "an object",
		[DOC_ARRAY] = "an array",
		[DOC_STRING] = "a string",
		[DOC_NUMBER] = "a number",
		[DOC_TRUE] = "true",
		[DOC_FALSE] = "false",
		[DOC_NULL] = "null",
	};

	return (size_t)k < ARRAY_LEN(phrases) ? phrases[k] : phrases[0];
}

int
doc_int(const struct json_doc *d, size_t node, int64_t min, int64_t max,
    int64_t *ret)
{
	const struct str raw = doc_raw(d, node);
	int64_t v = 0;

	if (d->nodes[node].kind != DOC_NUMBER)
		return ERR_INVALID;
	for (size_t i = 0; i < raw.len; i++) {
		if (i == 0 && raw.s[i] == '-')
			continue;
		if (!is_digit((unsigned char)raw.s[i]))
			return ERR_INVALID;
		/* cannot overflow: the parser refused what does not fit */
		v = v * 10 - (raw.s[i] - '0');
	}
	if (raw.s[0] != '-') {
		if (v == INT64_MIN)
			return ERR_INVALID;
		v = -v;
	}
	if (v < min || v > max)
		return ERR_INVALID;
	*ret = v;
	return ERR_OK;
}
