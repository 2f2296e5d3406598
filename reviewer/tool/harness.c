/*
 * Start the reviewer's process, as the supervisor would, and ask it.
 * Runs in: assent.  Trusts: the process only as far as its records go.
 * Owns: the process and its links.
 */
#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fdio.h"
#include "base/ipc.h"
#include "base/num.h"
#include "base/spawn.h"
#include "core/review_helpers.h"

#define PROGRAM_NAME "assent-reviewer"
#define CONFIG_RECORD_MAX ((size_t)4 << 20)
#define QUESTION_RECORD_MAX ((size_t)4 << 20)
#define ANSWER_RECORD_MAX ((size_t)64 << 10)
#define ARENA_MAX ((size_t)1 << 20)
#define OUTSTANDING_MAX 256
#define ID_MAX 32

struct outstanding {
	void *question; /* NULL: free */
};

struct harness {
	struct harness_options o;
	struct loop *loop;
	struct review_helpers *helpers;
	struct ipc *supervisor, *engine;
	int peer_fd; /* the process's end of engine's link, till it is up */
	int pidfd;
	bool up, ended;
	size_t count;
	struct outstanding list[OUTSTANDING_MAX];
	struct err why; /* it ended: why */
};

static const struct review_identity ourselves = { .set = false };

/* ---- what it says -------------------------------------------------------- */

static void
give_up(struct harness *h, const char *why)
{
	if (!h->ended)
		(void)err_set(&h->why, ERR_SYS, "%s", why);
	h->ended = true;
	loop_stop(h->loop);
}

static int
on_ready(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct harness *h = ctx;
	struct confine_report report;
	struct rec in = rec_of(m->payload);
	int r;

	if (confine_report_get(&in, &report) != 0 || rec_done(&in, e) != 0)
		return err_set(e, ERR_INTERNAL, "ill-formed report");
	h->up = true;
	review_helpers_send_keys(
	    h->helpers, h->o.config, &ourselves, h->supervisor);
	rec_put_cstr(&b, "engine");
	r = ipc_send(h->supervisor, SR_PEER, buf_str(&b), h->peer_fd, e);
	fd_closep(&h->peer_fd);
	return r;
}

static int
on_program(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct harness *h = ctx;

	return review_helpers_program(
	    h->helpers, h->o.config, &ourselves, m, e);
}

static int
on_program_done(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct harness *h = ctx;

	return review_helpers_program_done(h->helpers, m, e);
}

static const struct ipc_row supervisor_rows[] = {
	{
	    .type = RS_READY,
	    .flags = IPC_ONCE,
	    .len_max = 64,
	    .handler = on_ready,
	},
	{ .type = RS_PROGRAM, .len_max = 16, .handler = on_program },
	{ .type = RS_PROGRAM_DONE, .len_max = 8, .handler = on_program_done },
};

static int
on_answer(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	struct harness *h = ctx;
	struct review_answer answer;
	void *question;
	uint64_t n;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = review_answer_decode(m->payload, a, &answer, e);
	if (r != 0)
		return r;
	if (num_parse_u64(
		str_of(answer.action_id), 0, OUTSTANDING_MAX - 1, &n) != 0 ||
	    h->list[n].question == NULL)
		return err_set(e, ERR_INTERNAL, "an answer to no question");
	question = h->list[n].question;
	h->list[n].question = NULL;
	h->count--;
	h->o.on_answer(h->o.ctx, question, &answer);
	if (h->count == 0)
		loop_stop(h->loop);
	return ERR_OK;
}

static int
on_status(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct rec in = rec_of(m->payload);

	(void)ctx;
	(void)rec_str(&in);
	return rec_done(&in, e);
}

static const struct ipc_row engine_rows[] = {
	{
	    .type = RE_ANSWER,
	    .len_max = ANSWER_RECORD_MAX,
	    .handler = on_answer,
	},
	{
	    .type = RE_STATUS,
	    .len_max = REVIEW_STATUS_BYTES_MAX + 16,
	    .handler = on_status,
	},
};

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct harness *h = ctx;

	review_helpers_forget(h->helpers, i);
	if (i == h->supervisor)
		h->supervisor = NULL;
	else
		h->engine = NULL;
	ipc_free(i);
	give_up(h,
	    why != NULL ? why->msg
			: "the reviewer's process ended; --log shows why");
}

/* ---- start and end -------------------------------------------------------- */

