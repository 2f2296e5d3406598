/*
 * Hooks over HTTP: the same tables as the command's, in the front.
 * Runs in: front.  Trusts: nothing.  Owns: the hook of a client that waits.
 */
#include "hooked.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "front.h"
#include "hooks/hooks.h"
#include "mcp_hub.h"
#include "model/action_json.h"

#define WAIT_MS_DEFAULT 50000 /* less than clients wait */

/* ---- from the request to a call ----------------------------------------- */

static const char *
value_of(const struct param_values *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i].name, name) == 0)
			return v->items[i].value;
	}
	return NULL;
}

static int64_t
wait_of(const struct param_values *v, const struct call *c)
{
	const char *text = value_of(v, "wait");
	uint64_t seconds = 0;

	if (text != NULL &&
	    num_parse_u64(str_of(text), 0, HTTP_WAIT_MS_MAX / 1000, &seconds) ==
		0)
		return (int64_t)seconds * 1000;
	return c->wait_ms >= 0 ? c->wait_ms : WAIT_MS_DEFAULT;
}

static int
take_action(const struct request *rq, struct hook *h, struct buf *record,
    struct call *c, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(2 * HTTP_BODY_BYTES_MAX);
	AUTO(action_freep) struct action *a = NULL;
	int r = hook_action(h, &json, e);

	if (r == 0)
		r = action_new(&a, e);
	if (r == 0)
		r = action_from_json(buf_str(&json), false, a, e);
	if (r != 0)
		return r;
	a->proposer.uid = rq->peer->uid;
	a->proposer.gid = rq->peer->gid;
	a->proposer.pid = rq->peer->pid;
	buf_reset(record);
	action_encode(a, record);
	c->route = ROUTE_PROPOSE;
	c->action_record = buf_str(record);
	return buf_done(record, e);
}

/* The fields that another route takes, by its own table. */
static int
take_report(struct hook *h, struct arena *a, struct call *c, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(HTTP_BODY_BYTES_MAX);
	const bool outcome =
	    hook_event(h) == HOOK_RESULT && hook_key(h)[0] != '\0';
	struct param_values v = { .arena = a };
	struct route_match m;
	int r = hook_report(h, &json, e);

	route_find(METHOD_POST,
	    outcome ? STR("/v1/outcomes") : STR("/v1/sessions/s/events"), &m);
	if (r == 0)
		r = param_body(buf_str(&json), m.route->fields,
		    m.route->field_count, &v, e);
	if (r != 0)
		return r;
	c->route = m.route->route;
	c->target = outcome ? NULL : arena_strdup(a, hook_session(h));
	c->fields = v.items;
	c->field_count = v.count;
	return ERR_OK;
}

static int
take_options(const struct request *rq, struct hook *h,
    const struct param_values *v, struct err *e)
{
	const char *mode = value_of(v, "mode");
	const char *workspace = value_of(v, "workspace");

	(void)rq;
	if (mode != NULL && strcmp(mode, "advise") == 0)
		hook_set_mode(h, HOOK_ADVISE);
	return workspace == NULL ? ERR_OK : hook_set_workspace(h, workspace, e);
}

/* 1: nothing to ask the engine. */
static int
take_event(const struct request *rq, struct hook *h, struct arena *a,
    struct buf *record, struct call *c, struct err *e)
{
	switch (hook_event(h)) {
	case HOOK_CALL:
	case HOOK_PERMISSION:
		if (hook_key(h)[0] != '\0')
			c->idempotency_key = arena_strdup(a, hook_key(h));
		return take_action(rq, h, record, c, e);
	case HOOK_RESULT:
	case HOOK_PROMPT:
	case HOOK_SESSION_START:
	case HOOK_SESSION_END:
	case HOOK_NOTIFICATION:
		if (hook_session(h) == NULL)
			return 1;
		if (hook_key(h)[0] != '\0')
			c->idempotency_key = arena_strdup(a, hook_key(h));
		return take_report(h, a, c, e);
	case HOOK_IGNORED:
		return 1;
	case HOOK_UNKNOWN:
		break;
	}
	return err_set(e, ERR_INTERNAL, "the hook was not understood");
}

