#ifndef FAULT_VFS_H
#define FAULT_VFS_H
/*
 * A VFS of SQLite that fails on command.
 *
 *     fault_register();
 *     fault_arm(FAULT_CRASH, n, sticky, seed, image_dir);
 *     ... sqlite3_open_v2(path, ..., FAULT_VFS) ...
 *
 * Operation n (write, sync, truncate, delete; reads and opens for I/O errors)
 * fails, once or for ever. FAULT_CRASH is the loss of power: what was not
 * synced is in part lost, by sectors of 512 bytes, the result is written to
 * image_dir, and nothing works any more.
 */
#include "db_test.h"

#define FAULT_VFS "fault"
#define FAULT_SECTOR 512
#define FAULT_FILES 8

enum fault_kind {
	FAULT_NONE,
	FAULT_CRASH,
	FAULT_IOERR,
	FAULT_FULL,
	FAULT_FSYNC,
};

/* What is known to be on the disk of a file. */
struct fault_track {
	char name[192];
	unsigned char *durable;
	size_t len;
};

static struct {
	enum fault_kind kind;
	unsigned at, count;
	bool sticky, fired, crashed;
	bool lying_sync; /* the mutant: sync says yes and does nothing */
	unsigned seed; /* 0: everything that was not synced is lost */
	const char *image_dir;
	struct fault_track tracks[FAULT_FILES];
	sqlite3_vfs *real;
} fault;

struct fault_file {
	sqlite3_file base;
	sqlite3_file *real;
	struct fault_track *track;
};

MAYBE_UNUSED static void
fault_arm(enum fault_kind kind, unsigned at, bool sticky, unsigned seed,
    const char *image_dir)
{
	for (size_t i = 0; i < FAULT_FILES; i++) {
		free(fault.tracks[i].durable);
		fault.tracks[i] = (struct fault_track){ .len = 0 };
	}
	fault.kind = kind;
	fault.at = at;
	fault.count = 0;
	fault.sticky = sticky;
	fault.fired = false;
	fault.crashed = false;
	fault.seed = seed;
	fault.image_dir = image_dir;
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct fault_file *)f)->real;
}

static unsigned
fault_random(void)
{
	fault.seed = fault.seed * 1664525u + 1013904223u;
	return fault.seed >> 16;
}

/* ---- the loss of power ------------------------------------------------- */

static size_t
read_whole(const char *name, unsigned char **ret)
{
	AUTO_FD int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };

	*ret = NULL;
	if (fd < 0 || fstat(fd, &st) != 0)
		return 0;
	*ret = mem_new((size_t)st.st_size + 1, 1);
	assert_non_null(*ret);
	assert_int_equal(pread(fd, *ret, (size_t)st.st_size, 0), st.st_size);
	return (size_t)st.st_size;
}

/* Of each sector what was durable or what was written, by chance. */
static void
write_image(const struct fault_track *t)
{
	unsigned char *now = NULL;
	const size_t now_len = read_whole(t->name, &now);
	const char *base = strrchr(t->name, '/');
	const bool long_form = fault.seed != 0 && fault_random() % 2 == 0;
	const size_t len = long_form ? now_len : t->len;
	char path[256];
	AUTO_FD int fd = -1;

	(void)snprintf(path, sizeof(path), "%s%s", fault.image_dir, base);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	for (size_t at = 0; at < len; at += FAULT_SECTOR) {
		const bool new = fault.seed != 0 && fault_random() % 2 == 0;
		const unsigned char *from = new ? now : t->durable;
		const size_t have = new ? now_len : t->len;
		size_t n = len - at < FAULT_SECTOR ? len - at : FAULT_SECTOR;

		if (at >= have)
			continue;
		if (n > have - at)
			n = have - at;
		assert_int_equal(pwrite(fd, from + at, n, (off_t)at), n);
	}
	free(now);
}

static void
crash_now(void)
{
	fault.crashed = true;
	for (size_t i = 0; i < FAULT_FILES; i++) {
		if (fault.tracks[i].name[0] != '\0')
			write_image(&fault.tracks[i]);
	}
}

/* Whether this operation is the one. */
static bool
fault_due(bool counts)
{
	if (fault.crashed)
		return true;
	if (!counts || fault.kind == FAULT_NONE)
		return false;
	if (fault.sticky && fault.fired)
		return true;
	if (++fault.count != fault.at)
		return false;
	fault.fired = true;
	if (fault.kind == FAULT_CRASH)
		crash_now();
	return true;
}

static bool
disturbs(enum fault_kind kind)
{
	return fault.kind == FAULT_CRASH || fault.kind == kind;
}

/* ---- methods of files -------------------------------------------------- */

static int
fault_close(sqlite3_file *f)
{
	struct fault_file *x = (struct fault_file *)f;
	int rc = SQLITE_OK;

	if (x->real->pMethods != NULL)
		rc = x->real->pMethods->xClose(x->real);
	return rc;
}

