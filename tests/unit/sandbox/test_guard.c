/*
 * Names that a run may not make, write, replace or take away.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "gate/guard.h"
#include "sandbox/profile.h"

struct name_case {
	const char *rel;
	enum guard_verdict write, mkdir, place, take;
};

#define NO GUARD_DENIED
#define OK GUARD_OK
#define GITDIR GUARD_IF_NO_GITDIR
#define HOOK GUARD_IF_NO_HOOK
#define CONF GUARD_IF_CONFIG
#define HEAD GUARD_IF_HEAD
#define WORKTREE GUARD_IF_WORKTREE

static const struct name_case cases[] = {
	/* Ordinary work. */
	{ "src/main.c", OK, OK, OK, OK },
	{ "a", OK, OK, OK, OK },
	{ "node_modules/x/.vscode/settings.json", OK, OK, OK, OK },
	{ ".gitignore", OK, OK, OK, OK },
	{ ".github/workflows/ci.yml", OK, OK, OK, OK },
	{ "envrc", OK, OK, OK, OK },
	/* Obeyed by programs outside, at the top. */
	{ ".vscode", NO, NO, NO, NO },
	{ ".vscode/tasks.json", NO, NO, NO, NO },
	{ ".VSCode/tasks.json", NO, NO, NO, NO },
	{ ".mcp.json", NO, NO, NO, NO },
	{ ".codex/config.toml", NO, NO, NO, NO },
	{ ".assent/rules/x.yaml", NO, NO, NO, NO },
	{ ".envrc", NO, NO, NO, NO },
	{ "deep/below/.envrc", NO, NO, NO, NO },
	/* A folder on the way to a protected file: not swapped as a whole. */
	{ ".github", OK, OK, NO, NO },
	{ ".github/copilot-instructions.md", NO, NO, NO, NO },
	/* A repository begins as an empty folder of that very name. */
	{ ".git", NO, OK, NO, NO },
	{ ".GIT", NO, NO, NO, NO },
	{ "sub/.git", WORKTREE, OK, NO, NO },
	{ ".git/index", OK, OK, OK, OK },
	{ ".git/COMMIT_EDITMSG", OK, OK, OK, OK },
	{ ".git/refs/heads/config", OK, OK, OK, OK },
	{ ".git/refs/heads/hooks/x", OK, OK, OK, OK },
	{ ".git/objects/ab/cdef", OK, OK, OK, OK },
	/* No repository hides where names are free. */
	{ ".git/refs/remotes/origin/HEAD", OK, OK, OK, OK },
	{ ".git/logs/HEAD", OK, OK, OK, OK },
	{ ".git/refs/x/objects", NO, NO, NO, NO },
	{ ".git/refs/heads/objects/x", OK, OK, OK, OK },
	{ ".git/logs/x/commondir", NO, NO, NO, NO },
	{ ".git/objects/x/HEAD", NO, NO, NO, NO },
	{ ".git/objects/x/config", NO, NO, NO, NO },
	{ ".git/lfs/x/hooks", NO, NO, NO, NO },
	{ ".git/lfs/objects/ab/cdef", OK, OK, OK, OK },
	{ ".git/rr-cache/x/commondir", NO, NO, NO, NO },
	{ ".git/objects/x/.git", NO, NO, NO, NO },
	{ ".git/objects/x/.git/index", NO, NO, NO, NO },
	{ ".git/refs/x/.GIT/config", NO, NO, NO, NO },
	{ ".git/modules/x/.git/index", NO, NO, NO, NO },
	{ ".git/config", NO, NO, CONF, NO },
	{ ".git/config.lock", OK, OK, OK, OK },
	{ ".git/config.worktree", NO, NO, NO, NO },
	{ ".git/commondir", NO, NO, NO, NO },
	{ ".git/hooks", NO, OK, NO, NO },
	{ ".git/hooks/pre-commit", NO, NO, NO, NO },
	{ ".git/hooks/pre-commit.sample", OK, OK, OK, OK },
	{ ".git/HEAD", HEAD, HEAD, HEAD, OK },
	{ "a/b/.git/hooks/post-checkout", NO, NO, NO, NO },
	{ "a/b/.git/config", NO, NO, CONF, NO },
	{ ".git/modules/x/config", NO, NO, CONF, NO },
	{ ".git/modules/x/hooks/pre-push", NO, NO, NO, NO },
	{ ".git/worktrees/w/commondir", WORKTREE, NO, NO, NO },
	{ "a/proj.code-workspace", NO, NO, NO, NO },
	{ "a/.hg", OK, OK, NO, OK },
	{ "a/.hg/dirstate", OK, OK, OK, OK },
	{ "a/.hg/hgrc", NO, NO, NO, NO },
	{ "a/.hg/sharedpath", NO, NO, NO, NO },
	{ ".jj/repo", OK, OK, NO, OK },
	{ ".jj/repo/config.toml", NO, NO, NO, NO },
	/* Bare repositories have no telling name: the gate looks. */
	{ "x/config", GITDIR, GITDIR, CONF, GITDIR },
	{ "x/commondir", GITDIR, GITDIR, GITDIR, OK },
	{ "x/hooks", GITDIR, OK, GITDIR, OK },
	{ "x/hooks/update", HOOK, HOOK, HOOK, HOOK },
	{ "x/HEAD", HEAD, HEAD, HEAD, OK },
	{ "HEAD", HEAD, HEAD, HEAD, OK },
	{ "config", GITDIR, GITDIR, CONF, GITDIR },
};

