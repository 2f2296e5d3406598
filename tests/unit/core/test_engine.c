/*
 * The pipeline over fake ports: I1, I2, I4, I7, batches, restarts.
 */
#include "fake_ports.c.inc"

static void
i1_no_reply_leaves_before_its_row_is_durable(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "allow", false, NULL, -1);
	assert_null(world_reply(&w, call));
	assert_int_equal(w.recorder.durable, 0);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 200);
	assert_true(reply_has(world_reply(&w, call), "\"allow\""));
	assert_int_equal(world_reply(&w, call)->durable_rows, 1);
	world_stop(&w);
}

static void
i1_nothing_runs_unrecorded(void **state)
{
	static struct world w;

	(void)state;
	world_start(&w);
	(void)world_propose(&w, "allow", true, NULL, -1);
	assert_int_equal(w.executor.started, 0);
	engine_commit(w.g);
	assert_int_equal(w.executor.started, 1);
	assert_int_equal(w.recorder.rows[0].kind, ROW_DECIDED);
	assert_int_equal(w.recorder.rows[1].kind, ROW_INTENT);
	world_stop(&w);
}

static void
i1_a_failed_commit_allows_and_runs_nothing(void **state)
{
	static struct world w;
	uint64_t call, later;

	(void)state;
	world_start(&w);
	w.recorder.fail_commit = true;
	call = world_propose(&w, "allow", true, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 503);
	assert_false(reply_has(world_reply(&w, call), "\"allow\""));
	assert_int_equal(w.executor.started, 0);
	w.recorder.fail_commit = false;
	later = world_propose(&w, "allow", true, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, later)->status, 200);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
a_store_that_is_away_is_503_and_comes_back_without_a_restart(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	w.recorder.unhealthy = true;
	call = world_propose(&w, "allow", false, NULL, -1);
	assert_int_equal(world_reply(&w, call)->status, 503);
	w.recorder.unhealthy = false;
	call = world_propose(&w, "allow", false, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 200);
	world_stop(&w);
}

static void
decisions_of_a_batch_share_one_commit(void **state)
{
	static struct world w;

	(void)state;
	world_start(&w);
	const unsigned before = w.recorder.commits;

	for (int i = 0; i < 50; i++)
		(void)world_propose(&w, "allow", false, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(w.recorder.commits - before, 1);
	assert_int_equal(w.reply_count, 50);
	world_stop(&w);
}

static void
i2_a_deny_cannot_be_answered(void **state)
{
	static struct world w;
	uint64_t call, answered;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "deny", true, NULL, -1);
	engine_commit(w.g);
	assert_true(reply_has(world_reply(&w, call), "\"deny\""));
	answered = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 409);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
i2_an_agent_cannot_answer(void **state)
{
	static struct world w;
	uint64_t call, answered;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	(void)world_id(&w, call, id);
	const struct call c = {
		.route = ROUTE_DECIDE,
		.role = CALLER_AGENT,
		.uid = 1000,
		.target = id,
		.if_match = world_reply(&w, call)->etag,
	};

	answered = world_call(&w, c);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, answered)->status, 403);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
a_person_approves_and_it_runs_once(void **state)
{
	static struct world w;
	uint64_t call, answered;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 202);
	assert_int_equal(w.executor.started, 0);
	answered = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 200);
	assert_true(reply_has(world_reply(&w, answered), "\"human\""));
	assert_int_equal(w.executor.started, 1);
	answered = world_answer(&w, call, "allow");
	assert_int_not_equal(world_reply(&w, answered)->status, 200);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static uint64_t
execute(struct world *w, uint64_t proposed)
{
	char id[ACTION_ID_MAX];
	char *sha256 = reply_text(world_reply(w, proposed), "action_sha256");
	char name[] = "action_sha256";
	struct env_var field = { .name = name, .value = sha256 };
	const struct call c = {
		.route = ROUTE_EXECUTE,
		.role = CALLER_AGENT,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
		.fields = &field,
		.field_count = 1,
	};
	uint64_t call;

	(void)world_id(w, proposed, id);
	call = world_call(w, c);
	engine_commit(w->g);
	free(sha256);
	return call;
}

