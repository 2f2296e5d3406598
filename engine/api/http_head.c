/*
 * The head of an HTTP/1.1 request: request line, fields, framing.
 * Runs in: front.  Trusts: nothing.  Owns: nothing; offsets into the text.
 */
#include "http_guard.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "model/limits.h"

struct head_reader {
	struct str text;
	size_t at;
	struct guard *g;
};

#define NAME(lit)                                                              \
	{                                                                      \
		lit, sizeof(lit) - 1                                           \
	}

static const struct str header_names[] = {
	[HEADER_HOST] = NAME("Host"),
	[HEADER_CONTENT_LENGTH] = NAME("Content-Length"),
	[HEADER_TRANSFER_ENCODING] = NAME("Transfer-Encoding"),
	[HEADER_CONTENT_TYPE] = NAME("Content-Type"),
	[HEADER_CONTENT_ENCODING] = NAME("Content-Encoding"),
	[HEADER_AUTHORIZATION] = NAME("Authorization"),
	[HEADER_IDEMPOTENCY_KEY] = NAME("Idempotency-Key"),
	[HEADER_IF_MATCH] = NAME("If-Match"),
	[HEADER_IF_NONE_MATCH] = NAME("If-None-Match"),
	[HEADER_PREFER] = NAME("Prefer"),
	[HEADER_TRACEPARENT] = NAME("traceparent"),
	[HEADER_ACCEPT] = NAME("Accept"),
	[HEADER_LAST_EVENT_ID] = NAME("Last-Event-ID"),
	[HEADER_CONNECTION] = NAME("Connection"),
	[HEADER_EXPECT] = NAME("Expect"),
	[HEADER_ORIGIN] = NAME("Origin"),
	[HEADER_SEC_FETCH_SITE] = NAME("Sec-Fetch-Site"),
	[HEADER_X_REQUEST_ID] = NAME("X-Request-Id"),
	[HEADER_MCP_SESSION_ID] = NAME("Mcp-Session-Id"),
	[HEADER_MCP_PROTOCOL_VERSION] = NAME("MCP-Protocol-Version"),
};
_Static_assert(
    ARRAY_LEN(header_names) == HEADERS_KNOWN, "every header has a name");
_Static_assert(HEADERS_KNOWN <= 32, "seen has a bit for each");
_Static_assert(HTTP_HEAD_BYTES_MAX <= UINT16_MAX, "a span can say it");

static int
refuse(struct head_reader *r, unsigned status, const char *code,
    const char *detail)
{
	(void)guard_refuse(r->g, status, code, detail);
	return -1;
}

static int
malformed(struct head_reader *r, const char *detail)
{
	return refuse(r, 400, "malformed_http", detail);
}

