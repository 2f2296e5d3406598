/*
 * What a confined role can no longer do, and that what the kernel lacks is
 * said (I10). Confinement cannot be taken back, so each case is a child.
 * Runs in: tests.
 */
#include "base/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define OK 42
#ifdef ASSENT_SANITIZE
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif
/* In a child: a failed claim is its line number. */
#define CLAIM(c)                                                               \
	do {                                                                   \
		if (!(c))                                                      \
			return __LINE__ % 200;                                 \
	} while (0)

struct place {
	char dir[64], in[96], out[96];
};

typedef int child_fn(const struct place *p);

static int
run(const struct place *p, child_fn *fn)
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_ok(const struct place *p, child_fn *fn)
{
	const int status = run(p, fn);

	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != OK)
		fail_msg("the claim at line %d (mod 200) does not hold",
		    WEXITSTATUS(status));
}

static int
setup(void **state)
{
	static struct place p;
	FILE *f;

	(void)snprintf(p.dir, sizeof(p.dir), "/tmp/assent-confine-XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	(void)snprintf(p.in, sizeof(p.in), "%s/in", p.dir);
	(void)snprintf(p.out, sizeof(p.out), "%s/out", p.dir);
	assert_int_equal(mkdir(p.in, 0700), 0);
	f = fopen(p.out, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	*state = &p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char file[128];

	(void)snprintf(file, sizeof(file), "%s/file", p->in);
	(void)unlink(file);
	(void)rmdir(p->in);
	(void)unlink(p->out);
	(void)rmdir(p->dir);
	return 0;
}

static int
confine_in(const struct place *p, unsigned access, const int *more,
    size_t more_count, struct confine_report *ret)
{
	const struct confine_path paths[] = {
		{ .path = p->in, .access = access },
		{ .path = "/nonexistent/rules", .access = CONFINE_READ },
	};

	return confine(&(struct confine_options){ .role = "test",
			   .syscalls = more,
			   .syscall_count = more_count,
			   .paths = paths,
			   .path_count = ARRAY_LEN(paths) },
	    ret, NULL);
}

static const int file_calls[] = { SYS_openat, SYS_unlink, SYS_rename, SYS_kill,
	SYS_getppid };
static const int socket_calls[] = { SYS_socket, SYS_connect, SYS_bind,
	SYS_openat };

static bool
has_landlock(int abi)
{
	const long have = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u);

	if (have < abi)
		print_message("SKIPPED: this kernel's Landlock ABI is %ld, "
			      "%d is needed\n",
		    have, abi);
	return have >= abi;
}

static int
full_report(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(got.no_new_privs && got.caps_dropped && got.seccomp);
	CLAIM(got.not_dumpable == !IS_SANITIZED);
	return OK;
}

static void
i10_the_report_says_what_is_enforced(void **state)
{
	assert_ok(*state, full_report);
}

static int
write_inside_only(const struct place *p)
{
	struct confine_report got;
	char file[128], moved[128];
	int fd;

	(void)snprintf(file, sizeof(file), "%s/a", p->in);
	(void)snprintf(moved, sizeof(moved), "%s/file", p->in);
	CLAIM(confine_in(p, CONFINE_READ | CONFINE_WRITE, file_calls,
		  ARRAY_LEN(file_calls), &got) == 0);
	fd = open(file, O_RDWR | O_CREAT, 0600);
	CLAIM(fd >= 0 && write(fd, "x", 1) == 1);
	CLAIM(ftruncate(fd, 0) == 0 && rename(file, moved) == 0);
	CLAIM(open(p->out, O_RDONLY) < 0 && errno == EACCES);
	CLAIM(open(p->out, O_WRONLY) < 0 && errno == EACCES);
	CLAIM(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	CLAIM(rename(moved, p->out) != 0 && unlink(p->out) != 0);
	CLAIM(unlink(moved) == 0);
	return OK;
}

static void
a_role_reaches_its_own_paths_and_no_others(void **state)
{
	if (!has_landlock(3))
		skip();
	assert_ok(*state, write_inside_only);
}

static int
read_only(const struct place *p)
{
	struct confine_report got;
	char file[128];
	int fd;

	(void)snprintf(file, sizeof(file), "%s/file", p->in);
	fd = open(file, O_RDWR | O_CREAT, 0600);
	CLAIM(fd >= 0);
	CLAIM(confine_in(p, CONFINE_READ, file_calls, ARRAY_LEN(file_calls),
		  &got) == 0);
	CLAIM(open(file, O_RDONLY) >= 0);
	CLAIM(open(file, O_WRONLY) < 0 && errno == EACCES);
	CLAIM(open(file, O_RDONLY | O_TRUNC) < 0);
	CLAIM(unlink(file) != 0);
	return OK;
}

static void
a_path_to_read_cannot_be_written(void **state)
{
	if (!has_landlock(3))
		skip();
	assert_ok(*state, read_only);
}

static int
no_tcp(const struct place *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct confine_report got;
	int fd;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CLAIM(confine_in(p, CONFINE_READ, socket_calls, ARRAY_LEN(socket_calls),
		  &got) == 0);
	CLAIM(got.landlock_net);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CLAIM(fd >= 0);
	CLAIM(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno == EACCES);
	CLAIM(bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno == EACCES);
	return OK;
}

static void
a_role_that_may_open_sockets_still_reaches_no_tcp_port(void **state)
{
	if (!has_landlock(4))
		skip();
	assert_ok(*state, no_tcp);
}

static int
no_signal_out(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, file_calls, ARRAY_LEN(file_calls),
		  &got) == 0);
	CLAIM(got.landlock_scope);
	CLAIM(kill(getppid(), 0) != 0 && errno == EPERM);
	CLAIM(kill(getpid(), 0) == 0);
	return OK;
}

