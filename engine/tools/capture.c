/*
 * A program's answer to a text.
 * Runs in: assent.  Trusts: nothing of the output.  Owns: the child.
 */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/spawn.h"

#define PATH_BYTES 4096
#define READ_BYTES 4096
#define END_WAIT_MS 2000

extern char **environ;

struct child {
	int in, out, pidfd;
	pid_t pid;
};

char *
capture_find(const char *name)
{
	struct str rest = str_of(secure_getenv("PATH"));

	while (rest.len > 0) {
		const struct str folder = str_cut(&rest, ':');
		char path[PATH_BYTES];
		const int n = snprintf(
		    path, sizeof(path), "%.*s/%s", STR_ARG(folder), name);

		if (folder.len > 0 && n > 0 && (size_t)n < sizeof(path) &&
		    access(path, X_OK) == 0)
			return strdup(path);
	}
	return NULL;
}

static int
start(const struct capture *c, struct child *ret, struct err *e)
{
	AUTO_FD int in_ours = -1;
	AUTO_FD int in_theirs = -1;
	AUTO_FD int out_ours = -1;
	AUTO_FD int out_theirs = -1;
	int pair[2], r;

	/* a pair for its input: writing to a closed one is no signal */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot make a pair of sockets");
	in_ours = pair[0];
	in_theirs = pair[1];
	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	out_ours = pair[0];
	out_theirs = pair[1];

	const struct spawn_fd fds[] = { { in_theirs, 0 }, { out_theirs, 1 } };

	r = spawn(&(struct spawn_options){ .path = c->path,
		      .argv = c->argv,
		      .envp = environ,
		      .fds = fds,
		      .fd_count = ARRAY_LEN(fds) },
	    &ret->pid, &ret->pidfd, e);
	if (r != 0)
		return r;
	ret->in = TAKE_FD(in_ours);
	ret->out = TAKE_FD(out_ours);
	return ERR_OK;
}

/* What it does not read of its input is its own business. */
static void
give_input(struct child *k, const struct capture *c)
{
	struct str rest = c->input;

	while (rest.len > 0) {
		const ssize_t n = send(k->in, rest.s, rest.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		rest = str_from(rest, (size_t)n);
	}
	if (c->until == NULL)
		fd_closep(&k->in);
}

static bool
is_enough(const struct capture *c, const struct buf *out)
{
	return c->until != NULL &&
	    str_search(buf_str(out), str_of(c->until)) < out->len;
}

static int
read_output(
    struct child *k, const struct capture *c, struct buf *out, struct err *e)
{
	const int64_t end = loop_now_ns() / 1000000 + c->timeout_ms;
	char bytes[READ_BYTES];

	for (;;) {
		const int64_t left = end - loop_now_ns() / 1000000;
		struct pollfd p = { .fd = k->out, .events = POLLIN };
		ssize_t n;

		if (left <= 0)
			return err_set(e, ERR_SYS,
			    "'%s' did not end in %lld seconds", c->path,
			    (long long)c->timeout_ms / 1000);
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(k->out, bytes, sizeof(bytes));
		if (n == 0)
			return buf_done(out, e);
		if (n > 0)
			buf_put(out, bytes, (size_t)n);
		if (is_enough(c, out))
			return buf_done(out, e);
	}
}

/* It ends by itself when its input does, or it is ended. */
static int
end_child(struct child *k, bool now)
{
	struct pollfd p = { .fd = k->pidfd, .events = POLLIN };
	char how[64];
	int status = -1;

	if (now || poll(&p, 1, END_WAIT_MS) != 1)
		(void)kill(k->pid, SIGKILL);
	if (spawn_reap(k->pidfd, &status, how, sizeof(how), NULL) != 0)
		status = -1;
	fd_closep(&k->pidfd);
	return status;
}

int
capture(
    const struct capture *c, struct buf *out, int *ret_status, struct err *e)
{
	struct child k = { -1, -1, -1, -1 };
	int r = start(c, &k, e);

	if (r != 0)
		return r;
	give_input(&k, c);
	r = read_output(&k, c, out, e);
	fd_closep(&k.in);
	fd_closep(&k.out);
	*ret_status = end_child(&k, r != 0);
	return r;
}
