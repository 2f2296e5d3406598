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
#include "verdict.h"

#define URL_BYTES_MAX 2048
#define REQUEST_BYTES_MAX ((size_t)64 << 20)
#define HTTP_BAD 400
#define HTTP_WORSE 500
#define METRICS_EVERY_NS INT64_C(10000000000)

enum signal_kind {
	SIGNAL_LOGS,
	SIGNAL_TRACES,
	SIGNAL_METRICS,
	SIGNALS,
};

static const struct {
	const char *path, *rejected;
} signals[SIGNALS] = {
	[SIGNAL_LOGS] = { "v1/logs", "rejectedLogRecords" },
	[SIGNAL_TRACES] = { "v1/traces", "rejectedSpans" },
	[SIGNAL_METRICS] = { "v1/metrics", "rejectedDataPoints" },
};

struct sink_otlp {
	struct sink sink;
	struct otlp_options o;
	struct post *post;
	enum signal_kind signal; /* under way */
	bool unwanted[SIGNALS];
	json_int_t logged_seq; /* the last row whose record was taken */
	uint64_t refused; /* of this batch */
	struct counters counters;
	int64_t metrics_ns;
	json_t *const *rows; /* the batch */
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
	s->signal = SIGNAL_TRACES;
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
		    signals[s->signal].path, r->why);
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
	verdict_of_otlp(
	    answer, s->o.form, signals[s->signal].rejected, why, &r);
	if (s->signal == SIGNAL_LOGS)
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
	if (s->unwanted[s->signal])
		return false;
	switch (s->signal) {
	case SIGNAL_LOGS:
		otlp_logs(s->o.form, &s->o.who, s->rows, s->count, out);
		return true;
	case SIGNAL_TRACES:
		return otlp_traces(
		    s->o.form, &s->o.who, s->rows, s->count, out);
	case SIGNAL_METRICS:
		if (!metrics_due(s))
			return false;
		otlp_metrics(
		    s->o.form, &s->o.who, &s->counters, s->o.real_ns(), out);
		return true;
	case SIGNALS:
		break;
	}
	return false;
}

static int
post(struct sink_otlp *s, struct buf *body, struct err *e)
{
	char url[URL_BYTES_MAX];
	const size_t len = strlen(s->o.url);
	const char *slash = len > 0 && s->o.url[len - 1] == '/' ? "" : "/";
	const struct post_options o = {
		.url = url,
		.content_type = s->o.form == WIRE_JSON
		    ? "application/json"
		    : "application/x-protobuf",
		.headers = s->o.headers,
		.header_count = s->o.header_count,
		.ca_file = s->o.ca_file,
		.gzip = s->o.gzip,
		.timeout_ms = s->o.timeout_ms,
		.done = on_answer,
		.ctx = s,
	};

	(void)snprintf(url, sizeof(url), "%s%s%s", s->o.url, slash,
	    signals[s->signal].path);
	return post_start(s->o.curl, &o, body, &s->post, e);
}

static void
next_signal(struct sink_otlp *s)
{
	struct buf body = BUF_INIT(REQUEST_BYTES_MAX);
	struct err why = ERR_INIT;

	while (s->signal < SIGNALS && !write_body(s, &body)) {
		buf_free(&body);
		body = (struct buf)BUF_INIT(REQUEST_BYTES_MAX);
		s->signal++;
	}
	if (s->signal == SIGNALS) {
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
	/* the same rows again, because of a span or a metric; a checkpoint
	 * has no seq */
	if (last_seq(s) != 0 && last_seq(s) <= s->logged_seq) {
		s->signal = SIGNAL_TRACES;
	} else {
		s->refused = 0;
		s->signal = SIGNAL_LOGS;
	}
	next_signal(s);
}

static void
otlp_close(struct sink *sink)
{
	struct sink_otlp *s = (struct sink_otlp *)sink;

	post_cancel(s->post);
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
	s->sink = (struct sink){ .ops = &ops, .name = "otlp" };
	s->o = *o;
	s->counters.start_ns = o->real_ns();
	*ret = &s->sink;
	return ERR_OK;
}
