/*
 * The kernel's records of denials: what they say, whose they are, and that no
 * name in them says anything else.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "audit/link.h"
#include "audit/record.h"
#include "audit/table.h"
#include "base/text.h"

#define STAMP "audit(1764133200.123:456): "

static struct audit_record
parsed(unsigned type, const char *text)
{
	struct audit_record r;

	if (!audit_record_parse(type, str_of(text), &r))
		fail_msg("not read: %s", text);
	return r;
}

static void
refused(unsigned type, const char *text)
{
	struct audit_record r;

	if (audit_record_parse(type, str_of(text), &r))
		fail_msg("read: %s", text);
}

static void
expect_object(const char *fields, const char *object)
{
	AUTO_BUF struct buf text = BUF_INIT(16384);

	buf_printf(&text, STAMP "domain=1 blockers=fs.read_file %s", fields);
	assert_string_equal(
	    parsed(AUDIT_RECORD_ACCESS, buf_cstr(&text)).object, object);
}

static void
a_denial_says_which_right_and_which_path(void **state)
{
	const struct audit_record r = parsed(AUDIT_RECORD_ACCESS,
	    STAMP "domain=18ebec901 blockers=fs.make_dir,fs.refer "
		  "path=\"/opt/ws/x\" dev=\"vda\" ino=1655406");

	(void)state;
	assert_int_equal(r.kind, AUDIT_KIND_DENIED);
	assert_true(r.domain == 0x18ebec901);
	assert_int_equal(r.rights, 1U << 7 | 1U << 13);
	assert_string_equal(audit_right_name(7), "fs.make_dir");
	assert_string_equal(r.object, "/opt/ws/x");
}

static void
a_domain_says_whose_it_is_and_how_it_ended(void **state)
{
	struct audit_record r = parsed(AUDIT_RECORD_DOMAIN,
	    STAMP
	    "domain=1a46d319d status=allocated mode=enforcing pid=28451 "
	    "uid=59998 exe=\"/usr/bin/assent-exec\" comm=\"assent-exec\"");

	(void)state;
	assert_int_equal(r.kind, AUDIT_KIND_ALLOCATED);
	assert_int_equal(r.pid, 28451);
	assert_int_equal(r.uid, 59998);
	r = parsed(AUDIT_RECORD_DOMAIN,
	    STAMP "domain=1a46d319d status=deallocated denials=3");
	assert_int_equal(r.kind, AUDIT_KIND_ENDED);
	assert_int_equal(r.denials, 3);
}

/* The kernel writes them in hexadecimal: a quote, a newline, a space. */
static void
a_hostile_name_is_shown_and_is_no_field(void **state)
{
	struct audit_record r;

	(void)state;
	expect_object("path=2F746D702F6120220A20706964", "/tmp/a \"\\n pid");
	expect_object("path=2F001B5B32", "/\\x00\\x1b[2");
	expect_object("path=\"/x\" ino=3 pid=7", "/x");
	r = parsed(AUDIT_RECORD_ACCESS,
	    STAMP "domain=2 blockers=scope.signal opid=1 ocomm=\"sh\"");
	assert_string_equal(r.object, "sh");
	assert_int_equal(r.pid, 0);
}

static void
of_a_long_name_the_end_is_kept(void **state)
{
	AUTO_BUF struct buf hex = BUF_INIT(16384);

	(void)state;
	buf_puts(&hex, STAMP "domain=1 blockers=fs.truncate path=");
	for (int i = 0; i < 2000; i++)
		buf_puts(&hex, "C3A9"); /* two bytes of one letter */
	buf_puts(&hex, "2F656E64");
	const struct audit_record r =
	    parsed(AUDIT_RECORD_ACCESS, buf_cstr(&hex));

	assert_true(strlen(r.object) < sizeof(r.object));
	assert_true(text_is_utf8(str_of(r.object)));
	assert_true(str_starts(str_of(r.object), STR("...")));
	assert_true(str_ends(str_of(r.object), STR("/end")));
}

static void
what_is_no_such_record_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"audit(1.1:1): ",
		"domain=1 blockers=fs.execute",
		STAMP "blockers=fs.execute",
		STAMP "domain=0 blockers=fs.execute",
		STAMP "domain=xyz blockers=fs.execute",
		STAMP "domain=11111111111111111 blockers=fs.execute",
		STAMP "domain=1 blockers=",
		STAMP "domain=1 path=\"/x\"",
		STAMP "domain=1 blockers=fs.execute path=\"/x",
		STAMP "domain=1 blockers=fs.execute path=abc",
		STAMP "domain=1 blockers=fs.execute path=zz",
		STAMP "domain=1 blockers=fs.execute /x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		refused(AUDIT_RECORD_ACCESS, texts[i]);
	refused(AUDIT_RECORD_DOMAIN, STAMP "domain=1 status=other");
	refused(AUDIT_RECORD_DOMAIN,
	    STAMP "domain=1 status=allocated pid=-1 uid=0");
	refused(AUDIT_RECORD_DOMAIN,
	    STAMP "domain=1 status=allocated pid=4294967296 uid=0");
	refused(1300, STAMP "domain=1 blockers=fs.execute");
}

