#ifndef SANDBOX_DOMAIN_H
#define SANDBOX_DOMAIN_H
/*
 * The run's Landlock domain: a second wall behind the mounts, and the gate's
 * foundation - without the gate nothing in the workspace can be written.
 *
 *     fd = domain_make(plan, supervised, &e)    -1: the kernel has none
 *     domain_enter(fd, records)                 in the command's process
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sandbox/plan.h"
#include "sys.h"

/* The last version of Landlock of which a domain uses all that it needs. */
#define DOMAIN_ABI_MAX 9
#define DOMAIN_READS                                                           \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |           \
	    LANDLOCK_ACCESS_FS_READ_DIR)
#define DOMAIN_REMOVES                                                         \
	(LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define DOMAIN_WRITES                                                          \
	(DOMAIN_REMOVES | LANDLOCK_ACCESS_FS_WRITE_FILE |                      \
	    LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_MAKE_DIR |        \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |       \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |       \
	    LANDLOCK_ACCESS_FS_REFER)
#define DOMAIN_DEVICES                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |         \
	    LANDLOCK_ACCESS_FS_IOCTL_DEV)

/* *ret is -1 where the kernel has no Landlock. */
int domain_make(const struct plan *p, bool supervised, int *ret, struct err *e);
/* The parts, for domains of another kind (bare.h): an empty ruleset of all
 * that this kernel knows, what that is, and rights on a path that is there. */
int domain_ruleset(int *ret, struct err *e);
uint64_t domain_known(void);
int domain_allow(int ruleset, const char *path, uint64_t rights, struct err *e);
/* records: what is denied in it goes to the kernel's audit records, where
 * there are any. 0, or -1 and errno. */
int domain_enter(int ruleset, bool records);

#endif
