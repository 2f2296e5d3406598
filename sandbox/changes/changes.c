/*
 * Read the layer of an overlay: what a run added, changed and took away.
 * Runs in: assent-exec, on the host's side, when the run has ended.
 * Trusts: nothing in the layer; nothing in the workspace.  Owns: nothing.
 */
#include "changes/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "changes/changes_int.h"
#include "gate/guard.h"
#include "sys.h"
#include "root/tree.h"

#define ENTRIES_MAX ((size_t)1000000)
#define CHUNK ((size_t)64 << 10)
#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

struct scan {
	const struct changes_from *from;
	struct changes *c;
	size_t cap;
	struct guard guard;
	const char *below; /* in the workspace: what is walked there */
	const struct tree_entry *layer_at;
};

const char *
change_kind_name(enum change_kind k)
{
	static const char *const names[] = {
		[CHANGE_INVALID] = "invalid",
		[CHANGE_ADDED] = "added",
		[CHANGE_MODIFIED] = "modified",
		[CHANGE_DELETED] = "deleted",
	};

	return names[(size_t)k < ARRAY_LEN(names) ? k : CHANGE_INVALID];
}

int
changes_open(int folder, const char *rel, int flags)
{
	/* A pipe in the place of a file does not hold us up. */
	if ((flags & O_PATH) == 0)
		flags |= O_NONBLOCK;
	return sys_openat2(
	    folder, rel, (uint64_t)(unsigned)(flags | O_NOFOLLOW), BENEATH);
}

int
changes_open_parent(int folder, const char *rel, const char **ret_name)
{
	const char *slash = strrchr(rel, '/');
	char path[PATH_MAX];

	*ret_name = slash == NULL ? rel : slash + 1;
	if (slash == NULL)
		return openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if ((size_t)(slash - rel) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, rel, (size_t)(slash - rel));
	path[slash - rel] = '\0';
	return sys_openat2(folder, path, O_PATH | O_DIRECTORY, BENEATH);
}

bool
changes_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_mode == b->st_mode &&
	    (S_ISDIR(a->st_mode) ||
		(a->st_size == b->st_size &&
		    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec));
}

static bool
is_later(const struct timespec *t, const struct timespec *began)
{
	return t->tv_sec != began->tv_sec ? t->tv_sec > began->tv_sec
					  : t->tv_nsec >= began->tv_nsec;
}

/* What is in the workspace at rel: false when nothing is. */
static bool
find_base(const struct scan *s, const char *rel, struct stat *ret)
{
	AUTO_FD int fd = changes_open(s->from->workspace, rel, O_PATH);

	return fd >= 0 && fstat(fd, ret) == 0;
}

