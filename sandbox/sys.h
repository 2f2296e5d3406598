#ifndef SANDBOX_SYS_H
#define SANDBOX_SYS_H
/*
 * System calls and constants that the C library or its headers lack. Thin:
 * the kernel's result, -1 and errno.
 */
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Later than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_FS_RESOLVE_UNIX
#define LANDLOCK_ACCESS_FS_RESOLVE_UNIX (1ULL << 16)
#endif
#define SYS_LANDLOCK_SCOPE_ABSTRACT (1ULL << 0)
#define SYS_LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
/* From ABI 7 on: which denials go to the audit records. */
#define SYS_LANDLOCK_LOG_ABI 7
#define SYS_LANDLOCK_LOG_SAME_EXEC_OFF (1U << 0)
#define SYS_LANDLOCK_LOG_NEW_EXEC_ON (1U << 1)
#define SYS_LANDLOCK_LOG_SUBDOMAINS_OFF (1U << 2)
/* The ruleset of ABI 6; older kernels take a shorter one. */
struct sys_landlock_ruleset {
	uint64_t fs, net, scoped;
};
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#define SYS_SECCOMP_SYNC_WAKE_UP (1UL << 0)

int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t resolve);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_getfd(int pidfd, int fd);
int sys_pidfd_kill(int pidfd, int signo);
int sys_close_range(int first, int last);
int sys_close_from(int first);
int sys_seccomp(unsigned op, unsigned flags, void *args);
/* ABI version, 0 when Landlock is not there. */
int sys_landlock_abi(void);
int sys_landlock_create(const struct sys_landlock_ruleset *r, size_t size);
int sys_landlock_add_path(int ruleset, int fd, uint64_t access);
int sys_landlock_restrict(int ruleset, unsigned flags);
/* Zeroed memory of which only what is touched costs anything; NULL without. */
void *sys_map(size_t size);
/* fork with clone's flags; ret_pidfd may be NULL. 0 in the child. */
pid_t sys_fork(unsigned long flags, int *ret_pidfd);

#endif
