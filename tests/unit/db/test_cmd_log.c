/*
 * assent log: what people and scripts see of a log, and the exit statuses
 * they rely on.
 * Runs in: tests.
 */
#include "db_test.h"

#include <jansson.h>

#include "base/jsonw.h"
#include "model/command.h"

#define ARGS_MAX 16
#define OUT_BYTES_MAX ((size_t)1 << 20)
#define ACTION "act_01JZ1"
#define HOSTILE "a\x1b[31m\xe2\x80\xae=cmd,\"\n\r\xff"

extern const struct command command_log;

struct world {
	struct place p;
	struct buf out, err;
	int status;
};

#define BEGIN_NS INT64_C(1795000000000000000) /* 2026-11-18 11:06:40 */

/* The next row of the story, a second and a half after the last. */
static void
append(struct recorder *r, enum row_kind kind, enum decision decision,
    enum decided_by by, const char *body)
{
	static const uint8_t action[SHA256_LEN] = { 0xac };
	struct err e = ERR_INIT;
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;
	const struct row row = {
		.kind = kind,
		.action_id = ACTION,
		.session = "s-1",
		.uid = 1000,
		.tool = TOOL_SHELL,
		.decision = decision,
		.by = by,
		.rule_id = "git.push.protected",
		.body = str_of(body),
		.action_sha256 = action,
	};
	struct row timed = row;

	db_recorder.head(r, &seq, hash);
	timed.time_real_ns = BEGIN_NS + (int64_t)(seq + 1) * 1500000000;
	must(db_recorder.append(r, &timed, &seq, hash, NULL, &e), &e);
	must(db_recorder.commit(r, &e), &e);
}

/* Rows 1 to 4: a story. Row 5: text that means harm. */
static int
setup(void **state)
{
	static const uint8_t policy[SHA256_LEN] = { 1 };
	struct world *w = mem_new(1, sizeof(*w));
	AUTO_BUF struct buf body = BUF_INIT(4096);
	struct recorder *r;
	struct err e = ERR_INIT;
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;
	struct jsonw j = jsonw_on(&body);

	place_make(&w->p);
	w->out = (struct buf)BUF_INIT(OUT_BYTES_MAX);
	w->err = (struct buf)BUF_INIT(OUT_BYTES_MAX);
	r = store_at(&w->p);
	append(r, ROW_PROPOSED, DECISION_ASK, BY_RULE,
	    "{\"text\":\"git push origin main\",\"agent\":\"codex\","
	    "\"cwd\":\"/home/dev/proj\",\"risk\":\"high\",\"reason\":"
	    "\"Pushing to a protected branch changes what others build "
	    "on.\"}");
	append(r, ROW_DECIDED, DECISION_ALLOW, BY_HUMAN,
	    "{\"text\":\"git push origin main\",\"approver\":\"alice\","
	    "\"message\":\"go on\"}");
	append(r, ROW_INTENT, DECISION_ALLOW, BY_HUMAN,
	    "{\"plan_sha256\":\"0123456789abcdef\"}");
	append(r, ROW_OUTCOME, DECISION_ALLOW, BY_HUMAN,
	    "{\"exit\":1,\"signal\":0,\"wall_ms\":412,\"violations\":"
	    "[\"connect 1.2.3.4:22\"]}");
	jsonw_object(&j);
	jsonw_kstr(&j, "text", HOSTILE);
	jsonw_end(&j);
	const struct row hostile = {
		.kind = ROW_DECIDED,
		.session = "=1+1",
		.rule_id = HOSTILE,
		.decision = DECISION_DENY,
		.by = BY_RULE,
		.time_real_ns = INT64_C(1795000099000000000),
		.body = buf_str(&body),
		.policy_sha256 = policy,
	};
	must(db_recorder.append(r, &hostile, &seq, hash, NULL, &e), &e);
	must(db_recorder.commit(r, &e), &e);
	store_close(r);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	place_remove(&w->p);
	buf_free(&w->out);
	buf_free(&w->err);
	mem_freep(&w);
	return 0;
}

static void
rewind_into(int fd, struct buf *out)
{
	struct err e = ERR_INIT;

	buf_reset(out);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	must(fdio_read_all(fd, out, &e), &e);
}