static int
grow(struct scan *s, struct err *e)
{
	struct change *more;
	size_t cap = s->cap == 0 ? 256 : 2 * s->cap;

	if (s->c->count < s->cap)
		return ERR_OK;
	if (s->c->count >= CHANGES_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d changes", CHANGES_MAX);
	more = arena_array(s->c->arena, cap, sizeof(*more));
	if (more == NULL)
		return err_nomem(e);
	if (s->c->count > 0)
		memcpy(more, s->c->at, s->c->count * sizeof(*more));
	s->c->at = more;
	s->cap = cap;
	return ERR_OK;
}

/* What would change what programs outside obey is never applied. */
static void
judge(const struct scan *s, struct change *n)
{
	const enum guard_act act = n->kind == CHANGE_DELETED ? GUARD_TAKE
	    : S_ISDIR(n->mode)                               ? GUARD_MKDIR
							     : GUARD_WRITE;
	const enum guard_verdict v = guard_check(&s->guard, n->path, act);

	if (n->problem != NULL)
		return;
	if (v == GUARD_DENIED && strncmp(n->path, ".git/", 5) != 0 &&
	    strstr(n->path, "/.git/") == NULL)
		n->problem = "it is protected";
	else if (v != GUARD_OK)
		n->only_with_all = true;
	/* The supervisor judged what the run made of repositories. */
	if (strstr(n->path, ".git/") != NULL)
		n->only_with_all = true;
}

static int
add(struct scan *s, const struct change *n, struct err *e)
{
	struct change *to;
	int r = grow(s, e);

	if (r != 0)
		return r;
	to = &s->c->at[s->c->count];
	*to = *n;
	to->path = arena_strdup(s->c->arena, n->path);
	if (to->path == NULL)
		return err_nomem(e);
	if (to->was_there && is_later(&to->base.st_ctim, &s->from->began))
		to->problem = "it changed in the workspace meanwhile";
	judge(s, to);
	s->c->count++;
	return ERR_OK;
}

static int
add_deleted(
    struct scan *s, const char *rel, const struct stat *st, struct err *e)
{
	return add(s,
	    &(struct change){
		.kind = CHANGE_DELETED,
		.path = rel,
		.old_mode = st->st_mode,
		.old_size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.was_there = true,
		.base = *st,
	    },
	    e);
}

struct gone {
	struct scan *scan;
	const char *prefix;
	int layer; /* what is there stays; -1: all goes */
};

static int
on_gone(void *ctx, const struct tree_entry *t, struct err *e)
{
	struct gone *g = ctx;
	char path[PATH_MAX];
	struct stat st;
	AUTO_FD int kept =
	    g->layer < 0 ? -1 : changes_open(g->layer, t->rel, O_PATH);
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", g->prefix, t->rel) >=
	    (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "a path is too long");
	/* In the layer, too: the walk there tells what became of it. */
	if (kept >= 0 && fstat(kept, &st) == 0)
		return S_ISDIR(t->st->st_mode) && !S_ISDIR(st.st_mode) ? 1 : 0;
	r = add_deleted(g->scan, path, t->st, e);
	return r;
}

/* Everything below a folder of the workspace that is gone. */
static int
add_gone(struct scan *s, const char *rel, int layer, struct err *e)
{
	struct gone g = { .scan = s, .prefix = rel, .layer = layer };
	AUTO_FD int fd =
	    changes_open(s->from->workspace, rel, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return errno == ENOENT
		    ? ERR_OK
		    : err_sys(e, "cannot look at '%s' in the workspace", rel);
	return tree_walk(fd, ENTRIES_MAX, on_gone, &g, e);
}

static int
delete_all(
    struct scan *s, const char *rel, const struct stat *st, struct err *e)
{
	int r = add_deleted(s, rel, st, e);

	return r == 0 && S_ISDIR(st->st_mode) ? add_gone(s, rel, -1, e) : r;
}

/* Content of a file; equal: whether base holds the same bytes. */
static int
read_content(struct scan *s, const char *rel, bool compare,
    uint8_t ret[static SHA256_LEN], bool *ret_equal, struct err *e)
{
	AUTO_FD int fd = changes_open(s->from->layer, rel, O_RDONLY);
	AUTO_FD int old =
	    compare ? changes_open(s->from->workspace, rel, O_RDONLY) : -1;
	AUTO_FREE char *chunk = mem_new(2, CHUNK);
	AUTO(sha256_freep) struct sha256 *h = NULL;
	bool equal = old >= 0;
	ssize_t n = -1;
	int r = chunk == NULL ? err_nomem(e) : sha256_new(&h, e);

	if (r != 0)
		return r;
	while (fd >= 0 && (n = read(fd, chunk, CHUNK)) > 0) {
		r = sha256_add(h, chunk, (size_t)n, e);
		if (r != 0)
			return r;
		equal = equal && read(old, chunk + CHUNK, (size_t)n) == n &&
		    memcmp(chunk, chunk + CHUNK, (size_t)n) == 0;
	}
	if (n < 0)
		return err_sys(
		    e, "cannot read what the run wrote to '%s'", rel);
	*ret_equal = equal && read(old, chunk, 1) == 0;
	return sha256_end(h, ret, e);
}

static const char *
read_target(const struct scan *s, int folder, const char *rel)
{
	AUTO_FD int parent = -1;
	const char *name;
	char to[PATH_MAX];
	ssize_t n;

	parent = changes_open_parent(folder, rel, &name);
	n = parent < 0 ? -1 : readlinkat(parent, name, to, sizeof(to));
	return n < 0 || (size_t)n == sizeof(to)
	    ? NULL
	    : arena_strndup(s->c->arena, to, (size_t)n);
}

static int
on_file(struct scan *s, struct change *n, struct err *e)
{
	bool equal = false;
	int r = read_content(
	    s, n->path, n->kind == CHANGE_MODIFIED, n->sha256, &equal, e);

	if (r != 0)
		return r;
	if (n->kind == CHANGE_MODIFIED && equal &&
	    (n->mode & 07777) == (n->old_mode & 07777))
		return ERR_OK; /* copied up, nothing changed */
	return add(s, n, e);
}

static int
on_link(struct scan *s, struct change *n, struct err *e)
{
	const char *old = n->kind == CHANGE_MODIFIED
	    ? read_target(s, s->from->workspace, n->path)
	    : NULL;

	n->link = read_target(s, s->from->layer, n->path);
	if (n->link == NULL)
		return err_set(
		    e, ERR_SYS, "cannot read the link '%s'", n->path);
	if (old != NULL && strcmp(old, n->link) == 0)
		return ERR_OK;
	return add(s, n, e);
}

static bool
is_opaque(const struct scan *s, const char *rel)
{
	AUTO_FD int fd =
	    changes_open(s->from->layer, rel, O_RDONLY | O_DIRECTORY);
	/* The mark that the mount itself reads: the other one is a run's to
	 * set, and nothing of its workspace would be gone. */
	const char *mark = s->from->plan->who.identity == IDENTITY_SAME
	    ? "user.overlay.opaque"
	    : "trusted.overlay.opaque";
	char value[4];

	/* Cannot tell counts as opaque: then more is shown as gone, and is
	 * gone only if somebody applies it. */
	return fd < 0 || fgetxattr(fd, mark, value, sizeof(value)) > 0;
}

static int
on_folder(struct scan *s, struct change *n, struct err *e)
{
	int r = ERR_OK;

	if (n->kind == CHANGE_ADDED)
		return add(s, n, e);
	if (is_opaque(s, n->path)) {
		AUTO_FD int layer = changes_open(
		    s->from->layer, n->path, O_RDONLY | O_DIRECTORY);

		r = add_gone(s, n->path, layer, e);
	}
	if (r == 0 && (n->mode & 07777) != (n->old_mode & 07777))
		r = add(s, n, e);
	return r;
}

static int
on_entry(void *ctx, const struct tree_entry *t, struct err *e)
{
	struct scan *s = ctx;
	struct change n = {
		.kind = CHANGE_ADDED,
		.path = t->rel,
		.mode = t->st->st_mode,
		.size = S_ISREG(t->st->st_mode) ? (uint64_t)t->st->st_size : 0,
	};
	struct stat base;
	const bool there = find_base(s, t->rel, &base);
	int r = ERR_OK;

	if (S_ISCHR(t->st->st_mode) && t->st->st_rdev == 0)
		return there ? delete_all(s, t->rel, &base, e) : ERR_OK;
	if (there && (base.st_mode & S_IFMT) != (n.mode & S_IFMT)) {
		/* Another kind of thing: the old one goes first. */
		r = delete_all(s, t->rel, &base, e);
	} else if (there) {
		n.kind = CHANGE_MODIFIED;
		n.was_there = true;
		n.base = base;
		n.old_mode = base.st_mode;
		n.old_size = S_ISREG(base.st_mode) ? (uint64_t)base.st_size : 0;
	}
	if (r != 0)
		return r;
	if (S_ISREG(n.mode))
		return on_file(s, &n, e);
	if (S_ISLNK(n.mode))
		return on_link(s, &n, e);
	if (S_ISDIR(n.mode))
		return on_folder(s, &n, e);
	n.problem = "it is neither a file, a folder nor a link";
	return add(s, &n, e);
}

static int
by_path(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	const int order = strcmp(x->path, y->path);

	/* What goes away makes room. */
	return order != 0 ? order : (int)y->kind - (int)x->kind;
}

int
changes_scan(const struct changes_from *from, struct arena *a,
    struct changes **ret, struct err *e)
{
	struct changes *c = arena_alloc(a, sizeof(*c));
	struct scan s = { .from = from, .c = c };
	int r;

	if (c == NULL)
		return err_nomem(e);
	c->arena = a;
	c->layer = from->layer;
	c->workspace = from->workspace;
	c->plan = from->plan;
	s.guard = (struct guard){
		.protect = from->plan->protect,
		.protect_count = from->plan->protect_count,
		.deny = from->plan->deny,
		.deny_count = from->plan->deny_count,
	};
	r = tree_walk(from->layer, ENTRIES_MAX, on_entry, &s, e);
	if (r != 0)
		return err_wrap(e, r, "what the run changed");
	if (c->count > 0)
		qsort(c->at, c->count, sizeof(*c->at), by_path);
	*ret = c;
	return ERR_OK;
}
