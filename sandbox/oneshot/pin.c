/*
 * Record what would run, and make a plan that runs only that.
 * Runs in: assent-exec, with the caller's rights.
 * Trusts: the record, which its owner keeps; nothing in the workspace.
 * Owns: nothing; all memory is the caller's arena.
 */
#include "oneshot/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "sys.h"
#include "root/tree.h"

#define PIN_MAGIC "assent-pin-1"
#define PIN_RECORD_MAX (PIN_BYTES_MAX + ((size_t)16 << 20))
#define PIN_HEAD_BYTES 32 /* the magic and its length are in these */
#define NEW_FILES_MAX (PLAN_OPS_MAX / 8)
#define WORD_ENDS " \t\n;|&()<>\"'`$={}"

enum entry_kind {
	ENTRY_INVALID,
	ENTRY_FILE,
	ENTRY_LINK,
	ENTRY_FOLDER,
};

struct entry {
	enum entry_kind kind;
	const char *rel;
	mode_t mode;
	struct str content; /* of a file; of a link, where it leads */
};

struct set {
	struct arena *arena;
	struct entry *at;
	size_t count, cap, bytes;
};

struct pin {
	struct plan *plan;
	struct set files;
};

static int
read_file(
    struct set *s, const struct tree_entry *t, struct str *ret, struct err *e)
{
	AUTO_FD int fd = openat(
	    t->dirfd, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_BUF struct buf b = BUF_INIT(PIN_BYTES_MAX - s->bytes);
	char *copy;
	int r;

	if (fd < 0) {
		*ret = STR(""); /* out of reach for the run, too */
		return ERR_OK;
	}
	r = fdio_read_all(fd, &b, e);
	if (r != 0)
		return err_wrap(e, r,
		    "the files to pin are more than %zu bytes", PIN_BYTES_MAX);
	copy = arena_strndup(s->arena, buf_cstr(&b), b.len);
	if (copy == NULL)
		return err_nomem(e);
	s->bytes += b.len;
	*ret = str_n(copy, b.len);
	return ERR_OK;
}

static int
read_link(
    struct set *s, const struct tree_entry *t, struct str *ret, struct err *e)
{
	char to[PATH_MAX];
	const ssize_t n = readlinkat(t->dirfd, t->name, to, sizeof(to));
	char *copy;

	if (n < 0)
		return err_sys(e, "cannot read the link '%s'", t->rel);
	copy = arena_strndup(s->arena, to, (size_t)n);
	if (copy == NULL)
		return err_nomem(e);
	*ret = str_n(copy, (size_t)n);
	return ERR_OK;
}

/* git changes its own files all the time, and runs none of them: what it
 * would run is protected. */
static int
collect(void *ctx, const struct tree_entry *t, struct err *e)
{
	struct set *s = ctx;
	struct entry n = { .mode = t->st->st_mode & 07777 };
	int r = ERR_OK;

	if (strcmp(t->name, ".git") == 0)
		return 1;
	if (S_ISREG(t->st->st_mode)) {
		n.kind = ENTRY_FILE;
		r = read_file(s, t, &n.content, e);
	} else if (S_ISLNK(t->st->st_mode)) {
		n.kind = ENTRY_LINK;
		r = read_link(s, t, &n.content, e);
	} else if (S_ISDIR(t->st->st_mode)) {
		n.kind = ENTRY_FOLDER;
	} else {
		return ERR_OK;
	}
	n.rel = arena_strdup(s->arena, t->rel);
	if (r == 0 && n.rel == NULL)
		r = err_nomem(e);
	if (r == 0 && s->count == s->cap)
		r = err_set(e, ERR_LIMIT, "more than %d files", PIN_FILES_MAX);
	if (r == 0)
		s->at[s->count++] = n;
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->rel, y->rel);
}

static int
collect_all(const char *workspace, struct set *s, struct err *e)
{
	AUTO_FD int fd = sys_openat2(AT_FDCWD, workspace,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	int r;

	s->cap = PIN_FILES_MAX;
	s->at = arena_array(s->arena, s->cap, sizeof(*s->at));
	if (s->at == NULL)
		return err_nomem(e);
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_DENIED,
		    "the path '%s' leads through a symbolic link", workspace);
	if (fd < 0)
		return err_sys(e, "cannot open the workspace '%s'", workspace);
	r = tree_walk(fd, PIN_FILES_MAX, collect, s, e);
	if (r != 0)
		return err_wrap(e, r, "cannot pin '%s'", workspace);
	qsort(s->at, s->count, sizeof(*s->at), by_name);
	return ERR_OK;
}

static const struct entry *
find(const struct set *s, const char *rel)
{
	const struct entry key = { .rel = rel };

	return bsearch(&key, s->at, s->count, sizeof(*s->at), by_name);
}

