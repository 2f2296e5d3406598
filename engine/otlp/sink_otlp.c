/*
 * The sink for a collector of OpenTelemetry.
 * Runs in: reporter.  Trusts: nothing of the collector.  Owns: the request
 * under way.
 *
 * Logs decide: rows are safe when their log records were taken. Spans and
 * metrics are drawn from the same rows; a collector that has no use for them
 * is asked once and then left alone.
 */
#include "sink_otlp.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "destination.h"
#include "verdict.h"

#define REQUEST_BYTES_MAX ((size_t)64 << 20)
#define HTTP_BAD 400
#define HTTP_WORSE 500
#define METRICS_EVERY_NS INT64_C(10000000000)

static const struct {
	const char *name, *rejected;
} signals[OTLP_SIGNALS] = {
	[OTLP_LOGS] = { "logs", "rejectedLogRecords" },
	[OTLP_TRACES] = { "spans", "rejectedSpans" },
	[OTLP_METRICS] = { "metrics", "rejectedDataPoints" },
};

struct sink_otlp {
	struct sink sink;
	struct otlp_options o;
	struct post *post;
	enum otlp_signal signal; /* under way */
	bool unwanted[OTLP_SIGNALS];
	json_int_t logged_seq; /* the last row whose record was taken */
	uint64_t refused; /* of this batch */
	struct counters counters;
	int64_t metrics_ns;
	json_t *const *rows; /* the batch, and what it says */
	struct event *events;
	size_t count;
	sink_done_fn *done;
	void *ctx;
};

static void next_signal(struct sink_otlp *s);

static json_int_t
last_seq(const struct sink_otlp *s)
{
	return json_integer_value(
	    json_object_get(s->rows[s->count - 1], "seq"));
}

static void
finish(struct sink_otlp *s, const struct sink_result *r)
{
	s->rows = NULL;
	s->count = 0;
	s->done(s->ctx, r);
}

/* ---- answers ---------------------------------------------------------------- */

static void
on_logs(struct sink_otlp *s, const struct sink_result *r)
{
	if (r->verdict != SINK_TAKEN) {
		finish(s, r);
		return;
	}
	s->refused = r->refused;
	if (r->refused > 0)
		log_warn("export", "the collector rejected %llu records: %s",
		    (unsigned long long)r->refused,
		    r->why == NULL ? "" : r->why);
	for (size_t i = 0; i < s->count; i++)
		counters_add(&s->counters, s->rows[i]);
	if (last_seq(s) > s->logged_seq)
		s->logged_seq = last_seq(s);
	s->signal = OTLP_TRACES;
	next_signal(s);
}

/* The rows are there. A collector that has no use for spans or metrics says
 * so with a 4xx; anything else passes. */
static void
on_others(struct sink_otlp *s, long status, const struct sink_result *r)
{
	if (r->verdict == SINK_LATER &&
	    (status < HTTP_BAD || status >= HTTP_WORSE)) {
		finish(s, r);
		return;
	}
	if (r->verdict != SINK_TAKEN) {
		log_warn("export", "the collector takes no %s: %s",
		    signals[s->signal].name, r->why);
		s->unwanted[s->signal] = true;
	}
	s->signal++;
	next_signal(s);
}

static void
on_answer(void *ctx, const struct post_result *answer)
{
	char why[VERDICT_WHY_MAX];
	struct sink_otlp *s = ctx;
	struct sink_result r;

	s->post = NULL;
	verdict_of_otlp(answer, s->o.ways[s->signal].form,
	    signals[s->signal].rejected, why, &r);
	if (s->signal == OTLP_LOGS)
		on_logs(s, &r);
	else
		on_others(s, answer->status, &r);
}

/* ---- requests ---------------------------------------------------------------- */

static bool
metrics_due(struct sink_otlp *s)
{
	const int64_t now = s->o.real_ns();

	if (s->metrics_ns != 0 && now - s->metrics_ns < METRICS_EVERY_NS &&
	    now >= s->metrics_ns)
		return false;
	s->metrics_ns = now;
	return true;
}