static int
open_program(int *ret, struct err *e)
{
	char path[PATH_BYTES_MAX];
	const ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t dir;

	if (len < 0)
		return err_sys(e, "cannot read /proc/self/exe");
	dir = str_rfind(str_n(path, (size_t)len), '/');
	if (dir + 1 + sizeof(PROGRAM_NAME) > sizeof(path))
		return err_set(e, ERR_LIMIT, "a path is too long");
	memcpy(path + dir + 1, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(e, "cannot open '%s'", path);
	return ERR_OK;
}

static int
start(struct harness *h, int theirs, struct err *e)
{
	char name[] = PROGRAM_NAME, role[] = "--role=reviewer";
	char *const argv[] = { name, role, NULL };
	const struct spawn_fd fds[] = {
		{ .fd = theirs, .as = 3 },
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	AUTO_FD int program = -1;
	pid_t pid;
	int r = open_program(&program, e);

	if (r != 0)
		return r;
	return spawn(
	    &(struct spawn_options){
		.path_fd = program,
		.argv = argv,
#ifdef ASSENT_SANITIZE
		.envp = environ,
#endif
		.fds = fds,
		.fd_count = h->o.log ? 2 : 1,
	    },
	    &pid, &h->pidfd, e);
}

static int
send_start(struct harness *h, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(CONFIG_RECORD_MAX);
	int r;

	config_encode(h->o.config, false, &b);
	r = buf_done(&b, e);
	return r != 0 ? r
		      : ipc_send(h->supervisor, SR_START, buf_str(&b), -1, e);
}

static int
open_links(struct harness *h, int *ret_theirs, struct err *e)
{
	int pair[2];
	int r = ipc_pair(pair, e);

	if (r != 0)
		return r;
	*ret_theirs = pair[1];
	r = ipc_new(h->loop, pair[0], "reviewer", supervisor_rows,
	    ARRAY_LEN(supervisor_rows), h, on_closed, &h->supervisor, e);
	if (r == 0)
		r = ipc_pair(pair, e);
	if (r != 0)
		return r;
	h->peer_fd = pair[1];
	return ipc_new(h->loop, pair[0], "reviewer", engine_rows,
	    ARRAY_LEN(engine_rows), h, on_closed, &h->engine, e);
}

static int
open_all(struct harness *h, struct err *e)
{
	AUTO_FD int theirs = -1;
	int r = loop_new(&h->loop, e);

	if (r == 0)
		r = review_helpers_new(h->loop, &h->helpers, e);
	if (r == 0)
		r = review_helpers_take_environment(h->helpers, h->o.config, e);
	if (r == 0)
		r = review_helpers_check(h->helpers, h->o.config, e);
	if (r == 0)
		r = open_links(h, &theirs, e);
	if (r == 0)
		r = start(h, theirs, e);
	return r != 0 ? r : send_start(h, e);
}

int
harness_open(
    const struct harness_options *o, struct harness **ret, struct err *e)
{
	struct harness *h = mem_new(1, sizeof(*h));
	int r;

	if (h == NULL)
		return err_nomem(e);
	h->o = *o;
	h->peer_fd = -1;
	h->pidfd = -1;
	/* A process that ends must not end us by a write. */
	(void)signal(SIGPIPE, SIG_IGN);
	r = open_all(h, e);
	if (r != 0) {
		harness_close(h);
		return r;
	}
	*ret = h;
	return ERR_OK;
}

void
harness_close(struct harness *h)
{
	char how[64];
	int code;

	if (h == NULL)
		return;
	ipc_freep(&h->engine);
	ipc_freep(&h->supervisor);
	if (h->pidfd >= 0) {
		(void)pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0);
		(void)spawn_reap(h->pidfd, &code, how, sizeof(how), NULL);
	}
	fd_closep(&h->pidfd);
	fd_closep(&h->peer_fd);
	review_helpers_free(h->helpers);
	loop_free(h->loop);
	mem_freep(&h);
}

void
harness_closep(struct harness **h)
{
	harness_close(*h);
	*h = NULL;
}

int
harness_ask(
    struct harness *h, struct review_question *q, void *question, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(QUESTION_RECORD_MAX);
	char id[ID_MAX];
	size_t n = 0;
	int r;

	while (n < OUTSTANDING_MAX && h->list[n].question != NULL)
		n++;
	if (n == OUTSTANDING_MAX)
		return err_set(e, ERR_LIMIT, "too many questions at once");
	if (h->engine == NULL)
		return err_set(e, ERR_SYS, "the reviewer's process is gone");
	(void)snprintf(id, sizeof(id), "%zu", n);
	q->action_id = id;
	review_question_encode(q, &b);
	q->action_id = NULL;
	r = buf_done(&b, e);
	if (r == 0)
		r = ipc_send(h->engine, ER_ASK, buf_str(&b), -1, e);
	if (r != 0)
		return r;
	h->list[n].question = question;
	h->count++;
	return ERR_OK;
}

int
harness_run(struct harness *h, struct err *e)
{
	int r = ERR_OK;

	if (h->count > 0 && !h->ended)
		r = loop_run(h->loop, e);
	if (r == 0 && h->ended)
		return err_set(e, ERR_SYS, "%s", h->why.msg);
	return r;
}
