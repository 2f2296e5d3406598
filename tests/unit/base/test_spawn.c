/*
 * Starting programs: what a child has, and has not. The test executes itself,
 * because only the child can tell what it was given.
 * Runs in: tests.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define SELF "/proc/self/exe"
#define ANSWER_FD 3
#define ANSWER_MAX 4096
#define STRANGER 54321

extern char **environ;

/* ---- the child --------------------------------------------------------- */

static void
say_fds(FILE *out)
{
	for (int fd = 0; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			(void)fprintf(out, "fd%d ", fd);
	}
}

static void
say_signals(FILE *out)
{
	sigset_t set;

	(void)sigprocmask(SIG_BLOCK, NULL, &set);
	for (int signo = 1; signo < 32; signo++) {
		struct sigaction a;

#ifdef ASSENT_SANITIZE
		/* A sanitizer takes these before main. */
		if (signo == SIGBUS || signo == SIGFPE || signo == SIGSEGV)
			continue;
#endif
		if (sigismember(&set, signo) == 1)
			(void)fprintf(out, "blocked%d ", signo);
		if (sigaction(signo, NULL, &a) == 0 && a.sa_handler != SIG_DFL)
			(void)fprintf(out, "handled%d ", signo);
	}
}

static int
child(const char *what)
{
	FILE *out = fdopen(dup(ANSWER_FD), "w");
	int death = 0;
	char byte;

	if (out == NULL)
		return 99;
	if (strcmp(what, "fds") == 0) {
		(void)fclose(out);
		out = fdopen(ANSWER_FD, "w");
		if (out != NULL)
			say_fds(out);
	} else if (strcmp(what, "signals") == 0) {
		say_signals(out);
	} else if (strcmp(what, "env") == 0) {
		for (char **v = environ; *v != NULL; v++)
			(void)fprintf(out, "%s ", *v);
	} else if (strcmp(what, "ids") == 0) {
		(void)prctl(PR_GET_PDEATHSIG, &death);
		(void)fprintf(out, "uid%u euid%u gid%u groups%d death%d sid%d",
		    getuid(), geteuid(), getgid(), getgroups(0, NULL), death,
		    getsid(0) == getpid());
	} else if (strcmp(what, "umask") == 0) {
		(void)fprintf(out, "%03o", (unsigned)umask(0));
	} else if (strcmp(what, "wait") == 0) {
		if (read(ANSWER_FD, &byte, 1) < 0)
			return 8;
	}
	(void)fclose(out);
	return 7;
}

/* ---- the tests --------------------------------------------------------- */

static void
start(struct spawn_options *o, const char *what, int *ret_answer, pid_t *pid,
    int *pidfd)
{
	static char name[] = "child", mode[32];
	static char *argv[] = { name, mode, NULL };
	struct spawn_fd answer = { .as = ANSWER_FD };
	int pair[2];

	(void)snprintf(mode, sizeof(mode), "%s", what);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	answer.fd = pair[1];
	if (o->path == NULL && o->path_fd == 0)
		o->path = SELF;
	o->argv = argv;
	if (o->fds == NULL) {
		o->fds = &answer;
		o->fd_count = 1;
	}
	assert_int_equal(spawn(o, pid, pidfd, NULL), 0);
	(void)close(pair[1]);
	*ret_answer = pair[0];
}

static void
ask(struct spawn_options *o, const char *what, char ret[ANSWER_MAX])
{
	AUTO_FD int answer = -1;
	AUTO_FD int pidfd = -1;
	size_t len = 0;
	char how[64];
	pid_t pid;
	ssize_t n;
	int code;

	start(o, what, &answer, &pid, &pidfd);
	while ((n = read(answer, ret + len, ANSWER_MAX - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = '\0';
	assert_int_equal(spawn_reap(pidfd, &code, how, sizeof(how), NULL), 0);
	assert_int_equal(code, 7);
	assert_string_equal(how, "exit 7");
}

static void
a_child_has_exactly_the_named_descriptors(void **state)
{
	struct spawn_options o = { .path = SELF };
	AUTO_FD int leak = open("/dev/null", O_RDONLY);
	char got[ANSWER_MAX];

	(void)state;
	assert_true(leak >= 0);
	/* Not close-on-exec, below and above the child's own numbers. */
	assert_int_equal(dup2(leak, 5), 5);
	assert_int_equal(dup2(leak, 900), 900);
	ask(&o, "fds", got);
	assert_string_equal(got, "fd0 fd1 fd2 fd3 ");
	(void)close(5);
	(void)close(900);
}

static void
descriptors_may_change_places(void **state)
{
	/* Source numbers that are targets, and the places that the child
	 * uses itself. */
	struct spawn_fd fds[] = { { 4, 3 }, { 3, 4 }, { SPAWN_FDS_MAX, 5 },
		{ SPAWN_FDS_MAX + 1, 6 } };
	struct spawn_options o = { .path = SELF, .fds = fds, .fd_count = 4 };
	static char name[] = "child", mode[] = "fds";
	char *argv[] = { name, mode, NULL };
	int pair[2], pidfd = -1, code;
	char got[256] = "", how[64];
	pid_t pid;

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[0], F_DUPFD_CLOEXEC, 40), 40);
	assert_int_equal(fcntl(pair[1], F_DUPFD_CLOEXEC, 41), 41);
	(void)close(pair[0]);
	(void)close(pair[1]);
	assert_int_equal(dup2(41, 4), 4);
	for (int fd = 3; fd <= SPAWN_FDS_MAX + 1; fd++) {
		if (fd == 3 || fd >= SPAWN_FDS_MAX)
			assert_int_equal(dup2(2, fd), fd);
	}
	o.argv = argv;
	assert_int_equal(spawn(&o, &pid, &pidfd, NULL), 0);
	(void)close(41);
	(void)close(4);
	assert_true(read(40, got, sizeof(got) - 1) > 0);
	assert_string_equal(got, "fd0 fd1 fd2 fd3 fd4 fd5 fd6 ");
	assert_int_equal(spawn_reap(pidfd, &code, how, sizeof(how), NULL), 0);
	(void)close(pidfd);
	(void)close(40);
	(void)close(3);
	(void)close(SPAWN_FDS_MAX);
	(void)close(SPAWN_FDS_MAX + 1);
}

static void
a_child_has_default_signals_and_none_blocked(void **state)
{
	struct spawn_options o = { .path = SELF };
	char got[ANSWER_MAX];
	sigset_t set;

	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGCHLD);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	ask(&o, "signals", got);
	assert_string_equal(got, "");
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
}

