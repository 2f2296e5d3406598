/*
 * Links between roles: a queue out, a checked table in (I6).
 * Runs in: every role.  Trusts: nothing that a peer sends; the kernel for
 * message boundaries.  Owns: its socket, its queue, received descriptors
 * until a handler takes them.
 */
#include "ipc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "mem.h"

#define SEND_BATCH_MAX 32
#define RECV_BATCH_MAX 16
/* Read at one wake-up, so that one busy peer does not starve the others. */
#define RECV_MESSAGES_MAX 256
/* One that a row permits, one that holds a long payload, and more, so that
 * too many are seen. Even: the kernel fills what alignment leaves, too. */
#define FDS_MAX 4
#define SOCKET_BUFFER_BYTES (1 << 20)
/* What a queued message costs besides its bytes. */
#define QUEUED_COST 128

enum header_flags {
	HEADER_MEMFD = 1, /* the payload is in the last descriptor */
	HEADER_FD = 2, /* the first descriptor belongs to the message */
};

struct header {
	uint16_t version, type;
	uint32_t flags;
	uint32_t len; /* of the payload, wherever it is */
	uint32_t reserved; /* 0 */
};

struct queued {
	struct queued *next;
	int fds[2];
	size_t fd_count;
	size_t inline_len;
	struct header header;
	char bytes[];
};

struct ipc {
	struct loop *loop;
	int fd;
	const char *peer;
	const struct ipc_row *table;
	bool *seen; /* by row, for IPC_ONCE */
	size_t rows;
	void *ctx;
	ipc_closed_fn *closed;
	struct loop_task flush;
	struct queued *queue, **queue_end;
	size_t queued_bytes;
	bool wants_write;
	bool out_broken; /* the peer takes nothing more */
	unsigned busy; /* in a callback: memory stays */
	bool freed;
	struct batch *batch;
};

struct control {
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

struct slot {
	struct header header;
	char bytes[IPC_INLINE_MAX];
};

struct received {
	struct header header;
	const char *bytes;
	size_t len; /* of bytes */
	int fds[FDS_MAX];
	size_t fd_count;
	bool cut;
};

/* What one system call receives; pages that no message fills stay untouched. */
struct batch {
	struct mmsghdr msgs[RECV_BATCH_MAX];
	struct iovec iov[RECV_BATCH_MAX];
	struct control control[RECV_BATCH_MAX];
	struct slot slots[RECV_BATCH_MAX];
};

/* ---- out --------------------------------------------------------------- */

static void
queued_free(struct queued *q)
{
	for (size_t n = 0; n < q->fd_count; n++)
		fd_closep(&q->fds[n]);
	mem_freep(&q);
}

static void
queued_freep(struct queued **q)
{
	if (*q != NULL)
		queued_free(*q);
	*q = NULL;
}

static size_t
queued_cost(const struct queued *q)
{
	return q->header.len + QUEUED_COST;
}

static void
queue_pop(struct ipc *i)
{
	struct queued *q = i->queue;

	assert(q != NULL);
	i->queue = q->next;
	if (i->queue == NULL)
		i->queue_end = &i->queue;
	i->queued_bytes -= queued_cost(q);
	queued_free(q);
}

static int
queued_new(uint16_t type, struct str payload, int fd, struct queued **ret,
    struct err *e)
{
	const size_t in = payload.len <= IPC_INLINE_MAX ? payload.len : 0;
	AUTO(queued_freep) struct queued *q = NULL;
	int r;

	q = mem_new(1, sizeof(*q) + in);
	if (q == NULL)
		return err_nomem(e);
	q->inline_len = in;
	q->header = (struct header){
		.version = IPC_VERSION,
		.type = type,
		.len = (uint32_t)payload.len,
	};
	if (fd >= 0) {
		q->fds[0] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (q->fds[0] < 0)
			return err_sys(e, "cannot duplicate descriptor %d", fd);
		q->fd_count++;
		q->header.flags |= HEADER_FD;
	}
	if (in != payload.len) {
		r = fdio_sealed("assent message", payload.s, payload.len,
		    &q->fds[q->fd_count], e);
		if (r != 0)
			return r;
		q->fd_count++;
		q->header.flags |= HEADER_MEMFD;
	} else if (in > 0) {
		memcpy(q->bytes, payload.s, in);
	}
	*ret = TAKE_PTR(q);
	return ERR_OK;
}

int
ipc_send(
    struct ipc *i, uint16_t type, struct str payload, int fd, struct err *e)
{
	struct queued *q = NULL;
	int r;