/* assent log WORDS... --state DIR, with what it prints. */
static void
run(struct world *w, ...)
{
	char *argv[ARGS_MAX + 4] = { NULL };
	char name[] = "log", state[] = "--state";
	FILE *out = tmpfile(), *err = tmpfile();
	const int real_out = dup(1), real_err = dup(2);
	int argc = 0;
	va_list ap;

	assert_non_null(out);
	assert_non_null(err);
	argv[argc++] = name;
	va_start(ap, w);
	for (char *word; (word = va_arg(ap, char *)) != NULL;)
		argv[argc++] = word;
	va_end(ap);
	if (argc > 1) {
		/* Before the operands: options end with the first of them. */
		memmove(argv + 4, argv + 2, sizeof(char *) * (size_t)argc);
		argv[2] = state;
		argv[3] = w->p.state;
		argc += 2;
	}
	(void)fflush(NULL);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	w->status = command_log.run(argc, argv);
	(void)fflush(NULL);
	dup2(real_out, 1);
	dup2(real_err, 2);
	rewind_into(fileno(out), &w->out);
	rewind_into(fileno(err), &w->err);
	(void)close(real_out);
	(void)close(real_err);
	(void)fclose(out);
	(void)fclose(err);
}

static void
expect(const struct world *w, int status, const char *words)
{
	const bool found = strstr(buf_cstr(&w->out), words) != NULL ||
	    strstr(buf_cstr(&w->err), words) != NULL;

	if (w->status != status || !found)
		fail_msg("status %d, expected %d and '%s' in:\n%s%s", w->status,
		    status, words, buf_cstr(&w->out), buf_cstr(&w->err));
}

static void
show_tells_the_story_of_an_action(void **state)
{
	static const char *const words[] = { ACTION "\n",
		"  git push origin main\n", "agent       codex",
		"uid         1000", "session     s-1", "risk        high",
		"waits for a person, says rule git.push.protected  (row 1)",
		"Pushing to a protected branch changes what others build on.",
		"allowed by alice  (row 2)", "told the agent: go on",
		"the run begins, plan 0123456789  (row 3)",
		("+4.500 s  ended with status 1 after 412 ms, denied by its "
		 "sandbox: 1  (row 4)"),
		"denied: connect 1.2.3.4:22" };
	struct world *w = *state;

	run(w, "show", ACTION, NULL);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		expect(w, EXIT_OK, words[i]);
	run(w, "show", "3", NULL);
	expect(w, EXIT_OK, "allowed by alice");
	run(w, "show", "act_unknown", NULL);
	expect(w, EXIT_DENIED, "there is no action 'act_unknown'");
	run(w, "show", "5", NULL);
	expect(w, EXIT_DENIED, "row 5 belongs to no action");
	run(w, "show", NULL);
	expect(w, EXIT_USAGE, "name one action");
}

static void
list_filters_and_pages(void **state)
{
	struct world *w = *state;

	run(w, "list", NULL);
	expect(w, EXIT_OK,
	    "     4  2026-11-18T11:06:46.000Z  shell: ended with status 1");
	run(w, "list", "--limit", "2", NULL);
	assert_null(strstr(buf_cstr(&w->out), "    3  "));
	expect(w, EXIT_OK, "     5  ");
	run(w, "list", "--decision", "deny", "--json", NULL);
	expect(w, EXIT_OK, "{\"seq\":5,");
	assert_null(strstr(buf_cstr(&w->out), "\"seq\":4"));
	run(w, "list", "--kind", "intent", NULL);
	expect(w, EXIT_OK, "the run begins");
	run(w, "list", "--session", "nobody", NULL);
	expect(w, EXIT_OK, "");
	assert_int_equal(w->out.len, 0);
	run(w, "list", "--since", "2026-11-18T11:08:00Z", NULL);
	expect(w, EXIT_OK, "     5  ");
	assert_null(strstr(buf_cstr(&w->out), "     4  "));
	run(w, "list", "--until", "2026-11-18 11:06:42", NULL);
	expect(w, EXIT_OK, "     1  ");
	assert_null(strstr(buf_cstr(&w->out), "     2  "));
	run(w, "list", "--decision", "maybe", NULL);
	expect(w, EXIT_USAGE, "allow|review|ask|deny");
	run(w, "list", "--since", "yesterday", NULL);
	expect(w, EXIT_USAGE, "is no time");
	run(w, "list", "--limit", "0", NULL);
	expect(w, EXIT_USAGE, "--limit takes a number");
}

