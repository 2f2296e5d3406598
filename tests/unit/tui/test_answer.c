/*
 * No key answers by accident: each rule of arming by itself, with a clock that
 * moves only when told. The names follow the bugs that other tools had.
 */
#include "fixture.h"

/* ---- what an answer needs ------------------------------------------------ */

static void
a_key_allows_what_is_shown_whole_and_quiet(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_armed(&w);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_YES);
	press(&w, 'a');
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_ALLOW);
	assert_string_equal(o.id, "act_0001");
	assert_string_equal(o.sha256, HASH);
	assert_string_equal(o.etag, "\"2-2\"");
	assert_string_equal(o.scope, "once");
	world_close(&w);
}

static void
a_key_within_600_ms_of_any_key_allows_nothing(void **state)
{
	static const int keys[] = { 'x', 'j', ' ', KEY_NOTHING, KEY_ESCAPE,
		KEY_UP_, KEY_TAB_, 'a', 'e' };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct world w;

		world_armed(&w);
		press(&w, keys[i]);
		(void)any_decision(&w);
		w.m->busy[0] = '\0';
		pass(&w, 599);
		(void)frame(&w);
		press(&w, 'a');
		assert_int_equal(any_decision(&w), 0);
		world_close(&w);
	}
}

static void
arming_starts_again_with_every_key(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	for (int i = 0; i < 50; i++) {
		press(&w, KEY_NOTHING);
		pass(&w, 500);
		(void)frame(&w);
		press(&w, 'a');
		assert_int_equal(any_decision(&w), 0);
		pass(&w, 500);
	}
	world_close(&w);
}

/* "Too soon" must not hide the bar that says when it is time. */
static void
a_refusal_is_not_shown_for_long(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	press(&w, KEY_NOTHING);
	press(&w, 'a');
	assert_shows(&w, "Too soon");
	pass(&w, 1700);
	assert_shows(&w, "a allows it once");
	world_close(&w);
}

static void
a_new_item_never_takes_the_focus(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	arrive(&w, 0, "low", "older by its id");
	arrive(&w, 2, "low", "newer");
	assert_string_equal(w.m->lists[VIEW_WAITING].focus, "act_0001");
	world_close(&w);
}

/* Somebody types into a window; a question comes up by itself. */
static void
an_item_that_came_by_itself_is_not_allowed_before_it_is_opened(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 40, 120);
	arrive(&w, 1, "high", "git push");
	load(&w, "act_0001");
	(void)frame(&w);
	pass(&w, 60000);
	(void)frame(&w);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_NOT_OPENED);
	press(&w, 'a');
	pass(&w, 1000);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
the_next_item_needs_its_own_opening_and_arming(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	arrive(&w, 2, "high", "the next");
	tui_gone(w.m, VIEW_WAITING, "act_0001", "denied by uid:1", w.now);
	press(&w, 'a'); /* the late key */
	load(&w, "act_0002");
	(void)frame(&w);
	press(&w, 'a');
	pass(&w, 5000);
	(void)frame(&w);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_storm_of_500_keys_decides_nothing(void **state)
{
	struct world w;
	unsigned seed = 7;

	(void)state;
	world_open(&w, true, 40, 120);
	for (int i = 0; i < 500; i++) {
		seed = seed * 1103515245u + 12345u;
		press(&w, (int)(' ' + seed / 65536u % 95u));
		if (i == 100)
			arrive(&w, 1, "low", "ls");
		if (i == 120)
			load_script(&w, "act_0001", "low", "ls");
		if (i == 300)
			arrive(&w, 2, "low", "pwd");
		if (i % 3 == 0)
			(void)frame(&w);
		if (w.m->quit || w.m->mode != MODE_NORMAL) {
			w.m->quit = false;
			w.m->mode = MODE_NORMAL;
		}
		w.m->view = VIEW_WAITING;
		pass(&w, 1 + seed / 7 % 120);
		assert_int_equal(any_decision(&w), 0);
	}
	assert_int_equal(w.m->lists[VIEW_WAITING].count, 2);
	world_close(&w);
}

/* A pause of a second in the midst of typing is no sign of a decision. */
static void
typing_with_pauses_allows_nothing_that_came_meanwhile(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 40, 120);
	for (int i = 0; i < 100; i++) {
		press(&w, "bananas and a papaya "[i % 21]);
		w.m->quit = false;
		if (w.m->mode != MODE_NORMAL)
			w.m->mode = MODE_NORMAL;
		w.m->view = VIEW_WAITING;
		if (i == 10) {
			arrive(&w, 1, "low", "ls");
			load_script(&w, "act_0001", "low", "ls");
		}
		(void)frame(&w);
		pass(&w, i % 5 == 0 ? 1100 : 200);
		assert_int_equal(decisions(&w, ORDER_ALLOW), 0);
	}
	world_close(&w);
}

