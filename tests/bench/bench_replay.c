/*
 * Replay of recorded history through two sets of rules: rows a second of CPU
 * time on one core, everything included (reading the store, checking each
 * row's hash, parsing, understanding, two decisions). Once with a history in
 * which calls repeat as they do in practice (one in fifty is new), once with
 * one in which none does.
 *
 *     bench_replay
 *
 * Runs in: the bench.  Trusts: nothing.  Owns: a temporary folder.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "core/ports.h"
#include "model/command.h"

#define ROWS 100000
#define ROWS_PER_COMMIT 512
#define RULES 1000

extern const struct command command_rules;

static double
cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "bench_replay: %s: %s\n", what, e->msg);
	exit(1);
}

static const char *const commands[] = { "git status", "ls -la src/dir%u",
	"git diff HEAD~1 -- src/file%u.c", "make -j2 test%u",
	"grep -rn 'name%u(' src | head -20", "cargo test --package p%u",
	"npm ci && npm test -- case%u", "rm -rf build/%u",
	"git push origin topic%u", "python3 tools/gen%u.py --out src/gen.c",
	"cat docs/page%u.md", "find . -name '*%u.o' -delete",
	"cd src && gcc -c main%u.c -o main.o",
	"curl -s https://h%u.example/x" };

static void
put_body(struct buf *b, unsigned n)
{
	char text[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(
	    text, sizeof(text), commands[n % ARRAY_LEN(commands)], n);
#pragma GCC diagnostic pop
	buf_reset(b);
	buf_printf(b,
	    "{\"text\":\"%s # %u\",\"agent\":\"codex\",\"cwd\":\"/home/dev/"
	    "proj\",\"workspace\":\"/home/dev/proj\",\"executor\":\"assent\","
	    "\"classified\":\"allow\",\"risk\":\"low\",\"reason\":\"Reads "
	    "files of the workspace and runs its code in the sandbox.\","
	    "\"profile\":\"workspace-write\",\"rules\":[\"default.read\"]}",
	    text, n);
}

static void
fill(const char *state, unsigned distinct)
{
	AUTO_BUF struct buf body = BUF_INIT(4096);
	struct err e = ERR_INIT;
	struct recorder *r;
	uint8_t hash[SHA256_LEN];
	uint64_t seq;

	if (db_recorder.open(state, &r, &e) != 0)
		die("open", &e);
	for (unsigned i = 0; i < ROWS; i++) {
		put_body(&body, i % distinct);
		const struct row row = { .kind = ROW_DECIDED,
			.action_id = "act_01J00000000000000000000000",
			.session = "s-1",
			.uid = 1000,
			.tool = TOOL_SHELL,
			.decision = DECISION_ALLOW,
			.by = BY_RULE,
			.time_real_ns = 1800000000000000000 + i,
			.body = buf_str(&body) };

		if (db_recorder.append(r, &row, &seq, hash, NULL, &e) != 0 ||
		    ((i + 1) % ROWS_PER_COMMIT == 0 &&
			db_recorder.commit(r, &e) != 0))
			die("append", &e);
	}
	if (db_recorder.commit(r, &e) != 0)
		die("commit", &e);
	db_recorder.close(r);
}

static void
write_rules(const char *dir, const char *decision)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);
	AUTO_BUF struct buf path = BUF_INIT(4096);
	struct err e = ERR_INIT;

	buf_puts(&b, "assent: 1\nrules:\n");
	for (unsigned i = 0; i < RULES; i++)
		buf_printf(&b,
		    "  - {id: r.%u, decision: %s, command: {program: prog%u, "
		    "subcommand: sub}}\n",
		    i, i == 0 ? decision : "deny", i);
	buf_printf(&b,
	    "  - {id: push, decision: %s, command: {program: git, subcommand: "
	    "push}}\n",
	    decision);
	buf_printf(&path, "%s/rules.yaml", dir);
	if (fdio_make_dir(dir, 0700, &e) != 0 ||
	    fdio_write_file(buf_cstr(&path), b.s, b.len, 0600, &e) != 0)
		die("rules", &e);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static void
measure(const char *root, const char *name, unsigned distinct)
{
	AUTO_BUF struct buf state = BUF_INIT(4096);
	AUTO_BUF struct buf old = BUF_INIT(4096);
	AUTO_BUF struct buf new = BUF_INIT(4096);
	char verb[] = "replay", option[] = "--state", json[] = "--json";
	char self[] = "rules";
	struct err e = ERR_INIT;

	buf_printf(&state, "%s/%s", root, name);
	buf_printf(&old, "%s/old", root);
	buf_printf(&new, "%s/new", root);
	if (fdio_make_dir(buf_cstr(&state), 0700, &e) != 0)
		die("state", &e);
	fill(buf_cstr(&state), distinct);
	char *argv[] = { self, verb, option, state.s, json, old.s, new.s,
		NULL };
	const double start = cpu_s();

	if (freopen("/dev/null", "w", stdout) == NULL)
		exit(1);
	const int status = command_rules.run(ARRAY_LEN(argv) - 1, argv);
	const double seconds = cpu_s() - start;

	(void)fprintf(stderr, "%s_status\t%d\t\n", name, status);
	(void)dprintf(3, "%s\t%.0f\trows/s\n", name, ROWS / seconds);
}

int
main(void)
{
	char root[] = "/tmp/bench-replay-XXXXXX";
	AUTO_BUF struct buf dir = BUF_INIT(4096);

	if (dup2(STDOUT_FILENO, 3) != 3 || mkdtemp(root) == NULL)
		return 1;
	buf_printf(&dir, "%s/old", root);
	write_rules(buf_cstr(&dir), "ask");
	buf_reset(&dir);
	buf_printf(&dir, "%s/new", root);
	write_rules(buf_cstr(&dir), "deny");
	measure(root, "replay_repeating", ROWS / 50);
	measure(root, "replay_all_new", ROWS);
	(void)nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
