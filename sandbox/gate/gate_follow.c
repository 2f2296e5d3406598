/*
 * Find out, before the first name of a run is judged, where protected names
 * lead: links into the workspace, and what its repository's configuration has
 * git run. Those are protected for this run, too.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: nothing.  Owns: nothing beyond the call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "gate/gate_int.h"

#define CONFIG_BYTES_MAX 65536
#define CONFIGS_MAX 16
#define ENTRIES_MAX 256 /* of a protected folder that is looked through */

struct learning {
	struct gate *g;
	int top; /* the workspace */
	const char *folder; /* of the file that is read, in the workspace */
	char configs[CONFIGS_MAX][PATH_MAX];
	size_t config_count;
};

static void
add(struct gate *g, const char *rel)
{
	if (rel[0] == '\0' || g->also_count == GATE_ALSO_MAX)
		return;
	for (size_t i = 0; i < g->also_count; i++) {
		if (strcmp(g->also[i], rel) == 0)
			return;
	}
	g->also[g->also_count] = mem_strndup(rel, strlen(rel));
	if (g->also[g->also_count] == NULL)
		return;
	g->also_count++;
	g->guard.also = (const char *const *)g->also;
	g->guard.also_count = g->also_count;
}

/* folder/path without "." and ".."; false when that leads out. */
static bool
normal(const char *folder, struct str path, char rel[static PATH_MAX])
{
	struct str parts[2] = { str_of(folder), path };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		while (parts[i].len > 0) {
			const struct str part = str_cut(&parts[i], '/');

			if (str_eqz(part, "..") && n == 0)
				return false;
			if (str_eqz(part, "..")) {
				const size_t slash =
				    str_rfind(str_n(rel, n), '/');

				n = slash == n ? 0 : slash;
			} else if (part.len > 0 && !str_eqz(part, ".")) {
				if (n + part.len + 2 > PATH_MAX)
					return false;
				if (n > 0)
					rel[n++] = '/';
				memcpy(rel + n, part.s, part.len);
				n += part.len;
			}
		}
	}
	rel[n] = '\0';
	return n > 0;
}

/* In the workspace, or NULL. */
static bool
relative(const struct learning *l, struct str path, char rel[static PATH_MAX])
{
	const struct gate_root *top = &l->g->roots[0];

	if (str_at(path, 0) != '/')
		return normal(l->folder, path, rel);
	return path.len > top->len &&
	    strncmp(path.s, top->path, top->len) == 0 &&
	    path.s[top->len] == '/' &&
	    normal("", str_from(path, top->len), rel);
}

static bool
counts(enum guard_follow what, const struct gate_place *p)
{
	switch (what) {
	case GUARD_FOLLOW_WORD:
		return p->exists && S_ISREG(p->st.st_mode);
	case GUARD_FOLLOW_PROGRAM:
		return !p->exists || !S_ISDIR(p->st.st_mode);
	case GUARD_FOLLOW_CONFIG:
	case GUARD_FOLLOW_PATH:
		break;
	}
	return true;
}

/* By the name that is written, and by the one that it leads to. */
static void
learn_path(void *ctx, enum guard_follow what, struct str path)
{
	struct learning *l = ctx;
	struct gate_place p = GATE_PLACE_INIT;
	char rel[PATH_MAX];

	if (!relative(l, path, rel))
		return;
	if (gate_resolve_from(l->g, l->top, rel, true, &p) == 0 &&
	    p.root == &l->g->roots[0] && counts(what, &p)) {
		add(l->g, rel);
		add(l->g, p.rel);
		if (what == GUARD_FOLLOW_CONFIG &&
		    l->config_count < CONFIGS_MAX)
			(void)snprintf(l->configs[l->config_count++], PATH_MAX,
			    "%s", p.rel);
	} else if (p.parent < 0 && what != GUARD_FOLLOW_WORD) {
		add(l->g, rel); /* its folder is to be made yet */
	}
	gate_place_done(&p);
}

/* Included files are found relative to the including one, programs and hooks
 * from the top of the workspace. */
static void
learn_path_of_git(void *ctx, enum guard_follow what, struct str path)
{
	struct learning *l = ctx;
	const char *folder = l->folder;

	l->g->obeys = true;
	if (what != GUARD_FOLLOW_CONFIG)
		l->folder = "";
	learn_path(l, what, path);
	l->folder = folder;
}

