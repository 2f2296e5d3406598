/*
 * Who may ask what, and what reaches the engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "model/action_json.h"
#include "request.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG32 "0123456789abcdef0123456789abcdef"

struct asked {
	struct buf bytes;
	struct guard guard;
	struct request rq;
	struct refusal why;
	struct arena *arena;
	struct buf record;
	struct call call;
	int r;
};

static void
asked_done(struct asked *a)
{
	buf_free(&a->bytes);
	buf_free(&a->record);
	arena_free(a->arena);
}

static const struct auth_peer agent = {
	.kind = LISTENER_AGENT, .uid = 1000, .gid = 100, .pid = 7
};
static const struct auth_peer approver = {
	.kind = LISTENER_APPROVER, .uid = 1001, .gid = 100, .pid = 8
};
static const struct auth_peer owner = {
	.kind = LISTENER_APPROVER, .uid = 1000, .pid = 9, .owner = true
};
static const struct auth_peer tcp = { .kind = LISTENER_TCP, .uid = 1000 };

/* Reads text as one request of peer; r is 0, or -1 with why. */
static void
ask_with(struct asked *a, const struct auth_peer *peer,
    const struct tokens *tokens, const char *text)
{
	*a = (struct asked){
		.bytes = BUF_INIT((size_t)8 << 20),
		.record = BUF_INIT((size_t)8 << 20),
		.guard = GUARD_INIT,
		.arena = arena_new(ACTION_ARENA_MAX),
	};
	buf_puts(&a->bytes, text);
	if (guard_feed(&a->guard, a->bytes.s, &a->bytes.len) != GUARD_DONE)
		fail_msg("not read: %s: %s", text,
		    a->guard.detail == NULL ? "more" : a->guard.detail);
	a->rq = (struct request){
		.guard = &a->guard,
		.bytes = a->bytes.s,
		.peer = peer,
		.tokens = tokens,
		.listen_tcp = "127.0.0.1:7878",
	};
	a->r = request_check(&a->rq, &a->why);
	if (a->r == 0 && !a->rq.options &&
	    (a->rq.match.route->flags & ROUTE_LOCAL) == 0)
		a->r = request_call(
		    &a->rq, a->arena, &a->record, &a->call, &a->why);
}

static void
ask(struct asked *a, const struct auth_peer *peer, const char *text)
{
	ask_with(a, peer, NULL, text);
}

static void
post(struct asked *a, const struct auth_peer *peer, const char *path,
    const char *headers, const char *body)
{
	AUTO_BUF struct buf text = BUF_INIT((size_t)8 << 20);

	buf_printf(&text,
	    "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	    "%sContent-Length: %zu\r\n\r\n%s",
	    path, headers, strlen(body), body);
	ask(a, peer, buf_cstr(&text));
}

/* ---- permission -------------------------------------------------------- */

/* Who may what, written down once more: G agent, P approver, U auditor,
 * D admin. */
static const struct permitted {
	const char *method, *path, *who;
} permitted[] = {
	{ "POST", "/v1/actions", "G" },
	{ "GET", "/v1/actions/act_1", "GP" },
	{ "GET", "/v1/actions", "PU" },
	{ "DELETE", "/v1/actions/act_1", "G" },
	{ "PUT", "/v1/actions/act_1/decision", "P" },
	{ "DELETE", "/v1/actions/act_1/decision", "P" },
	{ "GET", "/v1/actions/act_1/grant", "P" },
	{ "GET", "/v1/actions/act_1/rule", "P" },
	{ "POST", "/v1/actions/act_1/escalate", "P" },
	{ "POST", "/v1/actions/act_1/revision", "P" },
	{ "PUT", "/v1/actions/act_1/presence", "P" },
	{ "GET", "/v1/actions/act_1/explain", "GP" },
	{ "POST", "/v1/actions/act_1/execution", "G" },
	{ "GET", "/v1/actions/act_1/output", "GP" },
	{ "POST", "/v1/actions/act_1/signal", "GP" },
	{ "POST", "/v1/actions/act_1/changes", "P" },
	{ "POST", "/v1/actions/act_1/outcome", "G" },
	{ "POST", "/v1/outcomes", "G" },
	{ "POST", "/v1/hooks/claude-code", "G" },
	{ "POST", "/v1/data/assent/allow", "G" },
	{ "POST", "/v1/admission", "G" },
	{ "POST", "/v1/codex/responses", "G" },
	{ "POST", "/v1/mcp", "G" },
	{ "GET", "/v1/mcp", "G" },
	{ "DELETE", "/v1/mcp", "G" },
	{ "POST", "/v1/sessions/s-1/events", "G" },
	{ "POST", "/v1/evaluate", "GPD" },
	{ "GET", "/v1/events", "PU" },
	{ "GET", "/v1/log", "U" },
	{ "GET", "/v1/log/checkpoint", "U" },
	{ "POST", "/v1/log/verify", "U" },
	{ "GET", "/v1/rules", "D" },
	{ "POST", "/v1/rules/reload", "D" },
	{ "POST", "/v1/rules/preview", "P" },
	{ "GET", "/v1/grants", "P" },
	{ "DELETE", "/v1/grants/gr_1", "P" },
	{ "GET", "/metrics", "GPUD" },
	{ "GET", "/readyz", "GPUD" },
	{ "GET", "/v1/version", "GPUD" },
	{ "GET", "/v1/requirements", "GPUD" },
	{ "GET", "/v1/credentials", "GPUD" },
	{ "GET", "/healthz", "GPUD" },
	{ "GET", "/openapi.json", "GPUD" },
};

