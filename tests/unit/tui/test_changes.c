/*
 * What a run on a copy changed is applied only after all of it was shown, and
 * never by accident.
 */
#include "changes_page.h"
#include "fixture.h"

static void
an_end(struct world *w, unsigned number)
{
	struct tui_entry e = { .since_ns = WALL - 41 * SECOND, .copy = true };

	(void)snprintf(e.id, sizeof(e.id), "act_%04u", number);
	(void)snprintf(e.decision, sizeof(e.decision), "allow");
	e.title = mem_strndup("make fmt", 8);
	tui_put(w->m, VIEW_HISTORY, &e, w->now);
}

/* Changes of these paths, each with so many lines; '!' before a path: it
 * cannot be applied. */
static void
show(struct world *w, const char *id, const char *const *paths, size_t count,
    unsigned lines)
{
	struct page page = PAGE_INIT;
	struct tui_change *at = mem_new(count + 1, sizeof(*at));

	assert_non_null(at);
	page.utf8 = true;
	page_own(&page, STYLE_LABEL, "CHANGES");
	for (size_t i = 0; i < count; i++) {
		const bool bad = paths[i][0] == '!';
		const char *path = paths[i] + bad;

		at[i] = (struct tui_change){
			.path = mem_strndup(path, strlen(path)),
			.from = page.text.len,
			.possible = !bad,
		};
		page_own(&page, STYLE_BOLD, "   M  %s", path);
		for (unsigned k = 0; k < lines; k++)
			page_own(&page, STYLE_PLAIN, "   | +line %u", k);
	}
	tui_show_changes(w->m, id, at, count, &page, w->now);
	page_done(&page);
}

static void
world_changed(
    struct world *w, const char *const *paths, size_t count, unsigned lines)
{
	struct tui_order o;
	bool asked = false;

	world_open(w, true, 24, 100);
	an_end(w, 1);
	press(w, '3');
	(void)frame(w);
	press(w, 'c');
	assert_int_equal(w->m->mode, MODE_CHANGES);
	while (tui_order(w->m, &o))
		asked |=
		    o.kind == ORDER_CHANGES && strcmp(o.id, "act_0001") == 0;
	assert_true(asked);
	show(w, "act_0001", paths, count, lines);
	(void)frame(w);
}

static void
quiet(struct world *w)
{
	pass(w, 700);
	(void)frame(w);
}

static bool
next_apply(struct world *w, const char *what)
{
	struct tui_order o;

	while (tui_order(w->m, &o)) {
		if (o.kind != ORDER_APPLY)
			continue;
		assert_string_equal(o.id, "act_0001");
		assert_string_equal(o.scope, what);
		return true;
	}
	return false;
}

static const char *const two[] = { "a.txt", "b.txt" };
static const char *const tree[] = { "d", "d/x", "d/y", "e" };
static const char *const bad[] = { "!.bashrc", "a\nb", "c" };

static void
all_of_it_is_applied_after_it_was_shown_and_asked_about(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 2);
	quiet(&w);
	assert_shows(&w, "A applies all");
	press(&w, 'A');
	assert_int_equal(w.m->mode, MODE_APPLY);
	quiet(&w);
	assert_shows(&w, "Apply 2 of 2 to the workspace? Enter");
	press(&w, KEY_RETURN);
	assert_true(next_apply(&w, "all"));
	world_close(&w);
}

static void
nothing_is_applied_before_its_end_was_shown(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 60);
	quiet(&w);
	press(&w, 'A');
	assert_int_equal(w.m->mode, MODE_CHANGES);
	assert_shows(&w, "Not read to the end yet: 2");
	for (int i = 0; i < 12; i++) {
		press(&w, KEY_PAGE_DOWN);
		quiet(&w);
	}
	assert_int_equal(tui_changes_unread(w.m, true), 0);
	press(&w, 'A');
	assert_int_equal(w.m->mode, MODE_APPLY);
	world_close(&w);
}

