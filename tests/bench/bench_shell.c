/*
 * CPU time of usual commands, of scripts of 32 KB, and how time grows when the
 * input doubles (a linear one says 2): first of the shell reader alone ("read"),
 * then of the whole decision by the shipped programs and rules ("decide").
 * Then what the tables of programs and rules take: time to load, and memory.
 *
 *     bench_shell
 *
 * Runs in: the bench.  Trusts: nothing.  Owns: nothing.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "core/ports.h"
#include "embedded.h"
#include "model/limits.h"
#include "programs.h"
#include "shell/shell.h"

#define REPEATS 9
#define CALLS 2000
#define SCRIPT_BYTES ((size_t)32 << 10)

static double
cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One call; how many parts were seen. */
typedef size_t call_fn(struct classifier *c, struct str script);

static size_t
call_read(struct classifier *c, struct str script)
{
	static const struct shell_context context = {
		.cwd = { .s = "/work", .len = 5 },
		.home = { .s = "/home/dev", .len = 9 },
	};
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct shell_result r;

	(void)c;
	if (shell_understand(script, &context, a, &r, NULL) != 0)
		exit(1);
	return r.part_count;
}

static size_t
call_decide(struct classifier *c, struct str script)
{
	AUTO(action_freep) struct action *a = NULL;

	if (action_new(&a, NULL) != 0)
		exit(1);
	a->proposal.tool = TOOL_SHELL;
	a->proposal.executor = EXECUTOR_ASSENT;
	a->proposal.input.script =
	    arena_strndup(a->arena, script.s, script.len);
	a->proposal.cwd = a->proposal.workspace = "/home/dev/proj";
	a->proposer.home = "/home/dev";
	if (rules_classifier.classify(
		c, a, a->arena, &a->classification, NULL) != 0)
		exit(1);
	return a->classification.part_count;
}

/* The time of one call, the best of several runs. */
static double
time_of(call_fn *fn, struct classifier *c, struct str script, unsigned calls)
{
	double best = 1e18;

	for (unsigned i = 0; i < REPEATS; i++) {
		const double from = cpu_ns();

		for (unsigned k = 0; k < calls; k++)
			(void)fn(c, script);
		const double each = (cpu_ns() - from) / calls;

		best = each < best ? each : best;
	}
	return best;
}

static const struct {
	const char *name, *script;
} usual[] = {
	{ "git status", "git status" },
	{ "pipe", "cd src && rg -n 'foo\\(bar' --type c | head -20" },
	{ "tests", "npm test -- --reporter=dot 2>&1 | tail -25" },
	{ "loop", "for f in a b c; do cc -c \"$f.c\" -o build/$f.o; done" },
	{ "wrapped", "env X=1 timeout 5 bash -c 'make -j4 && ./run'" },
	{ "find exec", "find . -name '*.o' -newer x -exec rm {} +" },
	{ "heredoc",
	    "cat > f.py <<'EOF'\nimport os\nprint(os.getcwd())\nEOF\n"
	    "python3 f.py" },
};

/* Scripts made of one line again and again. */
static const struct {
	const char *name, *line;
} repeated[] = {
	{ "commands", "make -C dir target VAR=1 2>&1 | tail -5\n" },
	{ "assignments", "x=$x1; y=\"$y 2\"; z=${x%.c}\n" },
	{ "conditions", "[ -f a ] && x=1 || y=2; if a; then z=1; fi\n" },
	{ "quotes", "echo \"a $b 'c'\" 'd' \\e $'f' \"\" ''\n" },
	{ "substitutions", "echo \"$(basename \"$(pwd)\")\" `date`\n" },
	{ "braces", "echo {a,b}{c,d} {1..5}\n" },
	{ "braces alone", "{{{{{{{{ }},,}}" },
	{ "heredocs", "cat <<E\ntext $x\nE\n" },
	{ "cases", "case $x in a) y=1;; *) y=2;; esac\n" },
	{ "loops", "for i in 1 2 3; do cd d$i; x=$i; done\n" },
	{ "functions", "f() { x=$1; g \"$x\"; }; f a; f b\n" },
	{ "directories", "cd a; cd b; cd ..; pushd c; popd\n" },
	{ "arithmetic", "i=$((i+1)); ((j++)); echo $((i*j))\n" },
	{ "parameters", "echo ${x:-$y} ${z/a/b} ${x##*/}\n" },
	{ "open quote", "echo 'a' \"b\n" },
	{ "open substitution", "echo $(a\n" },
	{ "one word", "aaaaaaaaaaaaaaaa" },
	{ "one pipe", "a | b | " },
	{ "one list", "x=1 && a || " },
};

