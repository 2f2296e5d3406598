/*
 * Requests of a run, read strictly, with a header put in.
 * Runs in: assent-broker.  Trusts: nothing.  Owns: the head being read.
 */
#include "http_inject.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"

#define PORT_HTTPS 443
#define PORT_HTTP 80
#define CHUNK_DIGITS_MAX 12
#define CRLF "\r\n"

void
http_inject_init(struct http_inject *h, const struct http_inject_options *o)
{
	*h = (struct http_inject){
		.o = *o,
		.head = BUF_INIT(HTTP_INJECT_HEAD_MAX + 1),
	};
}

void
http_inject_done(struct http_inject *h)
{
	if (h->head.s != NULL)
		explicit_bzero(h->head.s, h->head.cap);
	buf_free(&h->head);
}

bool
http_inject_idle(const struct http_inject *h)
{
	return h->part == HTTP_HEAD && !h->waits && h->head.len == 0;
}

/* ---- one head ------------------------------------------------------------ */

struct head {
	struct http_inject *h;
	struct buf *out; /* NULL: only looked at */
	size_t hosts, lengths;
	uint64_t length;
	bool chunked, old; /* HTTP/1.0 */
};

static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (c <= ' ' || c >= 0x7f ||
		    strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
			return false;
	}
	return s.len > 0;
}

static bool
is_visible(struct str s, bool blanks)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.s[i];

		if ((c == ' ' || c == '\t') ? !blanks : c < ' ' || c == 0x7f)
			return false;
	}
	return true;
}

static bool
is_name(struct str a, const char *b)
{
	return a.len == strlen(b) && strncasecmp(a.s, b, a.len) == 0;
}

/* Some servers take X_Key for X-Key. */
static bool
is_alike(struct str a, const char *b)
{
	if (a.len != strlen(b))
		return false;
	for (size_t i = 0; i < a.len; i++) {
		const char x = a.s[i] == '_' ? '-' : a.s[i];
		const char y = b[i] == '_' ? '-' : b[i];

		if (strncasecmp(&x, &y, 1) != 0)
			return false;
	}
	return true;
}

/* HTTP/1.1, the method, and the path on this very server. */
static int
read_line(struct head *d, struct str line, struct err *e)
{
	struct http_inject *h = d->h;
	struct str rest = line;
	const struct str method = str_cut(&rest, ' ');
	const struct str target = str_cut(&rest, ' ');

	if (!str_eq(rest, STR("HTTP/1.1")) && !str_eq(rest, STR("HTTP/1.0")))
		return err_set(e, ERR_INVALID,
		    "only requests of HTTP/1.1 are passed on here");
	if (!is_token(method) || !is_visible(target, false) ||
	    (str_at(target, 0) != '/' && !str_eq(target, STR("*"))))
		return err_set(
		    e, ERR_INVALID, "the request's first line is ill-formed");
	/* It would answer with the header. */
	if (is_name(method, "TRACE") || is_name(method, "TRACK") ||
	    is_name(method, "CONNECT"))
		return err_set(e, ERR_DENIED,
		    "%.*s is not passed on to a host with a credential",
		    STR_ARG(method));
	d->old = str_eq(rest, STR("HTTP/1.0"));
	h->method = method;
	h->target = target;
	return ERR_OK;
}

/* A server of many names must not take the request for another's. */
static int
check_host(const struct http_inject *h, struct str value, struct err *e)
{
	const size_t colon = str_rfind(value, ':');
	const struct str name = str_head(value, colon);
	uint64_t port = h->o.tls ? PORT_HTTPS : PORT_HTTP;

	if (colon < value.len &&
	    num_parse_u64(str_from(value, colon + 1), 1, UINT16_MAX, &port) !=
		0)
		return err_set(e, ERR_INVALID, "the Host's port is no number");
	if (port != h->o.port || !is_name(name, h->o.host))
		return err_set(e, ERR_DENIED,
		    "the request is for another host than its connection");
	return ERR_OK;
}

static int
read_framing(struct head *d, struct str name, struct str value, struct err *e)
{
	if (is_alike(name, "content-length")) {
		d->lengths++;
		if (num_parse_u64(value, 0, INT64_MAX, &d->length) != 0)
			return err_set(
			    e, ERR_INVALID, "Content-Length is no number");
	} else if (is_alike(name, "transfer-encoding")) {
		if (d->chunked || d->old || !is_name(value, "chunked"))
			return err_set(e, ERR_INVALID,
			    "a Transfer-Encoding that is not chunked");
		d->chunked = true;
	}
	if (d->lengths > 1 || (d->lengths > 0 && d->chunked))
		return err_set(
		    e, ERR_INVALID, "the request's length is said twice");
	return ERR_OK;
}

