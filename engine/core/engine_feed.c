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

#include "base/log.h"
#include "engine_int.h"

/* Destinations that wait for the same row: it is read, sent and parsed once. */
struct feeding {
	struct engine *g;
	uint32_t feeds; /* a bit each */
	uint32_t count; /* what all of them want */
};

/* Non-zero: the link is full, the rest comes with the next tick. */
static int
send_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	const struct feeding *f = ctx;

	if (!f->g->o.out.row(f->g->o.out.ctx, f->feeds, seq, json))
		return err_set(e, ERR_LIMIT, "the reporter is slow");
	for (uint32_t feed = 0; feed < FEEDS_MAX; feed++) {
		if ((f->feeds & (1U << feed)) == 0)
			continue;
		f->g->feeds[feed].seq = seq;
		f->g->feeds[feed].count--;
	}
	return ERR_OK;
}

static struct feeding
those_like(struct engine *g, const struct feed *to)
{
	struct feeding f = { .g = g, .count = to->count };

	for (uint32_t feed = 0; feed < FEEDS_MAX; feed++) {
		const struct feed *other = &g->feeds[feed];

		if (other->count == 0 || other->seq != to->seq)
			continue;
		f.feeds |= 1U << feed;
		if (other->count < f.count)
			f.count = other->count;
	}
	return f;
}

/* Until it has what it wants, or all that there is. */
static void
feed_send(struct engine *g, uint32_t feed)
{
	const struct feed *to = &g->feeds[feed];
	bool cut_short = to->count > 0;

	while (cut_short) {
		struct feeding f = those_like(g, to);
		const struct log_filter filter = {
			.from_seq = to->seq + 1,
			.limit = f.count,
		};
		const uint64_t seq = to->seq;

		cut_short = f.count < to->count;
		(void)g->o.recorder_port->list(
		    g->o.recorder, &filter, send_row, &f, NULL);
		cut_short = cut_short && to->seq > seq;
	}
}

static void
engine_feeds_send(struct engine *g)
{
	for (uint32_t feed = 0; feed < FEEDS_MAX; feed++)
		feed_send(g, feed);
}

int
engine_feed_open(struct engine *g, uint32_t feed, const char *name,
    uint64_t *ret_seq, struct err *e)
{
	const struct recorder_port *port = g->o.recorder_port;
	struct feed *f;
	int r;

	if (feed >= FEEDS_MAX || name == NULL || name[0] == '\0' ||
	    strlen(name) >= sizeof(f->name))
		return err_set(e, ERR_INVALID,
		    "a feed has a number below %d and the name of its "
		    "destination, shorter than %d",
		    FEEDS_MAX, DESTINATION_NAME_MAX);
	if (port->cursor_get == NULL)
		return err_set(e, ERR_INTERNAL, "the store keeps no cursors");
	r = port->cursor_get(g->o.recorder, name, ret_seq, e);
	/* from now on retention waits for it */
	if (r == 0 && *ret_seq == 0)
		r = port->cursor_put(g->o.recorder, name, 0, e);
	if (r != 0)
		return r;
	f = &g->feeds[feed];
	/* a new reporter, a new destination: it has no checkpoint yet */
	g->checkpoint_sent = 0;
	*f = (struct feed){ .taken = *ret_seq, .saved = *ret_seq };
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	return ERR_OK;
}

static struct feed *
opened(struct engine *g, uint32_t feed, struct err *e)
{
	if (feed < FEEDS_MAX && g->feeds[feed].name[0] != '\0')
		return &g->feeds[feed];
	(void)err_set(e, ERR_INVALID, "feed %u was not opened", feed);
	return NULL;
}

int
engine_feed(struct engine *g, uint32_t feed, uint64_t seq, uint32_t count,
    struct err *e)
{
	struct feed *f = opened(g, feed, e);

	if (f == NULL)
		return ERR_INVALID;
	if (count > FEED_ROWS_MAX || seq >= INT64_MAX)
		return err_set(e, ERR_INVALID, "%u rows after %llu: at most %d",
		    count, (unsigned long long)seq, FEED_ROWS_MAX);
	f->seq = seq;
	f->count = count;
	/* what is not durable yet is no row of the log */
	engine_commit(g);
	feed_send(g, feed);
	return ERR_OK;
}