static struct http_span
span_of(const struct head_reader *r, struct str s)
{
	return (struct http_span){
		.at = (uint16_t)(s.s - r->text.s),
		.len = (uint16_t)s.len,
	};
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

static bool
is_token_char(char c)
{
	return is_alnum(c) ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
equals(struct str s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.s, name, s.len) == 0;
}

/* The next line without its CRLF; every line ends in exactly that. */
static int
next_line(struct head_reader *r, struct str *ret)
{
	const struct str rest = str_from(r->text, r->at);
	const size_t n = str_find(rest, '\n');

	if (n == rest.len || n == 0 || rest.s[n - 1] != '\r')
		return malformed(r,
		    "a line of the head ends in a line feed alone; end lines "
		    "with CR LF");
	*ret = str_head(rest, n - 1);
	r->at += n + 1;
	for (size_t i = 0; i < ret->len; i++) {
		const unsigned char c = (unsigned char)ret->s[i];

		if (c >= 0x7f || (c < 0x20 && c != '\t'))
			return malformed(r,
			    "the head contains a control character or a byte "
			    "that is not ASCII");
	}
	return 0;
}

/* ---- the request line -------------------------------------------------- */

static int
parse_method(struct head_reader *r, struct str name)
{
	static const char *const names[] = {
		[METHOD_GET] = "GET",
		[METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",
		[METHOD_PUT] = "PUT",
		[METHOD_DELETE] = "DELETE",
		[METHOD_OPTIONS] = "OPTIONS",
	};

	for (size_t i = 0; i < name.len; i++) {
		if (!is_token_char(name.s[i]))
			return malformed(r, "the method is not a word");
	}
	for (size_t m = METHOD_GET; m < ARRAY_LEN(names); m++) {
		if (str_eqz(name, names[m])) {
			r->g->head.method = (enum http_method)m;
			return 0;
		}
	}
	if (name.len == 0)
		return malformed(r, "the request line has no method");
	r->g->head.method = METHOD_OTHER; /* 405 when the path is known */
	return 0;
}

static int
parse_version(struct head_reader *r, struct str v)
{
	if (str_eq(v, STR("HTTP/1.1")))
		r->g->head.minor = 1;
	else if (!str_eq(v, STR("HTTP/1.0")))
		return str_starts(v, STR("HTTP/"))
		    ? refuse(r, 505, "http_version",
			  "only HTTP/1.1 and HTTP/1.0 are spoken here")
		    : malformed(
			  r, "the request line does not end in a version");
	return 0;
}

/* "http://host/path" is taken only when it names the host of this request;
 * that is compared when the Host header is known. */
static int
cut_authority(struct head_reader *r, struct str *target, struct str *ret)
{
	const struct str scheme = STR("http://");

	*ret = STR_NONE;
	if (target->len > 0 && target->s[0] == '/')
		return 0;
	if (!str_starts(*target, scheme))
		return malformed(
		    r, "the target must be a path that begins with '/'");
	*target = str_from(*target, scheme.len);
	*ret = str_head(*target, str_find(*target, '/'));
	*target = str_from(*target, ret->len);
	if (target->len == 0 || ret->len == 0)
		return malformed(
		    r, "the target must be a path that begins with '/'");
	return 0;
}

static int
parse_target(struct head_reader *r, struct str target, struct str *authority)
{
	struct str path;

	if (target.len > HTTP_TARGET_BYTES_MAX)
		return refuse(r, 414, "target_too_long",
		    "the path and query have more than 4096 bytes");
	if (cut_authority(r, &target, authority) != 0)
		return -1;
	for (size_t i = 0; i < target.len; i++) {
		if (target.s[i] <= ' ' || strchr("#\\\"<>^`{|}", target.s[i]))
			return malformed(r,
			    "the target contains a character that must be "
			    "percent-encoded");
	}
	path = str_head(target, str_find(target, '?'));
	r->g->head.path = span_of(r, path);
	if (path.len < target.len)
		r->g->head.query = span_of(r, str_from(target, path.len + 1));
	return 0;
}

static int
parse_request_line(struct head_reader *r, struct str *authority)
{
	struct str line, method, target;

	if (next_line(r, &line) != 0)
		return -1;
	method = str_cut(&line, ' ');
	target = str_cut(&line, ' ');
	if (target.len == 0)
		return malformed(r,
		    "the request line must be METHOD TARGET HTTP/1.1, with "
		    "one space between");
	if (parse_method(r, method) != 0 || parse_version(r, line) != 0)
		return -1;
	return parse_target(r, target, authority);
}

/* ---- the fields -------------------------------------------------------- */

static int
keep_field(struct head_reader *r, struct str name, struct str value)
{
	struct http_head *head = &r->g->head;

	for (size_t h = 0; h < HEADERS_KNOWN; h++) {
		if (name.len != header_names[h].len ||
		    strncasecmp(name.s, header_names[h].s, name.len) != 0)
			continue;
		if ((head->seen & (uint32_t)1 << h) != 0)
			return malformed(r,
			    "a header that may be there once is there twice "
			    "(Host, Content-Length, Authorization, "
			    "Idempotency-Key and others); send it once");
		head->seen |= (uint32_t)1 << h;
		head->headers[h] = span_of(r, value);
		return 0;
	}
	return 0;
}

static int
parse_field(struct head_reader *r, struct str line)
{
	const size_t colon = str_find(line, ':');
	struct str name, value;

	if (line.s[0] == ' ' || line.s[0] == '\t')
		return malformed(r,
		    "a header is continued on the next line; write it on one "
		    "line");
	if (colon == line.len || colon == 0)
		return malformed(r, "a header line has no name or no colon");
	name = str_head(line, colon);
	for (size_t i = 0; i < name.len; i++) {
		if (!is_token_char(name.s[i]))
			return malformed(r,
			    "a header name contains a space or another "
			    "character that names cannot have");
	}
	value = str_from(line, colon + 1);
	while (value.len > 0 && (value.s[0] == ' ' || value.s[0] == '\t'))
		value = str_from(value, 1);
	while (value.len > 0 &&
	    (value.s[value.len - 1] == ' ' || value.s[value.len - 1] == '\t'))
		value.len--;
	return keep_field(r, name, value);
}

static int
parse_fields(struct head_reader *r)
{
	size_t count = 0;
	struct str line;

	for (;;) {
		if (next_line(r, &line) != 0)
			return -1;
		if (line.len == 0)
			break;
		if (++count > HTTP_HEADERS_MAX)
			return refuse(r, 431, "too_many_headers",
			    "the head has more than 64 header lines");
		if (parse_field(r, line) != 0)
			return -1;
	}
	return r->at == r->text.len
	    ? 0
	    : malformed(r, "something stands behind the head");
}

/* ---- what the fields mean together ------------------------------------- */

static bool
has(const struct head_reader *r, enum http_header h)
{
	return (r->g->head.seen & (uint32_t)1 << h) != 0;
}

static struct str
value_of(const struct head_reader *r, enum http_header h)
{
	return guard_header(r->g, r->text.s, h);
}

static int
check_host(struct head_reader *r, struct str authority)
{
	const struct str host = value_of(r, HEADER_HOST);

	if (!has(r, HEADER_HOST))
		return r->g->head.minor == 0 && authority.s == NULL
		    ? 0
		    : malformed(r, "the Host header is missing");
	for (size_t i = 0; i < host.len; i++) {
		if (!is_alnum(host.s[i]) &&
		    strchr(".-:[]_%", host.s[i]) == NULL)
			return malformed(
			    r, "the Host header is not a host and port");
	}
	if (authority.s != NULL &&
	    (authority.len != host.len ||
		strncasecmp(authority.s, host.s, host.len) != 0))
		return malformed(
		    r, "the target names another host than the Host header");
	return 0;
}

static int
check_length(struct head_reader *r)
{
	const struct str length = value_of(r, HEADER_CONTENT_LENGTH);
	const int rc = num_parse_u64(
	    length, 0, HTTP_BODY_BYTES_MAX, &r->g->head.content_length);

	if (rc == ERR_LIMIT)
		return refuse(r, 413, "body_too_large",
		    "the body has more than 4 MiB; send less");
	if (rc != 0)
		return malformed(
		    r, "Content-Length must be one decimal number");
	return 0;
}

static int
check_framing(struct head_reader *r)
{
	struct http_head *head = &r->g->head;
	const bool length = has(r, HEADER_CONTENT_LENGTH);

	head->chunked = has(r, HEADER_TRANSFER_ENCODING);
	if (head->chunked && length)
		return malformed(r,
		    "Content-Length and Transfer-Encoding exclude each other; "
		    "send one of them");
	if (head->chunked && head->minor == 0)
		return malformed(
		    r, "HTTP/1.0 has no Transfer-Encoding; use HTTP/1.1");
	if (head->chunked &&
	    !equals(value_of(r, HEADER_TRANSFER_ENCODING), "chunked"))
		return malformed(
		    r, "the only Transfer-Encoding known here is chunked");
	if (length && check_length(r) != 0)
		return -1;
	if (has(r, HEADER_CONTENT_ENCODING))
		return refuse(r, 415, "content_encoding",
		    "a compressed body is not accepted; send plain JSON");
	if ((head->chunked || head->content_length > 0) &&
	    head->method != METHOD_POST && head->method != METHOD_PUT &&
	    head->method != METHOD_OTHER)
		return malformed(r, "this method takes no body; send none");
	return 0;
}

static bool
list_has(struct str list, const char *word)
{
	while (list.len > 0) {
		if (equals(str_trim(str_cut(&list, ',')), word))
			return true;
	}
	return false;
}

static int
check_connection(struct head_reader *r)
{
	struct http_head *head = &r->g->head;
	const struct str c = value_of(r, HEADER_CONNECTION);

	head->keep_alive = head->minor == 1 ? !list_has(c, "close")
					    : list_has(c, "keep-alive");
	if (!has(r, HEADER_EXPECT))
		return 0;
	if (!equals(value_of(r, HEADER_EXPECT), "100-continue"))
		return refuse(r, 417, "expectation",
		    "the only expectation known here is 100-continue");
	head->expect_continue = head->minor == 1;
	return 0;
}

int
http_head_parse(struct str text, struct guard *g)
{
	struct head_reader r = { .text = text, .g = g };
	struct str authority;

	if (parse_request_line(&r, &authority) != 0 || parse_fields(&r) != 0)
		return -1;
	if (check_host(&r, authority) != 0 || check_framing(&r) != 0)
		return -1;
	return check_connection(&r);
}
