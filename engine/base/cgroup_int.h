#ifndef BASE_CGROUP_INT_H
#define BASE_CGROUP_INT_H
/* What the files about control groups share. */
#include "cgroup.h"

#define CGROUP_MOUNTS_MAX 16
#define CGROUP_RUN_PREFIX "assent-run-" /* and who made it, and a number */

/* The groups of this process. Returns how many. */
size_t cgroup_own(struct cgroup_mount ret[static CGROUP_MOUNTS_MAX]);
/* cgroup_make_room; true: the groups may be others now. */
bool cgroup_room_in(const struct cgroup_mount *m, size_t count);
/* The text of a file below dir, trimmed; false when it cannot be read. */
bool cgroup_read(int dir, const char *name, char *text, size_t size);
int cgroup_write(int dir, const char *name, const char *text);
/* What a version 2 group lists in a file of controllers. */
unsigned cgroup_listed(int dir, const char *name);
/* Removes it; where the kernel does that (version 2, 5.14), all that is alive
 * in it is killed first, however it left its parents. */
void cgroup_end(int dir, const char *name);
/* "+memory +pids +cpu", as far as the kernel has them. */
unsigned cgroup_enable(int dir);

#endif
