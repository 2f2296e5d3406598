#ifndef MODEL_TRACE_H
#define MODEL_TRACE_H
/*
 * Where an action is in a distributed trace (W3C Trace Context).
 *
 *     r = trace_place(traceparent, action_id, TRACE_SPAN_RUN, &place);
 *     trace_print(&place, text);    "00-<trace>-<span>-01"
 *
 * The trace is the caller's where it named one, else it comes from the
 * action's id; spans always do. So whoever knows the id knows the place, and
 * what is said twice is the same twice.
 */
#include <stdbool.h>
#include <stdint.h>

#define TRACE_ID_LEN 16
#define SPAN_ID_LEN 8
#define TRACEPARENT_LEN 55

/* An action has two spans. */
#define TRACE_SPAN_EVALUATE "assent.evaluate"
#define TRACE_SPAN_RUN "execute_tool"

struct trace_place {
	bool known; /* of an action */
	uint8_t trace_id[TRACE_ID_LEN], span_id[SPAN_ID_LEN];
	bool has_parent;
	uint8_t parent_id[SPAN_ID_LEN];
	uint8_t flags; /* of the caller; else 1: sampled */
};

/* traceparent: what the caller sent, or NULL; one that is ill-formed is none.
 * 0, or a failure of libcrypto. */
int trace_place(const char *traceparent, const char *action_id,
    const char *span, struct trace_place *ret);
void trace_print(
    const struct trace_place *p, char ret[static TRACEPARENT_LEN + 1]);

#endif
