/*
 * Read what /proc tells of memory.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: the kernel.  Owns: nothing.
 */
#include "init/memory_proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/family.h"

#define TEXT_BYTES 4096
#define LINE_BYTES 8192
#define SHARED_NAME "/dev/zero (deleted)"

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

typedef void process_fn(void *ctx, const char *pid);

/* Numbers in /proc but our own. */
static void
each_process(process_fn *fn, void *ctx)
{
	DIR *dir = opendir("/proc");
	const struct dirent *d;
	char self[16];

	(void)snprintf(self, sizeof(self), "%d", getpid());
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' &&
		    strcmp(d->d_name, self) != 0)
			fn(ctx, d->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static void
each(process_fn *fn, void *ctx, bool bare)
{
	AUTO_FREE pid_t *list =
	    bare ? mem_new(FAMILY_MAX, sizeof(*list)) : NULL;
	const size_t count = list == NULL ? 0 : family_list(list, FAMILY_MAX);

	if (!bare)
		each_process(fn, ctx);
	for (size_t i = 0; i < count; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", list[i]);
		fn(ctx, text);
	}
}

static void
add_process(void *ctx, const char *pid)
{
	struct memory_use *use = ctx;
	char path[64], text[TEXT_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	if (read_text(path, text) <= 0)
		return;
	use->own += kilobytes(text, "\nVmPTE:") +
	    kilobytes(text, "\nRssAnon:") + kilobytes(text, "\nVmSwap:");
	use->shared += kilobytes(text, "\nRssShmem:");
}

static void
add_exactly(void *ctx, const char *pid)
{
	struct memory_use *use = ctx;
	char path[64], text[TEXT_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%.16s/smaps_rollup", pid);
	if (read_text(path, text) <= 0) {
		add_process(ctx, pid);
		return;
	}
	use->own +=
	    kilobytes(text, "\nPss_Anon:") + kilobytes(text, "\nSwapPss:");
	use->shared += kilobytes(text, "\nPss_Shmem:");
	(void)snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	if (read_text(path, text) > 0)
		use->own += kilobytes(text, "\nVmPTE:");
}

struct memory_use
memory_proc_sum(bool exact, bool bare)
{
	struct memory_use use = { .own = 0 };

	each(exact ? add_exactly : add_process, &use, bare);
	return use;
}

struct tasks {
	uint64_t count;
	char uid[32]; /* as the line of a status begins */
};

static void
add_tasks(void *ctx, const char *pid)
{
	struct tasks *t = ctx;
	char path[64], text[TEXT_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%.16s/status", pid);
	if (read_text(path, text) > 0 && strstr(text, t->uid) != NULL)
		t->count += kilobytes(text, "\nThreads:") / 1024;
}

uint64_t
memory_proc_tasks(void)
{
	struct tasks t = { .count = 1 };

	(void)snprintf(
	    t.uid, sizeof(t.uid), "\nUid:\t%u\t", (unsigned)getuid());
	each_process(add_tasks, &t);
	return t.count;
}

static void
add_object(struct memory_objects *o, uint64_t inode)
{
	size_t at = (size_t)(inode * 0x9e3779b97f4a7c15ULL >> 40);

	if (inode == 0)
		return;
	if (o->count >= MEMORY_OBJECTS_MAX) {
		o->failed = true;
		return;
	}
	for (at %= MEMORY_SLOTS; o->slots[at] != 0;
	     at = (at + 1) % MEMORY_SLOTS)
		if (o->slots[at] == inode)
			return;
	o->slots[at] = inode;
	o->count++;
}

/* "from-to rights offset device inode   name" */
static void
add_line(struct memory_objects *o, char *line)
{
	char *at = line, *rest = NULL;
	const char *inode;

	if (strstr(line, SHARED_NAME) == NULL)
		return;
	for (int i = 0; i < 4; i++)
		(void)strtok_r(i == 0 ? at : NULL, " ", &rest);
	inode = strtok_r(NULL, " ", &rest);
	if (inode != NULL)
		add_object(o, (uint64_t)strtoull(inode, NULL, 10));
}

static void
add_maps(void *ctx, const char *pid)
{
	struct memory_objects *o = ctx;
	char path[64], line[LINE_BYTES];
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%.16s/maps", pid);
	in = fopen(path, "re");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		add_line(o, line);
	if (in != NULL)
		(void)fclose(in);
}

void
memory_proc_objects(struct memory_objects *ret, bool bare)
{
	memset(ret, 0, sizeof(*ret));
	each(add_maps, ret, bare);
}

uint64_t
memory_proc_sysv(void)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	uint64_t sum = 0;
	FILE *in = fopen("/proc/sysvipc/shm", "re");

	/* The size is the fourth column, below a line of names. */
	while (in != NULL && getline(&line, &size, in) > 0) {
		char *rest = NULL, *at = line;

		for (int i = 0; i < 4; i++)
			at = strtok_r(i == 0 ? line : NULL, " ", &rest);
		if (at != NULL)
			sum += (uint64_t)strtoull(at, NULL, 10);
	}
	if (in != NULL)
		(void)fclose(in);
	return sum;
}

uint64_t
memory_proc_sockets(void)
{
	char text[TEXT_BYTES];
	const char *at;

	if (read_text("/proc/net/sockstat", text) <= 0)
		return 0;
	at = strstr(text, "sockets: used ");
	return at == NULL
	    ? 0
	    : (uint64_t)strtoull(at + strlen("sockets: used "), NULL, 10);
}

uint64_t
memory_proc_available(uint64_t *ret_total)
{
	char text[TEXT_BYTES];

	if (read_text("/proc/meminfo", text) <= 0)
		return 0;
	if (ret_total != NULL)
		*ret_total = kilobytes(text, "MemTotal:");
	return kilobytes(text, "\nMemAvailable:");
}
