#ifndef BASE_CGROUP_H
#define BASE_CGROUP_H
/*
 * Control groups: where this process may make them, and one for each run.
 *
 *     cgroup_find(&places);                   what is not there is in why
 *     r = cgroup_make(&places, &limits, &group, e);
 *     cgroup_join(group.join, group.join_count, "0")    in the process itself
 *     ... cgroup_oom_kills(group.events)
 *     cgroup_give_back(&places, &group);      when nothing is alive in it
 *     cgroup_places_close(&places);
 *
 * Version 2 where its controllers can be used here, version 1 for what it
 * holds. Having none is no error: it is a fact that callers report.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "str.h"

#define CGROUP_PLACES_MAX 3
#define CGROUP_NAME_MAX 48
#define CGROUP_PATH_MAX 1024
#define CGROUP_SPARE_MAX 32

enum cgroup_control {
	CGROUP_MEMORY = 1,
	CGROUP_PIDS = 2,
	CGROUP_CPU = 4,
	CGROUP_ALL = CGROUP_MEMORY | CGROUP_PIDS | CGROUP_CPU,
};

/* A folder in which groups can be made that limit these. */
struct cgroup_place {
	int dir; /* owned */
	unsigned controls;
	bool unified; /* version 2 */
	bool has_first; /* the first group is made, and nobody's yet */
};

struct cgroup_limits {
	uint64_t memory_bytes;
	uint64_t pids;
	uint32_t cpu_percent; /* of one processor; 0: as much as there is */
};

struct cgroup {
	char name[CGROUP_NAME_MAX]; /* "": there is none */
	/* Write "0" to each of them to be inside, before there is a second
	 * thread; owned, and open for the next run that gets this group. */
	int join[CGROUP_PLACES_MAX];
	size_t join_count;
	int events; /* for cgroup_oom_kills, or -1; owned */
	int charged; /* how much memory is, or -1; owned */
	int inside; /* how many processes are, or -1; owned */
	int forks; /* for cgroup_refused_forks, or -1; owned */
	bool was_full; /* and that was true */
	unsigned controls; /* what it limits */
	struct cgroup_limits limits;
};

struct cgroup_places {
	struct cgroup_place at[CGROUP_PLACES_MAX];
	size_t count;
	unsigned controls; /* of all together */
	unsigned wanted;
	unsigned made; /* groups so far, for their names */
	char why[160]; /* what is missing, "" when nothing is */
	struct cgroup spare[CGROUP_SPARE_MAX]; /* as good as new */
	size_t spare_count;
};

#define CGROUP_INIT                                                            \
	{                                                                      \
		.join = { -1, -1, -1 }, .events = -1, .charged = -1,           \
		.inside = -1, .forks = -1                                      \
	}

void cgroup_find(struct cgroup_places *ret);
/* Removes what launchers left that were killed, as far as nothing is alive in
 * it; cgroup_find does that, too. */
void cgroup_sweep(const struct cgroup_places *p);
/* Those alone, for a program that stands alone: cgroup_make_room, too. */
void cgroup_find_alone(unsigned wanted, struct cgroup_places *ret);
/* Removes the groups that were given back, too. */
void cgroup_places_close(struct cgroup_places *p);
/* Groups that a process of ours left behind when it was killed go, too. */
int cgroup_make(struct cgroup_places *p, const struct cgroup_limits *limits,
    struct cgroup *ret, struct err *e);
/* pid: a number in the writer's own process namespace, "0": itself. */
int cgroup_join(const int *join, size_t count, const char *pid);
/* May entering take milliseconds? Version 2 moves whole processes, and for
 * that stops all that start or end meanwhile; version 1 moves a thread. */
bool cgroup_join_waits(const int *join, size_t count);
/* How many processes in it were ended for its memory; 0 where nobody tells. */
uint64_t cgroup_oom_kills(int events);
/* Was a process not made because there were as many as the group may have?
 * Then no other run gets it. */
bool cgroup_refused_forks(const struct cgroup_places *p, struct cgroup *g);
/* Closes what the group holds; it itself may stay. */
void cgroup_close(struct cgroup *g);
/*
 * Making and removing a group costs more than most commands. One in which
 * nothing was ended for its memory, and to which hardly anything is charged
 * any more, is as good as new: the next cgroup_make with the same limits gets
 * it. Any other is removed.
 */
/* The same of one in which a process of ours, and nothing else, is left. */
bool cgroup_serves_on(const struct cgroup_places *p, struct cgroup *g);
void cgroup_give_back(struct cgroup_places *p, struct cgroup *g);
void cgroup_remove(const struct cgroup_places *p, struct cgroup *g);

/*
 * Version 2 has no limits for groups next to processes: where this process is
 * alone in a group that it may change, it moves into one below, and those of
 * its runs come beside that. Does nothing where that is not so.
 */
void cgroup_make_room(void);
/* A place for the runs of another user, and pid in it. Root only; where there
 * are no groups, nothing happens. */
void cgroup_hand_over(uid_t uid, gid_t gid, pid_t pid);
/* When no process is in it any more; else nothing happens. */
void cgroup_take_back(uid_t uid);

/* For tests: one line of mountinfo and what /proc/self/cgroup says, to the
 * folder of this process's own group. */
struct cgroup_mount {
	char path[CGROUP_PATH_MAX];
	unsigned controls; /* of version 1; of version 2 its files tell */
	bool unified;
};
bool cgroup_parse_mount(
    struct str line, struct str own, struct cgroup_mount *ret);

#endif
