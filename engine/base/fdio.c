/*
 * Whole reads and writes, opening that cannot be led astray, sealed memory.
 * Runs in: every program.  Trusts: nothing about what is on disk.  Owns:
 * nothing; descriptors are the caller's.
 */
#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "str.h"
#include "text.h"

#define READ_CHUNK ((size_t)16384)
#define PATH_LEN_MAX 4096
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
#define TEMP_TRIES 8

/* At most one chunk; at the limit one byte more tells the end from too long.
 * 1: go on, 0: the end, negative: error. */
static int
read_chunk(int fd, struct buf *out, struct err *e)
{
	const size_t room = out->max - out->len;
	const size_t want = room < READ_CHUNK ? room : READ_CHUNK;
	char over;
	char *to = room == 0 ? &over : buf_reserve(out, want);
	ssize_t n;

	if (to == NULL)
		return buf_done(out, e);
	n = read(fd, to, room == 0 ? 1 : want);
	if (n < 0 && errno == EINTR)
		return 1;
	if (n < 0)
		return err_sys(e, "cannot read descriptor %d", fd);
	if (n > 0 && room == 0)
		return err_set(e, ERR_LIMIT, "longer than %zu bytes", out->max);
	if (n > 0)
		buf_advance(out, (size_t)n);
	return n > 0;
}

int
fdio_read_all(int fd, struct buf *out, struct err *e)
{
	int r;

	do {
		r = read_chunk(fd, out, e);
	} while (r > 0);
	return r != 0 ? r : buf_done(out, e);
}

int
fdio_read_file(const char *path, struct buf *out, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	AUTO_FD int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    e, ERR_INVALID, "'%s' is not a regular file", path);
	r = fdio_read_all(fd, out, e);
	if (r != 0)
		return err_wrap(e, r, "cannot read '%s'", path);
	return ERR_OK;
}

