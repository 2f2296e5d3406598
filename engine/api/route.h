#ifndef API_ROUTE_H
#define API_ROUTE_H
/*
 * The routes: one const row each, from which dispatch, permission, checks
 * of input and (by a test) the OpenAPI document come.
 *
 *     struct route_match m;
 *     switch (route_find(METHOD_GET, STR("/v1/actions/act_1"), &m)) ...
 */
#include "core/messages.h"
#include "http_guard.h"
#include "param.h"

enum route_body {
	ROUTE_BODY_NONE, /* a body is refused */
	ROUTE_BODY_ACTION, /* an action (contract) */
	ROUTE_BODY_EVALUATE, /* an action, perhaps as member "action" */
	ROUTE_BODY_HOOK, /* what the client named by {id} sends to its hooks */
	ROUTE_BODY_MCP, /* a message of the Model Context Protocol */
	ROUTE_BODY_FIELDS, /* a JSON object of the row's fields */
};

enum route_flags {
	ROUTE_WAITS = 1, /* Prefer: wait means something */
	ROUTE_STREAMS = 2, /* answers with server-sent events always */
	ROUTE_MAY_STREAM = 4, /* ... when Accept asks for them */
	ROUTE_NEEDS_IF_MATCH = 8,
	ROUTE_LOCAL = 16, /* front answers by itself */
	ROUTE_OPEN = 32, /* needs no token over TCP */
};

/* What front answers itself has no number in messages.h but these. */
enum route_local {
	LOCAL_NONE,
	LOCAL_HEALTH,
	LOCAL_OPENAPI,
	LOCAL_MCP, /* sessions of it; the engine is asked beside them */
};

#define ROLE_BIT(r) (1u << (r))
#define ROLES_ANY                                                              \
	(ROLE_BIT(CALLER_AGENT) | ROLE_BIT(CALLER_APPROVER) |                  \
	    ROLE_BIT(CALLER_AUDITOR) | ROLE_BIT(CALLER_ADMIN))

struct route {
	const char *operation; /* operationId of the OpenAPI document */
	enum http_method method;
	const char *path; /* "/v1/actions/{id}" */
	enum api_route route;
	enum route_local local;
	unsigned roles; /* ROLE_BIT of those who may */
	unsigned flags;
	enum route_body body;
	const char *hook; /* ROUTE_BODY_HOOK: the client, or NULL: {id} */
	const struct param *fields; /* of the body */
	size_t field_count;
	const struct param *query;
	size_t query_count;
};

struct route_match {
	const struct route *route; /* NULL: none */
	struct str id; /* what {id} matched, still percent-encoded */
	/* Bits of enum http_method: all that the path knows when there is no
	 * row, else the row's own. */
	unsigned methods;
};

/* HEAD finds the row of GET. route is NULL with methods 0: no such path. */
void route_find(
    enum http_method method, struct str path, struct route_match *ret);
size_t route_count(void);
const struct route *route_at(size_t i);
const char *http_method_name(enum http_method m);
/* "GET, HEAD, PUT" for the header Allow. */
void route_allow(unsigned methods, struct buf *out);

#endif
