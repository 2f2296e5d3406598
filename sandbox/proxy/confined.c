/*
 * The proxy gives up files, processes, privileges and other kinds of sockets.
 * Runs in: assent-proxy.  Trusts: the kernel.  Owns: nothing.
 */
#include "confined.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* Six for each connection at most, and some. */
#define FILES_WANTED 8192
#define MEMORY_MAX ((rlim_t)512 << 20)
/* The account that owns nothing, where the launcher is root. */
#define NOBODY 65534

static const int syscalls[] = {
	SYS_socket,
	SYS_connect,
	SYS_accept4,
	SYS_socketpair, /* to the broker */
	SYS_getsockname,
	SYS_getpeername,
	SYS_setsockopt,
	SYS_splice,
	SYS_pipe2,
};

static void
raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	l.rlim_cur = l.rlim_max < FILES_WANTED ? l.rlim_max : FILES_WANTED;
	l.rlim_max = l.rlim_cur;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static void
limit(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
#ifndef ASSENT_SANITIZE
	const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };

	(void)setrlimit(RLIMIT_AS, &memory);
#endif
	(void)setrlimit(RLIMIT_FSIZE, &none);
	raise_files();
}

/* In a user namespace that has no such account there is no root to lose. */
static int
become_nobody(struct err *e)
{
	if (geteuid() != 0)
		return ERR_OK;
	if (setresgid(NOBODY, NOBODY, NOBODY) != 0 && errno == EINVAL)
		return ERR_OK;
	if (setgroups(0, NULL) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return err_sys(e, "cannot become nobody");
	return ERR_OK;
}

int
confined_prepare(struct err *e)
{
	confine_forbid_dumps();
	limit();
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, "cannot ignore SIGPIPE");
	return ERR_OK;
}

/* base/confine.h knows numbers of system calls only. */
static int
refuse_the_rest(struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = f == NULL ? -ENOMEM : 0;

	/* between, below and above the two */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		    SYS_socket, 1, SCMP_A0_32(SCMP_CMP_LT, AF_INET));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		    SYS_socket, 1, SCMP_A0_32(SCMP_CMP_GT, AF_INET6));
	for (int other = AF_INET + 1; r == 0 && other < AF_INET6; other++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT),
		    SYS_socket, 1,
		    SCMP_A0_32(SCMP_CMP_EQ, (scmp_datum_t)other));
	if (r == 0)
		r = seccomp_load(f);
	if (f != NULL)
		seccomp_release(f);
	if (r != 0) {
		errno = -r;
		return err_sys(e, "cannot filter families of sockets");
	}
	return ERR_OK;
}

int
confined_enter(struct confine_report *ret, struct err *e)
{
	const struct confine_options o = { .role = "proxy",
		.syscalls = syscalls,
		.syscall_count = ARRAY_LEN(syscalls),
		.allow_connect = true };
	int r = become_nobody(e);

	/* A filter needs no_new_privs, now that there is no capability. */
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		r = err_sys(e, "cannot give up new privileges");
	if (r == 0)
		r = refuse_the_rest(e);
	return r == 0 ? confine(&o, ret, e) : r;
}
