/*
 * What every role may ask of the kernel, what ends it, and the rest: EPERM.
 * Runs in: every role.  Trusts: libseccomp.  Owns: the filter being built.
 */
#include "seccomp_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"

static void
filter_freep(scmp_filter_ctx *f)
{
	if (*f != NULL)
		seccomp_release(*f);
	*f = NULL;
}

static bool
is_listed(const struct confine_options *o, int number)
{
	for (size_t i = 0; i < o->syscall_count; i++) {
		if (o->syscalls[i] == number)
			return true;
	}
	return false;
}

/* Can this kernel filter at all? A NULL filter is a bad address if so. */
static bool
is_supported(void)
{
	return prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, NULL) != 0 &&
	    errno == EFAULT;
}

#ifdef ASSENT_SANITIZE
/*
 * A sanitizer starts threads, traces itself to find leaks and runs a program
 * that names functions. Only a part of the filter can stay; the report says
 * so.
 */
static const int kept_when_relaxed[] = {
	SYS_bind,
	SYS_listen,
	SYS_mount,
	SYS_umount2,
	SYS_unshare,
	SYS_setns,
	SYS_bpf,
	SYS_io_uring_setup,
};

static scmp_filter_ctx
build(const struct confine_options *o, int *ret_r, bool *ret_relaxed)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = f == NULL ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(kept_when_relaxed); i++) {
		if (!is_listed(o, kept_when_relaxed[i]))
			r = seccomp_rule_add(
			    f, SCMP_ACT_KILL_PROCESS, kept_when_relaxed[i], 0);
	}
	*ret_r = r;
	*ret_relaxed = true;
	return f;
}
#else
/* Needed by base/ itself: on what is open already, or on memory and time. */
static const int every_role[] = {
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_pwrite64,
	SYS_close,
	SYS_lseek,
	SYS_fstat,
	SYS_fcntl,
	SYS_ftruncate,
	SYS_memfd_create,
	SYS_recvmsg,
	SYS_recvmmsg,
	SYS_sendmsg,
	SYS_sendmmsg,
	SYS_recvfrom,
	SYS_sendto,
	SYS_shutdown,
	SYS_getsockopt,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
	SYS_epoll_pwait,
	SYS_epoll_ctl,
	SYS_epoll_create1,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_signalfd4,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_gettimeofday,
#ifdef SYS_time
	SYS_time,
#endif
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_getrandom,
	SYS_getpid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getrusage,
	SYS_sysinfo,
	SYS_uname,
	SYS_sched_yield,
	SYS_exit,
	SYS_exit_group,
};

/*
 * Nothing that a role does leads here, so it is not our code that asks. A
 * role that needs one of them lists it.
 */
static const int intruders_only[] = {
	SYS_execve,
	SYS_execveat,
#ifdef SYS_fork
	SYS_fork,
#endif
#ifdef SYS_vfork
	SYS_vfork,
#endif
	SYS_clone,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_listen,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_unshare,
	SYS_setns,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_init_module,
	SYS_finit_module,
	SYS_kexec_load,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_open_by_handle_at,
	SYS_setuid,
	SYS_setresuid,
	SYS_setgid,
	SYS_setresgid,
	SYS_setgroups,
	SYS_capset,
};

static int
allow(scmp_filter_ctx f, int number)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, number, 0);
}

/* Calls that are harmless with some arguments only. */
static int
add_by_argument(scmp_filter_ctx f)
{
	int r;

	r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_mmap, 1,
	    SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_mprotect, 1,
		    SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* abort() */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_tgkill, 1,
		    SCMP_A0_32(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	/* Reading one's own limits. */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_prlimit64, 2,
		    SCMP_A0_32(SCMP_CMP_EQ, 0), SCMP_A2_64(SCMP_CMP_EQ, 0));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_prctl, 1,
		    SCMP_A0_32(SCMP_CMP_EQ, PR_SET_NAME));
	/* fstat in libc: this, with an empty path and AT_EMPTY_PATH. */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_newfstatat, 0);
	/* libc then asks for clone, whose arguments a filter can see. */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SYS_clone3, 0);
	return r;
}

/* A thread shares everything with who starts it; a process would not, and
 * stays out of reach. */
static int
add_threads(scmp_filter_ctx f)
{
	int r;

	r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SYS_clone, 1,
	    SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (r == 0)
		r = allow(f, SYS_set_robust_list);
	if (r == 0)
		r = allow(f, SYS_rseq);
	return r;
}

/* Forbidden calls fail instead where one of their forms is permitted. */
static bool
is_forbidden(const struct confine_options *o, int number)
{
	return !is_listed(o, number) && !(o->threads && number == SYS_clone);
}

static int
add_rules(scmp_filter_ctx f, const struct confine_options *o)
{
	int r = add_by_argument(f);

	if (r == 0 && o->threads)
		r = add_threads(f);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(every_role); i++)
		r = allow(f, every_role[i]);
	for (size_t i = 0; r == 0 && i < o->syscall_count; i++)
		r = allow(f, o->syscalls[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(intruders_only); i++) {
		if (is_forbidden(o, intruders_only[i]))
			r = seccomp_rule_add(
			    f, SCMP_ACT_KILL_PROCESS, intruders_only[i], 0);
	}
	return r;
}

static scmp_filter_ctx
build(const struct confine_options *o, int *ret_r, bool *ret_relaxed)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	*ret_r = f == NULL ? -ENOMEM : add_rules(f, o);
	*ret_relaxed = false;
	return f;
}
#endif

int
seccomp_filter_enforce(
    const struct confine_options *o, struct confine_report *ret, struct err *e)
{
	AUTO(filter_freep) scmp_filter_ctx f = NULL;
	bool relaxed;
	int r;

	if (!is_supported())
		return ERR_OK;
	f = build(o, &r, &relaxed);
	if (r == 0)
		r = seccomp_load(f);
	if (r != 0) {
		errno = -r;
		return err_sys(e, "cannot filter system calls");
	}
	ret->seccomp = true;
	ret->relaxed = relaxed;
	return ERR_OK;
}
