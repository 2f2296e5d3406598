/*
 * Heads of HTTP/1.x messages: one strict reading, written anew.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing; views into the
 * caller's bytes.
 */
#include "http_head.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

#define METHOD_BYTES_MAX 32
#define HTTP_PORT 80

static int
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "malformed HTTP: %s", what);
}

static bool
is_token_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_token_byte(s.s[i]))
			return false;
	}
	return s.len > 0;
}

static bool
is_method(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.s[i] < 'A' || s.s[i] > 'Z') && s.s[i] != '-')
			return false;
	}
	return s.len > 0 && s.len <= METHOD_BYTES_MAX;
}

static bool
is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < 0x21 || s.s[i] > 0x7e)
			return false;
	}
	return s.len > 0;
}

/* A tab and everything that is not a control character. */
static bool
is_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.s[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
is_name(struct str s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.s, name, s.len) == 0;
}

/* ---- lines ------------------------------------------------------------- */

/* 1 with the line before CR LF, 0 when it is not whole, or ERR_INVALID. */
static int
take_line(struct str *rest, struct str *ret, struct err *e)
{
	const size_t lf = str_find(*rest, '\n');
	const size_t cr = str_find(*rest, '\r');

	if (cr + 1 < rest->len && cr + 1 != lf)
		return bad(e, "a carriage return inside of a line");
	if (lf < rest->len && cr + 1 != lf)
		return bad(e, "a line that does not end with CR LF");
	if (lf == rest->len)
		return 0;
	*ret = str_head(*rest, cr);
	*rest = str_from(*rest, lf + 1);
	return 1;
}

static int
parse_field(struct http_head *h, struct str line, struct err *e)
{
	const size_t colon = str_find(line, ':');
	struct http_field f = { .name = str_head(line, colon) };

	if (colon == line.len || !is_token(f.name))
		return bad(e, "a header field without a proper name");
	f.value = str_trim(str_from(line, colon + 1));
	if (!is_text(f.value))
		return bad(e, "a control character in a header field");
	if (h->field_count == HTTP_FIELDS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d header fields",
		    HTTP_FIELDS_MAX);
	h->fields[h->field_count++] = f;
	return ERR_OK;
}

int
http_head_only(const struct http_head *h, const char *name, struct str *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < h->field_count; i++) {
		if (is_name(h->fields[i].name, name)) {
			*ret = h->fields[i].value;
			found++;
		}
	}
	if (found == 0)
		return ERR_NOTFOUND;
	return found == 1 ? ERR_OK : ERR_INVALID;
}

/* *ret_length is written when there is one. */
static int
parse_framing(struct http_head *h, struct err *e)
{
	struct str coding = STR_NONE, length = STR_NONE;
	const int c = http_head_only(h, "transfer-encoding", &coding);
	const int l = http_head_only(h, "content-length", &length);

	if (c == ERR_INVALID || l == ERR_INVALID)
		return bad(e, "its length is given twice");
	if (c == 0 && l == 0)
		return bad(e, "both a length and a transfer coding");
	if (c == 0 && (!is_name(coding, "chunked") || h->minor == 0))
		return bad(e, "a transfer coding other than chunked");
	if (l == 0 && num_parse_u64(length, 0, INT64_MAX, &h->length) != 0)
		return bad(e, "its length is not a number");
	if (c == 0)
		h->body = HTTP_BODY_CHUNKED;
	else if (l == 0)
		h->body = h->length > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	return ERR_OK;
}

/* The fields after the first line; bytes is the whole head so far. */
static int
parse_fields(
    struct http_head *h, struct str rest, struct str bytes, struct err *e)
{
	struct str line;
	int r;

	while ((r = take_line(&rest, &line, e)) == 1) {
		if (line.len == 0) {
			h->bytes = (size_t)(rest.s - bytes.s);
			r = parse_framing(h, e);
			return r == 0 ? 1 : r;
		}
		r = parse_field(h, line, e);
		if (r != 0)
			return r;
	}
	return r;
}

/* ---- requests ---------------------------------------------------------- */

static int
parse_version(struct str text, unsigned *ret_minor)
{
	if (!str_eqz(text, "HTTP/1.1") && !str_eqz(text, "HTTP/1.0"))
		return ERR_INVALID;
	*ret_minor = text.s[7] == '1';
	return ERR_OK;
}

int
http_request_parse(struct str bytes, struct http_head *ret, struct err *e)
{
	struct str rest = bytes, line;
	int r;

	*ret = (struct http_head){ .body = HTTP_BODY_NONE };
	if (bytes.len > 0 && (bytes.s[0] < 'A' || bytes.s[0] > 'Z'))
		return bad(e, "it does not begin with a method");
	r = take_line(&rest, &line, e);
	if (r != 1)
		return r;
	ret->method = str_cut(&line, ' ');
	ret->target = str_cut(&line, ' ');
	if (!is_method(ret->method) || !is_visible(ret->target) ||
	    parse_version(line, &ret->minor) != 0)
		return bad(e, "the first line is not METHOD TARGET HTTP/1.1");
	return parse_fields(ret, rest, bytes, e);
}

int
http_authority_parse(struct str text, uint16_t fallback,
    struct net_host *ret_host, uint16_t *ret_port, struct err *e)
{
	size_t colon = str_rfind(text, ':');
	uint64_t port = fallback;

	/* the colons inside of brackets are the address's */
	if (colon < text.len &&
	    str_find(str_from(text, colon), ']') < text.len - colon)
		colon = text.len;
	if (colon < text.len &&
	    num_parse_u64(str_from(text, colon + 1), 1, UINT16_MAX, &port) != 0)
		return bad(e, "its port is not a number from 1 to 65535");
	if (port == 0)
		return bad(e, "its port is missing");
	text = str_head(text, colon);
	if (text.len > 0 && text.s[0] != '[' && str_find(text, ':') < text.len)
		return bad(e, "an IPv6 address is written in brackets");
	*ret_port = (uint16_t)port;
	return net_host_parse(text, ret_host, e);
}

