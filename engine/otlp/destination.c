/*
 * One sink and its batch.
 * Runs in: reporter.  Trusts: rows of the engine; nothing of a sink's answer
 * beyond its verdict.  Owns: the sink, the rows of the batch.
 */
#include "destination.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/json_tree.h"

#define WHY_MAX 256
#define BACKOFF_DOUBLINGS 6

struct batch {
	json_t *rows[BATCH_ROWS_MAX];
	uint64_t seqs[BATCH_ROWS_MAX];
	size_t count, bytes; /* rows, and their JSON */
};

struct destination {
	struct destination_options o;
	struct loop_timer *timer; /* of the batch, or of the next try */
	bool linked, sending;
	struct batch two[2];
	struct batch *now, *next; /* next fills while now is under way */
	bool ahead; /* the rows of next are asked for */
	size_t at, len; /* the part of now under way; len 0: none yet */
	uint64_t seq; /* safe there up to here */
	uint64_t refused, failures;
	char why[WHY_MAX];
	json_t *checkpoint; /* to be sent, or NULL */
	uint64_t checkpoint_rows; /* that it, or the last one, attests */
	json_t *attesting; /* the checkpoint that is under way */
	uint64_t attesting_rows, attested; /* that it attests; that are done */
};

static void send_part(struct destination *d);

/* ---- words --------------------------------------------------------------- */

static void
tell(struct destination *d)
{
	const struct destination_state s = {
		.seq = d->seq,
		.refused = d->refused,
		.failures = d->failures,
		.attested = d->attested,
		.why = d->why[0] == '\0' ? NULL : d->why,
	};

	if (d->linked)
		d->o.tell(d->o.ctx, &s);
}

static uint64_t
last_seq(const struct destination *d)
{
	const struct batch *b = d->next->count > 0 ? d->next : d->now;

	return b->count > 0 ? b->seqs[b->count - 1] : d->seq;
}

static void
ask(struct destination *d, uint32_t count)
{
	if (d->linked)
		d->o.ask(d->o.ctx, last_seq(d), count);
}

/* ---- the batch ----------------------------------------------------------- */

static void
clear_timer(struct destination *d)
{
	if (d->timer != NULL)
		loop_cancel(d->o.loop, d->timer);
	d->timer = NULL;
}

static void
batch_empty(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		json_decref(b->rows[i]);
	b->count = 0;
	b->bytes = 0;
}

static bool
batch_is_full(const struct batch *b)
{
	return b->count == BATCH_ROWS_MAX || b->bytes >= BATCH_BYTES_MAX;
}

static void
drop_now(struct destination *d)
{
	batch_empty(d->now);
	d->at = 0;
	d->len = 0;
	clear_timer(d);
}

/* Its rows are asked for again when it is their turn. */
static void
drop_next(struct destination *d)
{
	batch_empty(d->next);
	d->ahead = false;
}

/* What was fetched while the last batch was under way, and goes on coming. */
static void
turn_to_next(struct destination *d)
{
	struct batch *done = d->now;

	drop_now(d);
	d->now = d->next;
	d->next = done;
	if (!d->ahead)
		ask(d, BATCH_ROWS_MAX);
	d->ahead = false;
}

/* While it takes rows the next ones come meanwhile; one that does not costs
 * the memory of one batch. */
static void
ask_ahead(struct destination *d)
{
	d->ahead = d->linked && d->failures == 0;
	ask(d, d->ahead ? BATCH_ROWS_MAX : 0);
}

static void
on_time(void *ctx)
{
	struct destination *d = ctx;

	d->timer = NULL;
	send_part(d);
}

/* Without memory for a timer it is now rather than never. */
static void
send_after(struct destination *d, int64_t ms)
{
	clear_timer(d);
	if (loop_after(d->o.loop, ms, on_time, d, &d->timer, NULL) != 0)
		send_part(d);
}

/* Doubled with every failure, and half of it by chance, so that many do not
 * come at once. */
static int64_t
pause_ms(const struct destination *d)
{
	const uint64_t n = d->failures - 1;
	const unsigned doublings =
	    n < BACKOFF_DOUBLINGS ? (unsigned)n : BACKOFF_DOUBLINGS;
	int64_t ms = d->o.retry_min_ms << doublings;
	uint32_t chance = 0;

	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	/* without chance it is only less polite */
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	return ms / 2 + (int64_t)(chance % (uint64_t)(ms / 2 + 1));
}