static void
a_leap_over_the_middle_of_a_change_is_no_reading(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 100);
	quiet(&w);
	press(&w, 'G');
	quiet(&w);
	press(&w, ' ');
	quiet(&w);
	press(&w, 'a');
	assert_int_equal(w.m->mode, MODE_CHANGES);
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
only_what_is_marked_is_applied_and_the_rest_need_not_be_read(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 12);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	quiet(&w);
	press(&w, 'j');
	quiet(&w);
	press(&w, ' ');
	assert_int_equal(tui_changes_marked(w.m), 1);
	assert_true(w.m->changes.at[1].marked);
	quiet(&w);
	press(&w, 'a');
	quiet(&w);
	press(&w, KEY_RETURN);
	assert_true(next_apply(&w, "some"));
	world_close(&w);
}

static void
an_enter_too_soon_applies_nothing(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 2);
	press(&w, 'A'); /* they were not there for 0.6 s */
	assert_int_equal(w.m->mode, MODE_CHANGES);
	quiet(&w);
	press(&w, 'A');
	press(&w, KEY_RETURN); /* the question was not drawn */
	(void)frame(&w);
	pass(&w, 500);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	assert_int_equal(w.m->mode, MODE_APPLY);
	tui_paste(w.m, true, w.now);
	pass(&w, 700);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	tui_paste(w.m, false, w.now);
	press(&w, KEY_ESCAPE);
	assert_shows(&w, "Nothing was applied");
	world_close(&w);
}

static void
a_storm_of_keys_applies_nothing(void **state)
{
	static const char keys[] = "aA\ry nA\r a\rjGgA\r";
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 2);
	quiet(&w);
	for (int i = 0; i < 500; i++) {
		const char key = keys[(size_t)i % (sizeof(keys) - 1)];

		pass(&w, 20);
		(void)frame(&w);
		press(&w, key == '\r' ? KEY_RETURN : key);
	}
	assert_false(next_apply(&w, "all"));
	world_close(&w);
}

static void
all_of_it_is_dropped_at_once_but_not_in_the_midst_of_typing(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 100);
	press(&w, 'x');
	press(&w, 'n');
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 400);
	press(&w, 'n');
	assert_true(next_apply(&w, "none"));
	/* an answer is on its way */
	pass(&w, 400);
	press(&w, 'n');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
a_folder_is_marked_with_all_that_lies_in_it(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, tree, 4, 0);
	press(&w, ' ');
	assert_int_equal(tui_changes_marked(w.m), 3);
	assert_false(w.m->changes.at[3].marked);
	press(&w, 'j');
	press(&w, ' ');
	/* a folder stands for all of it, so it is not marked any more */
	assert_false(w.m->changes.at[0].marked);
	assert_false(w.m->changes.at[1].marked);
	assert_true(w.m->changes.at[2].marked);
	world_close(&w);
}

static void
what_cannot_be_applied_or_named_is_not_marked(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, bad, 3, 0);
	press(&w, ' ');
	assert_shows(&w, "cannot be applied");
	press(&w, 'j');
	press(&w, ' ');
	assert_shows(&w, "a line end");
	assert_int_equal(tui_changes_marked(w.m), 0);
	world_close(&w);
}

static void
changes_of_another_run_are_not_shown_and_a_lost_line_ends_it(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 2);
	quiet(&w);
	show(&w, "act_0002", bad, 3, 0);
	assert_int_equal(w.m->changes.count, 2);
	press(&w, 'A');
	quiet(&w);
	tui_link(w.m, false, "it went away", w.now);
	press(&w, KEY_RETURN);
	assert_int_equal(any_decision(&w), 0);
	tui_link(w.m, true, "", w.now);
	quiet(&w);
	press(&w, KEY_RETURN);
	assert_false(next_apply(&w, "all"));
	world_close(&w);
}

static void
another_size_of_the_screen_is_read_anew(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, two, 2, 4);
	quiet(&w);
	assert_int_equal(tui_changes_unread(w.m, true), 0);
	tui_resize(w.m, 10, 39, w.now);
	assert_int_equal(tui_changes_unread(w.m, true), 2);
	quiet(&w);
	press(&w, 'A');
	assert_int_equal(w.m->mode, MODE_CHANGES);
	world_close(&w);
}