static const struct {
	char letter;
	enum caller_role role;
	const char *token;
} roles[] = {
	{ 'G', CALLER_AGENT, LONG32 "-agent" },
	{ 'P', CALLER_APPROVER, LONG32 "-approver" },
	{ 'U', CALLER_AUDITOR, LONG32 "-auditor" },
	{ 'D', CALLER_ADMIN, LONG32 "-admin" },
};

static struct tokens *
four_tokens(void)
{
	struct tokens *t = NULL;

	assert_int_equal(
	    tokens_parse("# one role each\nagent " LONG32 "-agent\n\n"
			 "approver " LONG32 "-approver\n"
			 "auditor " LONG32 "-auditor\nadmin " LONG32 "-admin\n",
		&t, NULL),
	    0);
	return t;
}

static bool
passes(const struct permitted *p, const struct auth_peer *peer,
    const struct tokens *tokens, const char *authorization,
    unsigned *ret_status)
{
	AUTO_BUF struct buf text = BUF_INIT(4096);
	AUTO(asked_done) struct asked a;
	int r;

	buf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
	    p->method, p->path, authorization);
	ask_with(&a, peer, tokens, buf_cstr(&text));
	r = request_check(&a.rq, &a.why);
	*ret_status = r == 0 ? 200 : a.why.status;
	return r == 0;
}

static void
the_table_has_every_route(void **state)
{
	(void)state;
	assert_int_equal(route_count(), ARRAY_LEN(permitted));
}

static void
each_role_may_exactly_what_it_is_for(void **state)
{
	AUTO(tokens_freep) struct tokens *t = four_tokens();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(permitted); i++) {
		for (size_t k = 0; k < ARRAY_LEN(roles); k++) {
			const bool may =
			    strchr(permitted[i].who, roles[k].letter) != NULL;
			char head[128];
			unsigned status;

			(void)snprintf(head, sizeof(head),
			    "Authorization: Bearer %s\r\n", roles[k].token);
			if (passes(&permitted[i], &tcp, t, head, &status) !=
				may ||
			    status != (may ? 200u : 403u))
				fail_msg("%s %s by %s: %u", permitted[i].method,
				    permitted[i].path,
				    caller_role_name(roles[k].role), status);
		}
	}
}

static void
over_tcp_nobody_is_known_without_a_token(void **state)
{
	static const char *const wrong[] = {
		"",
		"Authorization: Bearer \r\n",
		"Authorization: Bearer " LONG32 "\r\n",
		"Authorization: Bearer " LONG32 "-agen\r\n",
		"Authorization: Bearer " LONG32 "-agentx\r\n",
		"Authorization: Basic " LONG32 "-agent\r\n",
		"Authorization: " LONG32 "-agent\r\n",
	};
	AUTO(tokens_freep) struct tokens *t = four_tokens();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(permitted); i++) {
		for (size_t k = 0; k < ARRAY_LEN(wrong); k++) {
			const bool open =
			    strcmp(permitted[i].path, "/healthz") == 0;
			unsigned status;

			(void)passes(&permitted[i], &tcp, t, wrong[k], &status);
			assert_int_equal(status, open ? 200 : 401);
		}
	}
}

