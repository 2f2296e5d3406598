#ifndef OTLP_SINK_H
#define OTLP_SINK_H
/*
 * A way out of the decision log: takes batches of rows, one at a time.
 *
 *     sink->ops->send(sink, rows, count, on_done, ctx);
 *     ...                              on_done once, maybe within send
 *     sink->ops->close(sink);          no on_done after it
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A checkpoint comes alone, in the form of a row without seq: kind
 * "checkpoint", body.rows, body.checkpoint.
 */
enum sink_verdict {
	SINK_TAKEN, /* all rows are safe there, but for `refused` of them */
	SINK_LATER, /* the same again, after a while; what is left of it at
		       once, if some were taken */
	SINK_REFUSED, /* as they are they will never be taken */
};

struct sink_result {
	enum sink_verdict verdict;
	size_t taken; /* with SINK_LATER: so many are safe, the first ones */
	uint64_t refused; /* with SINK_TAKEN: dropped there for good */
	int64_t retry_after_ms; /* with SINK_LATER; 0: as we like */
	const char *why; /* or NULL; valid during the call */
};

typedef void sink_done_fn(void *ctx, const struct sink_result *r);

struct sink;

struct sink_ops {
	void (*send)(struct sink *s, json_t *const *rows, size_t count,
	    sink_done_fn *done, void *ctx);
	void (*close)(struct sink *s);
};

/* What a sink that waits for no answer says: taken, or later and why. */
void sink_tell(
    sink_done_fn *done, void *ctx, int r, size_t taken, const struct err *why);

/* First member of every sink. */
struct sink {
	const struct sink_ops *ops;
	const char *name; /* of its cursor, log lines, metrics */
};

#endif
