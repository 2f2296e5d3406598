#ifndef CREDENTIALS_SSH_KEY_INT_H
#define CREDENTIALS_SSH_KEY_INT_H
/*
 * What the parts of ssh_key share: kinds of keys, and libcrypto's form of
 * them. Private to ssh_key*.c.
 */
#include <openssl/evp.h>

#include "ssh_key.h"

/* What can be done with it, as nobody is there to type. */
#define SSH_KEY_LOCKED                                                         \
	"the key has a passphrase, and nobody could type it here; leave it "   \
	"in your own agent (ssh-add, then agent: SSH_AUTH_SOCK and "           \
	"public_key: in the settings), or let a command print the key "        \
	"without it (command: [...])"

struct ssh_key_kind {
	const char *type; /* of the public half */
	int id; /* EVP_PKEY_... */
	const char *group; /* libcrypto's name, of EC */
	const char *curve; /* SSH's name */
	const char *digest; /* of EC */
};

const struct ssh_key_kind *ssh_kind_by_type(struct str type);
const struct ssh_key_kind *ssh_kind_of(const EVP_PKEY *k);

#define SSH_NUMBERS_MAX 6 /* a whole RSA key */
/* A big number by libcrypto's name of it. */
struct ssh_number {
	const char *name;
	struct str bytes;
};
/* With group and point: EC. Else RSA. NULL: it is none. */
EVP_PKEY *ssh_pkey_make(const char *type, const char *group, struct str point,
    const struct ssh_number *numbers, size_t count);
void ssh_pkey_freep(EVP_PKEY **k);
/* The text between BEGIN and END OPENSSH PRIVATE KEY. */
int ssh_pkey_parse_openssh(struct str text, EVP_PKEY **ret, struct err *e);
/* From a public half; NULL: it is none. */
EVP_PKEY *ssh_pkey_of_blob(struct str blob, const struct ssh_key_kind **ret);

#endif
