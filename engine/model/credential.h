#ifndef MODEL_CREDENTIAL_H
#define MODEL_CREDENTIAL_H
/*
 * A credential as the configuration describes it: for whom, for which hosts,
 * how it is used, and where its secret is. Never the secret.
 *
 *     for each c of config->credentials
 *             if (credential_fits(c, &scope) &&
 *                 credential_has_host(c, host, port)) ...
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

#define CREDENTIALS_MAX 64
#define CREDENTIAL_NAME_MAX 32
#define CREDENTIAL_BYTES_MAX ((size_t)16 << 10) /* of a secret */
#define CREDENTIAL_VALUES_MAX 16 /* that one run is handed */

enum credential_kind {
	CREDENTIAL_INVALID,
	CREDENTIAL_HEADER, /* a header of HTTP requests */
	CREDENTIAL_GIT, /* the same: a name and a password */
	CREDENTIAL_SSH, /* a private key, behind an agent */
	CREDENTIAL_VALUE, /* handed to the run itself */
};

struct credential_list {
	const char **items;
	size_t count;
};

struct config_credential {
	const char *name;
	const char *kind_name;
	/* NAME, NAME:PORT, *.SUFFIX; the ports of the kind by default. */
	struct credential_list hosts;
	const char *header; /* "Authorization: Bearer {}"; or NULL */
	const char *username; /* git, ssh: or NULL */
	/* Is set in the run: to a placeholder, or to where the value is. */
	const char *variable;
	const char *ca_file; /* whom to trust there, or NULL: the system's */
	struct credential_list host_keys; /* ssh: "ssh-ed25519 AAAA..." */
	const char *public_key; /* ssh: which of the agent's; or NULL */
	bool ask; /* a person answers, once a host and run */
	bool plaintext; /* also over http:// */
	/* For whom; an empty list: for all. */
	struct credential_list profiles, sessions, agents, users;
	/* Where the secret is: exactly one. */
	const char *file, *env, *systemd;
	/* A user's own agent of ssh: its socket, or the variable of the
	 * daemon that names it. The secret stays there. */
	const char *agent;
	struct credential_list secret_service; /* attribute, value, ... */
	struct credential_list command;
};

#define CREDENTIAL_HOST_MAX 254

/* On whose behalf a run is. */
struct credential_scope {
	uid_t uid;
	const char *session, *agent; /* or NULL */
	const char *profile;
};

enum credential_kind credential_kind_of(const struct config_credential *c);
/* Is it for that user? One that names none is for all. */
bool credential_has_user(const struct config_credential *c, uid_t uid);
/* May a run like this use it at all? */
bool credential_fits(
    const struct config_credential *c, const struct credential_scope *s);
/* Is it for that host? Names are compared without case. */
bool credential_has_host(
    const struct config_credential *c, const char *host, uint16_t port);
/* The one host that it can be for, and its port; false where there are several
 * or a star stands for them. */
bool credential_only_host(const struct config_credential *c,
    char ret_host[static CREDENTIAL_HOST_MAX], uint16_t *ret_port);
/* What is wrong with a host of the list, or NULL. */
const char *credential_host_wrong(const char *host);
/* Used by a request to a host, rather than handed out or by an agent. */
bool credential_is_injected(const struct config_credential *c);
/* What stands for it in a run: no secret, and says so. */
void credential_placeholder(const struct config_credential *c, struct buf *out);
/* Where its secret is, in words: "file '/x'", "variable 'X'". */
void credential_source(const struct config_credential *c, struct buf *out);
/* The same in one word, which tells no place: "file". */
const char *credential_source_kind(const struct config_credential *c);
struct jsonw;
/* Its members, into an object that the caller begins and ends. */
void credential_json(struct jsonw *w, const struct config_credential *c);

#endif
