#ifndef API_AUTH_H
#define API_AUTH_H
/*
 * Who is asking, and what may he ask.
 *
 *     auth_peer(fd, LISTENER_AGENT, &peer, e);
 *     have = auth_roles(&peer, tokens, authorization);
 *     role = auth_pick(have, route->roles);       CALLER_INVALID: no
 *
 * Over agent.sock a caller is an agent, whoever he is. Over approver.sock he
 * is an approver, and auditor and admin as well when he is root or the user
 * whose daemon this is. Over TCP the token tells, one role each.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "core/messages.h"

struct auth_peer {
	enum listener_kind kind;
	uid_t uid;
	gid_t gid;
	pid_t pid; /* 0 over TCP */
	bool owner; /* root, or the user whose daemon this is */
};

/*
 * A pidfd of the process that connected, so that its number cannot come to
 * mean another one; -1 where the kernel has none (before 6.5).
 */
int auth_pidfd(int fd);
/* False when the process that a pidfd names has ended; true for -1. */
bool auth_is_alive(int pidfd);

struct tokens;

/* Lines "ROLE TOKEN", or a TOKEN alone for an agent; '#' comments. Only
 * digests are kept. ERR_INVALID for a short token or an unknown role. */
int tokens_parse(const char *text, struct tokens **ret, struct err *e);
void tokens_free(struct tokens *t);
void tokens_freep(struct tokens **t);
/* The role of "Bearer TOKEN", or CALLER_INVALID. Constant time. */
enum caller_role tokens_find(const struct tokens *t, struct str authorization);

/* By the kernel's word for a unix socket; TCP callers act as uid, gid. */
int auth_peer(int fd, enum listener_kind kind, uid_t owner,
    struct auth_peer *ret, struct err *e);
/* ROLE_BIT of each role that the caller has; 0: not known (401). */
unsigned auth_roles(const struct auth_peer *p, const struct tokens *t,
    struct str authorization);
enum caller_role auth_pick(unsigned have, unsigned wanted);
const char *caller_role_name(enum caller_role r);
/* May this Host be used over TCP? Loopback names, or the configured one. */
bool auth_host_allowed(struct str host, const char *listen_tcp);

#endif
