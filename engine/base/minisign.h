#ifndef BASE_MINISIGN_H
#define BASE_MINISIGN_H
/*
 * Detached Ed25519 signatures of files, as minisign(1) writes and checks them.
 *
 *     r = minisign_generate(&key, e);
 *     r = minisign_sign(&key, bytes, "version 7", &out, e);   FILE.minisig
 *     r = minisign_verify(&public, bytes, signature, &comment, e);
 *
 * A signature also covers its trusted comment. Those over the file itself and
 * those over its BLAKE2b digest are checked; the latter are made.
 */
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define MINISIGN_ID 8
#define MINISIGN_KEY 32
#define MINISIGN_COMMENT_MAX 1024

struct minisign_public {
	uint8_t id[MINISIGN_ID];
	uint8_t key[MINISIGN_KEY];
};

struct minisign_secret {
	struct minisign_public public;
	uint8_t seed[MINISIGN_KEY];
};

int minisign_generate(struct minisign_secret *ret, struct err *e);
void minisign_wipe(struct minisign_secret *k);
/* The public key's file. */
void minisign_print_public(const struct minisign_public *p, struct buf *out);
int minisign_parse_public(
    struct str text, struct minisign_public *ret, struct err *e);
/* The secret key's file: our own form, without a password. */
void minisign_print_secret(const struct minisign_secret *k, struct buf *out);
int minisign_parse_secret(
    struct str text, struct minisign_secret *ret, struct err *e);
int minisign_sign(const struct minisign_secret *k, struct str bytes,
    const char *comment, struct buf *out, struct err *e);
/* ERR_DENIED: not by that key, or of other bytes. */
int minisign_verify(const struct minisign_public *p, struct str bytes,
    struct str signature, struct buf *ret_comment, struct err *e);

#endif
