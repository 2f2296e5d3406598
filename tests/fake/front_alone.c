/*
 * The front with an engine that is a script of the test: real sockets, real
 * messages, no rules and no store.
 *
 *     front_alone DIR
 *
 * Listens at DIR/agent.sock, DIR/approver.sock and on a loopback port, whose
 * number is in DIR/port. The engine is a child
 * whose pid is in DIR/engine.pid; when it dies another is started after 300
 * ms. What it answers is told by the script that is proposed:
 *
 *     allow      200 at once            wait    202 when time is over
 *     park       when anybody decides   hang    never
 *     crash      the engine ends        big N   200 with N bytes
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fdio.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "front.h"
#include "front_role.h"
#include "base/num.h"
#include "model/action_json.h"
#include "openapi.h"

#define RESTART_MS 300
#define TOKEN "0123456789abcdef0123456789abcdef"
#define FLOOD_BYTES ((size_t)64 << 10)
#define PACED_CHUNKS 16
#define FLOOD_MS 1

/* ---- the engine -------------------------------------------------------- */

struct parked {
	uint64_t id;
	struct loop_timer *timer;
	struct engine *engine;
	char *what; /* a stream: how it goes on */
	unsigned sent;
};

struct engine {
	struct loop *loop;
	struct ipc *front;
	struct parked **parked;
	size_t count, cap;
	char flood[FLOOD_BYTES];
};

static void
reply(struct engine *g, const struct reply *r)
{
	AUTO_BUF struct buf b = BUF_INIT(IPC_PAYLOAD_MAX);

	reply_encode(r, &b);
	assert(ipc_send(g->front, EF_REPLY, buf_str(&b), -1, NULL) == 0);
}

static void
decision(struct engine *g, uint64_t id, unsigned status, const char *word)
{
	char body[256], etag[] = "\"7-2\"", where[] = "/v1/actions/act_7";

	(void)snprintf(body, sizeof(body),
	    "{\"id\":\"act_7\",\"state\":\"%s\",\"decision\":\"%s\"}\n",
	    status == 202 ? "pending" : "decided", word);
	reply(g,
	    &(struct reply){
		.id = id,
		.status = status,
		.body = str_of(body),
		.etag = etag,
		.location = status == 202 ? where : NULL,
		.retry_after_s = status == 202 ? 1 : 0,
	    });
}

static void
chunk(struct engine *g, uint64_t id, struct str bytes)
{
	AUTO_BUF struct buf b = BUF_INIT(IPC_PAYLOAD_MAX);

	rec_put_u64(&b, id);
	rec_put_str(&b, bytes);
	(void)ipc_send(g->front, EF_CHUNK, buf_str(&b), -1, NULL);
}

static void
end(struct engine *g, uint64_t id)
{
	AUTO_BUF struct buf b = BUF_INIT(64);

	rec_put_u64(&b, id);
	(void)ipc_send(g->front, EF_END, buf_str(&b), -1, NULL);
}

static struct parked *
park(struct engine *g, uint64_t id)
{
	struct parked *p = mem_new(1, sizeof(*p));

	assert(p != NULL);
	*p = (struct parked){ .id = id, .engine = g };
	assert(mem_grow(&g->parked, &g->cap, g->count + 1,
		   sizeof(struct parked *)) == 0);
	g->parked[g->count++] = p;
	return p;
}

static void
unpark(struct parked *p)
{
	struct engine *g = p->engine;

	for (size_t i = 0; i < g->count; i++) {
		if (g->parked[i] == p)
			g->parked[i] = g->parked[--g->count];
	}
	loop_cancel(g->loop, p->timer);
	free(p->what);
	free(p);
}

static void
on_over(void *ctx)
{
	struct parked *p = ctx;

	p->timer = NULL;
	decision(p->engine, p->id, 202, "ask");
	unpark(p);
}