int
fdio_write_all(int fd, const void *bytes, size_t len, struct err *e)
{
	const char *from = bytes;

	while (len > 0) {
		const ssize_t n = write(fd, from, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot write %zu bytes", len);
		from += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

int
fdio_open_beneath(
    int dirfd, const char *path, int flags, int *ret, struct err *e)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	*ret = (int)fd;
	return ERR_OK;
}

/* ---- replacing a file -------------------------------------------------- */

/* Opens the folder of path; gives the name within it. */
static int
open_parent(
    const char *path, int *ret_dir, const char **ret_name, struct err *e)
{
	const size_t slash = str_rfind(str_of(path), '/');
	char dir[PATH_LEN_MAX] = ".";
	int fd;

	*ret_name = path;
	if (path[slash] == '/') {
		const size_t len = slash == 0 ? 1 : slash;

		if (len >= sizeof(dir))
			return err_set(e, ERR_LIMIT, "path is too long");
		memcpy(dir, path, len);
		dir[len] = '\0';
		*ret_name = path + slash + 1;
	}
	if (**ret_name == '\0')
		return err_set(e, ERR_INVALID, "'%s' names no file", path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open folder '%s'", dir);
	*ret_dir = fd;
	return ERR_OK;
}

static int
create_temp(int dir, struct buf *name, int *ret, struct err *e)
{
	for (int n = 0; n < TEMP_TRIES; n++) {
		unsigned char random[8];
		int fd;

		if (getrandom(random, sizeof(random), 0) !=
		    (ssize_t)sizeof(random))
			return err_sys(e, "cannot get random bytes");
		buf_reset(name);
		buf_puts(name, ".assent-");
		text_hex(name, random, sizeof(random));
		if (buf_done(name, e) != 0)
			return ERR_NOMEM;
		fd = openat(dir, buf_cstr(name),
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			*ret = fd;
			return ERR_OK;
		}
		if (errno != EEXIST)
			break;
	}
	return err_sys(e, "cannot create a temporary file");
}

static int
fill_temp(int fd, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	const int r = fdio_write_all(fd, bytes, len, e);

	if (r != 0)
		return r;
	if (fchmod(fd, mode) != 0)
		return err_sys(e, "cannot set the mode");
	if (fsync(fd) != 0)
		return err_sys(e, "cannot sync");
	return ERR_OK;
}

int
fdio_write_file(
    const char *path, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	AUTO_BUF struct buf temp = BUF_INIT(64);
	AUTO_FD int dir = -1;
	AUTO_FD int fd = -1;
	const char *name;
	int r;

	r = open_parent(path, &dir, &name, e);
	if (r == 0)
		r = create_temp(dir, &temp, &fd, e);
	if (r != 0)
		return err_wrap(e, r, "cannot write '%s'", path);
	r = fill_temp(fd, bytes, len, mode, e);
	if (r == 0 && renameat(dir, buf_cstr(&temp), dir, name) != 0)
		r = err_sys(e, "cannot rename");
	if (r != 0) {
		(void)unlinkat(dir, buf_cstr(&temp), 0);
		return err_wrap(e, r, "cannot write '%s'", path);
	}
	if (fsync(dir) != 0)
		return err_sys(e, "cannot sync the folder of '%s'", path);
	return ERR_OK;
}

/* ---- folders ----------------------------------------------------------- */

/* A folder on the way: nobody else may exchange what is in it. */
static int
check_parent(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		return err_set(e, ERR_DENIED,
		    "'%s' may be written by everybody; choose another folder "
		    "or run chmod o-w on it",
		    path);
	return ERR_OK;
}

static int
check_own(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if (st.st_uid != geteuid())
		return err_set(e, ERR_DENIED,
		    "'%s' belongs to user %u, not to user %u", path,
		    (unsigned)st.st_uid, (unsigned)geteuid());
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' may be written by others; run chmod go-w on it",
		    path);
	return ERR_OK;
}

static bool
only_slashes(struct str s)
{
	while (s.len > 0 && s.s[0] == '/')
		s = str_from(s, 1);
	return s.len == 0;
}

/* Creates path unless it is there, and opens it. A symbolic link is followed
 * on the way (/var/run) but not at the end. */
static int
make_one(const char *path, mode_t mode, bool last, int *ret, struct err *e)
{
	const bool made = mkdir(path, mode) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return err_sys(e, "cannot create folder '%s'", path);
	fd = open(
	    path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (last ? O_NOFOLLOW : 0));
	if (fd < 0)
		return err_sys(e, "cannot open folder '%s'", path);
	*ret = fd;
	/* Exactly what was asked for, whatever the umask is. */
	if (made && fchmod(fd, mode) != 0)
		return err_sys(e, "cannot set the mode of '%s'", path);
	return ERR_OK;
}

int
fdio_make_dir(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_LEN_MAX];
	const struct str whole = str_of(path);
	size_t at = 0;

	if (whole.len == 0 || whole.len >= sizeof(part))
		return err_set(e, ERR_INVALID, "'%s' is not a path", path);
	while (at < whole.len) {
		AUTO_FD int fd = -1;
		bool last;
		int r;

		at += 1 + str_find(str_from(whole, at + 1), '/');
		last = only_slashes(str_from(whole, at));
		memcpy(part, path, at);
		part[at] = '\0';
		r = make_one(part, mode, last, &fd, e);
		if (r == 0)
			r = last ? check_own(fd, part, e)
				 : check_parent(fd, part, e);
		if (r != 0 || last)
			return r;
	}
	return ERR_OK;
}

/* ---- sealed memory ----------------------------------------------------- */

int
fdio_sealed(
    const char *name, const void *bytes, size_t len, int *ret, struct err *e)
{
	AUTO_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return err_sys(e, "cannot create a memfd");
	r = fdio_write_all(fd, bytes, len, e);
	if (r != 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) != 0)
		return err_sys(e, "cannot seal a memfd");
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

int
fdio_is_sealed(int fd, struct err *e)
{
	const int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return err_sys(e, "descriptor is not a memfd");
	if ((seals & SEALS) != SEALS)
		return err_set(e, ERR_INVALID, "memfd is not sealed");
	return ERR_OK;
}

int
fdio_nonblock(int fd, struct err *e)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return err_sys(e, "cannot make descriptor %d non-blocking", fd);
	return ERR_OK;
}
