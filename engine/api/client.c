/*
 * One connection: reads a whole request, asks, answers, and again.
 * Runs in: front.  Trusts: nothing that is read.  Owns: its socket, its
 * buffers, its link.
 */
#include "front.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/jsonw.h"
#include "base/log.h"
#include "hooked.h"
#include "hooks/hooks.h"
#include "mcp_hub.h"
#include "mcped.h"

#define READ_BYTES ((size_t)64 << 10)
#define IN_BYTES_MAX                                                           \
	((size_t)HTTP_HEAD_BYTES_MAX + HTTP_BODY_BYTES_MAX + 2 * READ_BYTES)
#define OUT_BYTES_MAX SCRATCH_BYTES
#define CALL_ARENA_MAX ((size_t)32 << 20)

static void client_input(struct client *c, char *bytes, size_t len);

/* ---- life -------------------------------------------------------------- */

static void
watch(struct client *c)
{
	unsigned events = c->events & LOOP_READ;

	/* What comes while an answer is under way stays in the socket; the
	 * watch is taken off only when something does come (on_client). */
	if (c->state == CLIENT_READING || c->state == CLIENT_LINGERING)
		events |= LOOP_READ;
	if (c->out.len > 0)
		events |= LOOP_WRITE;
	if (events == c->events)
		return;
	if (loop_change(c->front->loop, c->fd, events, NULL) == 0)
		c->events = events;
}

/* Bytes of requests that are not complete, of all clients together. */
static void
account(struct client *c, size_t before)
{
	c->front->buffered += c->in.len;
	c->front->buffered -= before;
}

static void
forget_input(struct client *c)
{
	assert(c->front != NULL && c->front->buffered >= c->in.len);
	c->front->buffered -= c->in.len;
	buf_free(&c->in);
}

static void
forget_mcp(struct client *c)
{
	if (c->work != NULL)
		mcp_work_client_gone(c->work);
	if (c->stream != NULL)
		mcp_stream_client_gone(c->stream, c);
	c->stream = NULL;
}

void
client_close(struct client *c)
{
	struct front *f = c->front;

	front_call_gone(f, c);
	forget_mcp(c);
	deadline_set(&f->deadlines, &c->deadline, DEADLINE_NONE);
	for (struct client **at = &f->answering; *at != NULL;
	     at = &(*at)->next_answering) {
		if (*at == c) {
			*at = c->next_answering;
			break;
		}
	}
	link_drop(c->link);
	c->link = NULL;
	loop_forget(f->loop, c->fd);
	fd_closep(&c->fd);
	fd_closep(&c->pidfd);
	forget_input(c);
	buf_free(&c->out);
	hook_freep(&c->hook);
	front_client_gone(f, c);
	free(c);
}

/* Says that nothing more comes, and gives the other side time to read what
 * it was told: closing at once would take that away from it. */
static void
linger(struct client *c)
{
	forget_mcp(c);
	forget_input(c);
	link_drop(c->link);
	c->link = NULL;
	c->state = CLIENT_LINGERING;
	(void)shutdown(c->fd, SHUT_WR);
	deadline_set(&c->front->deadlines, &c->deadline, DEADLINE_LINGER);
	watch(c);
}

static void
next_request(struct client *c)
{
	forget_mcp(c);
	c->guard = (struct guard)GUARD_INIT;
	c->sent_continue = false;
	c->streaming = false;
	c->paced = false;
	c->state = CLIENT_READING;
	deadline_set(&c->front->deadlines, &c->deadline, DEADLINE_IDLE);
	watch(c);
	if (c->in.len > 0)
		client_input(c, c->in.s, c->in.len);
}

/* The answer is complete and taken. */
static void
client_answered(struct client *c)
{
	if (c->close_after)
		linger(c);
	else
		next_request(c);
}

/* ---- answers ----------------------------------------------------------- */