static void
a_child_has_the_given_environment_only(void **state)
{
	static char var[] = "LANG=C.UTF-8";
	char *env[] = { var, NULL };
	struct spawn_options o = { .path = SELF };
	char got[ANSWER_MAX];

	(void)state;
	ask(&o, "env", got);
	assert_string_equal(got, "");
	o.envp = env;
	o.fds = NULL;
	ask(&o, "env", got);
	assert_string_equal(got, "LANG=C.UTF-8 ");
}

static void
a_child_dies_with_its_parent_and_has_its_own_session(void **state)
{
	struct spawn_options o = { .path = SELF };
	char got[ANSWER_MAX], want[128];

	(void)state;
	ask(&o, "ids", got);
	(void)snprintf(want, sizeof(want), "death%d sid1", SIGKILL);
	assert_non_null(strstr(got, want));
}

static void
a_child_has_our_umask_or_the_given_one(void **state)
{
	struct spawn_options o = { .path = SELF };
	const mode_t old = umask(077);
	char got[ANSWER_MAX];

	(void)state;
	ask(&o, "umask", got);
	assert_string_equal(got, "077");
	o.fds = NULL;
	o.set_umask = true;
	o.umask = 022;
	ask(&o, "umask", got);
	assert_string_equal(got, "022");
	(void)umask(old);
}

static void
another_user_is_taken_on_without_groups_and_still_dies_with_us(void **state)
{
	struct spawn_options o = { .path = SELF,
		.set_user = true,
		.uid = STRANGER,
		.gid = STRANGER + 1 };
	char got[ANSWER_MAX], want[128];

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIPPED: only root can change the user\n");
		skip();
	}
	assert_int_equal(setgroups(2, (gid_t[]){ 1, 2 }), 0);
	o.path = NULL;
	o.path_fd = open(SELF, O_RDONLY | O_CLOEXEC);
	assert_true(o.path_fd > 0);
	ask(&o, "ids", got);
	(void)close(o.path_fd);
	(void)snprintf(want, sizeof(want),
	    "uid%d euid%d gid%d groups0 death%d sid1", STRANGER, STRANGER,
	    STRANGER + 1, SIGKILL);
	assert_string_equal(got, want);
}

static void
a_user_that_may_not_be_taken_on_is_an_error(void **state)
{
	struct spawn_options o = {
		.path = SELF, .set_user = true, .uid = (uid_t)-1
	};
	static char name[] = "child";
	char *argv[] = { name, NULL };
	struct err e = ERR_INIT;
	int pidfd = -1;
	pid_t pid = -1;

	(void)state;
	o.argv = argv;
	assert_int_equal(spawn(&o, &pid, &pidfd, &e), ERR_SYS);
	assert_non_null(strstr(e.msg, "change to its user"));
	assert_int_equal(pidfd, -1);
}

static void
a_program_that_cannot_be_executed_is_an_error(void **state)
{
	struct spawn_options o = { .path = "/nonexistent/program" };
	static char name[] = "thing";
	char *argv[] = { name, NULL };
	struct err e = ERR_INIT;
	int pidfd = -1;
	pid_t pid = -1;

	(void)state;
	o.argv = argv;
	assert_int_equal(spawn(&o, &pid, &pidfd, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_non_null(strstr(e.msg, "cannot start 'thing': cannot execute"));
	assert_int_equal(pidfd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
the_pidfd_becomes_readable_when_the_child_is_killed(void **state)
{
	struct spawn_options o = { .path = SELF };
	AUTO_FD int answer = -1;
	AUTO_FD int pidfd = -1;
	struct pollfd p = { .events = POLLIN };
	char how[64];
	pid_t pid;
	int code;

	(void)state;
	start(&o, "wait", &answer, &pid, &pidfd);
	p.fd = pidfd;
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(spawn_reap(pidfd, &code, how, sizeof(how), NULL), 0);
	assert_int_equal(code, -SIGKILL);
	assert_string_equal(how, "signal 9 (Killed)");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_exactly_the_named_descriptors),
		cmocka_unit_test(descriptors_may_change_places),
		cmocka_unit_test(a_child_has_default_signals_and_none_blocked),
		cmocka_unit_test(a_child_has_the_given_environment_only),
		cmocka_unit_test(
		    a_child_dies_with_its_parent_and_has_its_own_session),
		cmocka_unit_test(a_child_has_our_umask_or_the_given_one),
		cmocka_unit_test(
		    another_user_is_taken_on_without_groups_and_still_dies_with_us),
		cmocka_unit_test(a_user_that_may_not_be_taken_on_is_an_error),
		cmocka_unit_test(a_program_that_cannot_be_executed_is_an_error),
		cmocka_unit_test(
		    the_pidfd_becomes_readable_when_the_child_is_killed),
	};

	if (argc == 2 && strcmp(argv[0], "child") == 0)
		return child(argv[1]);
	return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
