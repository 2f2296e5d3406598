/*
 * One answer to several: only of what was marked, is of one kind, and was read
 * to its end, each of them; and each is answered by itself.
 */
#include "fixture.h"

/* What a person does: opens it, reads it, goes back to the list. */
static void
read_it(struct world *w, const char *id, const char *risk)
{
	tui_choose(w->m, id, true, w->now);
	load_script(w, id, risk, "git push origin main");
	(void)frame(w);
	press(w, KEY_RETURN);
	(void)frame(w);
	press(w, KEY_ESCAPE);
	(void)frame(w);
}

static void
mark(struct world *w, const char *id)
{
	if (strcmp(w->m->lists[VIEW_WAITING].focus, id) != 0)
		tui_choose(w->m, id, true, w->now);
	(void)frame(w);
	press(w, ' ');
	(void)frame(w);
}

static void
become_quiet(struct world *w)
{
	pass(w, 700);
	(void)frame(w);
}

/* Three of one kind, the first two marked; the first read_count were read. */
static void
world_marked(struct world *w, unsigned read_count)
{
	static const char *const ids[] = { "act_0001", "act_0002", "act_0003" };

	world_open(w, true, 40, 120);
	for (unsigned i = 0; i < 3; i++)
		arrive(w, i + 1, "high", "git push origin main");
	for (unsigned i = 0; i < read_count; i++)
		read_it(w, ids[i], "high");
	mark(w, "act_0001");
	mark(w, "act_0002");
	assert_int_equal(tui_marked(w->m), 2);
	become_quiet(w);
	(void)any_decision(w);
}

static void
the_marked_ones_are_allowed_after_one_more_question(void **state)
{
	static const char *const ids[] = { "act_0001", "act_0002" };
	struct world w;
	struct tui_order o;

	(void)state;
	world_marked(&w, 2);
	assert_shows(&w, "2 marked: a allows them");
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	assert_shows(&w, "Allow all 2 marked");
	become_quiet(&w);
	assert_shows(&w, "Enter allows them");
	press(&w, KEY_RETURN);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_true(tui_order(w.m, &o));
		assert_int_equal(o.kind, ORDER_ALLOW);
		assert_string_equal(o.id, ids[i]);
		assert_string_equal(o.sha256, HASH);
		assert_string_equal(o.etag, "\"2-2\"");
		assert_string_equal(o.scope, "once");
	}
	assert_false(tui_order(w.m, &o));
	assert_int_equal(tui_may_at_all(w.m), MAY_BUSY);
	world_close(&w);
}

static void
nothing_is_allowed_with_the_rest_that_was_not_read_itself(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 1);
	assert_shows(&w, "1 not read to the end yet");
	press(&w, 'a');
	assert_int_equal(w.m->mode, MODE_NORMAL);
	assert_int_equal(any_decision(&w), 0);
	assert_shows(&w, "Not read to its end yet: act_0002");
	world_close(&w);
}

static void
the_question_about_the_marked_ones_is_armed_like_any_other(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	press(&w, KEY_NOTHING);
	press(&w, 'a'); /* too soon after a key */
	assert_int_equal(w.m->mode, MODE_NORMAL);
	become_quiet(&w);
	press(&w, 'a');
	press(&w, KEY_RETURN); /* not drawn yet */
	pass(&w, 500);
	(void)frame(&w);
	press(&w, KEY_RETURN); /* too soon */
	pass(&w, 599);
	(void)frame(&w);
	press(&w, KEY_RETURN); /* too soon after the last */
	assert_int_equal(any_decision(&w), 0);
	become_quiet(&w);
	tui_focus(w.m, false, w.now);
	become_quiet(&w);
	press(&w, KEY_RETURN); /* typed for another window */
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
only_one_kind_can_be_marked_together_and_nothing_critical(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 40, 120);
	for (unsigned i = 1; i <= 4; i++)
		arrive(&w, i, i == 4 ? "critical" : "high", "git push");
	(void)snprintf(
	    tui_find(w.m, VIEW_WAITING, "act_0002")->tool, 16, "%s", "fetch");
	tui_find(w.m, VIEW_WAITING, "act_0003")->rule[0] = 'X';
	mark(&w, "act_0004");
	assert_int_equal(tui_marked(w.m), 0);
	assert_shows(&w, "it is answered by itself");
	mark(&w, "act_0001");
	mark(&w, "act_0002");
	mark(&w, "act_0003");
	mark(&w, "act_0004");
	assert_int_equal(tui_marked(w.m), 1);
	mark(&w, "act_0001");
	assert_int_equal(tui_marked(w.m), 0);
	world_close(&w);
}

static void
a_marked_one_that_became_another_is_neither_marked_nor_read(void **state)
{
	struct world w;
	struct tui_entry e = { .id = "act_0002",
		.sha256 = OTHER_HASH,
		.risk = "high",
		.decision = "ask",
		.tool = "shell" };

	(void)state;
	world_marked(&w, 2);
	press(&w, 'a');
	become_quiet(&w);
	e.rule = mem_strndup("default.remote", 14);
	tui_put(w.m, VIEW_WAITING, &e, w.now);
	become_quiet(&w);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	assert_int_equal(tui_marked(w.m), 1);
	assert_string_equal(
	    tui_find(w.m, VIEW_WAITING, "act_0002")->shown_etag, "");
	world_close(&w);
}

static void
a_marked_one_that_became_critical_is_not_allowed_with_the_rest(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	arrive(&w, 2, "critical", "git push origin main");
	assert_int_equal(tui_marked(w.m), 1);
	world_close(&w);
}

