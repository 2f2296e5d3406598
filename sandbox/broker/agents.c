/*
 * The agent of ssh, as a run sees it: chosen keys, each signature recorded.
 * Runs in: assent-broker.  Trusts: nothing that comes from a run.
 * Owns: the listener and its connections.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker.h"
#include "credentials/agent.h"
#include "credentials/ssh_key.h"

#define READ_BYTES 4096
#define IN_MAX (AGENT_MESSAGE_MAX + 4)
#define OUT_MAX ((size_t)1 << 20)

struct agent_conn {
	struct broker_run_state *run;
	int fd;
	struct buf in, out;
	struct agent_session session;
	struct buf binding; /* the message, for an agent that has the key */
	uint64_t use; /* that is waited for; 0: none */
	struct forwarding *forward; /* then: the agent that has the key */
	size_t message; /* its length, at the start of in */
	const struct holding *h; /* whose key signs then */
	struct agent_conn *next;
};

static void go_on(struct agent_conn *c);

static void
close_conn(struct agent_conn *c)
{
	struct broker_run_state *r = c->run;
	struct agent_conn **at = &r->agents;

	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at == c) {
		*at = c->next;
		r->agent_count--;
	}
	if (c->use != 0)
		broker_forget_use(r->b, c->use);
	if (c->forward != NULL)
		broker_forward_cancel(c->forward);
	loop_forget(r->b->env->loop, c->fd);
	fd_closep(&c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->binding);
	mem_freep(&c);
}

/* ---- keys ------------------------------------------------------------------ */

static bool
is_offered(const struct agent_conn *c, const struct holding *h)
{
	return h->u != NULL && usable_blob(h->u).len > 0 &&
	    credential_fits(h->c, &c->run->scope);
}

static void
list_keys(struct agent_conn *c)
{
	struct agent_identity list[CREDENTIALS_MAX];
	const struct broker *b = c->run->b;
	size_t count = 0;

	for (size_t i = 0; i < b->held_count && count < CREDENTIALS_MAX; i++) {
		if (is_offered(c, &b->held[i]))
			list[count++] = (struct agent_identity){
				.blob = usable_blob(b->held[i].u),
				.comment = b->held[i].c->name,
			};
	}
	agent_put_identities(&c->out, list, count);
}

static const struct holding *
find_key(const struct agent_conn *c, struct str blob)
{
	const struct broker *b = c->run->b;

	for (size_t i = 0; i < b->held_count; i++) {
		if (is_offered(c, &b->held[i]) &&
		    str_eq(usable_blob(b->held[i].u), blob))
			return &b->held[i];
	}
	return NULL;
}

/* ---- signatures ------------------------------------------------------------ */

static struct agent_request
request_at(const struct agent_conn *c)
{
	struct agent_request q = { .kind = AGENT_REFUSED };
	struct str body;

	if (agent_message(buf_str(&c->in), &body, NULL) > 0)
		agent_parse(body, &q);
	return q;
}

static void
end_request(struct agent_conn *c, struct str signature)
{
	if (signature.len > 0)
		agent_put_signature(&c->out, signature);
	else
		agent_put_failure(&c->out);
	buf_consume(&c->in, c->message);
	go_on(c);
}

static void
on_signed(void *ctx, struct str signature)
{
	struct agent_conn *c = ctx;

	c->forward = NULL;
	end_request(c, signature);
}

static int
forward(struct agent_conn *c, struct err *e)
{
	const struct agent_request q = request_at(c);
	const struct forward_wish w = {
		.h = c->h,
		.binding = buf_str(&c->binding),
		.data = q.data,
		.flags = q.flags,
	};

	return broker_forward(c->run->b, &w, on_signed, c, &c->forward, e);
}

static void
on_used(void *ctx, bool allowed)
{
	AUTO_BUF struct buf signature = BUF_INIT(SSH_SIGNATURE_MAX * 2);
	struct agent_conn *c = ctx;
	const struct agent_request q = request_at(c);
	struct err e = ERR_INIT;
	int r;

	c->use = 0;
	if (!allowed) {
		end_request(c, STR_NONE);
		return;
	}
	if (c->h->c->agent != NULL && forward(c, &e) == 0)
		return;
	r = c->h->u->key == NULL
	    ? ERR_SYS
	    : ssh_key_sign(c->h->u->key, q.data, q.flags, &signature, &e);
	if (r != 0)
		log_err("not-signed", "id=%s credential=%s why=%s", c->run->id,
		    c->h->c->name, e.msg);
	end_request(c, r == 0 ? buf_str(&signature) : STR_NONE);
}

/* "sign as git for the server SHA256:..." */
static void
describe(const struct agent_conn *c, const struct agent_auth *a,
    char ret[static BROKER_WHAT_MAX])
{
	char server[SSH_FINGERPRINT_MAX] = "that does not say who it is";
	const struct str key =
	    str_n(c->session.host_key, c->session.host_key_len);

	if (c->session.bound)
		(void)ssh_blob_fingerprint(key, server, NULL);
	(void)snprintf(ret, BROKER_WHAT_MAX, "sign as %.*s for the server %s",
	    STR_ARG(a->user), server);
}