/* About this connection rather than the request, or what the secret's header
 * takes the place of. */
static bool
is_dropped(const struct http_inject *h, struct str name)
{
	static const char *const names[] = { "connection", "keep-alive",
		"proxy-connection", "proxy-authorization", "upgrade",
		"http2-settings", "te", "trailer" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (is_alike(name, names[i]))
			return true;
	}
	return is_alike(name, h->o.header);
}

static int
read_header(struct head *d, struct str line, struct err *e)
{
	struct str value = line;
	const struct str name = str_cut(&value, ':');
	int r;

	if (name.len == line.len || !is_token(name) || !is_visible(value, true))
		return err_set(e, ERR_INVALID, "a header is ill-formed");
	value = str_trim(value);
	r = read_framing(d, name, value, e);
	if (r == 0 && is_alike(name, "host")) {
		d->hosts++;
		r = check_host(d->h, value, e);
	}
	if (r != 0)
		return r;
	if (d->out != NULL && !is_dropped(d->h, name)) {
		buf_put_str(d->out, line);
		buf_puts(d->out, CRLF);
	}
	/* The client's wish to end is kept; what else it names is not. */
	if (d->out != NULL && is_name(name, "connection") &&
	    is_name(value, "close"))
		buf_puts(d->out, "Connection: close" CRLF);
	return ERR_OK;
}

/* head ends in an empty line. */
static int
read_head(struct head *d, struct str head, struct err *e)
{
	size_t count = 0;
	bool first = true;
	int r = ERR_OK;

	while (r == 0 && head.len > 2) {
		const size_t end = str_search(head, STR(CRLF));
		const struct str line = str_head(head, end);

		head = str_from(head, end + 2);
		if (++count > HTTP_INJECT_HEADERS_MAX)
			return err_set(e, ERR_LIMIT, "too many headers");
		if (!first) {
			r = read_header(d, line, e);
			continue;
		}
		first = false;
		r = read_line(d, line, e);
		if (r == 0 && d->out != NULL) {
			buf_put_str(d->out, line);
			buf_puts(d->out, CRLF);
		}
	}
	if (r == 0 && d->hosts != 1)
		r = err_set(e, ERR_INVALID, "a request has one Host");
	return r;
}

static int
look(struct http_inject *h, struct err *e)
{
	struct head d = { .h = h };
	const int r = read_head(&d, buf_str(&h->head), e);

	h->waits = r == 0;
	return r;
}

int
http_inject_go(
    struct http_inject *h, struct str value, struct buf *out, struct err *e)
{
	struct head d = { .h = h, .out = out };
	int r;

	if (!h->waits)
		return err_set(e, ERR_INTERNAL, "no request waits");
	r = read_head(&d, buf_str(&h->head), e);
	if (r != 0)
		return r;
	buf_printf(out, "%s: ", h->o.header);
	buf_put_str(out, value);
	buf_puts(out, CRLF CRLF);
	h->waits = false;
	h->method = h->target = STR_NONE;
	buf_reset(&h->head);
	h->left = d.length;
	h->line_len = 0;
	h->part = d.chunked ? HTTP_CHUNK_SIZE
	    : d.length > 0  ? HTTP_BODY
			    : HTTP_HEAD;
	return buf_done(out, e);
}

/* ---- bytes --------------------------------------------------------------- */

/* Up to the empty line; each line ends in CR LF, and none is folded. */
static int
feed_head(struct http_inject *h, struct str in, struct err *e)
{
	for (size_t i = 0; i < in.len; i++) {
		const char c = in.s[i];
		const struct str so_far = buf_str(&h->head);
		const char last = str_at(so_far, so_far.len - 1);

		/* Blank lines between requests are the client's habit. */
		if (so_far.len == 0 && (c == '\r' || c == '\n'))
			continue;
		if (c == '\0' || (c == '\n') != (last == '\r') ||
		    ((c == ' ' || c == '\t') && last == '\n'))
			return err_set(
			    e, ERR_INVALID, "the request's head is ill-formed");
		if (so_far.len >= HTTP_INJECT_HEAD_MAX)
			return err_set(e, ERR_LIMIT,
			    "the request's head is longer than %zu bytes",
			    HTTP_INJECT_HEAD_MAX);
		buf_putc(&h->head, c);
		if (h->head.failed != 0)
			return err_nomem(e);
		if (str_ends(buf_str(&h->head), STR(CRLF CRLF))) {
			const int r = look(h, e);

			return r != 0 ? r : (int)i + 1;
		}
	}
	return (int)in.len;
}

