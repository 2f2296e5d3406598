/*
 * Look at the files that an action would execute or edit.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the engine's list of names; nothing in the files.
 * Owns: nothing.
 */
#include "launcher/look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "launcher/run_by.h"
#include "root/code.h"
#include "sandbox/plan.h"
#include "sys.h"

#define LOOK_ARENA ((size_t)4 << 20)
#define LOOK_CHUNK ((size_t)64 << 10)

struct look {
	struct arena *arena;
	uint64_t bytes_left; /* all files together: others wait meanwhile */
};

static void
refuse(struct operand *o, const char *why)
{
	o->state = OPERAND_UNREADABLE;
	o->why = why;
}

/* The name that the open file has, links followed. */
static int
real_path(const struct look *l, int fd, struct operand *o, struct err *e)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	if (n <= 0 || (size_t)n >= sizeof(path))
		return err_sys(e, "cannot find out the name of '%s'", o->named);
	o->path = arena_strndup(l->arena, path, (size_t)n);
	return o->path == NULL ? err_nomem(e) : ERR_OK;
}

/* As much as there is, up to a chunk; less than 0: it cannot be read. */
static ssize_t
read_chunk(int fd, char *chunk)
{
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < LOOK_CHUNK) {
		n = read(fd, chunk + have, LOOK_CHUNK - have);
		if (n > 0)
			have += (size_t)n;
	}
	return n < 0 ? n : (ssize_t)have;
}

/* False when the file grew beyond what is left, or cannot be read. by_another
 * is said of the bytes that are hashed: a second read may find others. */
static bool
hash(struct look *l, int fd, struct sha256 *h, uint8_t ret[static SHA256_LEN],
    bool *by_another)
{
	AUTO_FREE char *chunk = mem_new(1, LOOK_CHUNK);
	bool first = true;
	ssize_t n = -1;

	while (chunk != NULL && (n = read_chunk(fd, chunk)) > 0) {
		if (first)
			*by_another = run_by_another(str_n(chunk, (size_t)n));
		first = false;
		if ((uint64_t)n > l->bytes_left ||
		    sha256_add(h, chunk, (size_t)n, NULL) != 0)
			return false;
		l->bytes_left -= (uint64_t)n;
	}
	return chunk != NULL && n == 0 && sha256_end(h, ret, NULL) == 0;
}

static int
look_file(struct look *l, int fd, struct operand *o, struct err *e)
{
	AUTO(sha256_freep) struct sha256 *h = NULL;
	bool by_another = false;
	struct stat st;
	int r = real_path(l, fd, o, e);

	if (r != 0)
		return r;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		o->state = OPERAND_OTHER;
		return ERR_OK;
	}
	r = sha256_new(&h, e);
	if (r != 0)
		return r;
	if (!hash(l, fd, h, o->sha256, &by_another))
		refuse(o, "it is too large to be held on to");
	else if (!o->edited && by_another)
		refuse(o,
		    "the interpreter in its first line, or what that is told "
		    "to run, or its loader is no program of the system, and "
		    "is not held on to: name it in the command");
	else
		o->state = OPERAND_FILE;
	return ERR_OK;
}

/* A folder with more than can be looked at is not held on to, and the
 * question says so. */
static int
look_tree(struct operand *o, struct err *e)
{
	AUTO_FD int fd = sys_openat2(AT_FDCWD, o->named, O_RDONLY | O_DIRECTORY,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	char newest[PATH_MAX];
	int r;

	o->path = o->named;
	o->why = NULL;
	o->state = OPERAND_OTHER;
	if (fd < 0) {
		refuse(o, "it cannot be read, so nobody can vouch for it");
		return ERR_OK;
	}
	r = code_below(fd, o->sha256, newest, e);
	if (r == 0)
		o->state = OPERAND_TREE;
	return r == ERR_LIMIT ? ERR_OK : r;
}

static int
look_one(struct look *l, struct operand *o, struct err *e)
{
	/* Never waits: a pipe or a device is no file to hold on to. */
	AUTO_FD int fd = o->named[0] == '/'
	    ? open(o->named, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
	    : -1;

	o->path = o->named;
	o->why = NULL;
	if (fd >= 0)
		return look_file(l, fd, o, e);
	if ((errno == ENOENT || errno == ENOTDIR) &&
	    strpbrk(o->named, "*?[") != NULL)
		refuse(o,
		    "it is a pattern, and other names may match it later: "
		    "name the files");
	else if (errno == ENOENT || errno == ENOTDIR)
		o->state = OPERAND_ABSENT;
	else if (errno == ENXIO)
		o->state = OPERAND_OTHER;
	else
		refuse(o, "it cannot be read, so nobody can vouch for it");
	return ERR_OK;
}

int
look_at(struct operand *list, size_t count, struct arena *a, struct err *e)
{
	struct look l = { .arena = a, .bytes_left = PLAN_PIN_BYTES_MAX };
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = list[i].tree ? look_tree(&list[i], e)
				 : look_one(&l, &list[i], e);
	return r;
}

int
look_answer(struct str request, struct buf *ret, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(LOOK_ARENA);
	struct rec r = rec_of(request);
	const uint64_t number = rec_u64(&r);
	struct operand *list = NULL;
	size_t count = 0;
	int code;

	if (a == NULL)
		return err_nomem(e);
	operands_decode(&r, a, &list, &count);
	code = rec_done(&r, e);
	if (code == 0)
		code = look_at(list, count, a, e);
	if (code != 0)
		return code;
	rec_put_u64(ret, number);
	operands_encode(list, count, ret);
	return buf_done(ret, e);
}
