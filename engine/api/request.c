/*
 * What a request asks for, and whether its sender may ask it.
 * Runs in: front.  Trusts: nothing.  Owns: nothing.
 */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"
#include "model/action_json.h"
#include "model/json_doc.h"

int
refuse_with(
    struct refusal *r, unsigned status, const char *code, const char *fmt, ...)
{
	va_list ap;

	*r = (struct refusal){ .status = status, .code = code };
	va_start(ap, fmt);
	(void)vsnprintf(r->detail, sizeof(r->detail), fmt, ap);
	va_end(ap);
	return -1;
}

/* A failure of ours in words for the client. */
static int
refuse_err(struct refusal *r, const struct err *e)
{
	switch (e->code) {
	case ERR_INVALID:
		return refuse_with(r, 400, "invalid", "%s", e->msg);
	case ERR_LIMIT:
		return refuse_with(r, 422, "limit", "%s", e->msg);
	case ERR_CONFLICT:
		return refuse_with(r, 422, "conflict", "%s", e->msg);
	case ERR_NOMEM:
		return refuse_with(
		    r, 503, "no_memory", "memory is short; try again later");
	case ERR_OK:
	case ERR_DENIED:
	case ERR_NOTFOUND:
	case ERR_SYS:
	case ERR_INTERNAL:
		break;
	}
	return refuse_with(r, 500, "internal", "%s", e->msg);
}

static struct str
header(const struct request *rq, enum http_header h)
{
	return guard_header(rq->guard, rq->bytes, h);
}

static bool
has_header(const struct request *rq, enum http_header h)
{
	return (rq->guard->head.seen & (uint32_t)1 << h) != 0;
}

/* ---- may he ask at all ------------------------------------------------- */

/* Its own origin, which no page has: nothing here is a page. Clients that are
 * no browsers say it. */
static bool
is_own_origin(const struct request *rq)
{
	const struct str origin = header(rq, HEADER_ORIGIN);
	const struct str host = header(rq, HEADER_HOST);

	return rq->peer->kind == LISTENER_TCP && host.len > 0 &&
	    str_starts(origin, STR("http://")) &&
	    str_eq(str_from(origin, strlen("http://")), host);
}

/* Browsers must not reach this, not even by a name that points here. */
static int
check_browser(const struct request *rq, struct refusal *ret)
{
	const struct str site = header(rq, HEADER_SEC_FETCH_SITE);

	if ((has_header(rq, HEADER_ORIGIN) && !is_own_origin(rq)) ||
	    (site.len > 0 && !str_eq(site, STR("none")))) {
		(void)refuse_with(ret, 403, "browser",
		    "requests from web pages are not answered; remove the "
		    "Origin header");
		ret->record = true;
		return -1;
	}
	if (rq->peer->kind == LISTENER_TCP &&
	    !auth_host_allowed(header(rq, HEADER_HOST), rq->listen_tcp))
		return refuse_with(ret, 403, "host",
		    "this Host is not served here; use 127.0.0.1, [::1] or "
		    "localhost");
	return 0;
}

static int
check_route(struct request *rq, struct refusal *ret)
{
	const struct http_head *head = &rq->guard->head;

	route_find(head->method, guard_span(rq->bytes, head->path), &rq->match);
	if (rq->match.methods == 0)
		return refuse_with(ret, 404, "no_such_route",
		    "there is no such path; GET /openapi.json lists them");
	rq->options = head->method == METHOD_OPTIONS;
	if (rq->options || rq->match.route != NULL)
		return 0;
	(void)refuse_with(ret, 405, "method_not_allowed",
	    "%s is not possible here; the Allow header says what is",
	    http_method_name(head->method));
	ret->allow = rq->match.methods;
	return -1;
}

static void
put_roles(struct buf *out, unsigned roles)
{
	for (unsigned r = CALLER_AGENT; r <= CALLER_ADMIN; r++) {
		if ((roles & ROLE_BIT(r)) != 0)
			buf_printf(out, "%s%s", out->len == 0 ? "" : " or ",
			    caller_role_name((enum caller_role)r));
	}
}

static int
check_role(struct request *rq, struct refusal *ret)
{
	AUTO_BUF struct buf roles = BUF_INIT(ERR_MSG_MAX);
	const struct route *route = rq->match.route;
	const unsigned have =
	    auth_roles(rq->peer, rq->tokens, header(rq, HEADER_AUTHORIZATION));

	if (have == 0 && route != NULL && (route->flags & ROUTE_OPEN) != 0)
		return 0;
	if (have == 0) {
		(void)refuse_with(ret, 401, "unauthorized",
		    "send the header Authorization: Bearer TOKEN with a token "
		    "from the token file");
		ret->record = true;
		return -1;
	}
	if (route == NULL)
		return 0;
	rq->role = auth_pick(have, route->roles);
	if (rq->role != CALLER_INVALID)
		return 0;
	put_roles(&roles, route->roles);
	(void)refuse_with(ret, 403, "wrong_role",
	    "this is for the role %s; use that role's socket or token",
	    buf_cstr(&roles));
	ret->record = true;
	return -1;
}

