/*
 * Give a group rights on a workspace, and take them back exactly.
 * Runs in: assent setup, as root.
 * Trusts: nothing that lies in the workspace: its owner may be at work in it.
 * Owns: the attribute trusted.assent.acl.
 */
#include "setup/acl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "setup/acl_text.h"
#include "base/buf.h"
#include "base/mem.h"
#include "sys.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
#define SAVED "trusted.assent.acl"
#define SAVED_BYTES_MAX ((size_t)2 * ACL_BYTES_MAX + 64)
#define FD_PATH_MAX 40
#define DEPTH_MAX 256

struct walk {
	const struct acl_workspace *w;
	size_t count;
	int (*each)(
	    struct walk *k, int fd, const struct stat *st, struct err *e);
};

/* Attributes of a descriptor that was opened for its path alone. */
static void
path_of(int fd, char ret[static FD_PATH_MAX])
{
	(void)snprintf(ret, FD_PATH_MAX, "/proc/self/fd/%d", fd);
}

/* The bytes of an ACL; 0: there is none. */
static ssize_t
read_bytes(int fd, const char *name, uint8_t ret[static ACL_BYTES_MAX])
{
	char path[FD_PATH_MAX];
	ssize_t n;

	path_of(fd, path);
	n = getxattr(path, name, ret, ACL_BYTES_MAX);
	return n < 0 && errno == ENODATA ? 0 : n;
}

static int
write_acl(int fd, const char *name, const struct acl *a, struct err *e)
{
	uint8_t bytes[ACL_BYTES_MAX];
	const size_t len = acl_encode(a, bytes);
	char path[FD_PATH_MAX];

	path_of(fd, path);
	return setxattr(path, name, bytes, len, 0) == 0
	    ? ERR_OK
	    : err_sys(e, "this file system has no ACLs for us");
}

static int
drop(int fd, const char *name, struct err *e)
{
	char path[FD_PATH_MAX];

	path_of(fd, path);
	return removexattr(path, name) == 0 || errno == ENODATA
	    ? ERR_OK
	    : err_sys(e, "cannot take an attribute away");
}

static int
set_group_bits(int fd, const struct stat *st, mode_t bits, struct err *e)
{
	char path[FD_PATH_MAX];

	path_of(fd, path);
	return fchmodat(AT_FDCWD, path, (st->st_mode & 07707) | (bits & 7) << 3,
		   0) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot set a mode");
}

static bool
has_saved(int fd)
{
	char path[FD_PATH_MAX];

	path_of(fd, path);
	return getxattr(path, SAVED, NULL, 0) >= 0;
}

/* ---- giving ---------------------------------------------------------------- */

static int
save(int fd, const struct stat *st, struct str access, struct str dflt,
    struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(SAVED_BYTES_MAX);
	char path[FD_PATH_MAX];
	int r;

	rec_put_u16(&b, 1);
	rec_put_u32(&b, st->st_mode & 07777);
	rec_put_str(&b, access);
	rec_put_str(&b, dflt);
	r = buf_done(&b, e);
	if (r != 0)
		return r;
	path_of(fd, path);
	return setxattr(path, SAVED, b.s, b.len, XATTR_CREATE) == 0
	    ? ERR_OK
	    : err_sys(e,
		  "this file system keeps no attributes of root's; elevated "
		  "runs cannot be given rights on it");
}

