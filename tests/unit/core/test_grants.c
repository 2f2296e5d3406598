/*
 * Answers that last, and answers of several people, over fake ports: I1, I2,
 * I7, restarts, clocks.
 */
#include "fake_ports.c.inc"

#include "engine_int.h"
#include "grants.h"

static void
begin(struct world *w)
{
	world_start(w);
	w->session = "s-1";
	w->uid = 0;
	w->approver = 0;
	w->scope = NULL;
}

static bool
says(struct world *w, uint64_t call, const char *text)
{
	return reply_has(world_reply(w, call), text);
}

static uint64_t
propose(struct world *w, const char *script)
{
	const uint64_t call = world_propose(w, script, false, NULL, -1);

	engine_commit(w->g);
	return call;
}

/* A person allows it for the scope; the status of that. */
static unsigned
allow_for(struct world *w, const char *script, const char *scope)
{
	const uint64_t call = propose(w, script);
	uint64_t answered;

	assert_int_equal(world_reply(w, call)->status, 202);
	w->scope = scope;
	answered = world_answer(w, call, "allow");
	w->scope = NULL;
	return world_reply(w, answered)->status;
}

static bool
is_granted(struct world *w, const char *script)
{
	const uint64_t call = propose(w, script);

	return says(w, call, "\"decision\":\"allow\"") &&
	    says(w, call, "\"decided_by\":\"grant\"");
}

static void
i7_a_grant_answers_the_like_and_names_itself(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	call = propose(&w, "ask run tool host");
	assert_true(says(&w, call, "\"grant\":\"grt_"));
	assert_false(is_granted(&w, "ask run tool other"));
	assert_false(is_granted(&w, "ask run other host"));
	assert_false(is_granted(&w, "ask"));
	world_stop(&w);
}

static void
i2_no_grant_changes_a_deny(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 2h"), 200);
	call = propose(&w, "deny run tool host");
	assert_true(says(&w, call, "\"decision\":\"deny\""));
	world_stop(&w);
}

