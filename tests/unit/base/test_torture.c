/*
 * The parts of base while memory runs out at every single point.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/ipc.h"
#include "base/jsonw.h"
#include "base/yaml.h"
#include "torture.h"

static int
use_buf(void)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);
	AUTO_FREE char *taken = NULL;
	int r;

	for (int i = 0; i < 100; i++)
		buf_printf(&b, "line %d of many\n", i);
	r = buf_take(&b, &taken, NULL);
	if (r == 0)
		buf_puts(&b, "again");
	return r != 0 ? r : buf_done(&b, NULL);
}

static void
a_buffer(void **state)
{
	(void)state;
	torture(use_buf, 5);
}

static int
use_arena(void)
{
	AUTO(arena_freep) struct arena *a = arena_new((size_t)1 << 20);

	if (a == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < 100; i++) {
		(void)arena_strdup(a, "some text");
		(void)arena_array(a, i, 100);
	}
	return arena_failed(a) ? ERR_NOMEM : ERR_OK;
}

static void
an_arena(void **state)
{
	(void)state;
	torture(use_arena, 4);
}

static int
use_records(void)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);
	AUTO(arena_freep) struct arena *a = arena_new((size_t)1 << 20);
	struct rec r;
	int code;

	if (a == NULL)
		return ERR_NOMEM;
	for (int i = 0; i < 200; i++)
		rec_put_cstr(&b, "a field of some length or other");
	code = buf_done(&b, NULL);
	if (code != 0)
		return code;
	r = rec_of(buf_str(&b));
	for (int i = 0; i < 200; i++)
		(void)rec_cstr(&r, a);
	if (arena_failed(a)) {
		/* Lack of memory also fails the record. */
		assert_int_equal(rec_done(&r, NULL), ERR_INVALID);
		return ERR_NOMEM;
	}
	return rec_done(&r, NULL);
}

static void
records(void **state)
{
	(void)state;
	torture(use_records, 5);
}

static int
use_json(void)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);
	struct jsonw w = jsonw_on(&b);

	jsonw_array(&w);
	for (int i = 0; i < 100; i++)
		jsonw_str(&w, STR("text \x01 \xff"));
	jsonw_end(&w);
	return buf_done(&b, NULL);
}

static void
json(void **state)
{
	(void)state;
	torture(use_json, 3);
}

static void
on_timer(void *ctx)
{
	++*(int *)ctx;
}

static int
use_loop(void)
{
	AUTO(loop_freep) struct loop *l = NULL;
	struct loop_timer *t = NULL;
	int fired = 0;
	int r = loop_new(&l, NULL);

	for (int i = 0; r == 0 && i < 20; i++)
		r = loop_after(l, 0, on_timer, &fired, NULL, NULL);
	if (r == 0)
		r = loop_after(l, 60000, on_timer, &fired, &t, NULL);
	if (r == 0) {
		r = loop_once(l, 1000, NULL);
		loop_cancel(l, t);
	}
	return r;
}

static void
the_loop(void **state)
{
	(void)state;
	torture(use_loop, 20);
}

static int
on_message(void *ctx, struct ipc_msg *m, struct err *e)
{
	(void)e;
	*(size_t *)ctx += m->payload.len;
	return 0;
}

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	/* Only for want of memory, and then it says so. */
	assert_non_null(why);
	assert_int_equal(why->code, ERR_NOMEM);
	*(size_t *)ctx = SIZE_MAX;
	(void)i;
}

static int
use_links(void)
{
	static const struct ipc_row table[] = {
		{ .type = 1,
		    .len_max = IPC_PAYLOAD_MAX,
		    .handler = on_message },
	};
	static char bytes[IPC_INLINE_MAX + 1];
	AUTO(loop_freep) struct loop *l = NULL;
	AUTO(ipc_freep) struct ipc *a = NULL;
	AUTO(ipc_freep) struct ipc *b = NULL;
	size_t got = 0;
	int pair[2];
	int r = loop_new(&l, NULL);

	if (r != 0)
		return r;
	assert_int_equal(ipc_pair(pair, NULL), 0);
	r = ipc_new(l, pair[0], "b", table, 1, &got, on_closed, &a, NULL);
	if (r != 0)
		fd_closep(&pair[1]);
	else
		r = ipc_new(
		    l, pair[1], "a", table, 1, &got, on_closed, &b, NULL);
	for (size_t i = 0; r == 0 && i < 3; i++)
		r = ipc_send(a, 1, str_n(bytes, sizeof(bytes) - i), -1, NULL);
	while (r == 0 && got < 3 * sizeof(bytes) - 3)
		r = loop_once(l, 1000, NULL);
	return got == SIZE_MAX ? ERR_NOMEM : r;
}

static void
links_between_roles(void **state)
{
	(void)state;
	torture(use_links, 10);
}

static int
use_findings(void)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf b = BUF_INIT((size_t)1 << 20);

	if (d == NULL)
		return ERR_NOMEM;
	for (unsigned i = 0; i < 10; i++)
		diag_add(d,
		    &(struct diag){ .code = "E001",
			.file = "f",
			.line = i + 1,
			.col = 1,
			.source = "text",
			.hint = "a hint" },
		    "finding %u", i);
	/* An error may lose its text for want of memory, never itself. */
	assert_int_equal(diags_errors(d), 10);
	diags_print(d, &b);
	return buf_done(&b, NULL);
}

static void
findings(void **state)
{
	(void)state;
	/* A finding may lose its text, and the list its order. */
	torture_but_manages(use_findings, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer),
		cmocka_unit_test(an_arena),
		cmocka_unit_test(records),
		cmocka_unit_test(json),
		cmocka_unit_test(the_loop),
		cmocka_unit_test(links_between_roles),
		cmocka_unit_test(findings),
	};

	return cmocka_run_group_tests_name("torture", tests, NULL, NULL);
}