/* ---- verdicts ------------------------------------------------------------- */

/* The first n of the part under way are there. */
static void
advance(struct destination *d, size_t n)
{
	if (n == 0 || n > d->len)
		return;
	d->seq = d->now->seqs[d->at + n - 1];
	d->at += n;
	d->len -= n;
}

static void
on_taken(struct destination *d, const struct sink_result *r)
{
	d->refused += r->refused;
	if (r->refused > 0)
		log_warn("export", "destination=%s refused=%llu why=%s",
		    d->o.sink->name, (unsigned long long)r->refused,
		    r->why == NULL ? "" : r->why);
	if (d->failures > 0)
		log_info("export", "destination=%s takes rows again",
		    d->o.sink->name);
	d->failures = 0;
	d->why[0] = '\0';
	advance(d, d->len);
	d->len = d->now->count - d->at;
}

/* It takes them as fast as it can: no failure, and the others have a turn. */
static bool
goes_on(struct destination *d, const struct sink_result *r)
{
	if (r->taken == 0 || r->taken >= d->len || r->retry_after_ms > 0)
		return false;
	advance(d, r->taken);
	send_after(d, 0);
	return true;
}

static void
on_later(struct destination *d, const struct sink_result *r)
{
	int64_t ms;

	if (goes_on(d, r))
		return;
	d->failures++;
	if (d->ahead) {
		drop_next(d);
		ask(d, 0);
	}
	(void)snprintf(d->why, sizeof(d->why), "%s",
	    r->why == NULL ? "it does not answer" : r->why);
	if (d->failures == 1)
		log_warn("export",
		    "destination=%s takes nothing, rows wait in the log: %s",
		    d->o.sink->name, d->why);
	ms = r->retry_after_ms > 0 ? r->retry_after_ms : pause_ms(d);
	if (ms > RETRY_AFTER_MAX_MS)
		ms = RETRY_AFTER_MAX_MS;
	send_after(d, ms);
}

/* Which of them is it? One alone is left out, and said so. */
static void
on_refused(struct destination *d, const struct sink_result *r)
{
	if (d->len > 1) {
		d->len /= 2;
		return;
	}
	log_warn("export", "destination=%s will not take row %llu: %s",
	    d->o.sink->name, (unsigned long long)d->now->seqs[d->at],
	    r->why == NULL ? "no reason" : r->why);
	on_taken(d, &(struct sink_result){ .verdict = SINK_TAKEN });
	d->refused++;
}

/* ---- checkpoints ----------------------------------------------------------- */

/* Between two batches, when it has all rows that are attested. */
static bool
attests_now(const struct destination *d)
{
	return d->checkpoint != NULL && d->len == 0 &&
	    d->seq >= d->checkpoint_rows;
}

/* A newer one may have come meanwhile. */
static void
checkpoint_done(struct destination *d)
{
	if (d->checkpoint == d->attesting) {
		json_decref(d->checkpoint);
		d->checkpoint = NULL;
	}
}

static void
on_checkpoint_done(void *ctx, const struct sink_result *r)
{
	struct destination *d = ctx;

	d->sending = false;
	if (r->verdict == SINK_LATER) {
		on_later(d, r);
	} else {
		if (r->verdict == SINK_REFUSED || r->refused > 0)
			log_warn("export",
			    "destination=%s will not take a checkpoint: %s",
			    d->o.sink->name, r->why == NULL ? "" : r->why);
		d->failures = 0;
		d->why[0] = '\0';
		d->attested = d->attesting_rows;
		checkpoint_done(d);
		if (d->now->count > 0)
			send_after(d, 0);
	}
	json_decref(d->attesting);
	d->attesting = NULL;
	tell(d);
}

static void
send_checkpoint(struct destination *d)
{
	d->sending = true;
	d->attesting = json_incref(d->checkpoint);
	d->attesting_rows = d->checkpoint_rows;
	d->o.sink->ops->send(
	    d->o.sink, &d->attesting, 1, on_checkpoint_done, d);
}

