/*
 * What was decided, for tools that judge it again (core/ports.h).
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include <string.h>

#include "cmd_log_int.h"
#include "core/ports.h"
#include "store_limits.h"

struct walk {
	history_fn *fn;
	void *ctx;
	enum {
		WALK_QUESTIONS,
		WALK_DECIDED_AT_ONCE,
		WALK_ANSWERS,
	} what;
};

/* An action that waited has two rows: its question and its decision. Only
 * what a person or reviewer was asked about has the former. */
static bool
was_asked(struct str by)
{
	return str_eqz(by, "human") || str_eqz(by, "reviewer") ||
	    str_eqz(by, "timeout");
}

static int
on_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct walk *w = ctx;
	const struct log_row *row = v->row;
	const struct history_row h = {
		.seq = row->seq,
		.time_real_ns = row->time_real_ns,
		.uid = (uid_t)row->uid,
		.session = row->session,
		.tool = row->tool,
		.decision = row->decision,
		.by = row->decided_by,
		.body_sha256 = row->body_sha256,
		.body = v->body,
	};

	if (w->what == WALK_DECIDED_AT_ONCE && was_asked(row->decided_by))
		return ERR_OK;
	if (w->what == WALK_ANSWERS && !str_eqz(row->decided_by, "human"))
		return ERR_OK;
	return w->fn(w->ctx, &h, e);
}

static int
each(const struct history_query *q, history_fn *fn, void *ctx, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO(reader_closep) struct reader *rd = NULL;
	const struct cmdlog_filter_options o = {
		.since = q->since,
		.until = q->until,
	};
	struct walk w = { .fn = fn,
		.ctx = ctx,
		.what = q->answers ? WALK_ANSWERS : WALK_DECIDED_AT_ONCE };
	struct log_query lq = { .limit = 0 };
	int r = cmdlog_parse_filter(&o, &lq, e);

	if (r == 0)
		r = cmdlog_open(q->state_dir, &dir, &rd, e);
	if (r != 0)
		return r;
	lq.kind = "decided";
	r = reader_each(rd, &lq, on_row, &w, e);
	if (r != 0 || q->answers)
		return r;
	w.what = WALK_QUESTIONS;
	lq.kind = "proposed";
	return reader_each(rd, &lq, on_row, &w, e);
}

const struct history_port db_history = {
	.each = each,
};