static void
a_role_cannot_signal_processes_outside(void **state)
{
	if (!has_landlock(6))
		skip();
	assert_ok(*state, no_signal_out);
}

static int
unlisted(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(got.seccomp);
#ifndef ASSENT_SANITIZE
	CLAIM(!got.relaxed);
	CLAIM(open(p->in, O_RDONLY) < 0 && errno == EPERM);
	CLAIM(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CLAIM(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	CLAIM(kill(getpid(), 0) != 0 && errno == EPERM);
#else
	CLAIM(got.relaxed);
#endif
	return OK;
}

static void
an_unlisted_system_call_is_refused(void **state)
{
	assert_ok(*state, unlisted);
}

static int
try_exec(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	(void)execl("/bin/true", "true", (char *)NULL);
	return OK;
}

static int
try_socket(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	(void)socket(AF_UNIX, SOCK_STREAM, 0);
	return OK;
}

static int
try_unshare(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	(void)unshare(CLONE_NEWUSER);
	return OK;
}

static void
what_only_an_intruder_would_call_ends_the_role(void **state)
{
	child_fn *const tries[] = { try_unshare, try_exec, try_socket };
	/* A sanitizer's build keeps a part of the filter only. */
	const size_t count = IS_SANITIZED ? 1 : ARRAY_LEN(tries);

	for (size_t i = 0; i < count; i++) {
		const int status = run(*state, tries[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static int
aborts(const struct place *p)
{
	struct confine_report got;

	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	abort();
}

static void
a_failed_assertion_still_ends_a_confined_role(void **state)
{
	const int status = run(*state, aborts);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* ---- kernels that lack something --------------------------------------- */

static int
simulate_without(const int *calls, size_t count, int error)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = seccomp_rule_add(
		    f, SCMP_ACT_ERRNO((uint16_t)error), calls[i], 0);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

static int
without_landlock(const struct place *p)
{
	const int calls[] = { SYS_landlock_create_ruleset,
		SYS_landlock_add_rule, SYS_landlock_restrict_self };
	struct confine_report got;

	CLAIM(simulate_without(calls, ARRAY_LEN(calls), ENOSYS) == 0);
	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(got.landlock_abi == 0 && !got.landlock_net);
	CLAIM(!got.landlock_scope && got.seccomp);
	CLAIM(confine_report_has(&got, "landlock", 0) == 0);
	return OK;
}

static void
i10_a_kernel_without_landlock_is_reported(void **state)
{
	assert_ok(*state, without_landlock);
}

static int
with_landlock_off(const struct place *p)
{
	const int calls[] = { SYS_landlock_create_ruleset };
	struct confine_report got;

	CLAIM(simulate_without(calls, ARRAY_LEN(calls), EOPNOTSUPP) == 0);
	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(got.landlock_abi == 0);
	return OK;
}

static void
i10_landlock_switched_off_at_boot_is_reported(void **state)
{
	assert_ok(*state, with_landlock_off);
}

static int
with_landlock_refusing(const struct place *p)
{
	const int calls[] = { SYS_landlock_restrict_self };
	struct confine_report got = { .landlock_abi = -7 };

	CLAIM(simulate_without(calls, ARRAY_LEN(calls), EPERM) == 0);
	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == ERR_SYS);
	CLAIM(got.landlock_abi == -7);
	return OK;
}

static void
what_the_kernel_has_but_refuses_is_an_error(void **state)
{
	if (!has_landlock(1))
		skip();
	assert_ok(*state, with_landlock_refusing);
}

/* prctl as a whole is needed by the simulation; only filtering is refused. */
static int
refuse_prctl(unsigned option, unsigned errnum)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO((uint16_t)errnum), SYS_prctl,
	    1, SCMP_A0_32(SCMP_CMP_EQ, option));

	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

static int
without_seccomp(const struct place *p)
{
	struct confine_report got;

	CLAIM(refuse_prctl(PR_SET_SECCOMP, EINVAL) == 0);
	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(!got.seccomp && got.no_new_privs);
	CLAIM(confine_report_has(&got, "seccomp", 0) == 0);
	return OK;
}

static void
i10_a_kernel_without_seccomp_is_reported(void **state)
{
	assert_ok(*state, without_seccomp);
}

static int
dumpable_stays(const struct place *p)
{
	struct confine_report got;

	CLAIM(refuse_prctl(PR_SET_DUMPABLE, EINVAL) == 0);
	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(!got.not_dumpable && got.caps_dropped);
	return OK;
}

static void
i10_a_process_that_stays_dumpable_is_reported(void **state)
{
	assert_ok(*state, dumpable_stays);
}

static int
caps_stay(const struct place *p)
{
	const int calls[] = { SYS_capset };
	struct confine_report got;

	CLAIM(simulate_without(calls, ARRAY_LEN(calls), EPERM) == 0);
	CLAIM(confine_in(p, CONFINE_READ, NULL, 0, &got) == 0);
	CLAIM(!got.caps_dropped);
	return OK;
}

static void
i10_capabilities_that_stay_are_reported(void **state)
{
	if (geteuid() != 0) {
		print_message("SKIPPED: only root has capabilities to lose\n");
		skip();
	}
	assert_ok(*state, caps_stay);
}

/* ---- the report as a value --------------------------------------------- */

static void
a_report_survives_its_record(void **state)
{
	const struct confine_report in = {
		.no_new_privs = true,
		.caps_dropped = true,
		.seccomp = true,
		.landlock_abi = 5,
		.landlock_net = true,
		.relaxed = true,
	};
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct confine_report out = { .landlock_abi = 0 };
	struct rec r;

	(void)state;
	confine_report_put(&b, &in);
	r = rec_of(buf_str(&b));
	assert_int_equal(confine_report_get(&r, &out), 0);
	assert_int_equal(rec_done(&r, NULL), 0);
	assert_true(out.no_new_privs && out.caps_dropped && out.seccomp);
	assert_true(out.landlock_net && out.relaxed);
	assert_false(out.not_dumpable || out.landlock_scope);
	assert_int_equal(out.landlock_abi, 5);
	b.s[0] = (char)0x80;
	r = rec_of(buf_str(&b));
	assert_int_equal(confine_report_get(&r, &out), ERR_INVALID);
}

static void
a_report_is_shown_as_json(void **state)
{
	const struct confine_report in = { .seccomp = true, .landlock_abi = 7 };
	AUTO_BUF struct buf b = BUF_INIT(1024);

	(void)state;
	confine_report_json(&b, &in);
	assert_non_null(strstr(buf_cstr(&b), "\"seccomp\":true"));
	assert_non_null(strstr(buf_cstr(&b), "\"landlock\":7"));
	assert_non_null(strstr(buf_cstr(&b), "\"no_new_privs\":false"));
}

static void
a_requirement_is_met_or_not_or_unknown(void **state)
{
	const struct confine_report r = { .seccomp = true, .landlock_abi = 3 };

	(void)state;
	assert_int_equal(confine_report_has(&r, "landlock", 3), 1);
	assert_int_equal(confine_report_has(&r, "landlock", 4), 0);
	assert_int_equal(confine_report_has(&r, "seccomp", 0), 1);
	assert_int_equal(confine_report_has(&r, "no_new_privs", 0), 0);
	assert_int_equal(confine_report_has(&r, "userns", 0), -1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(i10_the_report_says_what_is_enforced),
		T(a_role_reaches_its_own_paths_and_no_others),
		T(a_path_to_read_cannot_be_written),
		T(a_role_that_may_open_sockets_still_reaches_no_tcp_port),
		T(a_role_cannot_signal_processes_outside),
		T(an_unlisted_system_call_is_refused),
		T(what_only_an_intruder_would_call_ends_the_role),
		T(a_failed_assertion_still_ends_a_confined_role),
		T(i10_a_kernel_without_landlock_is_reported),
		T(i10_landlock_switched_off_at_boot_is_reported),
		T(what_the_kernel_has_but_refuses_is_an_error),
		T(i10_a_kernel_without_seccomp_is_reported),
		T(i10_a_process_that_stays_dumpable_is_reported),
		T(i10_capabilities_that_stay_are_reported),
		cmocka_unit_test(a_report_survives_its_record),
		cmocka_unit_test(a_report_is_shown_as_json),
		cmocka_unit_test(a_requirement_is_met_or_not_or_unknown),
	};

	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
