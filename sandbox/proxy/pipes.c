/*
 * The pipes of splice(2).
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: the descriptors.
 */
#include "pipes.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"

static bool
open_pair(struct pipe_pair *p)
{
	int fds[2];
	int size;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	/* Beyond a user's share the kernel leaves it small. */
	(void)fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES);
	size = fcntl(fds[1], F_GETPIPE_SZ);
	*p = (struct pipe_pair){ .in = fds[1],
		.out = fds[0],
		.open = true,
		.size = size > 0 ? (size_t)size : 4096 };
	return true;
}

struct pipe_pair *
pipes_take(struct pipes *p)
{
	for (size_t i = 0; i < PIPES_MAX; i++) {
		struct pipe_pair *pair = &p->list[i];

		if (pair->taken || (!pair->open && !open_pair(pair)))
			continue;
		pair->taken = true;
		return pair;
	}
	return NULL;
}

void
pipes_give(struct pipe_pair *p)
{
	assert(p->taken);
	p->taken = false;
}

/* Bytes of one connection must never come out in another. */
void
pipes_drop(struct pipe_pair *p)
{
	assert(p->taken);
	fd_closep(&p->in);
	fd_closep(&p->out);
	*p = (struct pipe_pair){ .open = false };
}

void
pipes_done(struct pipes *p)
{
	for (size_t i = 0; i < PIPES_MAX; i++) {
		if (p->list[i].open) {
			fd_closep(&p->list[i].in);
			fd_closep(&p->list[i].out);
		}
		p->list[i] = (struct pipe_pair){ .open = false };
	}
}