/* FILE is where the record goes: who names a script of his there keeps it. */
static int
check_target(const char *path, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char head[PIN_HEAD_BYTES];
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot look at '%s'", path);
	n = S_ISREG(st.st_mode) ? read(fd, head, sizeof(head)) : -1;
	if (n == 0 ||
	    (n > 0 &&
		memmem(head, (size_t)n, PIN_MAGIC, sizeof(PIN_MAGIC) - 1) !=
		    NULL))
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "'%s' is there and is no record: --pin writes the record of the "
	    "whole workspace to FILE; name a new one",
	    path);
}

int
pin_write(const char *path, const struct plan *p, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PIN_RECORD_MAX);
	AUTO_BUF struct buf plan = BUF_INIT(PLAN_BYTES_MAX);
	AUTO_BUF struct buf b = BUF_INIT(PIN_RECORD_MAX);
	struct set s = { .arena = a };
	int r = a == NULL ? err_nomem(e) : check_target(path, e);

	if (r == 0)
		r = collect_all(p->workspace, &s, e);
	if (r != 0)
		return r;
	plan_encode(p, &plan);
	rec_put_cstr(&b, PIN_MAGIC);
	rec_put_str(&b, buf_str(&plan));
	rec_put_u32(&b, (uint32_t)s.count);
	for (size_t i = 0; i < s.count; i++) {
		rec_put_u8(&b, (uint8_t)s.at[i].kind);
		rec_put_cstr(&b, s.at[i].rel);
		rec_put_u32(&b, s.at[i].mode);
		rec_put_str(&b, s.at[i].content);
	}
	r = buf_done(&plan, e);
	if (r == 0)
		r = buf_done(&b, e);
	return r == 0 ? fdio_write_file(path, b.s, b.len, 0600, e) : r;
}

static int
decode(struct pin *pin, struct str bytes, struct arena *a, struct err *e)
{
	struct rec r = rec_of(bytes);
	const char *magic = rec_cstr(&r, a);
	const struct str plan = rec_str(&r);
	struct set *s = &pin->files;

	if (r.failed || magic == NULL || strcmp(magic, PIN_MAGIC) != 0)
		return err_set(e, ERR_INVALID, "it was not made by --pin");
	s->count = rec_count(&r, PIN_FILES_MAX);
	s->at = arena_array(a, s->count + 1, sizeof(*s->at));
	if (s->at == NULL)
		return err_nomem(e);
	for (size_t i = 0; !r.failed && i < s->count; i++) {
		s->at[i].kind = (enum entry_kind)rec_u8(&r);
		s->at[i].rel = rec_cstr(&r, a);
		s->at[i].mode = rec_u32(&r) & 07777;
		s->at[i].content = rec_str(&r);
		r.failed |= s->at[i].rel == NULL;
	}
	if (rec_done(&r, e) != 0)
		return ERR_INVALID;
	return plan_decode(plan, a, &pin->plan, e);
}

/* Somebody else's record is somebody else's command. */
static int
check_owner(int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED, "it is not a regular file");
	if ((st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(
		    e, ERR_DENIED, "others than you could have written it");
	return ERR_OK;
}

int
pin_read(const char *path, struct arena *a, struct pin **ret, struct err *e)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_BUF struct buf b = BUF_INIT(PIN_RECORD_MAX);
	struct pin *pin = arena_alloc(a, sizeof(*pin));
	char *copy;
	int r;

	if (fd < 0)
		return err_sys(e, "cannot open the pin '%s'", path);
	r = check_owner(fd, e);
	if (r == 0)
		r = fdio_read_all(fd, &b, e);
	if (r != 0)
		return err_wrap(e, r, "pin '%s'", path);
	copy = arena_strndup(a, buf_cstr(&b), b.len);
	if (pin == NULL || copy == NULL)
		return err_nomem(e);
	r = decode(pin, str_n(copy, b.len), a, e);
	if (r != 0)
		return err_wrap(e, r, "pin '%s'", path);
	*ret = pin;
	return ERR_OK;
}

struct apply {
	const struct pin *pin;
	struct arena *a;
	struct plan *p;
	const char *const *argv;
	size_t argc;
};

/* A word of the command or of a script in it leads to this path. */
static bool
is_named(const struct apply *y, const char *rel)
{
	char absolute[PATH_MAX];

	(void)snprintf(absolute, sizeof(absolute), "%.2000s/%.2000s",
	    y->p->workspace, rel);
	for (size_t i = 0; i < y->argc; i++) {
		const char *at = y->argv[i];

		while (*at != '\0') {
			const size_t n = strcspn(at, WORD_ENDS);
			struct str word = str_n(at, n);

			while (str_starts(word, STR("./")))
				word = str_from(word, 2);
			if (n > 0 &&
			    (str_eqz(word, rel) || str_eqz(word, absolute)))
				return true;
			at += n;
			at += strspn(at, WORD_ENDS);
		}
	}
	return false;
}

