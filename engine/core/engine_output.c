/*
 * The output of runs: to who follows it, no faster than he takes it, and to
 * who asks for what there is.
 * Runs in: engine.  Trusts: the executor's events.  Owns: nothing.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/ipc.h"
#include "base/mem.h"
#include "engine_int.h"
#include "model/limits.h"
#include "stage.h"

#define MS_NS INT64_C(1000000)
#define OUTPUT_BODY_MAX (IPC_PAYLOAD_MAX - 4096)

/* ---- which call follows which action ------------------------------------- */

static int
call_add(struct engine *g, uint64_t call_id, const char *id)
{
	struct output_call *call;

	if (mem_grow(&g->output_calls, &g->output_call_cap,
		g->output_call_count + 1, sizeof(*g->output_calls)) != 0)
		return ERR_NOMEM;
	call = &g->output_calls[g->output_call_count++];
	call->call_id = call_id;
	memcpy(call->id, id, sizeof(call->id));
	return ERR_OK;
}

static struct output_call *
call_find(struct engine *g, uint64_t call_id)
{
	for (size_t i = 0; i < g->output_call_count; i++) {
		if (g->output_calls[i].call_id == call_id)
			return &g->output_calls[i];
	}
	return NULL;
}

static void
call_remove(struct engine *g, uint64_t call_id)
{
	struct output_call *call = call_find(g, call_id);

	if (call != NULL)
		*call = g->output_calls[--g->output_call_count];
}

/* ---- to front and to the launcher ---------------------------------------- */

static void
out_chunk(void *ctx, uint64_t call_id, struct str bytes)
{
	struct engine *g = ctx;

	g->o.out.chunk(g->o.out.ctx, call_id, bytes);
}

static void
out_end(void *ctx, uint64_t call_id)
{
	struct engine *g = ctx;

	call_remove(g, call_id);
	g->o.out.end(g->o.out.ctx, call_id);
}

static struct outflow_out
out_of(struct engine *g)
{
	return (struct outflow_out){
		.ctx = g,
		.chunk = out_chunk,
		.end = out_end,
	};
}

static void
give_credit(struct engine *g, struct live *l)
{
	const size_t n = outflow_credit(&l->output);

	if (n > 0 && g->o.executor_port->taken != NULL)
		g->o.executor_port->taken(g->o.executor, l->a->id, n);
}

void
engine_on_output(void *ctx, const char *action_id, int stream, struct str bytes)
{
	struct engine *g = ctx;
	struct live *l = live_find(g->live, action_id);
	const struct outflow_out out = out_of(g);

	if (l == NULL)
		return;
	live_kept(g->live, l,
	    outflow_add(
		&l->output, &out, stream, bytes, live_may_keep(g->live, l)));
	if (l->output.waits && l->output_late_ns == 0)
		l->output_late_ns =
		    g->o.env.boot_ns() + RUN_FIRST_READER_MS * MS_NS;
	give_credit(g, l);
}

static bool
may_write_more(const struct live *l)
{
	return l->a->stage == STAGE_RUNNING || l->a->stage == STAGE_PENDING ||
	    (l->a->stage == STAGE_DECIDED && l->run_requested);
}

void
engine_output_ended(struct engine *g, struct live *l)
{
	const struct outflow_out out = out_of(g);

	l->kill_ns = 0;
	l->output_over_ns = g->o.env.boot_ns();
	outflow_end(&l->output, &out);
}

/* ---- readers ------------------------------------------------------------- */

/* Whoever hung up was the only one for whom it ran: as a terminal that goes,
 * so it gets the signal of that, and after a while the last one. */
static void
hang_up(struct engine *g, struct live *l)
{
	if (l->a->stage != STAGE_RUNNING || l->kill_ns != 0)
		return;
	(void)g->o.executor_port->kill(g->o.executor, l->a->id, SIGHUP, NULL);
	l->kill_ns = g->o.env.boot_ns() + RUN_ORPHAN_MS * MS_NS;
}

static void
reader_gone(struct engine *g, struct live *l, uint64_t call_id)
{
	const struct outflow_out out = out_of(g);
	AUTO_FREE struct output_reader *gone =
	    outflow_reader_gone(&l->output, &out, call_id);

	call_remove(g, call_id);
	if (gone != NULL && gone->ends_run)
		hang_up(g, l);
	give_credit(g, l);
}

void
engine_output_gone(struct engine *g, struct live *l, uint64_t call_id)
{
	if (call_id != 0) {
		reader_gone(g, l, call_id);
		return;
	}
	/* It was not the readers who left: runs go on. */
	while (l->output.readers != NULL) {
		l->output.readers->ends_run = false;
		reader_gone(g, l, l->output.readers->call_id);
	}
}

