/*
 * Make and remove the control group of a run.
 * Runs in: assent-exec, on the host's side.  Trusts: the kernel.
 * Owns: the groups that it makes; their names carry its process's number.
 */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "cgroup_int.h"
#include "mem.h"
#include "num.h"

#define CPU_PERIOD_US 100000U
#define NUMBER_BYTES 32
#define EVENTS_BYTES 512
#define SWEEP_MAX 4096
#define KILL_TRIES 50
#define KILL_WAIT_MS 2
/* What stays charged after a small run: the kernel charges in batches. */
#define CHARGED_MAX ((uint64_t)4 << 20)

static bool
has_place(const struct cgroup_places *p)
{
	return p->count < CGROUP_PLACES_MAX;
}

/* Whether a group can be made in it and entered is known by trying: what was
 * made for that is the first one. */
static bool
try_first(int dir)
{
	char name[CGROUP_NAME_MAX], procs[CGROUP_NAME_MAX + 16];

	(void)snprintf(name, sizeof(name), CGROUP_RUN_PREFIX "%d-0", getpid());
	/* Of a process that had our number, and was killed. */
	if (mkdirat(dir, name, 0755) != 0 &&
	    (errno != EEXIST || unlinkat(dir, name, AT_REMOVEDIR) != 0 ||
		mkdirat(dir, name, 0755) != 0))
		return false;
	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", name);
	if (faccessat(dir, procs, W_OK, AT_EACCESS) == 0)
		return true;
	(void)unlinkat(dir, name, AT_REMOVEDIR);
	return false;
}

/* What ended while its process was killed: that process is no more. */
static void
sweep(int dir)
{
	const int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *d;

	for (int i = 0;
	     list != NULL && i < SWEEP_MAX && (d = readdir(list)) != NULL;
	     i++) {
		long pid;

		if (strncmp(d->d_name, CGROUP_RUN_PREFIX,
			strlen(CGROUP_RUN_PREFIX)) != 0)
			continue;
		pid = strtol(d->d_name + strlen(CGROUP_RUN_PREFIX), NULL, 10);
		if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
			(void)unlinkat(dir, d->d_name, AT_REMOVEDIR);
	}
	if (list != NULL)
		(void)closedir(list);
	else if (copy >= 0)
		(void)close(copy);
}

static void
add_place(
    struct cgroup_places *p, const char *path, unsigned controls, bool unified)
{
	AUTO_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	controls &= p->wanted & ~p->controls; /* each in one place */
	if (dir < 0 || controls == 0 || !has_place(p) || !try_first(dir))
		return;
	sweep(dir);
	p->controls |= controls;
	p->at[p->count++] = (struct cgroup_place){
		.dir = TAKE_FD(dir),
		.controls = controls,
		.unified = unified,
		.has_first = true,
	};
}

/*
 * Below our own group where that may have limited ones (it is empty but for
 * us: see cgroup_make_room; or the machine's first), else beside it.
 */
static void
add_unified(struct cgroup_places *p, const struct cgroup_mount *m)
{
	char path[CGROUP_PATH_MAX];
	AUTO_FD int own = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int above = -1;
	char *slash;

	if (own < 0)
		return;
	add_place(
	    p, m->path, cgroup_listed(own, "cgroup.subtree_control"), true);
	(void)snprintf(path, sizeof(path), "%s", m->path);
	slash = strrchr(path, '/');
	if (slash == NULL || slash == path)
		return;
	*slash = '\0';
	above = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above >= 0)
		add_place(p, path,
		    cgroup_listed(above, "cgroup.subtree_control"), true);
}

static void
say_missing(struct cgroup_places *p, size_t mounts)
{
	const bool memory = (p->controls & CGROUP_MEMORY) == 0;
	const bool processes = (p->controls & CGROUP_PIDS) == 0;

	if (p->controls == CGROUP_ALL)
		return;
	(void)snprintf(p->why, sizeof(p->why), "%s%s%s%s: %s",
	    "no control group can limit", memory ? " memory" : "",
	    !processes   ? ""
		: memory ? ", processes"
			 : " processes",
	    (p->controls & CGROUP_CPU) != 0 ? ""
		: memory || processes       ? ", processor time"
					    : " processor time",
	    mounts == 0 ? "none is mounted here"
			: "this user has none of its own (not delegated)");
}

