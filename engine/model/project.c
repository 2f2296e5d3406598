/*
 * Read a repository's rule files into one record, and take it apart.
 * Runs in: the reader (as who works there), engine, assent.
 * Trusts: nothing in the repository.  Owns: nothing.
 */
#include "project.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "model/limits.h"
#include "model/rule_file.h"

#define SHOWN_NAME_MAX 512
#define ENTRIES_MAX 1024 /* of the folder, rule files or not */

void
project_put_problem(struct buf *out, const char *why)
{
	buf_reset(out);
	rec_put_cstr(out, why);
	rec_put_u32(out, 0);
	rec_put_str(out, STR(""));
}

static void PRINTF_LIKE(2, 3) problem(struct buf *out, const char *fmt, ...)
{
	char why[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	project_put_problem(out, why);
}

static void
put_stat(struct buf *b, const struct stat *st)
{
	rec_put_u64(b, st->st_dev);
	rec_put_u64(b, st->st_ino);
	rec_put_i64(b, st->st_size);
	rec_put_u32(b, st->st_mode);
	rec_put_i64(b, st->st_mtim.tv_sec);
	rec_put_i64(b, st->st_mtim.tv_nsec);
	rec_put_i64(b, st->st_ctim.tv_sec);
	rec_put_i64(b, st->st_ctim.tv_nsec);
}

/* ---- which ------------------------------------------------------------- */

struct names {
	char *v[PROJECT_FILES_MAX];
	size_t count;
};

static void
names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->v[i]);
}

static int
by_bytes(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
dir_closep(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

/* NULL, or why not; takes fd. */
static const char *
list_names(int fd, struct names *n)
{
	AUTO(dir_closep) DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	size_t seen = 0;

	if (dir == NULL) {
		(void)close(fd);
		return "cannot be listed";
	}
	while ((entry = readdir(dir)) != NULL) {
		if (++seen > ENTRIES_MAX)
			return "has too many entries";
		if (!rule_file_named(str_of(entry->d_name)))
			continue;
		if (n->count == PROJECT_FILES_MAX)
			return "has more than 64 rule files";
		n->v[n->count] =
		    mem_strndup(entry->d_name, strlen(entry->d_name));
		if (n->v[n->count] == NULL)
			return "needs more memory than there is";
		n->count++;
	}
	qsort(n->v, n->count, sizeof(n->v[0]), by_bytes);
	return NULL;
}

/* ---- reading ----------------------------------------------------------- */

/* NULL, or why not. A link could lead to what another may not see. */
static const char *
read_one(int dir, const char *name, struct buf *text, struct buf *stats)
{
	AUTO_FD int fd = openat(dir, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? "is a link" : "cannot be opened";
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return "is no regular file";
	put_stat(stats, &st);
	return fdio_read_all(fd, text, NULL) != 0
	    ? "cannot be read, or is too long"
	    : NULL;
}

/* How it was before it was read: what changes later is seen. */
static void
put_stamp(const struct buf *stats, struct buf *out)
{
	uint8_t stamp[SHA256_LEN];

	if (buf_done(stats, NULL) != 0 ||
	    sha256_of(buf_cstr(stats), stats->len, stamp, NULL) != 0)
		out->failed = ERR_NOMEM;
	else
		rec_put_str(out, str_n((const char *)stamp, SHA256_LEN));
}

static void
read_files(int dir, const struct names *n, struct buf *stats, struct buf *out)
{
	size_t left = PROJECT_BYTES_MAX;

	rec_put_cstr(out, NULL);
	rec_put_u32(out, (uint32_t)n->count);
	for (size_t i = 0; i < n->count; i++) {
		AUTO_BUF struct buf text = BUF_INIT(left);
		const char *why = read_one(dir, n->v[i], &text, stats);

		if (why != NULL) {
			problem(out, "%s/%s %s", PROJECT_DIR, n->v[i], why);
			return;
		}
		rec_put_cstr(out, n->v[i]);
		rec_put_str(out, buf_str(&text));
		left -= text.len;
	}
	put_stamp(stats, out);
}

int
project_read(const char *workspace, struct buf *ret_record, struct err *e)
{
	AUTO(names_free) struct names n = { .count = 0 };
	AUTO_FD int root = open(workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int dir = -1;
	AUTO_BUF struct buf stats = BUF_INIT(PROJECT_RECORD_MAX);
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	const char *why = NULL;
	struct stat st;
	int copy = -1;

	if (root < 0 ||
	    fdio_open_beneath(root, PROJECT_DIR, flags, &dir, NULL) != 0 ||
	    fstat(dir, &st) != 0)
		why = "cannot be opened";
	if (why == NULL) {
		put_stat(&stats, &st);
		copy = fcntl(dir, F_DUPFD_CLOEXEC, 3);
		why = copy < 0 ? "cannot be listed" : list_names(copy, &n);
	}
	if (why != NULL)
		problem(ret_record, "%s %s", PROJECT_DIR, why);
	else
		read_files(dir, &n, &stats, ret_record);
	return buf_done(ret_record, e);
}

int
project_reader_main(const char *workspace)
{
	AUTO_BUF struct buf record = BUF_INIT(PROJECT_RECORD_MAX);

	/* A file system may never answer. */
	(void)alarm(PROJECT_READ_S);
	if (project_read(workspace, &record, NULL) != 0 ||
	    fdio_write_all(STDOUT_FILENO, record.s, record.len, NULL) != 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

int
project_decode(struct str record, struct arena *a, struct project_files *ret,
    struct err *e)
{
	struct rec in = rec_of(record);
	struct project_files f = { .problem = rec_cstr(&in, a) };
	const uint32_t count = rec_count(&in, PROJECT_FILES_MAX);

	f.v = arena_array(a, count + 1, sizeof(*f.v));
	for (uint32_t i = 0; f.v != NULL && i < count; i++) {
		AUTO_BUF struct buf name = BUF_INIT(SHOWN_NAME_MAX);
		const char *base = rec_cstr(&in, a);

		buf_printf(
		    &name, "%s/%s", PROJECT_DIR, base == NULL ? "" : base);
		f.v[i].name = arena_strdup(a, buf_cstr(&name));
		f.v[i].text = rec_str(&in);
	}
	f.count = count;
	f.stamp = rec_str(&in);
	if (arena_failed(a))
		return err_nomem(e);
	*ret = f;
	return rec_done(&in, e);
}

/* ---- has it changed? --------------------------------------------------- */

int
project_stamp(const char *workspace, const char *const *names, size_t count,
    uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX * 2);
	AUTO_BUF struct buf b = BUF_INIT(PROJECT_RECORD_MAX);
	struct stat st;
	int r;

	buf_printf(&path, "%s/%s", workspace, PROJECT_DIR);
	if (path.failed != 0)
		return err_set(e, ERR_LIMIT, "the path is too long");
	if (lstat(buf_cstr(&path), &st) != 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? err_set(e, ERR_NOTFOUND, "no rules")
		    : err_sys(e, "cannot stat '%s'", buf_cstr(&path));
	put_stat(&b, &st);
	for (size_t i = 0; i < count; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", workspace, names[i]);
		if (path.failed != 0 || lstat(buf_cstr(&path), &st) != 0)
			memset(&st, 0, sizeof(st));
		put_stat(&b, &st);
	}
	r = buf_done(&b, e);
	return r != 0 ? r : sha256_of(buf_cstr(&b), b.len, ret, e);
}
