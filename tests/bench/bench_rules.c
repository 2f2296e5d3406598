/*
 * Rules alone: time and memory to load them, and CPU time of a decision, with
 * 10 to 10,000 rules: 70 % name a program and a subcommand, 20 % are regexes
 * about an option of a program, 10 % regexes about file names anywhere.
 *
 *     bench_rules
 *
 * Runs in: the bench.  Trusts: nothing.  Owns: nothing.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

int
main(void)
{
	const double small = bench(10);

	(void)bench(100);
	(void)bench(1000);
	(void)printf("growth_10_to_10000\t%.2f\tx\n", bench(10000) / small);
	return 0;
}
