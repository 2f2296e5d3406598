/*
 * Read the URL of a provider, and refuse what would send a key in the clear.
 * Runs in: supervisor, reviewer, tools.  Trusts: nothing.  Owns: nothing.
 */
#include "provider_url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "model/limits.h"

#define SOCKET_PATH_MAX 107

static int
fail(const char **ret_why, const char *why)
{
	*ret_why = why;
	return ERR_INVALID;
}

bool
address_is_loopback(struct str host)
{
	struct in_addr v4;
	char text[INET_ADDRSTRLEN];

	if (str_eqz(host, "[::1]"))
		return true;
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.s, host.len);
	text[host.len] = '\0';
	return inet_pton(AF_INET, text, &v4) == 1 &&
	    ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Visible ASCII; nothing that a URL parser may read in two ways. */
static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] <= ' ' || s.s[i] >= 0x7f ||
		    strchr("\\\"<>^`{|}#", s.s[i]) != NULL)
			return false;
	}
	return true;
}

static bool
is_host(struct str s)
{
	const bool v6 = str_at(s, 0) == '[';

	if (s.len == 0 || (v6 && str_at(s, s.len - 1) != ']'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			   "WXYZ0123456789-.",
			c) == NULL &&
		    !(v6 && strchr("[]:", c) != NULL))
			return false;
	}
	return true;
}

static int
split_authority(
    struct str authority, struct provider_url *u, const char **ret_why)
{
	const size_t bracket = str_find(authority, ']');
	const size_t from = bracket == authority.len ? 0 : bracket;
	const struct str tail = str_from(authority, from);
	const size_t colon = str_find(tail, ':');
	uint64_t port;

	if (str_find(authority, '@') != authority.len)
		return fail(ret_why,
		    "take the user and password out of it; a key has its own "
		    "setting");
	u->host = str_head(authority, from + colon);
	if (!is_host(u->host))
		return fail(ret_why, "it names no host");
	if (colon < tail.len &&
	    num_parse_u64(str_from(tail, colon + 1), 1, 65535, &port) != 0)
		return fail(ret_why, "its port is no port");
	return ERR_OK;
}

static int
parse_unix(struct str rest, struct provider_url *u, const char **ret_why)
{
	u->is_unix = true;
	u->socket = rest;
	if (str_at(rest, 0) != '/' || rest.len > SOCKET_PATH_MAX)
		return fail(ret_why,
		    "write unix:/path/to.sock, at most 107 bytes of path");
	return ERR_OK;
}

int
provider_url_parse(
    const char *text, struct provider_url *ret, const char **ret_why)
{
	struct provider_url u = { .https = false };
	struct str rest = str_of(text);
	int r;

	if (rest.len > URL_BYTES_MAX || !is_plain(rest))
		return fail(ret_why, "it has characters that no URL has");
	if (str_starts(rest, STR("unix:"))) {
		r = parse_unix(str_from(rest, 5), &u, ret_why);
		if (r == 0)
			*ret = u;
		return r;
	}
	u.https = str_starts(rest, STR("https://"));
	if (!u.https && !str_starts(rest, STR("http://")))
		return fail(ret_why, "it begins with https:// or unix:/");
	rest = str_from(rest, u.https ? 8 : 7);
	u.path = str_from(rest, str_find(rest, '/'));
	r = split_authority(str_head(rest, str_find(rest, '/')), &u, ret_why);
	if (r != 0)
		return r;
	if (!u.https && !address_is_loopback(u.host))
		return fail(ret_why,
		    "http would send the key in the clear: write https, or "
		    "http to 127.0.0.1 or [::1]");
	*ret = u;
	return ERR_OK;
}
