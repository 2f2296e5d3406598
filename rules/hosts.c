/*
 * Hosts and URLs: what would be connected to, in one spelling.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"

#define HOST_BYTES_MAX 255

/* %61 -> a, lower case, no final dot. In the arena; empty when too long. */
static struct str
plain(struct arena *a, struct str host)
{
	char *out;
	size_t n = 0;

	if (host.len > HOST_BYTES_MAX)
		return STR_NONE;
	out = arena_alloc(a, host.len + 1);
	if (out == NULL)
		return STR_NONE;
	for (size_t i = 0; i < host.len; i++) {
		char c = host.s[i];

		if (c == '%' && i + 2 < host.len &&
		    text_hex_digit(host.s[i + 1]) >= 0 &&
		    text_hex_digit(host.s[i + 2]) >= 0) {
			c = (char)(text_hex_digit(host.s[i + 1]) * 16 +
			    text_hex_digit(host.s[i + 2]));
			i += 2;
		}
		out[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	while (n > 0 && out[n - 1] == '.')
		n--;
	return str_n(out, n);
}

/* One number of an address: decimal, 0x hexadecimal or 0 octal. */
static bool
number(struct str s, uint64_t *ret)
{
	uint64_t v = 0;
	unsigned base = 10;

	if (s.len > 1 && s.s[0] == '0') {
		base = s.s[1] == 'x' ? 16 : 8;
		s = str_from(s, base == 16 ? 2 : 1);
	}
	if (s.len == 0)
		return base == 16;
	for (size_t i = 0; i < s.len; i++) {
		const int d = text_hex_digit(s.s[i]);

		if (d < 0 || (unsigned)d >= base || v > UINT32_MAX)
			return false;
		v = v * base + (unsigned)d;
	}
	*ret = v;
	return v <= UINT32_MAX;
}

/* 127.1, 2852039166, 0xA9.0xFE.43518 as inet_aton takes them. */
static bool
as_ipv4(struct str host, uint32_t *ret)
{
	uint64_t part[4] = { 0 };
	size_t n = 0;
	uint64_t v = 0;

	while (host.len > 0 || n == 0) {
		if (n == 4 || !number(str_cut(&host, '.'), &part[n]))
			return false;
		n++;
	}
	for (size_t i = 0; i + 1 < n; i++) {
		if (part[i] > 255)
			return false;
		v |= part[i] << (24 - 8 * i);
	}
	if (n > 1 && part[n - 1] >> (8 * (5 - n)) != 0)
		return false;
	*ret = (uint32_t)(v | part[n - 1]);
	return true;
}

static struct str
dotted(struct arena *a, uint32_t v)
{
	char text[16];
	const int n = snprintf(text, sizeof(text), "%u.%u.%u.%u", v >> 24,
	    (v >> 16) & 255, (v >> 8) & 255, v & 255);
	const char *s = arena_strndup(a, text, (size_t)n);

	return s == NULL ? STR_NONE : str_n(s, (size_t)n);
}

static struct str
as_ipv6(struct arena *a, struct str host)
{
	struct in6_addr addr;
	char text[INET6_ADDRSTRLEN];
	char *copy;

	host = str_head(host, str_find(host, '%'));
	copy = arena_strndup(a, host.s, host.len);
	if (copy == NULL || inet_pton(AF_INET6, copy, &addr) != 1)
		return STR_NONE;
	if (IN6_IS_ADDR_V4MAPPED(&addr) || IN6_IS_ADDR_V4COMPAT(&addr)) {
		const uint8_t *b = addr.s6_addr + 12;
		const uint32_t v = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
		    (uint32_t)b[2] << 8 | b[3];

		if (v > 1)
			return dotted(a, v);
	}
	if (inet_ntop(AF_INET6, &addr, text, sizeof(text)) == NULL)
		return STR_NONE;
	copy = arena_strdup(a, text);
	return copy == NULL ? STR_NONE : str_of(copy);
}

struct str
host_normalise(struct arena *a, struct str host)
{
	uint32_t v4;
	struct str v6;

	if (host.len >= 2 && host.s[0] == '[')
		host = str_head(
		    str_from(host, 1), str_find(str_from(host, 1), ']'));
	if (str_find(host, ':') < host.len) {
		v6 = as_ipv6(a, host);
		return v6.len > 0 ? v6 : host;
	}
	host = plain(a, host);
	if (host.len > 0 && as_ipv4(host, &v4))
		return dotted(a, v4);
	return host;
}

bool
host_is_loopback(struct str host)
{
	struct str h = host;

	if (h.len > 0 && h.s[0] == '[')
		h = str_head(str_from(h, 1), str_find(str_from(h, 1), ']'));
	else if (str_find(h, ':') == str_rfind(h, ':'))
		h = str_head(h, str_find(h, ':'));
	return str_starts(h, STR("127.")) || str_eq(h, STR("localhost")) ||
	    str_eq(h, STR("::1")) || str_eq(h, STR("0.0.0.0")) ||
	    str_eq(h, STR("::")) || str_ends(h, STR(".localhost"));
}

static void
split_authority(struct arena *a, struct str authority, struct url *u)
{
	const size_t at = str_rfind(authority, '@');
	struct str host = authority;
	size_t colon;
	uint64_t port;

	if (at < authority.len) {
		u->user = str_head(authority, at);
		host = str_from(authority, at + 1);
	}
	colon = str_rfind(host, ':');
	if (host.len > 0 && host.s[0] == '[') {
		const size_t close = str_find(host, ']');

		colon = close < host.len ? close + 1 : host.len;
		if (colon < host.len && host.s[colon] != ':')
			u->odd = true;
	}
	if (colon < host.len) {
		if (num_parse_u64(str_from(host, colon + 1), 1, 65535, &port) ==
		    0)
			u->port = (uint16_t)port;
		host = str_head(host, colon);
	}
	u->host = host_normalise(a, host);
}

static bool
is_scheme(struct str s)
{
	if (s.len == 0 || s.len > 20)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];
		const bool letter =
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter &&
		    (i == 0 ||
			!((c >= '0' && c <= '9') || c == '+' || c == '-' ||
			    c == '.')))
			return false;
	}
	return true;
}