int
http_absolute_parse(struct str target, struct http_where *ret, struct err *e)
{
	const struct str scheme = STR("http://");
	struct str authority;
	size_t end;

	if (target.len < scheme.len ||
	    strncasecmp(target.s, scheme.s, scheme.len) != 0)
		return bad(
		    e, "a proxy takes CONNECT host:port and http:// addresses");
	if (str_find(target, '#') < target.len)
		return bad(e, "a fragment in its address");
	authority = str_from(target, scheme.len);
	end = str_find(authority, '/');
	if (str_find(authority, '?') < end)
		end = str_find(authority, '?');
	ret->path = str_from(authority, end);
	authority = str_head(authority, end);
	if (str_find(authority, '@') < authority.len)
		return bad(e, "a user name in its address");
	return http_authority_parse(
	    authority, HTTP_PORT, &ret->host, &ret->port, e);
}

/* ---- answers ----------------------------------------------------------- */

static int
parse_status(struct str line, struct http_head *h)
{
	const struct str version = str_cut(&line, ' ');
	const struct str code = str_cut(&line, ' ');
	uint64_t status;

	if (parse_version(version, &h->minor) != 0 || code.len != 3 ||
	    num_parse_u64(code, 100, 599, &status) != 0 || !is_text(line))
		return ERR_INVALID;
	h->status = (unsigned)status;
	h->reason = line;
	return ERR_OK;
}

static bool
has_no_body(unsigned status, bool to_head)
{
	return to_head || status < 200 || status == 204 || status == 304;
}

int
http_response_parse(
    struct str bytes, bool to_head, struct http_head *ret, struct err *e)
{
	struct str rest = bytes, line, length;
	int r;

	*ret = (struct http_head){ .body = HTTP_BODY_NONE };
	r = take_line(&rest, &line, e);
	if (r != 1)
		return r;
	if (parse_status(line, ret) != 0)
		return bad(e, "the answer does not begin with HTTP/1.1 STATUS");
	r = parse_fields(ret, rest, bytes, e);
	if (r != 1)
		return r;
	if (has_no_body(ret->status, to_head))
		ret->body = HTTP_BODY_NONE;
	else if (ret->body == HTTP_BODY_NONE &&
	    http_head_only(ret, "content-length", &length) != 0)
		ret->body = HTTP_BODY_TO_END;
	return 1;
}

/* ---- writing ----------------------------------------------------------- */

/* For one hop, or written by us. */
static const char *const hop_fields[] = {
	"connection",
	"proxy-connection",
	"proxy-authorization",
	"proxy-authenticate",
	"proxy-authentication-info",
	"keep-alive",
	"te",
	"trailer",
	"upgrade",
	"http2-settings",
};

/* Never taken away because a Connection field names them. */
static const char *const kept_fields[] = {
	"content-length",
	"transfer-encoding",
	"authorization",
	"cookie",
	"content-type",
	"cache-control",
};

static bool
is_one_of(struct str name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_name(name, list[i]))
			return true;
	}
	return false;
}

static bool
is_named_by_connection(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->field_count; i++) {
		struct str rest = h->fields[i].value;

		if (!is_name(h->fields[i].name, "connection"))
			continue;
		while (rest.len > 0) {
			const struct str word = str_trim(str_cut(&rest, ','));

			if (word.len == name.len &&
			    strncasecmp(word.s, name.s, word.len) == 0)
				return true;
		}
	}
	return false;
}

static void
write_fields(struct buf *out, const struct http_head *h, bool is_request)
{
	for (size_t i = 0; i < h->field_count; i++) {
		const struct http_field *f = &h->fields[i];

		if (is_one_of(f->name, hop_fields, ARRAY_LEN(hop_fields)) ||
		    (is_request && is_name(f->name, "host")))
			continue;
		if (is_named_by_connection(h, f->name) &&
		    !is_one_of(f->name, kept_fields, ARRAY_LEN(kept_fields)))
			continue;
		buf_put_str(out, f->name);
		buf_puts(out, ": ");
		buf_put_str(out, f->value);
		buf_puts(out, "\r\n");
	}
	/* An interim answer is not the last word. */
	if (is_request || h->status >= 200)
		buf_puts(out, "Connection: close\r\n");
	buf_puts(out, "\r\n");
}

static void
write_host(struct buf *out, const struct http_where *to)
{
	const bool v6 = to->host.is_addr && to->host.addr.len == 16;

	buf_printf(
	    out, "Host: %s%s%s", v6 ? "[" : "", to->host.name, v6 ? "]" : "");
	if (to->port != HTTP_PORT)
		buf_printf(out, ":%u", to->port);
	buf_puts(out, "\r\n");
}

void
http_request_write(
    struct buf *out, const struct http_head *h, const struct http_where *to)
{
	buf_put_str(out, h->method);
	buf_putc(out, ' ');
	if (to->path.len == 0)
		buf_puts(out, str_eqz(h->method, "OPTIONS") ? "*" : "/");
	else if (to->path.s[0] == '?')
		buf_putc(out, '/');
	buf_put_str(out, to->path);
	buf_printf(out, " HTTP/1.%u\r\n", h->minor);
	write_host(out, to);
	write_fields(out, h, true);
}

void
http_response_write(struct buf *out, const struct http_head *h)
{
	buf_printf(out, "HTTP/1.%u %03u ", h->minor, h->status);
	buf_put_str(out, h->reason);
	buf_puts(out, "\r\n");
	write_fields(out, h, false);
}
