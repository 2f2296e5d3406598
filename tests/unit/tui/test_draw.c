/*
 * What is seen: the whole screen at four sizes and in two character sets,
 * compared with files of tests/data/tui. ASSENT_UPDATE_GOLDEN=1 writes them
 * anew; look at the difference before it is believed.
 */
#include "fixture.h"

#include "base/fdio.h"
#include "base/text.h"
#include "notice.h"

static void
fill(struct world *w)
{
	arrive(w, 1, "high", "git push origin main");
	arrive(w, 2, "medium", "edit src/\xe4\xb8\xad\xe6\x96\x87.c");
	arrive(w, 3, "critical", "rm -rf \xe2\x80\xae/srv\n# a second line");
	w->m->health = (struct tui_health){ .known = true,
		.ready = true,
		.rules = "196b12ac",
		.reviewer = "ok",
		.log_seq = 18204 };
	load(w, "act_0001");
}

static void
for_each_screen(void (*fn)(struct world *w))
{
	for (int utf8 = 0; utf8 < 2; utf8++) {
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			struct world w;

			world_open(
			    &w, utf8 != 0, sizes[i].rows, sizes[i].columns);
			fill(&w);
			(void)frame(&w);
			fn(&w);
			world_close(&w);
		}
	}
}

static void
draw_queue(struct world *w)
{
	golden(w, "queue");
}

static void
the_queue_at_four_sizes_in_two_character_sets(void **state)
{
	(void)state;
	for_each_screen(draw_queue);
}

static void
draw_case_(struct world *w)
{
	press(w, KEY_RETURN);
	(void)frame(w);
	pass(w, 300);
	golden(w, "case");
}

static void
the_case_at_four_sizes_in_two_character_sets(void **state)
{
	(void)state;
	for_each_screen(draw_case_);
}

static void
draw_help_(struct world *w)
{
	press(w, '?');
	golden(w, "help");
}

static void
the_help_at_four_sizes_in_two_character_sets(void **state)
{
	(void)state;
	for_each_screen(draw_help_);
}

/* docs/tui.md shows what this program draws. */
static void
the_manual_shows_screens_of_this_program(void **state)
{
	static const char *const names[] = { "case-100x30-utf8",
		"queue-39x10-utf8", "changes-80x24-utf8" };
	struct buf manual = BUF_INIT(GOLDEN_BYTES_MAX);

	(void)state;
	assert_int_equal(
	    fdio_read_file(TEST_SOURCE_DIR "/docs/tui.md", &manual, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct buf drawn = BUF_INIT(GOLDEN_BYTES_MAX);
		char path[512];

		(void)snprintf(path, sizeof(path),
		    TEST_SOURCE_DIR "/tests/data/tui/%s.txt", names[i]);
		assert_int_equal(fdio_read_file(path, &drawn, NULL), 0);
		assert_true(
		    str_search(buf_str(&manual), buf_str(&drawn)) < manual.len);
		buf_free(&drawn);
	}
	buf_free(&manual);
}

/* Every size from one cell on is drawn without a word outside of it. */
static void
no_size_breaks_the_screen(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 24, 80);
	fill(&w);
	for (int rows = 1; rows < 40; rows++) {
		for (int columns = 1; columns < 130; columns += 3) {
			tui_resize(w.m, rows, columns, w.now);
			(void)frame(&w);
			press(&w, rows % 2 == 0 ? KEY_RETURN : 'v');
			(void)frame(&w);
		}
	}
	world_close(&w);
}

/* ---- hostile text -------------------------------------------------------- */

