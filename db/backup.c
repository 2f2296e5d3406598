/*
 * Copy a living log by SQLite's backup interface.
 * Runs in: assent.  Trusts: the result only after it was verified.  Owns: the
 * folder that it makes.
 */
#include "backup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "reader.h"
#include "seal.h"
#include "sql.h"
#include "store.h"
#include "store_limits.h"
#include "verify.h"

struct backup {
	struct buf from_dir, from_db, to_db;
	struct reader *reader;
	sqlite3 *to;
};

static int
copy_beside(
    const struct backup *b, const char *target, const char *name, struct err *e)
{
	AUTO_BUF struct buf from = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf to = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf bytes = BUF_INIT(SEAL_FILE_BYTES_MAX);
	int r;

	buf_printf(&from, "%s/%s", buf_cstr(&b->from_dir), name);
	buf_printf(&to, "%s/%s", target, name);
	r = buf_done(&from, e);
	if (r == 0)
		r = buf_done(&to, e);
	if (r == 0)
		r = fdio_read_file(buf_cstr(&from), &bytes, e);
	if (r == 0)
		r = fdio_write_file(
		    buf_cstr(&to), buf_cstr(&bytes), bytes.len, 0644, e);
	return r;
}

static int
create_file(const char *path, struct err *e)
{
	AUTO_FD int fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);

	return fd < 0 ? err_sys(e, "cannot make '%s'", path) : ERR_OK;
}

static int
copy_database(struct backup *b, struct err *e)
{
	const struct sql_options o = { .path = buf_cstr(&b->to_db),
		.write = true,
		.busy_ms = BUSY_READER_MS };
	sqlite3_backup *copy;
	int rc, r;

	r = reader_open(buf_cstr(&b->from_db), NULL, &b->reader, e);
	if (r == 0)
		r = create_file(buf_cstr(&b->to_db), e);
	if (r == 0)
		r = sql_open(&o, &b->to, e);
	if (r != 0)
		return r;
	copy = sqlite3_backup_init(b->to, "main", reader_db(b->reader), "main");
	if (copy == NULL)
		return sql_error(b->to, sqlite3_errcode(b->to), e);
	/* All at once: one moment of the log. Writers are not held up. */
	(void)sqlite3_backup_step(copy, -1);
	rc = sqlite3_backup_finish(copy);
	if (rc != SQLITE_OK)
		return sql_error(b->to, rc, e);
	sql_closep(&b->to);
	return ERR_OK;
}

static int
make(struct backup *b, const char *state_dir, const char *target, struct err *e)
{
	int r = store_find(state_dir, &b->from_dir, &b->from_db, e);

	if (r != 0)
		return r;
	if (mkdir(target, S_IRWXU) != 0)
		return err_sys(e, "cannot make the folder '%s'", target);
	/* Checkpoints first: the database may have more rows, never fewer. */
	r = copy_beside(b, target, SEAL_PUBLIC_FILE, e);
	if (r == 0)
		r = copy_beside(b, target, SEAL_FILE, e);
	return r == 0 ? copy_database(b, e) : r;
}

/* The name of the target is resolved once it is there. */
static int
name_target(struct backup *b, const char *target, struct err *e)
{
	AUTO_BUF struct buf parent = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf unused = BUF_INIT(PATH_BYTES_MAX);
	const size_t slash = str_rfind(str_of(target), '/');
	int r;

	if (slash == strlen(target))
		buf_puts(&parent, ".");
	else
		buf_put_str(
		    &parent, str_head(str_of(target), slash == 0 ? 1 : slash));
	r = buf_done(&parent, e);
	if (r == 0)
		r = store_locate(buf_cstr(&parent), &b->to_db, &unused, e);
	buf_printf(&b->to_db, "/%s/" STORE_FILE,
	    slash == strlen(target) ? target : target + slash + 1);
	return r == 0 ? buf_done(&b->to_db, e) : r;
}

int
backup_make(const char *state_dir, const char *target, uint64_t *ret_rows,
    struct err *e)
{
	struct backup b = {
		.from_dir = BUF_INIT(PATH_BYTES_MAX),
		.from_db = BUF_INIT(PATH_BYTES_MAX),
		.to_db = BUF_INIT(PATH_BYTES_MAX),
	};
	const struct verify_options o = { .state_dir = target };
	struct verify_result v;
	int r = name_target(&b, target, e);

	if (r == 0)
		r = make(&b, state_dir, target, e);
	sql_closep(&b.to);
	reader_close(b.reader);
	buf_free(&b.from_dir);
	buf_free(&b.from_db);
	buf_free(&b.to_db);
	if (r == 0)
		r = verify_log(&o, &v, e);
	if (r == 0)
		*ret_rows = v.rows;
	return r;
}
