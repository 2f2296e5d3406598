/*
 * The sink for systemd's journal.
 * Runs in: reporter.  Trusts: journald, which the kernel tells who we are.
 * Owns: the socket.
 *
 * Datagrams of this machine are queued or refused, never lost on the way. One
 * that is too large goes as a sealed file, as the protocol has it.
 */
#include "sink_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/loop.h"
#include "base/mem.h"
#include "datagram.h"
#include "journal_entry.h"

#define ENTRY_BYTES_MAX ((size_t)64 << 20)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct sink_journal {
	struct sink sink;
	struct journal_options o;
	int fd;
};

static int
send_file(struct sink_journal *j, struct str entry, int64_t deadline_ns,
    struct err *e)
{
	AUTO_FD int file =
	    memfd_create("assent-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr m = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int r;

	if (file < 0)
		return err_sys(e, "cannot make a file for a large entry");
	r = fdio_write_all(file, entry.s, entry.len, e);
	if (r != 0)
		return r;
	if (fcntl(file, F_ADD_SEALS, SEALS) != 0)
		return err_sys(e, "cannot seal a large entry");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof(file));
	return datagram_send(j->fd, &m, deadline_ns) != 0
	    ? err_sys(e, "cannot send to '%s'", j->o.path)
	    : ERR_OK;
}

static int
send_entry(struct sink_journal *j, struct str entry, int64_t deadline_ns,
    struct err *e)
{
	struct iovec bytes = {
		.iov_base = (void *)(uintptr_t)entry.s,
		.iov_len = entry.len,
	};
	const struct msghdr m = { .msg_iov = &bytes, .msg_iovlen = 1 };

	if (datagram_send(j->fd, &m, deadline_ns) == 0)
		return ERR_OK;
	if (errno == EMSGSIZE || errno == ENOBUFS)
		return send_file(j, entry, deadline_ns, e);
	return err_sys(e, "cannot send to '%s'", j->o.path);
}

static int
send_rows(struct sink_journal *j, json_t *const *rows, size_t count,
    size_t *ret_taken, struct err *e)
{
	const int64_t deadline_ns = loop_now_ns() + DATAGRAM_WITHIN_NS;
	AUTO_BUF struct buf entry = BUF_INIT(ENTRY_BYTES_MAX);
	int r = j->fd >= 0 ? ERR_OK : datagram_connect(j->o.path, &j->fd, e);

	for (size_t i = 0; r == 0 && i < count; i++) {
		buf_reset(&entry);
		journal_entry(rows[i], &entry);
		r = buf_done(&entry, e);
		if (r == 0)
			r = send_entry(j, buf_str(&entry), deadline_ns, e);
		if (r == 0)
			*ret_taken = i + 1;
	}
	return r;
}

static void
journal_send(struct sink *sink, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	struct sink_journal *j = (struct sink_journal *)sink;
	struct err why = ERR_INIT;
	size_t taken = 0;
	const int r = send_rows(j, rows, count, &taken, &why);

	/* journald that was started anew has another socket */
	if (r != 0)
		fd_closep(&j->fd);
	sink_tell(done, ctx, r, taken, &why);
}

static void
journal_close(struct sink *sink)
{
	struct sink_journal *j = (struct sink_journal *)sink;

	fd_closep(&j->fd);
	mem_freep(&j);
}

int
sink_journal_new(
    const struct journal_options *o, struct sink **ret, struct err *e)
{
	static const struct sink_ops ops = {
		.send = journal_send,
		.close = journal_close,
	};
	struct sink_journal *j = mem_new(1, sizeof(*j));

	if (j == NULL)
		return err_nomem(e);
	j->sink = (struct sink){ .ops = &ops, .name = "journal" };
	j->o = *o;
	j->fd = -1;
	*ret = &j->sink;
	return ERR_OK;
}
