/*
 * An edit is no answer, and the text an editor gets is private and whole.
 */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "editor.h"

/* ---- the key ------------------------------------------------------------- */

static void
an_edit_names_what_was_shown_and_allows_nothing(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_EDIT;
	press(&w, 'E');
	assert_true(tui_order(w.m, &o));
	assert_int_equal(o.kind, ORDER_EDIT);
	assert_string_equal(o.id, "act_0001");
	assert_string_equal(o.sha256, HASH);
	assert_string_equal(o.etag, "\"2-2\"");
	/* what came back waits, and needs its own opening and arming */
	tui_answered(w.m, &o, NULL, w.now);
	tui_gone(w.m, VIEW_WAITING, "act_0001", NULL, w.now);
	arrive(&w, 2, "high", "git push origin fixed");
	load(&w, "act_0002");
	(void)frame(&w);
	pass(&w, 5000);
	(void)frame(&w);
	press(&w, 'a');
	assert_int_equal(any_decision(&w), 0);
	assert_int_equal(tui_may_allow(w.m, w.now), MAY_NOT_OPENED);
	world_close(&w);
}

static void
nothing_is_edited_that_was_not_opened_or_in_the_midst_of_typing(void **state)
{
	struct world w;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_EDIT;
	press(&w, 'z');
	press(&w, 'E');
	assert_int_equal(any_decision(&w), 0);
	pass(&w, 700);
	w.m->opened = false;
	press(&w, 'E');
	assert_int_equal(any_decision(&w), 0);
	world_close(&w);
}

static void
an_edit_that_changed_nothing_leaves_the_question(void **state)
{
	struct world w;
	struct tui_order o;

	(void)state;
	world_armed(&w);
	w.m->skills |= SKILL_EDIT;
	press(&w, 'E');
	assert_true(tui_order(w.m, &o));
	tui_answered(w.m, &o, "the text was not changed", w.now);
	assert_shows(&w, "the text was not changed");
	assert_int_equal(w.m->lists[VIEW_WAITING].count, 1);
	assert_true(w.m->busy[0] == '\0');
	world_close(&w);
}

static void
an_edited_action_shows_no_opinion_of_a_model_that_was_not_asked(void **state)
{
	json_t *d = a_decision("act_0001", "high");
	json_t *x = an_explanation("git push");
	json_t *review = json_object_get(x, "review");
	struct page page = PAGE_INIT;

	(void)state;
	assert_true(
	    case_page(d, x, &(struct case_how){ .user = "dev" }, &page));
	assert_non_null(strstr(buf_cstr(&page.text), "a model's opinion"));
	(void)json_object_del(review, "model");
	(void)json_object_del(review, "rationale");
	assert_true(
	    case_page(d, x, &(struct case_how){ .user = "dev" }, &page));
	assert_null(strstr(buf_cstr(&page.text), "a model's opinion"));
	page_done(&page);
	json_decref(d);
	json_decref(x);
}

/* ---- the editor ---------------------------------------------------------- */

struct place {
	char folder[64], script[96], command[160];
};

static void
write_script(struct place *p, const char *body)
{
	FILE *f;

	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/tui-editor-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	(void)snprintf(p->script, sizeof(p->script), "%s/editor", p->folder);
	f = fopen(p->script, "we");
	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", body);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(p->script, 0700), 0);
}

/* Where the editor said that its file was. */
static void
read_told(const struct place *p, char *ret, size_t size)
{
	char path[128];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/told", p->folder);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(ret, 1, size - 1, f);
	ret[n] = '\0';
	(void)fclose(f);
	(void)unlink(path);
}

static void
place_done(struct place *p)
{
	(void)unlink(p->script);
	assert_int_equal(rmdir(p->folder), 0);
}

static int
run_editor(struct place *p, const char *words, struct buf *text)
{
	(void)snprintf(
	    p->command, sizeof(p->command), "%s%s", p->script, words);
	return editor_run(p->command, "script.sh", text, NULL);
}

