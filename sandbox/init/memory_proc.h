#ifndef SANDBOX_MEMORY_PROC_H
#define SANDBOX_MEMORY_PROC_H
/*
 * What /proc tells of the memory of a run's processes. Only for memory.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_OBJECTS_MAX 8192
#define MEMORY_SLOTS ((size_t)4 * MEMORY_OBJECTS_MAX)

struct memory_use {
	uint64_t own; /* anonymous pages, swap, page tables */
	uint64_t shared; /* mapped pages of shared memory */
};

/* The shared mappings without a file that anybody has a part of. */
struct memory_objects {
	uint64_t slots[MEMORY_SLOTS]; /* inode numbers, by hash; 0: free */
	size_t count;
	bool failed; /* there are more */
};

/* Of all processes but ours; bare: of those that descend from it. exact: each by its share of common pages, which
 * is right and slow; else they count more than once. */
struct memory_use memory_proc_sum(bool exact, bool bare);
void memory_proc_objects(struct memory_objects *ret, bool bare);
/* Processes and threads of this process's user, as far as it sees them. */
uint64_t memory_proc_tasks(void);
uint64_t memory_proc_sysv(void); /* in bytes */
uint64_t memory_proc_sockets(void); /* how many, in this network */
/* Of the machine; 0: unknown. ret_total may be NULL. */
uint64_t memory_proc_available(uint64_t *ret_total);

#endif
