/*
 * The store without an engine, by commands on stdin, one a line:
 *
 *     commit N BYTES   N commits of two rows with bodies of BYTES each
 *     recover          as the engine does once a second
 *     idle, head, quit
 *
 * Each commit answers "ok SEQ HASH" or "failed WHY" in one write, after it
 * has returned: what a test saw was acknowledged.
 * Runs in: the tests.  Trusts: its test.  Owns: the state folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "core/ports.h"

#define LINE_BYTES_MAX 256
#define BODY_BYTES_MAX ((size_t)1 << 20)
#define ANSWER_BYTES_MAX ((size_t)4096)
#define COMMITS_MAX 100000

struct alone {
	struct recorder *r;
	uint64_t n;
	struct buf body;
};

static void
say(const char *word, const char *rest)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);

	buf_printf(&out, "%s ", word);
	text_escape(&out, str_of(rest));
	buf_putc(&out, '\n');
	(void)fdio_write_all(STDOUT_FILENO, buf_cstr(&out), out.len, NULL);
}

static void
say_head(struct alone *a)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;

	db_recorder.head(a->r, &seq, hash);
	buf_printf(&out, "%llu ", (unsigned long long)seq);
	text_hex(&out, hash, SHA256_LEN);
	say("ok", buf_cstr(&out));
}

static int
append(struct alone *a, enum row_kind kind, const char *id, struct err *e)
{
	uint8_t hash[SHA256_LEN], action[SHA256_LEN] = { 1 };
	uint64_t seq = 0;
	const struct row row = {
		.kind = kind,
		.action_id = id,
		.uid = 1000,
		.tool = TOOL_SHELL,
		.decision = DECISION_ALLOW,
		.by = BY_RULE,
		.time_real_ns = INT64_C(1795000000000000000),
		.body = buf_str(&a->body),
		.action_sha256 = action,
	};

	return db_recorder.append(a->r, &row, &seq, hash, NULL, e);
}

static void
commit(struct alone *a)
{
	struct err e = ERR_INIT;
	char id[ACTION_ID_MAX];
	int r;

	(void)snprintf(id, sizeof(id), "act_%llu", (unsigned long long)a->n++);
	const struct open_action open = {
		.id = id,
		.stage = STAGE_DONE,
		.uid = 1000,
		.record = STR("record"),
	};

	r = append(a, ROW_DECIDED, id, &e);
	if (r == 0)
		r = append(a, ROW_INTENT, id, &e);
	if (r == 0)
		r = db_recorder.put_open(a->r, &open, &e);
	if (r == 0)
		r = db_recorder.commit(a->r, &e);
	if (r == 0)
		say_head(a);
	else
		say("failed", e.msg);
}

static void
commits(struct alone *a, struct str words)
{
	uint64_t count = 0, bytes = 0;

	(void)str_cut(&words, ' ');
	if (num_parse_u64(str_cut(&words, ' '), 1, COMMITS_MAX, &count) != 0 ||
	    num_parse_u64(words, 0, BODY_BYTES_MAX - 16, &bytes) != 0) {
		say("usage", "commit N BYTES");
		return;
	}
	buf_reset(&a->body);
	buf_puts(&a->body, "{\"pad\":\"");
	for (uint64_t i = 0; i < bytes; i++)
		buf_putc(&a->body, 'x');
	buf_puts(&a->body, "\"}");
	for (uint64_t i = 0; i < count; i++)
		commit(a);
}

static void
recover(struct alone *a)
{
	struct err e = ERR_INIT;

	if (db_recorder.recover(a->r, &e) == 0)
		say_head(a);
	else
		say("failed", e.msg);
}

int
main(int argc, char **argv)
{
	struct alone a = { .body = BUF_INIT(BODY_BYTES_MAX) };
	char line[LINE_BYTES_MAX];
	struct err e = ERR_INIT;

	if (argc != 2)
		return 64;
	if (db_recorder.open(argv[1], &a.r, &e) != 0) {
		say("refused", e.msg);
		return 1;
	}
	say_head(&a);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		const struct str words = str_trim(str_of(line));

		if (str_starts(words, STR("commit ")))
			commits(&a, words);
		else if (str_eqz(words, "recover"))
			recover(&a);
		else if (str_eqz(words, "idle"))
			db_recorder.idle(a.r);
		else if (str_eqz(words, "head"))
			say_head(&a);
		else
			break;
	}
	db_recorder.close(a.r);
	buf_free(&a.body);
	return 0;
}