static void
a_grant_is_for_its_uid_session_and_no_other(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	assert_int_equal(allow_for(&w, "ask run two host", "until 2h"), 200);
	w.session = "s-2";
	assert_false(is_granted(&w, "ask run tool host"));
	assert_true(is_granted(&w, "ask run two host"));
	w.session = NULL;
	assert_false(is_granted(&w, "ask run tool host"));
	w.uid = 1001;
	assert_false(is_granted(&w, "ask run two host"));
	w.uid = 0;
	w.session = "s-1";
	assert_true(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static void
i1_a_grant_that_is_not_durable_answers_nothing(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	call = propose(&w, "ask run tool host");
	w.scope = "session";
	w.recorder.fail_commit = true;
	call = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, call)->status, 503);
	w.recorder.fail_commit = false;
	w.scope = NULL;
	assert_false(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static const char *
the_grant(struct world *w, char ret[static ACTION_ID_MAX])
{
	const struct call list = {
		.route = ROUTE_GRANTS,
		.role = CALLER_APPROVER,
		.uid = 1000,
	};
	const struct fake_reply *r = world_reply(w, world_call(w, list));
	const char *at = strstr(r->body, "grt_");

	if (at == NULL)
		return NULL;
	memset(ret, 0, ACTION_ID_MAX);
	memcpy(ret, at, strcspn(at, "\""));
	return ret;
}

static void
what_is_being_revoked_answers_nothing_in_the_same_batch(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX];
	uint64_t call;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	const struct call revoke = {
		.route = ROUTE_REVOKE,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.target = id,
	};

	assert_non_null(the_grant(&w, id));
	(void)world_call(&w, revoke);
	call = world_propose(&w, "ask run tool host", false, NULL, -1);
	engine_commit(w.g);
	assert_int_equal(world_reply(&w, call)->status, 202);
	assert_null(the_grant(&w, id));
	world_stop(&w);
}

static void
a_grant_survives_a_restart_and_its_revocation_too(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 2h"), 200);
	world_restart(&w);
	assert_true(is_granted(&w, "ask run tool host"));
	assert_non_null(the_grant(&w, id));
	const struct call revoke = {
		.route = ROUTE_REVOKE,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.target = id,
	};

	(void)world_call(&w, revoke);
	engine_commit(w.g);
	world_restart(&w);
	assert_false(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

static void
a_grant_ends_with_its_time(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 1m"), 200);
	fake_now += 59 * INT64_C(1000000000);
	assert_true(is_granted(&w, "ask run tool host"));
	fake_now += 2 * INT64_C(1000000000);
	assert_false(is_granted(&w, "ask run tool host"));
	engine_tick(w.g);
	assert_null(the_grant(&w, id));
	world_stop(&w);
}

static void
an_ill_formed_or_distant_time_is_refused(void **state)
{
	static const char *const scopes[] = { "until", "until ", "until soon",
		"until 2h ", "until 400d", "until 0s", "forever",
		"until 1970-01-01T00:00:00Z" };
	static struct world w;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		assert_int_equal(
		    allow_for(&w, "ask run tool host", scopes[i]), 422);
	assert_null(the_grant(&w, id));
	world_stop(&w);
}

/* ---- clocks, on a grant alone ------------------------------------------------ */

#define HOUR INT64_C(3600000000000)

static struct grant
one_hour(void)
{
	return (struct grant){
		.given_boot_ns = 10 * HOUR,
		.given_real_ns = 1000 * HOUR,
		.life_ns = HOUR,
		.boot_id = "boot-1",
	};
}

static bool
over_at(struct grant g, int64_t boot_ns, int64_t real_ns, const char *boot_id)
{
	const struct grant_clock now = { boot_ns, real_ns, boot_id };

	grant_carry_over(&g, &now);
	return grant_is_over(&g, &now);
}

static void
i7_no_jump_of_a_clock_makes_a_grant_longer(void **state)
{
	const struct grant g = one_hour();

	(void)state;
	assert_false(over_at(g, 10 * HOUR + 1, 1000 * HOUR + 1, "boot-1"));
	assert_true(over_at(g, 11 * HOUR, 1001 * HOUR, "boot-1"));
	/* Set back, however far: the other clock goes on. */
	assert_true(over_at(g, 11 * HOUR, 1000 * HOUR + 1, "boot-1"));
	assert_true(over_at(g, 10 * HOUR + 1, 999 * HOUR, "boot-1"));
	/* Set forward: it ends early rather than late. */
	assert_true(over_at(g, 10 * HOUR + 1, 1002 * HOUR, "boot-1"));
	/* After a boot the wall clock tells how old it is. */
	assert_false(over_at(g, 1, 1000 * HOUR + HOUR / 2, "boot-2"));
	assert_true(over_at(g, 1, 1001 * HOUR, "boot-2"));
	assert_true(over_at(g, 1, 999 * HOUR, "boot-2"));
	/* Where the boot is not known neither. */
	assert_true(over_at(g, 1, 1001 * HOUR, ""));
}

/* ---- what waits already ------------------------------------------------------ */

static bool
has_row(const struct world *w, const char *id, enum row_kind kind,
    enum decision decision)
{
	for (size_t i = 0; i < w->recorder.durable; i++) {
		if (strcmp(w->recorder.rows[i].id, id) == 0 &&
		    w->recorder.rows[i].kind == kind &&
		    w->recorder.rows[i].decision == decision)
			return true;
	}
	return false;
}

static enum stage
stage_of(struct world *w, uint64_t call)
{
	char id[ACTION_ID_MAX];
	const struct live *l = live_find(w->g->live, world_id(w, call, id));

	assert_non_null(l);
	return l->a->stage;
}

static void
i1_a_new_grant_answers_what_waits_already_and_it_is_recorded(void **state)
{
	static struct world w;
	uint64_t like, waits, other, elsewhere;
	char id[ACTION_ID_MAX];
	struct live *l;

	(void)state;
	begin(&w);
	like = propose(&w, "ask run tool host");
	waits = world_propose(&w, "ask run tool host", false, NULL, 60000);
	other = propose(&w, "ask run tool other");
	w.session = "s-2";
	elsewhere = propose(&w, "ask run tool host");
	w.session = "s-1";
	assert_null(world_reply(&w, waits));
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	/* Nobody hears of it before it is durable. */
	assert_null(world_reply(&w, waits));
	assert_int_equal(stage_of(&w, like), STAGE_PENDING);
	engine_tick(w.g);
	assert_int_equal(stage_of(&w, like), STAGE_DECIDED);
	l = live_find(w.g->live, world_id(&w, like, id));
	assert_int_equal(l->a->ruling.by, BY_GRANT);
	assert_non_null(l->a->ruling.grant);
	assert_true(has_row(&w, id, ROW_DECIDED, DECISION_ALLOW));
	assert_true(says(&w, waits, "\"decided_by\":\"grant\""));
	assert_int_equal(stage_of(&w, other), STAGE_PENDING);
	assert_int_equal(stage_of(&w, elsewhere), STAGE_PENDING);
	world_stop(&w);
}

static void
i1_what_waits_stays_a_question_when_the_store_fails(void **state)
{
	static struct world w;
	uint64_t like;

	(void)state;
	begin(&w);
	like = propose(&w, "ask run tool host");
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	w.recorder.fail_commit = true;
	engine_tick(w.g);
	assert_int_equal(stage_of(&w, like), STAGE_PENDING);
	world_stop(&w);
}

static void
what_was_raised_to_somebody_is_answered_by_no_grant(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX], name[] = "to", to[] = "uid:77";
	struct env_var field = { .name = name, .value = to };
	struct call c = {
		.route = ROUTE_ESCALATE,
		.role = CALLER_APPROVER,
		.uid = 1000,
		.fields = &field,
		.field_count = 1,
	};
	uint64_t raised;

	(void)state;
	begin(&w);
	raised = propose(&w, "ask run tool host");
	(void)world_id(&w, raised, id);
	c.target = id;
	c.if_match = world_reply(&w, raised)->etag;
	(void)world_call(&w, c);
	engine_commit(w.g);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	engine_tick(w.g);
	assert_int_equal(stage_of(&w, raised), STAGE_PENDING);
	world_stop(&w);
}

/* ---- rules that change while it waits --------------------------------------- */

static void
i2_what_waits_is_denied_at_once_by_stricter_rules(void **state)
{
	const struct engine_settings never = {
		.policy = { .approval = POLICY_NEVER },
		.ask_timeout_ms = 1000,
	};
	static struct world w;
	uint64_t call;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	call = propose(&w, "ask run tool host");
	assert_int_equal(engine_reload_settings(w.g, &never, NULL), 0);
	engine_commit(w.g);
	assert_int_equal(stage_of(&w, call), STAGE_DECIDED);
	assert_true(
	    has_row(&w, world_id(&w, call, id), ROW_DECIDED, DECISION_DENY));
	assert_int_equal(
	    world_reply(&w, world_answer(&w, call, "allow"))->status, 409);
	world_stop(&w);
}

/* Why it was asked may be something else now, so it has to be read again. */
static void
i4_an_answer_to_what_other_rules_asked_is_refused(void **state)
{
	static struct world w;
	struct engine_settings same;
	uint64_t call;

	(void)state;
	begin(&w);
	call = propose(&w, "ask run tool host");
	same = w.g->o.set;
	assert_int_equal(engine_reload_settings(w.g, &same, NULL), 0);
	assert_int_equal(engine_reload(w.g, &w.g->scratch, NULL), 0);
	engine_commit(w.g);
	assert_int_equal(stage_of(&w, call), STAGE_PENDING);
	assert_int_equal(
	    world_reply(&w, world_answer(&w, call, "allow"))->status, 412);
	world_stop(&w);
}

/* ---- several people --------------------------------------------------------- */

static void
two_people_have_to_allow_and_one_counts_once(void **state)
{
	static struct world w;
	uint64_t call, answered;
	char id[ACTION_ID_MAX];

	(void)state;
	begin(&w);
	w.g->o.set.policy.approvals[RISK_LOW] = 2;
	call = propose(&w, "ask run tool host");
	assert_true(says(&w, call, "\"approvals\":\"0/2\""));
	answered = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 202);
	assert_true(says(&w, answered, "\"approvals\":\"1/2\""));
	/* The same person again, with what he sees now. */
	assert_int_equal(
	    world_reply(&w, world_answer(&w, answered, "allow"))->status, 409);
	/* Another one, after a restart. */
	world_restart(&w);
	w.g->o.set.policy.approvals[RISK_LOW] = 2;
	w.approver = 1001;
	(void)world_id(&w, call, id);
	answered = world_answer(&w, answered, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 200);
	assert_true(says(&w, answered, "\"approvals\":\"2/2\""));
	assert_true(says(&w, answered, "\"decision\":\"allow\""));
	world_stop(&w);
}

static void
what_takes_two_people_is_granted_by_nobody(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 200);
	w.g->o.set.policy.approvals[RISK_LOW] = 2;
	assert_false(is_granted(&w, "ask run tool host"));
	world_stop(&w);
}

