/*
 * The table of system calls that a run may not make, or not unasked.
 * Runs in: assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include "gate/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "gate/filter_bare.h"
#include "sys.h"

#define NAMESPACES                                                             \
	((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |             \
	    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET))
#define CLONE_NEWTIME_BIT 0x80U
#define OPEN_WRITES ((uint32_t)(O_ACCMODE | O_CREAT | O_TRUNC))
#define SET_ID_BITS 06000U
#define RULES_MAX 400
#define IOPRIO_WHO_USER 3

/* Numbers are the same on every architecture from 424 on. */
#define NR_FCHMODAT2 452
#define NR_MOUNT_SETATTR 442
#define NR_STATMOUNT 457
#define NR_LISTMOUNT 458
#define NR_LSM_SET_SELF_ATTR 460
#define NR_LSM_LIST_MODULES 461
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
#define NR_OPEN_TREE_ATTR 467
#define NR_FILE_SETATTR 469

struct entry {
	const char *name; /* of a call that is denied and reported */
	struct bpf_rule rule;
};

static const uint32_t ioctl_denied[] = {
	TIOCSTI, /* types into the terminal */
	0x541c, /* TIOCLINUX: the same by way of the console's selection */
	TIOCCONS, TIOCSETD,
	/* Change a file by a descriptor that may only read it. */
	FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS, FS_IOC_FSSETXATTR,
	FS_IOC_SETVERSION, FS_IOC32_SETVERSION, FS_IOC_ENABLE_VERITY,
	FS_IOC_SET_ENCRYPTION_POLICY, 0x6609, /* EXT4_IOC_MIGRATE */
	/* Make and remove names behind the supervisor's back: subvolumes of
	 * btrfs, of bcachefs. */
	0x50009401, /* BTRFS_IOC_SNAP_CREATE */
	0x5000940e, /* BTRFS_IOC_SUBVOL_CREATE */
	0x5000940f, /* BTRFS_IOC_SNAP_DESTROY */
	0x50009417, /* BTRFS_IOC_SNAP_CREATE_V2 */
	0x50009418, /* BTRFS_IOC_SUBVOL_CREATE_V2 */
	0x4008941a, /* BTRFS_IOC_SUBVOL_SETFLAGS */
	0x5000943f, /* BTRFS_IOC_SNAP_DESTROY_V2 */
	0x4018bc10, /* BCH_IOCTL_SUBVOLUME_CREATE */
	0x4018bc11, /* BCH_IOCTL_SUBVOLUME_DESTROY */
};
/* PER_LINUX, PER_LINUX32, and the question which it is. */
static const uint32_t personality_allowed[] = { 0, 8, 0xffffffffU };
static const uint32_t prctl_denied[] = { PR_SET_MM };
/* The supervisor is as slow, and opens as many files, as it is let. */
static const uint32_t first_process[] = { 1 };

#define DENY(call)                                                             \
	{                                                                      \
#call,                                                         \
		{                                                              \
			.nr = SYS_##call, .act = BPF_ACT_NOTIFY                \
		}                                                              \
	}
#define DENY_NR(call, number)                                                  \
	{                                                                      \
#call,                                                         \
		{                                                              \
			.nr = (number), .act = BPF_ACT_NOTIFY                  \
		}                                                              \
	}
#define MISSING(call)                                                          \
	{                                                                      \
		NULL,                                                          \
		{                                                              \
			.nr = SYS_##call, .act = BPF_ACT_ERRNO,                \
			.value = ENOSYS                                        \
		}                                                              \
	}
#define MISSING_NR(number)                                                     \
	{                                                                      \
		NULL,                                                          \
		{                                                              \
			.nr = (number), .act = BPF_ACT_ERRNO, .value = ENOSYS  \
		}                                                              \
	}
#define ASK(call)                                                              \
	{                                                                      \
		NULL,                                                          \
		{                                                              \
			.nr = SYS_##call, .act = BPF_ACT_NOTIFY                \
		}                                                              \
	}