/* As the daemon tells them. */
static void
tell(struct world *w, const char *text)
{
	json_t *list = quoted(text);
	struct page page = PAGE_INIT;
	struct tui_change *at = mem_new(json_array_size(list) + 1, sizeof(*at));
	size_t count = 0;

	assert_non_null(at);
	page.utf8 = w->m->utf8;
	assert_int_equal(changes_page(list, &page, at, &count, NULL), 0);
	tui_show_changes(w->m, "act_0001", at, count, &page, w->now);
	page_done(&page);
	json_decref(list);
}

static void
the_changes_at_four_sizes_in_two_character_sets(void **state)
{
	struct world w;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++) {
		world_changed(&w, two, 0, 0);
		w.m->utf8 = i % 2 == 0;
		tui_resize(w.m, sizes[i / 2].rows, sizes[i / 2].columns, w.now);
		tell(&w,
		    "[{'change':'modified','path':'src/\xe4\xb8\xad.c',"
		    "'type':'file','mode':'0644','old_mode':'0644','size':30,"
		    "'diff':'@@ -1,2 +1,2 @@\\n one\\n-two\\n+TWO \\u202e\\n'},"
		    "{'change':'added','path':'gen','type':'folder',"
		    "'mode':'0755'},{'change':'added','path':'gen/tool',"
		    "'type':'file','mode':'0755','size':220000,'sha256':'" HASH
		    "'},{'change':'modified','path':'.bashrc','type':'file',"
		    "'mode':'0644','old_mode':'0644','size':4,'diff':'+x\\n',"
		    "'problem':'it is protected'},{'change':'added','path':"
		    "'l','type':'link','mode':'0777','link':'/etc/passwd'},"
		    "{'change':'deleted','path':'old','type':'file',"
		    "'old_mode':'0644','old_size':3}]");
		(void)frame(&w);
		press(&w, ' ');
		golden(&w, "changes");
		world_close(&w);
	}
}

static void
a_change_without_a_name_makes_all_of_them_none(void **state)
{
	struct page page = PAGE_INIT;
	struct tui_change at[3] = { { .path = NULL } };
	size_t count = 0;
	json_t *list = quoted("[{'change':'added','path':'a'},"
			      "{'change':'added','path':''}]");

	(void)state;
	assert_int_not_equal(changes_page(list, &page, at, &count, NULL), 0);
	for (size_t i = 0; i < count; i++)
		mem_freep(&at[i].path);
	page_done(&page);
	json_decref(list);
}

static void
no_size_breaks_the_changes(void **state)
{
	struct world w;

	(void)state;
	world_changed(&w, tree, 4, 3);
	for (int rows = 1; rows < 40; rows++) {
		for (int columns = 1; columns < 130; columns += 3) {
			tui_resize(w.m, rows, columns, w.now);
			(void)frame(&w);
			press(&w, rows % 2 == 0 ? 'j' : 'k');
		}
	}
	assert_false(next_apply(&w, "all"));
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    all_of_it_is_applied_after_it_was_shown_and_asked_about),
		cmocka_unit_test(nothing_is_applied_before_its_end_was_shown),
		cmocka_unit_test(
		    a_leap_over_the_middle_of_a_change_is_no_reading),
		cmocka_unit_test(
		    only_what_is_marked_is_applied_and_the_rest_need_not_be_read),
		cmocka_unit_test(an_enter_too_soon_applies_nothing),
		cmocka_unit_test(a_storm_of_keys_applies_nothing),
		cmocka_unit_test(
		    all_of_it_is_dropped_at_once_but_not_in_the_midst_of_typing),
		cmocka_unit_test(a_folder_is_marked_with_all_that_lies_in_it),
		cmocka_unit_test(what_cannot_be_applied_or_named_is_not_marked),
		cmocka_unit_test(
		    changes_of_another_run_are_not_shown_and_a_lost_line_ends_it),
		cmocka_unit_test(another_size_of_the_screen_is_read_anew),
		cmocka_unit_test(
		    the_changes_at_four_sizes_in_two_character_sets),
		cmocka_unit_test(
		    a_change_without_a_name_makes_all_of_them_none),
		cmocka_unit_test(no_size_breaks_the_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