/* ---- the screen ---------------------------------------------------------- */

static void
a_key_before_the_frame_is_drawn_answers_nothing(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 40, 120);
	arrive(&w, 1, "high", "git push");
	load(&w, "act_0001");
	w.m->opened = true;
	pass(&w, 5000);
	press(&w, 'a');
	pass(&w, 5000);
	press(&w, 'd');
	assert_int_equal(any_decision(&w), 0);
	w.m->opened = false;
	assert_true(frame(&w)); /* and what was typed before is dropped */
	world_close(&w);
}

static void
the_focus_coming_back_arms_anew(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	tui_focus(w.m, false, w.now);
	pass(&w, 2000);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 2000);
	tui_focus(w.m, true, w.now);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 700);
	(void)frame(&w);
	press(&w, 'a');
	assert_int_equal(decisions(&w, ORDER_ALLOW), 1);
	world_close(&w);
}

static void
a_click_chooses_and_never_decides(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	arrive(&w, 2, "low", "ls");
	for (int y = 0; y < 40; y++) {
		for (int x = 0; x < 120; x += 5)
			tui_click(w.m, y, x, w.now);
	}
	assert_int_equal(any_decision(&w), 0);
	assert_string_equal(w.m->lists[VIEW_WAITING].focus, "act_0002");
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
pasted_text_decides_nothing(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	tui_paste(w.m, true, w.now);
	pass(&w, 5000);
	for (const char *c = "aaaad"; *c != '\0'; c++)
		press(&w, *c);
	press(&w, KEY_RETURN);
	press(&w, 'a');
	tui_paste(w.m, false, w.now);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_pasted_line_end_does_not_send_a_message(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	press(&w, 'm');
	assert_int_equal(w.m->mode, MODE_MESSAGE);
	tui_paste(w.m, true, w.now);
	press(&w, 'x');
	press(&w, KEY_RETURN);
	tui_paste(w.m, false, w.now);
	assert_int_equal(any_decision(&w), 0);
	press(&w, KEY_RETURN);
	assert_int_equal(decisions(&w, ORDER_DENY), 1);
	world_close(&w);
}

static void
a_resize_arms_anew_and_what_was_seen_counts_no_more(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	tui_resize(w.m, 12, 50, w.now);
	assert_int_equal(w.m->open.seen, 0);
	pass(&w, 700);
	(void)frame(&w);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_PART_HIDDEN);
	world_close(&w);
}

static void
a_storm_of_resizes_survives_and_decides_nothing(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	for (int i = 1; i < 400; i++) {
		tui_resize(w.m, 1 + i * 7 % 60, 1 + i * 13 % 200, w.now);
		(void)frame(&w);
		press(&w, 'a');
		assert_int_equal(any_decision(&w), 0);
		pass(&w, 10);
	}
	world_close(&w);
}

/* ---- all of it ----------------------------------------------------------- */

static char *
a_long_script(size_t lines)
{
	struct buf b = BUF_INIT((size_t)1 << 20);

	for (size_t i = 0; i < lines; i++)
		buf_printf(&b, "echo %zu\n", i);
	buf_puts(&b, "rm -rf /home/dev\n");
	return b.s;
}

static void
nothing_is_allowed_before_its_end_was_shown(void **state)
{
	char *script = a_long_script(200);
	struct world w;

	(void)state;
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "high", "echo 0 ...");
	load_script(&w, "act_0001", "high", script);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	(void)frame(&w);
	for (int i = 0; i < 40; i++) {
		pass(&w, 700);
		(void)frame(&w);
		if (w.m->open.seen >= w.m->open.rows.must)
			break;
		assert_int_equal(tui_may_allow(w.m, w.now), MAY_PART_HIDDEN);
		press(&w, 'a');
		assert_int_equal(any_decision(&w), 0);
		press(&w, KEY_PAGE_DOWN);
		(void)frame(&w);
	}
	assert_true(w.m->open.seen >= w.m->open.rows.must);
	pass(&w, 700);
	press(&w, 'a');
	assert_int_equal(decisions(&w, ORDER_ALLOW), 1);
	world_close(&w);
	free(script);
}