static const char *
full(const struct apply *y, const char *rel)
{
	char path[PATH_MAX];

	(void)snprintf(
	    path, sizeof(path), "%.2000s/%.2000s", y->p->workspace, rel);
	return arena_strdup(y->a, path);
}

static int
hold(struct apply *y, const struct entry *old, struct err *e)
{
	struct plan *p = y->p;
	struct plan_pin *pin;

	if (p->pin_count == PLAN_PINS_MAX)
		return err_set(e, ERR_LIMIT, "too many files have changed");
	pin = &p->pins[p->pin_count++];
	pin->path = full(y, old->rel);
	pin->mode = old->mode & 0777;
	pin->given = true;
	pin->content = old->content;
	if (pin->path == NULL)
		return err_nomem(e);
	return sha256_of(old->content.s, old->content.len, pin->sha256, e);
}

static int
check_old(struct apply *y, const struct entry *old, const struct entry *now,
    struct err *e)
{
	if (now == NULL || now->kind != old->kind ||
	    (old->kind == ENTRY_LINK && !str_eq(now->content, old->content)))
		return err_set(e, ERR_DENIED,
		    "'%s' is no longer what was pinned: look again and pin it "
		    "anew",
		    old->rel);
	if (old->kind != ENTRY_FILE)
		return ERR_OK;
	if (str_eq(now->content, old->content) && now->mode == old->mode &&
	    !is_named(y, old->rel))
		return ERR_OK;
	return hold(y, old, e);
}

static int
check_new(struct apply *y, const struct entry *now, struct err *e)
{
	struct plan *p = y->p;

	/* A folder is hidden with what is in it. */
	if (find(&y->pin->files, now->rel) != NULL || is_named(y, now->rel))
		return ERR_OK;
	if (now->kind == ENTRY_LINK)
		return err_set(e, ERR_DENIED,
		    "the link '%s' is new since the pin: look again and pin "
		    "it anew",
		    now->rel);
	if (now->kind == ENTRY_FOLDER)
		return ERR_OK;
	if (p->op_count == PLAN_OPS_MAX)
		return err_set(
		    e, ERR_LIMIT, "too many files are new since the pin");
	p->ops[p->op_count] = (struct op){
		.kind = OP_MASK,
		.path = full(y, now->rel),
		.flags = OP_OPTIONAL,
	};
	if (p->ops[p->op_count].path == NULL)
		return err_nomem(e);
	if (strncmp(p->ops[p->op_count].path, "/tmp/", 5) == 0)
		p->ops[p->op_count].flags |= OP_EACH_RUN;
	p->op_count++;
	return ERR_OK;
}

static int
copy_plan(struct apply *y, struct err *e)
{
	const struct plan *old = y->pin->plan;
	struct op *ops = arena_array(y->a, PLAN_OPS_MAX, sizeof(*ops));

	y->p = arena_alloc(y->a, sizeof(*y->p));
	if (y->p == NULL || ops == NULL)
		return err_nomem(e);
	*y->p = *old;
	memcpy(ops, old->ops, old->op_count * sizeof(*ops));
	y->p->ops = ops;
	y->p->pins = arena_array(y->a, PLAN_PINS_MAX, sizeof(*y->p->pins));
	y->p->pin_count = 0;
	if (y->argc > 0) {
		y->p->argv =
		    arena_array(y->a, y->argc + 1, sizeof(*y->p->argv));
		y->p->argc = y->argc;
	} else {
		y->argv = old->argv;
		y->argc = old->argc;
	}
	if (y->p->pins == NULL || y->p->argv == NULL)
		return err_nomem(e);
	for (size_t i = 0; y->p->argv != old->argv && i < y->argc; i++)
		y->p->argv[i] = y->argv[i];
	return ERR_OK;
}

int
pin_apply(const struct pin *pin, const char *const *argv, size_t argc,
    struct arena *a, struct plan **ret, struct err *e)
{
	struct apply y = { .pin = pin, .a = a, .argv = argv, .argc = argc };
	struct set now = { .arena = a };
	int r = copy_plan(&y, e);

	if (r == 0)
		r = collect_all(y.p->workspace, &now, e);
	for (size_t i = 0; r == 0 && i < pin->files.count; i++) {
		const struct entry *old = &pin->files.at[i];

		r = check_old(&y, old, find(&now, old->rel), e);
	}
	for (size_t i = 0; r == 0 && i < now.count; i++)
		r = check_new(&y, &now.at[i], e);
	if (r == 0)
		*ret = y.p;
	return r;
}