/* uid 1001 is of the group "security". */
static int
fake_in_group(uid_t uid, const char *group, bool *ret, struct err *e)
{
	if (strcmp(group, "security") != 0)
		return err_set(e, ERR_NOTFOUND, "no group '%s'", group);
	*ret = uid == 1001;
	return ERR_OK;
}

static void
somebody_of_the_group_has_to_be_among_those_who_allow(void **state)
{
	static struct world w;
	uint64_t call, answered;

	(void)state;
	begin(&w);
	w.g->o.env.in_group = fake_in_group;
	memcpy(w.g->o.set.policy.groups[RISK_LOW], "security", 9);
	call = propose(&w, "ask run tool host");
	assert_true(says(&w, call, "\"approver_group\":\"security\""));
	answered = world_answer(&w, call, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 202);
	w.approver = 1001;
	answered = world_answer(&w, answered, "allow");
	assert_int_equal(world_reply(&w, answered)->status, 200);
	assert_true(says(&w, answered, "\"decision\":\"allow\""));
	/* It is certain people's word, so that it does not last. */
	assert_int_equal(allow_for(&w, "ask run tool host", "session"), 403);
	world_stop(&w);
}

static void
where_the_group_is_not_known_nobody_is_of_it(void **state)
{
	static struct world w;
	uint64_t call;

	(void)state;
	begin(&w);
	w.approver = 1001;
	memcpy(w.g->o.set.policy.groups[RISK_LOW], "nobodys", 8);
	for (int known = 0; known < 2; known++) {
		w.g->o.env.in_group = known ? fake_in_group : NULL;
		call = propose(&w, "ask run tool host");
		call = world_answer(&w, call, "allow");
		assert_int_equal(world_reply(&w, call)->status, 202);
	}
	world_stop(&w);
}