/* A stream that never ends, as fast as the line is; or one that does. */
static void
on_stream(void *ctx)
{
	struct parked *p = ctx;
	struct engine *g = p->engine;
	char event[64];

	p->timer = NULL;
	if (strcmp(p->what, "flood") == 0) {
		if (ipc_queued(g->front) < FLOOD_BYTES * 8)
			chunk(g, p->id, str_n(g->flood, sizeof(g->flood)));
	} else {
		(void)snprintf(event, sizeof(event),
		    "id: %u\nevent: row\ndata: {}\n\n", ++p->sent);
		chunk(g, p->id, str_of(event));
		if (strcmp(p->what, "three") == 0 && p->sent == 3) {
			end(g, p->id);
			unpark(p);
			return;
		}
	}
	assert(
	    loop_after(g->loop, FLOOD_MS, on_stream, p, &p->timer, NULL) == 0);
}

/* A run's output: "whole" is all here and over, "part" goes on. */
static void
paced(struct engine *g, const struct call *c)
{
	reply(g,
	    &(struct reply){
		.id = c->id,
		.status = 200,
		.type = BODY_EVENTS,
		.chunks = true,
		.paced = true,
	    });
	for (size_t i = 0; i < PACED_CHUNKS; i++)
		chunk(g, c->id, str_n(g->flood, sizeof(g->flood)));
	if (strcmp(c->target, "whole") == 0)
		end(g, c->id);
}

static void
on_stream_call(struct engine *g, const struct call *c)
{
	struct parked *p;

	if (c->target != NULL &&
	    (strcmp(c->target, "whole") == 0 ||
		strcmp(c->target, "part") == 0)) {
		paced(g, c);
		return;
	}
	p = park(g, c->id);

	p->what = mem_strndup(c->target == NULL ? "events" : c->target,
	    strlen(c->target == NULL ? "events" : c->target));
	p->sent = (unsigned)c->last_event_id;
	reply(g,
	    &(struct reply){
		.id = c->id,
		.status = 200,
		.type = BODY_EVENTS,
		.chunks = true,
	    });
	on_stream(p);
}

static void
big(struct engine *g, uint64_t id, size_t len)
{
	char *body = mem_new(1, len + 1);

	assert(body != NULL);
	memset(body, 'x', len);
	reply(g,
	    &(struct reply){
		.id = id,
		.status = 200,
		.type = BODY_TEXT,
		.body = str_n(body, len),
	    });
	free(body);
}

static void
on_propose(struct engine *g, const struct call *c)
{
	AUTO(action_freep) struct action *a = NULL;
	struct parked *p;
	struct str script;
	uint64_t n;

	assert(action_new(&a, NULL) == 0);
	assert(action_decode(c->action_record, a, NULL) == 0);
	script = str_of(a->proposal.input.script);
	assert(a->proposer.uid == c->uid);
	if (str_eqz(script, "crash"))
		_exit(3);
	if (str_eqz(script, "hang")) {
		(void)park(g, c->id);
	} else if (str_eqz(script, "park")) {
		park(g, c->id)->what = mem_strndup("park", 4);
	} else if (str_eqz(script, "wait")) {
		p = park(g, c->id);
		assert(loop_after(g->loop, c->wait_ms, on_over, p, &p->timer,
			   NULL) == 0);
	} else if (str_starts(script, STR("big ")) &&
	    num_parse_u64(str_from(script, 4), 0, 1 << 24, &n) == 0) {
		big(g, c->id, (size_t)n);
	} else {
		decision(g, c->id, 200, "allow");
	}
}

static void
answer_parked(struct engine *g)
{
	for (size_t i = g->count; i > 0; i--) {
		struct parked *p = g->parked[i - 1];

		if (p->what == NULL || strcmp(p->what, "park") != 0)
			continue;
		decision(g, p->id, 200, "allow");
		unpark(p);
	}
}

/* What reached the engine, for the test to read. */
static void
describe(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf b = BUF_INIT(65536);

	buf_printf(&b, "{\"route\":%d,\"role\":%d,\"uid\":%u,\"pid\":%d",
	    (int)c->route, (int)c->role, c->uid, (int)c->pid);
	buf_printf(&b, ",\"target\":\"%s\",\"wait_ms\":%lld",
	    c->target == NULL ? "" : c->target, (long long)c->wait_ms);
	for (size_t i = 0; i < c->field_count; i++)
		buf_printf(&b, ",\"f_%s\":\"%s\"", c->fields[i].name,
		    c->fields[i].value);
	buf_printf(&b, ",\"parked\":%zu}\n", g->count);
	reply(g,
	    &(struct reply){ .id = c->id, .status = 200, .body = buf_str(&b) });
}

