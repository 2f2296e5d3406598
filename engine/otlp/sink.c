/*
 * What sinks have in common.
 * Runs in: reporter.  Trusts: nothing.  Owns: nothing.
 */
#include "sink.h"

void
sink_tell(
    sink_done_fn *done, void *ctx, int r, size_t taken, const struct err *why)
{
	done(ctx,
	    &(struct sink_result){
		.verdict = r == 0 ? SINK_TAKEN : SINK_LATER,
		.taken = taken,
		.why = r == 0 ? NULL : why->msg,
	    });
}