static void
over_the_agent_socket_everybody_is_an_agent(void **state)
{
	AUTO(tokens_freep) struct tokens *t = four_tokens();
	struct auth_peer root = agent;

	(void)state;
	root.uid = 0;
	root.owner = true;
	for (size_t i = 0; i < ARRAY_LEN(permitted); i++) {
		const bool may = strchr(permitted[i].who, 'G') != NULL;
		unsigned status;

		/* not even with an approver's token */
		assert_int_equal(
		    passes(&permitted[i], &root, t,
			"Authorization: Bearer " LONG32 "-approver\r\n",
			&status),
		    may);
	}
}

static void
over_the_approver_socket_only_the_owner_is_auditor_and_admin(void **state)
{
	unsigned status;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(permitted); i++) {
		const char *who = permitted[i].who;

		assert_int_equal(
		    passes(&permitted[i], &approver, NULL, "", &status),
		    strchr(who, 'P') != NULL);
		assert_int_equal(
		    passes(&permitted[i], &owner, NULL, "", &status),
		    strpbrk(who, "PUD") != NULL);
	}
}

static void
a_web_page_is_refused_whatever_it_asks(void **state)
{
	static const char *const heads[] = {
		"Origin: http://localhost\r\n",
		"Origin: null\r\n",
		"Origin:\r\n",
		"Sec-Fetch-Site: cross-site\r\n",
		"Sec-Fetch-Site: same-origin\r\n",
	};
	const struct permitted health = { "GET", "/healthz", "" };
	unsigned status;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		assert_false(passes(&health, &agent, NULL, heads[i], &status));
		assert_int_equal(status, 403);
	}
	assert_true(
	    passes(&health, &agent, NULL, "Sec-Fetch-Site: none\r\n", &status));
}