static struct guard
guard_of_profile(void)
{
	struct guard g = { .protect = profile_protected };

	while (profile_protected[g.protect_count] != NULL)
		g.protect_count++;
	return g;
}

static void
names_are_judged_as_the_table_says(void **state)
{
	const struct guard g = guard_of_profile();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct name_case *c = &cases[i];
		const enum guard_verdict want[] = { c->write, c->mkdir,
			c->place, c->take };

		for (size_t act = 0; act < ARRAY_LEN(want); act++) {
			const enum guard_verdict got =
			    guard_check(&g, c->rel, (enum guard_act)act);

			if (got != want[act])
				fail_msg("'%s' act %zu: %d, not %d", c->rel,
				    act, (int)got, (int)want[act]);
		}
	}
}

static void
a_hook_is_not_made_to_run_and_other_modes_are_free(void **state)
{
	static const char *const denied[] = { ".git/hooks/pre-commit",
		"a/.git/hooks/update", ".envrc", ".vscode/tasks.json" };
	static const char *const free_to_change[] = { ".git", ".git/config",
		".git/HEAD", ".git/config.lock", "a/.git/objects/ab/cd",
		"x/HEAD", "x/config", "src/a.sh", ".github",
		".git/hooks/x.sample" };
	const struct guard g = guard_of_profile();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(denied); i++)
		assert_int_equal(
		    guard_check(&g, denied[i], GUARD_CHANGE), GUARD_DENIED);
	for (size_t i = 0; i < ARRAY_LEN(free_to_change); i++)
		assert_int_equal(
		    guard_check(&g, free_to_change[i], GUARD_CHANGE), GUARD_OK);
	assert_int_equal(
	    guard_check(&g, "x/hooks/update", GUARD_CHANGE), GUARD_IF_NO_HOOK);
}

static const struct {
	const char *from, *to;
	bool may;
} moves[] = {
	{ "a", "b/c", true },
	{ "a/git", "a/x", true },
	{ ".git/objects/incoming-1", ".git/objects/ab", true },
	{ ".git/refs/heads/a", ".git/refs/heads/b", true },
	{ ".git/rebase-apply", ".git/rebase-old", true },
	{ "a/.git/modules/x", "a/.git/modules/y", true },
	{ ".git/objects/x", "x", false },
	{ ".git/objects", "x", false },
	{ ".git/refs", ".git/x", false },
	{ ".git/worktrees/w", "a/b/w", false },
	{ ".git/modules/m", ".git/objects/m", false },
	{ "x", ".git/modules/x", false },
	{ "x", ".git/refs/x", false },
	{ "a/.git/objects/x", "b/.git/objects/x", false },
	{ "a/.git/objects/x", ".git/objects/x", false },
	{ ".GIT/objects/x", "x", false },
};

static void
a_folder_of_a_repository_stays_where_it_was_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		if (guard_folder_may_go(moves[i].from, moves[i].to) !=
		    moves[i].may)
			fail_msg("'%s' to '%s'", moves[i].from, moves[i].to);
	}
}

static void
links_among_a_repositorys_files_are_those_of_branches(void **state)
{
	static const char *const may[] = { "a", "a/b", "a.git/x",
		".git/refs/heads/a", "a/.git/objects/x", ".git/refs" };
	static const char *const may_not[] = { ".git/x", ".git/worktrees",
		".git/worktrees/x", ".git/modules/m", "a/.git/worktrees/x",
		".GIT/worktrees/x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(may); i++)
		assert_true(guard_link_may_be(may[i]));
	for (size_t i = 0; i < ARRAY_LEN(may_not); i++)
		assert_false(guard_link_may_be(may_not[i]));
}

static void
a_path_of_too_many_parts_is_denied(void **state)
{
	const struct guard g = guard_of_profile();
	char path[1024];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(path); i += 2) {
		path[i] = 'a';
		path[i + 1] = '/';
	}
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(guard_check(&g, path, GUARD_WRITE), GUARD_DENIED);
	assert_int_equal(guard_check(&g, "", GUARD_WRITE), GUARD_DENIED);
}

