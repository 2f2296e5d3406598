/*
 * Cursors of exports: read, write, forget, the least of them.
 * Runs in: assent, engine.  Trusts: the state folder.  Owns: nothing.
 */
#include "cursor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "model/config.h"
#include "store_limits.h"

#define CURSOR_BYTES_MAX ((size_t)32)

/* Letters, digits, '-', '_' and '.', not first a '.'. */
static bool
name_is_good(const char *name)
{
	const size_t len = strlen(name);

	if (len == 0 || len > CURSOR_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("-_.", name[i]) == NULL)
			return false;
	}
	return true;
}

static int
path_of(const char *state_dir, const char *name, struct buf *ret, struct err *e)
{
	if (!name_is_good(name))
		return err_set(e, ERR_INVALID,
		    "'%s' is no name for a destination: letters, digits, "
		    "'-', '_' and '.', at most %d",
		    name, CURSOR_NAME_MAX);
	buf_printf(ret, "%s/" CURSOR_DIR "/%s", state_dir, name);
	return buf_done(ret, e);
}

int
cursor_read(
    const char *state_dir, const char *name, uint64_t *ret, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(CURSOR_BYTES_MAX);
	struct stat st;
	int r = path_of(state_dir, name, &path, e);

	if (r != 0)
		return r;
	if (lstat(buf_cstr(&path), &st) != 0 && errno == ENOENT) {
		*ret = 0;
		return ERR_OK;
	}
	r = fdio_read_file(buf_cstr(&path), &text, e);
	if (r == 0 &&
	    num_parse_u64(str_trim(buf_str(&text)), 0, INT64_MAX, ret) != 0)
		r = err_set(e, ERR_INVALID,
		    "'%s' is damaged: write the number of the last row that "
		    "was exported into it",
		    buf_cstr(&path));
	return r;
}

int
cursor_write(
    const char *state_dir, const char *name, uint64_t seq, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	char text[CURSOR_BYTES_MAX];
	int r = path_of(state_dir, name, &path, e);

	buf_printf(&dir, "%s/" CURSOR_DIR, state_dir);
	if (r == 0)
		r = buf_done(&dir, e);
	if (r == 0 && mkdir(buf_cstr(&dir), S_IRWXU) != 0 && errno != EEXIST)
		r = err_sys(e, "cannot make '%s'", buf_cstr(&dir));
	if (r != 0)
		return r;
	(void)snprintf(text, sizeof(text), "%llu\n", (unsigned long long)seq);
	return fdio_write_file(
	    buf_cstr(&path), text, strlen(text), S_IRUSR | S_IWUSR, e);
}

/* Names that begin with a dot are half-written files of others. */
static int
walk(DIR *d, const char *state_dir, cursor_fn *fn, void *ctx, struct err *e)
{
	const struct dirent *entry;
	int r = ERR_OK;

	/* One thread, one stream. */
	while (r == 0 &&
	    (entry = readdir(d)) != NULL) { /* NOLINT(concurrency-*) */
		uint64_t seq = 0;

		if (!name_is_good(entry->d_name))
			continue;
		r = cursor_read(state_dir, entry->d_name, &seq, e);
		if (r == 0)
			r = fn(ctx, entry->d_name, seq, e);
	}
	return r;
}

int
cursor_each(const char *state_dir, cursor_fn *fn, void *ctx, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	DIR *d;
	int r;

	buf_printf(&path, "%s/" CURSOR_DIR, state_dir);
	r = buf_done(&path, e);
	if (r != 0)
		return r;
	d = opendir(buf_cstr(&path));
	if (d == NULL)
		return errno == ENOENT
		    ? ERR_OK
		    : err_sys(e, "cannot read '%s'", buf_cstr(&path));
	r = walk(d, state_dir, fn, ctx, e);
	(void)closedir(d);
	return r;
}

int
cursor_forget(const char *state_dir, const char *name, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	const int r = path_of(state_dir, name, &path, e);

	if (r != 0)
		return r;
	if (unlink(buf_cstr(&path)) == 0)
		return ERR_OK;
	if (errno == ENOENT)
		return err_set(e, ERR_NOTFOUND,
		    "there is no cursor '%s': 'assent log cursors' lists them",
		    name);
	return err_sys(e, "cannot remove '%s'", buf_cstr(&path));
}

struct least {
	struct cursor found;
	bool any, others;
};

static int
take_least(void *ctx, const char *name, uint64_t seq, struct err *e)
{
	struct least *l = ctx;

	(void)e;
	if ((l->others && config_is_destination(name)) ||
	    (l->any && seq >= l->found.seq))
		return ERR_OK;
	l->any = true;
	l->found.seq = seq;
	memcpy(l->found.name, name, strlen(name) + 1);
	return ERR_OK;
}

int
cursor_least(
    const char *state_dir, bool others, struct cursor *ret, struct err *e)
{
	struct least l = { .others = others };
	const int r = cursor_each(state_dir, take_least, &l, e);

	if (r != 0)
		return r;
	if (!l.any)
		return err_set(e, ERR_NOTFOUND,
		    "nothing was exported yet: 'assent log export --cursor "
		    "NAME' keeps account of it");
	*ret = l.found;
	return ERR_OK;
}