static void
what_was_raised_to_a_group_is_allowed_by_its_members_only(void **state)
{
	static struct world w;
	char id[ACTION_ID_MAX], name[] = "to", to[] = "group:security",
				nobody[] = "group:nobodys";
	struct env_var field = { .name = name, .value = nobody };
	struct call c = {
		.route = ROUTE_ESCALATE,
		.role = CALLER_APPROVER,
		.uid = 1002,
		.fields = &field,
		.field_count = 1,
	};
	uint64_t call, raised;

	(void)state;
	begin(&w);
	w.g->o.env.in_group = fake_in_group;
	call = propose(&w, "ask run tool host");
	(void)world_id(&w, call, id);
	c.target = id;
	c.if_match = world_reply(&w, call)->etag;
	assert_int_equal(world_reply(&w, world_call(&w, c))->status, 404);
	field.value = to;
	raised = world_call(&w, c);
	engine_commit(w.g);
	assert_int_equal(
	    world_reply(&w, world_answer(&w, raised, "allow"))->status, 403);
	w.approver = 1001;
	assert_int_equal(
	    world_reply(&w, world_answer(&w, raised, "allow"))->status, 200);
	world_stop(&w);
}

static void
where_grants_are_forbidden_those_that_exist_answer_nothing(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(allow_for(&w, "ask run tool host", "until 2h"), 200);
	w.g->o.set.policy.grants = GRANTS_SESSION;
	assert_false(is_granted(&w, "ask run tool host"));
	w.g->o.set.policy.grants = GRANTS_NONE;
	assert_false(is_granted(&w, "ask run tool host"));
	assert_int_equal(allow_for(&w, "ask run tool two", "session"), 403);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    i1_a_new_grant_answers_what_waits_already_and_it_is_recorded),
		cmocka_unit_test(
		    i1_what_waits_stays_a_question_when_the_store_fails),
		cmocka_unit_test(
		    what_was_raised_to_somebody_is_answered_by_no_grant),
		cmocka_unit_test(
		    i2_what_waits_is_denied_at_once_by_stricter_rules),
		cmocka_unit_test(
		    i4_an_answer_to_what_other_rules_asked_is_refused),
		cmocka_unit_test(i7_a_grant_answers_the_like_and_names_itself),
		cmocka_unit_test(i2_no_grant_changes_a_deny),
		cmocka_unit_test(a_grant_is_for_its_uid_session_and_no_other),
		cmocka_unit_test(
		    i1_a_grant_that_is_not_durable_answers_nothing),
		cmocka_unit_test(
		    what_is_being_revoked_answers_nothing_in_the_same_batch),
		cmocka_unit_test(
		    a_grant_survives_a_restart_and_its_revocation_too),
		cmocka_unit_test(a_grant_ends_with_its_time),
		cmocka_unit_test(an_ill_formed_or_distant_time_is_refused),
		cmocka_unit_test(i7_no_jump_of_a_clock_makes_a_grant_longer),
		cmocka_unit_test(two_people_have_to_allow_and_one_counts_once),
		cmocka_unit_test(what_takes_two_people_is_granted_by_nobody),
		cmocka_unit_test(
		    somebody_of_the_group_has_to_be_among_those_who_allow),
		cmocka_unit_test(where_the_group_is_not_known_nobody_is_of_it),
		cmocka_unit_test(
		    what_was_raised_to_a_group_is_allowed_by_its_members_only),
		cmocka_unit_test(
		    where_grants_are_forbidden_those_that_exist_answer_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
