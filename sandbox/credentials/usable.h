#ifndef CREDENTIALS_USABLE_H
#define CREDENTIALS_USABLE_H
/*
 * A credential with its secret, in the form in which it is used.
 *
 *     r = usable_make(credential, bytes, &u, e);    bytes: as the source has it
 *     usable_header(u), usable_value(u), u->key
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/credential.h"
#include "credentials/ssh_key.h"

#define USABLE_HEADER_NAME_MAX 128

struct usable {
	char header[USABLE_HEADER_NAME_MAX]; /* its name; "": none */
	struct secret *value; /* of the header, or to hand out */
	struct ssh_key *key; /* NULL also where an agent has it */
	struct buf blob; /* its public half then */
	struct buf host_keys; /* as agent.h wants them */
};

/* The error says what is wrong with the secret, and not a byte of it. */
int usable_make(const struct config_credential *c, struct str bytes,
    struct usable **ret, struct err *e);
/* One whose secret stays in an agent: there are no bytes of it here. */
int usable_make_agent(
    const struct config_credential *c, struct usable **ret, struct err *e);
/* What a key of ssh is known by; empty: there is none. */
struct str usable_blob(const struct usable *u);
void usable_free(struct usable *u);
void usable_freep(struct usable **u);
struct str usable_value(const struct usable *u);

#endif
