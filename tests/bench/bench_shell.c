/*
 * The shell reader alone: CPU time of usual commands, of scripts of 32 KB, and
 * how time grows when the input doubles (a linear one says 2).
 *
 *     bench_shell
 *
 * Runs in: the bench.  Trusts: nothing.  Owns: nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "model/limits.h"
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

/* The time of one call, the best of several runs; *ret_parts for a check. */
static double
time_of(struct str script, unsigned calls, size_t *ret_parts)
{
	static const struct shell_context context = {
		.cwd = { .s = "/work", .len = 5 },
		.home = { .s = "/home/dev", .len = 9 },
	};
	double best = 1e18;

	for (unsigned i = 0; i < REPEATS; i++) {
		const double from = cpu_ns();

		for (unsigned k = 0; k < calls; k++) {
			struct arena *const a = arena_new(ACTION_ARENA_MAX);
			struct shell_result r;

			if (shell_understand(script, &context, a, &r, NULL) !=
			    0)
				exit(1);
			*ret_parts = r.part_count;
			arena_free(a);
		}
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

int
main(void)
{
	AUTO_BUF struct buf b = BUF_INIT(SCRIPT_BYTES_MAX);
	size_t parts;

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		const double t =
		    time_of(str_of(usual[i].script), CALLS, &parts);

		(void)printf("%s\t%.2f\tus\n", usual[i].name, t / 1e3);
	}
	for (size_t i = 0; i < ARRAY_LEN(repeated); i++) {
		double half, whole;

		fill(&b, repeated[i].line, SCRIPT_BYTES / 2);
		half = time_of(buf_str(&b), 3, &parts);
		fill(&b, repeated[i].line, SCRIPT_BYTES);
		whole = time_of(buf_str(&b), 3, &parts);
		(void)printf(
		    "32 KB of %s\t%.3f\tms\n", repeated[i].name, whole / 1e6);
		(void)printf("32 KB of %s, doubling\t%.2f\ttimes\n",
		    repeated[i].name, whole / half);
	}
	return 0;
}
