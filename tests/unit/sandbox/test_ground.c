/*
 * Ground: what several plans begin with, and what must not be built ahead.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/plan.h"
#include "start/ground.h"

#define ARENA_MAX ((size_t)8 << 20)

static const char *const argv_sample[] = { "make", "test" };
static const char *const read_sample[] = { "/srv/data" };
static const char *const write_sample[] = { "/srv/cache" };

static struct plan_options
sample(const char *workspace)
{
	return (struct plan_options){
		.profile = profile_find("workspace-write"),
		.who = { .identity = IDENTITY_SAME, .uid = 1000, .gid = 1000 },
		.workspace = workspace,
		.home = "/home/dev",
		.argv = argv_sample,
		.argc = 2,
	};
}

static struct plan *
make(struct arena *a, const struct plan_options *o)
{
	struct plan *p = NULL;

	assert_int_equal(plan_make(o, a, &p, NULL), 0);
	return p;
}

static const struct op *
find(const struct plan *p, enum op_kind kind, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (p->ops[i].kind == kind)
			return &p->ops[i];
	}
	return NULL;
}

static void
no_workspace_and_nothing_writable_is_built_ahead(void **state)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample("/srv/one");
	struct plan *p;
	size_t n;

	(void)state;
	o.write = write_sample;
	o.write_count = 1;
	p = make(a, &o);
	n = ground_end(p);
	assert_true(n > 0 && n < p->op_count);
	assert_non_null(find(p, OP_TOOL, n));
	assert_non_null(find(p, OP_ROOTED, p->op_count));
	assert_null(find(p, OP_ROOTED, n));
	assert_null(find(p, OP_WORKSPACE, n));
	assert_null(find(p, OP_PROTECT, n));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->ops[i].flags & OP_WRITE, 0);
	arena_free(a);
}

static void
what_is_shown_elsewhere_is_one_runs_own(void **state)
{
	struct arena *a = arena_new(ARENA_MAX);
	const struct plan_options o = sample("/srv/one");
	struct plan *p = make(a, &o);

	(void)state;
	p->ops[3].source = "/run/somewhere";
	assert_int_equal(p->ops[3].kind, OP_SAME);
	assert_int_equal(ground_end(p), 3);
	arena_free(a);
}

static void
two_workspaces_have_all_but_themselves_in_common(void **state)
{
	struct arena *a = arena_new(ARENA_MAX);
	const struct plan_options one = sample("/srv/one");
	const struct plan_options two = sample("/srv/two");
	struct plan *p = make(a, &one), *q = make(a, &two);

	(void)state;
	assert_int_equal(ground_common(p, q), ground_end(p));
	assert_int_equal(ground_common(p, q), ground_end(q));
	arena_free(a);
}

static void
another_folder_home_or_size_ends_what_is_common(void **state)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample("/srv/one");
	struct plan *p = make(a, &o), *q;

	(void)state;
	o.home = "/home/other";
	q = make(a, &o);
	assert_true(ground_common(p, q) < ground_end(p));
	assert_null(find(p, OP_TOOL, ground_common(p, q)));
	o = sample("/srv/one");
	o.read = read_sample;
	o.read_count = 1;
	q = make(a, &o);
	assert_true(ground_common(p, q) < ground_end(q));
	q = make(a,
	    &(struct plan_options){ .profile = o.profile,
		.who = o.who,
		.workspace = o.workspace,
		.home = o.home,
		.argv = o.argv,
		.argc = o.argc });
	for (size_t i = 0; i < q->op_count; i++) {
		if (q->ops[i].kind == OP_TMP)
			q->ops[i].size++;
	}
	assert_null(find(p, OP_TMP, ground_common(p, q)));
	arena_free(a);
}

static void
nothing_that_was_built_for_one_user_serves_another(void **state)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct plan_options o = sample("/srv/one");
	struct plan *p = make(a, &o), *q;
	struct ground g = { .plan = p, .op_count = ground_end(p), .idmap = -1 };

	(void)state;
	assert_true(ground_fits(&g, p, -1));
	o.who.uid++;
	q = make(a, &o);
	assert_int_equal(ground_common(p, q), 0);
	assert_false(ground_fits(&g, q, -1));
	o = sample("/srv/one");
	o.who.identity = IDENTITY_SWITCH;
	q = make(a, &o);
	g.op_count = 0;
	assert_false(ground_fits(&g, q, -1));
	arena_free(a);
}

static void
files_of_a_home_that_are_mapped_otherwise_do_not_fit(void **state)
{
	struct arena *a = arena_new(ARENA_MAX);
	const struct plan_options o = sample("/srv/one");
	struct plan *p = make(a, &o);
	const int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int same = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int two = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct ground g = {
		.plan = p, .op_count = ground_end(p), .idmap = one
	};

	(void)state;
	assert_true(one >= 0 && same >= 0 && two >= 0);
	assert_true(ground_fits(&g, p, same));
	assert_false(ground_fits(&g, p, two));
	assert_false(ground_fits(&g, p, -1));
	/* What is not of the home has its owners everywhere. */
	while (find(p, OP_TOOL, g.op_count) != NULL)
		g.op_count--;
	assert_true(g.op_count > 0 && ground_fits(&g, p, two));
	(void)close(one);
	(void)close(same);
	(void)close(two);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    no_workspace_and_nothing_writable_is_built_ahead),
		cmocka_unit_test(what_is_shown_elsewhere_is_one_runs_own),
		cmocka_unit_test(
		    two_workspaces_have_all_but_themselves_in_common),
		cmocka_unit_test(
		    another_folder_home_or_size_ends_what_is_common),
		cmocka_unit_test(
		    nothing_that_was_built_for_one_user_serves_another),
		cmocka_unit_test(
		    files_of_a_home_that_are_mapped_otherwise_do_not_fit),
	};

	return cmocka_run_group_tests_name("ground", tests, NULL, NULL);
}
