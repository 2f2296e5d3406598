#ifndef CORE_SESSIONS_H
#define CORE_SESSIONS_H
/*
 * Whose session is it: the uid that used the name first, as long as it is
 * remembered.
 *
 *     r = sessions_use(s, "s-1", uid, e);      ERR_DENIED: another's
 *
 * The SESSIONS_MAX used last are remembered.
 */
#include <sys/types.h>

#include "base/err.h"

#define SESSIONS_MAX 4096

struct sessions;

int sessions_new(struct sessions **ret, struct err *e);
void sessions_free(struct sessions *s);
int sessions_use(
    struct sessions *s, const char *name, uid_t uid, struct err *e);

#endif