#define WITH(call, act_, arg_, value_)                                         \
	{                                                                      \
		NULL,                                                          \
		{                                                              \
			.nr = (call), .act = (act_), .arg = (arg_),            \
			.value = (value_)                                      \
		}                                                              \
	}
#define LIST(call, act_, arg_, list_)                                          \
	{                                                                      \
		NULL,                                                          \
		{                                                              \
			.nr = (call), .act = (act_), .arg = (arg_),            \
			.list = (list_), .list_count = ARRAY_LEN(list_)        \
		}                                                              \
	}

static const struct entry entries[] = {
	/* Mounts, roots, namespaces. */
	DENY(mount),
	DENY(umount2),
	DENY(pivot_root),
	DENY(chroot),
	DENY(setns),
	DENY(open_tree),
	DENY(move_mount),
	DENY(fsopen),
	DENY(fsconfig),
	DENY(fsmount),
	DENY(fspick),
	DENY_NR(mount_setattr, NR_MOUNT_SETATTR),
	DENY_NR(open_tree_attr, NR_OPEN_TREE_ATTR),
	WITH(
	    SYS_unshare, BPF_ACT_BITS_ERRNO, 0, NAMESPACES | CLONE_NEWTIME_BIT),
	WITH(SYS_clone, BPF_ACT_BITS_ERRNO, 0, NAMESPACES),
	/* Its flags lie in memory; the C library falls back to clone. */
	MISSING(clone3),
	/* The kernel itself. */
	DENY(init_module),
	DENY(finit_module),
	DENY(delete_module),
	DENY(kexec_load),
	DENY(kexec_file_load),
	DENY(reboot),
	DENY(swapon),
	DENY(swapoff),
	DENY(acct),
	DENY(quotactl),
	DENY(quotactl_fd),
	DENY(syslog),
	DENY(settimeofday),
	DENY(clock_settime),
	DENY(clock_adjtime),
	DENY(adjtimex),
	DENY(sethostname),
	DENY(setdomainname),
	DENY(vhangup),
	DENY(nfsservctl),
	DENY(lookup_dcookie),
#ifdef SYS_iopl
	DENY(iopl),
	DENY(ioperm),
	DENY(modify_ldt),
	DENY(uselib),
	DENY(sysfs),
	DENY(ustat),
#endif
	/* Wide interfaces that tools do without. */
	DENY(bpf),
	DENY(perf_event_open),
	DENY(userfaultfd),
	DENY(fanotify_init),
	DENY(open_by_handle_at),
	DENY(name_to_handle_at),
	DENY(add_key),
	DENY(request_key),
	DENY(keyctl),
	DENY(kcmp),
	DENY(migrate_pages),
	DENY(move_pages),
	/* Holds pages that no process has any more. */
	DENY(vmsplice),
	MISSING(io_uring_setup),
	MISSING(io_uring_enter),
	MISSING(io_uring_register),
	MISSING(memfd_secret),
	/* Arguments decide. */
	LIST(SYS_ioctl, BPF_ACT_NOT, 1, ioctl_denied),
	LIST(SYS_personality, BPF_ACT_ONLY, 0, personality_allowed),
	/* Who hides its memory cannot be asked what it wants to open: agents of
	 * ssh and gpg do, against others of their user, and here are none. */
	{ NULL,
	    { .nr = SYS_prctl,
		.act = BPF_ACT_PRETEND,
		.arg = 0,
		.value = PR_SET_DUMPABLE,
		.list = prctl_denied,
		.list_count = ARRAY_LEN(prctl_denied) } },
	WITH(SYS_setpriority, BPF_ACT_WHO, 0, PRIO_USER),
	WITH(SYS_ioprio_set, BPF_ACT_WHO, 0, IOPRIO_WHO_USER),
	LIST(SYS_prlimit64, BPF_ACT_NOT, 0, first_process),
	LIST(SYS_sched_setparam, BPF_ACT_NOT, 0, first_process),
	LIST(SYS_sched_setscheduler, BPF_ACT_NOT, 0, first_process),
	LIST(SYS_sched_setaffinity, BPF_ACT_NOT, 0, first_process),
	LIST(SYS_sched_setattr, BPF_ACT_NOT, 0, first_process),
	WITH(SYS_socket, BPF_ACT_SOCKET, 0, 0),
	WITH(SYS_socketpair, BPF_ACT_SOCKET, 0, 0),
	/* Set-id files are neither made nor gained. */
	WITH(SYS_fchmod, BPF_ACT_MODE_NOTIFY, 1, 0),
	WITH(SYS_fchmodat, BPF_ACT_MODE_NOTIFY, 2, 0),
	WITH(NR_FCHMODAT2, BPF_ACT_MODE_NOTIFY, 2, 0),
#ifdef SYS_chmod
	WITH(SYS_chmod, BPF_ACT_MODE_NOTIFY, 1, 0),
#endif
	/* Whose file it is, and what else is said of it: the supervisor's. */
	ASK(fchown),
	ASK(fchownat),
	ASK(utimensat),
	ASK(setxattr),
	ASK(lsetxattr),
	ASK(fsetxattr),
	ASK(removexattr),
	ASK(lremovexattr),
	ASK(fremovexattr),
	MISSING_NR(NR_SETXATTRAT),
	MISSING_NR(NR_REMOVEXATTRAT),
	MISSING_NR(NR_FILE_SETATTR),
	/* Mounts, and what another security module says: nothing needs it. */
	MISSING_NR(NR_STATMOUNT),
	MISSING_NR(NR_LISTMOUNT),
	MISSING_NR(NR_LSM_SET_SELF_ATTR),
	MISSING_NR(NR_LSM_LIST_MODULES),
#ifdef SYS_chmod
	ASK(chown),
	ASK(lchown),
	ASK(utime),
	ASK(utimes),
	ASK(futimesat),
#endif
	WITH(SYS_mmap, BPF_ACT_BITS_NOTIFY, 3, MAP_SHARED),
	/* Names and writes: the supervisor's to judge. */
	WITH(SYS_openat, BPF_ACT_BITS_NOTIFY, 2, OPEN_WRITES),
	MISSING(openat2),
	WITH(SYS_mkdirat, BPF_ACT_MODE_NOTIFY, 2, 0),
	WITH(SYS_mknodat, BPF_ACT_NODE, 2, 0),
	ASK(renameat2),
	ASK(linkat),
	ASK(symlinkat),
	ASK(truncate),
	ASK(fallocate),
	ASK(memfd_create),
	ASK(connect),
	ASK(bind),
#ifdef SYS_renameat
	ASK(renameat),
#endif
#ifdef SYS_open
	WITH(SYS_open, BPF_ACT_BITS_NOTIFY, 1, OPEN_WRITES),
	WITH(SYS_creat, BPF_ACT_MODE_NOTIFY, 1, 0),
	WITH(SYS_mkdir, BPF_ACT_MODE_NOTIFY, 1, 0),
	WITH(SYS_mknod, BPF_ACT_NODE, 1, 0),
	ASK(rename),
	ASK(link),
	ASK(symlink),
#endif
};

