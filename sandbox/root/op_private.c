/*
 * What a run has of its own: devices, processes, temporary files, a name.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan.  Owns: nothing.
 */
#include "root/root_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fdio.h"
#include "root/mnt.h"
#include "sys.h"

#define TMP_INODES "nr_inodes=128k"
#define ACCOUNT_BYTES_MAX ((size_t)1 << 20)

struct device {
	const char *path;
	unsigned major, minor;
	const char *missing;
};

#define DEVICE(path, major, minor)                                             \
	{                                                                      \
		path, major, minor,                                            \
		    "note: the host has no " path ", nor has the run"          \
	}

static const struct device devices[] = {
	DEVICE("/dev/null", 1, 3),
	DEVICE("/dev/zero", 1, 5),
	DEVICE("/dev/full", 1, 7),
	DEVICE("/dev/random", 1, 8),
	DEVICE("/dev/urandom", 1, 9),
	DEVICE("/dev/tty", 5, 0),
};

static const char *const device_links[][2] = {
	{ "/dev/ptmx", "pts/ptmx" },
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
	{ "/dev/shm", "/tmp/.private/shm" },
};

static int
put_device(struct root *r, const struct device *d, struct err *e)
{
	AUTO_FD int src = sys_openat2(
	    AT_FDCWD, d->path, O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
	AUTO_FD int tree = -1;
	AUTO_FD int place = -1;
	struct stat st;
	int code;

	if (src < 0 || fstat(src, &st) != 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(d->major, d->minor)) {
		root_note(r, d->missing);
		return ERR_OK;
	}
	code = mnt_tree(src, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_DEVICES | MNT_NO_EXEC, false, e);
	if (code == 0)
		code = root_open_place(r, d->path, false, &place, e);
	return code == 0 ? mnt_put(tree, place, e) : code;
}

int
root_do_terminals(struct root *r, struct err *e)
{
	static const char *const options[] = {
		"ptmxmode=0666",
		"mode=0620",
		"max=256",
		NULL,
	};
	AUTO_FD int pts = -1;
	AUTO_FD int place = -1;
	int code =
	    mnt_new("devpts", options, MNT_DEVICES | MNT_NO_EXEC, &pts, e);

	if (code == 0)
		code = root_open_place(r, "/dev/pts", true, &place, e);
	root_forget_near(r);
	return code == 0 ? mnt_put(pts, place, e) : code;
}

/* In the template an empty folder marks where a run's terminals go. */
static int
place_terminals(struct root *r, struct err *e)
{
	AUTO_FD int place = -1;

	return root_open_place(r, "/dev/pts", true, &place, e);
}

/* Root makes the nodes itself: one mount instead of six. */
static int
make_nodes(struct root *r, struct err *e)
{
	static const char *const options[] = {
		"size=64k",
		"nr_inodes=64",
		"mode=0755",
		NULL,
	};
	AUTO_FD int dev = -1;
	AUTO_FD int place = -1;
	int code =
	    mnt_new("tmpfs", options, MNT_DEVICES | MNT_NO_EXEC, &dev, e);

	if (code == 0)
		code = root_open_place(r, "/dev", true, &place, e);
	if (code == 0)
		code = mnt_put(dev, place, e);
	root_forget_near(r);
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(devices); i++) {
		if (mknodat(dev, devices[i].path + sizeof("/dev"),
			S_IFCHR | 0666,
			makedev(devices[i].major, devices[i].minor)) != 0)
			code = err_sys(e, "cannot make '%s'", devices[i].path);
	}
	return code;
}

static int
show_nodes(struct root *r, struct err *e)
{
	int code = ERR_OK;

	for (size_t i = 0; code == 0 && i < ARRAY_LEN(devices); i++)
		code = put_device(r, &devices[i], e);
	return code;
}

int
root_do_devices(struct root *r, struct err *e)
{
	int code = r->plan->who.identity == IDENTITY_SAME ? show_nodes(r, e)
							  : make_nodes(r, e);

	if (code == 0)
		code = place_terminals(r, e);
	for (size_t i = 0; code == 0 && i < ARRAY_LEN(device_links); i++)
		code =
		    root_put_link(r, device_links[i][0], device_links[i][1], e);
	return code;
}

/* The keys that the kernel holds for this user are not the run's: even what
 * they are called is nobody's business there. */