static void
find(const struct cgroup_mount *m, size_t count, unsigned wanted,
    struct cgroup_places *ret)
{
	*ret = (struct cgroup_places){ .wanted = wanted };
	for (size_t i = 0; i < count; i++) {
		if (m[i].unified)
			add_unified(ret, &m[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (!m[i].unified)
			add_place(ret, m[i].path, m[i].controls, false);
	}
	say_missing(ret, count);
}

void
cgroup_find(struct cgroup_places *ret)
{
	AUTO_FREE struct cgroup_mount *m =
	    mem_new(CGROUP_MOUNTS_MAX, sizeof(*m));

	find(m, m == NULL ? 0 : cgroup_own(m), CGROUP_ALL, ret);
}

void
cgroup_find_alone(unsigned wanted, struct cgroup_places *ret)
{
	AUTO_FREE struct cgroup_mount *m =
	    mem_new(CGROUP_MOUNTS_MAX, sizeof(*m));
	size_t count = m == NULL ? 0 : cgroup_own(m);

	if (cgroup_room_in(m, count))
		count = cgroup_own(m);
	find(m, count, wanted, ret);
}

static void
remove_firsts(struct cgroup_places *p)
{
	char name[CGROUP_NAME_MAX];

	(void)snprintf(name, sizeof(name), CGROUP_RUN_PREFIX "%d-0", getpid());
	for (size_t i = 0; i < p->count; i++) {
		if (p->at[i].has_first)
			(void)unlinkat(p->at[i].dir, name, AT_REMOVEDIR);
	}
}

void
cgroup_sweep(const struct cgroup_places *p)
{
	for (size_t i = 0; i < p->count; i++)
		sweep(p->at[i].dir);
}

void
cgroup_places_close(struct cgroup_places *p)
{
	while (p->spare_count > 0)
		cgroup_remove(p, &p->spare[--p->spare_count]);
	remove_firsts(p);
	for (size_t i = 0; i < p->count; i++)
		fd_closep(&p->at[i].dir);
	p->count = 0;
	p->controls = 0;
}

static int
write_number(int dir, const char *file, uint64_t value)
{
	char text[NUMBER_BYTES];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return cgroup_write(dir, file, text);
}

static int
limit_memory(int dir, bool unified, uint64_t bytes)
{
	if (unified) {
		/* Swap would only make the same use slower. */
		(void)write_number(dir, "memory.swap.max", 0);
		return write_number(dir, "memory.max", bytes);
	}
	if (write_number(dir, "memory.limit_in_bytes", bytes) != 0)
		return -1;
	/* There where swap is accounted for. */
	(void)write_number(dir, "memory.memsw.limit_in_bytes", bytes);
	return 0;
}

static int
limit_cpu(int dir, bool unified, uint32_t percent)
{
	const uint64_t quota = (uint64_t)percent * CPU_PERIOD_US / 100;
	char text[2 * NUMBER_BYTES];

	if (percent == 0)
		return 0;
	if (!unified)
		return write_number(dir, "cpu.cfs_period_us", CPU_PERIOD_US) ==
			0
		    ? write_number(dir, "cpu.cfs_quota_us", quota)
		    : -1;
	(void)snprintf(text, sizeof(text), "%llu %u", (unsigned long long)quota,
	    CPU_PERIOD_US);
	return cgroup_write(dir, "cpu.max", text);
}

static int
set_limits(int dir, const struct cgroup_place *place,
    const struct cgroup_limits *l, struct err *e)
{
	const unsigned c = place->controls;

	if ((c & CGROUP_MEMORY) != 0 &&
	    limit_memory(dir, place->unified, l->memory_bytes) != 0)
		return err_sys(e, "cannot limit a control group's memory");
	if ((c & CGROUP_PIDS) != 0 && write_number(dir, "pids.max", l->pids))
		return err_sys(e, "cannot limit a control group's processes");
	if ((c & CGROUP_CPU) != 0 &&
	    limit_cpu(dir, place->unified, l->cpu_percent) != 0)
		return err_sys(e, "cannot limit a control group's time");
	return ERR_OK;
}

static int
open_in(
    const struct cgroup_place *place, int dir, struct cgroup *g, struct err *e)
{
	const int fd = openat(dir, place->unified ? "cgroup.procs" : "tasks",
	    O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "cannot open a control group to enter it");
	g->join[g->join_count++] = fd;
	g->controls |= place->controls;
	if ((place->controls & CGROUP_MEMORY) != 0)
		g->events = openat(dir,
		    place->unified ? "memory.events" : "memory.oom_control",
		    O_RDONLY | O_CLOEXEC);
	return ERR_OK;
}

static int
make_in(struct cgroup_place *place, const struct cgroup_limits *l,
    struct cgroup *g, struct err *e)
{
	AUTO_FD int dir = -1;
	int r;

	if (!place->has_first && mkdirat(place->dir, g->name, 0755) != 0)
		return err_sys(
		    e, "cannot make the control group '%s'", g->name);
	place->has_first = false;
	dir = openat(place->dir, g->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "cannot open a control group");
	r = set_limits(dir, place, l, e);
	return r == 0 ? open_in(place, dir, g, e) : r;
}

static bool
has_limits(const struct cgroup *g, const struct cgroup_limits *l)
{
	return g->limits.memory_bytes == l->memory_bytes &&
	    g->limits.pids == l->pids &&
	    g->limits.cpu_percent == l->cpu_percent;
}

static int
open_file(
    const struct cgroup_place *place, const struct cgroup *g, const char *file)
{
	char path[CGROUP_NAME_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", g->name, file);
	return openat(place->dir, path, O_RDONLY | O_CLOEXEC);
}

/* Only a group that serves many runs is worth to be watched. */
static void
open_counts(const struct cgroup_places *p, struct cgroup *g)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct cgroup_place *at = &p->at[i];
		const unsigned controls = at->controls & g->controls;

		if (g->charged < 0 && (controls & CGROUP_MEMORY) != 0)
			g->charged = open_file(at, g,
			    at->unified ? "memory.current"
					: "memory.usage_in_bytes");
		if (g->inside < 0 && (controls & CGROUP_PIDS) != 0)
			g->inside = open_file(at, g, "pids.current");
	}
}

/* The number behind a word of a file that counts; 0 where nobody tells. */
static uint64_t
read_count(int fd, const char *word)
{
	char text[EVENTS_BYTES];
	const ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	const char *at;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, word);
	return at == NULL ? 0 : (uint64_t)strtoull(at + strlen(word), NULL, 10);
}