/* False: the client is gone. */
static bool
flush(struct client *c)
{
	ssize_t n = 0;

	if (c->out.len > 0)
		n = send(
		    c->fd, c->out.s, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		client_close(c);
		return false;
	}
	if (n > 0) {
		buf_consume(&c->out, (size_t)n);
		c->silent = 0;
		deadline_set(&c->front->deadlines, &c->deadline,
		    c->paced ? DEADLINE_STREAM : DEADLINE_CLIENT);
	}
	return true;
}

/* Sends bytes; what the socket does not take waits in out. */
static bool
put_out(struct client *c, const char *bytes, size_t len)
{
	ssize_t n = send(c->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		client_close(c);
		return false;
	}
	n = n < 0 ? 0 : n;
	if ((size_t)n < len)
		buf_put(&c->out, bytes + n, len - (size_t)n);
	return true;
}

/* While out is empty, the rest waits in the link and in the library. */
void
client_pump(struct client *c)
{
	struct front *f = c->front;
	const bool completed = link_completed(c->link);
	ssize_t n = SCRATCH_BYTES;
	bool over;

	/* Less than asked for means that it was all there is. */
	while (c->out.len == 0 && n == SCRATCH_BYTES) {
		n = link_read(c->link, f->scratch, SCRATCH_BYTES);
		if (n > 0 && !put_out(c, f->scratch, (size_t)n))
			return;
	}
	over = c->state == CLIENT_ANSWERING && c->out.len == 0 &&
	    (n == 0 || completed);
	/* Most answers are here whole by now: their link is never watched. */
	link_watch(c->link, !over && c->out.len == 0);
	watch(c);
	if (over) {
		c->close_after = c->close_after || n == 0;
		client_answered(c);
	} else if (c->streaming && (c->out.len == 0 || c->paced)) {
		deadline_set(&f->deadlines, &c->deadline, DEADLINE_STREAM);
	}
}

void
client_answer(struct client *c, const struct answer *a)
{
	struct front *f = c->front;
	struct err e = ERR_INIT;

	if (a->status != 503 && !front_may_hold(f, a->body.len)) {
		client_problem(c, 503, "no_memory",
		    "too many answers wait to be read; read them, or try "
		    "again later",
		    1);
		return;
	}
	c->state = CLIENT_ANSWERING;
	c->streaming = a->chunks && !c->head_only;
	c->heartbeat = c->streaming && a->type == BODY_EVENTS;
	c->paced = c->streaming && a->paced;
	c->silent = 0;
	deadline_set(&f->deadlines, &c->deadline, DEADLINE_CLIENT);
	if (link_answer(c, a, &e) != 0) {
		log_warn("answer_failed", "request=%s error=%s", c->request_id,
		    e.msg);
		linger(c);
		return;
	}
	if (!c->in_answering) {
		c->in_answering = true;
		c->next_answering = f->answering;
		f->answering = c;
	}
	watch(c);
}

void
client_problem(struct client *c, unsigned status, const char *code,
    const char *detail, uint32_t retry_after_s)
{
	AUTO_BUF struct buf body = BUF_INIT(16384);
	AUTO_BUF struct buf extra = BUF_INIT(256);

	if (form_failed(c, detail))
		return;
	buf_printf(&extra, "\"request_id\":\"%s\"", c->request_id);
	problem_json(&body, status, code, detail, buf_cstr(&extra));
	client_answer(c,
	    &(struct answer){
		.status = status,
		.type = BODY_PROBLEM,
		.body = buf_str(&body),
		.retry_after_s = retry_after_s,
	    });
}

static void
refuse(struct client *c, const struct refusal *why)
{
	AUTO_BUF struct buf body = BUF_INIT(16384);
	AUTO_BUF struct buf extra = BUF_INIT(256);

	if (form_failed(c, why->detail))
		return;
	buf_printf(&extra, "\"request_id\":\"%s\"", c->request_id);
	problem_json(
	    &body, why->status, why->code, why->detail, buf_cstr(&extra));
	client_answer(c,
	    &(struct answer){
		.status = why->status,
		.type = BODY_PROBLEM,
		.body = buf_str(&body),
		.allow = why->allow,
	    });
}

