/*
 * The tests of the program entries are enough: each entry has some, and each
 * thing that an entry says (what an option, an operand, a subcommand does) is
 * held by a test: with that taken away, a test of the entry fails.
 * Runs in: tests.  Trusts: nothing.  Owns: one set of programs, which it
 * changes and puts back.
 */
#include "fx_tests.h"
#include "programs_int.h"

#define NAMES_BYTES 4000
#define DEPTH_MAX 6

static struct fx_world world;

static int
setup(void **state)
{
	(void)state;
	return fx_open(&world);
}

static int
teardown(void **state)
{
	(void)state;
	fx_close(&world);
	return 0;
}

/* The entry under examination. */
struct exam {
	const char *file;
	struct str name;
	const struct yaml *tests;
	/* A test must hold one of the words of each level to be tried. */
	struct str words[DEPTH_MAX];
	size_t depth;
	size_t points, free;
};

/* The tables are immutable for everybody else. */
static void *
writable(const void *p)
{
	union {
		const void *from;
		void *to;
	} u = { .from = p };

	return u.to;
}

/* One of the words (with blanks between them) is in the text. An option
 * counts by its first letters: it may be bundled or abbreviated. */
static bool
mentions(struct str text, struct str words)
{
	bool any = words.len == 0;

	while (words.len > 0 && !any) {
		struct str one = str_cut(&words, ' ');

		if (str_starts(one, STR("--")))
			one = str_head(one, one.len < 4 ? one.len : 4);
		else if (str_starts(one, STR("-")))
			one = str_head(str_from(one, 1), 1);
		any = str_find(one, '*') < one.len ||
		    str_search(text, one) < text.len;
	}
	return any;
}

static bool
test_concerns(const struct exam *x, struct str text)
{
	for (size_t i = 0; i < x->depth; i++) {
		if (!mentions(text, x->words[i]))
			return false;
	}
	return true;
}

static bool
some_test_fails(const struct exam *x)
{
	for (size_t i = 0; i < x->tests->count; i++) {
		if (test_concerns(x, x->tests->keys[i].text) &&
		    !fx_test_holds(
			&world, &x->tests->keys[i], &x->tests->items[i]))
			return true;
	}
	return false;
}

/* What wrappers start is read as a command before the entry is looked at:
 * taking the role away then changes nothing. */
static bool
some_test_has_inner(const struct exam *x)
{
	for (size_t i = 0; i < x->tests->count; i++) {
		if (!test_concerns(x, x->tests->keys[i].text))
			continue;
		(void)fx_test_holds(
		    &world, &x->tests->keys[i], &x->tests->items[i]);
		if (world.fx.count > 1)
			return true;
	}
	return false;
}

/* With the bytes at p changed to those at other, some test must fail. */
static void
point(struct exam *x, const void *p, const void *other, size_t n,
    const char *what, struct str detail)
{
	const bool inner = str_starts(detail, STR("child:")) ||
	    str_starts(detail, STR("shell:")) ||
	    str_starts(detail, STR("any:")) || str_starts(detail, STR("dir:"));
	char keep[sizeof(struct entry)];

	assert_true(n <= sizeof(keep));
	memcpy(keep, p, n);
	memcpy(writable(p), other, n);
	x->points++;
	if (!some_test_fails(x) && !(inner && some_test_has_inner(x))) {
		x->free++;
		print_message("%s: %.*s: no test holds %s '%.*s'", x->file,
		    STR_ARG(x->name), what, STR_ARG(detail));
		for (size_t i = 0; i < x->depth; i++)
			print_message("%s%.*s", i > 0 ? " > " : " of ",
			    STR_ARG(x->words[i]));
		print_message("\n");
	}
	memcpy(writable(p), keep, n);
}

/* Roles that do nothing; there is nothing to hold. */
static bool
idle(const struct act *a)
{
	static const char *const names[] = { "text", "secret", "rsync-delete" };

	for (size_t i = 0; i < ARRAY_LEN(names) && a->role != NULL; i++) {
		if (strcmp(a->role->name, names[i]) == 0)
			return true;
	}
	return false;
}

static void
exam_acts(struct exam *x, const struct acts *acts, const char *what)
{
	const struct act none = { .role = role_find(STR("text")) };

	for (size_t i = 0; i < acts->count; i++) {
		const struct act *a = &acts->items[i];
		char text[200];

		if (idle(a))
			continue;
		if (a->role != NULL)
			(void)snprintf(text, sizeof(text), "%s:%.*s",
			    a->role->name, STR_ARG(a->param));
		else
			(void)snprintf(text, sizeof(text), "+%s %s",
			    effect_kind_name(a->fixed.kind),
			    a->fixed.target == NULL ? "" : a->fixed.target);
		point(x, a, &none, sizeof(none), what, str_of(text));
	}
}

