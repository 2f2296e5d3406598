#ifndef BASE_PASSPHRASE_H
#define BASE_PASSPHRASE_H
/*
 * Passphrases of people, kept as scrypt digests: a line "UID scrypt SALT
 * DIGEST" each, in hexadecimal.
 *
 *     r = passphrase_line(uid, STR("correct horse"), &line, e);
 *     r = passphrase_check(text, uid, typed, e);
 *
 * One check costs 16 MiB and some 50 ms: whoever takes them from outside
 * limits how many.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

#define PASSPHRASE_LEN_MIN 8
#define PASSPHRASE_LEN_MAX 256

/* Appends the line, with a salt of its own. ERR_INVALID: too short or long. */
int passphrase_line(
    uid_t uid, struct str passphrase, struct buf *out, struct err *e);
/* The uid of a line, also of one without a digest that can be read;
 * ERR_INVALID where it has none. */
int passphrase_line_uid(struct str line, uid_t *ret);
/* Whether every line is one; ERR_INVALID names the first that is not. */
int passphrase_check_form(struct str text, struct err *e);
/* Does that user have one? */
bool passphrase_has(struct str text, uid_t uid);
/* ERR_NOTFOUND: that user has none; ERR_DENIED: it is another one. */
int passphrase_check(
    struct str text, uid_t uid, struct str passphrase, struct err *e);

#endif