/* I8: nothing of a row reaches a terminal or a sheet raw. */
static void
i8_hostile_text_is_shown_escaped(void **state)
{
	static const char *const commands[][2] = { { "list", NULL },
		{ "export", "--format=csv" }, { "export", NULL },
		{ "list", "--json" } };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		run(w, commands[i][0], commands[i][1], NULL);
		assert_int_equal(w->status, EXIT_OK);
		for (size_t k = 0; k < w->out.len; k++) {
			const unsigned char c = (unsigned char)w->out.s[k];
			const bool end_of_line =
			    c == '\n' || (c == '\r' && w->out.s[k + 1] == '\n');

			/* U+FFFD, and the dash of a list, are our own. */
			if ((c < 0x20 || c == 0x7f) && !end_of_line)
				fail_msg(
				    "byte 0x%02x in %s", c, buf_cstr(&w->out));
		}
		assert_null(strstr(buf_cstr(&w->out), "\xe2\x80\xae"));
	}
	run(w, "export", "--format=csv", "--from=5", NULL);
	/* One header, one row, and no cell that begins a formula. */
	expect(w, EXIT_OK, ",\"'=1+1\",");
	assert_null(strstr(buf_cstr(&w->out), "\"=1+1"));
}

static void
export_gives_each_row_once_with_its_fields(void **state)
{
	static const char *const fields[] = { "seq", "time", "kind",
		"action_id", "session", "uid", "tool", "decision", "decided_by",
		"rule", "action_sha256", "policy_sha256", "log_hash",
		"prev_hash", "body" };
	struct world *w = *state;
	struct str rest;
	json_int_t seq = 0;
	char last[SHA256_HEX_LEN + 1] = "";

	run(w, "export", NULL);
	assert_int_equal(w->status, EXIT_OK);
	rest = buf_str(&w->out);
	while (rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');
		json_t *j =
		    json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(j);
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			assert_non_null(json_object_get(j, fields[i]));
		assert_int_equal(
		    json_integer_value(json_object_get(j, "seq")), ++seq);
		if (seq > 1)
			assert_string_equal(last,
			    json_string_value(json_object_get(j, "prev_hash")));
		(void)snprintf(last, sizeof(last), "%s",
		    json_string_value(json_object_get(j, "log_hash")));
		json_decref(j);
	}
	assert_int_equal(seq, 5);
	run(w, "export", "--from", "2", "--to", "3", NULL);
	assert_non_null(strstr(buf_cstr(&w->out), "\"seq\":2,"));
	assert_null(strstr(buf_cstr(&w->out), "\"seq\":4,"));
	run(w, "export", "--format", "xml", NULL);
	expect(w, EXIT_USAGE, "jsonl|csv");
}

static void
verify_says_what_is_good_and_what_is_not(void **state)
{
	struct world *w = *state;
	char path[192];

	run(w, "verify", NULL);
	expect(w, EXIT_OK, "ok: 5 rows");
	expect(w, EXIT_OK, "signed up to row 5: ");
	run(w, "verify", "--json", NULL);
	expect(w, EXIT_OK, "{\"ok\":true,\"rows\":5,\"signed_rows\":5,");
	run(w, "verify", "--public-key", place_path(&w->p, "log.pub", path),
	    NULL);
	expect(w, EXIT_OK, "ok: 5 rows");
	run(w, "verify", "--against", place_path(&w->p, "checkpoints", path),
	    NULL);
	expect(w, EXIT_OK, "1 checkpoints kept elsewhere agree");
	tamper_rows(&w->p, "UPDATE log SET decision = 'allow' WHERE seq = 5");
	run(w, "verify", NULL);
	expect(w, EXIT_DENIED, "row 5: it does not follow");
	expect(w, EXIT_DENIED, "rows 1 to 4 are good");
	run(w, "verify", "--json", NULL);
	expect(w, EXIT_DENIED, "\"bad_seq\":5,\"error\":\"row 5: ");
	run(w, "list", NULL);
	expect(w, EXIT_DENIED, "row 5 was changed");
}

static void
what_a_reviewer_said_is_told(void **state)
{
	struct world *w = *state;
	struct recorder *r = store_at(&w->p);

	append(r, ROW_REVIEWED, DECISION_REVIEW, BY_INVALID,
	    "{\"outcome\":\"escalate\",\"shadow\":true,\"provider\":"
	    "\"own\",\"rationale\":\"it asks \\u001b[2J\"}");
	append(r, ROW_REVIEWED, DECISION_REVIEW, BY_INVALID,
	    "{\"outcome\":\"failed\",\"shadow\":false,\"cause\":\"timeout\"}");
	append(r, ROW_REVIEWED, DECISION_REVIEW, BY_INVALID,
	    "{\"again_for\":\"uid:1\"}");
	store_close(r);
	run(w, "list", NULL);
	expect(w, EXIT_OK,
	    "the reviewer 'own' says escalate, in shadow: a person decides");
	expect(w, EXIT_OK,
	    "the reviewer gave no answer, timeout: a person is asked");
	expect(w, EXIT_OK, "is to be reviewed again");
	run(w, "show", ACTION, NULL);
	expect(w, EXIT_OK, "the reviewer: it asks \\x1b[2J");
}

