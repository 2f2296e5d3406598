/*
 * How long runs take: the executor with a real launcher beside plain spawns
 * and other programs, interleaved in one run, because machines drift.
 *
 *     executor_clock LAUNCHER WORKSPACE ROUNDS PARALLEL MS < COMMANDS
 *
 * Runs with everything fresh are in folders beside WORKSPACE, so many that no
 * template is made for them. They are timed after all others, beside the
 * first of COMMANDS, each after a rest: the start of the next one is made when
 * one has been answered, and would be in the way of whatever comes then. Then
 * once more without a rest, where it is in the way of the next one.
 * A line of COMMANDS is "NAME WORD..." to be spawned as it is; "spawn" is the
 * floor. "in NAME FOLDER" is a run through the launcher in another workspace.
 * Prints name, p50 and unit by tabs; then how many runs a second there
 * are with PARALLEL at a time during MS, and the descriptors held.
 * Runs in: benchmarks.  Trusts: its caller.  Owns: the launcher.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spawn.h"
#include "core/ports.h"
#include "model/config.h"
#include "model/action_json.h"

#define ACCOUNT 59997 /* of an elevated run */
#define ROUNDS_MAX 20000
#define COMMANDS_MAX 8
#define WORDS_MAX 64
#define LINE_BYTES 8192
#define PARALLEL_MAX 64
#define FRESH 40 /* more than a launcher remembers */
#define TURNS 6 /* of each that is measured by the second */
#define ACTIONS_MAX (PARALLEL_MAX + FRESH + COMMANDS_MAX)
#define WARM 5 /* the template is made meanwhile */
#define REST_MS 5
#define LAUNCHER_MS 30000

extern char **environ;

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

struct clock {
	struct loop *loop;
	struct executor *x;
	const char *workspace;
	uid_t proposer; /* not our own: the runs are elevated */
	struct action *actions[ACTIONS_MAX];
	struct plan_ref plans[ACTIONS_MAX];
	size_t running;
	uint64_t ended;
	int64_t until_ns; /* then nothing is started any more */
};

/* How many ended, in how many milliseconds. */
struct rate {
	uint64_t count;
	double ms;
};

struct command {
	char line[LINE_BYTES];
	char *words[WORDS_MAX];
	double *took;
	size_t action; /* 0: it is spawned */
	struct rate rate; /* where it is spawned */
};

static _Noreturn void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "executor_clock: %s: %s\n", what, e->msg);
	exit(1);
}

static void
start(struct clock *c, size_t i)
{
	const struct receipt receipt = { .a = c->actions[i] };
	struct err e = ERR_INIT;

	c->running++;
	if (sandbox_executor.start(
		c->x, c->actions[i], &c->plans[i], &receipt, &e) != 0)
		die("start", &e);
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
	(void)ctx;
	(void)id;
	(void)fprintf(stderr, "%d: %.*s", stream, (int)bytes.len, bytes.s);
}

static void
on_ended(void *ctx, const char *id, const struct outcome *o)
{
	struct clock *c = ctx;
	const size_t i = (size_t)strtoul(id, NULL, 10);

	if (o->exit != 0 || o->failure != NULL) {
		const struct err e = { .code = ERR_SYS };

		(void)fprintf(stderr, "exit %d %s\n", o->exit,
		    o->failure == NULL ? "" : o->failure);
		die("run", &e);
	}
	c->running--;
	c->ended++;
	if (loop_now_ns() < c->until_ns)
		start(c, i);
}

static const struct executor_events events = {
	.started = on_started,
	.output = on_output,
	.ended = on_ended,
};

static void
start_launcher(struct clock *c, char *path)
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

	if (spawn(&o, &pid, &pidfd, &e) != 0 ||
	    sandbox_executor.add_launcher(
		c->x, geteuid(), getegid(), pair[0], &e) != 0)
		die("launcher", &e);
	(void)close(pair[1]);
}

/* As after 'assent setup --elevated'. */
static void
elevate(struct clock *c, const char *uid)
{
	static struct config set = {
		.elevated = ELEVATED_PREFERRED,
		.launcher_timeout_ms = LAUNCHER_MS,
		.elevated_setup = {
			.set_up = true,
			.ready = true,
			.offline = { "assent-offline", ACCOUNT, ACCOUNT },
			.online = { { "assent-online", ACCOUNT, ACCOUNT } },
			.online_count = 1,
		},
	};
	struct err e = ERR_INIT;

	c->proposer = (uid_t)strtoul(uid, NULL, 10);
	if (sandbox_executor.configure(c->x, &set, &e) != 0)
		die("configure", &e);
}

