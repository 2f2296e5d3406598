#ifndef RULES_HOSTS_H
#define RULES_HOSTS_H
/*
 * Addresses as one would connect to them: whatever spelling of a number is
 * an address becomes dotted, names are lower case without a final dot.
 *
 *     struct url u;
 *     if (url_parse(arena, STR("http://0xA9FEA9FE/x"), &u))
 *             u.host is "169.254.169.254"
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct url {
	struct str scheme; /* lower case; "" when there was none */
	struct str user; /* before the '@'; may hold a password */
	struct str host; /* normalised; "" when there is none */
	uint16_t port; /* 0: the scheme's */
	struct str path; /* with the query */
	bool odd; /* text that a browser and curl read differently */
};

/* Also "host:port/path", "host/path" and "user@host". False when it cannot
 * name a host at all (a path, an option). */
bool url_parse(struct arena *a, struct str text, struct url *ret);
/* "host", "host:port"; "scheme://host" for schemes other than those of the
 * web, git and ssh; "user@host" when the web's has a user: what rules see. */
struct str url_target(struct arena *a, const struct url *u);
/* The port where the text names none, or 0: nobody can tell. */
uint16_t url_scheme_port(const struct url *u);
struct str host_normalise(struct arena *a, struct str host);
bool host_is_loopback(struct str host_and_port);

#endif
