/*
 * System calls and files of the network client.
 * Runs in: reviewer, reporter.  Trusts: nothing.  Owns: nothing.
 */
#include "limits.h"

#include <sys/syscall.h>

#include "base/mem.h"

/* For connections and names; a name server is asked by a thread. */
const int web_syscalls[] = {
	SYS_socket,
	SYS_connect,
	SYS_bind, /* netlink: which addresses this machine has */
	SYS_setsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_socketpair,
	SYS_pipe2,
	SYS_eventfd2,
	SYS_ioctl,
	SYS_openat,
	SYS_newfstatat,
	SYS_statx,
#ifdef SYS_stat
	SYS_stat,
	SYS_access,
#endif
	SYS_faccessat2,
	SYS_getdents64,
	SYS_mlock,
	SYS_mlock2,
	SYS_munlock,
};
const size_t web_syscall_count = ARRAY_LEN(web_syscalls);

const char *const web_paths[] = {
	"/etc/hosts",
	"/etc/resolv.conf",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/ssl",
	"/usr/share/ca-certificates",
};
const size_t web_path_count = ARRAY_LEN(web_paths);