static void
another_name_for_this_host_is_refused_over_tcp(void **state)
{
	static const struct {
		const char *host;
		bool good;
	} hosts[] = {
		{ "localhost", true },
		{ "LOCALHOST:7878", true },
		{ "127.0.0.1:1", true },
		{ "[::1]:7878", true },
		{ "[::1]", true },
		{ "evil.example", false },
		{ "localhost.evil.example", false },
		{ "127.0.0.1.evil.example:7878", false },
		{ "127.0.0.2", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		assert_int_equal(
		    auth_host_allowed(str_of(hosts[i].host), "127.0.0.1:7878"),
		    hosts[i].good);
	assert_true(auth_host_allowed(STR("box.example:9"), "box.example:9"));
}

static void
a_token_file_must_be_clear(void **state)
{
	static const char *const bad[] = {
		"short",
		"root " LONG32,
		"agent short",
		"agent",
		"agent ",
		LONG32 " agent",
	};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tokens *t = NULL;

		assert_int_equal(tokens_parse(bad[i], &t, &e), ERR_INVALID);
		assert_null(t);
		assert_null(strstr(e.msg, LONG32));
	}
}

static void
a_bare_token_is_an_agents(void **state)
{
	AUTO(tokens_freep) struct tokens *t = NULL;

	(void)state;
	assert_int_equal(tokens_parse(LONG32 "\n", &t, NULL), 0);
	assert_int_equal(tokens_find(t, STR("bearer " LONG32)), CALLER_AGENT);
}

/* ---- routes ------------------------------------------------------------ */

static void
a_path_that_does_not_exist_is_404_and_a_method_405(void **state)
{
	static const struct {
		const char *line;
		unsigned status;
	} rows[] = {
		{ "GET /", 404 },
		{ "GET /v1", 404 },
		{ "GET /v1/actions/", 404 },
		{ "GET //v1/actions", 404 },
		{ "GET /v1//actions", 404 },
		{ "GET /v1/actions/a/b", 404 },
		{ "GET /v1/actions/a/explain/", 404 },
		{ "GET /V1/actions", 404 },
		{ "GET /v1/actions/./explain/..", 404 },
		{ "GET /v1/%61ctions", 404 },
		{ "GET /v1/actions%2Fact_1", 404 },
		{ "PATCH /v1/actions", 405 },
		{ "PUT /v1/actions", 405 },
		{ "POST /healthz", 405 },
		{ "DELETE /v1/log", 405 },
		{ "POST /v1/log", 405 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(asked_done) struct asked a;
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "%s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].line);
		ask(&a, &owner, text);
		if (a.r == 0 || a.why.status != rows[i].status)
			fail_msg("%s: %d %u", rows[i].line, a.r, a.why.status);
		assert_int_equal(a.why.allow != 0, rows[i].status == 405);
	}
}

static void
the_allow_header_names_every_method_of_a_path(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT(256);
	struct route_match m;

	(void)state;
	route_find(METHOD_OPTIONS, STR("/v1/actions/x/decision"), &m);
	assert_null(m.route);
	route_allow(m.methods, &b);
	assert_string_equal(buf_cstr(&b), "PUT, DELETE, OPTIONS");
	buf_reset(&b);
	route_find(METHOD_OTHER, STR("/v1/actions"), &m);
	route_allow(m.methods, &b);
	assert_string_equal(buf_cstr(&b), "GET, HEAD, POST, OPTIONS");
}

/* ---- calls ------------------------------------------------------------- */

static void
a_proposal_carries_the_kernels_word_for_its_sender(void **state)
{
	AUTO(asked_done) struct asked a;
	AUTO(action_freep) struct action *got = NULL;

	(void)state;
	post(&a, &agent, "/v1/actions",
	    "Idempotency-Key: \"k-1\"\r\nPrefer: foo, wait=30\r\n"
	    "traceparent: "
	    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
	    "{\"tool\":\"shell\",\"workspace\":\"/w\",\"home\":\"/root\","
	    "\"input\":{\"script\":\"ls\"}}");
	if (a.r != 0)
		fail_msg("%s", a.why.detail);
	assert_int_equal(a.call.route, ROUTE_PROPOSE);
	assert_int_equal(a.call.role, CALLER_AGENT);
	assert_int_equal(a.call.uid, 1000);
	assert_int_equal(a.call.pid, 7);
	assert_string_equal(a.call.idempotency_key, "k-1");
	assert_int_equal(a.call.wait_ms, 30000);
	assert_non_null(a.call.traceparent);
	assert_int_equal(action_new(&got, NULL), 0);
	assert_int_equal(action_decode(a.call.action_record, got, NULL), 0);
	assert_int_equal(got->proposer.uid, 1000);
	assert_int_equal(got->proposer.gid, 100);
	assert_null(got->proposer.home);
	assert_string_equal(got->proposal.input.script, "ls");
}

static void
an_evaluation_takes_the_stated_home_and_either_form(void **state)
{
	static const char *const bodies[] = {
		"{\"tool\":\"shell\",\"cwd\":\"/w\",\"home\":\"/h\","
		"\"input\":{\"script\":\"ls\"}}",
		"{\"action\":{\"tool\":\"shell\",\"cwd\":\"/w\","
		"\"home\":\"/h\",\"input\":{\"script\":\"ls\"}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(asked_done) struct asked a;
		AUTO(action_freep) struct action *got = NULL;

		post(&a, &agent, "/v1/evaluate", "", bodies[i]);
		if (a.r != 0)
			fail_msg("%s", a.why.detail);
		assert_int_equal(action_new(&got, NULL), 0);
		assert_int_equal(
		    action_decode(a.call.action_record, got, NULL), 0);
		assert_string_equal(got->proposer.home, "/h");
	}
}

static void
a_decision_is_a_call_with_its_fields(void **state)
{
	AUTO(asked_done) struct asked a;
	static const char text[] =
	    "PUT /v1/actions/act%5f1/decision HTTP/1.1\r\nHost: x\r\n"
	    "Content-Type: application/json; charset=utf-8\r\n"
	    "If-Match: \"7-2\"\r\nContent-Length: 118\r\n\r\n"
	    "{\"decision\":\"allow\",\"action_sha256\":\"" SHA
	    "\",\"scope\":\"once\"}";

	(void)state;
	ask(&a, &approver, text);
	if (a.r != 0)
		fail_msg("%s", a.why.detail);
	assert_int_equal(a.call.route, ROUTE_DECIDE);
	assert_int_equal(a.call.role, CALLER_APPROVER);
	assert_string_equal(a.call.target, "act_1");
	assert_string_equal(a.call.if_match, "\"7-2\"");
	assert_string_equal(call_field(&a.call, "decision"), "allow");
	assert_string_equal(call_field(&a.call, "action_sha256"), SHA);
	assert_string_equal(call_field(&a.call, "scope"), "once");
	assert_null(call_field(&a.call, "reason"));
}

static const struct bad_call {
	const struct auth_peer *peer;
	const char *line, *headers, *body, *says;
	unsigned status;
} bad_calls[] = {
	{ &approver, "PUT /v1/actions/a/decision", "", "{}", "If-Match", 428 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n", "",
	    "empty", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":\"allow\"}", "'action_sha256' is missing", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":\"ask\",\"action_sha256\":\"" SHA "\"}",
	    "'decision' must be one of", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":true,\"action_sha256\":\"" SHA "\"}",
	    "'decision' must be a string, but it is true", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":\"deny\",\"decision\":\"allow\"}", "twice", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":\"allow\",\"action_sha256\":\"ABC\"}",
	    "64 lower-case", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":\"allow\",\"action_sha256\":\"" SHA
	    "\",\"profile\":\"danger-full-access\"}",
	    "'profile' is not known here", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \"1\"\r\n",
	    "{\"decision\":\"allow\",\"action_sha256\":\"" SHA
	    "\",\"scope\":\"forever\"}",
	    "'scope' must be", 400 },
	{ &approver, "PUT /v1/actions/a/decision", "If-Match: \r\n", "{}",
	    "1 to 128", 400 },
	{ &approver, "GET /v1/actions?state=open", "", "", "\"pending\"", 400 },
	{ &approver, "GET /v1/actions?limit=0", "", "", "from 1 to 500", 400 },
	{ &approver, "GET /v1/actions?limit=501", "", "", "from 1 to 500",
	    400 },
	{ &approver, "GET /v1/actions?limit=-1", "", "", "from 1 to 500", 400 },
	{ &approver, "GET /v1/actions?limit=5&limit=6", "", "", "twice", 400 },
	{ &approver, "GET /v1/actions?stat=pending", "", "",
	    "'stat' is not known here", 400 },
	{ &approver, "GET /v1/actions?agent=%ff", "", "", "UTF-8", 400 },
	{ &approver, "GET /v1/actions?agent=a%00b", "", "", "NUL", 400 },
	{ &approver, "GET /v1/actions?agent=%e2%80%ae", "", "", "invisible",
	    400 },
	{ &approver, "GET /v1/actions?agent=%4", "", "", "percent", 400 },
	{ &approver, "GET /v1/actions/%00/explain", "", "", "no such id", 404 },
	{ &approver, "GET /v1/actions/%1b%5b2J/explain", "", "", "no such id",
	    404 },
	{ &approver, "GET /v1/events", "Last-Event-ID: -1\r\n", "",
	    "Last-Event-ID", 400 },
	{ &agent, "POST /v1/actions?dry=1", "", "{}", "no query", 400 },
	{ &agent, "POST /v1/actions", "", "", "empty", 400 },
	{ &agent, "POST /v1/actions", "Idempotency-Key: \"\"\r\n", "{}",
	    "1 to 128", 400 },
	{ &agent, "POST /v1/actions", "",
	    "{\"tool\":\"mcp\",\"execute\":true,\"input\":{\"server\":\"s\","
	    "\"tool\":\"t\"}}",
	    "gateway", 422 },
	{ &agent, "POST /v1/actions/a/signal", "", "{\"signal\":\"9\"}",
	    "\"TERM\"", 400 },
	{ &agent, "POST /v1/actions/a/outcome", "", "{\"exit\":\"0\"}",
	    "must be a number", 400 },
	{ &agent, "POST /v1/actions/a/outcome", "", "{\"exit\":256}",
	    "from -1 to 255", 400 },
	{ &agent, "POST /v1/actions/a/outcome", "", "{\"exit\":1.5}",
	    "from -1 to 255", 400 },
	{ &agent, "POST /v1/sessions/s/events", "", "{\"type\":\"x\"}",
	    "\"prompt\"", 400 },
	{ &owner, "POST /v1/rules/reload", "", "{\"force\":true}",
	    "'force' is not known here", 400 },
	{ &owner, "POST /v1/rules/reload", "", "[]", "object", 400 },
};

static void
every_ill_formed_call_is_refused_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_calls); i++) {
		const struct bad_call *b = &bad_calls[i];
		AUTO_BUF struct buf text = BUF_INIT(65536);
		AUTO(asked_done) struct asked a;

		buf_printf(
		    &text, "%s HTTP/1.1\r\nHost: x\r\n%s", b->line, b->headers);
		if (b->body[0] != '\0')
			buf_printf(&text,
			    "Content-Type: application/json\r\n"
			    "Content-Length: %zu\r\n",
			    strlen(b->body));
		buf_printf(&text, "\r\n%s", b->body);
		ask(&a, b->peer, buf_cstr(&text));
		if (a.r == 0 || a.why.status != b->status ||
		    strstr(a.why.detail, b->says) == NULL)
			fail_msg("%s %s\n  gave %d %u %s", b->line, b->body,
			    a.r, a.why.status, a.r == 0 ? "" : a.why.detail);
	}
}

