/*
 * Rules alone: time and memory to load them, and CPU time of a decision, with
 * 10 to 10,000 rules: 70 % name a program and a subcommand, 20 % are regexes
 * about an option of a program, 10 % regexes about file names anywhere.
 * "decide" is the rules' work alone, on commands that were understood before;
 * "classify" is all of it: the shell, the effects, the shipped rules, these.
 *
 *     bench_rules
 *
 * Runs in: the bench.  Trusts: nothing.  Owns: nothing.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "decide.h"
#include "index.h"

#define CALLS 1000
#define REPEATS 7
#define TEXT_MAX ((size_t)64 << 20)
#define ARENA_MAX ((size_t)1 << 20)

struct dice {
	uint64_t state;
};

static unsigned
roll(struct dice *d, unsigned sides)
{
	d->state = d->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(d->state >> 33) % sides;
}

static double
cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A word of the n-th program, subcommand or name; the same each time. */
static void
put_word(struct buf *b, const char *kind, unsigned n)
{
	static const char *const syllables[] = { "ba", "co", "di", "fu", "ge",
		"ki", "lo", "mu", "ne", "pa", "ro", "si", "ta", "ve", "wo",
		"zy" };

	buf_puts(b, kind);
	do {
		buf_puts(b, syllables[n % 16]);
		n /= 16;
	} while (n > 0);
}

static const char *const decisions[] = { "allow", "allow", "allow", "ask",
	"deny" };

static void
put_rule(struct buf *b, struct dice *d, unsigned i, unsigned programs)
{
	const unsigned program = roll(d, programs), kind = i % 10;

	buf_printf(
	    b, "  - id: r.%u\n    decision: %s\n", i, decisions[roll(d, 5)]);
	if (kind < 7) {
		buf_puts(b, "    command: {program: ");
		put_word(b, "p", program);
		buf_puts(b, ", subcommand: ");
		put_word(b, "s", roll(d, 50));
		buf_puts(b, "}\n    reason: The team decided so.\n");
	} else if (kind < 9) {
		buf_puts(b, "    regex: '");
		put_word(b, "p", program);
		buf_puts(b, " .*--");
		put_word(b, "o", i);
		buf_puts(b, "(?:=|\\s|$).*'\n");
	} else {
		buf_puts(b, "    regex: '.*(?:^|[\\s/=])");
		put_word(b, "n", i);
		buf_puts(b, "\\w*\\.(?:pem|key)(?:\\s|$).*'\n");
	}
}

static void
rules_text(struct buf *b, unsigned count)
{
	struct dice d = { .state = 1 };

	buf_puts(b, "assent: 1\nrules:\n");
	for (unsigned i = 0; i < count; i++)
		put_rule(b, &d, i, count / 4 + 3);
}

static struct ruleset *
load(struct str text)
{
	const struct rule_text file = {
		.name = "bench.yaml", .layer = LAYER_ORGANISATION, .text = text
	};
	struct ruleset *set = NULL;
	struct err e = ERR_INIT;

	if (ruleset_parse(&file, 1, NULL, &set, &e) != 0 ||
	    index_build(set, &e) != 0) {
		(void)fprintf(stderr, "bench_rules: %s\n", e.msg);
		exit(1);
	}
	return set;
}

/* ---- calls ------------------------------------------------------------- */

struct call {
	struct part part;
	struct part_command cmd;
	struct effect effect;
	struct command_opt option;
	struct command_operand operand;
};

static void
make_call(struct call *c, struct dice *d, unsigned programs, struct arena *a)
{
	AUTO_BUF struct buf b = BUF_INIT(4096);
	size_t program, sub, option;

	/* A quarter is of programs that no rule names. */
	put_word(&b, "p", roll(d, programs + programs / 3 + 1));
	program = b.len;
	buf_putc(&b, ' ');
	put_word(&b, "s", roll(d, 50));
	sub = b.len;
	buf_puts(&b, " --");
	put_word(&b, "o", roll(d, programs * 4));
	option = b.len;
	buf_puts(&b, " src/some/folder/");
	put_word(&b, "n", roll(d, programs * 4));
	buf_puts(&b, ".c");
	const char *text = arena_strdup(a, buf_cstr(&b));

	c->effect = (struct effect){ .kind = EFFECT_READ,
		.path_class = PATH_WORKSPACE,
		.target = "/home/dev/proj/src/some/folder/x.c" };
	c->option.name = c->option.spelt =
	    str_n(text + sub + 1, option - sub - 1);
	c->operand.text = str_of(text + option + 1);
	c->part = (struct part){
		.text = text, .effects = &c->effect, .effect_count = 1
	};
	c->cmd = (struct part_command){
		.tool = TOOL_SHELL,
		.program = str_n(text, program),
		.written = str_n(text, program),
		.subcommand = str_n(text + program + 1, sub - program - 1),
		.described = true,
		.options = &c->option,
		.option_count = 1,
		.operands = &c->operand,
		.operand_count = 1,
	};
}

static double
decide_all(const struct decide_options *o, struct action *a, struct call *calls,
    size_t *ret_denied)
{
	const double start = cpu_ns();
	size_t denied = 0;

	for (size_t i = 0; i < CALLS; i++) {
		AUTO(arena_freep) struct arena *arena = arena_new(ARENA_MAX);
		struct classification c;
		const struct effects fx = { .parts = &calls[i].part,
			.commands = &calls[i].cmd,
			.count = 1 };

		if (decide(o, a, &fx, arena, &c, NULL) != 0)
			exit(1);
		denied += c.decision == DECISION_DENY;
	}
	*ret_denied = denied;
	return (cpu_ns() - start) / CALLS;
}