void
engine_reporter_gone(struct engine *g)
{
	for (size_t i = 0; i < FEEDS_MAX; i++)
		g->feeds[i].count = 0;
}

/* ---- how far they are --------------------------------------------------- */

int
engine_lag(struct engine *g, uint32_t feed, const struct destination_lag *lag,
    struct err *e)
{
	struct feed *f = opened(g, feed, e);
	uint64_t head = 0;
	uint8_t hash[SHA256_LEN];

	if (f == NULL)
		return ERR_INVALID;
	g->o.recorder_port->head(g->o.recorder, &head, hash);
	if (lag->seq < f->taken || lag->seq > head)
		return err_set(e, ERR_INVALID,
		    "'%s' had %llu rows and has %llu of %llu", f->name,
		    (unsigned long long)f->taken, (unsigned long long)lag->seq,
		    (unsigned long long)head);
	f->taken = lag->seq;
	f->refused = lag->refused;
	f->failures = lag->failures;
	f->attested = lag->attested;
	(void)snprintf(
	    f->why, sizeof(f->why), "%.255s", lag->why == NULL ? "" : lag->why);
	return ERR_OK;
}

/* A crash before it is written down sends rows twice, never not. */
void
engine_feeds_save(struct engine *g)
{
	for (size_t i = 0; i < FEEDS_MAX; i++) {
		struct feed *f = &g->feeds[i];
		struct err why = ERR_INIT;

		if (f->name[0] == '\0' || f->taken == f->saved)
			continue;
		if (g->o.recorder_port->cursor_put(
			g->o.recorder, f->name, f->taken, &why) == 0)
			f->saved = f->taken;
		else
			log_warn("export",
			    "destination=%s not written down: %s", f->name,
			    why.msg);
	}
}

void
engine_feeds_forget(struct engine *g)
{
	engine_feeds_save(g);
	memset(g->feeds, 0, sizeof(g->feeds));
}

/* One that fails is not waited for: it gets the rest after the next start. */
static bool
has_all(const struct feed *f, uint64_t head, uint64_t signed_rows)
{
	return f->name[0] == '\0' || f->failures > 0 ||
	    (f->taken >= head && f->attested >= signed_rows);
}

bool
engine_farewell(struct engine *g)
{
	const struct recorder_port *port = g->o.recorder_port;
	uint64_t head = 0, signed_rows = 0;
	uint8_t hash[SHA256_LEN];
	struct str note = STR_NONE;
	bool all = true;

	engine_commit(g);
	if (port->seal != NULL)
		port->seal(g->o.recorder);
	if (port->checkpoint != NULL)
		signed_rows = port->checkpoint(g->o.recorder, &note);
	engine_feeds_send(g);
	engine_checkpoint_tick(g);
	engine_feeds_save(g);
	port->head(g->o.recorder, &head, hash);
	for (size_t i = 0; i < FEEDS_MAX; i++)
		all = all && has_all(&g->feeds[i], head, signed_rows);
	return all;
}

void
engine_feeds_tick(struct engine *g)
{
	const int64_t now = g->o.env.boot_ns();

	engine_feeds_send(g);
	if (now - g->feeds_saved_ns < SECOND_NS)
		return;
	g->feeds_saved_ns = now;
	engine_feeds_save(g);
}

enum lag_metric {
	LAG_RECORDS,
	LAG_REFUSED,
	LAG_FAILURES,
};

static uint64_t
value_of(const struct feed *f, enum lag_metric which, uint64_t head)
{
	if (which == LAG_REFUSED)
		return f->refused;
	if (which == LAG_FAILURES)
		return f->failures;
	return head > f->taken ? head - f->taken : 0;
}

static void
put_values(const struct engine *g, const char *name, enum lag_metric which,
    uint64_t head, struct buf *out)
{
	for (size_t i = 0; i < FEEDS_MAX; i++) {
		const struct feed *f = &g->feeds[i];

		if (f->name[0] != '\0')
			buf_printf(out, "%s{dest=\"%s\"} %llu\n", name, f->name,
			    (unsigned long long)value_of(f, which, head));
	}
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

	if (g->feeds[0].name[0] == '\0')
		return;
	for (size_t m = 0; m < ARRAY_LEN(metrics); m++) {
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name,
		    metrics[m].help, metrics[m].name, metrics[m].type);
		put_values(g, metrics[m].name, (enum lag_metric)m, head, out);
	}
}
