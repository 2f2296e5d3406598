/*
 * The executor and a real launcher without the rest of the daemon.
 *
 *     executor_alone LAUNCHER < LINES
 *
 * A line is an action (JSON), which starts at once and is number 1, 2 ...; or
 * "!wait" for all to end, "!sleep MS", "!kill N SIGNAL", "!stdin N TEXT".
 * Prints one JSON line for each end.
 * Runs in: tests.  Trusts: the test.  Owns: the launcher.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "core/ports.h"
#include "model/action_json.h"

#define RUNS_MAX 4096
#define OUTPUT_MAX ((size_t)1 << 20)
#define LINE_BYTES_MAX ((size_t)8 << 20)

/* What db/ would have made after its commit. */
struct receipt {
	const struct action *a;
};

const char *
receipt_action_id(const struct receipt *r)
{
	return r->a->id;
}

const uint8_t *
receipt_action_sha256(const struct receipt *r)
{
	return r->a->sha256;
}

enum row_kind
receipt_kind(const struct receipt *r)
{
	(void)r;
	return ROW_INTENT;
}

struct one {
	struct action *a;
	struct buf out[2];
	bool ended;
};

struct driver {
	struct loop *loop;
	struct executor *x;
	struct one runs[RUNS_MAX];
	size_t count, running;
};

static struct one *
find(struct driver *d, const char *id)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->runs[i].a != NULL && strcmp(d->runs[i].a->id, id) == 0)
			return &d->runs[i];
	}
	return NULL;
}

static void
on_started(void *ctx, const char *id)
{
	(void)ctx;
	(void)id;
}

static void
on_output(void *ctx, const char *id, int stream, struct str bytes)
{
	struct one *o = find(ctx, id);

	if (o == NULL)
		return;
	buf_put_str(&o->out[stream - 1], bytes);
	sandbox_executor.taken(((struct driver *)ctx)->x, id, bytes.len);
}

static void
print_end(const struct one *one, const struct outcome *o)
{
	AUTO_BUF struct buf b = BUF_INIT(8 * OUTPUT_MAX);
	struct jsonw w = jsonw_on(&b);

	jsonw_object(&w);
	jsonw_kstr(&w, "id", one->a->id);
	jsonw_kint(&w, "exit", o->exit);
	jsonw_kint(&w, "signal", o->signal);
	jsonw_kbool(&w, "timed_out", o->timed_out);
	jsonw_kbool(&w, "truncated", o->truncated);
	jsonw_kint(&w, "wall_ms", o->wall_ms);
	jsonw_kstr(&w, "failure", o->failure);
	jsonw_key(&w, "violations");
	jsonw_array(&w);
	for (size_t i = 0; i < o->violation_count; i++)
		jsonw_cstr(&w, o->violations[i]);
	jsonw_end(&w);
	jsonw_kint(&w, "bytes", (int64_t)one->out[0].len);
	jsonw_key(&w, "stdout");
	jsonw_str(&w, str_head(buf_str(&one->out[0]), 65536));
	jsonw_key(&w, "stderr");
	jsonw_str(&w, str_head(buf_str(&one->out[1]), 65536));
	jsonw_end(&w);
	(void)printf("%s\n", buf_cstr(&b));
	(void)fflush(stdout);
}

static void
on_ended(void *ctx, const char *id, const struct outcome *o)
{
	struct driver *d = ctx;
	struct one *one = find(d, id);

	if (one == NULL || one->ended)
		abort();
	one->ended = true;
	d->running--;
	print_end(one, o);
	action_free(one->a);
	one->a = NULL;
	buf_free(&one->out[0]);
	buf_free(&one->out[1]);
}

static const struct executor_events events = {
	.started = on_started,
	.output = on_output,
	.ended = on_ended,
};

static _Noreturn void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "executor_alone: %s: %s\n", what, e->msg);
	exit(1);
}

static void
start_launcher(struct driver *d, char *path)
{
	char mode[] = "--launcher";
	char *const argv[] = { path, mode, NULL };
	struct err e = ERR_INIT;
	int pair[2], pidfd;
	pid_t pid;

	if (ipc_pair(pair, &e) != 0)
		die("pair", &e);
	const struct spawn_fd fds[] = {
		{ .fd = pair[1], .as = 3 },
		{ .fd = STDERR_FILENO, .as = STDERR_FILENO },
	};
	const struct spawn_options o = {
		.path = path,
		.argv = argv,
		.fds = fds,
		.fd_count = 2,
	};

	if (spawn(&o, &pid, &pidfd, &e) != 0)
		die("spawn", &e);
	(void)close(pair[1]);
	if (sandbox_executor.add_launcher(
		d->x, geteuid(), getegid(), pair[0], &e) != 0)
		die("add_launcher", &e);
}

static void
start_action(struct driver *d, struct str line)
{
	struct one *one = &d->runs[d->count];
	struct plan_ref plan;
	struct receipt receipt;
	struct err e = ERR_INIT;
	int r;

	if (d->count == RUNS_MAX || action_new(&one->a, &e) != 0)
		die("action", &e);
	d->count++;
	for (size_t i = 0; i < 2; i++)
		one->out[i] = (struct buf)BUF_INIT(OUTPUT_MAX * 16);
	(void)snprintf(one->a->id, sizeof(one->a->id), "%zu", d->count);
	r = action_from_json(line, true, one->a, &e);
	if (r != 0)
		die("json", &e);
	one->a->proposer.uid = geteuid();
	one->a->proposer.gid = getegid();
	receipt.a = one->a;
	d->running++;
	r = sandbox_executor.plan(d->x, one->a, one->a->arena, &plan, &e);
	if (r == 0)
		r = sandbox_executor.start(d->x, one->a, &plan, &receipt, &e);
	if (r != 0) {
		const struct outcome o = { .exit = -1, .failure = e.msg };

		on_ended(d, one->a->id, &o);
	}
}

static void
turn_for(struct driver *d, int64_t ms)
{
	const int64_t end = loop_now_ns() + ms * 1000000;

	while (loop_now_ns() < end)
		(void)loop_once(d->loop, 5, NULL);
}

static void
command(struct driver *d, char *line)
{
	char *save = NULL;
	const char *verb = strtok_r(line, " ", &save);
	const char *first = strtok_r(NULL, " ", &save);
	const char *rest = strtok_r(NULL, "", &save);

	if (strcmp(verb, "!wait") == 0) {
		while (d->running > 0)
			(void)loop_once(d->loop, -1, NULL);
	} else if (strcmp(verb, "!sleep") == 0) {
		turn_for(d, strtol(first, NULL, 10));
	} else if (strcmp(verb, "!kill") == 0) {
		(void)sandbox_executor.kill(
		    d->x, first, (int)strtol(rest, NULL, 10), NULL);
	} else if (strcmp(verb, "!stdin") == 0) {
		(void)sandbox_executor.send_stdin(
		    d->x, first, str_of(rest), NULL);
	}
}

int
main(int argc, char **argv)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct err e = ERR_INIT;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (argc != 2 || d == NULL)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("driver", LOG_WARN);
	if (loop_new(&d->loop, &e) != 0 ||
	    sandbox_executor.open(d->loop, &events, d, &d->x, &e) != 0)
		die("open", &e);
	start_launcher(d, argv[1]);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[--n] = '\0';
		if (line[0] == '!')
			command(d, line);
		else
			start_action(d, str_n(line, (size_t)n));
	}
	while (d->running > 0)
		(void)loop_once(d->loop, -1, NULL);
	free(line);
	sandbox_executor.close(d->x);
	loop_free(d->loop);
	free(d);
	return 0;
}