static int
ask_to_sign(struct agent_conn *c, const struct agent_request *q, struct err *e)
{
	const struct holding *h = find_key(c, q->blob);
	char what[BROKER_WHAT_MAX], host[CREDENTIAL_HOST_MAX];
	struct agent_auth auth;
	struct agent_rule rule;
	uint16_t port = 0;
	bool is_told;
	struct use_wish w;
	int r;

	if (h == NULL)
		return err_set(e, ERR_DENIED, "no such key is offered");
	rule = (struct agent_rule){
		.username = h->c->username,
		.host_keys = buf_str(&h->u->host_keys),
	};
	r = agent_may_sign(&c->session, &rule, q, &auth, e);
	if (r != 0)
		return err_wrap(e, r, "credential '%s'", h->c->name);
	describe(c, &auth, what);
	/* Only a bound session is known to be with one of them; a key does not
	 * say which of several it is. */
	is_told =
	    rule.host_keys.len > 0 && credential_only_host(h->c, host, &port);
	c->h = h;
	w = (struct use_wish){
		.h = h,
		.host = is_told ? host : NULL,
		.port = is_told ? port : 0,
		.what = what,
		.same = c->session.bound ? what : "",
	};
	return broker_ask(c->run, &w, on_used, c, &c->use, e);
}

/* ---- messages -------------------------------------------------------------- */

/* One message at the start of in; true when it is answered. */
static bool
answer(struct agent_conn *c, struct str body)
{
	struct agent_request q;
	struct err e = ERR_INIT;
	int r = ERR_OK;

	agent_parse(body, &q);
	switch (q.kind) {
	case AGENT_LIST:
		list_keys(c);
		return true;
	case AGENT_SIGN:
		r = ask_to_sign(c, &q, &e);
		if (r == 0)
			return false;
		break;
	case AGENT_BIND:
		r = agent_bind(&c->session, &q, &e);
		if (r == 0) {
			buf_reset(&c->binding);
			buf_put_str(&c->binding, body);
			agent_put_success(&c->out);
		}
		break;
	case AGENT_REFUSED:
		r = err_set(
		    &e, ERR_DENIED, "the agent only lists keys and signs in");
		break;
	}
	if (r != 0) {
		log_warn("refused", "id=%s why=%s", c->run->id, e.msg);
		agent_put_failure(&c->out);
	}
	return true;
}

/* True while there is a whole message to answer. */
static int
answer_next(struct agent_conn *c, struct err *e)
{
	struct str body;
	const int n = agent_message(buf_str(&c->in), &body, e);

	if (n <= 0)
		return n;
	c->message = (size_t)n;
	if (!answer(c, body))
		return 0;
	buf_consume(&c->in, c->message);
	return c->out.failed != 0 ? ERR_LIMIT : n;
}

static bool
waits(const struct agent_conn *c)
{
	return c->use != 0 || c->forward != NULL;
}

static bool
flush(struct agent_conn *c)
{
	while (c->out.len > 0) {
		const ssize_t n =
		    send(c->fd, c->out.s, c->out.len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buf_consume(&c->out, (size_t)n);
	}
	return true;
}

/* Who does not read his answers gets no further ones. */
static void
go_on(struct agent_conn *c)
{
	struct err e = ERR_INIT;
	unsigned events;
	int r = 1;

	while (r > 0) {
		r = waits(c) || c->out.len > 0 ? 0 : answer_next(c, &e);
		if (!flush(c))
			r = ERR_SYS;
	}
	if (r < 0) {
		close_conn(c);
		return;
	}
	events = c->out.len > 0 ? LOOP_WRITE : waits(c) ? 0 : LOOP_READ;
	(void)loop_change(c->run->b->env->loop, c->fd, events, NULL);
}

static void
on_conn(void *ctx, int fd, unsigned events)
{
	struct agent_conn *c = ctx;
	char bytes[READ_BYTES];
	ssize_t n = -1;

	if ((events & LOOP_READ) != 0 && !waits(c)) {
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			close_conn(c);
			return;
		}
	} else if ((events & LOOP_HUP) != 0) {
		close_conn(c);
		return;
	}
	if (n > 0)
		buf_put(&c->in, bytes, (size_t)n);
	if (c->in.failed != 0)
		close_conn(c);
	else
		go_on(c);
}

/* ---- the listener ---------------------------------------------------------- */

static void
take_conn(struct broker_run_state *r, int fd)
{
	AUTO_FD int conn = fd;
	struct agent_conn *c = r->agent_count >= BROKER_CONNECTIONS_MAX
	    ? NULL
	    : mem_new(1, sizeof(*c));

	if (c == NULL)
		return; /* it is closed */
	c->run = r;
	c->fd = TAKE_FD(conn);
	c->in = (struct buf)BUF_INIT(IN_MAX + READ_BYTES);
	c->out = (struct buf)BUF_INIT(OUT_MAX);
	c->binding = (struct buf)BUF_INIT(AGENT_MESSAGE_MAX);
	c->next = r->agents;
	r->agents = c;
	r->agent_count++;
	if (loop_fd(r->b->env->loop, c->fd, LOOP_READ, on_conn, c, NULL) != 0)
		close_conn(c);
}

static void
on_listener(void *ctx, int fd, unsigned events)
{
	struct broker_run_state *r = ctx;
	const int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (conn >= 0)
		take_conn(r, conn);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		loop_forget(r->b->env->loop, fd);
}

int
broker_agent_open(struct broker_run_state *r, int fd, struct err *e)
{
	AUTO_FD int listener = fd;
	int listens = 0, code;
	socklen_t len = sizeof(listens);

	if (r->listener >= 0)
		return err_set(e, ERR_CONFLICT, "the run has an agent");
	if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) !=
		0 ||
	    listens == 0)
		return err_set(e, ERR_INVALID, "this is no listener");
	code = fdio_nonblock(listener, e);
	if (code == 0)
		code = loop_fd(
		    r->b->env->loop, listener, LOOP_READ, on_listener, r, e);
	if (code == 0)
		r->listener = TAKE_FD(listener);
	return code;
}

void
broker_agent_close(struct broker_run_state *r)
{
	while (r->agents != NULL)
		close_conn(r->agents);
	if (r->listener >= 0)
		loop_forget(r->b->env->loop, r->listener);
	fd_closep(&r->listener);
}
