/*
 * The system call filter, evaluated as the kernel would.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/audit.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "gate/filter.h"
#include "gate/gate_int.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif
#define ALLOW SECCOMP_RET_ALLOW
#define ASK SECCOMP_RET_USER_NOTIF
#define FAIL(n) (SECCOMP_RET_ERRNO | (uint32_t)(n))
#define HIGH 0xdead00000000ULL

static uint32_t
answer(bool supervised, int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	const struct seccomp_data d = {
		.nr = nr,
		.arch = ARCH,
		.args = { a0, a1, a2 },
	};
	struct bpf_program p;

	assert_int_equal(
	    filter_build(supervised ? FILTER_SUPERVISED : 0U, &p), 0);
	return bpf_run(&p, &d);
}

#define ANSWER(nr, a0, a1, a2) answer(true, nr, a0, a1, a2)

static void
ordinary_calls_are_allowed(void **state)
{
	static const int calls[] = { SYS_read, SYS_write, SYS_close, SYS_mmap,
		SYS_execve, SYS_exit_group, SYS_futex, SYS_wait4, SYS_kill,
		SYS_unlinkat, SYS_ptrace, SYS_getrandom, SYS_sendmsg };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		assert_int_equal(ANSWER(calls[i], 0, 0, 0), ALLOW);
	assert_int_equal(ANSWER(100000, 0, 0, 0), ALLOW);
}

static uint32_t
strictly(unsigned flags, int nr)
{
	const struct seccomp_data d = { .nr = nr, .arch = ARCH };
	struct bpf_program p;

	assert_int_equal(filter_build(flags | FILTER_STRICT, &p), 0);
	return bpf_run(&p, &d);
}

static void
a_strict_profile_denies_what_is_not_listed(void **state)
{
	static const int listed[] = { SYS_read, SYS_write, SYS_close, SYS_mmap,
		SYS_execve, SYS_futex, SYS_wait4, SYS_unlinkat, SYS_getrandom,
		SYS_statx, SYS_getdents64, SYS_epoll_ctl, 441, 449 };
	static const int others[] = { SYS_ptrace, SYS_process_vm_readv,
		SYS_vmsplice, SYS_setns, SYS_mount, SYS_bpf, SYS_seccomp,
		SYS_setuid, SYS_mq_open, 470, 600, 100000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(listed); i++) {
		assert_int_equal(strictly(FILTER_SUPERVISED, listed[i]), ALLOW);
		assert_int_equal(strictly(0, listed[i]), ALLOW);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(strictly(FILTER_SUPERVISED, others[i]), ASK);
		assert_int_equal(strictly(0, others[i]), FAIL(EPERM));
	}
}

/* Number by number: a strict filter never permits what the other denies. */
static void
a_strict_filter_is_within_the_ordinary_one(void **state)
{
	static struct bpf_program usual, strict;

	(void)state;
	assert_int_equal(filter_build(FILTER_SUPERVISED, &usual), 0);
	assert_int_equal(
	    filter_build(FILTER_SUPERVISED | FILTER_STRICT, &strict), 0);
	for (int nr = 0; nr < 700; nr++) {
		const struct seccomp_data d = { .nr = nr, .arch = ARCH };

		if (bpf_run(&strict, &d) == ALLOW)
			assert_int_equal(bpf_run(&usual, &d), ALLOW);
	}
}

static void
a_profile_that_denies_names_is_asked_about_reads(void **state)
{
	const struct seccomp_data d = {
		.nr = SYS_openat,
		.arch = ARCH,
		.args = { 0, 0, O_RDONLY },
	};
	static struct bpf_program usual, reads;

	(void)state;
	assert_int_equal(filter_build(FILTER_SUPERVISED, &usual), 0);
	assert_int_equal(
	    filter_build(FILTER_SUPERVISED | FILTER_READS, &reads), 0);
	assert_int_equal(bpf_run(&usual, &d), ALLOW);
	assert_int_equal(bpf_run(&reads, &d), ASK);
}

