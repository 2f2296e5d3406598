#ifndef PROXY_FLOW_H
#define PROXY_FLOW_H
/*
 * One direction of a connection: what comes from one socket goes to another.
 *
 *     f->frame = http_frame_to_end();
 *     r = flow_put(f, bytes, e);     written by us or read already
 *     r = flow_pump(f, now, e);      as much as goes without waiting
 *     reads = flow_reads(f), writes = flow_writes(f)
 */
#include "http_frame.h"
#include "meter.h"
#include "pipes.h"

#define FLOW_SCRATCH_BYTES ((size_t)64 * 1024)

/* Shared by all flows of a proxy. */
struct flow_tools {
	struct meter meter;
	struct pipes pipes;
	char *scratch; /* FLOW_SCRATCH_BYTES */
};

struct flow {
	struct flow_tools *tools;
	int from, to; /* borrowed; -1: not there (yet) */
	bool up; /* from the run */
	struct http_frame frame;
	struct buf held; /* read, not written */
	struct pipe_pair *pipe;
	size_t piped; /* bytes in it */
	bool bulk; /* a long stream */
	bool eof; /* nothing more comes */
	bool starved; /* the meter says: later */
	bool shuts; /* the end is passed on */
	bool shut;
	bool broken; /* the socket that it goes to takes no more */
	uint64_t bytes;
};

void flow_init(struct flow *f, struct flow_tools *tools, bool up);
void flow_done(struct flow *f);
/* Nothing more flows; what was held is dropped. */
void flow_stop(struct flow *f);
/* Bytes that are not part of the frame: words of our own. */
int flow_put(struct flow *f, struct str bytes, struct err *e);
/* A head that the run sent or gets: it counts. */
int flow_put_head(struct flow *f, struct str bytes, struct err *e);
/* Bytes of the frame that were read before; what is beyond it is dropped. */
int flow_feed(struct flow *f, struct str bytes, struct err *e);
/* After an error nothing more flows here; broken says on which side. */
int flow_pump(struct flow *f, int64_t now_ns, struct err *e);
bool flow_reads(const struct flow *f);
bool flow_writes(const struct flow *f);
/* All that will ever come was written. */
bool flow_ended(const struct flow *f);

#endif
