#ifndef CORE_OUTFLOW_H
#define CORE_OUTFLOW_H
/*
 * What a run writes, on its way to those who read it, no faster than they do.
 *
 *     outflow_add(f, &out, 1, bytes);       as it comes from the launcher
 *     outflow_reader_add(f, &out, reader);
 *     outflow_taken(f, &out, call_id, n);   its client has taken n bytes
 *     n = outflow_credit(f);                the launcher may send so many more
 *
 * The first and the last bytes of each stream are kept for the outcome and for
 * who comes late; the rest passes through a tail that the slowest reader bounds. Who
 * proposed the action holds it: the launcher hears that bytes were taken when
 * his reader is not behind, and without that it stops reading the run's
 * pipes. Whoever else reads is sent away when he falls too far behind. Before
 * the first reader what is not kept waits for a while; without any, it goes.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define OUTFLOW_STREAMS 2
/* Bytes of events that a reader may have been sent and has not taken. */
#define OUTFLOW_AHEAD ((size_t)256 << 10)
/* A tail of that length sends away the readers that nothing waits for. */
#define OUTFLOW_TAIL_LONG ((size_t)4 << 20)
#define OUTFLOW_TAIL_MAX ((size_t)16 << 20)

/* The last bytes of a stream: full, the oldest is at at. */
struct outflow_last {
	struct buf bytes;
	size_t at;
};

struct output_reader {
	struct output_reader *next;
	uint64_t call_id;
	bool holds; /* the run waits for it */
	bool ends_run; /* when it hangs up */
	size_t ahead; /* bytes that were sent and not taken */
	/* of what was kept when it came */
	size_t head_at[OUTFLOW_STREAMS], head_to[OUTFLOW_STREAMS];
	/* of the last bytes, when it came after the end */
	size_t last_at[OUTFLOW_STREAMS], last_to[OUTFLOW_STREAMS];
	uint64_t tail_at, tail_new; /* older than new: kept ones were in head */
	uint64_t missed[OUTFLOW_STREAMS]; /* gone before it came */
	bool told_missed;
};

struct outflow {
	struct output_reader *readers;
	struct buf kept[OUTFLOW_STREAMS]; /* the first bytes of each stream */
	struct outflow_last last[OUTFLOW_STREAMS];
	struct buf text[OUTFLOW_STREAMS]; /* that outflow_text made */
	struct buf tail; /* u8 stream and whether it is kept, str bytes */
	size_t tail_gone; /* bytes at its start that every reader has */
	uint64_t tail_start; /* where it starts, counted from the beginning */
	uint64_t total[OUTFLOW_STREAMS];
	size_t owed; /* that the launcher has not heard of */
	bool had_reader, over;
	bool waits; /* what is in the tail is for the first reader */
};

/* Where a reader's events go. */
struct outflow_out {
	void *ctx;
	void (*chunk)(void *ctx, uint64_t call_id, struct str bytes);
	void (*end)(void *ctx, uint64_t call_id);
};

/* The first so many bytes of each stream are kept, and of the last ones an
 * eighth of that. */
void outflow_init(struct outflow *f, size_t kept_max);
/* Less than that; before the first byte. */
void outflow_keep_less(struct outflow *f, size_t kept_max);
void outflow_free(struct outflow *f);
/* What the run holds in memory of its output. */
size_t outflow_size(const struct outflow *f);
/* stream 1 or 2. keep: so many bytes more may be kept; returns how many. */
size_t outflow_add(struct outflow *f, const struct outflow_out *out, int stream,
    struct str bytes, size_t keep);
/* Takes the reader, which has call_id, holds and ends_run set. */
void outflow_reader_add(struct outflow *f, const struct outflow_out *out,
    struct output_reader *reader);
/* Its client hung up. Returns it, to be freed, or NULL. */
struct output_reader *outflow_reader_gone(
    struct outflow *f, const struct outflow_out *out, uint64_t call_id);
void outflow_taken(struct outflow *f, const struct outflow_out *out,
    uint64_t call_id, uint64_t bytes);
/* Nobody has come: what waited is dropped, and so is what comes. */
void outflow_give_up(struct outflow *f);
/* The run has ended: readers get the rest, and then their end. */
void outflow_end(struct outflow *f, const struct outflow_out *out);
/* All readers are sent away, whatever they have not got yet. */
void outflow_dismiss(struct outflow *f, const struct outflow_out *out);
/* Bytes that the launcher may be told are taken; counts them as told. */
size_t outflow_credit(struct outflow *f);
bool outflow_is_cut(const struct outflow *f);
/*
 * Of what is kept of stream 1 or 2, at the end of the run, up to max bytes:
 * where that is not all, the beginning, how much is left out, and the end.
 * Valid as long as f.
 */
struct str outflow_text(struct outflow *f, int stream, size_t max);
/* All that is kept, in order and without a word about gaps. */
void outflow_put_all(const struct outflow *f, int stream, struct buf *to);

#endif
