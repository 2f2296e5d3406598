/*
 * Judge names in a workspace.
 * Runs in: assent-exec (the first process of a run).  Trusts: nothing.
 * Owns: nothing.
 */
#include "gate/guard.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "glob.h"

#define PARTS_MAX 256
#define HOOK_SAMPLE ".sample"

struct parts {
	struct str at[PARTS_MAX];
	size_t count;
};

static bool
split(const char *rel, struct parts *ret)
{
	struct str rest = str_of(rel);

	ret->count = 0;
	while (rest.len > 0) {
		if (ret->count == PARTS_MAX)
			return false;
		ret->at[ret->count++] = str_cut(&rest, '/');
	}
	return ret->count > 0;
}

static bool
is(struct str part, const char *name)
{
	return str_eqz(part, name);
}

/* Some file systems fold case, and git reads .GIT there. */
static bool
is_git(struct str part)
{
	return part.len == 4 && strncasecmp(part.s, ".git", 4) == 0;
}

/* The protected path itself, what is in it, or a folder that leads to it. */
static bool
is_at(const char *protected, const char *rel, enum guard_act act)
{
	const size_t n = strlen(rel), len = strlen(protected);

	if (strncasecmp(rel, protected, len) == 0 &&
	    (rel[len] == '\0' || rel[len] == '/'))
		return true;
	return (act == GUARD_PLACE || act == GUARD_TAKE) && n < len &&
	    strncasecmp(rel, protected, n) == 0 && protected[n] == '/';
}

static bool
is_protected(const struct guard *g, const char *rel, enum guard_act act)
{
	for (size_t i = 0; i < g->protect_count; i++) {
		if (is_at(g->protect[i], rel, act))
			return true;
	}
	for (size_t i = 0; i < g->also_count; i++) {
		if (is_at(g->also[i], rel, act))
			return true;
	}
	return false;
}

/* A folder that a pattern names is not renamed either: what is in it would
 * have another name then. */
static bool
is_denied(const struct guard *g, const char *rel, enum guard_act act)
{
	const enum glob_answer a = glob_match_any(g->deny, g->deny_count, rel);

	return a == GLOB_MATCH ||
	    (a == GLOB_LEADS && (act == GUARD_PLACE || act == GUARD_TAKE));
}

static bool
is_pointer(struct str name)
{
	return is(name, "config.worktree") || is(name, "commondir") ||
	    is(name, "gitdir");
}

/* p->at[from..] is "worktrees/NAME/" and one of git's pointers. */
static bool
is_worktree_pointer(const struct parts *p, size_t from)
{
	return p->count == from + 3 && is(p->at[from], "worktrees") &&
	    (is(p->at[from + 2], "commondir") || is(p->at[from + 2], "gitdir"));
}

bool
guard_hook_harmless(const char *name)
{
	return str_ends(str_of(name), STR(HOOK_SAMPLE));
}

/* Below these names are not git's to choose: branches, objects, their logs. */
static bool
is_git_data(struct str part)
{
	return is(part, "refs") || is(part, "logs") || is(part, "objects") ||
	    is(part, "rr-cache") || is(part, "lfs");
}

/*
 * p->at[from] is such a folder. A repository hidden below one would be used
 * as soon as a link leads to it: what every repository needs has no place
 * there. Branches may be called HEAD, config and hooks/x, so of theirs it is
 * the folder of objects.
 */
static enum guard_verdict
check_data(const struct parts *p, size_t from)
{
	const struct str last = p->at[p->count - 1];
	const bool branches =
	    is(p->at[from], "refs") || is(p->at[from], "logs");

	for (size_t i = from + 1; i < p->count; i++) {
		if (is_git(p->at[i]))
			return GUARD_DENIED;
	}
	if (from + 1 == p->count)
		return GUARD_OK;
	if (is_pointer(last))
		return GUARD_DENIED;
	if (branches)
		return is(last, "objects") ? GUARD_DENIED : GUARD_OK;
	return is(last, "HEAD") || is(last, "config") || is(last, "hooks")
	    ? GUARD_DENIED
	    : GUARD_OK;
}

/* p->at[from..] is a path inside a .git folder, at least one part. */
static enum guard_verdict
check_inside(const struct parts *p, size_t from, enum guard_act act)
{
	const struct str last = p->at[p->count - 1];

	if (is_git_data(p->at[from]))
		return act == GUARD_CHANGE ? GUARD_OK : check_data(p, from);
	for (size_t i = from; i < p->count; i++) {
		const bool final = i + 1 == p->count;

		if (is_git(p->at[i]))
			return GUARD_DENIED;
		if (!is(p->at[i], "hooks"))
			continue;
		if (final)
			return act == GUARD_MKDIR || act == GUARD_CHANGE
			    ? GUARD_OK
			    : GUARD_DENIED;
		return str_ends(last, STR(HOOK_SAMPLE)) ? GUARD_OK
							: GUARD_DENIED;
	}
	/* git tries by its configuration whether modes are kept. */
	if (act == GUARD_CHANGE)
		return GUARD_OK;
	if (is_pointer(last))
		return act == GUARD_WRITE && is_worktree_pointer(p, from)
		    ? GUARD_IF_WORKTREE
		    : GUARD_DENIED;
	if (is(last, "config"))
		return act == GUARD_PLACE ? GUARD_IF_CONFIG : GUARD_DENIED;
	if (is(last, "HEAD") && act != GUARD_TAKE)
		return GUARD_IF_HEAD;
	return GUARD_OK;
}

