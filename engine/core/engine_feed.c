/*
 * The log as a feed for the reporter, and how far its destinations are.
 * Runs in: engine.  Trusts: nothing of the reporter.  Owns: nothing.
 *
 * The reporter says how many rows it can take, so a destination that is slow
 * or dead costs the pipeline nothing: its rows stay in the store until asked
 * for. Rows go out at leisure, a few times a second, not with each commit.
 */
#include <stdio.h>
#include <string.h>

#include "engine_int.h"

struct feeding {
	struct engine *g;
	uint32_t feed;
};

/* Non-zero: the link is full, the rest comes with the next tick. */
static int
send_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	const struct feeding *f = ctx;
	struct feed *to = &f->g->feeds[f->feed];

	if (!f->g->o.out.row(f->g->o.out.ctx, f->feed, seq, json))
		return err_set(e, ERR_LIMIT, "the reporter is slow");
	to->seq = seq;
	to->count--;
	return ERR_OK;
}

static void
feed_send(struct engine *g, uint32_t feed)
{
	const struct feed *to = &g->feeds[feed];
	struct feeding f = { .g = g, .feed = feed };
	const struct log_filter filter = {
		.from_seq = to->seq + 1,
		.limit = to->count,
	};

	if (to->count > 0)
		(void)g->o.recorder_port->list(
		    g->o.recorder, &filter, send_row, &f, NULL);
}

void
engine_feeds_send(struct engine *g)
{
	for (uint32_t feed = 0; feed < FEEDS_MAX; feed++)
		feed_send(g, feed);
}

int
engine_feed(struct engine *g, uint32_t feed, uint64_t seq, uint32_t count,
    struct err *e)
{
	if (feed >= FEEDS_MAX || count > FEED_ROWS_MAX || seq >= INT64_MAX)
		return err_set(e, ERR_INVALID,
		    "feed %u, %u rows: at most %d and %d", feed, count,
		    FEEDS_MAX, FEED_ROWS_MAX);
	g->feeds[feed] = (struct feed){ .seq = seq, .count = count };
	/* what is not durable yet is no row of the log */
	engine_commit(g);
	feed_send(g, feed);
	return ERR_OK;
}

void
engine_reporter_gone(struct engine *g)
{
	memset(g->feeds, 0, sizeof(g->feeds));
}

/* ---- how far they are --------------------------------------------------- */

static struct destination *
destination(struct engine *g, const char *name)
{
	struct destination *d = g->destinations;

	for (size_t i = 0; i < g->destination_count; i++, d++) {
		if (strcmp(d->name, name) == 0)
			return d;
	}
	if (g->destination_count == FEEDS_MAX)
		return NULL;
	g->destination_count++;
	return d;
}

int
engine_lag(struct engine *g, const struct destination_lag *lag, struct err *e)
{
	struct destination *d;

	if (lag->name == NULL || strlen(lag->name) >= sizeof(d->name))
		return err_set(e, ERR_INVALID, "a destination has no name");
	d = destination(g, lag->name);
	if (d == NULL)
		return err_set(
		    e, ERR_LIMIT, "more than %d destinations", FEEDS_MAX);
	(void)snprintf(d->name, sizeof(d->name), "%s", lag->name);
	d->seq = lag->seq;
	d->refused = lag->refused;
	d->failures = lag->failures;
	(void)snprintf(
	    d->why, sizeof(d->why), "%.255s", lag->why == NULL ? "" : lag->why);
	return ERR_OK;
}

enum lag_metric {
	LAG_RECORDS,
	LAG_REFUSED,
	LAG_FAILURES,
};

static uint64_t
value_of(const struct destination *d, enum lag_metric which, uint64_t head)
{
	if (which == LAG_REFUSED)
		return d->refused;
	if (which == LAG_FAILURES)
		return d->failures;
	return head > d->seq ? head - d->seq : 0;
}

void
engine_feeds_metrics(const struct engine *g, uint64_t head, struct buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} metrics[] = {
		[LAG_RECORDS] = { "assent_export_lag_records", "gauge",
		    "Rows that a destination of the log does not have yet." },
		[LAG_REFUSED] = { "assent_export_refused_total", "counter",
		    "Rows that a destination would not take, ever." },
		[LAG_FAILURES] = { "assent_export_failures", "gauge",
		    "Failed attempts since a destination last took rows." },
	};

	for (size_t m = 0; m < ARRAY_LEN(metrics); m++) {
		if (g->destination_count > 0)
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n",
			    metrics[m].name, metrics[m].help, metrics[m].name,
			    metrics[m].type);
		for (size_t i = 0; i < g->destination_count; i++)
			buf_printf(out, "%s{dest=\"%s\"} %llu\n",
			    metrics[m].name, g->destinations[i].name,
			    (unsigned long long)value_of(
				&g->destinations[i], (enum lag_metric)m, head));
	}
}
