/*
 * Know when a template is no longer what the host looks like.
 * Runs in: assent-exec, on the host's side.
 * Trusts: the kernel's notifications on file systems of this machine; on
 * others there are none, so they are refused.
 * Owns: its watches.
 */
#include "start/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys.h"

#define FACTS_ARENA ((size_t)2 << 20)
#define FOLDERS_MAX 512
#define NAMES_MAX 2048
#define EVENT_BYTES 16384
#define READS_MAX 64 /* more have happened: that counts as a change */
#define ROOTS_MAX 40
#define CHANGES                                                                \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |     \
	    IN_DELETE_SELF | IN_MOVE_SELF)

/* Instead of a watch's number. */
#define MISSING (-1)
#define UNREADABLE (-2) /* may be passed through, not watched */

/* Where every change is local and told of. */
static const long file_systems[] = {
	0xef53, /* ext4 */
	0x58465342, /* xfs */
	0x9123683e, /* btrfs */
	0xf2f52010, /* f2fs */
	0x01021994, /* tmpfs */
	0x794c7630, /* overlay */
	0x858458f6, /* ramfs */
	0x62656572, /* sysfs: /sys/devices/system does not change */
	0x1cd1, /* devpts */
};

struct folder {
	const char *path;
	int watch;
};

struct name {
	int watch; /* of the folder that has, or may get it */
	const char *name;
};

struct place {
	const char *path;
	dev_t dev;
	ino_t ino;
};

struct facts {
	struct arena *arena;
	int events; /* inotify */
	int mounts; /* this process's mount table */
	bool changed;
	struct folder folders[FOLDERS_MAX];
	size_t folder_count;
	struct name names[NAMES_MAX];
	size_t name_count;
	/* Reached from the top again before each run: what lies above the
	 * watched folders may have been renamed. */
	struct place places[ROOTS_MAX];
	size_t place_count;
};

static bool
is_told_of(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(file_systems); i++) {
		if ((long)fs.f_type == file_systems[i])
			return true;
	}
	return false;
}

static int
watch(struct facts *f, int fd, uint32_t more, int *ret, struct err *e)
{
	char path[64];

	if (!is_told_of(fd))
		return err_set(e, ERR_NOTFOUND,
		    "changes on this file system cannot be seen");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret = inotify_add_watch(
	    f->events, path, CHANGES | more | IN_ONLYDIR | IN_MASK_ADD);
	if (*ret < 0 && errno == EACCES)
		*ret = UNREADABLE;
	return *ret != MISSING ? ERR_OK : err_sys(e, "cannot watch a folder");
}

static int
add_name(struct facts *f, int watch_number, const char *name, struct err *e)
{
	for (size_t i = 0; i < f->name_count; i++) {
		if (f->names[i].watch == watch_number &&
		    strcmp(f->names[i].name, name) == 0)
			return ERR_OK;
	}
	if (f->name_count == NAMES_MAX)
		return err_set(e, ERR_LIMIT, "too many names to watch");
	f->names[f->name_count].watch = watch_number;
	f->names[f->name_count].name = arena_strdup(f->arena, name);
	return f->names[f->name_count++].name != NULL ? ERR_OK : err_nomem(e);
}

/* The watch of the folder at path, or MISSING, or UNREADABLE. */
static int
watch_folder(
    struct facts *f, const char *path, uint32_t more, int *ret, struct err *e)
{
	AUTO_FD int fd = -1;
	int r;

	for (size_t i = 0; more == 0 && i < f->folder_count; i++) {
		if (strcmp(f->folders[i].path, path) == 0) {
			*ret = f->folders[i].watch;
			return ERR_OK;
		}
	}
	*ret = MISSING;
	fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP &&
	    errno != EACCES)
		return err_sys(e, "cannot open '%s'", path);
	r = fd < 0 ? ERR_OK : watch(f, fd, more, ret, e);
	if (r != 0)
		return err_wrap(e, r, "'%s'", path);
	if (f->folder_count == FOLDERS_MAX)
		return err_set(e, ERR_LIMIT, "too many folders to watch");
	f->folders[f->folder_count].path = arena_strdup(f->arena, path);
	f->folders[f->folder_count].watch = *ret;
	return f->folders[f->folder_count++].path != NULL ? ERR_OK
							  : err_nomem(e);
}

/* What is hidden behind a link changes where nobody watches. */
static int
refuse_link(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return err_set(
		    e, ERR_NOTFOUND, "'%s' is a symbolic link", path);
	return ERR_OK;
}