static int
hide_keys(struct root *r, int proc, struct err *e)
{
	AUTO_FD int keys = r->plan->who.identity != IDENTITY_SAME
	    ? -1
	    : openat(proc, "keys", O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return keys < 0 ? ERR_OK : root_mask(r, keys, e);
}

int
root_do_proc(struct root *r, const struct op *op, struct err *e)
{
	AUTO_FD int fd = -1;
	AUTO_FD int place = -1;
	int code = mnt_new("proc", NULL, MNT_READ_ONLY | MNT_NO_EXEC, &fd, e);

	if (code == 0)
		code = root_open_place(r, op->path, true, &place, e);
	root_forget_near(r);
	if (code == 0)
		code = mnt_put(fd, place, e);
	return code == 0 ? hide_keys(r, fd, e) : code;
}

int
root_do_tmp(struct root *r, const struct op *op, struct err *e)
{
	char size[48];
	const char *const options[] = { size, TMP_INODES, "mode=1777", NULL };
	AUTO_FD int fd = -1;
	AUTO_FD int place = -1;
	int code;

	(void)snprintf(
	    size, sizeof(size), "size=%llu", (unsigned long long)op->size);
	code = mnt_new("tmpfs", options, 0, &fd, e);
	if (code == 0)
		code = root_open_place(r, op->path, true, &place, e);
	root_forget_near(r);
	return code == 0 ? mnt_put(fd, place, e) : code;
}

int
root_do_tmp_dir(struct root *r, const struct op *op, struct err *e)
{
	const char *name;
	int parent, code = root_open_parent(r, op->path, &parent, &name, e);

	if (code != 0)
		return code;
	if (mkdirat(parent, name, (mode_t)op->size & 07777) != 0 &&
	    errno != EEXIST)
		return err_sys(e, "cannot make '%s'", op->path);
	if (op->size == 01777 && fchmodat(parent, name, 01777, 0) != 0)
		return err_sys(e, "cannot set the mode of '%s'", op->path);
	root_give(r, parent, name);
	return ERR_OK;
}

/* The host's file and one line for the account that runs here. */
static int
account_text(
    const struct plan *p, const struct op *op, struct buf *out, struct err *e)
{
	const bool passwd = strcmp(op->path, "/etc/passwd") == 0;
	int code = fdio_read_file(op->path, out, e);

	if (code != 0)
		return code;
	if (out->len > 0 && out->s[out->len - 1] != '\n')
		buf_putc(out, '\n');
	if (passwd)
		buf_printf(out, "%s:x:%u:%u::%s:/bin/sh\n", p->who.name,
		    p->who.uid, p->who.gid, p->home == NULL ? "/tmp" : p->home);
	else
		buf_printf(out, "%s:x:%u:\n", p->who.name, p->who.gid);
	return buf_done(out, e);
}

/*
 * Where the host's file is a link into /run, that is where programs look for
 * it; there is nothing of the host's.
 */
static const char *
place_of(const char *path, char link[static PATH_MAX])
{
	ssize_t n = readlink(path, link, PATH_MAX - 1);

	if (n <= 0)
		return path;
	link[n] = '\0';
	if (strncmp(link, "../run/", 7) == 0)
		memmove(link, link + 2, (size_t)n - 1);
	return strncmp(link, "/run/", 5) == 0 && plan_path_normal(link) ? link
									: path;
}

/* A missing one is made only where we may: not in the host's folders. */
static int
open_file_place(struct root *r, const struct op *op, int *ret, struct err *e)
{
	char link[PATH_MAX];

	return root_open_place(r,
	    op->source == NULL ? op->path : place_of(op->path, link), false,
	    ret, e);
}

int
root_do_file(struct root *r, const struct op *op, size_t index, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(ACCOUNT_BYTES_MAX);
	AUTO_FD int fd = -1;
	AUTO_FD int tree = -1;
	AUTO_FD int place = -1;
	char name[32];
	int code = ERR_OK;

	if (op->source != NULL)
		buf_puts(&text, op->source);
	else
		code = account_text(r->plan, op, &text, e);

	if (code != 0)
		return (op->flags & OP_OPTIONAL) != 0 ? ERR_OK : code;
	(void)snprintf(name, sizeof(name), "t/%zu", index);
	fd = openat(r->base, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(e, "cannot write '%s'", op->path);
	code = fdio_write_all(fd, text.s, text.len, e);
	if (code == 0)
		code = mnt_tree(fd, false, &tree, e);
	if (code == 0)
		code = mnt_restrict(tree, MNT_READ_ONLY, false, e);
	if (code == 0)
		code = open_file_place(r, op, &place, e);
	if (code == 0)
		code = mnt_put(tree, place, e);
	if (code == 0 || op->source == NULL || (op->flags & OP_OPTIONAL) == 0)
		return code;
	root_note(r, "note: /etc/resolv.conf could not be replaced");
	return ERR_OK;
}
