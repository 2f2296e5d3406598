/*
 * Output on its way: exact for who reads, bounded by who does not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/json_in.h"
#include "model/limits.h"
#include "outflow.h"

#define KEPT 1000
#define CALLS 4
#define ALL ((size_t)64 << 20)

struct seen {
	struct buf bytes[OUTFLOW_STREAMS]; /* decoded */
	uint64_t done[OUTFLOW_STREAMS], missed[OUTFLOW_STREAMS];
	bool is_done, was_dropped, ended;
	size_t sent; /* encoded, and not taken */
};

struct world {
	struct outflow f;
	struct outflow_out out;
	struct seen seen[CALLS];
};

static void
take_counts(struct str data, uint64_t to[static OUTFLOW_STREAMS])
{
	json_auto_t *json = NULL;

	assert_int_equal(json_in(data, &json, NULL), 0);
	to[0] = (uint64_t)json_integer_value(json_object_get(json, "stdout"));
	to[1] = (uint64_t)json_integer_value(json_object_get(json, "stderr"));
}

static void
take_bytes(struct seen *s, struct str name, struct str data)
{
	struct buf *to = &s->bytes[str_starts(name, STR("stderr")) ? 1 : 0];
	json_auto_t *json = NULL;
	struct str text;

	assert_int_equal(json_in(data, &json, NULL), 0);
	text = str_n(json_string_value(json), json_string_length(json));
	if (str_ends(name, STR("-base64")))
		assert_int_equal(text_unbase64(text, to), 0);
	else
		buf_put_str(to, text);
}

static void
on_chunk(void *ctx, uint64_t call_id, struct str bytes)
{
	struct seen *s = &((struct world *)ctx)->seen[call_id];
	struct str rest = bytes, name, data;

	assert_false(s->ended);
	assert_true(str_starts(rest, STR("event: ")));
	rest = str_from(rest, 7);
	name = str_cut(&rest, '\n');
	rest = str_from(rest, 6);
	data = str_cut(&rest, '\n');
	s->sent += bytes.len;
	if (str_eq(name, STR("done"))) {
		s->is_done = true;
		take_counts(data, s->done);
	} else if (str_eq(name, STR("missed"))) {
		take_counts(data, s->missed);
	} else if (str_eq(name, STR("dropped"))) {
		s->was_dropped = true;
	} else {
		take_bytes(s, name, data);
	}
}

static void
on_end(void *ctx, uint64_t call_id)
{
	struct seen *s = &((struct world *)ctx)->seen[call_id];

	assert_false(s->ended);
	s->ended = true;
}

static struct world *
world(void)
{
	struct world *w = mem_new(1, sizeof(*w));

	assert_non_null(w);
	outflow_init(&w->f, KEPT);
	w->out = (struct outflow_out){
		.ctx = w,
		.chunk = on_chunk,
		.end = on_end,
	};
	for (size_t i = 0; i < CALLS; i++) {
		for (size_t s = 0; s < OUTFLOW_STREAMS; s++)
			w->seen[i].bytes[s] = (struct buf)BUF_INIT(ALL);
	}
	return w;
}

static void
world_free(struct world *w)
{
	outflow_free(&w->f);
	for (size_t i = 0; i < CALLS; i++) {
		buf_free(&w->seen[i].bytes[0]);
		buf_free(&w->seen[i].bytes[1]);
	}
	free(w);
}

static void
reader(struct world *w, uint64_t call_id, bool holds)
{
	struct output_reader *r = mem_new(1, sizeof(*r));

	assert_non_null(r);
	r->call_id = call_id;
	r->holds = holds;
	outflow_reader_add(&w->f, &w->out, r);
}

/* A text of n bytes that begins at a place of an endless one. */
static size_t
add(struct world *w, int stream, size_t at, size_t n)
{
	AUTO_FREE char *bytes = mem_new(1, n + 1);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)((at + i) * 131 / 7);
	return outflow_add(&w->f, &w->out, stream, str_n(bytes, n), ALL);
}