static void
i7_an_approval_is_used_once(void **state)
{
	static struct world w;
	uint64_t call, run;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", false, NULL, -1);
	engine_commit(w.g);
	run = execute(&w, call);
	assert_int_equal(world_reply(&w, run)->status, 409);
	(void)world_answer(&w, call, "allow");
	run = execute(&w, call);
	assert_int_equal(world_reply(&w, run)->status, 201);
	assert_int_equal(w.executor.started, 1);
	run = execute(&w, call);
	assert_int_equal(world_reply(&w, run)->status, 200);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
i7_an_unused_approval_expires(void **state)
{
	static struct world w;
	uint64_t call, run;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", false, NULL, -1);
	engine_commit(w.g);
	(void)world_answer(&w, call, "allow");
	fake_now += 601 * INT64_C(1000000000);
	run = execute(&w, call);
	assert_int_equal(world_reply(&w, run)->status, 409);
	engine_tick(w.g);
	run = execute(&w, call);
	assert_int_not_equal(world_reply(&w, run)->status, 201);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
i4_an_answer_for_another_hash_is_refused(void **state)
{
	static struct world w;
	uint64_t ask, other, answered;
	char id[ACTION_ID_MAX];
	char *sha256;
	char decision[] = "decision", allow[] = "allow";
	char name[] = "action_sha256";

	(void)state;
	world_start(&w);
	ask = world_propose(&w, "ask", true, NULL, -1);
	other = world_propose(&w, "ask other", true, NULL, -1);
	engine_commit(w.g);
	sha256 = reply_text(world_reply(&w, other), "action_sha256");
	(void)world_id(&w, ask, id);
	struct env_var fields[] = {
		{ .name = decision, .value = allow },
		{ .name = name, .value = sha256 },
	};
	const struct call c = {
		.route = ROUTE_DECIDE,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.target = id,
		.if_match = world_reply(&w, ask)->etag,
		.fields = fields,
		.field_count = 2,
	};

	answered = world_call(&w, c);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, answered)->status, 409);
	assert_int_equal(w.executor.started, 0);
	free(sha256);
	world_stop(&w);
}

static void
i4_another_plan_is_another_hash(void **state)
{
	static struct world w;
	uint64_t one, two;
	char *a, *b;

	(void)state;
	world_start(&w);
	one = world_propose(&w, "ask", true, NULL, -1);
	w.executor.plan_salt = 1;
	two = world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	a = reply_text(world_reply(&w, one), "action_sha256");
	b = reply_text(world_reply(&w, two), "action_sha256");
	assert_string_not_equal(a, b);
	free(a);
	free(b);
	world_stop(&w);
}

static void
a_question_that_nobody_answers_is_denied(void **state)
{
	static struct world w;
	uint64_t call, get;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	fake_now += 600 * INT64_C(1000000000);
	engine_tick(w.g);
	(void)world_id(&w, call, id);
	const struct call c = {
		.route = ROUTE_GET,
		.role = CALLER_AGENT,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
	};

	get = world_call(&w, c);
	assert_true(reply_has(world_reply(&w, get), "\"deny\""));
	assert_true(reply_has(world_reply(&w, get), "\"timeout\""));
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
with_policy_never_nobody_is_asked(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	engine_free(w.g);
	w.policy.approval = POLICY_NEVER;
	start_engine(&w);
	call = world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 200);
	assert_true(reply_has(world_reply(&w, call), "\"deny\""));
	world_stop(&w);
}