static void
a_row_is_proved_without_the_log(void **state)
{
	struct world *w = *state;
	char proof[192], key[192];
	AUTO_FD int fd = -1;
	struct err e = ERR_INIT;

	run(w, "prove", "2", NULL);
	expect(w, EXIT_OK, "c2sp.org/tlog-proof@v1\n");
	place_path(&w->p, "row2.proof", proof);
	place_path(&w->p, "log.pub", key);
	fd = open(proof, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fdio_write_all(fd, w->out.s, w->out.len, &e), &e);
	run(w, "verify", "--proof", proof, "--public-key", key, NULL);
	expect(w, EXIT_OK, "ok: row 2 of 5 in the log assent/");
	expect(w, EXIT_OK, "decided by    human");
	run(w, "verify", "--proof", proof, NULL);
	expect(w, EXIT_CONFIG, "needs --public-key");
	run(w, "prove", "6", NULL);
	expect(w, EXIT_DENIED, "row 6 is not covered");
	run(w, "prove", "x", NULL);
	assert_int_equal(w->status, EXIT_CONFIG);
}

/* Every byte: a changed proof proves nothing, or still the same row. */
static void
i9_a_changed_proof_proves_nothing(void **state)
{
	struct world *w = *state;
	AUTO_BUF struct buf good = BUF_INIT(OUT_BYTES_MAX);
	AUTO_BUF struct buf said = BUF_INIT(OUT_BYTES_MAX);
	char proof[192], key[192];
	AUTO_FD int fd = -1;

	run(w, "prove", "2", NULL);
	buf_put_str(&good, buf_str(&w->out));
	place_path(&w->p, "row2.proof", proof);
	place_path(&w->p, "log.pub", key);
	fd = open(proof, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, good.s, good.len, 0), good.len);
	run(w, "verify", "--proof", proof, "--public-key", key, NULL);
	assert_int_equal(w->status, EXIT_OK);
	buf_put_str(&said, buf_str(&w->out));
	for (size_t at = 0; at < good.len; at++) {
		good.s[at] ^= 1;
		assert_int_equal(pwrite(fd, good.s, good.len, 0), good.len);
		good.s[at] ^= 1;
		run(w, "verify", "--proof", proof, "--public-key", key, NULL);
		if (w->status == EXIT_OK)
			assert_string_equal(buf_cstr(&w->out), buf_cstr(&said));
	}
}

static void
a_cursor_exports_each_row_once(void **state)
{
	struct world *w = *state;
	struct recorder *r;

	run(w, "export", "--cursor", "siem", NULL);
	expect(w, EXIT_OK, "{\"seq\":5,");
	run(w, "export", "--cursor", "siem", NULL);
	assert_int_equal(w->status, EXIT_OK);
	assert_int_equal(w->out.len, 0);
	r = store_at(&w->p);
	add_rows(r, 0, 2, 1);
	store_close(r);
	run(w, "export", "--cursor", "siem", "--format", "cef", NULL);
	expect(w, EXIT_OK, "cn1Label=seq cn1=6 ");
	assert_null(strstr(buf_cstr(&w->out), "cn1=5 "));
	run(w, "export", "--cursor", "../x", NULL);
	expect(w, EXIT_CONFIG, "is no name for a destination");
	run(w, "export", "--cursor", "siem", "--kind", "intent", NULL);
	expect(w, EXIT_USAGE, "leave --kind away");
}

