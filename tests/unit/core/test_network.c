/*
 * Questions of a run about hosts, over fake ports: who answers, what is
 * durable when the run's proxy hears of it (I1), what is left at the end.
 */
#include "fake_ports.c.inc"

#include "engine_int.h"

static uint64_t last_ticket;

/* A run that is under way; its id. */
static const char *
begin(struct world *w)
{
	static char id[ACTION_ID_MAX];
	uint64_t call;

	world_start(w);
	w->executor.seen = &w->recorder;
	w->session = "s-1";
	call = world_propose(w, "allow", true, NULL, -1);
	engine_commit(w->g);
	assert_int_equal(w->executor.started, 1);
	return world_id(w, call, id);
}

static void
ask(struct world *w, const char *run, const char *host)
{
	engine_executor_events.net_asked(w->g, run,
	    &(struct net_question){
		.ticket = ++last_ticket,
		.host = host,
		.port = 443,
		.protocol = "tls",
	    });
}

static const struct live *
question(struct world *w)
{
	struct live *l = NULL;

	while ((l = live_next(w->g->live, l)) != NULL) {
		if (l->a->stage == STAGE_PENDING && l->a->during != NULL)
			return l;
	}
	return NULL;
}

static size_t
rows_of(const struct world *w, enum row_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < w->recorder.durable; i++)
		n += w->recorder.rows[i].kind == kind;
	return n;
}

static void
i1_a_runs_proxy_hears_of_an_answer_when_it_is_durable(void **state)
{
	static struct world w;
	const char *run = begin(&w);
	const size_t before = w.recorder.durable;

	(void)state;
	ask(&w, run, "allow");
	assert_int_equal(w.executor.net_yes, 0);
	engine_commit(w.g);
	assert_int_equal(w.executor.net_yes, 1);
	assert_int_equal(w.executor.net_ticket, last_ticket);
	assert_true(w.executor.net_durable > before);
	world_stop(&w);
}

static void
i1_what_is_not_recorded_is_a_no(void **state)
{
	static struct world w;
	const char *run = begin(&w);

	(void)state;
	w.recorder.fail_commit = true;
	ask(&w, run, "allow");
	engine_commit(w.g);
	assert_int_equal(w.executor.net_yes, 0);
	assert_int_equal(w.executor.net_no, 1);
	w.recorder.unhealthy = true;
	ask(&w, run, "allow");
	assert_int_equal(w.executor.net_no, 2);
	world_stop(&w);
}

static void
i2_a_deny_from_rules_reaches_the_run_without_a_question(void **state)
{
	static struct world w;
	const char *run = begin(&w);

	(void)state;
	ask(&w, run, "deny");
	engine_commit(w.g);
	assert_null(question(&w));
	assert_int_equal(w.executor.net_yes, 0);
	assert_int_equal(w.executor.net_no, 1);
	world_stop(&w);
}

static void
a_question_names_the_run_and_waits(void **state)
{
	static struct world w;
	const char *run = begin(&w);
	const struct live *l;

	(void)state;
	ask(&w, run, "ask");
	engine_commit(w.g);
	l = question(&w);
	assert_non_null(l);
	assert_string_equal(l->a->during, run);
	assert_int_equal(l->a->proposal.tool, TOOL_PERMISSION);
	assert_string_equal(l->a->proposal.input.hosts[0], "ask:443");
	assert_string_equal(l->a->proposal.session, "s-1");
	assert_int_equal(w.executor.net_yes + w.executor.net_no, 0);
	/* Nobody answers: the clock does. */
	fake_now += 3600 * SECOND_NS;
	engine_tick(w.g);
	assert_int_equal(w.executor.net_no, 1);
	assert_string_equal(w.executor.net_who, "timeout");
	world_stop(&w);
}

static void
an_ended_run_takes_its_questions_with_it(void **state)
{
	static struct world w;
	const char *run = begin(&w);
	const struct outcome ended = { .exit = 0 };

	(void)state;
	ask(&w, run, "ask");
	ask(&w, run, "ask too");
	engine_commit(w.g);
	assert_non_null(question(&w));
	engine_executor_events.ended(w.g, run, &ended);
	engine_commit(w.g);
	assert_null(question(&w));
	assert_int_equal(rows_of(&w, ROW_CANCELLED), 2);
	assert_int_equal(w.executor.net_no, 2);
	/* What it asks afterwards is nobody's. */
	ask(&w, run, "allow");
	engine_commit(w.g);
	assert_int_equal(w.executor.net_yes, 0);
	world_stop(&w);
}

static void
a_restart_takes_the_questions_of_runs_that_it_ended(void **state)
{
	static struct world w;
	const char *run = begin(&w);

	(void)state;
	ask(&w, run, "ask");
	engine_commit(w.g);
	assert_non_null(question(&w));
	world_restart(&w);
	assert_null(question(&w));
	assert_int_equal(live_pending(w.g->live), 0);
	assert_int_equal(rows_of(&w, ROW_CANCELLED), 1);
	assert_int_equal(rows_of(&w, ROW_UNKNOWN), 1);
	/* And only once. */
	world_restart(&w);
	assert_int_equal(rows_of(&w, ROW_CANCELLED), 1);
	world_stop(&w);
}