static int
on_call(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ACTION_ARENA_MAX);
	struct engine *g = ctx;
	struct call c;

	assert(call_decode(m->payload, a, &c, e) == 0);
	if (c.route == ROUTE_PROPOSE)
		on_propose(g, &c);
	else if (c.stream)
		on_stream_call(g, &c);
	else if (c.route == ROUTE_REFUSED)
		log_info("refused", "reason=%s", call_field(&c, "reason"));
	else
		describe(g, &c);
	if (c.route == ROUTE_DECIDE)
		answer_parked(g);
	return ERR_OK;
}

static int
on_gone(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct engine *g = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t id = rec_u64(&in);

	for (size_t i = 0; i < g->count; i++) {
		if (g->parked[i]->id == id) {
			unpark(g->parked[i]);
			break;
		}
	}
	return rec_done(&in, e);
}

static int
on_taken(void *ctx, struct ipc_msg *m, struct err *e)
{
	(void)ctx;
	(void)m;
	(void)e;
	return ERR_OK;
}

static void
on_front_gone(void *ctx, struct ipc *i, const struct err *why)
{
	(void)ctx;
	(void)i;
	_exit(why == NULL ? 0 : 4);
}

static _Noreturn void
engine_main(int fd)
{
	static const struct ipc_row rows[] = {
		{ .type = FE_CALL,
		    .len_max = IPC_PAYLOAD_MAX,
		    .handler = on_call },
		{ .type = FE_GONE, .len_max = 8, .handler = on_gone },
		{ .type = FE_TAKEN, .len_max = 64, .handler = on_taken },
	};
	struct engine *g = mem_new(1, sizeof(*g));

	assert(g != NULL && dup2(fd, 3) == 3);
	assert(close_range(4, ~0u, 0) == 0);
	memset(g->flood, 'f', sizeof(g->flood));
	log_open("engine", LOG_INFO);
	assert(loop_new(&g->loop, NULL) == 0);
	assert(ipc_new(g->loop, 3, "front", rows, ARRAY_LEN(rows), g,
		   on_front_gone, &g->front, NULL) == 0);
	assert(loop_run(g->loop, NULL) == 0);
	_exit(0);
}

/* ---- the manager: starts engines, and hands their links to the front ---- */

enum {
	MANAGER_LINK = 0x701, /* with the link to a new engine */
};

struct manager {
	const char *dir;
	struct loop *loop;
	struct ipc *front;
	pid_t engine;
};

static void
write_number(const char *dir, const char *name, long long v)
{
	char path[256], text[32];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)snprintf(text, sizeof(text), "%lld\n", v);
	assert(fdio_write_file(path, text, strlen(text), 0600, NULL) == 0);
}

