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
/* True when the text holds a token, a key or a password of a known form. */
bool secrets_found(struct str text);
/* True for names whose values are secret: AWS_SECRET_ACCESS_KEY, dbPassword.
 * Not for public halves and settings: PUBLIC_KEY, TOKEN_COUNT. */
bool secret_name(struct str name);

#endif