void
client_turn_away(struct client *c)
{
	AUTO_BUF struct buf body = BUF_INIT(4096);
	AUTO_BUF struct buf text = BUF_INIT(8192);

	problem_json(&body, 429, "too_many_connections",
	    "too many connections are open; close some or try again later; "
	    "one is enough for many requests",
	    NULL);
	buf_printf(&text,
	    "HTTP/1.1 429 Too Many Requests\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Cache-Control: no-store\r\n"
	    "Retry-After: 1\r\n"
	    "Connection: close\r\n"
	    "Content-Length: %zu\r\n"
	    "\r\n",
	    body.len);
	buf_put_str(&text, buf_str(&body));
	(void)send(
	    c->fd, buf_cstr(&text), text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	linger(c);
}

/* ---- requests ---------------------------------------------------------- */

static bool
is_request_id(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
			c == '.'))
			return false;
	}
	return s.len > 0 && s.len <= REQUEST_ID_MAX;
}

static char *
put_hex(char *to, uint64_t v, size_t digits)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = digits; i > 0; i--, v >>= 4)
		to[i - 1] = hex[v & 15];
	return to + digits;
}

/* The client's own, where it has a harmless one. */
static void
name_request(struct client *c, struct str given)
{
	static const char prefix[] = "req_";
	struct front *f = c->front;
	char *at = c->request_id;

	if (given.s != NULL && is_request_id(given)) {
		memcpy(at, given.s, given.len);
		at += given.len;
	} else {
		memcpy(at, prefix, sizeof(prefix) - 1);
		at = put_hex(at + sizeof(prefix) - 1, f->boot, 16);
		at = put_hex(at, ++f->requests, 10);
	}
	*at = '\0';
}

static void
answer_local(struct client *c, const struct route *route)
{
	struct answer a = { .status = 200, .type = BODY_JSON };

	a.body = route->local == LOCAL_OPENAPI ? buf_str(&c->front->openapi)
					       : STR("{\"status\":\"ok\"}\n");
	client_answer(c, &a);
}

/* 0: call is for the engine; else the client was answered. */
static int
make_call(
    struct client *c, struct request *rq, struct arena *a, struct call *call)
{
	struct refusal why;
	int r;

	if (rq->match.route->local == LOCAL_MCP) {
		r = request_head(rq, a, call, &why);
		if (r == 0)
			r = mcped_call(rq, call, c, &why);
	} else if (rq->match.route->body != ROUTE_BODY_HOOK) {
		r = request_call(rq, a, &c->front->record, call, &why);
	} else {
		r = request_head(rq, a, call, &why);
		if (r == 0)
			r = hooked_call(
			    rq, a, &c->front->record, call, &c->hook, &why);
		if (r == HOOKED_PASS)
			hooked_pass(c);
	}
	if (r < 0)
		refuse(c, &why);
	return r;
}

static void
wait_for_answer(struct client *c)
{
	c->state = CLIENT_WAITING;
	deadline_set(&c->front->deadlines, &c->deadline, DEADLINE_ENGINE);
	watch(c);
}

static void
ask_engine(struct client *c, struct request *rq)
{
	AUTO(arena_freep) struct arena *arena = arena_new(CALL_ARENA_MAX);
	struct front *f = c->front;
	struct call call;

	if (arena == NULL) {
		client_problem(
		    c, 503, "no_memory", "memory is short; try again later", 1);
		return;
	}
	if (make_call(c, rq, arena, &call) != 0) {
		if (c->work != NULL)
			wait_for_answer(c);
		return;
	}
	if ((rq->match.route->flags & ROUTE_WAITS) != 0)
		c->wait_ms = call.wait_ms;
	if (front_call(f, c, &call) != 0) {
		client_problem(c, 503, "engine_unavailable",
		    "the engine is not there; nothing was decided; try again",
		    1);
		return;
	}
	wait_for_answer(c);
}

