#ifndef MODEL_PROVIDER_URL_H
#define MODEL_PROVIDER_URL_H
/*
 * Where a reviewer's provider is, and whether a key may travel there.
 *
 *     r = provider_url_parse(text, &url, &why);
 *
 * https anywhere; http to a loopback address or through a unix socket
 * (unix:/path/to.sock) only. No user or password in it, no fragment, no
 * blanks: a key belongs into its own setting.
 */
#include <stdbool.h>

#include "base/str.h"

struct provider_url {
	bool https, is_unix;
	struct str host; /* without a port; or */
	struct str socket; /* the path of the socket */
	struct str path; /* "/v1/x?y", or empty: the format's own */
};

/* 127.0.0.0/8 in digits, or [::1]: no name, that would be looked up. */
bool address_is_loopback(struct str host);
/* 0, or ERR_INVALID and *ret_why what to change. Views into text. */
int provider_url_parse(
    const char *text, struct provider_url *ret, const char **ret_why);

#endif
