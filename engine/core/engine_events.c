/*
 * Every row of the log, live, as server-sent events whose id is its seq.
 * Runs in: engine.  Trusts: nothing.  Owns: nothing.
 */
#include "engine_int.h"

#define EVENT_BYTES_MAX ((size_t)1 << 20)
#define EVENTS_PER_TURN 1000
#define PING_NS (15 * SECOND_NS)

struct sending {
	struct engine *g;
	struct event_reader *to;
	size_t count;
};

static int
send_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(EVENT_BYTES_MAX);
	struct sending *s = ctx;

	(void)e;
	buf_printf(
	    &out, "id: %llu\nevent: row\ndata: ", (unsigned long long)seq);
	buf_put_str(&out, json);
	buf_puts(&out, "\n\n");
	if (out.failed == 0)
		s->g->o.out.chunk(
		    s->g->o.out.ctx, s->to->call_id, buf_str(&out));
	s->to->seq = seq;
	s->count++;
	return ERR_OK;
}

/* One reader's next rows; true when there may be more of them. */
static bool
send_some(struct engine *g, struct event_reader *to)
{
	struct sending s = { .g = g, .to = to };
	const struct log_filter f = {
		.from_seq = to->seq + 1,
		.limit = EVENTS_PER_TURN,
	};

	return g->o.recorder_port->list(
		   g->o.recorder, &f, send_row, &s, NULL) == 0 &&
	    s.count == EVENTS_PER_TURN;
}

void
engine_events_send(struct engine *g)
{
	for (size_t i = 0; i < g->event_count; i++)
		g->events[i].behind = send_some(g, &g->events[i]);
}

bool
engine_events_catch_up(struct engine *g)
{
	bool behind = false;

	for (size_t i = 0; i < g->event_count; i++) {
		if (g->events[i].behind)
			g->events[i].behind = send_some(g, &g->events[i]);
		behind = behind || g->events[i].behind;
	}
	return behind;
}

void
engine_events(struct engine *g, const struct call *c)
{
	const struct reply head = {
		.id = c->id,
		.status = 200,
		.type = BODY_EVENTS,
		.chunks = true,
	};
	uint8_t hash[SHA256_LEN];
	struct event_reader *to;

	if (g->event_count == EVENT_READERS_MAX) {
		engine_problem(g, c->id, 429, "too_many_readers",
		    "too many follow the events; end one first");
		return;
	}
	engine_commit(g);
	to = &g->events[g->event_count++];
	to->call_id = c->id;
	to->behind = false;
	to->seq = c->last_event_id;
	if (c->last_event_id == 0)
		g->o.recorder_port->head(g->o.recorder, &to->seq, hash);
	g->o.out.reply(g->o.out.ctx, &head);
	engine_events_send(g);
}

/* So that a reader notices that the line is dead. */
void
engine_events_ping(struct engine *g)
{
	const int64_t now = g->o.env.boot_ns();

	if (now - g->ping_ns < PING_NS)
		return;
	g->ping_ns = now;
	for (size_t i = 0; i < g->event_count; i++)
		g->o.out.chunk(
		    g->o.out.ctx, g->events[i].call_id, STR(": ping\n\n"));
}
