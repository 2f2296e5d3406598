/*
 * Logs, traces and metrics of OTLP, field by field.
 * Runs in: reporter.  Trusts: nothing in text.  Owns: nothing.
 */
#include "otlp.h"

#include <string.h>

#define SCOPE_NAME "assent"
#define SPAN_KIND_INTERNAL 1
#define SPAN_KIND_SERVER 2
#define STATUS_ERROR 2
#define TEMPORALITY_CUMULATIVE 2

/* ---- what all requests share ------------------------------------------------ */

static void
put_value(struct wire *w, const struct attr *a)
{
	if (a->text != NULL)
		wire_text(w, 1, "stringValue", a->text);
	else
		wire_int64(w, 3, "intValue", a->number);
}

static void
put_attrs(
    struct wire *w, unsigned field, const struct attr *attrs, size_t count)
{
	wire_list(w, "attributes");
	for (size_t i = 0; i < count; i++) {
		wire_item(w, field);
		wire_text(w, 1, "key", attrs[i].name);
		wire_message(w, 2, "value");
		put_value(w, &attrs[i]);
		wire_end(w);
		wire_end(w);
	}
	wire_list_end(w);
}

static bool
has_attr(const struct attr *attrs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(attrs[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
put_resource(struct wire *w, const struct otlp_resource *who)
{
	const struct attr own[] = {
		{ .name = "service.name",
		    .text = who->service == NULL ? SCOPE_NAME : who->service },
		{ .name = "service.version", .text = who->version },
		{ .name = "host.name", .text = who->host },
		{ .name = "process.pid", .number = who->pid },
	};
	struct attr all[ARRAY_LEN(own) + RESOURCE_ATTRS_MAX];
	size_t count = ARRAY_LEN(own);

	memcpy(all, own, sizeof(own));
	/* a key has one value: ours */
	for (size_t i = 0; i < who->attr_count; i++) {
		if (!has_attr(all, count, who->attrs[i].name))
			all[count++] = who->attrs[i];
	}
	wire_message(w, 1, "resource");
	put_attrs(w, 1, all, count);
	wire_end(w);
}

/* Down to where the records of a signal go. */
static void
begin(struct wire *w, const struct otlp_resource *who, const char *resources,
    const char *scopes, const char *records)
{
	wire_list(w, resources);
	wire_item(w, 1);
	put_resource(w, who);
	wire_list(w, scopes);
	wire_item(w, 2);
	wire_message(w, 1, "scope");
	wire_text(w, 1, "name", SCOPE_NAME);
	wire_text(w, 2, "version", who->version);
	wire_end(w);
	wire_list(w, records);
}

static void
finish(struct wire *w)
{
	wire_list_end(w);
	wire_end(w);
	wire_list_end(w);
	wire_end(w);
	wire_list_end(w);
	wire_done(w);
}

/* ---- logs --------------------------------------------------------------------- */

static void
put_record(struct wire *w, const struct event *ev)
{
	wire_item(w, 2);
	wire_fixed64(w, 1, "timeUnixNano", (uint64_t)ev->time_ns);
	wire_fixed64(w, 11, "observedTimeUnixNano", (uint64_t)ev->time_ns);
	wire_enum(w, 2, "severityNumber", ev->severity);
	wire_text(w, 3, "severityText", severity_text(ev->severity));
	wire_text(w, 12, "eventName", ev->name);
	if (ev->body != NULL) {
		wire_message(w, 5, "body");
		wire_text(w, 1, "stringValue", ev->body);
		wire_end(w);
	}
	put_attrs(w, 6, ev->attrs, ev->attr_count);
	if (ev->place.known) {
		wire_id(w, 9, "traceId", ev->place.trace_id, TRACE_ID_LEN);
		wire_id(w, 10, "spanId", ev->place.span_id, SPAN_ID_LEN);
	}
	wire_end(w);
}

void
otlp_logs(enum wire_form form, const struct otlp_resource *who,
    const struct event *events, size_t count, struct buf *out)
{
	struct wire w = wire_on(form, out);

	begin(&w, who, "resourceLogs", "scopeLogs", "logRecords");
	for (size_t i = 0; i < count; i++) {
		if (events[i].name != NULL)
			put_record(&w, &events[i]);
	}
	finish(&w);
}

/* ---- traces ------------------------------------------------------------------- */

static void
put_span(struct wire *w, const struct event *ev)
{
	const bool run = strcmp(ev->span, TRACE_SPAN_RUN) == 0;

	wire_item(w, 2);
	wire_id(w, 1, "traceId", ev->place.trace_id, TRACE_ID_LEN);
	wire_id(w, 2, "spanId", ev->place.span_id, SPAN_ID_LEN);
	if (ev->place.has_parent)
		wire_id(w, 4, "parentSpanId", ev->place.parent_id, SPAN_ID_LEN);
	wire_text(w, 5, "name", ev->span);
	wire_enum(w, 6, "kind", run ? SPAN_KIND_INTERNAL : SPAN_KIND_SERVER);
	wire_fixed64(w, 7, "startTimeUnixNano",
	    (uint64_t)(ev->time_ns - ev->duration_ns));
	wire_fixed64(w, 8, "endTimeUnixNano", (uint64_t)ev->time_ns);
	put_attrs(w, 9, ev->attrs, ev->attr_count);
	if (ev->failed) {
		wire_message(w, 15, "status");
		wire_enum(w, 3, "code", STATUS_ERROR);
		wire_end(w);
	}
	wire_end(w);
}

bool
otlp_traces(enum wire_form form, const struct otlp_resource *who,
    const struct event *events, size_t count, struct buf *out)
{
	struct wire w = wire_on(form, out);
	bool any = false;

	begin(&w, who, "resourceSpans", "scopeSpans", "spans");
	for (size_t i = 0; i < count; i++) {
		if (events[i].span == NULL || !events[i].place.known)
			continue;
		put_span(&w, &events[i]);
		any = true;
	}
	finish(&w);
	return any;
}

/* ---- metrics ------------------------------------------------------------------ */

static void
put_point(struct wire *w, const struct counters *n, const struct counter *c,
    int64_t now_ns)
{
	struct attr attrs[COUNTER_LABELS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < COUNTER_LABELS_MAX; i++) {
		if (counter_names[c->kind].labels[i] == NULL)
			continue;
		attrs[count++] = (struct attr){
			.name = counter_names[c->kind].labels[i],
			.text = c->values[i],
		};
	}
	wire_item(w, 1);
	put_attrs(w, 7, attrs, count);
	wire_fixed64(w, 2, "startTimeUnixNano", (uint64_t)n->start_ns);
	wire_fixed64(w, 3, "timeUnixNano", (uint64_t)now_ns);
	wire_sfixed64(w, 6, "asInt", c->count);
	wire_end(w);
}

static void
put_metric(struct wire *w, const struct counters *n, enum counter_kind kind,
    int64_t now_ns)
{
	wire_item(w, 2);
	wire_text(w, 1, "name", counter_names[kind].name);
	wire_text(w, 2, "description", counter_names[kind].help);
	wire_text(w, 3, "unit", counter_names[kind].unit);
	wire_message(w, 7, "sum");
	wire_list(w, "dataPoints");
	for (size_t i = 0; i < n->count; i++) {
		if (n->items[i].kind == kind)
			put_point(w, n, &n->items[i], now_ns);
	}
	wire_list_end(w);
	wire_enum(w, 2, "aggregationTemporality", TEMPORALITY_CUMULATIVE);
	wire_bool(w, 3, "isMonotonic", true);
	wire_end(w);
	wire_end(w);
}

void
otlp_metrics(enum wire_form form, const struct otlp_resource *who,
    const struct counters *n, int64_t now_ns, struct buf *out)
{
	struct wire w = wire_on(form, out);

	begin(&w, who, "resourceMetrics", "scopeMetrics", "metrics");
	for (unsigned kind = 0; kind < COUNT_KINDS; kind++)
		put_metric(&w, n, (enum counter_kind)kind, now_ns);
	finish(&w);
}