/* How long it waits after a restart: left of the ten minutes, whatever the
 * calendar says, unless the machine was started anew. */
static void
assert_waits(
    const char *before, const char *after, int64_t real_step_s, int64_t waits_s)
{
	static struct world w;

	world_start(&w);
	engine_free(w.g);
	w.boot_id = before;
	start_engine(&w);
	(void)world_propose(&w, "ask", true, NULL, -1);
	engine_commit(w.g);
	fake_now += 100 * SECOND_NS;
	w.boot_id = after;
	fake_real_step += real_step_s * SECOND_NS;
	world_restart(&w);
	assert_int_equal(live_pending(w.g->live), 1);
	fake_now += (waits_s - 1) * SECOND_NS;
	engine_tick(w.g);
	engine_commit(w.g);
	assert_int_equal(live_pending(w.g->live), 1);
	fake_now += 2 * SECOND_NS;
	engine_tick(w.g);
	engine_commit(w.g);
	assert_int_equal(live_pending(w.g->live), 0);
	world_stop(&w);
}

static void
a_calendar_that_is_set_changes_no_deadline(void **state)
{
	(void)state;
	assert_waits("boot-1", "boot-1", 0, 500);
	assert_waits("boot-1", "boot-1", 300, 500);
	assert_waits("boot-1", "boot-1", -7200, 500);
	/* Of another boot the clock says nothing. */
	assert_waits("boot-1", "boot-2", 300, 200);
	assert_waits(NULL, NULL, 300, 200);
}

static void
one_run_cannot_fill_the_screen_or_the_log(void **state)
{
	static struct world w;
	const char *run = begin(&w);
	const struct net_fact fact = { .host = "a", .port = 1 };

	(void)state;
	for (int i = 0; i < 80; i++)
		ask(&w, run, "ask");
	engine_commit(w.g);
	assert_int_equal(live_pending(w.g->live), 64);
	assert_int_equal(w.executor.net_no, 16);
	for (int i = 0; i < 3000; i++)
		engine_executor_events.net_happened(w.g, run, &fact);
	engine_commit(w.g);
	assert_int_equal(rows_of(&w, ROW_NETWORK), 1025);
	world_stop(&w);
}

static void
no_connection_of_a_busy_run_is_lost_from_the_log(void **state)
{
	static struct world w;
	const char *run = begin(&w);
	const struct outcome ended = { .exit = 0 };
	int64_t count = 0, bytes = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char host[16];

		(void)snprintf(host, sizeof(host), "h%d", i % 200);
		engine_executor_events.net_happened(w.g, run,
		    &(struct net_fact){ .allow = i % 3 != 0,
			.host = host,
			.port = 443,
			.bytes_up = 10 });
	}
	engine_executor_events.ended(w.g, run, &ended);
	engine_commit(w.g);
	for (size_t i = 0; i < w.recorder.durable; i++) {
		count += w.recorder.rows[i].net_count;
		bytes += w.recorder.rows[i].net_bytes_up;
	}
	assert_int_equal(count, 3000);
	assert_int_equal(bytes, 30000);
	/* The others share a row. */
	assert_true(rows_of(&w, ROW_NETWORK) < 1024 + 1000 + 2 + 128 + 2);
	world_stop(&w);
}

static void
refused_connections_hide_none_that_went_through(void **state)
{
	static struct world w;
	const char *run = begin(&w);
	const struct net_fact refused = { .host = "a", .port = 1 };
	const struct net_fact other = { .allow = true, .host = "b", .port = 1 };

	(void)state;
	for (int i = 0; i < 1100; i++)
		engine_executor_events.net_happened(w.g, run, &refused);
	engine_executor_events.net_happened(w.g, run, &other);
	engine_commit(w.g);
	assert_int_equal(rows_of(&w, ROW_NETWORK), 1025 + 1);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    i1_a_runs_proxy_hears_of_an_answer_when_it_is_durable),
		cmocka_unit_test(i1_what_is_not_recorded_is_a_no),
		cmocka_unit_test(
		    i2_a_deny_from_rules_reaches_the_run_without_a_question),
		cmocka_unit_test(a_question_names_the_run_and_waits),
		cmocka_unit_test(an_ended_run_takes_its_questions_with_it),
		cmocka_unit_test(
		    a_restart_takes_the_questions_of_runs_that_it_ended),
		cmocka_unit_test(a_calendar_that_is_set_changes_no_deadline),
		cmocka_unit_test(one_run_cannot_fill_the_screen_or_the_log),
		cmocka_unit_test(
		    no_connection_of_a_busy_run_is_lost_from_the_log),
		cmocka_unit_test(
		    refused_connections_hide_none_that_went_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
