/*
 * A signature from the agent that has the key: the user's own. It is told
 * the session that the client has bound, and asked to sign; nothing else is
 * ever said to it.
 * Runs in: assent-broker.  Trusts: the agent for its signatures.
 * Owns: the connection, one for each signature.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "broker.h"
#include "credentials/agent.h"
#include "credentials/ssh_wire.h"

#define READ_BYTES 4096
/* A person may have to touch a token, or to confirm. */
#define PATIENCE_MS 120000
#define IN_MAX (AGENT_MESSAGE_MAX + READ_BYTES)

struct forwarding {
	struct broker *b;
	const struct holding *h;
	broker_signed_fn *fn;
	void *ctx;
	uint64_t opening; /* that is waited for; 0: none */
	int fd;
	struct buf out, in;
	size_t skipped; /* answers that come before the signature */
	struct loop_timer *timer;
};

void
broker_forward_cancel(struct forwarding *f)
{
	struct loop *l = f->b->env->loop;

	if (f->opening != 0)
		broker_forget_source(f->b, f->opening);
	if (f->fd >= 0)
		loop_forget(l, f->fd);
	loop_cancel(l, f->timer);
	fd_closep(&f->fd);
	buf_free(&f->out);
	buf_free(&f->in);
	free(f);
}

/* signature may lie in f. */
static void
end(struct forwarding *f, struct str signature)
{
	broker_signed_fn *const fn = f->fn;
	void *const ctx = f->ctx;
	AUTO_BUF struct buf kept = BUF_INIT(AGENT_MESSAGE_MAX);

	buf_put_str(&kept, signature);
	broker_forward_cancel(f);
	fn(ctx, buf_str(&kept));
}

static void
fail(struct forwarding *f, const char *why)
{
	log_warn("not-signed", "credential=%s why=%s", f->h->c->name, why);
	end(f, STR_NONE);
}

static void
on_late(void *ctx)
{
	struct forwarding *f = ctx;

	f->timer = NULL;
	fail(f, "the agent that has the key does not answer");
}

/* True: it is over. */
static bool
take_answer(struct forwarding *f)
{
	struct str body, signature;
	struct err e = ERR_INIT;
	int n = agent_message(buf_str(&f->in), &body, &e);

	/* Whether it understands bindings is its own matter. */
	for (; n > 0 && f->skipped > 0; f->skipped--) {
		buf_consume(&f->in, (size_t)n);
		n = agent_message(buf_str(&f->in), &body, &e);
	}
	if (n == 0)
		return false;
	if (n < 0 || agent_parse_signature(body, &signature, &e) != 0)
		fail(f, e.msg);
	else
		end(f, signature);
	return true;
}

static bool
flush(struct forwarding *f)
{
	while (f->out.len > 0) {
		const ssize_t n =
		    send(f->fd, f->out.s, f->out.len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buf_consume(&f->out, (size_t)n);
	}
	return true;
}

static void
on_agent(void *ctx, int fd, unsigned events)
{
	struct forwarding *f = ctx;
	char bytes[READ_BYTES];
	ssize_t n;

	(void)events;
	if (!flush(f)) {
		fail(f, "the agent that has the key hung up");
		return;
	}
	n = recv(fd, bytes, sizeof(bytes), 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		fail(f, "the agent that has the key hung up");
		return;
	}
	if (n > 0)
		buf_put(&f->in, bytes, (size_t)n);
	if (f->in.failed != 0)
		fail(f, "the agent that has the key says too much");
	else if (!take_answer(f))
		(void)loop_change(f->b->env->loop, f->fd,
		    LOOP_READ | (f->out.len > 0 ? LOOP_WRITE : 0U), NULL);
}

static void
on_opened(void *ctx, int fd, const char *why)
{
	struct forwarding *f = ctx;
	struct err e = ERR_INIT;

	f->opening = 0;
	if (fd < 0) {
		fail(f, why);
		return;
	}
	f->fd = fd;
	if (loop_fd(f->b->env->loop, fd, LOOP_READ | LOOP_WRITE, on_agent, f,
		&e) == 0)
		return;
	fd_closep(&f->fd);
	fail(f, e.msg);
}

int
broker_forward(struct broker *b, const struct forward_wish *w,
    broker_signed_fn *fn, void *ctx, struct forwarding **ret, struct err *e)
{
	struct forwarding *f = mem_new(1, sizeof(*f));
	int r;

	if (f == NULL)
		return err_nomem(e);
	*f = (struct forwarding){
		.b = b,
		.h = w->h,
		.fn = fn,
		.ctx = ctx,
		.fd = -1,
		.out = BUF_INIT(3 * AGENT_MESSAGE_MAX),
		.in = BUF_INIT(IN_MAX),
		.skipped = w->binding.len > 0,
	};
	if (w->binding.len > 0)
		agent_put_body(&f->out, w->binding);
	agent_put_sign_request(
	    &f->out, usable_blob(w->h->u), w->data, w->flags);
	r = buf_done(&f->out, e);
	if (r == 0)
		r = loop_after(
		    b->env->loop, PATIENCE_MS, on_late, f, &f->timer, e);
	if (r == 0)
		r = broker_open_source(b, w->h, on_opened, f, &f->opening, e);
	if (r != 0)
		broker_forward_cancel(f);
	else
		*ret = f;
	return r;
}
