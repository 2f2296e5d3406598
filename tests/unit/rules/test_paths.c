/*
 * What kind of place a path is: lists, globs, folding, links.
 * Runs in: tests.  Trusts: nothing.  Owns: a folder of its own.
 */
#include "fx_world.h"

#include <sys/stat.h>

#include "paths.h"
#include "programs_int.h"

static struct fx_world world;
static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(FX_ARENA);
	return arena == NULL ? -1 : fx_open(&world);
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(arena);
	fx_close(&world);
	return 0;
}

static struct path_facts
facts(const char *path, bool glob)
{
	const struct path_place at = {
		.cwd = FX_WORKSPACE, .workspace = FX_WORKSPACE, .home = FX_HOME
	};
	struct path_facts f;

	assert_int_equal(paths_judge(programs_paths(world.programs), &at,
			     str_of(path), glob, arena, &f),
	    0);
	return f;
}

static enum path_class
reading(const char *path)
{
	const struct path_facts f = facts(path, true);

	return paths_class(&f, false);
}

static enum path_class
writing(const char *path)
{
	const struct path_facts f = facts(path, true);

	return paths_class(&f, true);
}

static void
relative_paths_are_meant_from_the_directory(void **state)
{
	(void)state;
	assert_string_equal(
	    facts("a/../b//./c", false).abs, FX_WORKSPACE "/b/c");
	assert_string_equal(facts("../../../../x", false).abs, "/x");
	assert_string_equal(facts("~/x", false).abs, FX_HOME "/x");
	assert_string_equal(facts("//etc//passwd", false).abs, "/etc/passwd");
	assert_int_equal(reading("../x"), PATH_HOME);
	assert_int_equal(reading("/home/dev/proj-evil/x"), PATH_HOME);
	assert_int_equal(reading("/tmp/x"), PATH_TEMP);
	assert_int_equal(reading("/usr/include/stdio.h"), PATH_SYSTEM);
	assert_int_equal(reading("/data/x"), PATH_OUTSIDE);
}

static void
nothing_is_known_of_a_relative_path_without_a_directory(void **state)
{
	const struct path_place at = { .workspace = FX_WORKSPACE };
	struct path_facts f;

	(void)state;
	assert_int_equal(paths_judge(programs_paths(world.programs), &at,
			     STR("src/a.c"), false, arena, &f),
	    0);
	assert_int_equal(paths_class(&f, true), PATH_UNKNOWN);
}

