/*
 * The executor port: what it refuses to start, and what it tells.
 * Runs in: tests, with a launcher that is a few lines in the same loop.
 * Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/loop.h"
#include "core/ports.h"
#include "model/config.h"
#include "proto.h"
#include "sandbox/plan.h"

/* The production type is complete in db/ alone; here is a forger's. */
struct receipt {
	char action_id[ACTION_ID_MAX];
	uint8_t sha256[SHA256_LEN];
	enum row_kind kind;
};

const char *
receipt_action_id(const struct receipt *r)
{
	return r->action_id;
}

const uint8_t *
receipt_action_sha256(const struct receipt *r)
{
	return r->sha256;
}

enum row_kind
receipt_kind(const struct receipt *r)
{
	return r->kind;
}

#define TEXT_MAX 256
#define LOOP_TURNS 20

struct world {
	struct loop *loop;
	struct executor *x;
	struct ipc *launcher; /* the fake's end */
	struct action *a;
	struct plan_ref plan;
	struct receipt receipt;
	struct arena *arena;
	unsigned runs, started, ended, signals;
	uint64_t number;
	char output[TEXT_MAX], input[TEXT_MAX], failure[TEXT_MAX];
	char violation[TEXT_MAX];
	struct outcome outcome;
	uint8_t record_hash[SHA256_LEN];
};

static void
on_started(void *ctx, const char *action_id)
{
	struct world *w = ctx;

	assert_string_equal(action_id, w->a->id);
	w->started++;
}

static void
on_output(void *ctx, const char *action_id, int stream, struct str bytes)
{
	struct world *w = ctx;
	const size_t n = strlen(w->output);

	assert_string_equal(action_id, w->a->id);
	(void)snprintf(w->output + n, sizeof(w->output) - n, "%d:%.*s;", stream,
	    STR_ARG(bytes));
}

static void
on_ended(void *ctx, const char *action_id, const struct outcome *o)
{
	struct world *w = ctx;

	assert_string_equal(action_id, w->a->id);
	w->ended++;
	w->outcome = *o;
	(void)snprintf(w->failure, sizeof(w->failure), "%s",
	    o->failure == NULL ? "" : o->failure);
	if (o->violation_count > 0)
		(void)snprintf(
		    w->violation, sizeof(w->violation), "%s", o->violations[0]);
}

static const struct executor_events events = {
	.started = on_started,
	.output = on_output,
	.ended = on_ended,
};

static int
fake_run(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct world *w = ctx;
	struct rec r = rec_of(m->payload);
	struct str record;

	w->number = rec_u64(&r);
	record = rec_str(&r);
	w->runs++;
	assert_int_equal(rec_done(&r, e), 0);
	return plan_hash(record, w->record_hash, e);
}

static int
fake_stdin(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct world *w = ctx;
	struct rec r = rec_of(m->payload);
	struct str bytes;

	assert_int_equal(rec_u64(&r), w->number);
	bytes = rec_str(&r);
	(void)snprintf(w->input, sizeof(w->input), "%.*s", STR_ARG(bytes));
	return rec_done(&r, e);
}

static int
fake_signal(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct world *w = ctx;
	struct rec r = rec_of(m->payload);

	assert_int_equal(rec_u64(&r), w->number);
	w->signals = rec_u32(&r);
	return rec_done(&r, e);
}

static const struct ipc_row fake_rows[] = {
	{ .type = XL_RUN, .len_max = IPC_PAYLOAD_MAX, .handler = fake_run },
	{ .type = XL_STDIN, .len_max = 65536, .handler = fake_stdin },
	{ .type = XL_SIGNAL, .len_max = 64, .handler = fake_signal },
};

static void
fake_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct world *w = ctx;

	(void)why;
	ipc_free(i);
	w->launcher = NULL;
}

static void
turn(struct world *w)
{
	for (int i = 0; i < LOOP_TURNS; i++)
		assert_int_equal(loop_once(w->loop, 0, NULL), 0);
}

static char *
keep(struct action *a, const char *text)
{
	char *copy = arena_strdup(a->arena, text);

	assert_non_null(copy);
	return copy;
}