static void
bodies_go_only_when_every_destination_has_them(void **state)
{
	struct world *w = *state;
	struct recorder *r;

	run(w, "prune", "--through", "3", NULL);
	expect(w, EXIT_DENIED, "nothing was exported yet");
	run(w, "export", "--cursor", "one", NULL);
	r = store_at(&w->p);
	add_rows(r, 0, 2, 1);
	store_close(r);
	run(w, "export", "--cursor", "two", NULL);
	run(w, "prune", "--through", "6", NULL);
	expect(w, EXIT_DENIED, "rows from 6 on were not exported everywhere");
	run(w, "prune", "--through", "3", NULL);
	expect(w, EXIT_OK, "ok: 3 bodies dropped");
	run(w, "verify", NULL);
	expect(w, EXIT_OK, "ok: 8 rows");
	expect(w, EXIT_OK, "3 bodies were dropped after export");
	run(w, "show", ACTION, NULL);
	expect(w, EXIT_OK, "its details were dropped after export");
	run(w, "prune", "--through", "3", NULL);
	expect(w, EXIT_OK, "ok: 0 bodies dropped");
	run(w, "prune", "--before", "2026-11-18T11:06:47Z", NULL);
	expect(w, EXIT_OK, "ok: 1 bodies dropped");
	run(w, "verify", "--json", NULL);
	expect(w, EXIT_OK, "\"bodies_dropped\":4");
	run(w, "prune", NULL);
	expect(w, EXIT_USAGE, "say either");
	/* Who runs it beside the daemon is told. */
	r = store_at(&w->p);
	run(w, "prune", "--through", "4", NULL);
	expect(w, EXIT_DENIED, "another assentd");
	store_close(r);
}

/* I9: retention is no way to make a body disappear unseen. */
static void
i9_a_body_dropped_by_hand_is_found_after_a_prune(void **state)
{
	struct world *w = *state;

	run(w, "export", "--cursor", "one", NULL);
	run(w, "prune", "--through", "3", NULL);
	expect(w, EXIT_OK, "ok: 3");
	tamper_rows(&w->p,
	    "DELETE FROM payload WHERE seq = 4; "
	    "UPDATE meta SET value = '5' WHERE key = 'bodies_exported'");
	run(w, "verify", NULL);
	expect(w, EXIT_DENIED, "row 4: its body is missing");
}

static void
a_backup_is_a_log_of_its_own(void **state)
{
	struct world *w = *state;
	struct recorder *r = store_at(&w->p);
	char target[128], path[256];

	/* While it is written to, and not yet copied back. */
	add_rows(r, 0, 20, 1);
	(void)snprintf(target, sizeof(target), "%s/copy", w->p.dir);
	run(w, "backup", target, NULL);
	expect(w, EXIT_OK, "ok: 25 rows copied and verified");
	add_rows(r, 20, 5, 1);
	store_close(r);
	run(w, "backup", target, NULL);
	expect(w, EXIT_CONFIG, "cannot make the folder");
	(void)snprintf(path, sizeof(path), "%s/log.key", target);
	assert_int_equal(access(path, F_OK), -1);
	(void)snprintf(w->p.state, sizeof(w->p.state), "%s", target);
	run(w, "verify", NULL);
	expect(w, EXIT_OK, "ok: 25 rows");
	run(w, "backup", NULL);
	expect(w, EXIT_USAGE, "name one folder");
}

static void
what_is_not_a_log_is_said_so(void **state)
{
	struct world *w = *state;
	struct place empty;

	place_make(&empty);
	assert_int_equal(mkdir(empty.state, 0700), 0);
	(void)snprintf(w->p.state, sizeof(w->p.state), "%s", empty.state);
	run(w, "list", NULL);
	expect(w, EXIT_CONFIG, "there is no log in");
	run(w, "verify", NULL);
	expect(w, EXIT_CONFIG, "there is no log in");
	(void)snprintf(w->p.state, sizeof(w->p.state), "/proc/none");
	run(w, "list", NULL);
	expect(w, EXIT_CONFIG, "cannot find the state folder");
	place_remove(&empty);
}

static void
usage_is_explained(void **state)
{
	struct world *w = *state;

	run(w, NULL);
	expect(w, EXIT_USAGE, "say what to do");
	run(w, "lst", NULL);
	expect(w, EXIT_USAGE, "did you mean 'list'?");
	run(w, "list", "--help", NULL);
	expect(w, EXIT_OK, "--session ID");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(show_tells_the_story_of_an_action),
		T(list_filters_and_pages),
		T(i8_hostile_text_is_shown_escaped),
		T(export_gives_each_row_once_with_its_fields),
		T(verify_says_what_is_good_and_what_is_not),
		T(what_a_reviewer_said_is_told),
		T(a_row_is_proved_without_the_log),
		T(i9_a_changed_proof_proves_nothing),
		T(a_cursor_exports_each_row_once),
		T(bodies_go_only_when_every_destination_has_them),
		T(i9_a_body_dropped_by_hand_is_found_after_a_prune),
		T(a_backup_is_a_log_of_its_own),
		T(what_is_not_a_log_is_said_so),
		T(usage_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