static void
only_json_is_taken(void **state)
{
	static const char *const types[] = {
		"",
		"Content-Type: text/plain\r\n",
		"Content-Type: application/x-www-form-urlencoded\r\n",
		"Content-Type: multipart/form-data; boundary=a\r\n",
		"Content-Type: application/jsonp\r\n",
		"Content-Type: application/json; charset=utf-16\r\n",
		"Content-Type: text/plain; application/json\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO_BUF struct buf text = BUF_INIT(4096);
		AUTO(asked_done) struct asked a;

		buf_printf(&text,
		    "POST /v1/actions HTTP/1.1\r\nHost: x\r\n%s"
		    "Content-Length: 2\r\n\r\n{}",
		    types[i]);
		ask(&a, &agent, buf_cstr(&text));
		assert_int_equal(a.r, -1);
		assert_int_equal(a.why.status, 415);
	}
}

static void
a_preference_that_is_not_understood_is_none(void **state)
{
	static const struct {
		const char *prefer;
		int64_t wait_ms;
	} rows[] = {
		{ "wait=5", 5000 },
		{ "WAIT=5", -1 },
		{ "wait = 5", 5000 },
		{ "wait=0", 0 },
		{ "wait=100000", HTTP_WAIT_MS_MAX },
		{ "wait=-5", -1 },
		{ "wait=5s", -1 },
		{ "wait", -1 },
		{ "respond-async, wait=5", 0 },
		{ "return=minimal", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(asked_done) struct asked a;
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "GET /v1/actions/a HTTP/1.1\r\nHost: x\r\nPrefer: "
		    "%s\r\n\r\n",
		    rows[i].prefer);
		ask(&a, &agent, text);
		assert_int_equal(a.r, 0);
		assert_int_equal(a.call.wait_ms, rows[i].wait_ms);
	}
}

