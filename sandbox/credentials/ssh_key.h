#ifndef CREDENTIALS_SSH_KEY_H
#define CREDENTIALS_SSH_KEY_H
/*
 * Keys of SSH: a private one from its file's text, what its public half looks
 * like, signatures; ed25519, ECDSA and RSA.
 *
 *     r = ssh_key_parse(text, &key, e);
 *     ssh_key_blob(key);                      what others know it by
 *     r = ssh_key_sign(key, data, flags, &out, e);
 *     if (ssh_blob_verify(blob, signature, data)) ...
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define SSH_BLOB_MAX 4096
#define SSH_SIGNATURE_MAX 4096
#define SSH_FINGERPRINT_MAX 64

enum ssh_sign_flags {
	SSH_SIGN_RSA_SHA256 = 2,
	SSH_SIGN_RSA_SHA512 = 4,
};

struct ssh_key;

/*
 * A private key without a passphrase: OpenSSH's own form, or PEM. What it
 * holds is wiped in ssh_key_free; text stays the caller's. The error never
 * says a byte of it.
 */
int ssh_key_parse(struct str text, struct ssh_key **ret, struct err *e);
void ssh_key_free(struct ssh_key *k);
void ssh_key_freep(struct ssh_key **k);
/* Its public half; lives as long as the key. */
struct str ssh_key_blob(const struct ssh_key *k);
/* "ssh-ed25519". */
struct str ssh_key_type(const struct ssh_key *k);
/* Appends the signature with its name, as a message of an agent holds it.
 * RSA without one of the flags would be SHA-1, and is refused. */
int ssh_key_sign(const struct ssh_key *k, struct str data, uint32_t flags,
    struct buf *out, struct err *e);
/* Is the signature the work of the key with that public half? */
bool ssh_blob_verify(struct str blob, struct str signature, struct str data);
/* "SHA256:..." as ssh-keygen -l shows it. */
int ssh_blob_fingerprint(
    struct str blob, char ret[static SSH_FINGERPRINT_MAX], struct err *e);
/* The blob of "ssh-ed25519 AAAA... comment". */
int ssh_blob_parse(struct str line, struct buf *out, struct err *e);

#endif