static void
fill(struct buf *b, const char *line, size_t bytes)
{
	buf_reset(b);
	while (b->len + strlen(line) <= bytes)
		buf_puts(b, line);
}

/* What somebody may write: comments, functions, settings, commands. */
static const char ordinary[] =
    "# Build the tools and the documentation; see docs/build.md for the\n"
    "# variables that change what is built, and where it is put.\n"
    "set -eu\n"
    "build_one()\n{\n"
    "\tlocal name=$1 out=\"build/$1\"\n\n"
    "\tmkdir -p \"$out\"\n"
    "\tif [ ! -f \"$out/done\" ]; then\n"
    "\t\techo \"building $name\"\n"
    "\t\tcc -O2 -Wall -Iinclude -o \"$out/$name\" \"src/$name.c\"\n"
    "\t\ttouch \"$out/done\"\n"
    "\tfi\n}\n"
    "for tool in alpha beta gamma; do\n"
    "\tbuild_one \"$tool\"\n"
    "done\n"
    "cat > build/version.h <<'EOF'\n"
    "/* Made by the build; do not edit. */\n"
    "#define VERSION \"1.2.3\"\n"
    "#define NAME \"tools\"\n"
    "EOF\n"
    "make -C docs html > build/docs.log 2>&1 || tail -n 20 build/docs.log\n";

static void
bench(call_fn *fn, struct classifier *c, const char *verb)
{
	AUTO_BUF struct buf b = BUF_INIT(SCRIPT_BYTES_MAX);

	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		(void)printf("%s %s\t%.2f\tus\n", verb, usual[i].name,
		    time_of(fn, c, str_of(usual[i].script), CALLS) / 1e3);
	for (size_t i = 0; i <= ARRAY_LEN(repeated); i++) {
		const bool last = i == ARRAY_LEN(repeated);
		const char *const name = last ? "ordinary" : repeated[i].name;
		const char *const line = last ? ordinary : repeated[i].line;
		double half, whole;

		fill(&b, line, SCRIPT_BYTES / 2);
		half = time_of(fn, c, buf_str(&b), 3);
		fill(&b, line, SCRIPT_BYTES);
		whole = time_of(fn, c, buf_str(&b), 3);
		(void)printf(
		    "%s 32 KB of %s\t%.3f\tms\n", verb, name, whole / 1e6);
		(void)printf("%s 32 KB of %s, doubling\t%.2f\ttimes\n", verb,
		    name, whole / half);
	}
}

static void
bench_tables(void)
{
	struct programs_file files[64];
	struct programs *p = NULL;
	const double from = cpu_ns();

	for (size_t i = 0; i < embedded_programs_count; i++)
		files[i] = (struct programs_file){
			.name = embedded_programs[i].name,
			.text = embedded_programs[i].text,
		};
	if (programs_new(files, embedded_programs_count, NULL, &p, NULL) != 0)
		exit(1);
	(void)printf("load programs\t%.2f\tms\n", (cpu_ns() - from) / 1e6);
	(void)printf(
	    "memory of programs\t%.2f\tMB\n", (double)programs_bytes(p) / 1e6);
	programs_free(p);
}

int
main(void)
{
	const struct classifier_options o = { .policy = POLICY_ON_REQUEST };
	struct classifier *c = NULL;

	(void)malloc_trim(0);
	const size_t before = mallinfo2().uordblks;
	const double from = cpu_ns();

	if (rules_classifier.open(&o, NULL, &c, NULL) != 0)
		return 1;
	(void)printf("load all\t%.2f\tms\n", (cpu_ns() - from) / 1e6);
	(void)printf("memory of all\t%.2f\tMB\n",
	    (double)(mallinfo2().uordblks - before) / 1e6);
	bench_tables();
	bench(call_read, NULL, "read");
	bench(call_decide, c, "decide");
	rules_classifier.close(c);
	return 0;
}