static void
fill_action(struct action *a)
{
	(void)snprintf(a->id, sizeof(a->id), "act_1");
	a->proposer = (struct proposer){
		.uid = 1000,
		.gid = 1000,
		.home = keep(a, "/home/dev"),
	};
	a->proposal = (struct proposal){
		.tool = TOOL_SHELL,
		.input = { .script = keep(a, "make test") },
		.cwd = keep(a, "/home/dev/proj"),
		.workspace = keep(a, "/home/dev/proj"),
		.executor = EXECUTOR_ASSENT,
		.execute = true,
	};
	memset(a->sha256, 7, sizeof(a->sha256));
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int pair[2];

	assert_non_null(w);
	w->arena = arena_new(ACTION_ARENA_MAX);
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	assert_int_equal(
	    sandbox_executor.open(w->loop, &events, w, &w->x, NULL), 0);
	assert_int_equal(ipc_pair(pair, NULL), 0);
	assert_int_equal(
	    ipc_new(w->loop, pair[1], "executor", fake_rows,
		ARRAY_LEN(fake_rows), w, fake_closed, &w->launcher, NULL),
	    0);
	assert_false(sandbox_executor.has_launcher(w->x, 1000, 1000));
	assert_int_equal(
	    sandbox_executor.add_launcher(w->x, 1000, 1000, pair[0], NULL), 0);
	assert_true(sandbox_executor.has_launcher(w->x, 1000, 1000));
	assert_false(sandbox_executor.has_launcher(w->x, 1001, 1000));
	assert_int_equal(action_new(&w->a, NULL), 0);
	fill_action(w->a);
	assert_int_equal(
	    sandbox_executor.plan(w->x, w->a, w->arena, &w->plan, NULL), 0);
	w->receipt.kind = ROW_INTENT;
	(void)snprintf(
	    w->receipt.action_id, sizeof(w->receipt.action_id), "%s", w->a->id);
	memcpy(w->receipt.sha256, w->a->sha256, SHA256_LEN);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	sandbox_executor.close(w->x);
	ipc_free(w->launcher);
	loop_free(w->loop);
	action_free(w->a);
	arena_free(w->arena);
	free(w);
	return 0;
}

static int
start(struct world *w, struct err *e)
{
	const int r =
	    sandbox_executor.start(w->x, w->a, &w->plan, &w->receipt, e);

	turn(w);
	return r;
}

static void
send_ended(struct world *w, const struct outcome *o)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_ENDED_BYTES);

	rec_put_u64(&b, w->number);
	proto_outcome_put(&b, o);
	assert_int_equal(
	    ipc_send(w->launcher, LX_ENDED, buf_str(&b), -1, NULL), 0);
	turn(w);
}

static void
i1_nothing_starts_without_an_intent_receipt(void **state)
{
	static const enum row_kind others[] = { ROW_INVALID, ROW_PROPOSED,
		ROW_DECIDED, ROW_OUTCOME, ROW_GRANT };
	struct world *w = *state;

	assert_int_equal(
	    sandbox_executor.start(w->x, w->a, &w->plan, NULL, NULL),
	    ERR_DENIED);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		w->receipt.kind = others[i];
		assert_int_equal(start(w, NULL), ERR_DENIED);
	}
	assert_int_equal(w->runs, 0);
	w->receipt.kind = ROW_INTENT;
	assert_int_equal(start(w, NULL), 0);
	assert_int_equal(w->runs, 1);
}

static void
i1_a_receipt_serves_its_own_action_only(void **state)
{
	struct world *w = *state;

	(void)snprintf(
	    w->receipt.action_id, sizeof(w->receipt.action_id), "act_2");
	assert_int_equal(start(w, NULL), ERR_DENIED);
	assert_int_equal(w->runs, 0);
}

static void
i4_a_receipt_of_another_form_of_the_action_starts_nothing(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < SHA256_LEN; i++) {
		w->receipt.sha256[i] ^= 1;
		assert_int_equal(start(w, NULL), ERR_DENIED);
		w->receipt.sha256[i] ^= 1;
	}
	assert_int_equal(w->runs, 0);
}

