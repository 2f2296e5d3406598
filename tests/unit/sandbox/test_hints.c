/*
 * Beside a denial stands what would have permitted it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "start/hints.h"
#include "sandbox/plan.h"

static const char *protect[] = { ".envrc", ".vscode", "ci" };
static const char *deny[] = { "*.pem" };

static struct plan
a_plan(void)
{
	return (struct plan){
		.profile = "build",
		.workspace = "/srv/proj",
		.home = "/home/dev",
		.write = true,
		.protect = protect,
		.protect_count = ARRAY_LEN(protect),
		.deny = deny,
		.deny_count = ARRAY_LEN(deny),
	};
}

static void
expect(const struct plan *p, const char *violation, const char *words)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);

	hint_of(violation, p, &out);
	if (words == NULL) {
		assert_int_equal(out.len, 0);
		return;
	}
	if (strstr(buf_cstr(&out), words) == NULL)
		fail_msg("%s: %s", violation, buf_cstr(&out));
}

static void
the_key_that_forbade_it_is_named(void **state)
{
	struct plan p = a_plan();

	(void)state;
	expect(
	    &p, "read deploy/prod.pem", "'deny: *.pem' of the profile 'build'");
	expect(&p, "rename to x.PEM", "'deny: *.pem'");
	expect(
	    &p, "write ci/build.yml", "'protect: ci' of the profile 'build'");
	expect(&p, "create .vscode/tasks.json", "no profile opens them");
	expect(&p, "create .git/hooks/post-commit", "no profile opens them");
	expect(&p, "create ci2", "no profile opens them");
	p.write = false;
	expect(&p, "create made", "nothing in the workspace can be written");
}

static void
the_key_that_would_permit_it_is_named(void **state)
{
	struct plan p = a_plan();

	(void)state;
	expect(&p, "system call chmod: a set-id bit", "under any profile");
	expect(&p, "system call unshare: new namespaces", "no namespaces");
	expect(&p, "system call mount", "no profile permits such");
	expect(&p, "limit: bytes of one file: 7", "'limits: {file: ...}'");
	expect(&p, "write outside the workspace: /proc/7/mem",
	    "no profile opens the kernel's own files");
	expect(&p, "the kernel (Landlock): scope.signal sh",
	    "signals reach processes of the run alone");
	expect(&p, "the kernel (Landlock): fs.make_dir,fs.refer /srv/data/x",
	    "'write: [\"/srv/data\"]'");
	expect(&p, "write outside the workspace: /srv/data/x",
	    "'write: [\"/srv/data\"]'");
	expect(&p, "connect to 1.2.3.4 port 443: offline", "'network'");
	expect(&p, "limit: new files in the workspace", "files");
	expect(&p, "system call mount", "no profile");
	expect(&p, "system call number 300", "no profile");
	p.strict = true;
	expect(&p, "system call number 300", "strict");
	expect(&p, "note: Landlock is not there", NULL);
}

static void
no_hint_opens_the_home_or_everything(void **state)
{
	const struct plan p = a_plan();
	AUTO_BUF struct buf out = BUF_INIT(4096);

	(void)state;
	hint_of("write outside the workspace: /home/dev/x", &p, &out);
	hint_of("write outside the workspace: /x", &p, &out);
	assert_null(strstr(buf_cstr(&out), "write: ["));
}

static void
each_hint_comes_once_and_no_more_than_fit(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(65536);
	const struct plan p = a_plan();
	struct ctl end = { .type = CTL_ENDED };

	(void)state;
	end.violations[end.violation_count++] = "create .envrc";
	end.violations[end.violation_count++] = "create .vscode";
	end.violations[end.violation_count++] = "note: nothing";
	hints_add(&end, &p, a);
	assert_int_equal(end.violation_count, 4);
	assert_int_equal(
	    strncmp(end.violations[3], HINT_PREFIX, strlen(HINT_PREFIX)), 0);
	while (end.violation_count < CTL_VIOLATIONS_MAX)
		end.violations[end.violation_count++] = "system call mount";
	hints_add(&end, &p, a);
	assert_int_equal(end.violation_count, CTL_VIOLATIONS_MAX);
}

static struct op ops[] = {
	{ .kind = OP_SAME, .path = "/usr" },
	{ .kind = OP_TOOL, .path = "/home/dev/.local/bin" },
	{ .kind = OP_MASK, .path = "/etc/shadow" },
};

static const char *
told(struct ctl *end, struct arena *a, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script };
	struct plan p = a_plan();

	p.argv = argv;
	p.argc = ARRAY_LEN(argv);
	p.ops = ops;
	p.op_count = ARRAY_LEN(ops);
	p.cwd = "/home/dev/proj";
	p.workspace = "/home/dev/proj";
	*end = (struct ctl){ .type = CTL_ENDED, .code = 1 << 8 };
	hints_add_command(end, &p, a);
	return end->violation_count == 0 ? "" : end->violations[0];
}

/* By its words alone: whether there is such a file is not looked at. */
static void
what_a_command_names_and_cannot_see_is_told(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(65536);
	struct ctl end;

	(void)state;
	assert_non_null(
	    strstr(told(&end, a, "cat ~/notes"), "to it: ~/notes ("));
	assert_non_null(strstr(told(&end, a, "cat '$HOME/x'"), "$HOME/x"));
	assert_non_null(strstr(told(&end, a, "cp a ../b"), "../b"));
	assert_non_null(strstr(told(&end, a, "x</etc/shadow"), "/etc/shadow"));
	assert_string_equal(told(&end, a, "cat ~/proj/x ../proj/x"), "");
	assert_string_equal(told(&end, a, "~/.local/bin/tool /usr/x /tmp"), "");
	assert_string_equal(told(&end, a, "echo sudo; cat /dev/null"), "");
	assert_non_null(strstr(told(&end, a, "a && /usr/bin/sudo b"), "sudo"));
	assert_non_null(strstr(told(&end, a, "su -c id"), "here: su ("));
	assert_string_equal(told(&end, a, ""), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_command_names_and_cannot_see_is_told),
		cmocka_unit_test(the_key_that_forbade_it_is_named),
		cmocka_unit_test(the_key_that_would_permit_it_is_named),
		cmocka_unit_test(no_hint_opens_the_home_or_everything),
		cmocka_unit_test(each_hint_comes_once_and_no_more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