static double
best_of(const struct decide_options *o, struct action *a, struct call *calls,
    size_t *ret_denied)
{
	double best = 0;

	for (int i = 0; i < REPEATS; i++) {
		const double ns = decide_all(o, a, calls, ret_denied);

		if (i == 0 || ns < best)
			best = ns;
	}
	return best;
}

static double
bench(unsigned count)
{
	static struct call calls[CALLS];
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	AUTO(regex_runner_freep) struct regex_runner *runner = NULL;
	AUTO(action_freep) struct action *a = NULL;
	AUTO_FREE struct part_judge *scratch = decide_scratch_new();
	AUTO(arena_freep) struct arena *arena = arena_new(TEXT_MAX);
	struct dice d = { .state = 7 };
	size_t denied = 0;

	rules_text(&text, count);
	(void)malloc_trim(0);
	const size_t before = mallinfo2().uordblks;
	const double start = cpu_ns();
	AUTO(ruleset_freep) struct ruleset *set = load(buf_str(&text));
	const double loaded = cpu_ns();
	const size_t after = mallinfo2().uordblks;

	if (regex_runner_new(NULL, NULL, &runner, NULL) != 0 ||
	    action_new(&a, NULL) != 0)
		exit(1);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.workspace = arena_strdup(arena, "/home/dev/proj");
	for (size_t i = 0; i < CALLS; i++)
		make_call(&calls[i], &d, count / 4 + 3, arena);
	const struct decide_options o = { .set = set,
		.runner = runner,
		.policy = POLICY_ON_REQUEST,
		.scratch = scratch };
	const double ns = best_of(&o, a, calls, &denied);

	(void)printf(
	    "load_%u_rules\t%.2f\tms\n", count, (loaded - start) / 1e6);
	(void)printf("memory_%u_rules\t%.2f\tMB\n", count,
	    (double)(after - before) / 1e6);
	(void)printf("decide_%u_rules\t%.0f\tns\n", count, ns);
	(void)printf("denied_%u_rules\t%zu\tof 1000\n", count, denied);
	return ns;
}

/* ---- whole decisions --------------------------------------------------- */

static const char *const scripts[] = { "git status", "ls -la src",
	"git diff HEAD~1 -- src/main.c", "make -j2 test",
	"grep -rn 'main(' src | head -20", "cargo test --all",
	"npm ci && npm test", "rm -rf build", "git push origin topic",
	"python3 -c 'print(1)'", "cat README.md", "find . -name '*.o' -delete",
	"cd src && gcc -c main.c -o main.o", "curl -s https://example.com/x" };

static void
write_rules(char *path, unsigned count)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	const int fd = mkstemps(path, 5);

	rules_text(&text, count);
	if (fd < 0 || write(fd, buf_cstr(&text), text.len) != (ssize_t)text.len)
		exit(1);
	(void)close(fd);
}

static double
classify_all(struct classifier *c)
{
	const double start = cpu_ns();

	for (size_t i = 0; i < CALLS; i++) {
		AUTO(action_freep) struct action *a = NULL;

		if (action_new(&a, NULL) != 0)
			exit(1);
		a->proposal.tool = TOOL_SHELL;
		a->proposal.executor = EXECUTOR_ASSENT;
		a->proposal.input.script =
		    arena_strdup(a->arena, scripts[i % ARRAY_LEN(scripts)]);
		a->proposal.cwd = arena_strdup(a->arena, "/home/dev/proj");
		a->proposal.workspace = a->proposal.cwd;
		a->proposer.home = arena_strdup(a->arena, "/home/dev");
		if (rules_classifier.classify(
			c, a, a->arena, &a->classification, NULL) != 0)
			exit(1);
	}
	return (cpu_ns() - start) / CALLS;
}

static double
bench_whole(unsigned count)
{
	char path[] = "/tmp/bench-rules-XXXXXX.yaml";
	const struct rule_dir dir = { .path = path,
		.layer = LAYER_ORGANISATION };
	const struct classifier_options o = {
		.dirs = &dir, .dir_count = 1, .policy = POLICY_ON_REQUEST
	};
	struct classifier *c = NULL;
	struct err e = ERR_INIT;
	double best = 0;

	write_rules(path, count);
	const int r = rules_classifier.open(&o, NULL, &c, &e);

	(void)unlink(path);
	if (r != 0) {
		(void)fprintf(stderr, "bench_rules: %s\n", e.msg);
		exit(1);
	}
	for (int i = 0; i < REPEATS; i++) {
		const double ns = classify_all(c);

		if (i == 0 || ns < best)
			best = ns;
	}
	rules_classifier.close(c);
	(void)printf("classify_%u_rules\t%.0f\tns\n", count, best);
	return best;
}

int
main(void)
{
	const double small = bench(10);

	(void)bench(100);
	(void)bench(1000);
	(void)printf("decide_10_to_10000\t%.2f\tx\n", bench(10000) / small);
	const double whole = bench_whole(10);

	(void)bench_whole(1000);

	(void)printf(
	    "classify_10_to_10000\t%.2f\tx\n", bench_whole(10000) / whole);
	return 0;
}