static int
grant_one(struct walk *k, int fd, const struct stat *st, struct err *e)
{
	const bool folder = S_ISDIR(st->st_mode);
	const uint16_t runs = folder || (st->st_mode & S_IXUSR) != 0 ? 1 : 0;
	const uint16_t may =
	    (uint16_t)(4U | ((st->st_mode & S_IWUSR) != 0 ? 2U : 0U) | runs);
	uint8_t bytes[ACL_BYTES_MAX], dflt[ACL_BYTES_MAX];
	struct acl a, d;
	ssize_t n, m = 0;
	int r;

	if (has_saved(fd))
		return ERR_OK;
	k->count++;
	if (k->w->dry)
		return ERR_OK;
	n = read_bytes(fd, ACCESS, bytes);
	if (n >= 0 && folder)
		m = read_bytes(fd, DEFAULT, dflt);
	if (n < 0 || m < 0)
		return err_sys(e, "this file system has no ACLs");
	if (n == 0)
		acl_of_mode(st->st_mode, &a);
	if (m == 0)
		acl_of_mode(st->st_mode, &d);
	if ((n > 0 && !acl_decode(bytes, (size_t)n, &a)) ||
	    (m > 0 && !acl_decode(dflt, (size_t)m, &d)) ||
	    !acl_add(&a, ACL_GROUP, k->w->group, may) ||
	    !acl_add(&d, ACL_GROUP, k->w->group, 7) ||
	    !acl_add(&d, ACL_USER, k->w->owner, 7))
		return err_set(
		    e, ERR_LIMIT, "its ACL cannot be read or added to");
	/* What was is kept first: a cut in the middle takes nothing away. */
	r = save(fd, st, str_n((const char *)bytes, (size_t)n),
	    str_n((const char *)dflt, (size_t)m), e);
	if (r == 0)
		r = write_acl(fd, ACCESS, &a, e);
	if (r == 0 && folder)
		r = write_acl(fd, DEFAULT, &d, e);
	return r;
}

/* ---- taking back ------------------------------------------------------------- */

/* As it was, but for what its owner has changed of his own bits. */
static int
put_back(int fd, const struct stat *st, struct err *e)
{
	uint8_t kept[SAVED_BYTES_MAX];
	char path[FD_PATH_MAX];
	ssize_t n;
	int r;

	path_of(fd, path);
	n = getxattr(path, SAVED, kept, sizeof(kept));
	struct rec rec =
	    rec_of(str_n((const char *)kept, n < 0 ? 0 : (size_t)n));
	const uint16_t version = rec_u16(&rec);
	const uint32_t mode = rec_u32(&rec);
	const struct str access = rec_str(&rec), dflt = rec_str(&rec);
	struct acl a, d;

	if (n < 0 || version != 1 || rec_done(&rec, NULL) != 0)
		return err_set(e, ERR_INVALID, "what it had is not readable");
	if (access.len == 0) {
		r = drop(fd, ACCESS, e);
		if (r == 0)
			r = set_group_bits(fd, st, mode >> 3, e);
	} else {
		if (!acl_decode((const uint8_t *)access.s, access.len, &a))
			return err_set(e, ERR_INVALID, "what it had is no ACL");
		acl_set_perm(&a, ACL_USER_OBJ, st->st_mode >> 6 & 7);
		acl_set_perm(&a, ACL_OTHER, st->st_mode & 7);
		r = write_acl(fd, ACCESS, &a, e);
	}
	if (r == 0 && S_ISDIR(st->st_mode)) {
		r = dflt.len == 0 ||
			!acl_decode((const uint8_t *)dflt.s, dflt.len, &d)
		    ? drop(fd, DEFAULT, e)
		    : write_acl(fd, DEFAULT, &d, e);
	}
	return r == 0 ? drop(fd, SAVED, e) : r;
}

/* A file that was made since: without what it has inherited of ours. */
static int
strip(const struct acl_workspace *w, int fd, const char *name,
    const struct stat *st, bool *ret_changed, struct err *e)
{
	uint8_t bytes[ACL_BYTES_MAX];
	const ssize_t n = read_bytes(fd, name, bytes);
	const bool is_default = strcmp(name, DEFAULT) == 0;
	struct acl a;
	mode_t group;
	size_t before;
	int r;

	if (n <= 0 || !acl_decode(bytes, (size_t)n, &a))
		return ERR_OK;
	before = a.count;
	acl_take_out(&a, ACL_GROUP, w->group);
	if (a.count == before)
		return ERR_OK;
	acl_take_out(&a, ACL_USER, w->owner);
	*ret_changed = true;
	if (w->dry)
		return ERR_OK;
	if (!acl_is_mode(&a, &group))
		return write_acl(fd, name, &a, e);
	r = drop(fd, name, e);
	return r == 0 && !is_default ? set_group_bits(fd, st, group, e) : r;
}