static void
another_architecture_ends_the_process(void **state)
{
	const struct seccomp_data d = { .nr = SYS_read,
		.arch = AUDIT_ARCH_I386 };
	struct bpf_program p;

	(void)state;
	assert_int_equal(filter_build(FILTER_SUPERVISED, &p), 0);
	assert_int_equal(bpf_run(&p, &d), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
	assert_int_equal(ANSWER(0x40000000 | SYS_mount, 0, 0, 0), FAIL(ENOSYS));
#endif
}

static void
mounts_modules_and_wide_interfaces_are_denied(void **state)
{
	static const int calls[] = { SYS_mount, SYS_umount2, SYS_pivot_root,
		SYS_chroot, SYS_setns, SYS_open_tree, SYS_move_mount,
		SYS_fsopen, SYS_fsmount, 442, SYS_init_module, SYS_finit_module,
		SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_bpf,
		SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
		SYS_open_by_handle_at, SYS_syslog, SYS_acct, SYS_clock_settime,
		SYS_adjtimex };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		assert_int_equal(ANSWER(calls[i], 0, 0, 0), ASK);
		assert_non_null(filter_denied_name(calls[i]));
		assert_int_equal(answer(false, calls[i], 0, 0, 0), FAIL(EPERM));
	}
	assert_int_equal(ANSWER(SYS_io_uring_setup, 0, 0, 0), FAIL(ENOSYS));
	assert_null(filter_denied_name(SYS_read));
	assert_null(filter_denied_name(SYS_mkdirat));
}

static void
no_flag_of_clone_or_unshare_makes_a_namespace(void **state)
{
	static const uint64_t flags[] = { CLONE_NEWNS, CLONE_NEWUSER,
		CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
		CLONE_NEWCGROUP };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		assert_int_equal(ANSWER(SYS_clone, flags[i] | 17, 0, 0), ASK);
		assert_int_equal(ANSWER(SYS_unshare, flags[i], 0, 0), ASK);
		assert_int_equal(
		    ANSWER(SYS_unshare, HIGH | flags[i], 0, 0), ASK);
	}
	assert_int_equal(
	    ANSWER(SYS_clone, CLONE_VM | CLONE_FILES, 0, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_unshare, CLONE_FILES, 0, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_unshare, 0x80, 0, 0), ASK);
	assert_int_equal(ANSWER(SYS_clone3, 0, 0, 0), FAIL(ENOSYS));
}

static void
terminal_injection_is_denied_by_the_low_half_of_the_request(void **state)
{
	(void)state;
	assert_int_equal(ANSWER(SYS_ioctl, 0, TIOCSTI, 0), ASK);
	assert_int_equal(ANSWER(SYS_ioctl, 0, HIGH | TIOCSTI, 0), ASK);
	assert_int_equal(ANSWER(SYS_ioctl, 0, 0x541c, 0), ASK);
	assert_int_equal(ANSWER(SYS_ioctl, 0, TCGETS, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_ioctl, 0, FIONREAD, 0), ALLOW);
}