/* The options of one line share their acts. */
static void
exam_options(struct exam *x, const struct entry *en)
{
	const struct act *last = NULL;

	assert_true(x->depth < DEPTH_MAX);
	for (size_t i = 0; i < en->option_count; i++) {
		const struct option *o = &en->options[i];
		AUTO_BUF struct buf b = BUF_INIT(NAMES_BYTES);

		if (o->acts.count == 0 || o->acts.items == last)
			continue;
		last = o->acts.items;
		for (size_t k = 0; k < en->name_count; k++) {
			if (en->options[en->names[k].option].acts.items == last)
				buf_printf(&b, "%s%.*s%s", b.len > 0 ? " " : "",
				    STR_ARG(en->names[k].name),
				    en->names[k].prefix ? "*" : "");
		}
		x->words[x->depth++] = str_of(buf_cstr(&b));
		exam_acts(x, &o->acts,
		    o->value == VALUE_NONE ? "option" : "option value");
		x->depth--;
	}
}

static void
exam_whens(struct exam *x, const struct entry *en)
{
	const struct when never = { .operands = { .set = false } };

	for (size_t i = 0; i < en->when_count; i++) {
		const struct when *w = &en->whens[i];
		const struct option *o = &en->options[w->options[0]];

		point(
		    x, w, &never, sizeof(never), "the condition", o->canonical);
		if (w->operands.set)
			exam_acts(x, &w->operands.roles, "operands of when");
		exam_acts(x, &w->does, "does of when");
		exam_acts(x, &w->also, "also of when");
	}
}

static void exam_entry(struct exam *x, const struct entry *en);

/* Names of one subcommand share their entry. */
static void
exam_subs(struct exam *x, const struct entry *en)
{
	struct act mutant = { .fixed = {
				  .kind = EFFECT_WIDEN, .target = "mutant" } };
	const struct entry other = { .style = STYLE_OTHERS,
		.does = { .items = &mutant, .count = 1 },
		.operands = { .repeat = SIZE_MAX } };

	assert_true(x->depth < DEPTH_MAX);
	for (size_t i = 0; i < en->sub_count; i++) {
		const struct entry *sub = en->subs[i].entry;
		AUTO_BUF struct buf b = BUF_INIT(NAMES_BYTES);
		bool first = true;

		for (size_t k = 0; k < en->sub_count; k++) {
			if (en->subs[k].entry != sub)
				continue;
			first = first && k >= i;
			buf_printf(&b, "%s%.*s", b.len > 0 ? " " : "",
			    STR_ARG(en->subs[k].name));
		}
		if (!first)
			continue;
		x->words[x->depth++] = str_of(buf_cstr(&b));
		point(x, sub, &other, sizeof(other), "the subcommand",
		    en->subs[i].name);
		exam_entry(x, sub);
		x->depth--;
	}
}

static void
exam_entry(struct exam *x, const struct entry *en)
{
	handler_fn *const none = NULL;

	exam_options(x, en);
	exam_acts(x, &en->operands.roles, "operand");
	exam_whens(x, en);
	exam_acts(x, &en->does, "does");
	exam_acts(x, &en->bare, "bare");
	exam_acts(x, &en->alone, "alone");
	if (en->handler != NULL)
		point(x, &en->handler, &none, sizeof(none), "the handler",
		    en->name);
	exam_subs(x, en);
}

static void
exam_program(const char *file, const struct yaml *map, size_t *bad)
{
	static const struct yaml none;
	const struct yaml *given = yaml_get(map, "tests");
	const struct yaml *t = given == NULL ? &none : given;
	struct str names = yaml_get(map, "name")->text;
	struct exam x = {
		.file = file, .name = str_cut(&names, ' '), .tests = t
	};
	const struct entry *en = programs_find(world.programs, x.name);

	assert_non_null(en);
	if (t->count == 0) {
		print_message("%s: %.*s has no tests\n", file, STR_ARG(x.name));
		(*bad)++;
	}
	exam_entry(&x, en);
	*bad += x.free;
}

static size_t
each_program(const char *only)
{
	size_t bad = 0;

	for (size_t f = 0; f < embedded_programs_count; f++) {
		AUTO(arena_freep) struct arena *a = arena_new(FX_ARENA);
		struct yaml root;
		const struct yaml *list;

		if (only != NULL &&
		    strcmp(only, embedded_programs[f].name) != 0)
			continue;
		assert_int_equal(
		    yaml_parse(embedded_programs[f].name,
			embedded_programs[f].text, a, NULL, &root, NULL),
		    0);
		list = yaml_get(&root, "programs");
		for (size_t i = 0; list != NULL && i < list->count; i++)
			exam_program(
			    embedded_programs[f].name, &list->items[i], &bad);
	}
	return bad;
}

static void
whatever_an_entry_says_is_held_by_a_test_of_it(void **state)
{
	(void)state;
	assert_int_equal(each_program(NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    whatever_an_entry_says_is_held_by_a_test_of_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