	if (i->fd < 0 || i->out_broken)
		return err_set(
		    e, ERR_CONFLICT, "the link to %s is closed", i->peer);
	if (payload.len > IPC_PAYLOAD_MAX)
		return err_set(e, ERR_LIMIT,
		    "message 0x%x to %s has %zu bytes, more than %zu", type,
		    i->peer, payload.len, IPC_PAYLOAD_MAX);
	if (i->queued_bytes + payload.len > IPC_QUEUE_MAX - QUEUED_COST)
		return err_set(e, ERR_LIMIT,
		    "%s does not keep up: %zu bytes wait for it", i->peer,
		    i->queued_bytes);
	r = queued_new(type, payload, fd, &q, e);
	if (r != 0)
		return r;
	assert(q != NULL);
	*i->queue_end = q;
	i->queue_end = &q->next;
	i->queued_bytes += queued_cost(q);
	if (!i->wants_write)
		loop_defer(i->loop, &i->flush);
	return ERR_OK;
}

size_t
ipc_queued(const struct ipc *i)
{
	return i->queued_bytes;
}

static void
attach(struct msghdr *m, struct control *c, const struct queued *q)
{
	const size_t bytes = sizeof(int) * q->fd_count;
	struct cmsghdr *h;

	if (q->fd_count == 0)
		return;
	memset(c, 0, sizeof(*c));
	m->msg_control = c->bytes;
	m->msg_controllen = CMSG_SPACE(bytes);
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(h), q->fds, bytes);
}