static const char *const hostile[] = {
	"\033]0;title\007",
	"\033[2J\033[H",
	"\033P+q\033\\",
	"\033]52;c;eA==\a",
	"\033]9;7;calc\a",
	"\033]777;notify;x;y\a",
	"\x9b\x32J",
	"\xc2\x9b"
	"2J",
	"a\rb",
	"a\bb",
	"a\tb",
	"a\vb",
	"a\fb",
	"\177",
	"\001\002\003",
	"\xe2\x80\xae"
	"gnp.exe",
	"\xe2\x81\xa6x\xe2\x81\xa9",
	"x\xe2\x80\x8by",
	"x\xe2\x80\x8dy",
	"x\xef\xbb\xbfy",
	"x\xc2\xady",
	"\xf3\xa0\x81\x81\xf3\xa0\x81\x82",
	"\xe3\x85\xa4rm",
	"\xe1\x85\x9f"
	"x",
	"\xef\xbe\xa0x",
	"\xe2\xa0\x80x",
	"\xcc\x81"
	"alone",
	"a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
	"\xef\xb8\x8f",
	"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
	"\xff\xfe",
	"\xc0\xaf",
	"\xed\xa0\x80",
	"\xf4\x90\x80\x80",
	"\xe2\x80\xa8x",
	"\xe2\x80\xa9x",
	"\xee\x80\x80",
	"\xf0\x9d\x94\x9e",
	"\xe0\xb8\x81\xe0\xb8\xb3",
	"\xd8\xb1\xd9\x85",
};

/* No cell holds what a terminal would take for an order, however it came. */
static void
assert_inert(const struct grid *g)
{
	for (int y = 0; y < g->rows; y++) {
		for (int x = 0; x < g->columns; x++) {
			const struct cell *c = grid_at(g, y, x);

			if (c->cp == 0) {
				assert_true(x > 0);
				assert_int_equal(
				    safe_width(grid_at(g, y, x - 1)->cp), 2);
				continue;
			}
			assert_true(safe_width(c->cp) > 0);
			assert_false(text_is_hidden(c->cp));
			for (size_t i = 0; i < GRID_MARKS; i++) {
				if (c->marks[i] != 0)
					assert_int_equal(
					    safe_width(c->marks[i]), 0);
			}
		}
	}
}

static void
show_hostile(const char *text, bool utf8, int columns)
{
	struct world w;
	char id[16];

	world_open(&w, utf8, 24, columns);
	(void)snprintf(id, sizeof(id), "act_0001");
	arrive(&w, 1, "low", text);
	free(w.m->lists[VIEW_WAITING].at[0].agent);
	w.m->lists[VIEW_WAITING].at[0].agent = mem_strndup(text, strlen(text));
	/* what is not UTF-8 never comes in JSON; in lists it might */
	load_script(&w, id, "low", text_is_utf8(str_of(text)) ? text : "x");
	tui_note(w.m, STYLE_BAD, w.now, "%s", text);
	(void)frame(&w);
	assert_inert(&w.grid);
	press(&w, KEY_RETURN);
	w.m->note[0] = '\0';
	(void)frame(&w);
	assert_inert(&w.grid);
	world_close(&w);
}

static void
hostile_text_is_inert_in_every_cell(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		for (int columns = 39; columns < 120; columns += 40) {
			show_hostile(hostile[i], false, columns);
			show_hostile(hostile[i], true, columns);
		}
	}
}

/* Every code point there is, alone and behind a letter. */
static void
every_code_point_is_inert(void **state)
{
	const struct safe_how how = { .utf8 = true };
	struct buf raw = BUF_INIT(64), safe = BUF_INIT(256);
	struct world w;

	(void)state;
	world_open(&w, true, 1, 60);
	for (uint32_t cp = 1; cp < 0x110000; cp++) {
		/* there are no surrogates; planes 3 to 13 are empty */
		if (cp >= 0xd800 && cp < 0xe000)
			cp = 0xe000;
		if (cp > 0x30000 && cp < 0xe0000)
			cp = 0xe0000;
		if (cp > 0xe1000 && cp < 0x10f000)
			cp = 0x10f000;
		buf_reset(&raw);
		buf_reset(&safe);
		text_encode(&raw, cp);
		buf_putc(&raw, 'a');
		text_encode(&raw, cp);
		(void)safe_text(&safe, buf_str(&raw), &how);
		grid_fill(&w.grid, 0, 0, 60, ' ', STYLE_PLAIN);
		(void)grid_put(&w.grid, 0, 0, 60, buf_str(&safe), STYLE_PLAIN);
		assert_inert(&w.grid);
	}
	buf_free(&raw);
	buf_free(&safe);
	world_close(&w);
}