/* Of one of the group's files; -1: it is not told, or there is none. */
static int
read_number(int fd, uint64_t *ret)
{
	char text[NUMBER_BYTES];
	const ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text), 0);

	return n > 1 &&
		num_parse_u64(str_n(text, (size_t)n - 1), 0, UINT64_MAX, ret) ==
		    0
	    ? 0
	    : -1;
}

bool
cgroup_refused_forks(const struct cgroup_places *p, struct cgroup *g)
{
	for (size_t i = 0; g->forks < 0 && i < p->count; i++) {
		if ((p->at[i].controls & g->controls & CGROUP_PIDS) != 0)
			g->forks = open_file(&p->at[i], g, "pids.events");
	}
	g->was_full = read_count(g->forks, "max ") > 0;
	return g->was_full;
}

/* Whoever is in it still would be in the next run's. Without a count, of which
 * the kernel keeps one for all places, the lists tell. */
static bool
is_empty(const struct cgroup_places *p, const struct cgroup *g)
{
	uint64_t inside = 0;
	bool empty = true;

	if (g->inside >= 0)
		return read_number(g->inside, &inside) == 0 && inside == 0;
	for (size_t i = 0; empty && i < p->count; i++) {
		AUTO_FD int fd = open_file(&p->at[i], g, "cgroup.procs");
		char text[1];

		empty = fd >= 0 ? read(fd, text, 1) == 0 : errno == ENOENT;
	}
	return empty;
}

static bool
is_clean(const struct cgroup *g)
{
	uint64_t charged = 0;

	if (g->was_full)
		return false;
	if ((g->controls & CGROUP_MEMORY) == 0)
		return true;
	return cgroup_oom_kills(g->events) == 0 &&
	    read_number(g->charged, &charged) == 0 && charged <= CHARGED_MAX;
}