/* Sends a batch; returns how many the socket took, -1 with errno. */
static int
send_batch(struct ipc *i)
{
	struct mmsghdr msgs[SEND_BATCH_MAX];
	struct iovec iov[SEND_BATCH_MAX][2];
	struct control control[SEND_BATCH_MAX];
	unsigned n = 0;

	memset(msgs, 0, sizeof(msgs));
	for (struct queued *q = i->queue; q != NULL && n < SEND_BATCH_MAX;
	     q = q->next) {
		struct msghdr *m = &msgs[n].msg_hdr;

		iov[n][0] = (struct iovec){ &q->header, sizeof(q->header) };
		iov[n][1] = (struct iovec){ q->bytes, q->inline_len };
		m->msg_iov = iov[n];
		m->msg_iovlen = q->inline_len > 0 ? 2 : 1;
		attach(m, &control[n], q);
		n++;
	}
	return sendmmsg(i->fd, msgs, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
want_write(struct ipc *i, bool want)
{
	const unsigned events = LOOP_READ | (want ? LOOP_WRITE : 0u);

	if (want == i->wants_write)
		return;
	if (loop_change(i->loop, i->fd, events, NULL) == 0)
		i->wants_write = want;
	else
		i->out_broken = true;
}

static void
drop_queue(struct ipc *i)
{
	while (i->queue != NULL)
		queue_pop(i);
}

void
ipc_flush(struct ipc *i)
{
	while (i->queue != NULL && i->fd >= 0) {
		int n = send_batch(i);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
			break;
		if (n < 0) {
			/* What the peer sent before it went away is still
			 * to be read; reading then finds the end. */
			i->out_broken = true;
			(void)shutdown(i->fd, SHUT_RDWR);
			drop_queue(i);
		}
		for (; n > 0; n--)
			queue_pop(i);
	}
	if (i->fd >= 0)
		want_write(i, i->queue != NULL);
}

static void
on_flush(void *ctx)
{
	ipc_flush(ctx);
}

/* ---- the end ----------------------------------------------------------- */

static void
release(struct ipc *i)
{
	if (i->busy > 0)
		return;
	mem_freep(&i->seen);
	mem_freep(&i->batch);
	mem_freep(&i);
}

static void
hang_up(struct ipc *i)
{
	if (i->fd < 0)
		return;
	loop_undefer(i->loop, &i->flush);
	loop_forget(i->loop, i->fd);
	fd_closep(&i->fd);
	drop_queue(i);
}

void
ipc_free(struct ipc *i)
{
	if (i == NULL)
		return;
	assert(!i->freed);
	ipc_flush(i);
	hang_up(i);
	i->freed = true;
	release(i);
}

void
ipc_freep(struct ipc **i)
{
	ipc_free(*i);
	*i = NULL;
}

static void
end_link(struct ipc *i, const struct err *why)
{
	hang_up(i);
	i->closed(i->ctx, i, why);
}

/* ---- in ---------------------------------------------------------------- */

static int
violation(const struct ipc *i, const struct received *m, const char *what,
    struct err *e)
{
	return err_set(e, ERR_INTERNAL, "message 0x%x from %s %s",
	    m->header.type, i->peer, what);
}

static const struct ipc_row *
find_row(const struct ipc *i, uint16_t type)
{
	for (size_t n = 0; n < i->rows; n++) {
		if (i->table[n].type == type)
			return &i->table[n];
	}
	return NULL;
}

static int
check_header(const struct ipc *i, const struct received *m, struct err *e)
{
	const struct header *h = &m->header;
	const bool in_memfd = (h->flags & HEADER_MEMFD) != 0;

	if (h->version != IPC_VERSION)
		return violation(i, m, "is of another version", e);
	if ((h->flags & ~(uint32_t)(HEADER_MEMFD | HEADER_FD)) != 0 ||
	    h->reserved != 0)
		return violation(i, m, "has unknown flags", e);
	if (in_memfd ? m->len != 0 : m->len != h->len)
		return violation(i, m, "has another length than it says", e);
	if (in_memfd && h->len <= IPC_INLINE_MAX)
		return violation(i, m, "is short and in a memfd", e);
	return ERR_OK;
}

static int
check_row(const struct ipc *i, const struct received *m,
    const struct ipc_row **ret, struct err *e)
{
	const struct ipc_row *row = find_row(i, m->header.type);
	const bool has_fd = (m->header.flags & HEADER_FD) != 0;
	const bool in_memfd = (m->header.flags & HEADER_MEMFD) != 0;

	if (row == NULL)
		return violation(i, m, "is not in the table", e);
	if (m->header.len > row->len_max)
		return violation(i, m, "is too long", e);
	if (has_fd != ((row->flags & IPC_FD) != 0) ||
	    m->fd_count != (size_t)has_fd + (size_t)in_memfd)
		return violation(i, m, "has a wrong count of descriptors", e);
	if ((row->flags & IPC_ONCE) != 0 && i->seen[row - i->table])
		return violation(i, m, "came twice", e);
	*ret = row;
	return ERR_OK;
}

/* A copy, read rather than mapped: no page of it can fail to be there. */
static int
read_memfd(int fd, size_t len, struct buf *out, struct err *e)
{
	struct stat st;
	char *to;
	int r;

	r = fdio_is_sealed(fd, e);
	if (r != 0)
		return r;
	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot stat a message");
	if (st.st_size < 0 || (size_t)st.st_size != len)
		return err_set(e, ERR_INTERNAL, "message of another size");
	to = buf_reserve(out, len);
	if (to == NULL)
		return buf_done(out, e);
	for (size_t at = 0; at < len;) {
		const ssize_t n = pread(fd, to + at, len - at, (off_t)at);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			return err_sys(e, "cannot read a message");
		at += n > 0 ? (size_t)n : 0;
	}
	buf_advance(out, len);
	return ERR_OK;
}

static int
dispatch(struct ipc *i, struct received *m, struct err *e)
{
	AUTO_BUF struct buf copy = BUF_INIT(IPC_PAYLOAD_MAX);
	const struct ipc_row *row = NULL;
	struct ipc_msg msg = { .fd = -1, .from = i };
	int r;

	if (m->cut)
		return violation(i, m, "does not fit", e);
	r = check_header(i, m, e);
	if (r == 0)
		r = check_row(i, m, &row, e);
	if (r != 0)
		return r;
	assert(row != NULL);
	i->seen[row - i->table] = true;
	msg.type = m->header.type;
	msg.payload = str_n(m->bytes, m->len);
	if ((m->header.flags & HEADER_MEMFD) != 0) {
		r = read_memfd(
		    m->fds[m->fd_count - 1], m->header.len, &copy, e);
		if (r != 0)
			return err_wrap(e, r, "message 0x%x from %s",
			    m->header.type, i->peer);
		msg.payload = buf_str(&copy);
	}
	if ((m->header.flags & HEADER_FD) != 0)
		msg.fd = TAKE_FD(m->fds[0]);
	r = row->handler(i->ctx, &msg, e);
	fd_closep(&msg.fd);
	return r;
}

static void
take_fds(struct msghdr *h, struct received *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL;
	     c = CMSG_NXTHDR(h, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		assert(n <= FDS_MAX - m->fd_count);
		memcpy(&m->fds[m->fd_count], CMSG_DATA(c), n * sizeof(int));
		m->fd_count += n;
	}
}

static void
take_message(struct batch *b, unsigned n, struct received *m)
{
	struct msghdr *h = &b->msgs[n].msg_hdr;
	const size_t len = b->msgs[n].msg_len;

	*m = (struct received){ .bytes = b->slots[n].bytes };
	take_fds(h, m);
	m->cut = (h->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    len < sizeof(struct header);
	if (len >= sizeof(struct header)) {
		m->header = b->slots[n].header;
		m->len = len - sizeof(struct header);
	}
}

/* How many messages, 0 for none now, -1 with errno. */
static int
receive(struct ipc *i)
{
	struct batch *b = i->batch;
	int n;

	memset(b->msgs, 0, sizeof(b->msgs));
	for (size_t k = 0; k < RECV_BATCH_MAX; k++) {
		b->iov[k] = (struct iovec){ &b->slots[k], sizeof(b->slots[k]) };
		b->msgs[k].msg_hdr = (struct msghdr){
			.msg_iov = &b->iov[k],
			.msg_iovlen = 1,
			.msg_control = b->control[k].bytes,
			.msg_controllen = sizeof(b->control[k].bytes),
		};
	}
	do {
		n = recvmmsg(i->fd, b->msgs, RECV_BATCH_MAX,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
		/* A peer that went away with messages unread: what it sent
		 * comes after this error, then the end. */
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	return n < 0 && errno == EAGAIN ? 0 : n;
}

/* One message of a batch: true to go on with the next. Descriptors that
 * nobody took are closed, also those of messages after the end. */
static bool
handle(struct ipc *i, unsigned n)
{
	struct batch *b = i->batch;
	struct err e = ERR_INIT;
	struct received m;
	int r = 0;

	take_message(b, n, &m);
	if (i->fd >= 0 && b->msgs[n].msg_len == 0)
		end_link(i, NULL);
	else if (i->fd >= 0)
		r = dispatch(i, &m, &e);
	for (size_t k = 0; k < m.fd_count; k++)
		fd_closep(&m.fds[k]);
	if (r != 0 && i->fd >= 0)
		end_link(i, &e);
	return i->fd >= 0;
}

static bool
receive_batch(struct ipc *i, unsigned *count)
{
	const int n = receive(i);
	struct err e = ERR_INIT;
	bool open = true;

	if (n < 0) {
		(void)err_sys(&e, "cannot receive from %s", i->peer);
		end_link(i, &e);
		return false;
	}
	for (int k = 0; k < n; k++)
		open = handle(i, (unsigned)k);
	*count += (unsigned)n;
	return open && n == RECV_BATCH_MAX;
}

static void
on_event(void *ctx, int fd, unsigned events)
{
	struct ipc *i = ctx;
	unsigned count = 0;

	(void)fd;
	i->busy++;
	if ((events & LOOP_WRITE) != 0)
		ipc_flush(i);
	if ((events & (LOOP_READ | LOOP_HUP)) != 0) {
		while (count < RECV_MESSAGES_MAX && receive_batch(i, &count))
			continue;
	}
	i->busy--;
	if (i->freed)
		release(i);
}

/* ---- the beginning ----------------------------------------------------- */

/* lint.size: all that a link is, and none of it has a usual value. */
int
ipc_new(struct loop *l, int fd, const char *peer_keep,
    const struct ipc_row *table_keep, size_t rows, void *ctx,
    ipc_closed_fn *closed, struct ipc **ret, struct err *e)
{
	AUTO_FD int own = fd;
	AUTO_FREE struct ipc *i = mem_new(1, sizeof(*i));
	AUTO_FREE bool *seen = mem_new(rows, sizeof(*seen));
	AUTO_FREE struct batch *batch = mem_new(1, sizeof(*batch));
	int r;

	assert(closed != NULL);
	if (i == NULL || seen == NULL || batch == NULL)
		return err_nomem(e);
	*i = (struct ipc){
		.loop = l,
		.fd = fd,
		.peer = peer_keep,
		.table = table_keep,
		.rows = rows,
		.ctx = ctx,
		.closed = closed,
		.flush = { .fn = on_flush, .ctx = i },
		.queue_end = &i->queue,
	};
	r = fdio_nonblock(fd, e);
	if (r == 0)
		r = loop_fd(l, fd, LOOP_READ, on_event, i, e);
	if (r != 0)
		return err_wrap(e, r, "cannot listen to %s", peer_keep);
	i->seen = TAKE_PTR(seen);
	i->batch = TAKE_PTR(batch);
	(void)TAKE_FD(own);
	*ret = TAKE_PTR(i);
	return ERR_OK;
}

int
ipc_pair(int ret[2], struct err *e)
{
	const int bytes = SOCKET_BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ret) != 0)
		return err_sys(e, "cannot create a pair of sockets");
	for (int n = 0; n < 2; n++) {
		/* Beyond the limit where we may, else up to it. */
		if (setsockopt(ret[n], SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
			sizeof(bytes)) != 0)
			(void)setsockopt(ret[n], SOL_SOCKET, SO_SNDBUF, &bytes,
			    sizeof(bytes));
	}
	return ERR_OK;
}
