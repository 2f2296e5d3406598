/*
 * Numbers for Prometheus (text format 0.0.4). No label ever holds text of an
 * action.
 * Runs in: engine.  Trusts: nothing.  Owns: nothing.
 */
#include <inttypes.h>

#include "engine_int.h"

#define METRICS_BYTES_MAX ((size_t)64 << 10)

static void
put(struct buf *out, const char *name, const char *type, const char *help,
    uint64_t value)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help,
	    name, type, name, (unsigned long long)value);
}

static void
put_decisions(struct buf *out, const struct engine_counters *n)
{
	buf_puts(out,
	    "# HELP assent_decisions_total Final decisions by who made "
	    "them.\n# TYPE assent_decisions_total counter\n");
	for (unsigned by = BY_RULE; by <= BY_CEILING; by++)
		buf_printf(out, "assent_decisions_total{source=\"%s\"} %llu\n",
		    decided_by_name((enum decided_by)by),
		    (unsigned long long)n->by[by]);
}

static void
put_reviews(struct buf *out, const struct engine *g)
{
	const struct engine_counters *n = &g->n;

	put(out, "assent_reviewed_total", "counter",
	    "Actions that rules sent to review.", n->reviewed);
	put(out, "assent_reviews_approved_total", "counter",
	    "Reviews that approved.", n->review_approved);
	put(out, "assent_reviews_denied_total", "counter",
	    "Reviews that denied.", n->review_denied);
	put(out, "assent_reviews_escalated_total", "counter",
	    "Reviews that named a person.", n->review_escalated);
	put(out, "assent_review_failures_total", "counter",
	    "Reviews that failed, so that a person was asked.",
	    n->review_failed);
	put(out, "assent_reviews_late_total", "counter",
	    "Answers of the reviewer that nobody waited for any more.",
	    n->review_late);
	put(out, "assent_reviews_cached_total", "counter",
	    "Reviews answered by an earlier one of the very same question.",
	    n->review_cached);
	put(out, "assent_review_input_tokens_total", "counter",
	    "Tokens that reviews sent.", n->review_tokens_in);
	put(out, "assent_review_cached_tokens_total", "counter",
	    "Those of them that the provider had cached.",
	    n->review_tokens_cached);
	put(out, "assent_review_output_tokens_total", "counter",
	    "Tokens that reviews gave.", n->review_tokens_out);
	put(out, "assent_review_shadow_agreed_total", "counter",
	    "In shadow: a person decided as the reviewer would have.",
	    n->shadow_agreed);
	put(out, "assent_review_shadow_differed_total", "counter",
	    "In shadow: a person decided otherwise.", n->shadow_differed);
	put(out, "assent_log_bodies_dropped_total", "counter",
	    "Bodies of rows that retention has dropped.", n->bodies_dropped);
	put(out, "assent_reviews_under_way", "gauge",
	    "Questions that the reviewer has.", g->reviews_out);
	put(out, "assent_reviews_waiting", "gauge",
	    "Questions that wait for a place.", g->review_queue.count);
}

void
engine_metrics(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(METRICS_BYTES_MAX);
	const struct engine_counters *n = &g->n;
	struct reply r = {
		.id = c->id,
		.status = 200,
		.type = BODY_PROMETHEUS,
	};
	uint64_t seq;
	uint8_t hash[SHA256_LEN];

	g->o.recorder_port->head(g->o.recorder, &seq, hash);
	put(&body, "assent_requests_total", "counter", "Calls of the API.",
	    n->calls);
	put(&body, "assent_actions_total", "counter", "Proposed actions.",
	    n->proposed);
	put(&body, "assent_refused_total", "counter",
	    "Proposals refused as malformed or out of bounds.", n->refused);
	put_decisions(&body, n);
	put(&body, "assent_allowed_total", "counter", "Decisions to allow.",
	    n->allowed);
	put(&body, "assent_denied_total", "counter", "Decisions to deny.",
	    n->denied);
	put(&body, "assent_asked_total", "counter",
	    "Actions that a person was asked about.", n->asked);
	put_reviews(&body, g);
	put(&body, "assent_settings_last_reload_successful", "gauge",
	    "1: the settings in force are those of the last reload.",
	    g->settings_problem[0] == '\0');
	put(&body, "assent_rules_last_reload_successful", "gauge",
	    "1: the rules in force are those of the files.",
	    g->rules_problem[0] == '\0');
	put(&body, "assent_pending", "gauge", "Actions that wait.",
	    live_pending(g->live));
	put(&body, "assent_executions_total", "counter", "Runs started.",
	    n->runs);
	put(&body, "assent_execution_failures_total", "counter",
	    "Runs that could not be started or seen to their end.",
	    n->run_failures);
	buf_printf(&body,
	    "# HELP assent_network_connections_total Connections of runs, by "
	    "what became of them.\n"
	    "# TYPE assent_network_connections_total counter\n"
	    "assent_network_connections_total{decision=\"allow\"} %" PRIu64 "\n"
	    "assent_network_connections_total{decision=\"deny\"} %" PRIu64 "\n",
	    n->net_allowed, n->net_denied);
	put(&body, "assent_store_commits_total", "counter", "Durable commits.",
	    n->commits);
	put(&body, "assent_store_errors_total", "counter", "Failed commits.",
	    n->commit_failures);
	buf_printf(&body,
	    "# HELP assent_store_commit_seconds_total Time in commits.\n"
	    "# TYPE assent_store_commit_seconds_total counter\n"
	    "assent_store_commit_seconds_total %.6f\n",
	    (double)n->commit_ns / 1e9);
	if (g->o.classifier_port->metrics != NULL)
		g->o.classifier_port->metrics(g->classifier, &body);
	put(&body, "assent_log_seq", "gauge", "Last row of the log.", seq);
	engine_feeds_metrics(g, seq, &body);
	r.body = buf_str(&body);
	g->o.out.reply(g->o.out.ctx, &r);
}