static void
make_action(struct clock *c, size_t i, const char *workspace)
{
	char json[LINE_BYTES];
	struct action *a = NULL;
	struct err e = ERR_INIT;

	(void)snprintf(json, sizeof(json),
	    "{\"tool\":\"exec\",\"workspace\":\"%s\",\"cwd\":\"%s\","
	    "\"input\":{\"argv\":[\"/bin/true\"]}}",
	    workspace, workspace);
	if (action_new(&a, &e) != 0 ||
	    action_from_json(str_of(json), true, a, &e) != 0)
		die("action", &e);
	(void)snprintf(a->id, sizeof(a->id), "%zu", i);
	a->proposer.uid = c->proposer;
	a->proposer.gid = c->proposer == geteuid() ? getegid() : c->proposer;
	if (sandbox_executor.plan(c->x, a, a->arena, &c->plans[i], &e) != 0)
		die("plan", &e);
	if (c->plans[i].elevated != (c->proposer != geteuid()))
		die("mode", &e);
	c->actions[i] = a;
}

static void
make_fresh(struct clock *c)
{
	for (size_t i = 0; i < FRESH; i++) {
		char folder[LINE_BYTES];
		struct err e = ERR_INIT;

		(void)snprintf(
		    folder, sizeof(folder), "%s.fresh-%zu", c->workspace, i);
		if ((mkdir(folder, 0755) != 0 && errno != EEXIST) ||
		    chown(folder, c->proposer, c->proposer) != 0) {
			(void)err_sys(&e, "cannot make '%s'", folder);
			die("folder", &e);
		}
		make_action(c, PARALLEL_MAX + i, folder);
	}
}

static double
since(int64_t ns)
{
	return (double)(loop_now_ns() - ns) / 1e6;
}

static double
run_once(struct clock *c, size_t i)
{
	const int64_t began = loop_now_ns();

	start(c, i);
	while (c->running > 0)
		(void)loop_once(c->loop, -1, NULL);
	return since(began);
}

static void
spawn_failed(char *const *words)
{
	(void)fprintf(stderr, "'%s' failed\n", words[0]);
	exit(1);
}

static pid_t
spawn_command(char *const *words)
{
	pid_t pid;

	if (posix_spawnp(&pid, words[0], NULL, NULL, words, environ) != 0)
		spawn_failed(words);
	return pid;
}

/* pid: or -1, whichever ends first; the launcher does not. */
static void
wait_command(pid_t pid, char *const *words)
{
	int status = -1;

	if (waitpid(pid, &status, 0) <= 0 || status != 0)
		spawn_failed(words);
}

static double
spawn_once(char *const *words)
{
	const int64_t began = loop_now_ns();

	wait_command(spawn_command(words), words);
	return since(began);
}

static int
by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
print_times(const char *name, double *took, size_t count)
{
	qsort(took, count, sizeof(*took), by_size);
	(void)printf("%s: p50\t%.3f\tms\n", name, took[count / 2]);
	(void)printf("%s: p90\t%.3f\tms\n", name, took[count * 9 / 10]);
}

static size_t
read_commands(struct command *to)
{
	size_t n = 0;

	while (
	    n < COMMANDS_MAX && fgets(to[n].line, LINE_BYTES, stdin) != NULL) {
		char *save = NULL, *word;
		size_t count = 0;

		to[n].line[strcspn(to[n].line, "\n")] = '\0';
		for (word = strtok_r(to[n].line, " ", &save);
		     word != NULL && count + 1 < WORDS_MAX;
		     word = strtok_r(NULL, " ", &save))
			to[n].words[count++] = word;
		to[n].took = calloc(ROUNDS_MAX, sizeof(double));
		n += count > 1 && to[n].took != NULL;
	}
	return n;
}

static unsigned
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

/* A command that is a run in a workspace of its own. */
static void
make_other(struct clock *c, struct command *m, size_t action)
{
	if (strcmp(m->words[1], "in:") != 0 || m->words[2] == NULL)
		return;
	m->action = action;
	make_action(c, action, m->words[2]);
	for (unsigned i = 0; i < WARM; i++)
		(void)run_once(c, action);
}

static double
take(struct clock *c, const struct command *m)
{
	return m->action != 0 ? run_once(c, m->action)
			      : spawn_once(m->words + 1);
}

static void
rest(void)
{
	const struct timespec t = { .tv_nsec = REST_MS * 1000000L };

	(void)nanosleep(&t, NULL);
}

static void
measure_fresh(struct clock *c, size_t rounds, const struct command *floor)
{
	static double took[ROUNDS_MAX], fresh[ROUNDS_MAX];
	size_t next = PARALLEL_MAX;

	for (size_t round = 0; round < rounds; round++) {
		rest();
		if (floor != NULL)
			took[round] = take(c, floor);
		rest();
		fresh[round] = run_once(c, next + round % FRESH);
	}
	if (floor != NULL)
		print_times("beside fresh runs", took, rounds);
	print_times("run with everything fresh", fresh, rounds);
	next += rounds % FRESH;
	for (size_t round = 0; round < rounds; round++) {
		fresh[round] = run_once(c, next);
		if (++next == PARALLEL_MAX + FRESH)
			next = PARALLEL_MAX;
	}
	print_times("fresh runs without a rest", fresh, rounds);
}

