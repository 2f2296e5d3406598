#ifndef OTLP_OTLP_H
#define OTLP_OTLP_H
/*
 * Requests of OTLP/HTTP from rows of the decision log.
 *
 *     otlp_logs(WIRE_JSON, &who, rows, count, &out);
 *     any = otlp_traces(WIRE_JSON, &who, rows, count, &out);
 *     otlp_metrics(WIRE_JSON, &who, &counters, now_ns, &out);
 *
 * Source: the OTLP specification 1.10 and its proto files.
 */
#include "counters.h"
#include "event.h"
#include "wire.h"

struct otlp_resource {
	const char *version, *host;
	int64_t pid;
};

void otlp_logs(enum wire_form form, const struct otlp_resource *who,
    json_t *const *rows, size_t count, struct buf *out);
/* false: none of the rows tells of time that passed. */
bool otlp_traces(enum wire_form form, const struct otlp_resource *who,
    json_t *const *rows, size_t count, struct buf *out);
void otlp_metrics(enum wire_form form, const struct otlp_resource *who,
    const struct counters *n, int64_t now_ns, struct buf *out);

#endif
