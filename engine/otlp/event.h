#ifndef OTLP_EVENT_H
#define OTLP_EVENT_H
/*
 * A row of the decision log as OpenTelemetry sees it: an event with
 * attributes, and where it tells of time that passed, a span.
 *
 *     event_of(row, &event);       row: as the log exports it
 *
 * Ids of traces and spans come from the caller's traceparent where the row
 * has one, else from the action's id: a row that is sent twice is the same
 * record twice.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/trace.h"

#define EVENT_ATTRS_MAX 40

struct attr {
	const char *name;
	const char *text; /* NULL: it is the number */
	int64_t number;
};

/* Text is borrowed from the row. */
struct event {
	const char *name; /* assent.decision.recorded */
	const char *body; /* a sentence for people, or NULL */
	unsigned severity; /* OpenTelemetry's numbers */
	int64_t time_ns, duration_ns;
	const char *span; /* the name of its span; NULL: it is none */
	bool failed;
	struct trace_place place;
	struct attr attrs[EVENT_ATTRS_MAX];
	size_t attr_count;
};

#define SEVERITY_INFO 9
#define SEVERITY_WARN 13
#define SEVERITY_ERROR 17

/* What is no row is an error. */
unsigned event_severity(const json_t *row);
const char *severity_text(unsigned severity);
/* 0, or ERR_INVALID for what is no row; then ret has no name. */
int event_of(const json_t *row, struct event *ret);

#endif