static void
the_text_is_private_and_gone_afterwards(void **state)
{
	struct buf text = BUF_INIT(1024);
	struct place p;
	char told[512], *file;

	(void)state;
	write_script(&p,
	    "cd \"${0%/*}\"; d=\"${1%/*}\"\n"
	    "printf '%s %s %s' \"$(stat -c %a \"$1\")\" "
	    "\"$(stat -c %a \"$d\")\" \"$1\" >told\n"
	    "cp \"$1\" \"$1~\"; echo more >>\"$1\"");
	buf_puts(&text, "git push\n");
	assert_int_equal(run_editor(&p, "", &text), 0);
	assert_string_equal(buf_cstr(&text), "git push\nmore\n");
	read_told(&p, told, sizeof(told));
	assert_memory_equal(told, "600 700 /", 9);
	file = told + 8;
	assert_int_equal(access(file, F_OK), -1);
	*strrchr(file, '/') = '\0';
	assert_int_equal(access(file, F_OK), -1);
	buf_free(&text);
	place_done(&p);
}

static void
no_shell_sees_the_command_of_the_editor(void **state)
{
	struct buf text = BUF_INIT(1024);
	struct place p;
	char told[512];

	(void)state;
	write_script(&p,
	    "cd \"${0%/*}\"; printf '<%s>' \"$1\" \"$2\" \"$3\" \"$4\" "
	    ">told");
	assert_int_equal(
	    run_editor(&p, " \t$(id) ;touch 'a  b'>&2 ", &text), 0);
	read_told(&p, told, sizeof(told));
	assert_string_equal(told, "<$(id)><;touch><'a><b'>&2>");
	buf_free(&text);
	place_done(&p);
}

static void
an_editor_that_fails_or_crashes_changes_nothing_and_leaves_nothing(void **state)
{
	static const char *const ends[] = { "exit 1", "kill -SEGV $$",
		"rm \"$1\"", "rm \"$1\"; mkdir \"$1\"; rmdir \"$1\"",
		"ln -sf /etc/passwd \"$1\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct buf text = BUF_INIT(1024);
		char body[256], told[512];
		struct place p;

		(void)snprintf(body, sizeof(body),
		    "printf %%s \"${1%%/*}\" >\"${0%%/*}/told\"; "
		    "echo more >>\"$1\"; %s",
		    ends[i]);
		write_script(&p, body);
		buf_puts(&text, "git push\n");
		assert_int_not_equal(run_editor(&p, "", &text), 0);
		assert_string_equal(buf_cstr(&text), "git push\n");
		read_told(&p, told, sizeof(told));
		assert_int_equal(access(told, F_OK), -1);
		buf_free(&text);
		place_done(&p);
	}
}

static void
an_editor_that_is_not_there_is_an_error(void **state)
{
	struct buf text = BUF_INIT(1024);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_not_equal(
	    editor_run("no-such-editor-here", "x", &text, &e), 0);
	assert_non_null(strstr(e.msg, "EDITOR"));
	assert_int_not_equal(editor_run("  ", "x", &text, &e), 0);
	buf_free(&text);
}

static void
a_text_beyond_the_limit_is_refused(void **state)
{
	struct buf text = BUF_INIT(64);
	struct place p;

	(void)state;
	write_script(&p, "head -c 100 /dev/zero >>\"$1\"");
	buf_puts(&text, "x");
	assert_int_not_equal(run_editor(&p, "", &text), 0);
	assert_string_equal(buf_cstr(&text), "x");
	buf_free(&text);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_edit_names_what_was_shown_and_allows_nothing),
		cmocka_unit_test(
		    nothing_is_edited_that_was_not_opened_or_in_the_midst_of_typing),
		cmocka_unit_test(
		    an_edit_that_changed_nothing_leaves_the_question),
		cmocka_unit_test(
		    an_edited_action_shows_no_opinion_of_a_model_that_was_not_asked),
		cmocka_unit_test(the_text_is_private_and_gone_afterwards),
		cmocka_unit_test(no_shell_sees_the_command_of_the_editor),
		cmocka_unit_test(
		    an_editor_that_fails_or_crashes_changes_nothing_and_leaves_nothing),
		cmocka_unit_test(an_editor_that_is_not_there_is_an_error),
		cmocka_unit_test(a_text_beyond_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