void
engine_taken(struct engine *g, uint64_t call_id, uint64_t bytes)
{
	const struct output_call *call = call_find(g, call_id);
	const struct outflow_out out = out_of(g);
	struct live *l = call == NULL ? NULL : live_find(g->live, call->id);

	if (l == NULL)
		return;
	outflow_taken(&l->output, &out, call_id, bytes);
	give_credit(g, l);
}

/* It is over, and its uid keeps more than its part: readers who do not take
 * what there is have had the time that any client has. */
static void
dismiss_late(struct engine *g, struct live *l, int64_t now_ns)
{
	const struct outflow_out out = out_of(g);

	if (l->output.readers != NULL && l->output.over &&
	    l->output_over_ns + HTTP_STALL_MS * MS_NS <= now_ns &&
	    live_is_greedy(g->live, l))
		outflow_dismiss(&l->output, &out);
}

void
engine_output_tick(struct engine *g, struct live *l, int64_t now_ns)
{
	if (l->output.waits && l->output_late_ns <= now_ns) {
		outflow_give_up(&l->output);
		give_credit(g, l);
	}
	/* It was denied, or expired, while somebody waited for its output. */
	if (l->output.readers != NULL && !l->output.over && !may_write_more(l))
		engine_output_ended(g, l);
	dismiss_late(g, l, now_ns);
	if (l->kill_ns == 0 || l->kill_ns > now_ns)
		return;
	l->kill_ns = 0;
	if (l->a->stage == STAGE_RUNNING)
		(void)g->o.executor_port->kill(
		    g->o.executor, l->a->id, SIGKILL, NULL);
}

/* ---- calls --------------------------------------------------------------- */

static void
reply_output(struct engine *g, uint64_t call_id, const struct live *l)
{
	AUTO_BUF struct buf body = BUF_INIT(OUTPUT_BODY_MAX);
	AUTO_BUF struct buf out = BUF_INIT(LIVE_OUTPUT_MAX);
	AUTO_BUF struct buf err_out = BUF_INIT(LIVE_OUTPUT_MAX);
	const struct outflow *f = &l->output;
	struct jsonw w = jsonw_on(&body);

	outflow_put_all(f, 1, &out);
	outflow_put_all(f, 2, &err_out);
	jsonw_object(&w);
	jsonw_kstr(&w, "id", l->a->id);
	jsonw_kstr(&w, "state", stage_name(l->a->stage));
	jsonw_key(&w, "stdout");
	jsonw_str(&w, buf_str(&out));
	jsonw_key(&w, "stderr");
	jsonw_str(&w, buf_str(&err_out));
	jsonw_kbool(
	    &w, "truncated", l->a->outcome.truncated || outflow_is_cut(f));
	jsonw_kint(&w, "stdout_bytes", (int64_t)f->total[0]);
	jsonw_kint(&w, "stderr_bytes", (int64_t)f->total[1]);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(g, call_id, 413, "limit",
		    "the output is too long for one answer; stream it");
	else
		engine_reply_json(g, call_id, 200, buf_str(&body));
}

/* Live: what there is, then what comes, as server-sent events. */
static void
follow(struct engine *g, const struct call *c, struct live *l)
{
	const char *rule = call_field(c, "disconnect");
	const struct outflow_out out = out_of(g);
	const struct reply head = {
		.id = c->id,
		.status = 200,
		.type = BODY_EVENTS,
		.chunks = true,
		.paced = true,
	};
	struct output_reader *reader = mem_new(1, sizeof(*reader));

	if (reader == NULL || call_add(g, c->id, l->a->id) != 0) {
		free(reader);
		engine_problem(g, c->id, 503, "no_memory", "no memory");
		return;
	}
	reader->call_id = c->id;
	reader->holds = c->role == CALLER_AGENT;
	reader->ends_run =
	    c->role == CALLER_AGENT && rule != NULL && strcmp(rule, "end") == 0;
	l->output_late_ns = 0;
	l->output.over = !may_write_more(l);
	if (l->output.over)
		l->output_over_ns = g->o.env.boot_ns();
	g->o.out.reply(g->o.out.ctx, &head);
	outflow_reader_add(&l->output, &out, reader);
	give_credit(g, l);
}

void
engine_output(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);

	if (l != NULL && c->stream)
		follow(g, c, l);
	else if (l != NULL)
		reply_output(g, c->id, l);
}
