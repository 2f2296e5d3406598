#ifndef BASE_IPC_H
#define BASE_IPC_H
/*
 * Typed messages between roles over SOCK_SEQPACKET (I6).
 *
 *     static const struct ipc_row table[] = {
 *             { .type = FE_PROPOSE, .len_max = ACTION_BYTES_MAX,
 *               .handler = on_propose },
 *     };
 *     r = ipc_new(loop, fd, "front", table, ARRAY_LEN(table), ctx,
 *         on_closed, &ipc, e);
 *     r = ipc_send(ipc, EF_REPLY, buf_str(&body), -1, e);
 *
 * A message whose type is not in the table, that is longer than its row
 * permits, that carries a descriptor its row does not expect (or lacks one),
 * or whose handler fails, ends the link: on_closed is called with the reason
 * and the sender is not listened to again. Payloads above IPC_INLINE_MAX
 * travel in a sealed memfd; the handler does not see the difference.
 * Sends never block and never call back: messages are queued, up to
 * IPC_QUEUE_MAX bytes, then ERR_LIMIT, and leave together before the loop
 * waits again (several in one system call).
 */
#include <stdint.h>

#include "err.h"
#include "loop.h"
#include "str.h"

#define IPC_VERSION 1
#define IPC_INLINE_MAX ((size_t)32 * 1024)
#define IPC_PAYLOAD_MAX ((size_t)16 << 20)
#define IPC_QUEUE_MAX ((size_t)64 << 20)

struct ipc;

struct ipc_msg {
	uint16_t type;
	struct str payload; /* valid during the handler */
	int fd; /* -1, or attached: take it with TAKE_FD */
	struct ipc *from;
};

/* 0, or negative with *e set: the link ends. It may free the ipc. */
typedef int ipc_handler(void *ctx, struct ipc_msg *m, struct err *e);
/* why is NULL when the peer hung up. The ipc may be freed in it; when it is
 * not, it is only good for ipc_free. */
typedef void ipc_closed_fn(void *ctx, struct ipc *i, const struct err *why);

enum ipc_row_flags {
	IPC_FD = 1, /* exactly one descriptor must be attached */
	IPC_ONCE = 2, /* at most once on a link */
};

struct ipc_row {
	uint16_t type;
	unsigned flags;
	size_t len_max;
	ipc_handler *handler;
};

/* Takes fd, also on failure. table and peer are borrowed for the life of the
 * ipc (_keep). */
int ipc_new(struct loop *l, int fd, const char *peer_keep,
    const struct ipc_row *table_keep, size_t rows, void *ctx,
    ipc_closed_fn *closed, struct ipc **ret, struct err *e);
/* Sends what the socket takes at once, drops the rest, hangs up. on_closed is
 * not called. */
void ipc_free(struct ipc *i);
void ipc_freep(struct ipc **i);
/* fd -1 for none; it is duplicated, the caller keeps its own. ERR_CONFLICT
 * after the link ended. */
int ipc_send(
    struct ipc *i, uint16_t type, struct str payload, int fd, struct err *e);
/* Sends what the socket takes now; the rest follows by itself. */
void ipc_flush(struct ipc *i);
/* Bytes queued and not yet taken by the socket. */
size_t ipc_queued(const struct ipc *i);
/* Two connected ends, CLOEXEC, non-blocking, buffers as large as allowed. */
int ipc_pair(int ret[2], struct err *e);

#endif
