/*
 * What mounts and namespaces hold elsewhere, as a table of system calls.
 * Runs in: assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include "gate/filter_bare.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/mem.h"

/* Numbers are the same on every architecture from 424 on. */
#define NR_FCHMODAT2 452
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466

#define REFUSE(call)                                                           \
	{                                                                      \
		.nr = (call), .act = BPF_ACT_ERRNO, .value = EPERM             \
	}
/* Programs know that file systems may not have it. */
#define LACK(call)                                                             \
	{                                                                      \
		.nr = (call), .act = BPF_ACT_ERRNO, .value = EOPNOTSUPP        \
	}
#define ASK(call)                                                              \
	{                                                                      \
		.nr = (call), .act = BPF_ACT_NOTIFY                            \
	}
/* Another process may be anybody's of this user. */
#define OWN(call)                                                              \
	{                                                                      \
		.nr = (call), .act = BPF_ACT_ONLY, .arg = 0, .list = zero,     \
		.list_count = ARRAY_LEN(zero)                                  \
	}

static const uint32_t zero[] = { 0 };
static const uint32_t everybody[] = { 0xffffffffU };

static const struct bpf_rule rules[] = {
	/* Names go, and attributes change, where the gate says so. */
	ASK(SYS_unlinkat),
	ASK(SYS_fchmod),
	ASK(SYS_fchmodat),
	ASK(NR_FCHMODAT2),
	ASK(SYS_utimensat),
	REFUSE(SYS_fchown),
	REFUSE(SYS_fchownat),
	LACK(SYS_setxattr),
	LACK(SYS_lsetxattr),
	LACK(SYS_fsetxattr),
	LACK(SYS_removexattr),
	LACK(SYS_lremovexattr),
	LACK(SYS_fremovexattr),
	LACK(NR_SETXATTRAT),
	LACK(NR_REMOVEXATTRAT),
#ifdef SYS_unlink
	ASK(SYS_unlink),
	ASK(SYS_rmdir),
	ASK(SYS_chmod),
	ASK(SYS_utime),
	ASK(SYS_utimes),
	ASK(SYS_futimesat),
	REFUSE(SYS_chown),
	REFUSE(SYS_lchown),
#endif
	/* The user's other programs share these. */
	REFUSE(SYS_shmget),
	REFUSE(SYS_shmat),
	REFUSE(SYS_semget),
	REFUSE(SYS_msgget),
	REFUSE(SYS_mq_open),
	REFUSE(SYS_mq_unlink),
	REFUSE(SYS_setpriority),
	REFUSE(SYS_ioprio_set),
	OWN(SYS_prlimit64),
	OWN(SYS_sched_setparam),
	OWN(SYS_sched_setscheduler),
	OWN(SYS_sched_setaffinity),
	OWN(SYS_sched_setattr),
	/* There is no other network than the host's. */
	{ .nr = SYS_socket, .act = BPF_ACT_SOCKET_UNIX, .tell = true },
	{ .nr = SYS_socketpair, .act = BPF_ACT_SOCKET_UNIX, .tell = true },
};

/* Where Landlock does not hold signals. */
static const struct bpf_rule asked[] = {
	ASK(SYS_kill),
	ASK(SYS_tkill),
	ASK(SYS_tgkill),
	ASK(SYS_rt_sigqueueinfo),
	ASK(SYS_rt_tgsigqueueinfo),
	REFUSE(NR_PIDFD_SEND_SIGNAL),
};

/* Where it does: all that may be signalled is its own. */
static const struct bpf_rule held[] = {
	{
	    .nr = SYS_kill,
	    .act = BPF_ACT_NOT,
	    .arg = 0,
	    .list = everybody,
	    .list_count = ARRAY_LEN(everybody),
	},
};

const struct bpf_rule *
filter_bare_at(size_t i, bool signals)
{
	if (i < ARRAY_LEN(rules))
		return &rules[i];
	i -= ARRAY_LEN(rules);
	if (signals)
		return i < ARRAY_LEN(asked) ? &asked[i] : NULL;
	return i < ARRAY_LEN(held) ? &held[i] : NULL;
}

bool
filter_bare_asks(unsigned nr)
{
	const struct bpf_rule *r;

	for (size_t i = 0; (r = filter_bare_at(i, true)) != NULL; i++) {
		if (r->nr == nr)
			return r->act == BPF_ACT_NOTIFY;
	}
	return false;
}