static void
a_title_of_4_kb_in_a_command_stays_in_its_pane(void **state)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct world w;

	(void)state;
	buf_puts(&b, "\033]0;");
	for (int i = 0; i < 4096; i++)
		buf_putc(&b, 'T');
	buf_puts(&b, "\007; true");
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "low", b.s);
	load_script(&w, "act_0001", "low", b.s);
	assert_shows(&w, "<ESC>]0;TTTT");
	for (int y = 1; y < 21; y++)
		assert_int_equal(
		    grid_at(&w.grid, y, 24)->cp, y == 1 ? 0x252c : 0x2502);
	world_close(&w);
	buf_free(&b);
}

static void
a_long_url_is_shown_to_its_end(void **state)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct world w;

	(void)state;
	buf_puts(&b, "curl https://example.com/");
	for (int i = 0; i < 9000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	buf_puts(&b, "THE-END");
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "low", b.s);
	load_script(&w, "act_0001", "low", b.s);
	press(&w, KEY_RETURN);
	for (int i = 0; i < 400; i++) {
		char *text = screen(&w);
		const bool there = strstr(text, "THE-END") != NULL;

		free(text);
		if (there) {
			world_close(&w);
			buf_free(&b);
			return;
		}
		press(&w, 'J');
	}
	fail();
}

static void
runs_of_blanks_hide_nothing(void **state)
{
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct world w;

	(void)state;
	buf_puts(&b, "ls");
	for (int i = 0; i < 3000; i++)
		buf_putc(&b, ' ');
	buf_puts(&b, "; rm -rf ~");
	for (int i = 0; i < 3000; i++)
		buf_putc(&b, '\n');
	buf_puts(&b, "curl evil.example");
	world_open(&w, true, 24, 80);
	arrive(&w, 1, "low", "ls");
	load_script(&w, "act_0001", "low", b.s);
	assert_shows(&w, "ls<3000 SPACES>; rm -rf ~");
	assert_shows(&w, "EMPTY LINES>");
	assert_shows(&w, "curl evil.example");
	world_close(&w);
	buf_free(&b);
}

static void
look_alikes_are_marked_and_said(void **state)
{
	struct world w;
	bool marked = false;

	(void)state;
	world_open(&w, true, 30, 100);
	arrive(&w, 1, "low", "curl");
	/* the second letter is Cyrillic */
	load_script(&w, "act_0001", "low", "curl https://p\xd0\xb0ypal.com/x");
	assert_shows(&w, "letters or signs that look like others");
	for (int y = 0; y < w.grid.rows; y++) {
		for (int x = 0; x < w.grid.columns; x++) {
			const struct cell *c = grid_at(&w.grid, y, x);

			if (c->cp == 0x430 && c->style == STYLE_ALIKE)
				marked = true;
		}
	}
	assert_true(marked);
	world_close(&w);
}

static unsigned
notes_of(const char *text)
{
	struct buf out = BUF_INIT(4096);
	const unsigned notes =
	    safe_cstr(&out, text, &(struct safe_how){ .utf8 = true });

	buf_free(&out);
	return notes;
}

static void
honest_foreign_words_are_not_marked(void **state)
{
	(void)state;
	/* a Russian, a German, a Chinese word; a path of them */
	assert_int_equal(notes_of("\xd0\xb4\xd0\xbe\xd0\xba\xd0\xb8/x"), 0);
	assert_int_equal(notes_of("\xc3\xbc"
				  "ber/stra\xc3\x9f"
				  "e"),
	    0);
	assert_int_equal(notes_of("\xe4\xb8\xad\xe6\x96\x87.c"), 0);
	/* whole words of posing letters, signs like slashes, fullwidth */
	assert_int_equal(
	    notes_of("\xd1\x81\xd0\xbe\xd1\x81\xd0\xb0"), SAFE_HAS_ALIKE);
	assert_int_equal(notes_of("a\xe2\x88\x95"
				  "b"),
	    SAFE_HAS_ALIKE);
	assert_int_equal(
	    notes_of("\xef\xbd\x92\xef\xbd\x8d -rf"), SAFE_HAS_ALIKE);
	assert_int_equal(
	    notes_of("\xe2\x80\x9cquoted\xe2\x80\x9d"), SAFE_HAS_ALIKE);
}