static void
an_ill_formed_traceparent_is_none(void **state)
{
	AUTO(asked_done) struct asked a;

	(void)state;
	ask(&a, &agent,
	    "GET /v1/actions/a HTTP/1.1\r\nHost: x\r\ntraceparent: "
	    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
	assert_int_equal(a.r, 0);
	assert_null(a.call.traceparent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_every_route),
		cmocka_unit_test(each_role_may_exactly_what_it_is_for),
		cmocka_unit_test(over_tcp_nobody_is_known_without_a_token),
		cmocka_unit_test(over_the_agent_socket_everybody_is_an_agent),
		cmocka_unit_test(
		    over_the_approver_socket_only_the_owner_is_auditor_and_admin),
		cmocka_unit_test(a_web_page_is_refused_whatever_it_asks),
		cmocka_unit_test(
		    another_name_for_this_host_is_refused_over_tcp),
		cmocka_unit_test(a_token_file_must_be_clear),
		cmocka_unit_test(a_bare_token_is_an_agents),
		cmocka_unit_test(
		    a_path_that_does_not_exist_is_404_and_a_method_405),
		cmocka_unit_test(the_allow_header_names_every_method_of_a_path),
		cmocka_unit_test(
		    a_proposal_carries_the_kernels_word_for_its_sender),
		cmocka_unit_test(
		    an_evaluation_takes_the_stated_home_and_either_form),
		cmocka_unit_test(a_decision_is_a_call_with_its_fields),
		cmocka_unit_test(
		    every_ill_formed_call_is_refused_with_a_sentence),
		cmocka_unit_test(only_json_is_taken),
		cmocka_unit_test(a_preference_that_is_not_understood_is_none),
		cmocka_unit_test(an_ill_formed_traceparent_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
