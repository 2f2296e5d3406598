/*
 * MCP over HTTP: requests, and the answers that come at once.
 * Runs in: front.  Trusts: nothing.  Owns: nothing.
 */
#include "mcped.h"

#include "base/mem.h"
#include "front.h"
#include "mcp_hub.h"
#include "model/action_json.h"

#define WAIT_MS_DEFAULT 50000 /* less than clients wait */
#define ANSWER_BYTES_MAX ((size_t)1 << 20) /* of what needs no engine */

/* ---- for the work -------------------------------------------------------- */

int
mcped_question(struct front *f, const struct mcp_caller *who,
    const struct mcp_question *q, struct call *c, struct err *e)
{
	static const enum api_route routes[] = {
		[MCP_PROPOSE] = ROUTE_PROPOSE,
		[MCP_LOOK] = ROUTE_GET,
		[MCP_EXPLAIN] = ROUTE_EXPLAIN,
		[MCP_EVALUATE] = ROUTE_EVALUATE,
		[MCP_VERSION] = ROUTE_VERSION,
		[MCP_REQUIREMENTS] = ROUTE_REQUIREMENTS,
	};
	AUTO(action_freep) struct action *a = NULL;
	int r;

	c->route = routes[q->route];
	if (q->route != MCP_PROPOSE && q->route != MCP_EVALUATE)
		return ERR_OK;
	r = action_new(&a, e);
	if (r == 0)
		r = action_from_json(q->body, q->route == MCP_EVALUATE, a, e);
	if (r != 0)
		return r;
	a->proposer.uid = who->uid;
	a->proposer.gid = who->gid;
	a->proposer.pid = who->pid;
	buf_reset(&f->record);
	action_encode(a, &f->record);
	c->action_record = buf_str(&f->record);
	return buf_done(&f->record, e);
}

void
mcped_send(struct client *c, unsigned status, const struct buf *out,
    const char *session)
{
	if (buf_done(out, NULL) != 0)
		client_problem(c, 503, "no_memory", "memory is short", 1);
	else
		client_answer(c,
		    &(struct answer){
			.status = status,
			.type = BODY_JSON,
			.body = buf_str(out),
			.session = session,
		    });
}

/* ---- POST ---------------------------------------------------------------- */

/* What one message needs on its way. */
struct delivery {
	struct mcp_hub *hub;
	struct mcp_caller who;
	struct mcp_http *session; /* or NULL */
	struct mcp_session *own; /* without a session */
	struct client *client;
	int64_t wait_ms;
	bool streams; /* the client can hear events */
};

static int
send_status(struct client *c, unsigned status)
{
	client_answer(c, &(struct answer){ .status = status });
	return 1;
}

static int
begin_work(struct delivery *d, struct mcp *m, enum mcp_next next)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	AUTO_BUF struct buf id = BUF_INIT(RPC_ID_MAX);
	const struct mcp_work_options o = {
		.who = d->who,
		.session = d->session,
		.said = TAKE_PTR(d->own),
		.mcp = m,
		.next = next,
		.client = d->client,
		.wait_ms = d->wait_ms < 0 ? WAIT_MS_DEFAULT : d->wait_ms,
		.streams = d->session != NULL && d->streams,
	};
	struct err e = ERR_INIT;

	buf_put_str(&id, mcp_id(m));
	if (mcp_work_begin(d->hub, &o, &e) == 0)
		return 1;
	rpc_put_error(&out, buf_str(&id), RPC_INTERNAL, e.msg);
	mcped_send(d->client, 200, &out, NULL);
	return 1;
}

static int
say(struct delivery *d, const struct mcp *m, const struct buf *out)
{
	const bool greets = mcp_is_initialize(m) && d->session != NULL;

	if (d->session != NULL && mcp_is_subscription(m))
		mcp_work_watch(d->session, &d->who);
	mcped_send(d->client, mcp_is_malformed(m) ? 400 : 200, out,
	    greets ? d->session->id : NULL);
	return 1;
}

/* A message that asks for nothing but to be answered once. */
static int
take(struct delivery *d, struct mcp **message, struct str body)
{
	AUTO_BUF struct buf out = BUF_INIT(ANSWER_BYTES_MAX);
	struct mcp *m = *message;
	const enum mcp_next next = mcp_take(m, body, &out);

	switch (next) {
	case MCP_SAY:
		return say(d, m, &out);
	case MCP_QUIET:
		break;
	case MCP_CANCEL:
		if (d->session != NULL)
			mcp_work_cancel(d->session, mcp_about(m));
		break;
	case MCP_REPLY:
		if (d->session != NULL)
			mcp_work_hear(d->session, m);
		break;
	case MCP_ASK:
	case MCP_WAIT:
		if (d->session == NULL || !mcp_work_has(d->session, mcp_id(m)))
			return begin_work(d, TAKE_PTR(*message), next);
		(void)mcp_fail(m, RPC_NO_REQUEST,
		    "another call of this session has this id", &out);
		return say(d, m, &out);
	}
	return send_status(d->client, 202);
}