static int
check_content(const struct request *rq, struct refusal *ret)
{
	const struct str body = guard_body(rq->guard, rq->bytes);
	struct str type = header(rq, HEADER_CONTENT_TYPE);
	const struct str plain = STR("application/json");
	struct str media;

	if (body.len == 0)
		return 0;
	media = str_trim(str_cut(&type, ';'));
	type = str_trim(type);
	if (media.len != plain.len ||
	    strncasecmp(media.s, plain.s, plain.len) != 0 ||
	    (type.len > 0 && strncasecmp(type.s, "charset=utf-8", 13) != 0 &&
		strncasecmp(type.s, "charset=\"utf-8\"", 15) != 0))
		return refuse_with(ret, 415, "content_type",
		    "the body must be JSON; send Content-Type: "
		    "application/json");
	return 0;
}

int
request_check(struct request *rq, struct refusal *ret)
{
	if (check_browser(rq, ret) != 0 || check_route(rq, ret) != 0 ||
	    check_role(rq, ret) != 0)
		return -1;
	return check_content(rq, ret);
}

/* ---- headers that go on to the engine ---------------------------------- */

/* An Idempotency-Key (perhaps quoted) or an entity tag (as it was given). */
static int
take_key(const struct request *rq, enum http_header h, struct arena *a,
    char **ret, struct refusal *why)
{
	struct str v = header(rq, h);

	if (!has_header(rq, h))
		return 0;
	if (h == HEADER_IDEMPOTENCY_KEY && v.len >= 2 && v.s[0] == '"' &&
	    v.s[v.len - 1] == '"')
		v = str_n(v.s + 1, v.len - 2);
	if (v.len == 0 || v.len > IDEMPOTENCY_KEY_MAX ||
	    str_find(v, '\t') < v.len)
		return refuse_with(why, 400, "invalid",
		    "a key or tag in the head must be 1 to %d visible "
		    "characters",
		    IDEMPOTENCY_KEY_MAX);
	*ret = arena_strndup(a, v.s, v.len);
	return *ret == NULL
	    ? refuse_with(why, 503, "no_memory", "memory is short")
	    : 0;
}

/* W3C: one that is not well-formed is as good as none. */
static char *
take_traceparent(const struct request *rq, struct arena *a)
{
	static const char form[] =
	    "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
	const struct str v = header(rq, HEADER_TRACEPARENT);

	if (v.len != sizeof(form) - 1)
		return NULL;
	for (size_t i = 0; i < v.len; i++) {
		const bool hex = (v.s[i] >= '0' && v.s[i] <= '9') ||
		    (v.s[i] >= 'a' && v.s[i] <= 'f');

		if (form[i] == 'x' ? !hex : v.s[i] != form[i])
			return NULL;
	}
	return arena_strndup(a, v.s, v.len);
}

/* "wait=30", perhaps among others (RFC 7240); -1 when not stated. */
static int64_t
take_wait(const struct request *rq)
{
	struct str list = header(rq, HEADER_PREFER);
	int64_t wait = -1;

	while (list.len > 0) {
		struct str item = str_trim(str_cut(&list, ','));
		const struct str name = str_trim(str_cut(&item, '='));
		uint64_t seconds;

		if (str_eq(name, STR("respond-async")))
			return 0;
		if (!str_eq(name, STR("wait")) ||
		    num_parse_u64(str_trim(item), 0, UINT32_MAX, &seconds) != 0)
			continue;
		wait = (int64_t)seconds * 1000;
		if (wait > HTTP_WAIT_MS_MAX)
			wait = HTTP_WAIT_MS_MAX;
	}
	return wait;
}

static bool
wants_events(const struct request *rq)
{
	const struct str accept = header(rq, HEADER_ACCEPT);

	return str_search(accept, STR("text/event-stream")) < accept.len;
}

static int
take_headers(const struct request *rq, struct arena *a, struct call *c,
    struct refusal *why)
{
	const struct route *route = rq->match.route;
	const struct str last = header(rq, HEADER_LAST_EVENT_ID);