enum hooked_result
hooked_call(const struct request *rq, struct arena *a, struct buf *record,
    struct call *ret, struct hook **ret_hook, struct refusal *why)
{
	const struct route *route = rq->match.route;
	const struct hook_options o = { .mode = HOOK_ENFORCE };
	struct param_values v = { .arena = a };
	struct err e = ERR_INIT;
	struct hook *h = NULL;
	int r =
	    hook_new(str_of(route->hook != NULL ? route->hook : ret->target),
		&o, &h, &e);

	if (r != 0)
		return refuse_with(why, 404, "not_found", "%s", e.msg);
	*ret_hook = h;
	r = param_query(guard_span(rq->bytes, rq->guard->head.query),
	    route->query, route->query_count, &v, &e);
	if (r == 0)
		r = hook_take(h, guard_body(rq->guard, rq->bytes), &e);
	if (r == 0)
		r = take_options(rq, h, &v, &e);
	ret->target = NULL;
	ret->wait_ms = wait_of(&v, ret);
	if (r == 0)
		r = take_event(rq, h, a, record, ret, &e);
	if (r == 0 && arena_failed(a))
		r = err_nomem(&e);
	if (r >= 0)
		return r == 0 ? HOOKED_CALL : HOOKED_PASS;
	return refuse_with(why, 422, "hook", "%s", e.msg);
}

/* ---- answers ------------------------------------------------------------ */

static void
send_output(struct client *c, const struct hook_output *out)
{
	/* a client that takes its no from an exit status alone */
	if (out->out.len == 0 && out->status != 0) {
		client_problem(c, 422, "hook", buf_cstr(&out->problem), 0);
		return;
	}
	client_answer(c,
	    &(struct answer){
		.status = 200,
		.type = out->events ? BODY_EVENTS : BODY_JSON,
		.body = buf_str(&out->out),
	    });
}

static void
answer(struct client *c, const struct hook_ruling *ruling)
{
	AUTO(hook_freep) struct hook *h = TAKE_PTR(c->hook);
	struct hook_output out = HOOK_OUTPUT_INIT;

	hook_answer(h, ruling, &out);
	send_output(c, &out);
	hook_output_done(&out);
}

void
hooked_failed(struct client *c, const char *why)
{
	struct hook_ruling ruling;

	hook_ruling_failed(&ruling, why, NULL);
	answer(c, &ruling);
}

void
hooked_pass(struct client *c)
{
	AUTO(hook_freep) struct hook *h = TAKE_PTR(c->hook);
	struct hook_output out = HOOK_OUTPUT_INIT;

	hook_pass(h, &out);
	send_output(c, &out);
	hook_output_done(&out);
}

/* The client goes on without it: a later answer must not look like one. */
static void
take_back(struct client *c, struct hook_ruling *ruling)
{
	struct call call = {
		.route = ROUTE_CANCEL,
		.role = CALLER_AGENT,
		.uid = c->peer.uid,
		.gid = c->peer.gid,
		.pid = c->peer.pid,
		.wait_ms = -1,
		.target = ruling->id,
	};

	(void)front_call(c->front, NULL, &call);
}

static bool
is_call(const struct client *c)
{
	return hook_event(c->hook) == HOOK_CALL ||
	    hook_event(c->hook) == HOOK_PERMISSION;
}

/* The sentence of a problem, or something to say. */
static void
answer_problem(struct client *c, struct str body)
{
	struct hook_ruling ruling;

	hook_ruling_problem(&ruling, body);
	answer(c, &ruling);
}

void
hooked_reply(struct client *c, const struct reply *reply)
{
	struct hook_ruling ruling = { .verdict = HOOK_DENY };
	struct err e = ERR_INIT;

	if (!is_call(c)) {
		hooked_pass(c);
		return;
	}
	if (reply->status >= 400) {
		answer_problem(c, reply->body);
		return;
	}
	if (hook_ruling_read(reply->body, NULL, &ruling, &e) != 0) {
		hooked_failed(c, e.msg);
		return;
	}
	if (ruling.pending)
		take_back(c, &ruling);
	answer(c, &ruling);
}

/* ---- either form -------------------------------------------------------- */

bool
form_failed(struct client *c, const char *why)
{
	if (c->hook != NULL)
		hooked_failed(c, why);
	else if (c->work != NULL)
		mcp_work_fail(c->work, why);
	else
		return false;
	return true;
}

bool
form_reply(struct client *c, const struct reply *reply)
{
	if (c->hook != NULL)
		hooked_reply(c, reply);
	else
		return false;
	return true;
}