static void
no_protocol_is_asked_for_that_the_kernel_loads_a_module_for(void **state)
{
	static const uint64_t good[] = { 0, IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_ICMP, IPPROTO_ICMPV6, 262 };
	static const uint64_t bad[] = { IPPROTO_SCTP, IPPROTO_DCCP,
		IPPROTO_UDPLITE, IPPROTO_RAW, 115, 253, 0xffffffff };
	static const uint64_t types[] = { SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP };

	(void)state;
	for (uint64_t family = AF_INET; family <= AF_INET6;
	     family += AF_INET6 - AF_INET) {
		for (size_t i = 0; i < ARRAY_LEN(good); i++)
			assert_int_equal(
			    ANSWER(SYS_socket, family,
				SOCK_STREAM | SOCK_CLOEXEC, good[i]),
			    ALLOW);
		for (size_t i = 0; i < ARRAY_LEN(bad); i++)
			assert_int_equal(
			    ANSWER(SYS_socket, family, SOCK_STREAM, bad[i]),
			    SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			assert_int_equal(
			    ANSWER(SYS_socket, family, types[i], 0),
			    SECCOMP_RET_ERRNO | ESOCKTNOSUPPORT);
	}
}

static void
sockets_are_of_the_families_that_are_fenced(void **state)
{
	(void)state;
	for (uint64_t family = 0; family < 64; family++) {
		const bool open = family == AF_INET || family == AF_INET6 ||
		    family == AF_UNIX || family == AF_NETLINK;

		assert_int_equal(ANSWER(SYS_socket, family, SOCK_STREAM, 0),
		    open ? ALLOW : FAIL(EAFNOSUPPORT));
	}
	/* A datagram names its receiver: no check at connect would see it. */
	assert_int_equal(
	    ANSWER(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ASK);
	assert_int_equal(ANSWER(SYS_socket, AF_UNIX, SOCK_RAW, 0), ASK);
	assert_int_equal(ANSWER(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0), ASK);
	assert_int_equal(
	    ANSWER(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_socket, AF_NETLINK, SOCK_RAW, 15), ASK);
	assert_int_equal(ANSWER(SYS_socket, AF_NETLINK, SOCK_RAW, 0), ALLOW);
}

static void
set_id_bits_are_neither_made_nor_gained(void **state)
{
	(void)state;
	assert_int_equal(ANSWER(SYS_fchmod, 0, 04755, 0), ASK);
	assert_int_equal(ANSWER(SYS_fchmod, 0, 0755, 0), ASK);
	assert_int_equal(ANSWER(SYS_fchmodat, 0, 0, 02755), ASK);
	assert_int_equal(ANSWER(452, 0, 0, 06755), ASK);
	assert_int_equal(ANSWER(SYS_mkdirat, 0, 0, 02755), FAIL(EPERM));
	assert_int_equal(ANSWER(SYS_mkdirat, 0, 0, 0755), ASK);
	assert_int_equal(ANSWER(SYS_mknodat, 0, 0, 020666), FAIL(EPERM));
	assert_int_equal(ANSWER(SYS_mknodat, 0, 0, 060666), FAIL(EPERM));
	assert_int_equal(ANSWER(SYS_mknodat, 0, 0, 0104755), FAIL(EPERM));
	assert_int_equal(ANSWER(SYS_mknodat, 0, 0, 010644), ASK);
}

/* They are another file's, too, where it has a name outside. */
static void
what_is_said_of_a_file_is_asked(void **state)
{
	static const int asked[] = { SYS_chmod, SYS_fchown, SYS_lchown,
		SYS_utimensat, SYS_utime, SYS_futimesat, SYS_setxattr,
		SYS_fsetxattr, SYS_lremovexattr };
	static const int missing[] = { 463, 466, 469 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_int_equal(ANSWER(asked[i], 0, 0, 0), ASK);
	for (size_t i = 0; i < ARRAY_LEN(missing); i++)
		assert_int_equal(ANSWER(missing[i], 0, 0, 0), FAIL(ENOSYS));
	assert_int_equal(ANSWER(SYS_ioctl, 0, FS_IOC_SETFLAGS, 0), ASK);
	assert_int_equal(ANSWER(SYS_ioctl, 0, FS_IOC_FSSETXATTR, 0), ASK);
	assert_int_equal(ANSWER(SYS_ioctl, 0, FS_IOC_GETFLAGS, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_ioctl, 0, FICLONE, 0), ALLOW);
}

static void
reads_are_free_and_writes_are_asked(void **state)
{
	(void)state;
	assert_int_equal(ANSWER(SYS_openat, 0, 0, O_RDONLY | O_CLOEXEC), ALLOW);
	assert_int_equal(ANSWER(SYS_openat, 0, 0, O_WRONLY), ASK);
	assert_int_equal(ANSWER(SYS_openat, 0, 0, O_RDWR), ASK);
	assert_int_equal(ANSWER(SYS_openat, 0, 0, O_CREAT), ASK);
	assert_int_equal(ANSWER(SYS_openat, 0, 0, O_TRUNC), ASK);
	assert_int_equal(ANSWER(SYS_openat, 0, 0, O_TMPFILE | O_RDWR), ASK);
	assert_int_equal(ANSWER(SYS_openat2, 0, 0, 0), FAIL(ENOSYS));
	assert_int_equal(ANSWER(SYS_renameat2, 0, 0, 0), ASK);
	assert_int_equal(ANSWER(SYS_linkat, 0, 0, 0), ASK);
	assert_int_equal(ANSWER(SYS_symlinkat, 0, 0, 0), ASK);
	assert_int_equal(ANSWER(SYS_connect, 0, 0, 0), ASK);
	assert_int_equal(ANSWER(SYS_bind, 0, 0, 0), ASK);
	/* Where nobody listens the mounts and Landlock stand alone. */
	assert_int_equal(answer(false, SYS_renameat2, 0, 0, 0), ALLOW);
	assert_int_equal(answer(false, SYS_openat, 0, 0, O_RDWR), ALLOW);
}

static void
personality_is_only_asked(void **state)
{
	(void)state;
	assert_int_equal(ANSWER(SYS_personality, 0xffffffff, 0, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_personality, 0, 0, 0), ALLOW);
	assert_int_equal(ANSWER(SYS_personality, 0x0040000, 0, 0), FAIL(EPERM));
	assert_int_equal(ANSWER(SYS_personality, 0x0440000, 0, 0), FAIL(EPERM));
}

static void
no_process_hides_from_the_supervisor(void **state)
{
	(void)state;
	/* Said to be done, and not done. */
	assert_int_equal(
	    ANSWER(SYS_prctl, PR_SET_DUMPABLE, 0, 0), SECCOMP_RET_ERRNO);
	assert_int_equal(ANSWER(SYS_prctl, PR_SET_MM, 0, 0), FAIL(EPERM));
	assert_int_equal(ANSWER(SYS_prctl, PR_SET_NAME, 0, 0), ALLOW);
	assert_int_equal(
	    answer(false, SYS_prctl, PR_SET_MM, 0, 0), FAIL(EPERM));
}

static void
rules_out_of_order_are_refused(void **state)
{
	static const struct bpf_rule twice[] = {
		{ .nr = 5, .act = BPF_ACT_ERRNO, .value = EPERM },
		{ .nr = 5, .act = BPF_ACT_ALLOW },
	};
	struct bpf_program p;

	(void)state;
	assert_int_equal(bpf_build(twice, 2, ALLOW, &p), -1);
}

static uint32_t
with(unsigned flags, int nr, uint64_t a0, uint64_t a1, uint64_t a3)
{
	const struct seccomp_data d = {
		.nr = nr,
		.arch = ARCH,
		.args = { a0, a1, 0, a3 },
	};
	static struct bpf_program p;

	assert_int_equal(filter_build(flags | FILTER_SUPERVISED, &p), 0);
	return bpf_run(&p, &d);
}

/* The supervisor is asked so that the person hears of it, not to decide. */
static void
what_comes_to_be_refused_is_refused(void **state)
{
	static const int calls[] = { SYS_socket, SYS_socketpair };
	static const unsigned flags[] = { 0, FILTER_TRACES, FILTER_BARE };
	static struct bpf_program p[ARRAY_LEN(flags)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		assert_int_equal(
		    filter_build(flags[i] | FILTER_SUPERVISED, &p[i]), 0);
	for (uint64_t n = 0; n < 6ULL * 48 * 16 * 3; n++) {
		const struct seccomp_data d = {
			.nr = calls[n % 2],
			.arch = ARCH,
			.args = { n / 6 % 48, n / 288 % 16, n / 4608 },
		};
		const uint32_t said = bpf_run(&p[n / 2 % 3], &d);

		if (gate_is_refused(&d))
			assert_int_not_equal(said, ALLOW);
		else
			assert_true(
			    said != ASK || flags[n / 2 % 3] == FILTER_TRACES);
	}
	for (uint64_t bit = 0; bit < 64; bit++) {
		const struct seccomp_data d = {
			.nr = SYS_unshare,
			.arch = ARCH,
			.args = { 1ULL << bit },
		};

		assert_true(ANSWER(d.nr, d.args[0], 0, 0) != ASK ||
		    gate_is_refused(&d));
	}
}

static void
nothing_slows_or_starves_the_first_process(void **state)
{
	static const int calls[] = { SYS_prlimit64, SYS_sched_setparam,
		SYS_sched_setscheduler, SYS_sched_setaffinity,
		SYS_sched_setattr };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		assert_int_equal(with(0, calls[i], 1, 0, 0), FAIL(EPERM));
		assert_int_equal(
		    with(0, calls[i], HIGH | 1, 0, 0), FAIL(EPERM));
		assert_int_equal(with(0, calls[i], 0, 0, 0), ALLOW);
		assert_int_equal(with(0, calls[i], 7, 0, 0), ALLOW);
	}
	assert_int_equal(with(0, SYS_setpriority, 0, 1, 0), FAIL(EPERM));
	assert_int_equal(with(0, SYS_setpriority, 1, 1, 0), FAIL(EPERM));
	assert_int_equal(with(0, SYS_setpriority, 2, 0, 0), FAIL(EPERM));
	assert_int_equal(with(0, SYS_setpriority, 0, 0, 0), ALLOW);
	assert_int_equal(with(0, SYS_ioprio_set, 1, 1, 0), FAIL(EPERM));
	assert_int_equal(with(0, SYS_ioprio_set, 3, 5, 0), FAIL(EPERM));
	assert_int_equal(with(0, SYS_ioprio_set, 1, 0, 0), ALLOW);
}

static void
shared_mappings_are_asked_about_where_memory_is_measured(void **state)
{
	(void)state;
	assert_int_equal(with(0, SYS_mmap, 0, 0, 0x21), ALLOW);
	assert_int_equal(with(FILTER_SHARES, SYS_mmap, 0, 0, 0x21), ASK);
	assert_int_equal(with(FILTER_SHARES, SYS_mmap, 0, 0, 0x03), ASK);
	assert_int_equal(with(FILTER_SHARES, SYS_mmap, 0, 0, 0x22), ALLOW);
}

static void
without_namespaces_what_they_held_is_refused_or_asked(void **state)
{
	static const int asked[] = { SYS_unlinkat, SYS_fchmod, SYS_fchmodat,
		SYS_utimensat, 452 };
	static const int refused[] = { SYS_fchown, SYS_shmget, SYS_semget,
		SYS_msgget, SYS_mq_open, SYS_setpriority, SYS_ioprio_set };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_int_equal(with(FILTER_BARE, asked[i], 0, 0, 0), ASK);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(
		    with(FILTER_BARE, refused[i], 0, 0, 0), FAIL(EPERM));
	assert_int_equal(with(FILTER_BARE, SYS_socket, AF_INET, SOCK_STREAM, 0),
	    FAIL(EAFNOSUPPORT));
	assert_int_equal(with(FILTER_BARE, SYS_socket, AF_NETLINK, SOCK_RAW, 0),
	    FAIL(EAFNOSUPPORT));
	assert_int_equal(
	    with(FILTER_BARE, SYS_socket, AF_UNIX, SOCK_DGRAM, 0), ASK);
	assert_int_equal(
	    with(FILTER_BARE, SYS_socket, AF_UNIX, SOCK_STREAM, 0), ALLOW);
	assert_int_equal(
	    with(FILTER_BARE, SYS_kill, (uint64_t)-1, 9, 0), FAIL(EPERM));
	assert_int_equal(with(FILTER_BARE, SYS_kill, 7, 9, 0), ALLOW);
	assert_int_equal(
	    with(FILTER_BARE | FILTER_SIGNALS, SYS_kill, 7, 9, 0), ASK);
	assert_int_equal(
	    with(FILTER_BARE, SYS_prlimit64, 7, 0, 0), FAIL(EPERM));
	assert_int_equal(with(FILTER_BARE, SYS_prlimit64, 0, 0, 0), ALLOW);
}

/* Number by number: what is denied with namespaces is denied without. */
static void
without_namespaces_nothing_is_permitted_beyond(void **state)
{
	(void)state;
	for (int nr = 0; nr < 700; nr++) {
		if (with(FILTER_BARE, nr, 0, 0, 0) == ALLOW)
			assert_int_equal(with(0, nr, 0, 0, 0), ALLOW);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_slows_or_starves_the_first_process),
		cmocka_unit_test(
		    shared_mappings_are_asked_about_where_memory_is_measured),
		cmocka_unit_test(
		    without_namespaces_what_they_held_is_refused_or_asked),
		cmocka_unit_test(
		    without_namespaces_nothing_is_permitted_beyond),
		cmocka_unit_test(ordinary_calls_are_allowed),
		cmocka_unit_test(a_strict_profile_denies_what_is_not_listed),
		cmocka_unit_test(a_strict_filter_is_within_the_ordinary_one),
		cmocka_unit_test(
		    a_profile_that_denies_names_is_asked_about_reads),
		cmocka_unit_test(another_architecture_ends_the_process),
		cmocka_unit_test(mounts_modules_and_wide_interfaces_are_denied),
		cmocka_unit_test(no_flag_of_clone_or_unshare_makes_a_namespace),
		cmocka_unit_test(what_comes_to_be_refused_is_refused),
		cmocka_unit_test(
		    terminal_injection_is_denied_by_the_low_half_of_the_request),
		cmocka_unit_test(
		    no_protocol_is_asked_for_that_the_kernel_loads_a_module_for),
		cmocka_unit_test(sockets_are_of_the_families_that_are_fenced),
		cmocka_unit_test(set_id_bits_are_neither_made_nor_gained),
		cmocka_unit_test(what_is_said_of_a_file_is_asked),
		cmocka_unit_test(reads_are_free_and_writes_are_asked),
		cmocka_unit_test(personality_is_only_asked),
		cmocka_unit_test(no_process_hides_from_the_supervisor),
		cmocka_unit_test(rules_out_of_order_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