static void
pending_survives_a_restart_and_can_then_be_answered(void **state)
{
	static struct world w;
	uint64_t call, get, answered;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	(void)world_id(&w, call, id);
	world_restart(&w);
	const struct call c = {
		.route = ROUTE_GET,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
	};

	get = world_call(&w, c);
	assert_int_equal(world_reply(&w, get)->status, 202);
	answered = world_answer(&w, get, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 200);
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
a_run_that_a_restart_interrupts_is_unknown_and_never_repeated(void **state)
{
	static struct world w;
	uint64_t call, run;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "allow", true, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(w.executor.started, 1);
	world_restart(&w);
	run = execute(&w, call);
	assert_true(reply_has(world_reply(&w, run), "\"unknown\""));
	assert_int_equal(w.executor.started, 1);
	world_restart(&w);
	run = execute(&w, call);
	assert_true(reply_has(world_reply(&w, run), "\"unknown\""));
	assert_int_equal(w.executor.started, 1);
	world_stop(&w);
}

static void
a_repeated_key_gives_the_same_action(void **state)
{
	static struct world w;
	uint64_t one, two, other;
	char a[ACTION_ID_MAX], b[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	one = world_propose(&w, "allow", true, "k1", -1);
	engine_commit(w.g);
	two = world_propose(&w, "allow", true, "k1", -1);
	engine_commit(w.g);
	assert_string_equal(world_id(&w, one, a), world_id(&w, two, b));
	assert_int_equal(w.executor.started, 1);
	other = world_propose(&w, "allow other", true, "k1", -1);
	assert_int_equal(world_reply(&w, other)->status, 422);
	world_stop(&w);
}

static void
a_waiting_call_is_answered_by_the_decision(void **state)
{
	static struct world w;
	uint64_t look, call, get;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", false, NULL, 30000);
	engine_commit(w.g);
	assert_null(world_reply(&w, call));
	const struct call list = {
		.route = ROUTE_LIST,
		.role = CALLER_APPROVER,
		.uid = 1000,
	};

	look = world_call(&w, list);
	assert_true(reply_has(world_reply(&w, look), "\"pending\""));
	memcpy(id, strstr(world_reply(&w, look)->body, "act_"), 30);
	id[30] = '\0';
	const struct call c = {
		.route = ROUTE_GET,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
	};

	get = world_call(&w, c);
	(void)world_answer(&w, get, "deny");
	assert_int_equal(world_reply(&w, call)->status, 200);
	assert_true(reply_has(world_reply(&w, call), "\"deny\""));
	world_stop(&w);
}

static void
a_wait_ends_with_202(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", false, NULL, 2000);
	engine_commit(w.g);
	fake_now += 1 * INT64_C(1000000000);
	engine_tick(w.g);
	assert_null(world_reply(&w, call));
	fake_now += 1 * INT64_C(1000000000);
	engine_tick(w.g);
	assert_int_equal(world_reply(&w, call)->status, 202);
	world_stop(&w);
}

static void
settings_change_with_a_reload_and_stay_when_it_fails(void **state)
{
	const struct engine_settings never = {
		.policy = { .approval = POLICY_NEVER },
		.ask_timeout_ms = 1000,
	};
	const struct engine_settings broken = {
		.policy = { .auto_review = true, .provider = true },
	};
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	assert_int_equal(engine_reload_settings(w.g, &never, NULL), 0);
	assert_int_equal(
	    engine_reload_settings(w.g, &broken, NULL), ERR_INVALID);
	call = world_propose(&w, "ask", false, NULL, -1);
	engine_commit(w.g);
	assert_true(reply_has(world_reply(&w, call), "\"deny\""));
	assert_true(reply_has(world_reply(&w, call), "\"policy\""));
	world_stop(&w);
}

static void
another_uid_sees_nothing(void **state)
{
	static struct world w;
	uint64_t call, get;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", false, NULL, -1);
	engine_commit(w.g);
	(void)world_id(&w, call, id);
	const struct call c = {
		.route = ROUTE_GET,
		.role = CALLER_AGENT,
		.uid = 1001,
		.wait_ms = -1,
		.target = id,
	};

	get = world_call(&w, c);
	assert_int_equal(world_reply(&w, get)->status, 404);
	world_stop(&w);
}

static void
i5_a_profile_above_the_ceiling_or_unknown_is_refused(void **state)
{
	static const struct {
		const char *profile;
		unsigned status;
	} cases[] = {
		{ "danger-full-access", 403 },
		{ "workspace-write ", 422 },
		{ "full", 422 },
		{ "", 422 },
		{ "read-only", 200 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct world w;
		uint64_t call;

		world_start(&w);
		w.profile = cases[i].profile;
		call = world_propose(&w, "allow", false, NULL, -1);
		engine_commit(w.g);
		assert_int_equal(
		    world_reply(&w, call)->status, cases[i].status);
		world_stop(&w);
	}
}

static void
i1_an_approval_that_only_the_open_table_tells_of_is_not_used(void **state)
{
	static struct world w;
	uint64_t allowed, asked, run;
	struct fake_open *from, *to;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	allowed = world_propose(&w, "allow", false, NULL, -1);
	asked = world_propose(&w, "ask", false, NULL, -1);
	engine_commit(w.g);
	/* Somebody copies what the store notes of the one to the other. */
	from = find_open(&w.recorder, world_id(&w, allowed, id));
	to = find_open(&w.recorder, world_id(&w, asked, id));
	to->stage = from->stage;
	buf_reset(&to->state);
	buf_put_str(&to->state, buf_str(&from->state));
	to->deadline_real_ns = 0;
	world_restart(&w);
	run = execute(&w, asked);
	assert_int_not_equal(world_reply(&w, run)->status, 201);
	assert_int_equal(w.executor.started, 0);
	/* What the log does have is used. */
	run = execute(&w, allowed);
	assert_int_equal(world_reply(&w, run)->status, 201);
	world_stop(&w);
}

static void
i4_another_action_under_an_approved_id_is_not_run(void **state)
{
	static struct world w;
	uint64_t allowed, other, run;
	struct fake_open *from, *to;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	allowed = world_propose(&w, "allow", false, NULL, -1);
	other = world_propose(&w, "allow and more", false, NULL, -1);
	engine_commit(w.g);
	from = find_open(&w.recorder, world_id(&w, other, id));
	to = find_open(&w.recorder, world_id(&w, allowed, id));
	buf_reset(&to->record);
	buf_put_str(&to->record, buf_str(&from->record));
	world_restart(&w);
	run = execute(&w, allowed);
	assert_int_not_equal(world_reply(&w, run)->status, 201);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static uint64_t
report(struct world *w, uid_t uid)
{
	char session[] = "s-1";
	const struct call c = {
		.route = ROUTE_SESSION_EVENT,
		.role = CALLER_AGENT,
		.uid = uid,
		.target = session,
	};

	return world_call(w, c);
}

static void
a_session_belongs_to_the_peer_that_opened_it(void **state)
{
	static struct world w;

	(void)state;
	world_start(&w);
	assert_int_equal(world_reply(&w, report(&w, 1000))->status, 204);
	assert_int_equal(world_reply(&w, report(&w, 1001))->status, 403);
	assert_int_equal(world_reply(&w, report(&w, 1000))->status, 204);
	world_stop(&w);
}

static void
an_answer_is_taken_back_while_nothing_ran(void **state)
{
	static struct world w;
	uint64_t call, answered, undone, run;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	call = world_propose(&w, "ask", false, NULL, -1);
	engine_commit(w.g);
	(void)world_id(&w, call, id);
	answered = world_answer(&w, call, "allow");
	const struct call c = {
		.route = ROUTE_UNDO,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.target = id,
		.if_match = world_reply(&w, answered)->etag,
	};

	undone = world_call(&w, c);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, undone)->status, 200);
	run = execute(&w, call);
	assert_int_equal(world_reply(&w, run)->status, 409);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
a_launcher_that_cannot_start_ends_the_run(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	w.executor.no_launcher = true;
	call = world_propose(&w, "allow", true, NULL, 30000);
	engine_commit(w.g);
	assert_int_equal(w.launches, 1);
	engine_launch_failed(w.g, w.last_ticket, "no memory for it");
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 200);
	assert_true(reply_has(world_reply(&w, call), "no memory for it"));
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
what_the_sandbox_cannot_enforce_is_refused(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	world_start(&w);
	w.executor.refuse_plan = true;
	call = world_propose(&w, "allow", true, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 503);
	assert_int_equal(w.executor.started, 0);
	world_stop(&w);
}

static void
many_ended_actions_do_not_stay_in_memory(void **state)
{
	static struct world w;
	uint64_t first, get;
	char id[ACTION_ID_MAX];

	(void)state;
	world_start(&w);
	first = world_propose(&w, "allow", false, NULL, -1);
	engine_commit(w.g);
	(void)world_id(&w, first, id);
	for (int i = 0; i < 2000; i++) {
		(void)world_propose(&w, "allow", false, NULL, -1);
		engine_commit(w.g);
	}
	const struct call c = {
		.route = ROUTE_GET,
		.role = CALLER_AGENT,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
	};

	/* Gone from memory, read again from the store. */
	get = world_call(&w, c);
	assert_int_equal(world_reply(&w, get)->status, 200);
	assert_true(reply_has(world_reply(&w, get), "\"allow\""));
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i1_no_reply_leaves_before_its_row_is_durable),
		cmocka_unit_test(i1_nothing_runs_unrecorded),
		cmocka_unit_test(i1_a_failed_commit_allows_and_runs_nothing),
		cmocka_unit_test(
		    a_store_that_is_away_is_503_and_comes_back_without_a_restart),
		cmocka_unit_test(decisions_of_a_batch_share_one_commit),
		cmocka_unit_test(i2_a_deny_cannot_be_answered),
		cmocka_unit_test(i2_an_agent_cannot_answer),
		cmocka_unit_test(a_person_approves_and_it_runs_once),
		cmocka_unit_test(i7_an_approval_is_used_once),
		cmocka_unit_test(i7_an_unused_approval_expires),
		cmocka_unit_test(i4_an_answer_for_another_hash_is_refused),
		cmocka_unit_test(i4_another_plan_is_another_hash),
		cmocka_unit_test(a_question_that_nobody_answers_is_denied),
		cmocka_unit_test(with_policy_never_nobody_is_asked),
		cmocka_unit_test(
		    pending_survives_a_restart_and_can_then_be_answered),
		cmocka_unit_test(
		    a_run_that_a_restart_interrupts_is_unknown_and_never_repeated),
		cmocka_unit_test(a_repeated_key_gives_the_same_action),
		cmocka_unit_test(a_waiting_call_is_answered_by_the_decision),
		cmocka_unit_test(a_wait_ends_with_202),
		cmocka_unit_test(
		    settings_change_with_a_reload_and_stay_when_it_fails),
		cmocka_unit_test(another_uid_sees_nothing),
		cmocka_unit_test(
		    i1_an_approval_that_only_the_open_table_tells_of_is_not_used),
		cmocka_unit_test(
		    i4_another_action_under_an_approved_id_is_not_run),
		cmocka_unit_test(
		    i5_a_profile_above_the_ceiling_or_unknown_is_refused),
		cmocka_unit_test(a_session_belongs_to_the_peer_that_opened_it),
		cmocka_unit_test(an_answer_is_taken_back_while_nothing_ran),
		cmocka_unit_test(a_launcher_that_cannot_start_ends_the_run),
		cmocka_unit_test(what_the_sandbox_cannot_enforce_is_refused),
		cmocka_unit_test(many_ended_actions_do_not_stay_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