static int
feed_bytes(struct http_inject *h, struct str in, struct buf *out)
{
	const struct str some =
	    str_head(in, h->left < in.len ? (size_t)h->left : in.len);

	buf_put_str(out, some);
	h->left -= some.len;
	if (h->left == 0)
		h->part = h->part == HTTP_BODY ? HTTP_HEAD : HTTP_CHUNK_SIZE;
	return (int)some.len;
}

/* "1a3;name=value" CR LF. */
static int
end_chunk_line(struct http_inject *h, struct err *e)
{
	struct str rest = str_n(h->line, h->line_len - 2);
	const struct str hex = str_trim(str_cut(&rest, ';'));
	uint64_t size = 0;

	if (hex.len == 0 || hex.len > CHUNK_DIGITS_MAX ||
	    !is_visible(rest, true))
		return err_set(e, ERR_INVALID, "a chunk's size is ill-formed");
	for (size_t i = 0; i < hex.len; i++) {
		static const char digits[] = "0123456789abcdef";
		const char c = (char)(hex.s[i] | 0x20);
		const char *at = memchr(digits, c, sizeof(digits) - 1);

		if (at == NULL || (hex.s[i] < '0' || hex.s[i] > 'f'))
			return err_set(
			    e, ERR_INVALID, "a chunk's size is ill-formed");
		size = size * 16 + (uint64_t)(at - digits);
	}
	h->part = size == 0 ? HTTP_CHUNKS_END : HTTP_CHUNK;
	h->left = size + 2;
	h->line_len = 0;
	return ERR_OK;
}

static int
feed_chunk_line(
    struct http_inject *h, struct str in, struct buf *out, struct err *e)
{
	size_t i = 0;
	int r = ERR_OK;

	while (r == 0 && i < in.len && h->part == HTTP_CHUNK_SIZE) {
		const char c = in.s[i++];
		const char last =
		    h->line_len == 0 ? '\0' : h->line[h->line_len - 1];

		if (h->line_len == sizeof(h->line) || c == '\0' ||
		    (c == '\n') != (last == '\r'))
			return err_set(
			    e, ERR_INVALID, "a chunk's size is ill-formed");
		h->line[h->line_len++] = c;
		buf_putc(out, c);
		if (c == '\n')
			r = end_chunk_line(h, e);
	}
	return r != 0 ? r : (int)i;
}

/* No trailers: they could be taken for headers. */
static int
feed_chunks_end(
    struct http_inject *h, struct str in, struct buf *out, struct err *e)
{
	size_t i = 0;

	for (; i < in.len && h->line_len < 2; i++) {
		if (in.s[i] != CRLF[h->line_len])
			return err_set(e, ERR_INVALID,
			    "headers after the body are not passed on");
		h->line_len++;
		buf_putc(out, in.s[i]);
	}
	if (h->line_len == 2) {
		h->line_len = 0;
		h->part = HTTP_HEAD;
	}
	return (int)i;
}

static int
feed_chunk(struct http_inject *h, struct str in, struct buf *out, struct err *e)
{
	const uint64_t data = h->left > 2 ? h->left - 2 : 0;

	if (data > 0) {
		const struct str some =
		    str_head(in, data < in.len ? (size_t)data : in.len);

		buf_put_str(out, some);
		h->left -= some.len;
		return (int)some.len;
	}
	if (in.s[0] != CRLF[2 - h->left])
		return err_set(
		    e, ERR_INVALID, "a chunk is longer than it says");
	return feed_bytes(h, str_head(in, 1), out);
}

static int
feed_some(struct http_inject *h, struct str in, struct buf *out, struct err *e)
{
	switch (h->part) {
	case HTTP_HEAD:
		return feed_head(h, in, e);
	case HTTP_BODY:
		return feed_bytes(h, in, out);
	case HTTP_CHUNK_SIZE:
		return feed_chunk_line(h, in, out, e);
	case HTTP_CHUNK:
		return feed_chunk(h, in, out, e);
	case HTTP_CHUNKS_END:
		return feed_chunks_end(h, in, out, e);
	}
	return err_set(e, ERR_INTERNAL, "no part of a request");
}

int
http_inject_feed(
    struct http_inject *h, struct str in, struct buf *out, struct err *e)
{
	size_t taken = 0;

	while (taken < in.len && !h->waits) {
		const int n = feed_some(h, str_from(in, taken), out, e);

		if (n < 0)
			return n;
		taken += (size_t)n;
	}
	return buf_done(out, e) != 0 ? ERR_LIMIT : (int)taken;
}

void
http_inject_refusal(struct buf *out, unsigned status, const char *why)
{
	buf_printf(out,
	    "HTTP/1.1 %u Refused by the credential broker\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n"
	    "X-Assent: refused\r\n\r\nassent: %s\n",
	    status, strlen(why) + sizeof("assent: ") - 1 + 1, why);
}
