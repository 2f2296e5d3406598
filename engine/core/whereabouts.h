#ifndef CORE_WHEREABOUTS_H
#define CORE_WHEREABOUTS_H
/*
 * Whose word is taken about places: the home comes from the password file,
 * the workspace must be a directory that the peer may write and that is not
 * the root, a home, a system or a secret place.
 *
 *     r = whereabouts_home(uid, arena, &home, e);
 *     r = whereabouts_check(action, e);       resolves workspace and cwd
 */
#include "model/action.h"

/* ERR_NOTFOUND when the password file does not name the uid. */
int whereabouts_home(uid_t uid, struct arena *a, char **ret, struct err *e);
/* By the files of this machine. ERR_NOTFOUND: there is no such group. Who has
 * no account is in none. */
int whereabouts_in_group(
    uid_t uid, const char *group, bool *ret, struct err *e);
/*
 * Replaces proposal.workspace and proposal.cwd by their real paths.
 * ERR_INVALID with a sentence that says what to change; ERR_DENIED when the
 * peer may not write there.
 */
int whereabouts_check(struct action *a, struct err *e);
/*
 * ERR_DENIED where the workspace or cwd holds, or lies in, one of the
 * daemon's own folders (real paths): whoever writes there decides.
 */
int whereabouts_not_own(const struct action *a, const char *const *own,
    size_t own_count, struct err *e);

#endif
