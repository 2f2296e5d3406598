#ifndef PROXY_PIPES_H
#define PROXY_PIPES_H
/*
 * A few pipes through which the kernel moves long streams without copying.
 *
 *     p = pipes_take(&pipes);      NULL: copy instead
 *     pipes_give(p);               empty
 *     pipes_drop(p);               whatever is left in it
 */
#include <stdbool.h>
#include <stddef.h>

#define PIPES_MAX 16
#define PIPE_BYTES (1 << 20)

struct pipe_pair {
	int in, out; /* written to, read from */
	bool open, taken;
	size_t size;
};

struct pipes {
	struct pipe_pair list[PIPES_MAX];
};

struct pipe_pair *pipes_take(struct pipes *p);
void pipes_give(struct pipe_pair *p);
void pipes_drop(struct pipe_pair *p);
void pipes_done(struct pipes *p);

#endif
