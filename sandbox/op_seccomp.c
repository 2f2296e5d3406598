/*
 * The table of system calls that a run may not make, or not unasked.
 * Runs in: assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "sys.h"

#define NAMESPACES                                                             \
	((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |             \
	    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET))
#define CLONE_NEWTIME_BIT 0x80U
#define OPEN_WRITES ((uint32_t)(O_ACCMODE | O_CREAT | O_TRUNC))
#define SET_ID_BITS 06000U
#define RULES_MAX 256

/* Numbers are the same on every architecture from 424 on. */
#define NR_FCHMODAT2 452
#define NR_OPEN_TREE_ATTR 467
#define NR_MOUNT_SETATTR 442

struct entry {
	const char *name; /* of a call that is denied and reported */
	struct bpf_rule rule;
};

static const uint32_t ioctl_denied[] = {
	TIOCSTI, /* types into the terminal */
	0x541c, /* TIOCLINUX: the same by way of the console's selection */
	TIOCCONS,
	TIOCSETD,
};
/* PER_LINUX, PER_LINUX32, and the question which it is. */
static const uint32_t personality_allowed[] = { 0, 8, 0xffffffffU };
static const uint32_t prctl_denied[] = { PR_SET_MM };

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
	MISSING(io_uring_setup),
	MISSING(io_uring_enter),
	MISSING(io_uring_register),
	MISSING(memfd_secret),
	/* Arguments decide. */
	LIST(SYS_ioctl, BPF_ACT_NOT, 1, ioctl_denied),
	LIST(SYS_personality, BPF_ACT_ONLY, 0, personality_allowed),
	LIST(SYS_prctl, BPF_ACT_NOT, 0, prctl_denied),
	WITH(SYS_socket, BPF_ACT_SOCKET, 0, 0),
	WITH(SYS_socketpair, BPF_ACT_SOCKET, 0, 0),
	/* Set-id files are neither made nor gained. */
	WITH(SYS_fchmod, BPF_ACT_BITS_ERRNO, 1, SET_ID_BITS),
	WITH(SYS_fchmodat, BPF_ACT_BITS_ERRNO, 2, SET_ID_BITS),
	WITH(NR_FCHMODAT2, BPF_ACT_BITS_ERRNO, 2, SET_ID_BITS),
#ifdef SYS_chmod
	WITH(SYS_chmod, BPF_ACT_BITS_ERRNO, 1, SET_ID_BITS),
#endif
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
_Static_assert(ARRAY_LEN(entries) <= RULES_MAX, "the table fits");

static int
by_number(const void *a, const void *b)
{
	const struct bpf_rule *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
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

int
filter_build(bool supervised, struct bpf_program *ret)
{
	struct bpf_rule rules[RULES_MAX];

	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		rules[i] =
		    supervised ? entries[i].rule : unsupervised(&entries[i]);
	qsort(rules, ARRAY_LEN(entries), sizeof(rules[0]), by_number);
	return bpf_build(rules, ARRAY_LEN(entries), ret);
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