static void
start_engine(void *ctx)
{
	struct manager *m = ctx;
	int pair[2];

	assert(ipc_pair(pair, NULL) == 0);
	m->engine = fork();
	assert(m->engine >= 0);
	if (m->engine == 0)
		engine_main(pair[1]);
	write_number(m->dir, "engine.pid", m->engine);
	assert(ipc_send(m->front, MANAGER_LINK, STR_NONE, pair[0], NULL) == 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
on_child(void *ctx, int signo)
{
	struct manager *m = ctx;

	(void)signo;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		assert(loop_after(m->loop, RESTART_MS, start_engine, m, NULL,
			   NULL) == 0);
}

static void
on_front_ended(void *ctx, struct ipc *i, const struct err *why)
{
	(void)ctx;
	(void)i;
	_exit(why == NULL ? 0 : 5);
}

static _Noreturn void
manager_main(const char *dir, int fd)
{
	static const struct ipc_row none[] = {
		{ .type = MANAGER_LINK, .handler = NULL },
	};
	struct manager m = { .dir = dir };

	assert(loop_new(&m.loop, NULL) == 0);
	assert(ipc_new(m.loop, fd, "front", none, 0, &m, on_front_ended,
		   &m.front, NULL) == 0);
	assert(loop_signal(m.loop, SIGCHLD, on_child, &m, NULL) == 0);
	start_engine(&m);
	(void)loop_run(m.loop, NULL);
	_exit(6);
}

/* ---- the front, confined as in the daemon ------------------------------ */

struct harness {
	const char *dir;
	struct loop *loop;
	struct front *front;
	struct ipc *manager;
};

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct front *f = ctx;

	(void)i;
	log_info("engine_gone", "why=%s", why == NULL ? "hung up" : why->msg);
	front_engine_gone(f);
}

static int
on_link(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct harness *h = ctx;

	return front_engine(h->front, TAKE_FD(m->fd), on_engine_closed, e);
}

static void
on_manager_gone(void *ctx, struct ipc *i, const struct err *why)
{
	(void)ctx;
	(void)i;
	(void)why;
	_exit(7);
}

static void
start_manager(struct harness *h)
{
	static const struct ipc_row rows[] = {
		{ .type = MANAGER_LINK, .flags = IPC_FD, .handler = on_link },
	};
	int pair[2];
	pid_t pid;

	assert(ipc_pair(pair, NULL) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		(void)close(pair[0]);
		manager_main(h->dir, pair[1]);
	}
	(void)close(pair[1]);
	assert(ipc_new(h->loop, pair[0], "manager", rows, ARRAY_LEN(rows), h,
		   on_manager_gone, &h->manager, NULL) == 0);
}

static void
listen_unix(struct harness *h, const char *name, enum listener_kind kind)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", h->dir, name);
	assert(fd >= 0);
	assert(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	assert(listen(fd, 4096) == 0);
	assert(front_listen(h->front, kind, fd, NULL) == 0);
}

static void
listen_tcp(struct harness *h)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	const int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	assert(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	assert(listen(fd, 4096) == 0);
	assert(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	assert(front_listen(h->front, LISTENER_TCP, fd, NULL) == 0);
	write_number(h->dir, "port", ntohs(at.sin_port));
}

static void
on_term(void *ctx, int signo)
{
	(void)signo;
	loop_stop(ctx);
}

static void
confine_front(struct harness *h)
{
	struct confine_options o = { .role = "front" };
	struct role_env env = { .self = h->front };
	struct confine_report report;
	struct err e = ERR_INIT;

	assert(front_role.limits(&env, &o, &e) == 0);
	if (confine(&o, &report, &e) != 0)
		log_warn("not_confined", "why=%s", e.msg);
	log_info("confined", "seccomp=%d landlock=%d", report.seccomp,
	    report.landlock_abi);
}

int
main(int argc, char **argv)
{
	struct harness h = { .dir = argc > 1 ? argv[1] : "." };
	uint64_t sign;
	struct rlimit files;

	assert(getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = files.rlim_max;
	assert(setrlimit(RLIMIT_NOFILE, &files) == 0);
	log_open("front", LOG_INFO);
	assert(loop_new(&h.loop, NULL) == 0);
	start_manager(&h);
	assert(front_new(h.loop, geteuid(), &h.front, NULL) == 0);
	/* Patience is counted in signs of life: with short ones it is short. */
	if (argc > 2 &&
	    num_parse_u64(str_of(argv[2]), 1, HTTP_SIGN_OF_LIFE_MS, &sign) == 0)
		h.front->deadlines.period_ms[DEADLINE_STREAM] = (int64_t)sign;
	assert(openapi_json(&h.front->openapi, NULL) == 0);
	assert(tokens_parse("agent " TOKEN "-agent\nauditor " TOKEN
			    "-auditor\napprover " TOKEN
			    "-approver\nadmin " TOKEN "-admin\n",
		   &h.front->tokens, NULL) == 0);
	listen_unix(&h, "agent.sock", LISTENER_AGENT);
	listen_unix(&h, "approver.sock", LISTENER_APPROVER);
	listen_tcp(&h);
	assert(loop_signal(h.loop, SIGTERM, on_term, h.loop, NULL) == 0);
	write_number(h.dir, "ready", 1);
	confine_front(&h);
	assert(loop_run(h.loop, NULL) == 0);
	front_free(h.front);
	ipc_free(h.manager);
	loop_free(h.loop);
	return 0;
}
