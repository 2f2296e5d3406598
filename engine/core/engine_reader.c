/*
 * Collect what readers of repositories' rules write.
 * Runs in: engine.  Trusts: nothing in the bytes.  Owns: the pipes.
 */
#include "engine_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "model/project.h"

#define READERS_MAX 64
#define READ_BYTES 65536

struct one {
	struct readers *rs;
	int fd; /* -1: free */
	uint64_t ticket;
	struct buf record;
};

struct readers {
	struct loop *loop;
	readers_done_fn *done;
	void *ctx;
	struct one v[READERS_MAX];
};

int
readers_new(struct loop *l, readers_done_fn *done, void *ctx,
    struct readers **ret, struct err *e)
{
	struct readers *rs = mem_new(1, sizeof(*rs));

	if (rs == NULL)
		return err_nomem(e);
	*rs = (struct readers){ .loop = l, .done = done, .ctx = ctx };
	for (size_t i = 0; i < READERS_MAX; i++)
		rs->v[i].fd = -1;
	*ret = rs;
	return ERR_OK;
}

static void
end(struct one *o)
{
	loop_forget(o->rs->loop, o->fd);
	fd_closep(&o->fd);
	o->fd = -1;
	buf_free(&o->record);
}

void
readers_free(struct readers *rs)
{
	if (rs == NULL)
		return;
	for (size_t i = 0; i < READERS_MAX; i++) {
		if (rs->v[i].fd >= 0)
			end(&rs->v[i]);
	}
	free(rs);
}

static void
on_bytes(void *ctx, int fd, unsigned events)
{
	struct one *o = ctx;
	char *to = buf_reserve(&o->record, READ_BYTES);
	ssize_t n = 0;

	(void)events;
	if (to != NULL) {
		n = read(fd, to, READ_BYTES);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n > 0)
			buf_advance(&o->record, (size_t)n);
	}
	if (n > 0)
		return;
	o->rs->done(o->rs->ctx, o->ticket, buf_str(&o->record));
	end(o);
}

int
readers_add(struct readers *rs, uint64_t ticket, int fd, struct err *e)
{
	AUTO_FD int own = fd;
	int r;

	for (size_t i = 0; i < READERS_MAX; i++) {
		struct one *o = &rs->v[i];

		if (o->fd >= 0)
			continue;
		r = fdio_nonblock(own, e);
		if (r == 0)
			r = loop_fd(rs->loop, own, LOOP_READ, on_bytes, o, e);
		if (r != 0)
			return r;
		*o = (struct one){ .rs = rs,
			.ticket = ticket,
			.fd = TAKE_FD(own),
			.record = BUF_INIT(PROJECT_RECORD_MAX + READ_BYTES) };
		return ERR_OK;
	}
	return err_set(
	    e, ERR_LIMIT, "%d readers of rules run already", READERS_MAX);
}
