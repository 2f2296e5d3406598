/*
 * Show settings of the host or the workspace without the credentials that are
 * in them: a copy of the text, made when there is something to leave out.
 * Runs in: assent-exec, in a mount namespace of its own.
 * Trusts: the plan; not the text.  Owns: nothing.
 */
#include "root/root_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "root/clean.h"
#include "root/mnt.h"

#define CLEAN_BYTES_MAX ((size_t)256 << 10)
#define IN_TMP "tmp/.private/clean"

/* False when nobody can tell what is in it; then all of it is left out. */
static bool
read_all(int fd, struct buf *text)
{
	char chunk[8192];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(text, chunk, (size_t)n);
	return n == 0 && buf_done(text, NULL) == 0;
}

/* A file of the sandbox's own with that text, as something to mount. */
static int
make_copy(
    struct root *r, size_t index, struct str text, int *ret_tree, struct err *e)
{
	/* In the second phase the frame cannot be written any more. */
	const bool later = r->each_run && !r->fresh;
	const int folder = later ? r->dir : r->base;
	AUTO_FD int fd = -1;
	char name[32];
	int code;

	(void)snprintf(
	    name, sizeof(name), later ? IN_TMP "%zu" : "t/c%zu", index);
	fd = openat(folder, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_sys(e, "cannot leave credentials out");
	code = fdio_write_all(fd, text.s, text.len, e);
	if (code == 0)
		code = mnt_tree(fd, false, ret_tree, e);
	if (code == 0)
		code = mnt_restrict(*ret_tree, MNT_READ_ONLY, false, e);
	if (later && unlinkat(folder, name, 0) != 0 && code == 0)
		code = err_sys(e, "cannot leave credentials out");
	return code;
}

int
root_clean(
    struct root *r, const struct op *op, int fd, int *ret_tree, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(CLEAN_BYTES_MAX);
	AUTO_BUF struct buf copy = BUF_INIT(2 * CLEAN_BYTES_MAX);
	bool left;

	if (fd < 0)
		return ERR_OK; /* who cannot read it is shown nothing */
	left = !read_all(fd, &text) || clean_text(buf_str(&text), &copy);
	if (!left)
		return ERR_OK;
	if (buf_done(&copy, NULL) != 0)
		buf_reset(&copy);
	return make_copy(
	    r, (size_t)(op - r->plan->ops), buf_str(&copy), ret_tree, e);
}