/*
 * Settings of Mercurial and Jujutsu, which have hooks in them. Their folders
 * begin as new ones, so that what comes into them is judged there.
 */
static bool
is_foreign_setting(const struct parts *p, enum guard_act act)
{
	const struct str last = p->at[p->count - 1];

	for (size_t i = 0; i < p->count; i++) {
		if (!is(p->at[i], ".hg") && !is(p->at[i], ".jj"))
			continue;
		if (i + 1 == p->count || is(last, "repo"))
			return act == GUARD_PLACE;
		return is(last, "hgrc") || is(last, "hgrc-not-shared") ||
		    is(last, "sharedpath") || is(last, "config.toml");
	}
	return false;
}

static enum guard_verdict
check_plain(const struct parts *p, enum guard_act act)
{
	const struct str last = p->at[p->count - 1];

	if (is(last, ".envrc") || str_ends(last, STR(".code-workspace")) ||
	    is_foreign_setting(p, act))
		return GUARD_DENIED;
	if (p->count > 1 && is(p->at[p->count - 2], "hooks") &&
	    !str_ends(last, STR(HOOK_SAMPLE)))
		return GUARD_IF_NO_HOOK;
	if (act == GUARD_CHANGE)
		return GUARD_OK;
	if (act == GUARD_TAKE)
		return is(last, "config") ? GUARD_IF_NO_GITDIR : GUARD_OK;
	if (is(last, "HEAD"))
		return GUARD_IF_HEAD;
	if (is(last, "config") && act == GUARD_PLACE)
		return GUARD_IF_CONFIG;
	if (is(last, "config") || is_pointer(last))
		return GUARD_IF_NO_GITDIR;
	if (is(last, "hooks"))
		return act == GUARD_MKDIR ? GUARD_OK : GUARD_IF_NO_GITDIR;
	return GUARD_OK;
}

/* The last part is ".git": a repository begins as a new, empty folder, or as a
 * file that leads to one that is there. */
static enum guard_verdict
check_git(const struct parts *p, enum guard_act act)
{
	if (act == GUARD_CHANGE)
		return GUARD_OK;
	if (!is(p->at[p->count - 1], ".git"))
		return GUARD_DENIED;
	if (act == GUARD_MKDIR)
		return GUARD_OK;
	return act == GUARD_WRITE && p->count > 1 ? GUARD_IF_WORKTREE
						  : GUARD_DENIED;
}

enum guard_verdict
guard_check(const struct guard *g, const char *rel, enum guard_act act)
{
	struct parts p;

	if (!split(rel, &p) || is_denied(g, rel, act))
		return GUARD_DENIED;
	if (act == GUARD_READ)
		return GUARD_OK;
	if (is_protected(g, rel, act))
		return GUARD_DENIED;
	for (size_t i = 0; i < p.count; i++) {
		if (!is_git(p.at[i]))
			continue;
		if (i + 1 == p.count)
			return check_git(&p, act);
		return check_inside(&p, i + 1, act);
	}
	return check_plain(&p, act);
}

/* Where a folder is: 0 in no repository's own, else the length of the path to
 * its ".git"; *ret_data: below where names are free. */
static size_t
repository_of(const char *rel, bool *ret_data)
{
	size_t at = 0;

	*ret_data = false;
	for (;;) {
		const size_t n = strcspn(rel + at, "/");
		const struct str next = str_n(rel + at + n + 1,
		    rel[at + n] == '\0' ? 0 : strcspn(rel + at + n + 1, "/"));

		if (rel[at + n] == '\0')
			return 0;
		if (is_git(str_n(rel + at, n))) {
			*ret_data = is_git_data(next);
			return at + n;
		}
		at += n + 1;
	}
}

bool
guard_folder_may_go(const char *from, const char *to)
{
	bool from_data, to_data;
	const size_t a = repository_of(from, &from_data);
	const size_t b = repository_of(to, &to_data);

	return a == b && from_data == to_data && strncmp(from, to, a) == 0;
}

bool
guard_link_may_be(const char *rel)
{
	bool data;

	return repository_of(rel, &data) == 0 || data;
}