static void
client_request(struct client *c, const char *bytes)
{
	const struct http_head *head = &c->guard.head;
	struct front *f = c->front;
	struct refusal why;
	struct request rq = {
		.guard = &c->guard,
		.bytes = bytes,
		.peer = &c->peer,
		.tokens = f->tokens,
		.listen_tcp = f->listen_tcp,
	};

	c->close_after = !head->keep_alive;
	c->head_only = head->method == METHOD_HEAD;
	c->minor = head->minor;
	c->wait_ms = -1;
	name_request(c, guard_header(&c->guard, bytes, HEADER_X_REQUEST_ID));
	if (!auth_is_alive(c->pidfd)) {
		client_problem(c, 403, "caller_ended",
		    "the process that opened this connection has ended; "
		    "connect again",
		    0);
	} else if (request_check(&rq, &why) != 0) {
		if (why.record)
			front_record_refusal(f, &rq, &why);
		refuse(c, &why);
	} else if (rq.options) {
		client_answer(c,
		    &(struct answer){
			.status = 204,
			.allow = rq.match.methods,
		    });
	} else if ((rq.match.route->flags & ROUTE_LOCAL) != 0) {
		answer_local(c, rq.match.route);
	} else {
		ask_engine(c, &rq);
	}
}

/* ---- input ------------------------------------------------------------- */

static bool
is_in(const struct client *c, const char *bytes)
{
	return c->in.s != NULL && bytes == c->in.s;
}

/* Keeps what is not understood yet. */
static void
keep(struct client *c, const char *bytes, size_t len)
{
	const size_t before = c->in.len;

	if (is_in(c, bytes))
		c->in.len = len;
	else
		buf_put(&c->in, bytes, len);
	account(c, before);
}

/* A request that cannot be read: where the next one begins is not known. */
static void
input_bad(
    struct client *c, unsigned status, const char *code, const char *detail)
{
	forget_input(c);
	name_request(c, STR_NONE);
	c->close_after = true;
	c->head_only = false;
	c->minor = 1;
	c->wait_ms = -1;
	client_problem(c, status, code, detail, status == 503 ? 1 : 0);
}

static void
input_more(struct client *c, const char *bytes, size_t len)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	keep(c, bytes, len);
	if (c->in.failed != 0 || c->front->buffered > HTTP_BUFFERED_BYTES_MAX) {
		input_bad(c, 503, "no_memory",
		    "too many bodies are under way; try again later");
		return;
	}
	if (!guard_has_head(&c->guard) || !c->guard.head.expect_continue ||
	    c->sent_continue)
		return;
	c->sent_continue = true;
	(void)put_out(c, go_on, sizeof(go_on) - 1);
}

/* The request's bytes, out of c's hands: its answer may be the end of c.
 * What follows them stays. */
static struct buf
take_request(struct client *c, const char *bytes, size_t len)
{
	const struct buf mine = c->in;

	c->front->buffered -= c->in.len;
	c->in = (struct buf)BUF_INIT(IN_BYTES_MAX);
	buf_put(&c->in, bytes + c->guard.end, len - c->guard.end);
	c->front->buffered += c->in.len;
	return mine;
}

/* bytes is the scratch or c's own buffer. */
static void
client_input(struct client *c, char *bytes, size_t len)
{
	enum guard_result r;

	if (c->deadline.kind == DEADLINE_IDLE)
		deadline_set(
		    &c->front->deadlines, &c->deadline, DEADLINE_REQUEST);
	r = guard_feed(&c->guard, bytes, &len);
	if (r == GUARD_MORE) {
		input_more(c, bytes, len);
	} else if (r == GUARD_BAD) {
		input_bad(c, c->guard.status, c->guard.code, c->guard.detail);
	} else {
		AUTO_BUF struct buf mine = take_request(c, bytes, len);

		(void)mine; /* bytes may be in it */
		client_request(c, bytes);
	}
}