static void
take_all(struct world *w, uint64_t call_id)
{
	while (w->seen[call_id].sent > 0) {
		const size_t n = w->seen[call_id].sent;

		w->seen[call_id].sent = 0;
		outflow_taken(&w->f, &w->out, call_id, n);
	}
}

static void
check_bytes(const struct world *w, uint64_t call_id, size_t stream, size_t n)
{
	const struct buf *b = &w->seen[call_id].bytes[stream];

	assert_int_equal(b->len, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(b->s[i], (char)(i * 131 / 7));
}

static void
who_reads_gets_every_byte_and_their_number(void **state)
{
	struct world *w = world();
	size_t at = 0;

	(void)state;
	(void)add(w, 1, 0, 500); /* before it came */
	reader(w, 1, true);
	for (at = 500; at < 300000; at += 1000) {
		(void)add(w, 1, at, 1000);
		(void)add(w, 2, at - 500, 1000);
		take_all(w, 1);
	}
	outflow_end(&w->f, &w->out);
	assert_true(w->seen[1].ended && w->seen[1].is_done);
	check_bytes(w, 1, 0, at);
	check_bytes(w, 1, 1, at - 500);
	assert_int_equal(w->seen[1].done[0], at);
	assert_int_equal(w->seen[1].missed[0], 0);
	assert_int_equal(w->f.kept[0].len, KEPT);
	assert_true(outflow_is_cut(&w->f));
	world_free(w);
}

static void
no_credit_while_the_agent_is_behind(void **state)
{
	struct world *w = world();
	size_t at = 0;

	(void)state;
	reader(w, 1, true);
	while (w->seen[1].sent <= OUTFLOW_AHEAD) {
		(void)add(w, 1, at, 10000);
		at += 10000;
	}
	(void)outflow_credit(&w->f);
	/* a whole window more: nothing is sent, nothing is credited */
	for (size_t end = at + RUN_WINDOW_BYTES; at < end; at += 10000) {
		const size_t sent = w->seen[1].sent;

		(void)add(w, 1, at, 10000);
		assert_int_equal(w->seen[1].sent, sent);
		assert_int_equal(outflow_credit(&w->f), 0);
	}
	assert_true(w->f.tail.len < 2 * RUN_WINDOW_BYTES);
	take_all(w, 1);
	assert_true(outflow_credit(&w->f) >= RUN_WINDOW_BYTES);
	outflow_end(&w->f, &w->out);
	check_bytes(w, 1, 0, at);
	world_free(w);
}

static void
an_end_does_not_overtake_what_waits(void **state)
{
	struct world *w = world();

	(void)state;
	reader(w, 1, true);
	(void)add(w, 2, 0, OUTFLOW_AHEAD);
	(void)add(w, 2, OUTFLOW_AHEAD, 70000);
	outflow_end(&w->f, &w->out);
	assert_false(w->seen[1].ended);
	take_all(w, 1);
	assert_true(w->seen[1].is_done);
	check_bytes(w, 1, 1, OUTFLOW_AHEAD + 70000);
	world_free(w);
}

static void
who_only_looks_on_does_not_hold_the_run(void **state)
{
	struct world *w = world();
	size_t at = 0;

	(void)state;
	reader(w, 1, true);
	reader(w, 2, false);
	while (!w->seen[2].ended && at < 4 * OUTFLOW_TAIL_LONG) {
		(void)add(w, 1, at, 10000);
		at += 10000;
		take_all(w, 1);
		assert_true(at < RUN_WINDOW_BYTES ||
		    w->f.owed < RUN_WINDOW_BYTES / 4 + 10000);
		(void)outflow_credit(&w->f);
	}
	assert_true(w->seen[2].was_dropped);
	assert_true(at < 2 * OUTFLOW_TAIL_LONG);
	outflow_end(&w->f, &w->out);
	check_bytes(w, 1, 0, at);
	world_free(w);
}

static void
what_is_not_kept_waits_for_the_first_reader(void **state)
{
	struct world *w = world();

	(void)state;
	assert_int_equal(add(w, 1, 0, 900), 900);
	assert_false(w->f.waits);
	assert_int_equal(add(w, 1, 900, RUN_WINDOW_BYTES), 100 + KEPT / 8);
	assert_true(w->f.waits);
	assert_int_equal(outflow_credit(&w->f), 0);
	reader(w, 1, true);
	take_all(w, 1);
	assert_true(outflow_credit(&w->f) > 0);
	outflow_end(&w->f, &w->out);
	check_bytes(w, 1, 0, 900 + RUN_WINDOW_BYTES);
	world_free(w);
}

static void
when_nobody_comes_the_rest_is_dropped_and_counted(void **state)
{
	struct world *w = world();

	(void)state;
	(void)add(w, 1, 0, RUN_WINDOW_BYTES);
	outflow_give_up(&w->f);
	assert_int_equal(outflow_credit(&w->f), RUN_WINDOW_BYTES);
	assert_int_equal(w->f.tail.len, 0);
	(void)add(w, 1, RUN_WINDOW_BYTES, RUN_WINDOW_BYTES);
	assert_int_equal(outflow_credit(&w->f), RUN_WINDOW_BYTES);
	reader(w, 1, true);
	assert_int_equal(w->seen[1].missed[0], 2 * RUN_WINDOW_BYTES - KEPT);
	check_bytes(w, 1, 0, KEPT);
	outflow_end(&w->f, &w->out);
	assert_int_equal(w->seen[1].done[0], 2 * RUN_WINDOW_BYTES);
	world_free(w);
}

static void
put(struct world *w, const char *text)
{
	(void)outflow_add(&w->f, &w->out, 1, str_of(text), ALL);
}

static void
the_text_of_a_long_stream_has_both_ends(void **state)
{
	char words[64];

	(void)state;
	for (size_t n = 1; n < 3 * KEPT; n += 1 + n / 10) {
		struct world *w = world();
		AUTO_BUF struct buf all = BUF_INIT(ALL);
		struct str text;

		for (size_t at = 0; all.len < n; at++) {
			(void)snprintf(words, sizeof(words), "<%zu>", at);
			buf_puts(&all, words);
			put(w, words);
		}
		outflow_end(&w->f, &w->out);
		text = outflow_text(&w->f, 1, 400);
		assert_true(text.len <= 400);
		if (all.len <= 400) {
			assert_true(str_eq(text, buf_str(&all)));
		} else {
			const size_t gap = str_find(text, '\n');
			const struct str end = str_from(
			    text, text.len - (n < KEPT ? 150 : KEPT / 8 - 10));

			assert_true(gap >= 150);
			assert_true(str_eq(
			    str_head(text, gap), str_head(buf_str(&all), gap)));
			assert_true(str_ends(buf_str(&all), end));
		}
		world_free(w);
	}
}

static void
who_comes_after_the_end_gets_both_ends_in_order(void **state)
{
	for (size_t n = 1; n < 3 * KEPT; n += 97) {
		struct world *w = world();
		const size_t last = KEPT / 8, kept = KEPT + last;
		const struct buf *b = &w->seen[1].bytes[0];

		(void)state;
		for (size_t at = 0; at < n; at += 7)
			(void)add(w, 1, at, n - at < 7 ? n - at : 7);
		outflow_give_up(&w->f);
		outflow_end(&w->f, &w->out);
		reader(w, 1, true);
		take_all(w, 1);
		assert_true(w->seen[1].is_done);
		assert_int_equal(w->seen[1].missed[0], n > kept ? n - kept : 0);
		assert_int_equal(b->len, n > kept ? kept : n);
		for (size_t i = 0; i < b->len; i++) {
			const size_t at =
			    n > kept && i >= KEPT ? i + (n - kept) : i;

			assert_int_equal(b->s[i], (char)(at * 131 / 7));
		}
		world_free(w);
	}
}

static void
what_wants_less_kept_has_less(void **state)
{
	struct world *w = world();

	(void)state;
	outflow_keep_less(&w->f, 80);
	(void)add(w, 1, 0, 500);
	assert_int_equal(outflow_size(&w->f), 80 + 10);
	outflow_end(&w->f, &w->out);
	assert_true(outflow_is_cut(&w->f));
	world_free(w);
}

static void
a_reader_that_hangs_up_frees_the_run(void **state)
{
	struct world *w = world();
	struct output_reader *gone;

	(void)state;
	reader(w, 1, true);
	(void)add(w, 1, 0, OUTFLOW_AHEAD);
	(void)add(w, 1, OUTFLOW_AHEAD, RUN_WINDOW_BYTES);
	assert_int_equal(outflow_credit(&w->f), 0);
	gone = outflow_reader_gone(&w->f, &w->out, 1);
	assert_non_null(gone);
	free(gone);
	assert_null(outflow_reader_gone(&w->f, &w->out, 1));
	assert_true(outflow_credit(&w->f) >= RUN_WINDOW_BYTES);
	assert_int_equal(w->f.tail.len, 0);
	world_free(w);
}

/* The second comes while the first is behind: bytes that are kept and wait
 * in the tail, too, come once. */
static void
a_second_reader_gets_each_byte_once(void **state)
{
	struct world *w = world();

	(void)state;
	reader(w, 1, true);
	outflow_taken(&w->f, &w->out, 1, 0);
	w->f.readers->ahead = OUTFLOW_AHEAD + 1; /* it takes nothing */
	(void)add(w, 1, 0, 400);
	(void)add(w, 1, 400, 1000); /* 600 of them are kept */
	reader(w, 2, true);
	(void)add(w, 1, 1400, 300);
	outflow_end(&w->f, &w->out);
	check_bytes(w, 2, 0, 1700);
	assert_true(w->seen[2].is_done);
	outflow_taken(&w->f, &w->out, 1, OUTFLOW_AHEAD + 1);
	check_bytes(w, 1, 0, 1700);
	assert_true(w->seen[1].is_done);
	world_free(w);
}

static void
readers_that_are_dismissed_are_told_and_hold_nothing(void **state)
{
	struct world *w = world();
	size_t at = 0;

	(void)state;
	reader(w, 1, true);
	reader(w, 2, false);
	for (; at < 2 * OUTFLOW_AHEAD; at += 1000)
		(void)add(w, 1, at, 1000);
	outflow_end(&w->f, &w->out);
	assert_false(w->seen[1].ended);
	outflow_dismiss(&w->f, &w->out);
	assert_true(w->seen[1].was_dropped && w->seen[1].ended);
	assert_true(w->seen[2].was_dropped && w->seen[2].ended);
	assert_null(w->f.readers);
	assert_int_equal(w->f.tail.len, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    readers_that_are_dismissed_are_told_and_hold_nothing),
		cmocka_unit_test(who_reads_gets_every_byte_and_their_number),
		cmocka_unit_test(no_credit_while_the_agent_is_behind),
		cmocka_unit_test(an_end_does_not_overtake_what_waits),
		cmocka_unit_test(who_only_looks_on_does_not_hold_the_run),
		cmocka_unit_test(what_is_not_kept_waits_for_the_first_reader),
		cmocka_unit_test(
		    when_nobody_comes_the_rest_is_dropped_and_counted),
		cmocka_unit_test(a_reader_that_hangs_up_frees_the_run),
		cmocka_unit_test(the_text_of_a_long_stream_has_both_ends),
		cmocka_unit_test(
		    who_comes_after_the_end_gets_both_ends_in_order),
		cmocka_unit_test(what_wants_less_kept_has_less),
		cmocka_unit_test(a_second_reader_gets_each_byte_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