static int
by_number(const void *a, const void *b)
{
	const struct bpf_rule *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

/*
 * What ordinary programs need: compilers, shells, git, interpreters, test
 * servers. Under a strict profile everything else is denied, also what a
 * newer kernel adds. Calls of the table above keep their own rules.
 */
static const unsigned strict_allowed[] = {
	SYS_read, SYS_write, SYS_close, SYS_poll, SYS_lseek, SYS_mmap,
	SYS_mprotect, SYS_munmap, SYS_brk, SYS_rt_sigaction, SYS_rt_sigprocmask,
	SYS_rt_sigreturn, SYS_pread64, SYS_pwrite64, SYS_readv, SYS_writev,
	SYS_sched_yield, SYS_mremap, SYS_msync, SYS_mincore, SYS_madvise,
	SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_dup, SYS_nanosleep,
	SYS_getitimer, SYS_setitimer, SYS_getpid, SYS_sendfile, SYS_accept,
	SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_shutdown,
	SYS_listen, SYS_getsockname, SYS_getpeername, SYS_setsockopt,
	SYS_getsockopt, SYS_execve, SYS_exit, SYS_wait4, SYS_kill, SYS_uname,
	SYS_semget, SYS_semop, SYS_semctl, SYS_fcntl, SYS_flock, SYS_fsync,
	SYS_fdatasync, SYS_ftruncate, SYS_getcwd, SYS_chdir, SYS_fchdir,
	SYS_fchown, SYS_umask, SYS_gettimeofday, SYS_getrlimit, SYS_getrusage,
	SYS_sysinfo, SYS_times, SYS_getuid, SYS_getgid, SYS_setpgid,
	SYS_getppid, SYS_geteuid, SYS_getegid, SYS_setsid, SYS_getgroups,
	SYS_getresuid, SYS_getresgid, SYS_getpgid, SYS_getsid, SYS_capget,
	SYS_rt_sigpending, SYS_rt_sigtimedwait, SYS_rt_sigqueueinfo,
	SYS_rt_sigsuspend, SYS_sigaltstack, SYS_statfs, SYS_fstatfs,
	SYS_getpriority, SYS_setpriority, SYS_sched_setparam,
	SYS_sched_getparam, SYS_sched_setscheduler, SYS_sched_getscheduler,
	SYS_sched_get_priority_max, SYS_sched_get_priority_min,
	SYS_sched_rr_get_interval, SYS_mlock, SYS_munlock, SYS_setrlimit,
	SYS_sync, SYS_gettid, SYS_readahead, SYS_setxattr, SYS_lsetxattr,
	SYS_fsetxattr, SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr,
	SYS_listxattr, SYS_llistxattr, SYS_flistxattr, SYS_removexattr,
	SYS_lremovexattr, SYS_fremovexattr, SYS_tkill, SYS_futex,
	SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_getdents64,
	SYS_set_tid_address, SYS_restart_syscall, SYS_semtimedop, SYS_fadvise64,
	SYS_timer_create, SYS_timer_settime, SYS_timer_gettime,
	SYS_timer_getoverrun, SYS_timer_delete, SYS_clock_gettime,
	SYS_clock_getres, SYS_clock_nanosleep, SYS_exit_group, SYS_epoll_ctl,
	SYS_tgkill, SYS_waitid, SYS_ioprio_set, SYS_ioprio_get,
	SYS_inotify_add_watch, SYS_inotify_rm_watch, SYS_newfstatat,
	SYS_unlinkat, SYS_readlinkat, SYS_fchownat, SYS_faccessat, SYS_pselect6,
	SYS_ppoll, SYS_set_robust_list, SYS_get_robust_list, SYS_splice,
	SYS_tee, SYS_sync_file_range, SYS_utimensat, SYS_epoll_pwait,
	SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
	SYS_accept4, SYS_signalfd4, SYS_eventfd2, SYS_epoll_create1, SYS_dup3,
	SYS_pipe2, SYS_inotify_init1, SYS_preadv, SYS_pwritev,
	SYS_rt_tgsigqueueinfo, SYS_recvmmsg, SYS_prlimit64, SYS_sendmmsg,
	SYS_getcpu, SYS_sched_setattr, SYS_sched_getattr, SYS_getrandom,
	SYS_execveat, SYS_membarrier, SYS_mlock2, SYS_copy_file_range,
	SYS_preadv2, SYS_pwritev2, SYS_statx, SYS_rseq, SYS_fstat,
	SYS_get_mempolicy, SYS_set_mempolicy, SYS_mbind,
#ifdef SYS_open
	SYS_stat, SYS_lstat, SYS_access, SYS_pipe, SYS_select, SYS_dup2,
	SYS_pause, SYS_alarm, SYS_fork, SYS_vfork, SYS_getdents, SYS_rmdir,
	SYS_unlink, SYS_readlink, SYS_chown, SYS_lchown, SYS_getpgrp, SYS_utime,
	SYS_arch_prctl, SYS_time, SYS_epoll_create, SYS_epoll_wait, SYS_utimes,
	SYS_inotify_init, SYS_signalfd, SYS_eventfd, SYS_futimesat,
#endif
	/* The same on every architecture. */
	424, /* pidfd_send_signal */
	434, /* pidfd_open */
	436, /* close_range */
	439, /* faccessat2 */
	441, /* epoll_pwait2 */
	444, /* landlock_create_ruleset */
	445, /* landlock_add_rule */
	446, /* landlock_restrict_self */
	449, /* futex_waitv */
	451, /* cachestat */
	454, /* futex_wake */
	455, /* futex_wait */
	456, /* futex_requeue */
	462, /* mseal */
	463, /* setxattrat */
	464, /* getxattrat */
	465, /* listxattrat */
	466, /* removexattrat */
};

_Static_assert(ARRAY_LEN(entries) + ARRAY_LEN(strict_allowed) + 50 <= RULES_MAX,
    "the tables fit");

/* What makes objects that stay in a run's namespaces. */
static const struct {
	unsigned nr;
	bool strict; /* allowed under a strict profile, too */
} traces[] = {
	{ SYS_shmget, true },
	{ SYS_semget, true },
	{ SYS_msgget, false },
	{ SYS_mq_open, false },
};

bool
filter_is_trace(int nr, bool strict)
{
	bool is = nr == SYS_socket || nr == SYS_socketpair;

	for (size_t i = 0; i < ARRAY_LEN(traces); i++)
		is = is ||
		    ((int)traces[i].nr == nr && (traces[i].strict || !strict));
	return is;
}

static bool
is_tabled(unsigned nr)
{
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		if (entries[i].rule.nr == nr)
			return true;
	}
	return false;
}

