#ifndef BASE_PASSPHRASE_KEPT_H
#define BASE_PASSPHRASE_KEPT_H
/* What a line of kept passphrases says. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "str.h"

#define PASSPHRASE_METHOD "scrypt"
#define PASSPHRASE_SALT_LEN 16
#define PASSPHRASE_DIGEST_LEN 32

struct passphrase_kept {
	uid_t uid;
	uint8_t salt[PASSPHRASE_SALT_LEN], digest[PASSPHRASE_DIGEST_LEN];
};

/* The first line of that user; false: there is none. */
bool passphrase_find(struct str text, uid_t uid, struct passphrase_kept *ret);

#endif