/* One that begins a session needs to be known before it is taken. */
static bool
begins_session(struct str body)
{
	AUTO(rpc_done) struct rpc r = RPC_INIT;

	return rpc_read(&r, body, NULL) == 0 && r.kind == RPC_REQUEST &&
	    rpc_is(&r, "initialize");
}

static int
new_session(struct delivery *d, struct refusal *why)
{
	struct err e = ERR_INIT;

	if (d->session != NULL)
		return refuse_with(why, 400, "mcp_session",
		    "this session began already; send initialize without "
		    "Mcp-Session-Id for another one");
	if (mcp_http_new(d->hub, &d->who, &d->session, &e) != 0)
		return refuse_with(why, 503, "too_many_sessions", "%s", e.msg);
	return 0;
}

static int
post(struct delivery *d, struct str body, struct refusal *why)
{
	AUTO(mcp_freep) struct mcp *m = NULL;
	struct err e = ERR_INIT;
	int r;

	if (begins_session(body) && new_session(d, why) != 0)
		return -1;
	r = d->session == NULL
	    ? mcp_session_new(d->hub->menu, NULL, &d->own, &e)
	    : ERR_OK;
	if (r == 0)
		r = mcp_new(
		    d->session == NULL ? d->own : d->session->said, &m, &e);
	if (r != 0)
		return refuse_with(why, 503, "no_memory", "%s", e.msg);
	r = take(d, &m, body);
	mcp_freep(&m);
	mcp_session_freep(&d->own);
	return r;
}

/* ---- GET, DELETE --------------------------------------------------------- */

static int
open_stream(struct delivery *d, uint64_t after, struct refusal *why)
{
	struct mcp_stream *st = mcp_stream_find(d->session, after);

	if (!d->streams)
		return refuse_with(
		    why, 406, "accept", "send Accept: text/event-stream");
	if (st == NULL)
		return refuse_with(why, 404, "no_such_stream",
		    "the stream of this Last-Event-ID is not kept any more; "
		    "GET without it");
	mcp_stream_open(st, d->client, after);
	return 1;
}

/* ---- any ----------------------------------------------------------------- */

static int
take_session(const struct request *rq, struct delivery *d, struct refusal *why)
{
	const struct str id =
	    guard_header(rq->guard, rq->bytes, HEADER_MCP_SESSION_ID);
	const struct str version =
	    guard_header(rq->guard, rq->bytes, HEADER_MCP_PROTOCOL_VERSION);

	if (version.len > 0 && !mcp_speaks(version))
		return refuse_with(why, 400, "mcp_version",
		    "this MCP-Protocol-Version is not spoken here; send the "
		    "one that initialize gave");
	if (id.len == 0)
		return 0;
	d->session = mcp_http_find(d->hub, &d->who, id);
	if (d->session == NULL)
		return refuse_with(why, 404, "no_such_session",
		    "there is no such MCP session (any more); send initialize "
		    "without Mcp-Session-Id");
	return 0;
}

int
mcped_call(struct request *rq, struct call *head, struct client *c,
    struct refusal *why)
{
	const enum http_method method = rq->guard->head.method;
	const struct str accept =
	    guard_header(rq->guard, rq->bytes, HEADER_ACCEPT);
	const struct str body = guard_body(rq->guard, rq->bytes);
	struct delivery d = {
		.hub = c->front->mcp,
		.who = { .kind = rq->peer->kind,
		    .role = rq->role,
		    .uid = rq->peer->uid,
		    .gid = rq->peer->gid,
		    .pid = rq->peer->pid },
		.client = c,
		.wait_ms = head->wait_ms,
		.streams =
		    str_search(accept, STR("text/event-stream")) < accept.len,
	};

	if (take_session(rq, &d, why) != 0)
		return -1;
	if (method == METHOD_POST)
		return post(&d, body, why);
	if (d.session == NULL)
		return refuse_with(why, 400, "mcp_session",
		    "send the Mcp-Session-Id that initialize gave");
	if (method == METHOD_GET)
		return open_stream(&d, head->last_event_id, why);
	mcp_http_end(d.session);
	return send_status(c, 204);
}
