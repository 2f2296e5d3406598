/*
 * The sink that writes JSON lines.
 * Runs in: reporter.  Trusts: the folder of the file.  Owns: the file.
 */
#include "sink_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "model/limits.h"
#include "lines.h"

#define BATCH_BYTES_MAX ((size_t)256 << 20)
#define FILE_MODE 0600

struct sink_file {
	struct sink sink;
	struct file_options o;
	int fd;
	off_t len; /* what is known to be whole lines */
};

/* A crash may have left half a line: it is taken away, its row comes again. */
static int
keep_whole_lines(struct sink_file *f, struct err *e)
{
	char c = '\n';

	while (f->len > 0) {
		if (pread(f->fd, &c, 1, f->len - 1) != 1)
			return err_sys(e, "cannot read '%s'", f->o.path);
		if (c == '\n')
			break;
		f->len--;
	}
	if (ftruncate(f->fd, f->len) != 0)
		return err_sys(e, "cannot shorten '%s'", f->o.path);
	return ERR_OK;
}

static int
open_file(struct sink_file *f, struct err *e)
{
	struct stat st;
	int r;

	if (f->fd >= 0)
		return ERR_OK;
	f->fd = open(f->o.path,
	    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		return err_sys(e, "cannot open '%s'", f->o.path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    e, ERR_INVALID, "'%s' is no regular file", f->o.path);
	f->len = st.st_size;
	r = keep_whole_lines(f, e);
	if (r != 0)
		fd_closep(&f->fd);
	return r;
}

static int
numbered(const struct sink_file *f, unsigned n, char ret[static PATH_BYTES_MAX],
    struct err *e)
{
	const int len = n == 0
	    ? snprintf(ret, PATH_BYTES_MAX, "%s", f->o.path)
	    : snprintf(ret, PATH_BYTES_MAX, "%s.%u", f->o.path, n);

	return len < PATH_BYTES_MAX
	    ? ERR_OK
	    : err_set(e, ERR_LIMIT, "'%.80s...' is too long", f->o.path);
}

static int
rotate(struct sink_file *f, struct err *e)
{
	char from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];

	fd_closep(&f->fd);
	for (unsigned n = SINK_FILES_KEPT; n > 0; n--) {
		int r = numbered(f, n - 1, from, e);

		if (r == 0)
			r = numbered(f, n, to, e);
		if (r != 0)
			return r;
		if (rename(from, to) != 0 && errno != ENOENT)
			return err_sys(e, "cannot rename '%s'", from);
	}
	return open_file(f, e);
}

static int
write_rows(
    struct sink_file *f, json_t *const *rows, size_t count, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(BATCH_BYTES_MAX);
	int r = rows_as_lines(rows, count, &out, e);

	if (r == 0)
		r = fdio_write_all(f->fd, out.s, out.len, e);
	if (r == 0 && fdatasync(f->fd) != 0)
		r = err_sys(e, "cannot make '%s' durable", f->o.path);
	if (r == 0)
		f->len += (off_t)out.len;
	/* half a batch would be there twice */
	else if (ftruncate(f->fd, f->len) != 0)
		fd_closep(&f->fd);
	return r;
}

static void
file_send(struct sink *sink, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	struct sink_file *f = (struct sink_file *)sink;
	struct err why = ERR_INIT;
	int r = open_file(f, &why);

	if (r == 0 && f->len > 0 && (uint64_t)f->len >= f->o.bytes_max)
		r = rotate(f, &why);
	if (r == 0)
		r = write_rows(f, rows, count, &why);
	sink_tell(done, ctx, r, 0, &why);
}

static void
file_close(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;

	fd_closep(&f->fd);
	mem_freep(&f);
}

int
sink_file_new(const struct file_options *o, struct sink **ret, struct err *e)
{
	static const struct sink_ops ops = {
		.send = file_send,
		.close = file_close,
	};
	struct sink_file *f = mem_new(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	f->sink = (struct sink){ .ops = &ops, .name = "file" };
	f->o = *o;
	f->fd = -1;
	if (f->o.bytes_max == 0)
		f->o.bytes_max = SINK_FILE_BYTES;
	*ret = &f->sink;
	return ERR_OK;
}