static void
read_config(struct learning *l, const char *rel)
{
	AUTO_FD int fd =
	    openat(l->top, rel, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = mem_new(1, CONFIG_BYTES_MAX);
	char folder[PATH_MAX];
	size_t have = 0;
	ssize_t n;

	if (fd < 0 || text == NULL)
		return;
	while ((n = read(fd, text + have, CONFIG_BYTES_MAX - have)) > 0)
		have += (size_t)n;
	(void)snprintf(folder, sizeof(folder), "%s", rel);
	folder[str_rfind(str_of(folder), '/') % sizeof(folder)] = '\0';
	l->folder = strchr(rel, '/') == NULL ? "" : folder;
	guard_config_follow(str_n(text, have), learn_path_of_git, l);
	l->folder = "";
}

static void
learn_link(struct learning *l, const char *folder, const char *name)
{
	AUTO_BUF struct buf b = BUF_INIT(PATH_MAX);

	buf_printf(&b, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", name);
	l->folder = "";
	if (buf_done(&b, NULL) == 0)
		learn_path(l, GUARD_FOLLOW_PATH, buf_str(&b));
}

/* Hooks and settings are often links to files that the project keeps. */
static void
learn_entries(struct learning *l, const char *folder)
{
	AUTO_FD int fd = openat(l->top, folder,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_Alignas(8) char buf[8192];
	unsigned seen = 0;
	ssize_t n;

	while (fd >= 0 && seen < ENTRIES_MAX &&
	    (n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; seen++) {
			const struct dirent64 *d =
			    (const struct dirent64 *)(const void *)(buf + at);

			if (d->d_type == DT_LNK)
				learn_link(l, folder, d->d_name);
			at += d->d_reclen;
		}
	}
}

/* What is found from the top of the workspace is found from the top of its
 * repository's worktrees, too: the names of also from first on. */
static void
learn_worktree(struct learning *l, const char *path, size_t first)
{
	const struct gate_root *top = &l->g->roots[0];
	const size_t count = l->g->also_count;
	char rel[PATH_MAX];
	int n;

	if (strncmp(path, top->path, top->len) != 0 || path[top->len] != '/' ||
	    !str_ends(str_of(path), STR("/.git")))
		return;
	path += top->len + 1;
	for (size_t i = first; i < count; i++) {
		n = snprintf(rel, sizeof(rel), "%.*s%s",
		    (int)(strlen(path) - strlen(".git")), path, l->g->also[i]);
		if (n > 0 && (size_t)n < sizeof(rel))
			add(l->g, rel);
	}
}

static void
learn_worktrees(struct learning *l, size_t first)
{
	AUTO_FD int list = openat(l->top, ".git/worktrees",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_Alignas(8) char buf[8192];
	char path[PATH_MAX];
	ssize_t n;

	while (list >= 0 && l->g->also_count > first &&
	    (n = getdents64(list, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d =
			    (const struct dirent64 *)(const void *)(buf + at);

			if (d->d_name[0] != '.' &&
			    gate_worktree_path(list, d->d_name, path))
				learn_worktree(l, path, first);
			at += d->d_reclen;
		}
	}
}

static void
learn_name(struct learning *l, const char *name)
{
	struct stat st;

	if (fstatat(l->top, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (S_ISLNK(st.st_mode))
		learn_link(l, "", name);
	else if (S_ISDIR(st.st_mode))
		learn_entries(l, name);
}

void
gate_learn(struct gate *g)
{
	AUTO_FREE struct learning *l = NULL;
	size_t first;

	if (g->learned)
		return;
	g->learned = true;
	if (g->root_count == 0 || !g->roots[0].guarded)
		return;
	l = mem_new(1, sizeof(*l));
	if (l == NULL)
		return;
	l->g = g;
	l->top = open(g->roots[0].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->top < 0)
		return;
	for (size_t i = 0; i < g->guard.protect_count; i++)
		learn_name(l, g->guard.protect[i]);
	learn_name(l, ".git/hooks");
	first = g->also_count;
	(void)snprintf(l->configs[l->config_count++], PATH_MAX, ".git/config");
	(void)snprintf(
	    l->configs[l->config_count++], PATH_MAX, ".git/config.worktree");
	for (size_t i = 0; i < l->config_count; i++)
		read_config(l, l->configs[i]);
	learn_worktrees(l, first);
	for (size_t i = 0; i < g->also_count; i++)
		learn_entries(l, g->also[i]);
	(void)close(l->top);
}