static void
a_marked_one_that_the_filter_hides_is_not_allowed(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	(void)snprintf(w.m->filter, sizeof(w.m->filter), "act_0001");
	press(&w, 'a');
	assert_int_equal(w.m->mode, MODE_NORMAL);
	assert_int_equal(any_decision(&w), 0);
	assert_shows(&w, "The filter hides a marked one: act_0002");
	world_close(&w);
}

static void
a_deny_works_on_all_that_are_marked(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 0);
	press(&w, 'd');
	assert_int_equal(decisions(&w, ORDER_DENY), 2);
	assert_int_equal(tui_marked(w.m), 0);
	world_close(&w);
}

static void
what_failed_stays_and_says_why(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_marked(&w, 2);
	press(&w, 'd');
	assert_true(tui_order(w.m, &o));
	tui_answered(w.m, &o, "it is another action now", w.now);
	assert_true(w.m->busy[0] != '\0');
	assert_true(tui_order(w.m, &o));
	tui_answered(w.m, &o, NULL, w.now);
	tui_gone(w.m, VIEW_WAITING, o.id, NULL, w.now);
	assert_true(w.m->busy[0] == '\0');
	assert_shows(&w, "1 denied, 1 not");
	assert_shows(&w, "not answered: it is another");
	assert_int_equal(w.m->lists[VIEW_WAITING].count, 2);
	world_close(&w);
}

static void
answers_that_were_not_sent_when_the_line_broke_are_dropped(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	press(&w, 'd');
	tui_link(w.m, false, "gone", w.now);
	tui_link(w.m, true, "", w.now);
	assert_int_equal(any_decision(&w), 0);
	assert_true(w.m->busy[0] == '\0');
	world_close(&w);
}

static void
escape_unmarks_and_decides_nothing(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	press(&w, 'a');
	become_quiet(&w);
	press(&w, KEY_ESCAPE);
	assert_int_equal(tui_marked(w.m), 2);
	press(&w, KEY_ESCAPE);
	assert_int_equal(tui_marked(w.m), 0);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_lasting_answer_is_not_given_to_several(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	w.m->skills = SKILL_SCOPE | SKILL_RAISE;
	for (const char *k = "stmR"; *k != '\0'; k++) {
		press(&w, *k);
		assert_int_equal(w.m->mode, MODE_NORMAL);
		become_quiet(&w);
	}
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
after_a_sleep_of_the_machine_all_is_read_anew(void **state)
{
	struct world w;

	(void)state;
	world_marked(&w, 2);
	w.now += 3600 * SECOND;
	tui_tick(w.m, w.now);
	become_quiet(&w);
	press(&w, 'a');
	assert_int_equal(w.m->mode, MODE_NORMAL);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
all_that_were_answered_at_once_are_taken_back_at_once(void **state)
{
	struct world w;
	struct tui_order o;
	char ids[4][TUI_FIELD_MAX];
	size_t count = 0;

	(void)state;
	world_marked(&w, 2);
	w.m->skills |= SKILL_UNDO;
	press(&w, 'd');
	while (tui_order(w.m, &o)) {
		(void)snprintf(ids[count++], TUI_FIELD_MAX, "%s", o.id);
		tui_answered(w.m, &o, NULL, w.now);
	}
	assert_int_equal(count, 2);
	assert_shows(&w, "2 denied. u takes them back for 60 s");
	press(&w, 'u');
	for (size_t i = 0; i < count; i++) {
		assert_true(tui_order(w.m, &o));
		assert_int_equal(o.kind, ORDER_UNDO);
		assert_string_equal(o.id, ids[i]);
		tui_answered(w.m, &o, i == 0 ? "it runs" : NULL, w.now);
	}
	assert_shows(&w, "1 taken back, 1 not");
	press(&w, 'u');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
after_a_minute_nothing_is_taken_back(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_marked(&w, 2);
	w.m->skills |= SKILL_UNDO;
	press(&w, 'd');
	while (tui_order(w.m, &o))
		tui_answered(w.m, &o, NULL, w.now);
	pass(&w, 60 * 1000);
	press(&w, 'u');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_marked_ones_are_allowed_after_one_more_question),
		cmocka_unit_test(
		    nothing_is_allowed_with_the_rest_that_was_not_read_itself),
		cmocka_unit_test(
		    the_question_about_the_marked_ones_is_armed_like_any_other),
		cmocka_unit_test(
		    only_one_kind_can_be_marked_together_and_nothing_critical),
		cmocka_unit_test(
		    a_marked_one_that_became_another_is_neither_marked_nor_read),
		cmocka_unit_test(
		    a_marked_one_that_became_critical_is_not_allowed_with_the_rest),
		cmocka_unit_test(
		    a_marked_one_that_the_filter_hides_is_not_allowed),
		cmocka_unit_test(a_deny_works_on_all_that_are_marked),
		cmocka_unit_test(what_failed_stays_and_says_why),
		cmocka_unit_test(
		    answers_that_were_not_sent_when_the_line_broke_are_dropped),
		cmocka_unit_test(escape_unmarks_and_decides_nothing),
		cmocka_unit_test(a_lasting_answer_is_not_given_to_several),
		cmocka_unit_test(
		    all_that_were_answered_at_once_are_taken_back_at_once),
		cmocka_unit_test(after_a_minute_nothing_is_taken_back),
		cmocka_unit_test(after_a_sleep_of_the_machine_all_is_read_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
