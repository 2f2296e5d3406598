/*
 * A server that we start, and its client, line by line.
 * Runs in: assent, started by the client.  Trusts: neither side.
 * Owns: the server.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/spawn.h"
#include "base/text.h"
#include "capture.h"
#include "model/command.h"

#define QUEUE_HIGH ((size_t)4 << 20) /* not taken: the sender waits */
#define GRACE_MS 2000 /* after its input ended, and after a signal */
#define FLUSH_MS 2000 /* for what the client has not read yet */
#define HOW_BYTES 64
#define SAY_BYTES 4096

extern char **environ;

struct relay {
	struct relay_options o;
	struct loop *loop;
	struct line_in *client_in, *server_in;
	struct line_out *client_out, *server_out;
	struct loop_timer *patience;
	int server_stdin, server_stdout, pidfd, last_signal, status;
	pid_t pid;
	bool gone, silent; /* the server; its output */
};

static void
say(const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_puts(&text, "assent: ");
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

/* ---- the end ------------------------------------------------------------- */

static void
on_patience_ends(void *ctx)
{
	struct relay *r = ctx;

	r->patience = NULL;
	if (r->gone) {
		loop_stop(r->loop);
		return;
	}
	r->last_signal = r->last_signal == 0 ? SIGTERM : SIGKILL;
	/* it leads its session: what it started ends, too */
	(void)kill(-r->pid, r->last_signal);
	(void)loop_after(
	    r->loop, GRACE_MS, on_patience_ends, r, &r->patience, NULL);
}

static void
be_patient(struct relay *r, int64_t ms)
{
	loop_cancel(r->loop, r->patience);
	r->patience = NULL;
	if (loop_after(r->loop, ms, on_patience_ends, r, &r->patience, NULL) !=
	    0)
		loop_stop(r->loop);
}

/* A server ends when its input does. */
static void
close_input(struct relay *r)
{
	if (r->server_stdin < 0)
		return;
	line_out_free(r->server_out);
	r->server_out = NULL;
	(void)close(r->server_stdin);
	r->server_stdin = -1;
	if (!r->gone)
		be_patient(r, GRACE_MS);
}

static void
check_end(struct relay *r)
{
	if (!r->gone || !r->silent)
		return;
	if (line_out_len(r->client_out) == 0)
		loop_stop(r->loop);
	else
		be_patient(r, FLUSH_MS);
}

static void
on_client_end(void *ctx, const struct err *why)
{
	struct relay *r = ctx;

	if (why->code != ERR_OK)
		say(why->msg);
	/* what it has been sent, it still gets */
	if (r->server_out == NULL || line_out_len(r->server_out) == 0)
		close_input(r);
	else
		be_patient(r, GRACE_MS);
}

static void
on_server_end(void *ctx, const struct err *why)
{
	struct relay *r = ctx;

	if (why->code != ERR_OK)
		say(why->msg);
	r->silent = true;
	close_input(r);
	check_end(r);
}

static void
on_exit_of_server(void *ctx, int fd, unsigned events)
{
	struct relay *r = ctx;
	char how[HOW_BYTES];
	int status = 0;

	(void)fd;
	(void)events;
	loop_forget(r->loop, r->pidfd);
	if (spawn_reap(r->pidfd, &status, how, sizeof(how), NULL) == 0)
		r->status = status < 0 ? 128 - status : status;
	r->gone = true;
	/* what it started may hold its output open */
	if (!r->silent)
		be_patient(r, GRACE_MS);
	check_end(r);
}

static void
on_signal(void *ctx, int signo)
{
	struct relay *r = ctx;

	r->last_signal = SIGTERM;
	(void)kill(-r->pid, SIGTERM);
	r->status = 128 + signo;
	close_input(r);
}

/* ---- both ways ----------------------------------------------------------- */

static void
on_client_room(void *ctx)
{
	struct relay *r = ctx;

	line_in_pause(r->server_in, false);
	check_end(r);
}

static void
on_server_room(void *ctx)
{
	struct relay *r = ctx;

	line_in_pause(r->client_in, false);
}

void
relay_to_client(struct relay *r, struct str line)
{
	line_out_put(r->client_out, line);
	if (line_out_len(r->client_out) > QUEUE_HIGH)
		line_in_pause(r->server_in, true);
	if (line_out_gone(r->client_out))
		close_input(r);
}

void
relay_to_server(struct relay *r, struct str line)
{
	if (r->server_out == NULL)
		return;
	line_out_put(r->server_out, line);
	if (line_out_len(r->server_out) > QUEUE_HIGH)
		line_in_pause(r->client_in, true);
}

static void
on_client_line(void *ctx, struct str line)
{
	const struct relay *r = ctx;

	if (line.len > 0)
		r->o.from_client(r->o.ctx, line);
}

static void
on_server_line(void *ctx, struct str line)
{
	const struct relay *r = ctx;

	if (line.len > 0)
		r->o.from_server(r->o.ctx, line);
}

/* ---- the beginning ------------------------------------------------------- */

static int
start(struct relay *r, struct err *e)
{
	AUTO_FREE char *path = strchr(r->o.argv[0], '/') != NULL
	    ? realpath(r->o.argv[0], NULL)
	    : capture_find(r->o.argv[0]);
	AUTO_FD int in_theirs = -1;
	AUTO_FD int out_theirs = -1;
	int pair[2];

	if (path == NULL)
		return err_set(
		    e, ERR_NOTFOUND, "there is no program '%s'", r->o.argv[0]);
	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	in_theirs = pair[0];
	r->server_stdin = pair[1];
	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe");
	r->server_stdout = pair[0];
	out_theirs = pair[1];

	const struct spawn_fd fds[] = { { in_theirs, 0 }, { out_theirs, 1 },
		{ STDERR_FILENO, 2 } };

	return spawn(&(struct spawn_options){ .path = path,
			 .argv = r->o.argv,
			 .envp = environ,
			 .fds = fds,
			 .fd_count = ARRAY_LEN(fds) },
	    &r->pid, &r->pidfd, e);
}

static int
watch(struct relay *r, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct line_in_options in = { .loop = r->loop,
		.fd = STDIN_FILENO,
		.line_max = r->o.line_max,
		.on_line = on_client_line,
		.on_end = on_client_end,
		.ctx = r };
	int rc = line_out_new(
	    r->loop, STDOUT_FILENO, on_client_room, r, &r->client_out, e);

	if (rc == 0)
		rc = line_out_new(r->loop, r->server_stdin, on_server_room, r,
		    &r->server_out, e);
	if (rc == 0)
		rc = line_in_new(&in, &r->client_in, e);
	in.fd = r->server_stdout;
	in.on_line = on_server_line;
	in.on_end = on_server_end;
	if (rc == 0)
		rc = line_in_new(&in, &r->server_in, e);
	if (rc == 0)
		rc = loop_fd(
		    r->loop, r->pidfd, LOOP_READ, on_exit_of_server, r, e);
	for (size_t i = 0; i < ARRAY_LEN(signals) && rc == 0; i++)
		rc = loop_signal(r->loop, signals[i], on_signal, r, e);
	return rc;
}

int
relay_new(const struct relay_options *o, struct relay **ret, struct err *e)
{
	AUTO(relay_freep) struct relay *r = mem_new(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return err_nomem(e);
	*r = (struct relay){
		.o = *o, .server_stdin = -1, .server_stdout = -1, .pidfd = -1
	};
	rc = loop_new(&r->loop, e);
	if (rc == 0)
		rc = start(r, e);
	if (rc == 0)
		rc = watch(r, e);
	if (rc == 0)
		*ret = TAKE_PTR(r);
	return rc;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	if (r->pid > 0 && !r->gone)
		(void)kill(-r->pid, SIGKILL);
	line_in_free(r->client_in);
	line_in_free(r->server_in);
	if (r->client_out != NULL)
		line_out_free(r->client_out);
	line_out_free(r->server_out);
	if (r->server_stdin >= 0)
		(void)close(r->server_stdin);
	if (r->server_stdout >= 0)
		(void)close(r->server_stdout);
	if (r->pidfd >= 0)
		(void)close(r->pidfd);
	if (r->loop != NULL)
		loop_cancel(r->loop, r->patience);
	loop_free(r->loop);
	free(r);
}

void
relay_freep(struct relay **r)
{
	relay_free(*r);
	*r = NULL;
}

struct loop *
relay_loop(struct relay *r)
{
	return r->loop;
}

int
relay_run(struct relay *r)
{
	struct err e = ERR_INIT;

	if (loop_run(r->loop, &e) != 0) {
		say(e.msg);
		return EXIT_INTERNAL;
	}
	return r->status;
}