static void
credentials_are_secret_wherever_they_are(void **state)
{
	static const char *const paths[] = { "~/.ssh/id_rsa", "~/.ssh",
		"/root/.ssh/id_rsa", "/home/dev2/.aws/credentials", ".env",
		"web/.env.production", "/etc/shadow", "/proc/self/environ",
		"/proc/1/root/etc/shadow", "certs/server.key", "x/id_ed25519",
		"secrets/a.txt", "../.netrc", ".ENV" };
	static const char *const fine[] = { ".env.example", "id_rsa.pub",
		"tests/fixtures/a.pem", "src/secrets.ts", "environment.ts",
		"monkey.c", "/etc/ssl/certs/ca.pem", "/proc/cpuinfo" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(reading(paths[i]), PATH_SECRET);
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		assert_int_not_equal(reading(fine[i]), PATH_SECRET);
}

static void
globs_count_where_they_are_aimed(void **state)
{
	static const char *const aimed[] = { "~/.s*h/id_*", "~/.ss?/x",
		"~/.[s]sh/*", "/home/*/.ssh/id_rsa", ".e*v", ".env*", "*.pem",
		"/etc/sh?dow", "/etc/shad*", "~/.aws/*", "id_*" };
	static const char *const wide[] = { "*", "*.c", "*.json", "src/*",
		"*.csv", "[a-z]*", "lib*", "**/*.ts", "/usr/lib/libssl*",
		"data?.txt", "*.tar.gz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(aimed); i++)
		assert_int_equal(reading(aimed[i]), PATH_SECRET);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		assert_int_not_equal(reading(wide[i]), PATH_SECRET);
}

static void
what_others_start_or_obey_is_protected(void **state)
{
	static const char *const paths[] = { ".git/hooks/pre-commit",
		".git/config", "sub/.git/config", ".envrc",
		".github/workflows/ci.yml", ".vscode/tasks.json", "~/.bashrc",
		"~/.config/autostart/x.desktop", ".husky/pre-push", ".npmrc",
		".GIT/hooks/x", ".Git/Config", ".claude/settings.json",
		".assent/rules/a.yaml", "~/.config/assent/rules/x.yaml" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(writing(paths[i]), PATH_PROTECTED);
	assert_int_equal(writing(".gitignore"), PATH_WORKSPACE);
	assert_int_equal(writing("src/git/config"), PATH_WORKSPACE);
	assert_true(facts("~/.bashrc", false).startup);
	assert_true(facts(".assent/rules/a.yaml", false).own);
	assert_true(facts("/run/user/1000/assent/agent.sock", false).own);
	assert_false(facts(".envrc", false).startup);
}

static void
only_what_can_be_made_again_is_generated(void **state)
{
	static const char *const again[] = { "build", "build/x/y.c", "dist",
		"node_modules", "src/a.o", "*.o", "build/*", "x.log",
		"tests/__pycache__", "**/*.pyc" };
	static const char *const work[] = { "src", "*", "bu*", "src/build.c",
		"builder/x", "*.c", "[b]uild", "/tmp/build", "../build",
		"core.c" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(again); i++)
		assert_true(facts(again[i], true).generated);
	for (size_t i = 0; i < ARRAY_LEN(work); i++)
		assert_false(facts(work[i], true).generated);
}

static void
roots_are_places_whose_loss_is_a_catastrophe(void **state)
{
	static const char *const roots[] = { "/", "/*", "/etc", "/usr", "~",
		"~/", "~/*", "/home", "/root", ".", "*", "/tmp", "/tmp/*",
		"~/.*", "../proj" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		assert_true(facts(roots[i], true).root);
	assert_false(facts("src", true).root);
	assert_false(facts("~/x", true).root);
	assert_false(facts("*.o", true).root);
}

static void
devices_are_no_files(void **state)
{
	(void)state;
	assert_true(facts("/dev/null", false).sink);
	assert_true(facts("/dev/stdout", false).sink);
	assert_true(facts("/dev/sda", false).device);
	assert_true(facts("/dev/pts/1", false).device);
	assert_int_equal(reading("/dev/sda"), PATH_SECRET);
}

static void
too_long_and_nul_are_unknown(void **state)
{
	char *text = mem_new(PATH_BYTES_MAX + 100, 1);
	const struct path_place at = { .cwd = "/", .workspace = "/w" };
	struct path_facts f;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', PATH_BYTES_MAX + 50);
	assert_int_equal(paths_judge(programs_paths(world.programs), &at,
			     str_of(text), false, arena, &f),
	    0);
	assert_int_equal(f.base, PATH_UNKNOWN);
	free(text);
	assert_int_equal(paths_judge(programs_paths(world.programs), &at,
			     STR("a\0b"), false, arena, &f),
	    0);
	assert_int_equal(f.base, PATH_UNKNOWN);
}

static void
hard_globs_end_and_are_taken_to_meet(void **state)
{
	(void)state;
	assert_true(path_globs_meet(
	    STR("*a*a*a*a*a*a*a*a*a*b"), STR("*a*a*a*a*a*a*a*a*a*a*c*")));
	assert_true(path_globs_meet(STR("[a-c]x"), STR("b?")));
	assert_false(path_globs_meet(STR("[a-c]x"), STR("d?")));
	assert_false(path_globs_meet(STR("abc"), STR("abd")));
	assert_false(path_globs_meet(STR("*"), STR(".ssh")));
}

static void
make_link(const char *target, const char *dir, const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(symlink(target, path), 0);
}

static void
links_are_followed_to_where_they_lead(void **state)
{
	char dir[] = "/tmp/assent_paths_XXXXXX";
	char path[400];
	AUTO_BUF struct buf b = BUF_INIT(PATH_BYTES_MAX);
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_link("/etc", dir, "out");
	make_link("out/shadow", dir, "again");
	make_link("loop", dir, "loop");
	(void)snprintf(path, sizeof(path), "%s/again", dir);
	assert_int_equal(path_follow(path, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "/etc/shadow");
	buf_reset(&b);
	(void)snprintf(path, sizeof(path), "%s/none/../out/x", dir);
	assert_int_equal(path_follow(path, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "/etc/x");
	buf_reset(&b);
	(void)snprintf(path, sizeof(path), "%s/loop", dir);
	assert_int_equal(path_follow(path, &b, &e), ERR_LIMIT);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "out", "again", "loop" };

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relative_paths_are_meant_from_the_directory),
		cmocka_unit_test(
		    nothing_is_known_of_a_relative_path_without_a_directory),
		cmocka_unit_test(credentials_are_secret_wherever_they_are),
		cmocka_unit_test(globs_count_where_they_are_aimed),
		cmocka_unit_test(what_others_start_or_obey_is_protected),
		cmocka_unit_test(only_what_can_be_made_again_is_generated),
		cmocka_unit_test(roots_are_places_whose_loss_is_a_catastrophe),
		cmocka_unit_test(devices_are_no_files),
		cmocka_unit_test(too_long_and_nul_are_unknown),
		cmocka_unit_test(hard_globs_end_and_are_taken_to_meet),
		cmocka_unit_test(links_are_followed_to_where_they_lead),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
