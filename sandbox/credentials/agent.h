#ifndef CREDENTIALS_AGENT_H
#define CREDENTIALS_AGENT_H
/*
 * The protocol of ssh-agent, the part of it that a run may speak: list keys,
 * sign the authentication of a user, bind a connection to a session.
 *
 *     n = agent_message(&input, &body);           0: more is needed
 *     agent_parse(body, &request);
 *     r = agent_may_sign(&session, &rule, &request, &auth, e);
 *
 * Pure functions over bytes; keys and sockets are the caller's.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define AGENT_MESSAGE_MAX ((size_t)64 << 10)
#define AGENT_SESSION_MAX 128 /* bytes of a session's id */
#define AGENT_HOST_KEY_MAX 4096
#define AGENT_USER_MAX 64 /* a question shows it and the server */

enum agent_kind {
	AGENT_REFUSED, /* add, remove, lock, unknown, ill-formed */
	AGENT_LIST,
	AGENT_SIGN,
	AGENT_BIND,
};

struct agent_request {
	enum agent_kind kind;
	/* of AGENT_SIGN */
	struct str blob, data;
	uint32_t flags;
	/* of AGENT_BIND */
	struct str host_key, session, signature;
	bool forwarding;
};

/* What a client has bound its connection to the agent to. */
struct agent_session {
	bool bound, forwarded;
	size_t id_len, host_key_len;
	char id[AGENT_SESSION_MAX];
	char host_key[AGENT_HOST_KEY_MAX];
};

/* What a key is for. */
struct agent_rule {
	const char *username; /* or NULL: any */
	/* Blobs, wire strings one after the other; empty: any host. */
	struct str host_keys;
};

/* What is signed when a user proves who it is. */
struct agent_auth {
	struct str session, user, blob;
	struct str host_key; /* empty: the client does not bind it */
};

/* A whole message at the start of input: its length there, *ret its body. 0:
 * not whole yet. ERR_LIMIT: it never will be. */
int agent_message(struct str input, struct str *ret, struct err *e);
void agent_parse(struct str body, struct agent_request *ret);
/* The bytes that a signature of a key in ssh is over. ERR_DENIED: anything
 * else, such as a signed commit. */
int agent_parse_auth(struct str data, struct agent_auth *ret, struct err *e);
/* Takes the binding after its signature was verified. Once, as the protocol
 * has it for a connection that is not forwarded. */
int agent_bind(
    struct agent_session *s, const struct agent_request *q, struct err *e);
/* ERR_DENIED with a sentence for the log. */
int agent_may_sign(const struct agent_session *s, const struct agent_rule *rule,
    const struct agent_request *q, struct agent_auth *ret, struct err *e);

/* To another agent, framed: what was asked of us, or a binding as it came. */
void agent_put_sign_request(
    struct buf *out, struct str blob, struct str data, uint32_t flags);
void agent_put_body(struct buf *out, struct str body);
/* The signature in its answer; ERR_DENIED: it did not sign. */
int agent_parse_signature(struct str body, struct str *ret, struct err *e);
/* Does its answer to a request for identities name that key? */
bool agent_lists(struct str body, struct str blob);
void agent_put_list_request(struct buf *out);

/* Answers, framed. */
void agent_put_failure(struct buf *out);
void agent_put_success(struct buf *out);
void agent_put_signature(struct buf *out, struct str signature);
struct agent_identity {
	struct str blob;
	const char *comment;
};
void agent_put_identities(
    struct buf *out, const struct agent_identity *list, size_t count);

#endif
