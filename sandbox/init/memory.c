/*
 * Sum up the memory of a run, also what no process shows.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: the kernel's /proc of the run's own processes and network.
 * Owns: a second opening of each memory file that is in use.
 */
#include "init/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/memory_proc.h"
#include "sys.h"

#define FILES_MAX 2048 /* memory files in use */
#define LENGTHS_MAX 1024 /* the longest shared mappings */
#define SOCKETS_FREE 512 /* that no program of good will exceeds by much */
#define SOCKET_BYTES ((uint64_t)208 << 10) /* what one may hold back */
#define LOW_PERCENT 5 /* of the machine's memory: then it is short */

struct memory {
	uint64_t limit;
	bool bare;
	/* Of all shared mappings ever made the longest, longest first. */
	uint64_t lengths[LENGTHS_MAX];
	size_t length_count;
	uint64_t made, made_bytes; /* all of them */
	int files[FILES_MAX];
	size_t file_count;
	uint64_t available; /* of the machine, when the run began */
	struct memory_objects objects;
};

struct memory *
memory_open(uint64_t limit_bytes, bool bare)
{
	struct memory *m = sys_map(sizeof(*m));
	struct rlimit files;

	if (m == NULL)
		return NULL;
	m->limit = limit_bytes;
	m->bare = bare;
	m->available = memory_proc_available(NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	return m;
}

void
memory_free(struct memory *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->file_count; i++)
		(void)close(m->files[i]);
	(void)munmap(m, sizeof(*m));
}

static void
add_length(struct memory *m, uint64_t len)
{
	size_t at = m->length_count;

	m->made++;
	m->made_bytes += len;
	while (at > 0 && m->lengths[at - 1] < len)
		at--;
	if (at == LENGTHS_MAX)
		return;
	if (m->length_count == LENGTHS_MAX)
		m->length_count--;
	memmove(&m->lengths[at + 1], &m->lengths[at],
	    (m->length_count - at) * sizeof(m->lengths[0]));
	m->lengths[at] = len;
	m->length_count++;
}

/* So many are alive, and nobody tells which: they are the longest. */
static uint64_t
shared_bytes(struct memory *m)
{
	uint64_t sum = 0;
	size_t alive;

	if (m->made == 0)
		return 0;
	memory_proc_objects(&m->objects, m->bare);
	alive = m->objects.count;
	/* One that the run made behind our back is of any length. */
	if (alive > m->made || m->objects.failed)
		return UINT64_MAX / 2;
	for (size_t i = 0; i < alive; i++)
		sum +=
		    m->lengths[i < m->length_count ? i : m->length_count - 1];
	return sum;
}

bool
memory_may_share(struct memory *m, uint64_t len)
{
	if (len > m->limit)
		return false;
	if ((m->made_bytes > m->limit || m->limit - m->made_bytes < len) &&
	    shared_bytes(m) + len > m->limit)
		return false;
	add_length(m, len);
	return true;
}

/*
 * A lease on writing is granted when nobody else has the file open, which
 * counts descriptors in any process, mappings, and messages on their way.
 */
static bool
is_in_use(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0)
		return true;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static uint64_t
file_bytes(struct memory *m)
{
	uint64_t sum = 0;
	size_t kept = 0;

	for (size_t i = 0; i < m->file_count; i++) {
		struct stat st;

		if (!is_in_use(m->files[i])) {
			(void)close(m->files[i]);
			continue;
		}
		if (fstat(m->files[i], &st) == 0)
			sum += (uint64_t)st.st_blocks * 512;
		m->files[kept++] = m->files[i];
	}
	m->file_count = kept;
	return sum;
}

static int
open_again(int fd, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

int
memory_keep(struct memory *m, int fd)
{
	AUTO_FD int theirs = open_again(fd, O_RDWR);
	AUTO_FD int ours = open_again(fd, O_RDONLY);

	if (theirs < 0 || ours < 0)
		return -1;
	if (m->file_count == FILES_MAX)
		(void)file_bytes(m);
	if (m->file_count == FILES_MAX) {
		errno = ENFILE;
		return -1;
	}
	m->files[m->file_count++] = TAKE_FD(ours);
	return TAKE_FD(theirs);
}

static uint64_t
socket_bytes(void)
{
	const uint64_t sockets = memory_proc_sockets();

	return sockets > SOCKETS_FREE ? (sockets - SOCKETS_FREE) * SOCKET_BYTES
				      : 0;
}

/* Whatever holds it: the machine is short of memory, and was not when the run
 * began. */
static bool
is_machine_short(const struct memory *m)
{
	uint64_t total = 0;
	const uint64_t now = memory_proc_available(&total);

	return now > 0 && now < total / 100 * LOW_PERCENT &&
	    m->available > now && m->available - now > m->limit;
}

bool
memory_is_over(struct memory *m, bool slow)
{
	struct memory_use use = memory_proc_sum(false, m->bare);
	uint64_t objects = file_bytes(m) + shared_bytes(m);

	if (slow)
		objects += m->bare ? 0 : memory_proc_sysv() + socket_bytes();
	if (slow && is_machine_short(m))
		return true;
	/* Mapped pages are pages of these objects, or of files in /tmp. */
	if (use.own + (use.shared > objects ? use.shared : objects) <= m->limit)
		return false;
	use = memory_proc_sum(true, m->bare);
	return use.own + (use.shared > objects ? use.shared : objects) >
	    m->limit;
}