static void
a_right_of_a_later_kernel_is_unknown_not_lost(void **state)
{
	const struct audit_record r = parsed(AUDIT_RECORD_ACCESS,
	    STAMP "domain=1 blockers=net.bind_udp path=\"/x\"");
	struct audit_denials d = { .count = 1 };
	AUTO_BUF struct buf out = BUF_INIT(512);

	(void)state;
	d.at[0].rights = r.rights;
	d.at[0].times = 1;
	assert_true(audit_denials_text(&d, 0, &out));
	assert_string_equal(buf_cstr(&out), AUDIT_DENIAL_PREFIX "unknown");
}

/* ---- whose ------------------------------------------------------------------ */

static struct audit_record
denied(uint64_t domain, const char *object)
{
	struct audit_record r = {
		.kind = AUDIT_KIND_DENIED,
		.domain = domain,
		.rights = 2,
	};

	(void)snprintf(r.object, sizeof(r.object), "%s", object);
	return r;
}

static struct audit_record
owner(uint64_t domain, uint32_t pid, uint32_t uid)
{
	return (struct audit_record){
		.kind = AUDIT_KIND_ALLOCATED,
		.domain = domain,
		.pid = pid,
		.uid = uid,
	};
}

static int
new_table(void **state)
{
	struct audit_table *t = mem_new(1, sizeof(*t));

	audit_table_watch(t, 59998);
	*state = t;
	return t == NULL;
}

static int
free_table(void **state)
{
	mem_freep(state);
	return 0;
}

static const struct audit_domain *
add(struct audit_table *t, struct audit_record r)
{
	return audit_table_add(t, &r);
}

static void
denials_are_counted_by_their_domain(void **state)
{
	struct audit_table *t = *state;
	struct audit_denials d;

	assert_null(add(t, denied(7, "/a")));
	assert_int_equal(add(t, owner(7, 100, 59998))->pid, 100);
	assert_null(add(t, denied(8, "/b")));
	assert_non_null(add(t, owner(8, 101, 59998)));
	assert_null(add(t, denied(7, "/a")));
	assert_null(add(t, denied(7, "/c")));
	audit_table_take(t, 7, &d);
	assert_int_equal(d.count, 2);
	assert_int_equal(d.at[0].times, 2);
	assert_string_equal(d.at[1].object, "/c");
	audit_table_take(t, 7, &d);
	assert_int_equal(d.count, 0);
	audit_table_take(t, 8, &d);
	assert_int_equal(d.count, 1);
	audit_table_take(t, 0, &d);
	assert_int_equal(d.count, 0);
}

static void
nobody_outside_speaks_for_a_run(void **state)
{
	struct audit_table *t = *state;
	struct audit_denials d;

	add(t, denied(7, "/mine"));
	add(t, owner(7, 100, 59998));
	/* The same process number, another's user, another domain. */
	add(t, denied(9, "/forged"));
	assert_null(add(t, owner(9, 100, 1000)));
	/* Nor does a second word on whose it is count. */
	assert_null(add(t, owner(7, 200, 59998)));
	audit_table_take(t, 7, &d);
	assert_int_equal(d.count, 1);
	assert_string_equal(d.at[0].object, "/mine");
	audit_table_take(t, 9, &d);
	assert_int_equal(d.count, 0);
}

static void
a_flood_of_others_takes_no_room_from_runs(void **state)
{
	struct audit_table *t = *state;
	struct audit_denials d;

	add(t, denied(7, "/mine"));
	add(t, owner(7, 100, 59998));
	for (uint64_t i = 0; i < 10 * AUDIT_DOMAINS_MAX; i++)
		add(t, denied(1000 + i, "/x"));
	audit_table_take(t, 7, &d);
	assert_int_equal(d.count, 1);
}

static void
beyond_the_limit_denials_are_counted_together(void **state)
{
	struct audit_table *t = *state;
	AUTO_BUF struct buf out = BUF_INIT(512);
	struct audit_denials d;
	char name[32];

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "/%u", i);
		add(t, denied(7, name));
	}
	audit_table_take(t, 7, &d);
	assert_int_equal(d.count, AUDIT_DENIALS_MAX);
	assert_int_equal(d.others, 1000 - AUDIT_DENIALS_MAX);
	assert_true(audit_denials_text(&d, d.count, &out));
	assert_string_equal(
	    buf_cstr(&out), AUDIT_DENIAL_PREFIX "994 more denials");
	assert_false(audit_denials_text(&d, d.count + 1, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denial_says_which_right_and_which_path),
		cmocka_unit_test(a_domain_says_whose_it_is_and_how_it_ended),
		cmocka_unit_test(a_hostile_name_is_shown_and_is_no_field),
		cmocka_unit_test(of_a_long_name_the_end_is_kept),
		cmocka_unit_test(what_is_no_such_record_is_refused),
		cmocka_unit_test(a_right_of_a_later_kernel_is_unknown_not_lost),
		cmocka_unit_test_setup_teardown(
		    denials_are_counted_by_their_domain, new_table, free_table),
		cmocka_unit_test_setup_teardown(
		    nobody_outside_speaks_for_a_run, new_table, free_table),
		cmocka_unit_test_setup_teardown(
		    a_flood_of_others_takes_no_room_from_runs, new_table,
		    free_table),
		cmocka_unit_test_setup_teardown(
		    beyond_the_limit_denials_are_counted_together, new_table,
		    free_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