static int
fault_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	if (fault_due(fault.kind == FAULT_IOERR))
		return SQLITE_IOERR_READ;
	return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int
fault_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	if (fault_due(disturbs(FAULT_IOERR) || fault.kind == FAULT_FULL)) {
		/* Half of it arrives. */
		if (!fault.crashed && n > FAULT_SECTOR)
			(void)real_of(f)->pMethods->xWrite(
			    real_of(f), from, n / 2, at);
		return fault.kind == FAULT_FULL ? SQLITE_FULL
						: SQLITE_IOERR_WRITE;
	}
	return real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}

static int
fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (fault_due(disturbs(FAULT_IOERR)))
		return SQLITE_IOERR_TRUNCATE;
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int
fault_sync(sqlite3_file *f, int flags)
{
	struct fault_track *t = ((struct fault_file *)f)->track;

	(void)flags;
	if (fault_due(disturbs(FAULT_IOERR) || fault.kind == FAULT_FSYNC))
		return SQLITE_IOERR_FSYNC;
	/* The real sync is not needed: the image is made from memory. */
	if (t != NULL && !fault.lying_sync) {
		free(t->durable);
		t->len = read_whole(t->name, &t->durable);
	}
	return SQLITE_OK;
}

static int
fault_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return fault.crashed ? SQLITE_IOERR_FSTAT
			     : real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int
fault_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int
fault_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int
fault_reserved(sqlite3_file *f, int *ret)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int
fault_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int
fault_sector(sqlite3_file *f)
{
	(void)f;
	return FAULT_SECTOR;
}

static int
fault_traits(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
fault_shm_map(
    sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return real_of(f)->pMethods->xShmMap(
	    real_of(f), page, size, extend, ret);
}

static int
fault_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void
fault_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
fault_shm_unmap(sqlite3_file *f, int delete)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), delete);
}

static const sqlite3_io_methods fault_methods = {
	.iVersion = 2,
	.xClose = fault_close,
	.xRead = fault_read,
	.xWrite = fault_write,
	.xTruncate = fault_truncate,
	.xSync = fault_sync,
	.xFileSize = fault_size,
	.xLock = fault_lock,
	.xUnlock = fault_unlock,
	.xCheckReservedLock = fault_reserved,
	.xFileControl = fault_control,
	.xSectorSize = fault_sector,
	.xDeviceCharacteristics = fault_traits,
	.xShmMap = fault_shm_map,
	.xShmLock = fault_shm_lock,
	.xShmBarrier = fault_shm_barrier,
	.xShmUnmap = fault_shm_unmap,
};

/* ---- methods of the VFS ------------------------------------------------ */

static struct fault_track *
track_of(const char *name)
{
	size_t i = 0;

	if (name == NULL)
		return NULL;
	while (i < FAULT_FILES && fault.tracks[i].name[0] != '\0' &&
	    strcmp(fault.tracks[i].name, name) != 0)
		i++;
	assert_true(i < FAULT_FILES);
	if (fault.tracks[i].name[0] == '\0') {
		(void)snprintf(fault.tracks[i].name,
		    sizeof(fault.tracks[i].name), "%s", name);
		/* What was there before is on the disk. */
		fault.tracks[i].len =
		    read_whole(name, &fault.tracks[i].durable);
	}
	return &fault.tracks[i];
}

static int
fault_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags,
    int *ret_flags)
{
	struct fault_file *x = (struct fault_file *)f;
	int rc;

	(void)v;
	x->base.pMethods = NULL;
	x->real = (sqlite3_file *)(x + 1);
	if (fault_due(fault.kind == FAULT_IOERR))
		return SQLITE_CANTOPEN;
	x->track = track_of(name);
	rc = fault.real->xOpen(fault.real, name, x->real, flags, ret_flags);
	if (rc == SQLITE_OK)
		x->base.pMethods = &fault_methods;
	return rc;
}

static int
fault_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	struct fault_track *t = track_of(name);
	int rc;

	(void)v;
	if (fault_due(disturbs(FAULT_IOERR)))
		return SQLITE_IOERR_DELETE;
	rc = fault.real->xDelete(fault.real, name, sync_dir);
	if (rc == SQLITE_OK) {
		free(t->durable);
		t->durable = NULL;
		t->len = 0;
	}
	return rc;
}

MAYBE_UNUSED static void
fault_register(void)
{
	static sqlite3_vfs vfs;

	fault.real = sqlite3_vfs_find(NULL);
	vfs = *fault.real;
	vfs.zName = FAULT_VFS;
	vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
	vfs.xOpen = fault_open;
	vfs.xDelete = fault_delete;
	assert_int_equal(sqlite3_vfs_register(&vfs, 0), SQLITE_OK);
}

#endif