bool
url_parse(struct arena *a, struct str text, struct url *ret)
{
	size_t sep = str_search(text, STR("://"));
	struct str rest = text;
	size_t end = 0;

	*ret = (struct url){ .scheme = STR("") };
	if (sep < text.len && is_scheme(str_head(text, sep))) {
		ret->scheme = plain(a, str_head(text, sep));
		rest = str_from(text, sep + 3);
	} else {
		sep = str_find(text, ':');
		if (sep < text.len && is_scheme(str_head(text, sep)) &&
		    (str_eq(str_head(text, sep), STR("javascript")) ||
			str_eq(str_head(text, sep), STR("data")) ||
			str_eq(str_head(text, sep), STR("file")))) {
			ret->scheme = str_head(text, sep);
			ret->path = str_from(text, sep + 1);
			return true;
		}
	}
	while (end < rest.len && rest.s[end] != '/' && rest.s[end] != '?' &&
	    rest.s[end] != '#' && rest.s[end] != '\\')
		end++;
	ret->odd = end < rest.len && rest.s[end] == '\\';
	ret->path = str_from(rest, end);
	split_authority(a, str_head(rest, end), ret);
	return ret->host.len > 0 || ret->scheme.len > 0;
}

static bool
usual(struct str scheme)
{
	static const char *const names[] = { "", "http", "https", "ssh", "git",
		"git+ssh", "ws", "wss", "ftp", "ftps", "sftp", "rsync", "tcp",
		"udp", "postgres", "postgresql", "mysql", "redis", "rediss",
		"mongodb", "amqp", "grpc", "oci", "docker" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eqz(scheme, names[i]))
			return true;
	}
	return false;
}

uint16_t
url_scheme_port(const struct url *u)
{
	static const struct {
		const char *scheme;
		uint16_t port;
	} known[] = {
		{ "http", 80 },
		{ "ws", 80 },
		{ "https", 443 },
		{ "wss", 443 },
		{ "oci", 443 },
		{ "ssh", 22 },
		{ "git+ssh", 22 },
		{ "sftp", 22 },
		{ "git", 9418 },
		{ "ftp", 21 },
		{ "rsync", 873 },
		{ "postgres", 5432 },
		{ "postgresql", 5432 },
		{ "mysql", 3306 },
		{ "redis", 6379 },
		{ "rediss", 6379 },
		{ "mongodb", 27017 },
		{ "amqp", 5672 },
	};

	if (u->port != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (str_eqz(u->scheme, known[i].scheme))
			return known[i].port;
	}
	return 0;
}

struct str
url_target(struct arena *a, const struct url *u)
{
	AUTO_BUF struct buf b = BUF_INIT(4 * HOST_BYTES_MAX);
	const bool v6 = str_find(u->host, ':') < u->host.len;
	char *copy;

	if (!usual(u->scheme)) {
		buf_put_str(&b, u->scheme);
		buf_puts(&b, "://");
	}
	if (u->user.len > 0 && str_starts(u->scheme, STR("http")))
		buf_printf(&b, "%.*s@",
		    STR_ARG(str_head(u->user, str_find(u->user, ':'))));
	if (v6)
		buf_putc(&b, '[');
	buf_put_str(&b, u->host);
	if (v6)
		buf_putc(&b, ']');
	if (u->port != 0)
		buf_printf(&b, ":%u", (unsigned)u->port);
	if (buf_done(&b, NULL) != 0)
		return u->host;
	copy = arena_strndup(a, buf_cstr(&b), b.len);
	return copy == NULL ? u->host : str_n(copy, b.len);
}
