/*
 * Peers, tokens, roles.
 * Runs in: front.  Trusts: the kernel for the peer of a unix socket.
 * Owns: digests of tokens.
 */
#include "auth.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "route.h"

#define TOKENS_MAX 64
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define TOKEN_BYTES_MIN 32
#define TOKEN_BYTES_MAX 512

struct tokens {
	size_t count;
	struct {
		enum caller_role role;
		uint8_t digest[SHA256_LEN];
	} items[TOKENS_MAX];
};

const char *
caller_role_name(enum caller_role r)
{
	static const char *const names[] = {
		[CALLER_INVALID] = "nobody",
		[CALLER_AGENT] = "agent",
		[CALLER_APPROVER] = "approver",
		[CALLER_AUDITOR] = "auditor",
		[CALLER_ADMIN] = "admin",
	};

	return (size_t)r < ARRAY_LEN(names) ? names[r] : names[0];
}

static enum caller_role
role_of(struct str name)
{
	for (unsigned r = CALLER_AGENT; r <= CALLER_ADMIN; r++) {
		if (str_eqz(name, caller_role_name((enum caller_role)r)))
			return (enum caller_role)r;
	}
	return CALLER_INVALID;
}

/* ---- tokens ------------------------------------------------------------ */

void
tokens_free(struct tokens *t)
{
	free(t);
}

void
tokens_freep(struct tokens **t)
{
	tokens_free(*t);
	*t = NULL;
}

static int
add_token(struct tokens *t, struct str line, unsigned number, struct err *e)
{
	enum caller_role role = CALLER_AGENT;
	struct str token = line;

	if (str_find(line, ' ') < line.len) {
		role = role_of(str_cut(&token, ' '));
		token = str_trim(token);
	}
	/* The token itself never goes into a message. */
	if (role == CALLER_INVALID)
		return err_set(e, ERR_INVALID,
		    "line %u of the token file names no role; write agent, "
		    "approver, auditor or admin, a space, and the token",
		    number);
	if (token.len < TOKEN_BYTES_MIN || token.len > TOKEN_BYTES_MAX)
		return err_set(e, ERR_INVALID,
		    "the token in line %u of the token file has %zu bytes; "
		    "take %d or more random ones",
		    number, token.len, TOKEN_BYTES_MIN);
	if (t->count == TOKENS_MAX)
		return err_set(e, ERR_LIMIT,
		    "the token file has more than %d tokens", TOKENS_MAX);
	t->items[t->count].role = role;
	return sha256_of(token.s, token.len, t->items[t->count++].digest, e);
}

int
tokens_parse(const char *text, struct tokens **ret, struct err *e)
{
	AUTO(tokens_freep) struct tokens *t = mem_new(1, sizeof(*t));
	struct str rest = str_of(text);
	unsigned number = 0;
	int r;

	if (t == NULL)
		return err_nomem(e);
	while (rest.len > 0) {
		const struct str line = str_trim(str_cut(&rest, '\n'));

		number++;
		if (line.len == 0 || line.s[0] == '#')
			continue;
		r = add_token(t, line, number, e);
		if (r != 0)
			return r;
	}
	*ret = TAKE_PTR(t);
	return ERR_OK;
}

enum caller_role
tokens_find(const struct tokens *t, struct str authorization)
{
	const struct str scheme = STR("Bearer ");
	enum caller_role found = CALLER_INVALID;
	uint8_t digest[SHA256_LEN];
	struct str token;

	if (t == NULL || authorization.len <= scheme.len ||
	    strncasecmp(authorization.s, scheme.s, scheme.len) != 0)
		return CALLER_INVALID;
	token = str_trim(str_from(authorization, scheme.len));
	if (sha256_of(token.s, token.len, digest, NULL) != 0)
		return CALLER_INVALID;
	for (size_t i = 0; i < t->count; i++) {
		if (mem_equal_secret(digest, t->items[i].digest, SHA256_LEN))
			found = t->items[i].role;
	}
	return found;
}

/* ---- peers ------------------------------------------------------------- */

int
auth_peer(int fd, enum listener_kind kind, uid_t owner, struct auth_peer *ret,
    struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*ret = (struct auth_peer){ .kind = kind, .uid = owner };
	if (kind == LISTENER_TCP) {
		ret->gid = getegid();
		return ERR_OK;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return err_sys(e, "cannot tell who connected");
	/* pid 0: a process that this pid namespace cannot see */
	if (cred.pid <= 0 || cred.uid == (uid_t)-1)
		return err_set(
		    e, ERR_DENIED, "the kernel cannot name the caller");
	ret->uid = cred.uid;
	ret->gid = cred.gid;
	ret->pid = cred.pid;
	ret->owner = cred.uid == 0 || cred.uid == owner;
	return ERR_OK;
}

unsigned
auth_roles(
    const struct auth_peer *p, const struct tokens *t, struct str authorization)
{
	enum caller_role role;

	switch (p->kind) {
	case LISTENER_INVALID:
		return 0;
	case LISTENER_AGENT:
		return ROLE_BIT(CALLER_AGENT);
	case LISTENER_APPROVER:
		return ROLE_BIT(CALLER_APPROVER) |
		    (p->owner
			    ? ROLE_BIT(CALLER_AUDITOR) | ROLE_BIT(CALLER_ADMIN)
			    : 0);
	case LISTENER_TCP:
		role = tokens_find(t, authorization);
		return role == CALLER_INVALID ? 0 : ROLE_BIT(role);
	}
	return 0;
}

enum caller_role
auth_pick(unsigned have, unsigned wanted)
{
	/* The least of those that suffice, a person before a machine. */
	static const enum caller_role order[] = {
		CALLER_APPROVER,
		CALLER_AUDITOR,
		CALLER_ADMIN,
		CALLER_AGENT,
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if ((have & wanted & ROLE_BIT(order[i])) != 0)
			return order[i];
	}
	return CALLER_INVALID;
}

int
auth_pidfd(int fd)
{
	socklen_t len = sizeof(int);
	int pidfd = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) != 0)
		return -1;
	return pidfd;
}

bool
auth_is_alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, 0) == 0;
}

/* ---- hosts ------------------------------------------------------------- */

static bool
names(struct str host, const char *name)
{
	return host.len == strlen(name) &&
	    strncasecmp(host.s, name, host.len) == 0;
}

/* "[::1]:7878" and "localhost:7878" without the port. */
static struct str
without_port(struct str host)
{
	const size_t colon = str_rfind(host, ':');
	const size_t bracket = str_rfind(host, ']');

	if (colon == host.len || (bracket != host.len && bracket > colon))
		return host;
	return str_head(host, colon);
}

bool
auth_host_allowed(struct str host, const char *listen_tcp)
{
	static const char *const loopback[] = { "localhost", "127.0.0.1",
		"[::1]" };
	const struct str name = without_port(host);

	if (listen_tcp != NULL && names(host, listen_tcp))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(loopback); i++) {
		if (names(name, loopback[i]))
			return true;
	}
	return false;
}