static const char *const harmless[] = {
	"",
	"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n"
	"\tbare = false\n\tlogallrefupdates = true\n",
	"[core]\n\tbare = true\n[remote \"origin\"]\n\turl = ../x.git\n"
	"\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
	"[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n",
	"# a comment\n; another\n[user]\n\tname = A B\n\temail = a@b\n",
	"[submodule \"lib\"]\n\turl = https://git.example/lib\n\tactive = "
	"true\n",
};

static const char *const harmful[] = {
	"[core]\n\tfsmonitor = evil\n",
	"[core]\n\thooksPath = hk\n",
	"[CORE]\n\tFSMonitor = evil\n",
	"[core]\n\tsshCommand = evil\n",
	"[core]\n\tworktree = /\n",
	"[core]\n\tpager = evil\n",
	"[core]\n\teditor = evil\n",
	"[alias]\n\tst = !evil\n",
	"[include]\n\tpath = ../evil\n",
	"[includeIf \"gitdir:.\"]\n\tpath = ../evil\n",
	"[filter \"x\"]\n\tclean = evil\n",
	"[diff \"x\"]\n\ttextconv = evil\n",
	"[credential]\n\thelper = !evil\n",
	"[gpg]\n\tprogram = evil\n",
	"[remote \"o\"]\n\turl = ext::sh -c evil\n",
	"[remote \"o\"]\n\turl = --upload-pack=evil\n",
	"[remote \"o\"]\n\tuploadpack = evil\n",
	"[submodule \"x\"]\n\tupdate = !evil\n",
	"[extensions]\n\tworktreeConfig = true\n",
	"[protocol \"ext\"]\n\tallow = always\n",
	"[core] fsmonitor = evil\n",
	"[core]\n\tbare = false \\\n\tfsmonitor = evil\n",
	"[user \"x\\\"]\n[core\"]\n\tname = y\n",
	"name = before any section\n",
	"[core\n",
	"[core]\n\tbare\n\tfsmonitor = x\n",
	"[core]\r\n\tfsmonitor = x\r\n",
	"[core.fsmonitor]\n\tbare = x\n",
};

static void
a_configuration_that_runs_nothing_is_harmless(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		if (!guard_config_harmless(str_of(harmless[i])))
			fail_msg("refused: %s", harmless[i]);
	}
}

static void
a_configuration_that_could_run_something_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harmful); i++) {
		if (guard_config_harmless(str_of(harmful[i])))
			fail_msg("accepted: %s", harmful[i]);
	}
	assert_false(guard_config_harmless(str_n("[core]\0\nbare=0", 15)));
}

/* Each as "kind path", in the order of the text. */
static void
note(void *ctx, enum guard_follow what, struct str path)
{
	static const char kinds[] = { 'c', 'p', 'x', 'w' };
	struct buf *b = ctx;

	buf_printf(b, "%c %.*s\n", kinds[what], STR_ARG(path));
}

static void
what_a_configuration_has_git_obey_is_found(void **state)
{
	static const char text[] =
	    "[core]\n\thooksPath = hk # here\n\tbare = a/b\n"
	    "\tfsmonitor = \"./tools/fs\" --x lib/y\n"
	    "[include] path = ../.gitconfig\n"
	    "[includeIf \"gitdir:x]\"]\n\tpath = a\\\n/b\n"
	    "[Filter \"a\"]\n\tClean = sh -c 'tools/c.sh %f'\n"
	    "[alias]\n\tx = !./scripts/x.sh\n"
	    "[remote \"o\"]\n\turl = a/b.git\n";
	AUTO_BUF struct buf b = BUF_INIT(4096);

	(void)state;
	guard_config_follow(str_n(text, sizeof(text) - 1), note, &b);
	assert_string_equal(buf_cstr(&b),
	    "p hk\nx ./tools/fs\nw lib/y\nc ../.gitconfig\nc a/b\n"
	    "w tools/c.sh\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_judged_as_the_table_says),
		cmocka_unit_test(
		    a_hook_is_not_made_to_run_and_other_modes_are_free),
		cmocka_unit_test(
		    a_folder_of_a_repository_stays_where_it_was_judged),
		cmocka_unit_test(
		    links_among_a_repositorys_files_are_those_of_branches),
		cmocka_unit_test(a_path_of_too_many_parts_is_denied),
		cmocka_unit_test(what_a_configuration_has_git_obey_is_found),
		cmocka_unit_test(a_configuration_that_runs_nothing_is_harmless),
		cmocka_unit_test(
		    a_configuration_that_could_run_something_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
