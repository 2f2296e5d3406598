/*
 * Run a program of the system and wait for it.
 * Runs in: supervisor, tools.  Trusts: the program.  Owns: nothing.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "fdio.h"
#include "mem.h"
#include "spawn.h"

#define READ_SLICE 4096
#define WORD_MAX 200

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A file in memory, so that neither waits for the other. */
static int
open_input(struct str input, int *ret, struct err *e)
{
	AUTO_FD int fd = memfd_create("input", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, "cannot make a file in memory");
	r = fdio_write_all(fd, input.s, input.len, e);
	if (r == 0 && lseek(fd, 0, SEEK_SET) != 0)
		r = err_sys(e, "cannot rewind a file in memory");
	if (r == 0)
		*ret = TAKE_FD(fd);
	return r;
}

/* Until it closes its output, or the time is over. */
static int
read_output(int fd, const char *path, struct buf *out, struct err *e)
{
	const int64_t end = now_ms() + TOOL_TIMEOUT_MS;
	char slice[READ_SLICE];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		const int64_t left = end - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return err_set(e, ERR_LIMIT,
			    "'%s' takes longer than "
			    "%d seconds",
			    path, TOOL_TIMEOUT_MS / 1000);
		n = read(fd, slice, sizeof(slice));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read from '%s'", path);
		if (n == 0)
			return buf_done(out, e);
		buf_put(out, slice, (size_t)n);
	}
}

static int
finish(
    const struct tool_call *t, int pidfd, int r, struct buf *out, struct err *e)
{
	char how[64] = "";
	const struct str said = buf_str(out);
	int code = -1;

	if (r != 0)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	if (spawn_reap(pidfd, &code, how, sizeof(how), r == 0 ? e : NULL) != 0)
		return ERR_SYS;
	if (r != 0)
		return r;
	if (code == 0)
		return ERR_OK;
	return err_set(e, ERR_SYS, "'%s' ends with %s: %.*s", t->path, how,
	    STR_ARG(str_head(str_head(said, str_find(said, '\n')), WORD_MAX)));
}

int
tool_run(const struct tool_call *t, struct buf *ret_output, struct err *e)
{
	AUTO_FD int in = -1;
	AUTO_FD int ours = -1;
	AUTO_FD int theirs = -1;
	AUTO_FD int pidfd = -1;
	int pair[2];
	pid_t pid;
	int r = open_input(t->input, &in, e);

	if (r != 0)
		return r;
	if (access(t->path, X_OK) != 0)
		return err_set(
		    e, ERR_NOTFOUND, "there is no program '%s'", t->path);
	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	ours = pair[0];
	theirs = pair[1];
	const struct spawn_fd fds[] = {
		{ .fd = in, .as = STDIN_FILENO },
		{ .fd = theirs, .as = STDOUT_FILENO },
		{ .fd = theirs, .as = STDERR_FILENO },
	};
	const struct spawn_options o = {
		.path = t->path,
		.argv = t->argv,
		.fds = fds,
		.fd_count = ARRAY_LEN(fds),
	};

	r = spawn(&o, &pid, &pidfd, e);
	fd_closep(&theirs);
	theirs = -1;
	if (r != 0)
		return r;
	r = read_output(ours, t->path, ret_output, e);
	return finish(t, pidfd, r, ret_output, e);
}
