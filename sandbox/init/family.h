#ifndef SANDBOX_FAMILY_H
#define SANDBOX_FAMILY_H
/*
 * The processes that descend from this one, where no process namespace tells.
 * This one takes in those whose parents have ended (family_adopt), so that
 * nothing of a run leaves the family.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FAMILY_MAX 4096

int family_adopt(void); /* 0, or -1 and errno */
/* Returns how many were found; not more than max. */
size_t family_list(pid_t *ret, size_t max);
bool family_has(pid_t pid);
/* Stops all that there are, also what is being made, and kills them. */
void family_kill(void);

#endif
