/*
 * Room on the disk: a reserve for the last words, and a warning in time.
 * Runs in: engine.  Trusts: statvfs.  Owns: the reserve file.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "store_int.h"

#define WATCH_NS INT64_C(1000000000)
#define RESERVE_BYTES_MIN ((int64_t)32 << 10)
#define WORK_BYTES_MIN ((uint64_t)64 << 10)
#define EVENT_TEXT_MAX 128

bool
space_is_short(const struct err *e)
{
	return e->code == ERR_SYS &&
	    (e->sys_errno == ENOSPC || e->sys_errno == EDQUOT ||
		e->sys_errno == EFBIG);
}

static int
room(const struct recorder *r, uint64_t *ret_free, uint64_t *ret_total)
{
	struct statvfs fs;

	if (statvfs(buf_cstr(&r->dir), &fs) != 0)
		return ERR_SYS;
	*ret_free = (uint64_t)fs.f_bavail * fs.f_frsize;
	*ret_total = (uint64_t)fs.f_blocks * fs.f_frsize;
	return ERR_OK;
}

static void
reserve_path(const struct recorder *r, struct buf *out)
{
	buf_printf(out, "%s/" STORE_RESERVE_FILE, buf_cstr(&r->dir));
}

/* Without a reserve the store works; only its last words may be lost. */
void
space_reserve(struct recorder *r)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_FD int fd = -1;
	uint64_t free_bytes = 0, total = 0;
	int64_t len = RESERVE_BYTES;

	r->reserve_len = 0;
	reserve_path(r, &path);
	if (path.failed != 0 || room(r, &free_bytes, &total) != 0)
		return;
	if ((uint64_t)len > free_bytes / 4)
		len = (int64_t)(free_bytes / 4) & ~INT64_C(4095);
	if (len < RESERVE_BYTES_MIN)
		return;
	fd = open(buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    S_IRUSR | S_IWUSR);
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, len) == 0)
		r->reserve_len = len;
	else
		(void)unlink(buf_cstr(&path));
}

void
space_give_up(struct recorder *r)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);

	reserve_path(r, &path);
	if (path.failed == 0)
		(void)unlink(buf_cstr(&path));
}

int
space_check(const struct recorder *r, struct err *e)
{
	const uint64_t want = (uint64_t)r->reserve_len + WORK_BYTES_MIN;
	uint64_t free_bytes = 0, total = 0;

	if (room(r, &free_bytes, &total) != 0)
		return err_sys(
		    e, "cannot ask for the room in '%s'", buf_cstr(&r->dir));
	if (free_bytes >= want)
		return ERR_OK;
	(void)err_set(e, ERR_SYS,
	    "the disk of '%s' is full: %llu bytes free, %llu needed to record "
	    "again; make room there",
	    buf_cstr(&r->dir), (unsigned long long)free_bytes,
	    (unsigned long long)want);
	if (e != NULL)
		e->sys_errno = ENOSPC;
	return ERR_SYS;
}

int
space_watch(struct recorder *r, struct err *e)
{
	uint64_t free_bytes = 0, total = 0;
	const int64_t now = r->o.boot_ns();
	char text[EVENT_TEXT_MAX];
	bool low;

	if (r->space_boot_ns != 0 && now - r->space_boot_ns < WATCH_NS)
		return ERR_OK;
	r->space_boot_ns = now;
	if (room(r, &free_bytes, &total) != 0)
		return ERR_OK;
	low = free_bytes < SPACE_WARN_BYTES && free_bytes < total / 20;
	if (low == r->space_low)
		return ERR_OK;
	r->space_low = low;
	(void)snprintf(text, sizeof(text), "%llu of %llu bytes free",
	    (unsigned long long)free_bytes, (unsigned long long)total);
	return store_note(
	    r, low ? "store.space_low" : "store.space_enough", text, e);
}