	if (take_key(rq, HEADER_IDEMPOTENCY_KEY, a, &c->idempotency_key, why) !=
		0 ||
	    take_key(rq, HEADER_IF_MATCH, a, &c->if_match, why) != 0 ||
	    take_key(rq, HEADER_IF_NONE_MATCH, a, &c->if_none_match, why) != 0)
		return -1;
	if ((route->flags & ROUTE_NEEDS_IF_MATCH) != 0 && c->if_match == NULL)
		return refuse_with(why, 428, "if_match",
		    "send If-Match with the ETag of the action that you "
		    "looked at");
	c->traceparent = take_traceparent(rq, a);
	c->wait_ms = take_wait(rq);
	c->stream = (route->flags & ROUTE_STREAMS) != 0 ||
	    ((route->flags & ROUTE_MAY_STREAM) != 0 && wants_events(rq));
	if (has_header(rq, HEADER_LAST_EVENT_ID) &&
	    num_parse_u64(last, 0, UINT64_MAX, &c->last_event_id) != 0)
		return refuse_with(why, 400, "invalid",
		    "Last-Event-ID must be the number of the last event");
	return 0;
}

static int
take_target(const struct request *rq, struct arena *a, struct call *c,
    struct refusal *why)
{
	const struct param id = { .name = "id", .kind = PARAM_NAME };

	int r;

	if (rq->match.id.s == NULL)
		return 0;
	r = param_unescape(rq->match.id, false, a, &c->target);
	if (r == ERR_NOMEM)
		return refuse_with(why, 503, "no_memory", "memory is short");
	if (r != 0 || param_check(&id, str_of(c->target), NULL) != 0)
		return refuse_with(
		    why, 404, "not_found", "there is no such id");
	return 0;
}

/* ---- bodies ------------------------------------------------------------ */

static int
encode_action(const struct request *rq, struct action *a, struct buf *record,
    struct call *c, struct refusal *why)
{
	struct err e = ERR_INIT;

	a->proposer.uid = rq->peer->uid;
	a->proposer.gid = rq->peer->gid;
	a->proposer.pid = rq->peer->pid;
	buf_reset(record);
	action_encode(a, record);
	if (buf_done(record, &e) != 0)
		return refuse_err(why, &e);
	c->action_record = buf_str(record);
	return 0;
}

static int
take_action(const struct request *rq, struct str json, struct buf *record,
    struct call *c, struct refusal *why)
{
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	const bool evaluate = rq->match.route->body == ROUTE_BODY_EVALUATE;

	if (action_new(&a, &e) != 0 ||
	    action_from_json(json, evaluate, a, &e) != 0)
		return refuse_err(why, &e);
	return encode_action(rq, a, record, c, why);
}

/* {"action": {...}} or the action alone. */
static struct str
action_inside(struct str json, struct arena *arena)
{
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	size_t inner;

	if (json_doc_parse(&d, json, arena, NULL) != 0)
		return json;
	inner = doc_get(&d, 0, STR("action"));
	if (inner == 0 || doc_next(&d, inner) != doc_end(&d, 0) || inner != 2)
		return json;
	return doc_raw(&d, inner);
}

static int
take_fields(const struct request *rq, struct arena *a, struct call *c,
    struct refusal *why)
{
	const struct route *route = rq->match.route;
	const struct str body = guard_body(rq->guard, rq->bytes);
	struct param_values v = { .arena = a };
	struct err e = ERR_INIT;
	int r;

	r = param_query(guard_span(rq->bytes, rq->guard->head.query),
	    route->query, route->query_count, &v, &e);
	if (r == 0 && (body.len > 0 || route->body == ROUTE_BODY_FIELDS))
		r = param_body(body, route->fields, route->field_count, &v, &e);
	if (r != 0)
		return refuse_err(why, &e);
	c->fields = v.items;
	c->field_count = v.count;
	return 0;
}

int
request_head(
    struct request *rq, struct arena *a, struct call *ret, struct refusal *why)
{
	*ret = (struct call){
		.route = rq->match.route->route,
		.role = rq->role,
		.uid = rq->peer->uid,
		.gid = rq->peer->gid,
		.pid = rq->peer->pid,
		.wait_ms = -1,
	};
	if (take_target(rq, a, ret, why) != 0)
		return -1;
	return take_headers(rq, a, ret, why);
}

int
request_call(struct request *rq, struct arena *a, struct buf *record,
    struct call *ret, struct refusal *why)
{
	const struct route *route = rq->match.route;
	const struct str body = guard_body(rq->guard, rq->bytes);
	const bool has_action = route->body == ROUTE_BODY_ACTION ||
	    route->body == ROUTE_BODY_EVALUATE;

	if (request_head(rq, a, ret, why) != 0)
		return -1;
	if (!has_action)
		return take_fields(rq, a, ret, why);
	if (rq->guard->head.query.len > 0)
		return refuse_with(why, 400, "invalid",
		    "this path takes no query; remove what follows '?'");
	return take_action(rq,
	    route->body == ROUTE_BODY_EVALUATE ? action_inside(body, a) : body,
	    record, ret, why);
}
