/*
 * Sum up what a run uses.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: the kernel's /proc.  Owns: a descriptor of the workspace.
 */
#include "init/watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/memory_proc.h"
#include "start/ctl.h"

#define LOADAVG_BYTES 128
#define TMP_ROOM_BYTES ((uint64_t)64 << 10) /* the kernel counts in batches */
#define SLOW_TICKS 4 /* what costs more is looked at less often */

void
watch_open(struct watch *w, const struct plan *p, struct memory *memory)
{
	*w = (struct watch){
		.limits = &p->limits,
		.memory = memory,
		.workspace = -1,
	};
	if (!p->write)
		return;
	w->workspace = open(p->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
watch_start(struct watch *w)
{
	struct statvfs fs;

	if (w->workspace >= 0 && fstatvfs(w->workspace, &fs) == 0)
		w->free_at_start = fs.f_bavail * fs.f_frsize;
}

void
watch_close(struct watch *w)
{
	fd_closep(&w->workspace);
	w->workspace = -1;
}

/* Free space that went away since the start; others may have taken it, so
 * this is a brake for the disk, not an account. */
static bool
over_disk(const struct watch *w)
{
	struct statvfs fs;
	uint64_t now;

	if (w->workspace < 0 || fstatvfs(w->workspace, &fs) != 0)
		return false;
	now = fs.f_bavail * fs.f_frsize;
	return now < w->free_at_start &&
	    w->free_at_start - now > w->limits->disk_bytes;
}

uint32_t
watch_check(struct watch *w)
{
	const bool slow = w->tick++ % SLOW_TICKS == 0;

	if (w->memory != NULL && memory_is_over(w->memory, slow))
		return CTL_MEMORY;
	return over_disk(w) ? (uint32_t)CTL_DISK : 0U;
}

/* The last number that was given to a process is behind the last blank: as
 * long as there were not so many in all, not so many are alive. */
static bool
may_be_crowded(uint64_t limit)
{
	AUTO_FD int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	char text[LOADAVG_BYTES];
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *last;

	if (n <= 0)
		return false;
	text[n] = '\0';
	last = strrchr(text, ' ');
	return last != NULL && (uint64_t)strtoull(last, NULL, 10) >= limit;
}

uint32_t
watch_tmp(const struct watch *w)
{
	struct statvfs fs;

	return !w->bare && statvfs("/tmp", &fs) == 0 && fs.f_blocks > 0 &&
		(fs.f_bavail * fs.f_frsize < TMP_ROOM_BYTES || fs.f_favail == 0)
	    ? (uint32_t)CTL_TMP_FULL
	    : 0U;
}

uint32_t
watch_reached(const struct watch *w)
{
	const uint64_t limit = w->limits->processes;

	return watch_tmp(w) |
	    (may_be_crowded(limit) && memory_proc_tasks() >= limit
		    ? (uint32_t)CTL_CROWDED
		    : 0U);
}