/* The same rule where nobody listens. */
static struct bpf_rule
unsupervised(const struct entry *entry)
{
	struct bpf_rule r = entry->rule;

	if (entry->name != NULL) {
		r.act = BPF_ACT_ERRNO;
		r.value = EPERM;
	} else if (r.act == BPF_ACT_NOTIFY || r.act == BPF_ACT_BITS_NOTIFY) {
		r.act = BPF_ACT_ALLOW;
	} else if (r.act == BPF_ACT_MODE_NOTIFY) {
		r.act = BPF_ACT_BITS_ERRNO;
		r.value = SET_ID_BITS;
	} else if (r.act == BPF_ACT_NODE) {
		r.act = BPF_ACT_ERRNO;
		r.value = EPERM;
	}
	return r;
}

/* Programs try others, and do without: that is no news. */
static const unsigned told[] = {
	SYS_unshare,
	SYS_clone,
	SYS_ioctl,
	SYS_socket,
	SYS_socketpair,
	SYS_fchmod,
	SYS_fchmodat,
	NR_FCHMODAT2,
#ifdef SYS_chmod
	SYS_chmod,
#endif
};

static bool
is_told(unsigned nr)
{
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		if (told[i] == nr)
			return true;
	}
	return false;
}

static struct bpf_rule
rule_of(const struct entry *entry, unsigned flags)
{
	struct bpf_rule r = entry->rule;

	if ((flags & FILTER_SUPERVISED) == 0)
		return unsupervised(entry);
	r.tell = is_told(r.nr);
	if ((flags & FILTER_TRACES) != 0 && r.act == BPF_ACT_SOCKET)
		r.act = BPF_ACT_SOCKET_NOTIFY;
	if (r.nr == SYS_mmap) {
		if ((flags & FILTER_SHARES) == 0)
			r.act = BPF_ACT_ALLOW;
		return r;
	}
	/* Of calls with bits that ask, those that open files. */
	if ((flags & FILTER_READS) != 0 && r.act == BPF_ACT_BITS_NOTIFY)
		r.act = BPF_ACT_NOTIFY;
	return r;
}