static void
on_done(void *ctx, const struct sink_result *r)
{
	struct destination *d = ctx;

	d->sending = false;
	if (r->verdict == SINK_LATER)
		on_later(d, r);
	else if (r->verdict == SINK_REFUSED)
		on_refused(d, r);
	else
		on_taken(d, r);
	tell(d);
	if (r->verdict == SINK_LATER)
		return;
	if (d->at == d->now->count)
		turn_to_next(d);
	/* not from here: a sink may answer within send */
	if (d->len > 0 || batch_is_full(d->now) || attests_now(d))
		send_after(d, 0);
	else if (d->now->count > 0)
		send_after(d, d->o.batch_delay_ms);
}

static void
send_part(struct destination *d)
{
	if (d->sending)
		return;
	if (attests_now(d)) {
		send_checkpoint(d);
		return;
	}
	if (d->now->count == 0)
		return;
	if (d->len == 0) {
		d->len = d->now->count - d->at;
		ask_ahead(d);
	}
	d->sending = true;
	d->o.sink->ops->send(
	    d->o.sink, &d->now->rows[d->at], d->len, on_done, d);
}

/* ---- rows ---------------------------------------------------------------- */

int
row_parse(uint64_t seq, struct str json, json_t **ret, struct err *e)
{
	json_t *row = json_tree(json);

	if (!json_is_object(row)) {
		json_decref(row);
		return err_set(e, ERR_INVALID, "row %llu is no JSON object",
		    (unsigned long long)seq);
	}
	*ret = row;
	return ERR_OK;
}

void
destination_row(struct destination *d, uint64_t seq, json_t *row, size_t len)
{
	struct batch *b = d->len > 0 ? d->next : d->now;

	/* Of an earlier request, and on its way when that was replaced. */
	if ((d->len > 0 && !d->ahead) || batch_is_full(b) ||
	    seq != last_seq(d) + 1)
		return;
	b->rows[b->count] = json_incref(row);
	b->seqs[b->count++] = seq;
	b->bytes += len;
	if (b == d->next)
		return;
	if (batch_is_full(b)) {
		clear_timer(d);
		send_part(d);
	} else if (d->timer == NULL) {
		send_after(d, d->o.batch_delay_ms);
	}
}

int
destination_checkpoint(
    struct destination *d, uint64_t rows, struct str json, struct err *e)
{
	json_t *checkpoint;

	if (rows <= d->checkpoint_rows)
		return ERR_OK;
	checkpoint = json_loadb(json.s, json.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(checkpoint)) {
		json_decref(checkpoint);
		return err_set(
		    e, ERR_INVALID, "a checkpoint is no JSON object");
	}
	json_decref(d->checkpoint);
	d->checkpoint = checkpoint;
	d->checkpoint_rows = rows;
	/* The rows that it attests wait for no company; a pause after a failure
	 * goes on. */
	if (!d->sending && d->failures == 0 && d->len == 0 &&
	    (attests_now(d) || d->now->count > 0))
		send_after(d, 0);
	return ERR_OK;
}

void
destination_link(struct destination *d, uint64_t seq)
{
	d->linked = true;
	if (seq > d->seq)
		d->seq = seq;
	tell(d);
	/* What is under way goes on; then it asks. */
	if (d->now->count == 0)
		ask(d, BATCH_ROWS_MAX);
}

/* A batch that is not under way is asked for again. */
void
destination_unlink(struct destination *d)
{
	d->linked = false;
	drop_next(d);
	if (d->len == 0)
		drop_now(d);
}

bool
destination_is_sending(const struct destination *d)
{
	return d->sending;
}

int
destination_new(const struct destination_options *o, struct destination **ret,
    struct err *e)
{
	struct destination *d = mem_new(1, sizeof(*d));

	if (d == NULL) {
		o->sink->ops->close(o->sink);
		return err_nomem(e);
	}
	d->o = *o;
	d->now = &d->two[0];
	d->next = &d->two[1];
	if (d->o.batch_delay_ms == 0)
		d->o.batch_delay_ms = BATCH_DELAY_MS;
	if (d->o.retry_min_ms == 0)
		d->o.retry_min_ms = RETRY_MIN_MS;
	*ret = d;
	return ERR_OK;
}

void
destination_free(struct destination *d)
{
	if (d == NULL)
		return;
	d->o.sink->ops->close(d->o.sink);
	drop_next(d);
	drop_now(d);
	json_decref(d->checkpoint);
	json_decref(d->attesting);
	mem_freep(&d);
}
