/*
 * Sum up what a run uses.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: the kernel's /proc.  Owns: a descriptor of the workspace.
 */
#include "watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl.h"

#define TEXT_BYTES 4096
#define SLOW_TICKS 4 /* what costs more is looked at less often */
#define MEMFDS_MAX 256

void
watch_open(struct watch *w, const struct plan *p)
{
	struct statvfs fs;

	*w = (struct watch){ .limits = &p->limits, .workspace = -1 };
	if (!p->write)
		return;
	w->workspace = open(p->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->workspace >= 0 && fstatvfs(w->workspace, &fs) == 0)
		w->free_at_start = fs.f_bavail * fs.f_frsize;
}

void
watch_close(struct watch *w)
{
	fd_closep(&w->workspace);
	w->workspace = -1;
}

static ssize_t
read_text(const char *path, char text[static TEXT_BYTES])
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_BYTES - 1);

	if (n >= 0)
		text[n] = '\0';
	return n;
}

/* The number in kB after a label. */
static uint64_t
kilobytes(const char *text, const char *label)
{
	const char *at = strstr(text, label);

	return at == NULL
	    ? 0
	    : (uint64_t)strtoull(at + strlen(label), NULL, 10) * 1024;
}

/* What a process holds of its own; copies shared since fork count twice. */
static uint64_t
process_memory(const char *pid)
{
	char path[64], text[TEXT_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	if (read_text(path, text) <= 0)
		return 0;
	return kilobytes(text, "\nRssAnon:") + kilobytes(text, "\nRssShmem:") +
	    kilobytes(text, "\nVmSwap:");
}

/* The same by shares, which is right and slow. */
static uint64_t
process_memory_exact(const char *pid)
{
	char path[64], text[TEXT_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%.16s/smaps_rollup", pid);
	if (read_text(path, text) <= 0)
		return process_memory(pid);
	return kilobytes(text, "\nPss_Anon:") +
	    kilobytes(text, "\nPss_Shmem:") + kilobytes(text, "\nSwapPss:");
}

struct memfds {
	ino_t seen[MEMFDS_MAX];
	size_t count;
	uint64_t bytes;
};

/* Memory behind descriptors belongs to no process's pages. */
static void
add_memfds(const char *pid, struct memfds *m)
{
	char path[64];
	struct dirent *d;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir != NULL && (d = readdir(dir)) != NULL &&
	    m->count < MEMFDS_MAX) {
		char to[16] = "";
		struct stat st;
		bool known = false;

		if (readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1) < 7 ||
		    memcmp(to, "/memfd:", 7) != 0 ||
		    fstatat(dirfd(dir), d->d_name, &st, 0) != 0)
			continue;
		for (size_t i = 0; i < m->count; i++)
			known = known || m->seen[i] == st.st_ino;
		if (!known) {
			m->seen[m->count++] = st.st_ino;
			m->bytes += (uint64_t)st.st_blocks * 512;
		}
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static uint64_t
sysv_memory(void)
{
	char text[TEXT_BYTES];
	uint64_t sum = 0;
	const char *line;

	if (read_text("/proc/sysvipc/shm", text) <= 0)
		return 0;
	for (line = strchr(text, '\n'); line != NULL && line[1] != '\0';
	     line = strchr(line + 1, '\n')) {
		const char *at = line + 1;

		/* The size is the fourth column. */
		for (int column = 0; column < 3; column++) {
			at += strspn(at, " ");
			at += strcspn(at, " ");
		}
		sum += (uint64_t)strtoull(at, NULL, 10);
	}
	return sum;
}

static uint64_t
sum_memory(bool exact, bool slow)
{
	struct memfds m = { .count = 0 };
	struct dirent *d;
	DIR *dir = opendir("/proc");
	uint64_t sum = 0;

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9' ||
		    strcmp(d->d_name, "1") == 0)
			continue;
		sum += exact ? process_memory_exact(d->d_name)
			     : process_memory(d->d_name);
		if (slow)
			add_memfds(d->d_name, &m);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return slow ? sum + m.bytes + sysv_memory() : sum;
}

static bool
over_memory(const struct watch *w, bool slow)
{
	return sum_memory(false, slow) > w->limits->memory_bytes &&
	    sum_memory(true, slow) > w->limits->memory_bytes;
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

	if (over_memory(w, slow))
		return CTL_MEMORY;
	return over_disk(w) ? (uint32_t)CTL_DISK : 0U;
}
