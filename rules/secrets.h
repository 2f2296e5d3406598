#ifndef RULES_SECRETS_H
#define RULES_SECRETS_H
/*
 * Secret material in text: recognised, and masked in all that is shown.
 *
 *     struct str shown = secrets_mask(arena, text);
 *
 * Known forms of tokens and keys, passwords in URLs and authorisation
 * headers, values behind names such as "password" or "API_KEY". A masked
 * value keeps the prefix that tells what it was: "ghp_[masked]".
 */
#include <stdbool.h>

#include "base/mem.h"
#include "base/str.h"

/* In the arena; the same text when there is nothing to mask. */
struct str secrets_mask(struct arena *a, struct str text);
/* The same, and whatever else looks random enough to be a secret: for what is
 * kept, not for what somebody has to judge. */
struct str secrets_mask_log(struct arena *a, struct str text);
/* Each value that secrets_mask_log would mask. */
typedef void secret_fn(void *ctx, struct str value);
void secrets_each(struct str text, secret_fn *fn, void *ctx);
/* Where the next secret begins at or behind from; text.len: none. The first
 * *ret_keep of its *ret_len bytes tell what it is. */
size_t secrets_next(
    struct str text, size_t from, size_t *ret_len, size_t *ret_keep);
/* True when the text holds a token, a key or a password of a known form. */
bool secrets_found(struct str text);
/* True for names whose values are secret: AWS_SECRET_ACCESS_KEY, dbPassword.
 * Not for public halves and settings: PUBLIC_KEY, TOKEN_COUNT. */
bool secret_name(struct str name);

#endif
