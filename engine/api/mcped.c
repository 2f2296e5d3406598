/*
 * MCP over HTTP: the same messages as the command's, in the front.
 * Runs in: front.  Trusts: nothing.  Owns: the message of a client that waits.
 */
#include "mcped.h"

#include "base/mem.h"
#include "front.h"
#include "hooks/mcp.h"
#include "model/action_json.h"

#define WAIT_MS_DEFAULT 50000 /* less than clients wait */
#define ANSWER_BYTES_MAX ((size_t)64 << 20)

static int
take_action(const struct request *rq, const struct mcp_question *q,
    struct buf *record, struct call *c, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	int r = action_new(&a, e);

	if (r == 0)
		r = action_from_json(q->body, q->route == MCP_EVALUATE, a, e);
	if (r != 0)
		return r;
	a->proposer.uid = rq->peer->uid;
	a->proposer.gid = rq->peer->gid;
	a->proposer.pid = rq->peer->pid;
	buf_reset(record);
	action_encode(a, record);
	c->action_record = buf_str(record);
	return buf_done(record, e);
}

static int
take_question(const struct request *rq, const struct mcp_question *q,
    struct arena *a, struct buf *record, struct call *c, struct err *e)
{
	static const enum api_route routes[] = {
		[MCP_PROPOSE] = ROUTE_PROPOSE,
		[MCP_LOOK] = ROUTE_GET,
		[MCP_EXPLAIN] = ROUTE_EXPLAIN,
		[MCP_EVALUATE] = ROUTE_EVALUATE,
	};

	c->route = routes[q->route];
	if (!q->waits)
		c->wait_ms = 0;
	else if (c->wait_ms < 0)
		c->wait_ms = WAIT_MS_DEFAULT;
	if (q->id == NULL)
		return take_action(rq, q, record, c, e);
	c->target = arena_strdup(a, q->id);
	return c->target == NULL ? err_nomem(e) : ERR_OK;
}

static void
send_answer(struct client *c, const struct buf *out)
{
	if (buf_done(out, NULL) != 0)
		client_problem(c, 503, "no_memory", "memory is short", 1);
	else
		client_answer(c,
		    &(struct answer){
			.status = 200,
			.type = BODY_JSON,
			.body = buf_str(out),
		    });
}

int
mcped_call(const struct request *rq, struct arena *a, struct buf *record,
    struct call *ret, struct client *c, struct refusal *why)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	AUTO(mcp_freep) struct mcp *m = NULL;
	struct err e = ERR_INIT;

	if (mcp_new(NULL, &m, &e) != 0)
		return refuse_with(why, 503, "no_memory", "%s", e.msg);
	switch (mcp_take(m, guard_body(rq->guard, rq->bytes), &out)) {
	case MCP_SAY:
		send_answer(c, &out);
		return 1;
	case MCP_QUIET:
	case MCP_CANCEL:
	case MCP_REPLY:
		client_answer(c, &(struct answer){ .status = 202 });
		return 1;
	case MCP_ASK:
		break;
	}
	c->mcp = TAKE_PTR(m);
	if (take_question(rq, mcp_question(c->mcp), a, record, ret, &e) == 0)
		return 0;
	return refuse_with(why, 422, "mcp", "%s", e.msg);
}

static void
answer(struct client *c, unsigned status, struct str json)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	AUTO(mcp_freep) struct mcp *m = TAKE_PTR(c->mcp);

	mcp_answer(m, status, json, &out);
	send_answer(c, &out);
}

void
mcped_reply(struct client *c, const struct reply *reply)
{
	answer(c, reply->status, reply->body);
}

void
mcped_failed(struct client *c, const char *why)
{
	answer(c, 0, str_of(why));
}
