/*
 * Readers of runs that are over, over fake ports: how long they may keep what
 * others need.
 */
#include "fake_ports.c.inc"

#include "engine_int.h"
#include "model/limits.h"

#define RUNS 6
#define SECOND INT64_C(1000000000)

static const struct outcome over = { .exit = 0 };

/* Writes 16 MiB, is followed by a reader that takes nothing, and ends. */
static struct live *
run(struct world *w)
{
	AUTO_FREE char *bytes = mem_new(1, RUN_OUTPUT_BYTES_DEFAULT);
	const uint64_t call = world_propose(w, "allow", true, NULL, -1);
	char id[ACTION_ID_MAX];
	const struct call follow = {
		.route = ROUTE_OUTPUT,
		.role = CALLER_AGENT,
		.uid = 1000,
		.wait_ms = -1,
		.target = id,
		.stream = true,
	};

	assert_non_null(bytes);
	engine_commit(w->g);
	(void)world_id(w, call, id);
	for (int stream = 1; stream <= 2; stream++)
		engine_executor_events.output(
		    w->g, id, stream, str_n(bytes, RUN_OUTPUT_BYTES_DEFAULT));
	(void)world_call(w, follow);
	engine_executor_events.ended(w->g, id, &over);
	engine_commit(w->g);
	return live_find(w->g->live, id);
}

static void
stalled_readers_keep_an_ended_run_only_while_there_is_room(void **state)
{
	static struct world w;
	struct live *runs[RUNS];

	(void)state;
	world_start(&w);
	runs[0] = run(&w);
	fake_now += 100 * SECOND;
	engine_tick(w.g);
	assert_non_null(runs[0]->output.readers); /* nobody needs the room */
	for (size_t i = 1; i < RUNS; i++)
		runs[i] = run(&w);
	fake_now += 10 * SECOND;
	engine_tick(w.g);
	assert_null(runs[0]->output.readers);
	assert_non_null(runs[RUNS - 1]->output.readers);
	fake_now += HTTP_STALL_MS / 1000 * SECOND;
	engine_tick(w.g);
	for (size_t i = 0; i < RUNS; i++)
		assert_null(runs[i]->output.readers);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    stalled_readers_keep_an_ended_run_only_while_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
