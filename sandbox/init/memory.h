#ifndef SANDBOX_MEMORY_H
#define SANDBOX_MEMORY_H
/*
 * The memory of a run where no control group bounds it: what its processes
 * have mapped, and what none of them shows.
 *
 *     memory_open(&m, limit_bytes)      in the first process of a run
 *     memory_may_share(m, len)          before a shared mapping is made
 *     memory_keep(m, fd, &theirs)       of each memory file
 *     memory_is_over(m, slow)           now and then
 *     memory_free(m)
 *
 * A shared mapping counts with the length that it was made with, for as long
 * as anybody has any part of it: what was let go of is not seen otherwise. A
 * memory file counts with what it holds, for as long as anybody has it open,
 * or it is on its way through a socket.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct memory;

/* bare: /proc shows others, too. NULL without memory. */
struct memory *memory_open(uint64_t limit_bytes, bool bare);
void memory_free(struct memory *m);
/* False: with this one it would be too much. */
bool memory_may_share(struct memory *m, uint64_t len);
/* A descriptor of the same file for the run. -1 and errno: there are too many
 * of them, or it cannot be followed. fd stays the caller's. */
int memory_keep(struct memory *m, int fd);
/* slow: also what costs more to look at. */
bool memory_is_over(struct memory *m, bool slow);

#endif
