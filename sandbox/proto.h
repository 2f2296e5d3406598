#ifndef SANDBOX_PROTO_H
#define SANDBOX_PROTO_H
/*
 * What the engine's executor and a launcher (assent-exec) say to each other
 * over base/ipc.h.
 *
 *     executor -> launcher  XL_RUN, XL_STDIN, XL_SIGNAL, XL_LOOK,
 *                           XL_CHANGES, XL_NET_VERDICT, XL_BROKER, XL_TAKEN,
 *                           XL_PING
 *     launcher -> executor  LX_STARTED, LX_OUTPUT, LX_ENDED, LX_LOOKED,
 *                           LX_CHANGES, LX_NET_ASK, LX_NET_EVENT, LX_PONG
 *
 * Each message but the last of both begins with the run's number, chosen by the executor.
 */
#include "base/buf.h"
#include "base/err.h"
#include "model/action.h"

#define PROTO_OUTPUT_BYTES ((size_t)16 * 1024)
#define PROTO_ENDED_BYTES ((size_t)32 * 1024)
#define PROTO_STDIN_BYTES ((size_t)1 << 20)
#define PROTO_VIOLATIONS_MAX 32
#define PROTO_CHANGES_BYTES ((size_t)768 << 10)
#define PROTO_LOOK_BYTES ((size_t)1 << 20)

enum proto_type {
	XL_RUN = 0x801, /* u64 run, str plan record */
	XL_STDIN, /* u64 run, str bytes; a final ^D closes the input */
	XL_SIGNAL, /* u64 run, u32 signal */
	XL_LOOK, /* u64 run, operands: which files */
	XL_RESIZE, /* u64 run, u32 rows, u32 columns: of its terminal */
	XL_CHANGES, /* u64 run, u64 ticket, u8 what, u32 n, str paths */
	XL_NET_VERDICT, /* u64 run, struct proxy_verdict */
	/* u64 run, which follows; with its link to the broker */
	XL_BROKER,
	/* u64 run, u64 bytes of its output: nobody has to keep them now */
	XL_TAKEN,
	XL_PING, /* answered at once by LX_PONG */
	LX_STARTED = 0x901, /* u64 run */
	LX_OUTPUT, /* u64 run, u8 stream (1 or 2), str bytes */
	LX_ENDED, /* u64 run, outcome; always the last of a run */
	LX_CHANGES, /* u64 ticket, u32 -code, str why, u64 applied, str json */
	LX_LOOKED, /* u64 run, the same operands with what they hold */
	LX_NET_ASK, /* u64 run, struct proxy_ask */
	LX_NET_EVENT, /* u64 run, struct proxy_event; before its LX_ENDED */
	LX_PONG,
};

void proto_outcome_put(struct buf *b, const struct outcome *o);
/* Strings live in the arena; out and err_out stay empty. */
int proto_outcome_get(
    struct rec *r, struct arena *a, struct outcome *ret, struct err *e);

#endif