static void
wide_and_combining_characters_keep_the_columns(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 24, 81);
	arrive(&w, 1, "low",
	    "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad"
	    "\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87"
	    "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87");
	arrive(&w, 2, "low", "e\xcc\x81t\xc3\xa9 \xf0\x9f\x9a\x80 x");
	(void)frame(&w);
	assert_inert(&w.grid);
	for (int y = 2; y < 21; y++)
		assert_int_equal(grid_at(&w.grid, y, 24)->cp, 0x2502);
	world_close(&w);
}

/* ---- colours, notices ---------------------------------------------------- */

static void
risk_is_told_by_a_sign_and_not_by_colour_alone(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 24, 80);
	fill(&w);
	assert_shows(&w, ">! git push");
	assert_shows(&w, " ~ edit src");
	assert_shows(&w, " X rm -rf <U+202E>");
	world_close(&w);
}

static void
a_notice_says_only_how_many_wait(void **state)
{
	struct notice n = { 0 };
	struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(notice_parse("bell,osc9,osc777,osc99", &n, NULL), 0);
	notice_bytes(&n, 2, &out);
	assert_string_equal(out.s,
	    "\a\033]9;assent: 2 requests waiting\033\\"
	    "\033]777;notify;assent;assent: 2 requests waiting\033\\"
	    "\033]99;i=assent;assent: 2 requests waiting\033\\");
	buf_reset(&out);
	assert_int_equal(notice_parse("osc9", &n, NULL), 0);
	n.tmux = true;
	notice_bytes(&n, 1, &out);
	assert_string_equal(out.s,
	    "\033Ptmux;\033\033]9;assent: 1 request waiting\033\033\\\033\\");
	assert_int_not_equal(notice_parse("bell,pager", &n, NULL), 0);
	assert_int_equal(notice_parse("none", &n, NULL), 0);
	assert_int_equal(n.kinds, 0);
	buf_free(&out);
}

static void
notices_do_not_storm(void **state)
{
	struct notice n = { 0 };
	unsigned told = 0;

	(void)state;
	for (int64_t t = 1; t < 10 * SECOND; t += 10 * MS)
		told += notice_is_due(&n, t) ? 1 : 0;
	assert_in_range(told, 3, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_queue_at_four_sizes_in_two_character_sets),
		cmocka_unit_test(the_case_at_four_sizes_in_two_character_sets),
		cmocka_unit_test(the_help_at_four_sizes_in_two_character_sets),
		cmocka_unit_test(the_manual_shows_screens_of_this_program),
		cmocka_unit_test(no_size_breaks_the_screen),
		cmocka_unit_test(hostile_text_is_inert_in_every_cell),
		cmocka_unit_test(every_code_point_is_inert),
		cmocka_unit_test(
		    a_title_of_4_kb_in_a_command_stays_in_its_pane),
		cmocka_unit_test(a_long_url_is_shown_to_its_end),
		cmocka_unit_test(runs_of_blanks_hide_nothing),
		cmocka_unit_test(look_alikes_are_marked_and_said),
		cmocka_unit_test(honest_foreign_words_are_not_marked),
		cmocka_unit_test(
		    wide_and_combining_characters_keep_the_columns),
		cmocka_unit_test(
		    risk_is_told_by_a_sign_and_not_by_colour_alone),
		cmocka_unit_test(a_notice_says_only_how_many_wait),
		cmocka_unit_test(notices_do_not_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