static void
read_some(struct client *c)
{
	struct front *f = c->front;
	const bool fresh = c->in.len == 0;
	char *to = fresh ? f->scratch : buf_reserve(&c->in, READ_BYTES);
	ssize_t n;

	if (to == NULL) {
		input_bad(
		    c, 503, "no_memory", "memory is short; try again later");
		return;
	}
	n = recv(c->fd, to, READ_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	if (c->state == CLIENT_LINGERING)
		return;
	if (fresh) {
		client_input(c, f->scratch, (size_t)n);
		return;
	}
	buf_advance(&c->in, (size_t)n);
	f->buffered += (size_t)n;
	client_input(c, c->in.s, c->in.len);
}

static void
on_client(void *ctx, int fd, unsigned events)
{
	struct client *c = ctx;

	(void)fd;
	if ((events & LOOP_HUP) != 0) {
		client_close(c);
	} else if ((events & LOOP_WRITE) != 0) {
		/* reading goes on in the next round, if c is still there */
		if (flush(c) && c->link != NULL)
			client_pump(c);
		else if (c->link == NULL)
			watch(c);
	} else if (c->state == CLIENT_READING || c->state == CLIENT_LINGERING) {
		read_some(c);
	} else {
		c->events &= ~(unsigned)LOOP_READ;
		(void)loop_change(c->front->loop, c->fd, c->events, NULL);
	}
}

/* ---- the beginning, and the end of patience ---------------------------- */

int
client_new(struct front *f, int fd, const struct auth_peer *peer,
    struct client **ret, struct err *e)
{
	AUTO_FREE struct client *c = mem_new(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_nomem(e);
	*c = (struct client){
		.front = f,
		.fd = fd,
		.peer = *peer,
		.pidfd = peer->kind == LISTENER_APPROVER ? auth_pidfd(fd) : -1,
		.state = CLIENT_READING,
		.events = LOOP_READ,
		.guard = GUARD_INIT,
		.in = BUF_INIT(IN_BYTES_MAX),
		.out = BUF_INIT(OUT_BYTES_MAX),
		.wait_ms = -1,
	};
	r = loop_fd(f->loop, fd, LOOP_READ, on_client, c, e);
	if (r != 0) {
		fd_closep(&c->pidfd);
		return r;
	}
	c->deadline.ctx = c;
	/* The first request must come in the time that one may take. */
	deadline_set(&f->deadlines, &c->deadline, DEADLINE_REQUEST);
	*ret = TAKE_PTR(c);
	return ERR_OK;
}

/* Whoever follows a run may stop reading, as at a pipe: the run waits for
 * him, and not the other way round; but nobody waits for ever, and not for
 * long where no run waits any more. */
static void
sign_of_life(struct client *c)
{
	const unsigned patience = c->link != NULL && link_ended(c->link)
	    ? HTTP_LAST_STALL_MS / HTTP_SIGN_OF_LIFE_MS
	    : HTTP_READER_STALL_MS / HTTP_SIGN_OF_LIFE_MS;

	if (c->out.len > 0 && ++c->silent >= patience) {
		client_close(c);
		return;
	}
	if (c->heartbeat && c->out.len == 0)
		(void)link_chunk(c->link, STR(":\n\n"));
	deadline_set(&c->front->deadlines, &c->deadline, DEADLINE_STREAM);
}

void
client_deadline(void *ctx, enum deadline_kind kind)
{
	struct client *c = ctx;

	switch (kind) {
	case DEADLINE_REQUEST:
		if (c->in.len == 0) {
			client_close(c);
			break;
		}
		input_bad(c, 408, "too_slow",
		    "the request did not arrive whole in 10 seconds");
		break;
	case DEADLINE_ENGINE:
		front_call_gone(c->front, c);
		client_problem(c, 503, "engine_unavailable",
		    "the engine did not answer; nothing is known to be "
		    "allowed",
		    1);
		break;
	case DEADLINE_STREAM:
		sign_of_life(c);
		break;
	case DEADLINE_IDLE:
	case DEADLINE_CLIENT:
	case DEADLINE_LINGER:
		client_close(c);
		break;
	case DEADLINE_NONE:
	case DEADLINE_KINDS:
		break;
	}
}