static void
i4_a_plan_of_another_action_starts_nothing(void **state)
{
	struct world *w = *state;

	w->a->proposal.input.script = keep(w->a, "make evil");
	assert_int_equal(start(w, NULL), ERR_DENIED);
	w->a->proposal.input.script = keep(w->a, "make test");
	w->plan.sha256[0] ^= 1;
	assert_int_equal(start(w, NULL), ERR_DENIED);
	assert_int_equal(w->runs, 0);
}

static void
i4_what_is_sent_is_what_was_hashed(void **state)
{
	struct world *w = *state;

	assert_int_equal(start(w, NULL), 0);
	assert_memory_equal(w->record_hash, w->plan.sha256, SHA256_LEN);
}

static void
one_action_runs_once(void **state)
{
	struct world *w = *state;

	assert_int_equal(start(w, NULL), 0);
	assert_int_equal(start(w, NULL), ERR_CONFLICT);
	assert_int_equal(w->runs, 1);
}

static void
output_and_end_reach_the_pipeline_once(void **state)
{
	static const char *violations[] = { "write .git/hooks/x" };
	const struct outcome o = {
		.exit = 3,
		.truncated = true,
		.wall_ms = 12,
		.violations = violations,
		.violation_count = 1,
	};
	struct world *w = *state;
	AUTO_BUF struct buf b = BUF_INIT(1024);

	assert_int_equal(start(w, NULL), 0);
	rec_put_u64(&b, w->number);
	assert_int_equal(
	    ipc_send(w->launcher, LX_STARTED, buf_str(&b), -1, NULL), 0);
	rec_put_u8(&b, 2);
	rec_put_str(&b, STR("warning"));
	assert_int_equal(
	    ipc_send(w->launcher, LX_OUTPUT, buf_str(&b), -1, NULL), 0);
	send_ended(w, &o);
	assert_int_equal(w->started, 1);
	assert_string_equal(w->output, "2:warning;");
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->outcome.exit, 3);
	assert_true(w->outcome.truncated);
	assert_string_equal(w->violation, "write .git/hooks/x");
	/* A second end is a lie, and ends the launcher. */
	send_ended(w, &o);
	assert_int_equal(w->ended, 1);
	assert_false(sandbox_executor.has_launcher(w->x, 1000, 1000));
}

static void
i6_an_ill_formed_message_ends_the_launcher_and_its_runs(void **state)
{
	struct world *w = *state;

	assert_int_equal(start(w, NULL), 0);
	assert_int_equal(
	    ipc_send(w->launcher, LX_OUTPUT, STR("x"), -1, NULL), 0);
	turn(w);
	assert_int_equal(w->ended, 1);
	assert_int_equal(w->outcome.exit, -1);
	assert_true(strlen(w->failure) > 0);
	assert_false(sandbox_executor.has_launcher(w->x, 1000, 1000));
}

static void
a_dead_launcher_ends_its_runs_with_a_reason(void **state)
{
	struct world *w = *state;

	assert_int_equal(start(w, NULL), 0);
	ipc_free(w->launcher);
	w->launcher = NULL;
	turn(w);
	assert_int_equal(w->ended, 1);
	assert_non_null(strstr(w->failure, "launcher"));
}

static void
input_and_signals_go_to_the_run_that_runs(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    sandbox_executor.send_stdin(w->x, w->a->id, STR("y\n"), NULL),
	    ERR_CONFLICT);
	assert_int_equal(start(w, NULL), 0);
	assert_int_equal(
	    sandbox_executor.send_stdin(w->x, w->a->id, STR("y\n"), NULL), 0);
	assert_int_equal(
	    sandbox_executor.kill(w->x, w->a->id, SIGINT, NULL), 0);
	assert_int_equal(
	    sandbox_executor.kill(w->x, w->a->id, 4096, NULL), ERR_INVALID);
	turn(w);
	assert_string_equal(w->input, "y\n");
	assert_int_equal(w->signals, SIGINT);
}

