/*
 * Read the kernel's records of denials, and answer for them.
 * Runs in: a process of its own, without any rights.
 * Trusts: nothing in the records; its parent's questions.
 * Owns: both descriptors, the table.
 */
#include "audit/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "audit/feed.h"
#include "base/mem.h"
#include "gate/bpf.h"
#include "sys.h"

#define NOBODY 65534
#define LANDLOCK_FS_FIRST ((1ULL << 13) - 1) /* known to all versions */
/* Whoever fills the feed gets so much of a processor, and no more. */
#define BATCH 256
#define PAUSE_NS 5000000

struct reader {
	int link, feed;
	uint64_t losses;
	struct audit_table table;
	struct audit_tell tell;
};

/* ---- rights ----------------------------------------------------------------- */

/* Memory for names that have to be made visible, messages, waiting. */
static const unsigned allowed[] = {
	SYS_mmap,
	SYS_munmap,
	SYS_brk,
	SYS_mremap,
	SYS_recvfrom,
	SYS_sendto,
	SYS_ppoll,
	SYS_clock_nanosleep,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit_group,
#ifdef SYS_poll
	SYS_poll,
#endif
};

static int
by_number(const void *a, const void *b)
{
	const struct bpf_rule *x = a, *y = b;

	return x->nr < y->nr ? -1 : x->nr > y->nr;
}

static bool
filter_calls(struct bpf_program *prog)
{
	struct bpf_rule rules[ARRAY_LEN(allowed)];
	struct sock_fprog p = { .filter = prog->at };
#ifdef ASSENT_SANITIZE
	const uint32_t others = SECCOMP_RET_ALLOW;
#else
	const uint32_t others = SECCOMP_RET_KILL_PROCESS;
#endif

	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		rules[i] = (struct bpf_rule){
			.nr = allowed[i],
			.act = BPF_ACT_ALLOW,
		};
	qsort(rules, ARRAY_LEN(rules), sizeof(rules[0]), by_number);
	if (bpf_build(rules, ARRAY_LEN(rules), others, prog) != 0)
		return false;
	p.len = prog->len;
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &p) == 0;
}

/* Where the kernel has it; nothing can be opened by then anyway. */
static bool
close_files(void)
{
	const struct sys_landlock_ruleset all = { .fs = LANDLOCK_FS_FIRST };
	AUTO_FD int fd = -1;

	if (sys_landlock_abi() == 0)
		return true;
	fd = sys_landlock_create(&all, sizeof(all.fs));
	return fd >= 0 && sys_landlock_restrict(fd, 0) == 0;
}

static bool
give_up_rights(struct bpf_program *prog)
{
	return chdir("/") == 0 && setgroups(0, NULL) == 0 &&
	    setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid(NOBODY, NOBODY, NOBODY) == 0 && setuid(0) != 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && close_files() &&
	    filter_calls(prog);
}

/* Both at fixed places, and nothing else. */
static bool
keep_only(int *link, int *feed)
{
	const int a = fcntl(*link, F_DUPFD_CLOEXEC, 64);
	const int b = fcntl(*feed, F_DUPFD_CLOEXEC, 64);

	if (a < 0 || b < 0 || dup2(a, 0) != 0 || dup2(b, 1) != 1)
		return false;
	*link = 0;
	*feed = 1;
	return sys_close_from(2) == 0;
}

/* ---- work ------------------------------------------------------------------- */

/* A parent that does not listen misses it. */
static void
tell(struct reader *r, enum audit_tell_kind kind)
{
	r->tell.kind = kind;
	r->tell.losses = r->losses;
	(void)send(
	    r->link, &r->tell, sizeof(r->tell), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
take_record(struct reader *r, const struct audit_record *record)
{
	const struct audit_domain *d = audit_table_add(&r->table, record);

	if (d == NULL)
		return;
	r->tell = (struct audit_tell){
		.pid = d->pid,
		.uid = d->uid,
		.domain = d->id,
	};
	tell(r, AUDIT_TELL_OWNER);
}

static void
pause_a_little(void)
{
	const struct timespec t = { .tv_nsec = PAUSE_NS };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* One message; false: there is none now. */
static bool
read_one(struct reader *r)
{
	struct audit_record record;

	switch (audit_feed_read(r->feed, &record)) {
	case AUDIT_FEED_RECORD:
		take_record(r, &record);
		return true;
	case AUDIT_FEED_OTHER:
	case AUDIT_FEED_LOST:
		r->losses++;
		return true;
	case AUDIT_FEED_EMPTY:
		return false;
	case AUDIT_FEED_ENDED:
		break;
	}
	_exit(1);
}

/* False: there may be more. */
static bool
read_feed(struct reader *r)
{
	const uint64_t before = r->losses;
	unsigned n = 0;

	while (n < BATCH && read_one(r))
		n++;
	if (r->losses != before) {
		r->tell = (struct audit_tell){ .pid = 0 };
		tell(r, AUDIT_TELL_LOST);
	}
	return n < BATCH;
}

/* What the kernel has said by now is part of the answer. */
static void
answer(struct reader *r)
{
	struct audit_ask ask;
	const ssize_t n = recv(r->link, &ask, sizeof(ask), 0);

	if (n < 0 && errno == EINTR)
		return;
	if (n != (ssize_t)sizeof(ask))
		_exit(0);
	if (ask.kind == AUDIT_ASK_WATCH) {
		audit_table_watch(&r->table, ask.uid);
		return;
	}
	(void)read_feed(r);
	r->tell = (struct audit_tell){ .domain = ask.domain };
	audit_table_take(&r->table, ask.domain, &r->tell.denials);
	tell(r, AUDIT_TELL_TAKEN);
}

_Noreturn void
audit_reader_main(int link, int feed)
{
	struct bpf_program *prog = mem_new(1, sizeof(*prog));
	struct reader *r = mem_new(1, sizeof(*r));

	if (prog == NULL || r == NULL || !keep_only(&link, &feed) ||
	    !give_up_rights(prog))
		_exit(1);
	free(prog);
	r->link = link;
	r->feed = feed;
	for (;;) {
		struct pollfd p[] = {
			{ .fd = r->link, .events = POLLIN },
			{ .fd = r->feed, .events = POLLIN },
		};

		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			_exit(1);
		/* Questions first: somebody's answer waits for ours. */
		if (p[0].revents != 0)
			answer(r);
		if (p[1].revents != 0 && !read_feed(r))
			pause_a_little();
	}
}
