#ifndef CORE_CREDENTIAL_SOURCE_H
#define CORE_CREDENTIAL_SOURCE_H
/*
 * Where the secret of a credential can be read from, as a descriptor: a file
 * whose owner and mode were checked, a variable that was taken out of the
 * environment, what a service manager decrypted, the output of a program.
 *
 *     r = credential_check(helpers, c, e);           nothing is started
 *     r = credential_open(helpers, c, &who, &fd, e);
 *
 * Its bytes are never read here.
 */
#include "core/review_helpers.h"
#include "model/credential.h"

/* Is it there, as far as that can be told without starting a program? */
int credential_check(
    struct review_helpers *h, const struct config_credential *c, struct err *e);
int credential_open(struct review_helpers *h, const struct config_credential *c,
    const struct review_identity *who, int *ret, struct err *e);

#endif