static int
code_of_plan(struct world *w)
{
	struct plan_ref ref;

	return sandbox_executor.plan(w->x, w->a, w->arena, &ref, NULL);
}

static void
what_the_sandbox_cannot_run_has_no_plan(void **state)
{
	struct world *w = *state;

	w->a->proposal.tool = TOOL_FETCH;
	assert_int_equal(code_of_plan(w), ERR_INVALID);
	w->a->proposal.tool = TOOL_MCP;
	assert_int_equal(code_of_plan(w), ERR_INVALID);
	w->a->proposal.tool = TOOL_SHELL;
	w->a->classification.profile.name = "danger-full-access";
	assert_int_equal(code_of_plan(w), ERR_DENIED);
	w->a->classification.profile.name = "no-such-profile";
	assert_int_equal(code_of_plan(w), ERR_INVALID);
	w->a->classification.profile.name = NULL;
	w->a->proposal.workspace = keep(w->a, "/home/dev");
	assert_int_equal(code_of_plan(w), ERR_INVALID);
}

static void
root_runs_nothing_as_root(void **state)
{
	struct world *w = *state;
	struct plan_ref ref;
	struct plan *p = NULL;

	w->a->proposer.uid = 0;
	w->a->proposer.gid = 0;
	assert_int_equal(
	    sandbox_executor.plan(w->x, w->a, w->arena, &ref, NULL), 0);
	assert_int_equal(plan_decode(ref.record, w->arena, &p, NULL), 0);
	assert_int_equal(p->who.identity, IDENTITY_DEDICATED);
	assert_int_not_equal(p->who.uid, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The engine asks the broker by what the plan says. */
static void
a_plan_says_whether_its_run_is_handed_values(void **state)
{
	static const char *profiles[] = { "workspace-write" };
	struct config_credential value = {
		.name = "signing",
		.kind_name = "value",
		.variable = "SIGN_FD",
		.file = "/k",
		.profiles = { profiles, 1 },
	};
	char limits[] = "/tmp/assent-executor-XXXXXX"; /* an empty file */
	const int fd = mkstemp(limits);
	const struct config_sources none = {
		.requirements = limits,
		.state_dir = "/",
		.runtime_dir = "/",
		.no_file = true,
	};
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(config_freep) struct config *c = NULL;
	struct world *w = *state;
	struct plan_ref ref;

	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(config_load(&none, d, &c, NULL), 0);
	(void)unlink(limits);
	c->credentials = &value;
	c->credential_count = 1;
	assert_int_equal(sandbox_executor.configure(w->x, c, NULL), 0);
	assert_int_equal(
	    sandbox_executor.plan(w->x, w->a, w->arena, &ref, NULL), 0);
	assert_string_equal(ref.credentials, "workspace-write");
	assert_true(ref.values);
	assert_string_equal(
	    ref.network, "runs offline; is handed the value of signing");
	profiles[0] = "another";
	assert_int_equal(sandbox_executor.configure(w->x, c, NULL), 0);
	assert_int_equal(
	    sandbox_executor.plan(w->x, w->a, w->arena, &ref, NULL), 0);
	assert_null(ref.credentials);
	assert_false(ref.values);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(i1_nothing_starts_without_an_intent_receipt),
		TEST(i1_a_receipt_serves_its_own_action_only),
		TEST(i4_a_receipt_of_another_form_of_the_action_starts_nothing),
		TEST(i4_a_plan_of_another_action_starts_nothing),
		TEST(i4_what_is_sent_is_what_was_hashed),
		TEST(one_action_runs_once),
		TEST(output_and_end_reach_the_pipeline_once),
		TEST(i6_an_ill_formed_message_ends_the_launcher_and_its_runs),
		TEST(a_dead_launcher_ends_its_runs_with_a_reason),
		TEST(input_and_signals_go_to_the_run_that_runs),
		TEST(what_the_sandbox_cannot_run_has_no_plan),
		TEST(a_plan_says_whether_its_run_is_handed_values),
		TEST(root_runs_nothing_as_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