/* Its account goes, and the file stays. */
static int
hand_over(const struct acl_workspace *w, int fd, struct err *e)
{
	return fchownat(fd, "", w->owner, w->owner_group,
		   AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot give a file to its workspace's owner");
}

static int
revoke_one(struct walk *k, int fd, const struct stat *st, struct err *e)
{
	bool changed = false;
	int r;

	if (has_saved(fd)) {
		k->count++;
		return k->w->dry ? ERR_OK : put_back(fd, st, e);
	}
	r = strip(k->w, fd, ACCESS, st, &changed, e);
	if (r == 0 && S_ISDIR(st->st_mode))
		r = strip(k->w, fd, DEFAULT, st, &changed, e);
	if (r == 0 && st->st_uid != k->w->owner) {
		changed = true;
		r = k->w->dry ? ERR_OK : hand_over(k->w, fd, e);
	}
	k->count += changed;
	return r;
}

/* ---- the way ----------------------------------------------------------------- */

static int walk_folder(struct walk *k, int fd, unsigned depth, struct err *e);

/* Of the owner; when rights are taken, what a run has left, too. */
static bool
is_ours(const struct walk *k, const struct stat *st)
{
	return (st->st_uid == k->w->owner ||
		   (k->each == revoke_one && st->st_gid == k->w->group)) &&
	    (S_ISDIR(st->st_mode) ||
		(S_ISREG(st->st_mode) && st->st_nlink == 1));
}

static int
walk_name(
    struct walk *k, int dirfd, const char *name, unsigned depth, struct err *e)
{
	AUTO_FD int fd = sys_openat2(dirfd, name, O_PATH | O_NOFOLLOW,
	    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	struct stat st;
	int r;

	/* Gone meanwhile, another file system, a link: not for us. */
	if (fd < 0 || fstat(fd, &st) != 0 || !is_ours(k, &st))
		return ERR_OK;
	r = k->each(k, fd, &st, e);
	if (r != 0)
		return err_wrap(e, r, "'%s'", name);
	return S_ISDIR(st.st_mode) ? walk_folder(k, fd, depth + 1, e) : ERR_OK;
}

static void
dir_closep(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

static int
walk_folder(struct walk *k, int fd, unsigned depth, struct err *e)
{
	AUTO_FD int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(dir_closep) DIR *d = NULL;
	const struct dirent *entry;
	int r = ERR_OK;

	if (depth > DEPTH_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d folders deep", DEPTH_MAX);
	d = again < 0 ? NULL : fdopendir(again);
	if (d == NULL)
		return err_sys(e, "cannot read a folder of the workspace");
	(void)TAKE_FD(again);
	while (r == 0 && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = walk_name(k, fd, entry->d_name, depth, e);
	}
	return r;
}

static int
walk(struct walk *k, struct err *e)
{
	AUTO_FD int fd =
	    sys_openat2(AT_FDCWD, k->w->path, O_PATH | O_DIRECTORY | O_NOFOLLOW,
		RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot open the folder '%s'", k->w->path);
	if (st.st_uid != k->w->owner)
		return err_set(e, ERR_CONFLICT,
		    "'%s' belongs to somebody else by now", k->w->path);
	r = k->each(k, fd, &st, e);
	if (r == 0)
		r = walk_folder(k, fd, 0, e);
	return r == 0 ? r : err_wrap(e, r, "the workspace '%s'", k->w->path);
}

int
acl_grant(const struct acl_workspace *w, size_t *ret_count, struct err *e)
{
	struct walk k = { .w = w, .each = grant_one };
	const int r = walk(&k, e);

	*ret_count = k.count;
	return r;
}

int
acl_revoke(const struct acl_workspace *w, size_t *ret_count, struct err *e)
{
	struct walk k = { .w = w, .each = revoke_one };
	const int r = walk(&k, e);

	*ret_count = k.count;
	return r;
}

bool
acl_is_granted(int dirfd, gid_t group)
{
	/* A run builds its root where no /proc is. */
	AUTO_FD int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t bytes[ACL_BYTES_MAX];
	const ssize_t n =
	    fd < 0 ? -1 : fgetxattr(fd, ACCESS, bytes, sizeof(bytes));
	struct acl a;

	if (n <= 0 || !acl_decode(bytes, (size_t)n, &a))
		return false;
	for (size_t i = 0; i < a.count; i++) {
		if (a.at[i].tag == ACL_GROUP && a.at[i].id == group)
			return fgetxattr(fd, SAVED, NULL, 0) >= 0;
	}
	return false;
}