static void
measure_latency(
    struct clock *c, size_t rounds, struct command *commands, size_t count)
{
	static double took[ROUNDS_MAX];

	for (unsigned i = 0; i < WARM; i++)
		(void)run_once(c, 0);
	for (size_t i = 0; i < count; i++)
		make_other(c, &commands[i], PARALLEL_MAX + FRESH + i);
	for (size_t round = 0; round < rounds; round++) {
		for (size_t k = 0; k < count; k++) {
			/* Who comes first meets the end of the round before. */
			const size_t i = round % 2 == 0 ? k : count - 1 - k;

			commands[i].took[round] = take(c, &commands[i]);
		}
		took[round] = run_once(c, 0);
	}
	for (size_t i = 0; i < count; i++) {
		print_times(commands[i].words[0], commands[i].took, rounds);
		free(commands[i].took);
	}
	print_times("run through a launcher", took, rounds);
}

static void
add_runs(struct clock *c, size_t parallel, int64_t ms, struct rate *to)
{
	const int64_t began = loop_now_ns();
	const uint64_t ended = c->ended;

	c->until_ns = began + ms * 1000000;
	for (size_t i = 0; i < parallel; i++)
		start(c, i);
	while (c->running > 0)
		(void)loop_once(c->loop, -1, NULL);
	to->count += c->ended - ended;
	to->ms += since(began);
}

static void
add_spawned(struct command *from, size_t parallel, int64_t ms)
{
	char *const *words = from->words + 1;
	const int64_t began = loop_now_ns();

	for (size_t i = 0; i < parallel; i++)
		(void)spawn_command(words);
	while (since(began) < (double)ms) {
		wait_command(-1, words);
		(void)spawn_command(words);
		from->rate.count++;
	}
	for (size_t i = 0; i < parallel; i++)
		wait_command(-1, words);
	from->rate.count += parallel;
	from->rate.ms += since(began);
}

static void
print_rate(const char *name, size_t parallel, const struct rate *r)
{
	(void)printf("%sruns a second, %zu at a time\t%.0f\t1/s\n", name,
	    parallel, (double)r->count / (r->ms / 1000));
}

static void
measure_throughput(struct clock *c, size_t parallel, int64_t ms,
    struct command *commands, size_t count)
{
	const unsigned before = descriptors();
	struct rate runs = { .count = 0 };

	for (unsigned turn = 0; turn < TURNS; turn++) {
		for (size_t i = 0; i < count; i++) {
			if (commands[i].action == 0)
				add_spawned(&commands[i], parallel, ms / TURNS);
		}
		add_runs(c, parallel, ms / TURNS, &runs);
	}
	for (size_t i = 0; i < count; i++) {
		char name[LINE_BYTES + 2];

		(void)snprintf(
		    name, sizeof(name), "%s: ", commands[i].words[0]);
		if (commands[i].action == 0)
			print_rate(name, parallel, &commands[i].rate);
	}
	print_rate("", parallel, &runs);
	(void)printf(
	    "descriptors gained\t%d\t-\n", (int)descriptors() - (int)before);
}

int
main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	struct clock *c = calloc(1, sizeof(*c));
	struct err e = ERR_INIT;
	size_t rounds, parallel, count;

	if (argc < 6 || argc > 7 || c == NULL)
		return 64;
	rounds = strtoul(argv[3], NULL, 10);
	parallel = strtoul(argv[4], NULL, 10);
	if (rounds < 1 || rounds > ROUNDS_MAX || parallel < 1 ||
	    parallel > PARALLEL_MAX)
		return 64;
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("clock", LOG_WARN);
	c->workspace = argv[2];
	c->proposer = geteuid();
	if (loop_new(&c->loop, &e) != 0 ||
	    sandbox_executor.open(c->loop, &events, c, &c->x, &e) != 0)
		die("open", &e);
	if (argc == 7)
		elevate(c, argv[6]);
	start_launcher(c, argv[1]);
	for (size_t i = 0; i < parallel; i++)
		make_action(c, i, c->workspace);
	make_fresh(c);
	count = read_commands(commands);
	measure_latency(c, rounds, commands, count);
	measure_fresh(c, rounds, count > 0 ? &commands[0] : NULL);
	measure_throughput(
	    c, parallel, strtol(argv[5], NULL, 10), commands, count);
	sandbox_executor.close(c->x);
	loop_free(c->loop);
	for (size_t i = 0; i < ARRAY_LEN(c->actions); i++) {
		if (c->actions[i] != NULL)
			action_free(c->actions[i]);
	}
	free(c);
	return 0;
}
