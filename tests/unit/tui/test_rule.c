/*
 * A rule is written only after all of it was shown, and never by accident.
 */
#include "fixture.h"

static void
show_rule(struct world *w, const char *id, bool possible, unsigned lines)
{
	struct page page = PAGE_INIT;

	page.utf8 = true;
	for (unsigned i = 0; i < lines; i++)
		page_own(&page, STYLE_PLAIN, "  line %u", i);
	tui_show_preview(w->m, id, possible, &page, w->now);
	page_done(&page);
}

static void
world_asked(struct world *w)
{
	struct tui_order o;

	world_armed(w);
	press(w, 'M');
	assert_int_equal(w->m->mode, MODE_RULE);
	assert_true(tui_order(w->m, &o));
	assert_int_equal(o.kind, ORDER_RULE);
	assert_string_equal(o.id, "act_0001");
}

static void
a_rule_is_written_only_after_all_of_it_was_shown(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_asked(&w);
	press(&w, KEY_RETURN); /* not there yet */
	show_rule(&w, "act_0001", true, 200);
	(void)frame(&w);
	for (int i = 0; i < 20; i++) {
		pass(&w, 700);
		(void)frame(&w);
		if (w.m->preview.seen >= w.m->preview.rows.count)
			break;
		press(&w, KEY_RETURN);
		assert_int_equal(any_decision(&w), 0);
		assert_int_equal(w.m->mode, MODE_RULE);
		press(&w, ' ');
		(void)frame(&w);
	}
	assert_shows(&w, "Enter writes it");
	press(&w, KEY_RETURN);
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_SAVE_RULE);
	assert_string_equal(o.id, "act_0001");
	assert_false(tui_order(w.m, &o));
	world_close(&w);
}

static void
a_draft_is_written_under_the_same_rules(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_asked(&w);
	press(&w, 'o'); /* not there yet */
	show_rule(&w, "act_0001", true, 3);
	(void)frame(&w);
	press(&w, 'o');
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 700);
	(void)frame(&w);
	press(&w, 'o');
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_SAVE_RULE);
	assert_string_equal(o.scope, "draft");
	world_close(&w);
	world_asked(&w);
	show_rule(&w, "act_0001", false, 3); /* a deny would be allowed */
	(void)frame(&w);
	pass(&w, 700);
	(void)frame(&w);
	press(&w, 'o');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
an_enter_too_soon_writes_no_rule(void **state)
{
	struct world w;

	(void)state;
	world_asked(&w);
	show_rule(&w, "act_0001", true, 3);
	press(&w, KEY_RETURN); /* not drawn */
	(void)frame(&w);
	press(&w, KEY_RETURN);
	pass(&w, 599);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 700);
	tui_paste(w.m, true, w.now);
	pass(&w, 700);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
what_makes_no_rule_writes_none(void **state)
{
	struct world w;

	(void)state;
	world_asked(&w);
	show_rule(&w, "act_0001", false, 3);
	(void)frame(&w);
	pass(&w, 700);
	(void)frame(&w);
	assert_shows(&w, "No rule is made of this");
	press(&w, KEY_RETURN);
	assert_int_equal(w.m->mode, MODE_NORMAL);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
the_rule_of_another_action_is_not_written(void **state)
{
	struct world w;

	(void)state;
	world_asked(&w);
	show_rule(&w, "act_0002", true, 3);
	(void)frame(&w);
	pass(&w, 700);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_rule_answers_nothing(void **state)
{
	struct world w;

	(void)state;
	world_asked(&w);
	show_rule(&w, "act_0001", true, 3);
	(void)frame(&w);
	pass(&w, 700);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	assert_int_equal(decisions(&w, ORDER_ALLOW), 0);
	assert_int_equal(w.m->lists[VIEW_WAITING].count, 1);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_rule_is_written_only_after_all_of_it_was_shown),
		cmocka_unit_test(a_draft_is_written_under_the_same_rules),
		cmocka_unit_test(an_enter_too_soon_writes_no_rule),
		cmocka_unit_test(what_makes_no_rule_writes_none),
		cmocka_unit_test(the_rule_of_another_action_is_not_written),
		cmocka_unit_test(a_rule_answers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
