/*
 * Cover files with the bytes that were approved, read-only.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan's digests.  Owns: nothing.
 */
#include "root/root_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "root/code.h"
#include "root/identity.h"
#include "root/mnt.h"
#include "sys.h"

/* The name that the action uses still leads to the file that was seen. */
static int
check_name(struct root *r, const struct plan_pin *pin, struct err *e)
{
	AUTO_FD int named = -1;
	AUTO_FD int real = -1;
	struct stat a, b;

	if (pin->named == NULL)
		return ERR_OK;
	named = sys_openat2(r->dir, pin->named, O_PATH,
	    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	real = sys_openat2(r->dir, pin->path, O_PATH | O_NOFOLLOW, INSIDE);
	if (named < 0 || real < 0 || fstat(named, &a) != 0 ||
	    fstat(real, &b) != 0 || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return err_set(e, ERR_CONFLICT,
		    "'%s' has changed since it was approved: it leads "
		    "elsewhere; propose it again",
		    pin->named);
	return ERR_OK;
}

/* What was not there then may be made by the run, not by somebody else. */
static int
check_absent(struct root *r, const struct plan_pin *pin, struct err *e)
{
	AUTO_FD int fd = sys_openat2(
	    r->dir, pin->path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return fd < 0
	    ? ERR_OK
	    : err_set(e, ERR_CONFLICT,
		  "'%s' has appeared since it was approved; propose it again",
		  pin->path);
}

/* With the eyes of who proposed, outside: nothing is covered there yet. */
static int
check_tree(const struct plan *p, const struct plan_pin *pin, struct err *e)
{
	uint8_t now[SHA256_LEN];
	char newest[PATH_MAX] = "";
	int fd, code;

	identity_look_as(&p->who);
	fd = sys_openat2(AT_FDCWD, pin->path, O_RDONLY | O_DIRECTORY, HOST);
	code = fd < 0 ? err_sys(e, "cannot open '%s'", pin->path)
		      : code_below(fd, now, newest, e);
	identity_look_as_us(&p->who);
	if (fd >= 0)
		(void)close(fd);
	if (code != 0 || memcmp(now, pin->sha256, SHA256_LEN) == 0)
		return code;
	return err_set(e, ERR_CONFLICT,
	    "code below '%s' has changed since it was approved (the newest is "
	    "'%s'); propose it again",
	    pin->path, newest);
}

/* The file as it is now: opened once, what is hashed is what is shown. */
static int
read_now(struct root *r, const struct plan_pin *pin, struct buf *out,
    mode_t *ret_mode, struct err *e)
{
	AUTO_FD int fd = sys_openat2(
	    r->dir, pin->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, INSIDE);
	uint8_t now[SHA256_LEN];
	struct stat st;
	int code;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_CONFLICT,
		    "'%s' is not there any more as it was approved; propose "
		    "it again",
		    pin->path);
	code = fdio_read_all(fd, out, e);
	if (code == 0)
		code = sha256_of(buf_cstr(out), out->len, now, e);
	if (code == 0 && memcmp(now, pin->sha256, SHA256_LEN) != 0)
		code = err_set(e, ERR_CONFLICT,
		    "'%s' has changed since it was approved; propose it again",
		    pin->path);
	*ret_mode = st.st_mode & 0777;
	return code;
}

static int
check_given(const struct plan_pin *pin, struct err *e)
{
	uint8_t now[SHA256_LEN];
	const int code = sha256_of(pin->content.s, pin->content.len, now, e);

	if (code == 0 && memcmp(now, pin->sha256, SHA256_LEN) != 0)
		return err_set(e, ERR_DENIED,
		    "the plan's bytes for '%s' are not its digest's",
		    pin->path);
	return code;
}

/* A file that nobody else holds open, on the store that only we write. */
static int
write_copy(struct root *r, int store, size_t index, struct str bytes,
    mode_t mode, struct err *e)
{
	const struct plan_who *who = &r->plan->who;
	char name[32];
	int fd, code;

	(void)snprintf(name, sizeof(name), "%zu", index);
	fd = openat(store, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot keep approved bytes");
	code = fdio_write_all(fd, bytes.s, bytes.len, e);
	if (code == 0 && fchmod(fd, mode & 0555) != 0)
		code = err_sys(e, "cannot keep approved bytes");
	if (code == 0 && who->identity != IDENTITY_SAME &&
	    fchown(fd, who->uid, who->gid) != 0)
		code = err_sys(e, "cannot keep approved bytes");
	(void)close(fd);
	return code;
}

static int
show_copy(
    struct root *r, int store, size_t index, const char *path, struct err *e)
{
	AUTO_FD int copy = -1;
	AUTO_FD int tree = -1;
	AUTO_FD int place = -1;
	char name[32];
	int code;

	(void)snprintf(name, sizeof(name), "%zu", index);
	copy = openat(store, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	place = sys_openat2(r->dir, path, O_PATH | O_NOFOLLOW, INSIDE);
	if (copy < 0 || place < 0)
		return err_set(e, ERR_CONFLICT,
		    "'%s' is not the file that was approved", path);
	code = mnt_tree(copy, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_READ_ONLY, false, e);
	return code == 0 ? mnt_put(tree, place, e) : code;
}

static int
do_pin(struct root *r, int store, size_t index, struct err *e)
{
	const struct plan_pin *pin = &r->plan->pins[index];
	AUTO_BUF struct buf bytes = BUF_INIT(PLAN_PIN_BYTES_MAX);
	struct str text = pin->content;
	mode_t mode = pin->mode;
	int code;

	if (pin->kind == PIN_TREE)
		return ERR_OK;
	if (pin->kind == PIN_ABSENT)
		return check_absent(r, pin, e);
	code = check_name(r, pin, e);
	if (code == 0)
		code = pin->given ? check_given(pin, e)
				  : read_now(r, pin, &bytes, &mode, e);
	if (code != 0 || pin->kind == PIN_CHECKED)
		return code;
	if (!pin->given)
		text = buf_str(&bytes);
	if (code == 0)
		code = write_copy(r, store, index, text, mode, e);
	return code == 0 ? show_copy(r, store, index, pin->path, e) : code;
}

int
root_check_code(const struct plan *p, struct err *e)
{
	int code = ERR_OK;

	for (size_t i = 0; code == 0 && i < p->pin_count; i++) {
		if (p->pins[i].kind == PIN_TREE)
			code = check_tree(p, &p->pins[i], e);
	}
	return code;
}

int
root_check_pins(const struct plan *p, struct err *e)
{
	AUTO_FD int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct root r = ROOT_INIT;
	int code = dir < 0 ? err_sys(e, "cannot open '/'") : ERR_OK;

	r.plan = p;
	r.dir = dir;
	for (size_t i = 0; code == 0 && i < p->pin_count; i++) {
		if (p->pins[i].kind != PIN_FROZEN)
			code = do_pin(&r, -1, i, e);
	}
	return code == 0 ? root_check_code(p, e) : code;
}

int
root_do_pins(struct root *r, struct err *e)
{
	static const char *const options[] = { "size=128m", "mode=0700", NULL };
	AUTO_FD int store = -1;
	AUTO_FD int place = -1;
	int code;

	if (r->plan->pin_count == 0)
		return ERR_OK;
	code = mnt_new("tmpfs", options, 0, &store, e);
	if (code != 0)
		return code;
	/* Attached outside of what the run will see; its files are shown. */
	place = openat(r->base, "t", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return err_sys(e, "cannot keep approved bytes");
	code = mnt_put(store, place, e);
	for (size_t i = 0; code == 0 && i < r->plan->pin_count; i++)
		code = do_pin(r, store, i, e);
	return code;
}
