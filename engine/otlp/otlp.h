#ifndef OTLP_OTLP_H
#define OTLP_OTLP_H
/*
 * Requests of OTLP/HTTP from rows of the decision log.
 *
 *     r = event_of(rows[i], &events[i]);
 *     otlp_logs(WIRE_JSON, &who, events, count, &out);
 *     any = otlp_traces(WIRE_JSON, &who, events, count, &out);
 *     otlp_metrics(WIRE_JSON, &who, &counters, now_ns, &out);
 *
 * Source: the OTLP specification 1.10 and its proto files.
 */
#include "counters.h"
#include "event.h"
#include "wire.h"

#define RESOURCE_ATTRS_MAX 32

struct otlp_resource {
	const char *version, *host;
	const char *service; /* NULL: assent */
	int64_t pid;
	/* The site's own, besides these. */
	struct attr attrs[RESOURCE_ATTRS_MAX];
	size_t attr_count;
};

/* What was no row (no name) is left out. */
void otlp_logs(enum wire_form form, const struct otlp_resource *who,
    const struct event *events, size_t count, struct buf *out);
/* false: none of them tells of time that passed. */
bool otlp_traces(enum wire_form form, const struct otlp_resource *who,
    const struct event *events, size_t count, struct buf *out);
void otlp_metrics(enum wire_form form, const struct otlp_resource *who,
    const struct counters *n, int64_t now_ns, struct buf *out);

#endif