static bool
is_plain(const struct bpf_rule *r)
{
	return r->act == BPF_ACT_ALLOW || r->act == BPF_ACT_ERRNO ||
	    r->act == BPF_ACT_NOTIFY;
}

/* Neighbours with the same answer become one. */
static size_t
merge(struct bpf_rule *rules, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct bpf_rule *last = n == 0 ? NULL : &rules[n - 1];

		if (last != NULL && is_plain(last) && is_plain(&rules[i]) &&
		    last->act == rules[i].act &&
		    last->value == rules[i].value &&
		    last->nr + last->more + 1 == rules[i].nr)
			last->more++;
		else
			rules[n++] = rules[i];
	}
	return n;
}

static bool
bare_rule(unsigned nr, unsigned flags)
{
	const bool signals = (flags & FILTER_SIGNALS) != 0;
	const struct bpf_rule *r;

	if ((flags & FILTER_BARE) == 0)
		return false;
	for (size_t i = 0; (r = filter_bare_at(i, signals)) != NULL; i++) {
		if (r->nr == nr)
			return true;
	}
	return false;
}

static size_t
add_bare(struct bpf_rule *rules, size_t count, unsigned flags)
{
	const bool signals = (flags & FILTER_SIGNALS) != 0;
	const struct bpf_rule *r;

	if ((flags & FILTER_BARE) == 0)
		return count;
	for (size_t i = 0; (r = filter_bare_at(i, signals)) != NULL; i++)
		rules[count++] = *r;
	return count;
}