static void
a_leap_to_the_end_does_not_count_as_having_seen_the_middle(void **state)
{
	char *script = a_long_script(200);
	struct world w;

	(void)state;
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "high", "echo 0 ...");
	load_script(&w, "act_0001", "high", script);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	(void)frame(&w);
	press(&w, 'G');
	(void)frame(&w);
	pass(&w, 700);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_PART_HIDDEN);
	press(&w, 'e');
	(void)frame(&w);
	pass(&w, 700);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_PART_HIDDEN);
	world_close(&w);
	free(script);
}

static void
what_cannot_be_shown_whole_cannot_be_allowed(void **state)
{
	json_t *d = a_decision("act_0001", "low"), *x = quoted("{}");
	struct page page = PAGE_INIT;
	struct world w;

	(void)state;
	world_armed(&w);
	assert_false(case_page(d, NULL, &(struct case_how){ 0 }, &page));
	assert_false(case_page(d, x, &(struct case_how){ 0 }, &page));
	w.m->open.whole = false;
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_NOT_WHOLE);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	page_done(&page);
	json_decref(d);
	json_decref(x);
	world_close(&w);
}

/* ---- which one ----------------------------------------------------------- */

static void
another_hash_under_the_same_id_must_be_looked_at_again(void **state)
{
	struct tui_entry e = { .risk = "low", .state = "pending" };
	struct world w;

	(void)state;
	world_armed(&w);
	(void)snprintf(e.id, sizeof(e.id), "act_0001");
	(void)snprintf(e.sha256, sizeof(e.sha256), OTHER_HASH);
	tui_put(w.m, VIEW_WAITING, &e, w.now);
	pass(&w, 2000);
	(void)frame(&w);
	press(&w, 'a');
	assert_int_equal(decisions(&w, ORDER_ALLOW), 0);
	world_close(&w);
}

/* Whatever else says that all is well, the hash that was shown decides. */
static void
a_case_of_another_hash_than_the_list_allows_nothing(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_YES);
	(void)snprintf(
	    w.m->lists[VIEW_WAITING].at[0].sha256, TUI_HASH_MAX, OTHER_HASH);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_LOADING);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
what_was_decided_elsewhere_is_said_and_not_answered(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	tui_gone(
	    w.m, VIEW_WAITING, "act_0001", "deny by human uid:1000", w.now);
	assert_shows(&w, "Decided elsewhere: deny by human uid:1000");
	press(&w, 'a');
	press(&w, 'd');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

/* A prompt must not outlive its question. */
static void
a_prompt_ends_when_its_action_is_gone(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	arrive(&w, 2, "low", "ls");
	press(&w, 'm');
	press(&w, 'n');
	tui_gone(w.m, VIEW_WAITING, "act_0001", "allow by rule x", w.now);
	assert_int_equal(w.m->mode, MODE_NORMAL);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
one_key_is_one_answer(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	press(&w, 'a');
	for (int i = 0; i < 10; i++) {
		pass(&w, 700);
		press(&w, 'a');
		press(&w, 'd');
	}
	assert_int_equal(any_decision(&w), 1);
	world_close(&w);
}

static void
a_refused_answer_is_shown_and_looked_at_again(void **state)
{
	struct tui_order o;
	struct world w;

	(void)state;
	world_armed(&w);
	press(&w, 'a');
	assert_true(tui_order(w.m, &o));
	tui_answered(w.m, &o, "bob was first (409)", w.now);
	assert_shows(&w, "Nothing was answered: bob was first (409)");
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_LOAD);
	pass(&w, 2000);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

/* ---- deny ---------------------------------------------------------------- */

static void
a_deny_works_at_once(void **state)
{
	struct tui_order o;
	struct world w;

	(void)state;
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "high", "git push");
	(void)frame(&w);
	(void)decisions(&w, ORDER_LOAD);
	press(&w, 'd');
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_DENY);
	assert_string_equal(o.sha256, HASH);
	world_close(&w);
}