static int
take_place(struct facts *f, const char *path, struct err *e)
{
	AUTO_FD int fd = -1;
	struct stat st;

	if (f->place_count == ROOTS_MAX)
		return err_set(e, ERR_LIMIT, "too many folders to watch");
	fd = sys_openat2(AT_FDCWD, path, O_PATH,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot open '%s'", path);
	if (!is_told_of(fd))
		return err_set(
		    e, ERR_NOTFOUND, "changes in '%s' cannot be seen", path);
	f->places[f->place_count++] = (struct place){
		.path = arena_strdup(f->arena, path),
		.dev = st.st_dev,
		.ino = st.st_ino,
	};
	return arena_failed(f->arena) == 0 ? ERR_OK : err_nomem(e);
}

/* One name on the way: by notification, or by looking before each run. */
static int
watch_name(
    struct facts *f, const char *path, size_t end, uint32_t more, struct err *e)
{
	char folder[PATH_MAX], name[PATH_MAX];
	const char *slash;
	int number, r;

	(void)snprintf(name, sizeof(name), "%.*s", (int)end, path);
	slash = strrchr(name, '/');
	(void)snprintf(folder, sizeof(folder), "%.*s",
	    slash == name ? 1 : (int)(slash - name), path);
	r = watch_folder(f, folder, more, &number, e);
	if (r != 0)
		return r;
	if (number == MISSING)
		return 1;
	if (number == UNREADABLE)
		return take_place(f, name, e);
	return add_name(f, number, slash + 1, e);
}

/*
 * Every name on the way to path, from the root on: a folder that is renamed
 * takes all below it along. Ends where nothing is.
 */
static int
watch_path(struct facts *f, const char *path, uint32_t more, struct err *e)
{
	int r = strlen(path) < PATH_MAX
	    ? ERR_OK
	    : err_set(e, ERR_LIMIT, "the path '%s' is too long", path);

	for (const char *at = path; r == 0 && *at == '/';) {
		at += 1 + strcspn(at + 1, "/");
		r = watch_name(
		    f, path, (size_t)(at - path), *at == '\0' ? more : 0, e);
	}
	return r < 0 ? r : ERR_OK;
}

static int
take_op(struct facts *f, const struct op *op, struct err *e)
{
	int r = ERR_OK;

	switch (op->kind) {
	case OP_WORKSPACE:
	case OP_ROOTED:
		r = take_place(f, op->path, e);
		break;
	case OP_MASK:
		r = refuse_link(op->path, e);
		break;
	case OP_FILE: /* a copy: its text counts, too */
		return watch_path(f, op->path, IN_MODIFY | IN_CLOSE_WRITE, e);
	case OP_SAME:
	case OP_TOOL:
	case OP_PROTECT:
	case OP_PIN_NAME:
		break;
	case OP_DIR:
	case OP_LINK:
	case OP_DEVICES:
	case OP_PROC:
	case OP_TMP:
	case OP_TMP_DIR:
		return ERR_OK; /* nothing of the host */
	case OP_DENY:
		return err_set(e, ERR_NOTFOUND,
		    "patterns mean names that nobody knows yet");
	case OP_INVALID:
		return err_set(e, ERR_INTERNAL, "unknown operation");
	}
	/* Shown in another place: its names are others. */
	if (op->source != NULL)
		return err_set(
		    e, ERR_NOTFOUND, "'%s' is shown elsewhere", op->path);
	/* What is shown may be a copy of a file. */
	return r != 0
	    ? r
	    : watch_path(f, op->path,
		  (op->flags & OP_CLEAN) != 0 ? IN_MODIFY | IN_CLOSE_WRITE : 0,
		  e);
}

static int
open_sources(struct facts *f, struct err *e)
{
	struct pollfd p;

	f->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->events < 0)
		return err_sys(e, "cannot watch folders");
	f->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (f->mounts < 0)
		return err_sys(e, "cannot watch the mount table");
	/* What happened before does not count. */
	p = (struct pollfd){ .fd = f->mounts, .events = POLLPRI };
	(void)poll(&p, 1, 0);
	return ERR_OK;
}

int
facts_take(const struct plan *p, struct facts **ret, struct err *e)
{
	AUTO(facts_freep) struct facts *f = mem_new(1, sizeof(*f));
	int r;

	if (f == NULL)
		return err_nomem(e);
	f->events = f->mounts = -1;
	f->arena = arena_new(FACTS_ARENA);
	if (f->arena == NULL)
		return err_nomem(e);
	r = open_sources(f, e);
	for (size_t i = 0; r == 0 && i < p->op_count; i++)
		r = take_op(f, &p->ops[i], e);
	if (r == 0)
		*ret = TAKE_PTR(f);
	return r;
}

static bool
is_named(const struct facts *f, const struct inotify_event *ev)
{
	/* A watched folder itself, a full queue, an unmounted disk. */
	if (ev->len == 0)
		return true;
	for (size_t i = 0; i < f->name_count; i++) {
		if (f->names[i].watch == ev->wd &&
		    strcmp(f->names[i].name, ev->name) == 0)
			return true;
	}
	return false;
}

static void
drain(struct facts *f)
{
	_Alignas(8) char bytes[EVENT_BYTES];

	for (unsigned i = 0; i < READS_MAX; i++) {
		const ssize_t n = read(f->events, bytes, sizeof(bytes));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			f->changed |= n == 0 || errno != EAGAIN;
			return;
		}
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev =
			    (const struct inotify_event *)(const void *)(bytes +
				at);

			f->changed |= is_named(f, ev);
			at += (ssize_t)(sizeof(*ev) + ev->len);
		}
	}
	f->changed = true;
}

static bool
place_holds(const struct place *p)
{
	AUTO_FD int fd = sys_openat2(AT_FDCWD, p->path, O_PATH,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == p->dev &&
	    st.st_ino == p->ino;
}

bool
facts_hold(struct facts *f)
{
	struct pollfd p = { .fd = f->mounts, .events = POLLPRI };

	if (!f->changed)
		drain(f);
	f->changed |= poll(&p, 1, 0) != 0;
	for (size_t i = 0; !f->changed && i < f->place_count; i++)
		f->changed |= !place_holds(&f->places[i]);
	return !f->changed;
}

int
facts_fd(const struct facts *f)
{
	return f->events;
}

void
facts_free(struct facts *f)
{
	if (f == NULL)
		return;
	fd_closep(&f->events);
	fd_closep(&f->mounts);
	arena_free(f->arena);
	free(f);
}

void
facts_freep(struct facts **f)
{
	facts_free(*f);
	*f = NULL;
}