/* false: there is nothing to send of this signal. */
static bool
write_body(struct sink_otlp *s, struct buf *out)
{
	const struct otlp_way *way;

	if (s->unwanted[s->signal])
		return false;
	way = &s->o.ways[s->signal];
	switch (s->signal) {
	case OTLP_LOGS:
		otlp_logs(way->form, &s->o.who, s->events, s->count, out);
		return true;
	case OTLP_TRACES:
		return otlp_traces(
		    way->form, &s->o.who, s->events, s->count, out);
	case OTLP_METRICS:
		if (!metrics_due(s))
			return false;
		otlp_metrics(
		    way->form, &s->o.who, &s->counters, s->o.real_ns(), out);
		return true;
	case OTLP_SIGNALS:
		break;
	}
	return false;
}

static int
post(struct sink_otlp *s, struct buf *body, struct err *e)
{
	const struct otlp_way *way = &s->o.ways[s->signal];
	const struct post_options o = {
		.url = way->url,
		.content_type = way->form == WIRE_JSON
		    ? "application/json"
		    : "application/x-protobuf",
		.headers = way->headers,
		.header_count = way->header_count,
		.tls = way->tls,
		.gzip = way->gzip,
		.timeout_ms = way->timeout_ms,
		.done = on_answer,
		.ctx = s,
	};

	return post_start(s->o.curl, &o, body, &s->post, e);
}

static void
next_signal(struct sink_otlp *s)
{
	struct buf body = BUF_INIT(REQUEST_BYTES_MAX);
	struct err why = ERR_INIT;

	while (s->signal < OTLP_SIGNALS && !write_body(s, &body)) {
		buf_free(&body);
		body = (struct buf)BUF_INIT(REQUEST_BYTES_MAX);
		s->signal++;
	}
	if (s->signal == OTLP_SIGNALS) {
		finish(s,
		    &(struct sink_result){
			.verdict = SINK_TAKEN, .refused = s->refused });
		return;
	}
	if (post(s, &body, &why) != 0)
		finish(s,
		    &(struct sink_result){
			.verdict = SINK_LATER, .why = why.msg });
}

static void
otlp_send(struct sink *sink, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	struct sink_otlp *s = (struct sink_otlp *)sink;

	s->rows = rows;
	s->count = count;
	s->done = done;
	s->ctx = ctx;
	for (size_t i = 0; i < count; i++)
		(void)event_of(rows[i], &s->events[i]);
	/* the same rows again, because of a span or a metric; a checkpoint
	 * has no seq */
	if (last_seq(s) != 0 && last_seq(s) <= s->logged_seq) {
		s->signal = OTLP_TRACES;
	} else {
		s->refused = 0;
		s->signal = OTLP_LOGS;
	}
	next_signal(s);
}

static void
otlp_close(struct sink *sink)
{
	struct sink_otlp *s = (struct sink_otlp *)sink;

	post_cancel(s->post);
	mem_freep(&s->events);
	mem_freep(&s);
}

int
sink_otlp_new(const struct otlp_options *o, struct sink **ret, struct err *e)
{
	static const struct sink_ops ops = {
		.send = otlp_send,
		.close = otlp_close,
	};
	struct sink_otlp *s = mem_new(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->events = mem_new(BATCH_ROWS_MAX, sizeof(*s->events));
	if (s->events == NULL) {
		mem_freep(&s);
		return err_nomem(e);
	}
	s->sink = (struct sink){ .ops = &ops, .name = "otlp" };
	s->o = *o;
	for (unsigned i = 0; i < OTLP_SIGNALS; i++)
		s->unwanted[i] = o->ways[i].url == NULL;
	s->counters.start_ns = o->real_ns();
	*ret = &s->sink;
	return ERR_OK;
}