static void
a_deny_works_right_after_moving(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "high", "git push");
	arrive(&w, 2, "high", "git push");
	(void)frame(&w);
	press(&w, 'j');
	(void)frame(&w);
	press(&w, 'd');
	assert_int_equal(decisions(&w, ORDER_DENY), 1);
	world_close(&w);
}

static void
a_deny_in_the_midst_of_typing_is_none(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "high", "git push");
	(void)frame(&w);
	press(&w, 'n');
	pass(&w, 150);
	press(&w, 'd');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_deny_carries_the_words_for_the_agent(void **state)
{
	struct tui_order o;
	struct world w;

	(void)state;
	world_armed(&w);
	press(&w, 'm');
	for (const char *c = "use a branch"; *c != '\0'; c++)
		press(&w, *c);
	press(&w, KEY_RETURN);
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_DENY);
	assert_string_equal(o.text, "use a branch");
	world_close(&w);
}

/* ---- critical ------------------------------------------------------------ */

static void
open_critical(struct world *w, const char *risk)
{
	world_open(w, true, 40, 120);
	arrive(w, 1, risk, "rm -rf /srv");
	load_script(w, "act_0001", risk, "rm -rf /srv");
	(void)frame(w);
	press(w, KEY_RETURN);
	(void)frame(w);
	(void)any_decision(w);
	pass(w, 700);
	(void)frame(w);
}

static void
a_critical_risk_wants_its_word_typed(void **state)
{
	char word[TUI_WORD_LEN + 1];
	struct world w;

	(void)state;
	open_critical(&w, "critical");
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	assert_int_equal(w.m->mode, MODE_WORD);
	tui_word(w.m, word);
	assert_shows(&w, word);
	pass(&w, 700);
	for (size_t i = 0; word[i] != '\0'; i++)
		press(&w, word[i]);
	press(&w, KEY_RETURN);
	assert_int_equal(decisions(&w, ORDER_ALLOW), 1);
	world_close(&w);
}