/* One that somebody removed meanwhile is none. */
static bool
take_spare(struct cgroup_places *p, const struct cgroup_limits *limits,
    struct cgroup *ret)
{
	for (size_t i = p->spare_count; i > 0; i--) {
		struct cgroup g = p->spare[i - 1];

		if (!has_limits(&g, limits))
			continue;
		p->spare[i - 1] = p->spare[--p->spare_count];
		if (is_empty(p, &g)) {
			*ret = g;
			return true;
		}
		cgroup_remove(p, &g);
	}
	return false;
}

int
cgroup_make(struct cgroup_places *p, const struct cgroup_limits *limits,
    struct cgroup *ret, struct err *e)
{
	struct cgroup g = CGROUP_INIT;
	int r = ERR_OK;

	if (take_spare(p, limits, ret))
		return ERR_OK;
	g.limits = *limits;
	(void)snprintf(g.name, sizeof(g.name), CGROUP_RUN_PREFIX "%d-%u",
	    getpid(), p->made++);
	for (size_t i = 0; r == 0 && i < p->count; i++) {
		/* A place for nothing that is asked for costs for nothing. */
		if (p->at[i].controls == CGROUP_CPU && limits->cpu_percent == 0)
			continue;
		r = make_in(&p->at[i], limits, &g, e);
	}
	if (r != 0)
		cgroup_remove(p, &g);
	else
		*ret = g;
	return r;
}

int
cgroup_join(const int *join, size_t count, const char *pid)
{
	const size_t n = strlen(pid);

	for (size_t i = 0; i < count; i++) {
		if (write(join[i], pid, n) != (ssize_t)n)
			return -1;
	}
	return 0;
}

bool
cgroup_join_waits(const int *join, size_t count)
{
	struct statfs st;

	for (size_t i = 0; i < count; i++) {
		if (fstatfs(join[i], &st) != 0 ||
		    st.f_type != CGROUP_SUPER_MAGIC)
			return true;
	}
	return false;
}

uint64_t
cgroup_oom_kills(int events)
{
	return read_count(events, "oom_kill ");
}

void
cgroup_close(struct cgroup *g)
{
	for (size_t i = 0; i < g->join_count; i++)
		fd_closep(&g->join[i]);
	fd_closep(&g->events);
	fd_closep(&g->charged);
	fd_closep(&g->inside);
	fd_closep(&g->forks);
	g->join_count = 0;
	g->events = g->charged = g->inside = g->forks = -1;
}

void
cgroup_end(int dir, const char *name)
{
	char path[CGROUP_NAME_MAX + 16];

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno != EBUSY)
		return;
	(void)snprintf(path, sizeof(path), "%s/cgroup.kill", name);
	if (cgroup_write(dir, path, "1") != 0)
		return;
	for (int i = 0; i < KILL_TRIES &&
	     unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno == EBUSY;
	     i++)
		(void)poll(NULL, 0, KILL_WAIT_MS);
}

void
cgroup_remove(const struct cgroup_places *p, struct cgroup *g)
{
	cgroup_close(g);
	for (size_t i = 0; g->name[0] != '\0' && i < p->count; i++)
		cgroup_end(p->at[i].dir, g->name);
	g->name[0] = '\0';
}

bool
cgroup_serves_on(const struct cgroup_places *p, struct cgroup *g)
{
	uint64_t inside = 0;

	if (g->name[0] == '\0')
		return true;
	open_counts(p, g);
	return !cgroup_refused_forks(p, g) && is_clean(g) &&
	    (g->inside < 0 ||
		(read_number(g->inside, &inside) == 0 && inside == 1));
}

void
cgroup_give_back(struct cgroup_places *p, struct cgroup *g)
{
	bool clean = g->name[0] != '\0' && p->spare_count < CGROUP_SPARE_MAX;

	if (clean)
		open_counts(p, g);
	clean = clean && is_empty(p, g) && is_clean(g);
	if (!clean) {
		cgroup_remove(p, g);
		return;
	}
	p->spare[p->spare_count++] = *g;
	*g = (struct cgroup)CGROUP_INIT;
}