static size_t
add_traces(struct bpf_rule *rules, size_t count, unsigned flags)
{
	for (size_t i = 0; i < ARRAY_LEN(traces); i++) {
		if (traces[i].strict || (flags & FILTER_STRICT) == 0)
			rules[count++] = (struct bpf_rule){
				.nr = traces[i].nr,
				.act = BPF_ACT_NOTIFY,
			};
	}
	return count;
}

static size_t
add_strict(struct bpf_rule *rules, size_t count, unsigned flags)
{
	const bool traced = (flags & FILTER_TRACES) != 0;

	for (size_t i = 0; i < ARRAY_LEN(strict_allowed); i++) {
		const unsigned nr = strict_allowed[i];

		if (!is_tabled(nr) && !bare_rule(nr, flags) &&
		    !(traced && filter_is_trace((int)nr, true)))
			rules[count++] = (struct bpf_rule){
				.nr = nr,
				.act = BPF_ACT_ALLOW,
			};
	}
	return count;
}

int
filter_build(unsigned flags, struct bpf_program *ret)
{
	struct bpf_rule rules[RULES_MAX];
	uint32_t fallback = SECCOMP_RET_ALLOW;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		if (!bare_rule(entries[i].rule.nr, flags))
			rules[count++] = rule_of(&entries[i], flags);
	}
	count = add_bare(rules, count, flags);
	if ((flags & FILTER_STRICT) != 0) {
		count = add_strict(rules, count, flags);
		fallback = (flags & FILTER_SUPERVISED) != 0
		    ? SECCOMP_RET_USER_NOTIF
		    : (uint32_t)(SECCOMP_RET_ERRNO | EPERM);
	}
	if ((flags & FILTER_TRACES) != 0)
		count = add_traces(rules, count, flags);
	qsort(rules, count, sizeof(rules[0]), by_number);
	return bpf_build(rules, merge(rules, count), fallback, ret);
}

bool
filter_asks(int nr)
{
	return nr >= 0 &&
	    (is_tabled((unsigned)nr) || filter_bare_asks((unsigned)nr));
}

const char *
filter_denied_name(int nr)
{
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		if (entries[i].name != NULL && (int)entries[i].rule.nr == nr)
			return entries[i].name;
	}
	return NULL;
}

int
filter_install(const struct bpf_program *p, bool supervised)
{
	struct sock_fprog prog = {
		.len = p->len,
		.filter = (struct sock_filter *)(uintptr_t)p->at,
	};
	unsigned flags = supervised ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0U;
	int fd = -1;

	/* A signal must not repeat a call that the supervisor has done. */
	if (supervised)
		fd = sys_seccomp(SECCOMP_SET_MODE_FILTER,
		    flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
	if (fd < 0)
		fd = sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &prog);
	return fd;
}