static void
a_wrong_word_allows_nothing(void **state)
{
	struct world w;

	(void)state;
	open_critical(&w, "critical");
	press(&w, 'a');
	pass(&w, 700);
	for (const char *c = "yyyy"; *c != '\0'; c++)
		press(&w, *c);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_risk_of_no_known_name_is_taken_for_critical(void **state)
{
	struct world w;

	(void)state;
	open_critical(&w, "invalid");
	press(&w, 'a');
	assert_int_equal(w.m->mode, MODE_WORD);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_critical_risk_is_never_allowed_for_longer(void **state)
{
	struct world w;

	(void)state;
	open_critical(&w, "critical");
	w.m->skills |= SKILL_SCOPE;
	press(&w, 's');
	pass(&w, 700);
	press(&w, 't');
	assert_int_equal(w.m->mode, MODE_NORMAL);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

/* ---- leaving, losing ----------------------------------------------------- */

static void
leaving_decides_nothing(void **state)
{
	static const int keys[] = { 'q', KEY_QUIT_, KEY_ESCAPE, KEY_CTRL_C };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct world w;

		world_armed(&w);
		for (int k = 0; k < 5; k++)
			press(&w, keys[i]);
		assert_int_equal(any_decision(&w), 0);
		assert_int_equal(w.m->lists[VIEW_WAITING].count, 1);
		world_close(&w);
	}
}

static void
without_the_daemon_nothing_is_answered_and_it_says_so(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	tui_link(w.m, false, "no daemon answers", w.now);
	pass(&w, 2000);
	press(&w, 'a');
	pass(&w, 2000);
	press(&w, 'd');
	assert_int_equal(any_decision(&w), 0);
	assert_shows(&w, "NO DAEMON");
	tui_link(w.m, true, "", w.now);
	press(&w, 'a');
	pass(&w, 2000);
	(void)frame(&w);
	press(&w, 'a'); /* it must be loaded and opened again */
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_clock_that_jumps_arms_nothing(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	w.now += 3600 * SECOND; /* the machine slept */
	tui_tick(w.m, w.now);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
	world_armed(&w);
	w.now -= 50 * SECOND; /* backwards */
	press(&w, 'a');
	tui_tick(w.m, w.now);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_key_of_another_view_answers_nothing(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	for (int view = '2'; view <= '6'; view++) {
		press(&w, view);
		pass(&w, 2000);
		(void)frame(&w);
		press(&w, 'a');
		pass(&w, 2000);
		press(&w, 'd');
	}
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
undo_is_offered_for_60_seconds_and_where_it_is_known(void **state)
{
	struct tui_order o = { .kind = ORDER_ALLOW, .scope = "once" };
	struct world w;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_UNDO;
	(void)snprintf(o.id, sizeof(o.id), "act_0001");
	tui_answered(w.m, &o, NULL, w.now);
	assert_true(tui_can_undo(w.m, w.now));
	assert_false(tui_can_undo(w.m, w.now + 61 * SECOND));
	assert_false(tui_can_undo(w.m, w.now - 1));
	press(&w, 'u');
	assert_int_equal(decisions(&w, ORDER_UNDO), 1);
	w.m->skills = 0;
	assert_false(tui_can_undo(w.m, w.now));
	world_close(&w);
}

/* ---- answers that last --------------------------------------------------- */

static void
show_preview(struct world *w, bool possible, size_t lines)
{
	struct page page = PAGE_INIT;

	for (size_t i = 0; i < lines; i++)
		page_own(&page, STYLE_PLAIN, "line %zu", i);
	tui_show_preview(w->m, "act_0001", possible, &page, w->now);
	page_done(&page);
}

static void
a_lasting_answer_is_given_only_after_its_preview_was_seen(void **state)
{
	struct tui_order o;
	struct world w;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_SCOPE;
	press(&w, 's');
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_PREVIEW);
	pass(&w, 1000);
	press(&w, KEY_RETURN); /* not there yet */
	show_preview(&w, true, 100);
	press(&w, KEY_RETURN); /* not drawn */
	for (int i = 0; i < 2; i++) {
		pass(&w, 1000);
		(void)frame(&w);
		press(&w, KEY_RETURN); /* not all of it */
		assert_int_equal(any_decision(&w), 0);
		press(&w, KEY_PAGE_DOWN);
	}
	(void)frame(&w);
	press(&w, KEY_RETURN); /* too soon */
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 1000);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_ALLOW);
	assert_string_equal(o.scope, "session");
	world_close(&w);
}

static void
what_can_be_allowed_once_only_is_not_allowed_for_longer(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_SCOPE;
	press(&w, 't');
	pass(&w, 1000);
	press(&w, KEY_RETURN);
	show_preview(&w, false, 3);
	assert_string_equal(w.m->input_scope, "until 1h");
	pass(&w, 1000);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	assert_int_equal(w.m->mode, MODE_NORMAL);
	assert_int_equal(decisions(&w, ORDER_ALLOW), 0);
	world_close(&w);
}

static void
a_preview_of_another_action_counts_for_nothing(void **state)
{
	struct page page = PAGE_INIT;
	struct world w;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_SCOPE;
	press(&w, 's');
	page_own(&page, STYLE_PLAIN, "of another");
	tui_show_preview(w.m, "act_0002", true, &page, w.now);
	pass(&w, 1000);
	(void)frame(&w);
	press(&w, KEY_RETURN);
	assert_int_equal(decisions(&w, ORDER_ALLOW), 0);
	page_done(&page);
	world_close(&w);
}

static void
who_looks_is_shown_and_arms_nothing_anew(void **state)
{
	struct tui_entry e = { .risk = "high", .state = "pending" };
	struct world w;

	(void)state;
	world_armed(&w);
	(void)snprintf(e.id, sizeof(e.id), "act_0001");
	(void)snprintf(e.sha256, sizeof(e.sha256), HASH);
	(void)snprintf(e.etag, sizeof(e.etag), "\"2-2\"");
	(void)snprintf(e.looking, sizeof(e.looking), "uid:1001");
	tui_put(w.m, VIEW_WAITING, &e, w.now);
	assert_shows(&w, "uid:1001 is looking");
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_YES);
	world_close(&w);
}

static void
what_is_not_held_on_to_is_on_the_page(void **state)
{
	json_t *d = a_decision("act_1", "high"), *x = an_explanation("make");
	json_t *names = json_array();
	struct page page = PAGE_INIT;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(
		    json_array_append_new(names, json_sprintf("folder-%d", i)),
		    0);
	assert_int_equal(json_object_set_new(x, "not_held", names), 0);
	assert_true(case_page(d, x, &(struct case_how){ 0 }, &page));
	assert_non_null(strstr(buf_cstr(&page.text), "not held"));
	assert_non_null(strstr(buf_cstr(&page.text), "folder-7"));
	assert_null(strstr(buf_cstr(&page.text), "folder-8"));
	assert_non_null(strstr(buf_cstr(&page.text), "and 2 more"));
	page_done(&page);
	json_decref(d);
	json_decref(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_allows_what_is_shown_whole_and_quiet),
		cmocka_unit_test(a_key_within_600_ms_of_any_key_allows_nothing),
		cmocka_unit_test(arming_starts_again_with_every_key),
		cmocka_unit_test(a_refusal_is_not_shown_for_long),
		cmocka_unit_test(a_new_item_never_takes_the_focus),
		cmocka_unit_test(
		    an_item_that_came_by_itself_is_not_allowed_before_it_is_opened),
		cmocka_unit_test(
		    the_next_item_needs_its_own_opening_and_arming),
		cmocka_unit_test(a_storm_of_500_keys_decides_nothing),
		cmocka_unit_test(
		    typing_with_pauses_allows_nothing_that_came_meanwhile),
		cmocka_unit_test(
		    a_key_before_the_frame_is_drawn_answers_nothing),
		cmocka_unit_test(the_focus_coming_back_arms_anew),
		cmocka_unit_test(a_click_chooses_and_never_decides),
		cmocka_unit_test(pasted_text_decides_nothing),
		cmocka_unit_test(a_pasted_line_end_does_not_send_a_message),
		cmocka_unit_test(
		    a_resize_arms_anew_and_what_was_seen_counts_no_more),
		cmocka_unit_test(
		    a_storm_of_resizes_survives_and_decides_nothing),
		cmocka_unit_test(nothing_is_allowed_before_its_end_was_shown),
		cmocka_unit_test(
		    a_leap_to_the_end_does_not_count_as_having_seen_the_middle),
		cmocka_unit_test(what_cannot_be_shown_whole_cannot_be_allowed),
		cmocka_unit_test(
		    another_hash_under_the_same_id_must_be_looked_at_again),
		cmocka_unit_test(
		    what_was_decided_elsewhere_is_said_and_not_answered),
		cmocka_unit_test(
		    a_case_of_another_hash_than_the_list_allows_nothing),
		cmocka_unit_test(a_prompt_ends_when_its_action_is_gone),
		cmocka_unit_test(one_key_is_one_answer),
		cmocka_unit_test(a_refused_answer_is_shown_and_looked_at_again),
		cmocka_unit_test(a_deny_works_at_once),
		cmocka_unit_test(a_deny_works_right_after_moving),
		cmocka_unit_test(a_deny_in_the_midst_of_typing_is_none),
		cmocka_unit_test(a_deny_carries_the_words_for_the_agent),
		cmocka_unit_test(a_critical_risk_wants_its_word_typed),
		cmocka_unit_test(a_wrong_word_allows_nothing),
		cmocka_unit_test(a_risk_of_no_known_name_is_taken_for_critical),
		cmocka_unit_test(a_critical_risk_is_never_allowed_for_longer),
		cmocka_unit_test(
		    a_lasting_answer_is_given_only_after_its_preview_was_seen),
		cmocka_unit_test(
		    what_can_be_allowed_once_only_is_not_allowed_for_longer),
		cmocka_unit_test(
		    a_preview_of_another_action_counts_for_nothing),
		cmocka_unit_test(who_looks_is_shown_and_arms_nothing_anew),
		cmocka_unit_test(leaving_decides_nothing),
		cmocka_unit_test(
		    without_the_daemon_nothing_is_answered_and_it_says_so),
		cmocka_unit_test(a_clock_that_jumps_arms_nothing),
		cmocka_unit_test(a_key_of_another_view_answers_nothing),
		cmocka_unit_test(
		    undo_is_offered_for_60_seconds_and_where_it_is_known),
		cmocka_unit_test(what_is_not_held_on_to_is_on_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
