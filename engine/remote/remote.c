/*
 * The session with a remote MCP server.
 * Runs in: assent-mcp-remote.  Trusts: nothing of a message.
 * Owns: exchanges, and lines that wait.
 */
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "remote_int.h"

#define SAID_MAX 200 /* of an answer that is no message */
#define WHY_MAX 1024

static void settle(struct remote *r);

/* ---- to the client ------------------------------------------------------- */

/* JSON has no raw line end within a text: what there is stands between. */
static void
put_line(struct remote *r, struct str json)
{
	buf_reset(&r->out);
	for (size_t i = 0; i < json.len; i++) {
		const bool ends = json.s[i] == '\n' || json.s[i] == '\r';

		buf_put(&r->out, ends ? " " : &json.s[i], 1);
	}
	if (buf_done(&r->out, NULL) == 0)
		r->o.on_line(r->o.ctx, buf_str(&r->out));
}

static void
put_error(struct exchange *x, const char *why)
{
	struct remote *r = x->remote;

	if (x->answered || x->id[0] == '\0') {
		r->o.on_trouble(r->o.ctx, why);
		return;
	}
	x->answered = true;
	buf_reset(&r->out);
	rpc_put_error(&r->out, str_of(x->id), RPC_INTERNAL, why);
	if (buf_done(&r->out, NULL) == 0)
		r->o.on_line(r->o.ctx, buf_str(&r->out));
}

static bool
is_answer(const struct rpc *m, const struct exchange *x)
{
	return (m->kind == RPC_RESULT || m->kind == RPC_ERROR) &&
	    x->id[0] != '\0' && str_eqz(m->id, x->id);
}

/* The version that was agreed on goes with every further request. */
static void
note_greeting(struct remote *r, const struct rpc *m)
{
	const char *version =
	    m->result == 0 ? NULL : rpc_text(m, m->result, "protocolVersion");

	if (version != NULL && strlen(version) < sizeof(r->version) &&
	    version[strspn(version, "0123456789-")] == '\0')
		(void)snprintf(r->version, sizeof(r->version), "%s", version);
}

/* All was said; a stream that is held open all the same is let go of. */
static void
on_answered(void *ctx)
{
	struct exchange *x = ctx;
	struct remote *r = x->remote;

	x->timer = NULL;
	if (x->initialize)
		r->greeting = false;
	exchange_free(x);
	settle(r);
}

void
remote_deliver(struct exchange *x, struct str json)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;

	if (rpc_read(&m, json, NULL) == 0 && is_answer(&m, x)) {
		/* what answers twice is one too many */
		if (x->answered)
			return;
		x->answered = true;
		if (x->initialize)
			note_greeting(x->remote, &m);
		if (x->events)
			(void)loop_after(x->remote->o.loop, REMOTE_ANSWERED_MS,
			    on_answered, x, &x->timer, NULL);
	}
	put_line(x->remote, json);
}

/* ---- the end of a request ------------------------------------------------ */

static void
on_again(void *ctx)
{
	struct exchange *x = ctx;
	struct remote *r = x->remote;
	struct err e = ERR_INIT;

	x->timer = NULL;
	x->resumes = true;
	if (exchange_start(x, &e) == 0)
		return;
	put_error(x, e.msg);
	exchange_free(x);
	settle(r);
}

/* A stream that ended too soon goes on where it was. */
static bool
goes_on(struct exchange *x)
{
	int64_t ms = x->sse.retry_ms >= 0 ? x->sse.retry_ms : REMOTE_RETRY_MS;

	/* one timer, one owner of it: what was answered ends */
	if (x->answered || x->timer != NULL)
		return false;
	if (x->heard)
		x->tries = 0;
	x->heard = false;
	if (x->tries >= REMOTE_RETRIES_MAX)
		return false;
	ms <<= x->tries++;
	if (ms > REMOTE_RETRY_MS_MAX)
		ms = REMOTE_RETRY_MS_MAX;
	return loop_after(
		   x->remote->o.loop, ms, on_again, x, &x->timer, NULL) == 0;
}

static void
put_refusal(struct exchange *x)
{
	AUTO_BUF struct buf why = BUF_INIT(WHY_MAX);
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	const struct str said = buf_str(&x->answer);

	/* a refusal in the protocol's own words */
	if (rpc_read(&m, said, NULL) == 0 && is_answer(&m, x)) {
		remote_deliver(x, said);
		return;
	}
	buf_printf(&why, "the MCP server refuses it (HTTP %ld)", x->status);
	if (x->status == 404 && x->session_was_known)
		buf_puts(
		    &why, ": its session is over; start this server again");
	else if (x->status == 401 || x->status == 403)
		buf_puts(&why, ": give it what it asks for with --header-file");
	else if (x->status >= 300 && x->status < 400)
		buf_puts(
		    &why, ": it is somewhere else; name that place with --url");
	if (said.len > 0) {
		buf_puts(&why, "; it says: ");
		text_escape(&why, str_head(said, SAID_MAX));
	}
	put_error(x, buf_cstr(&why));
}

static void
put_failure(struct exchange *x, CURLcode code)
{
	AUTO_BUF struct buf why = BUF_INIT(WHY_MAX);

	if (code == CURLE_OK)
		buf_puts(&why, "the MCP server gave no answer");
	else
		buf_printf(&why, "the MCP server cannot be spoken to: %s",
		    x->failed.code != 0 ? x->failed.msg
					: curl_easy_strerror(code));
	put_error(x, buf_cstr(&why));
}

/* True: it is to be tried again. */
static bool
end_post(struct exchange *x, CURLcode code)
{
	const bool good = x->status >= 200 && x->status < 300;

	if (good && x->events && !x->answered && x->id[0] != '\0' &&
	    x->sse.id[0] != '\0' && x->failed.code == 0 && goes_on(x))
		return true;
	/* one that resumes and is cut off has no answer yet */
	if (x->resumes && code != CURLE_OK && x->failed.code == 0 && goes_on(x))
		return true;
	if (code == CURLE_OK && !good)
		put_refusal(x);
	else if (code == CURLE_OK && !x->events && x->answer.len > 0)
		remote_deliver(x, buf_str(&x->answer));
	if (code != CURLE_OK || (x->id[0] != '\0' && !x->answered)) {
		if (!x->answered)
			put_failure(x, code);
	}
	return false;
}

/* A server may have nothing to say by itself. */
static bool
end_listening(struct exchange *x)
{
	const bool refused = x->status >= 400 && x->status < 500;

	return !refused && x->failed.code == 0 && !x->remote->ends &&
	    goes_on(x);
}

/* NULL: there is no memory. Its request is not made yet. */
static struct exchange *
add(struct remote *r, enum exchange_kind kind)
{
	struct exchange *x = mem_new(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	*x = (struct exchange){ .remote = r,
		.kind = kind,
		.body = BUF_INIT(REMOTE_MESSAGE_MAX),
		.answer = BUF_INIT(REMOTE_MESSAGE_MAX),
		.sse = SSE_INIT(REMOTE_MESSAGE_MAX, NULL, NULL) };
	x->next = r->exchanges;
	r->exchanges = x;
	r->exchange_count++;
	return x;
}

/* A request without a message. */
static bool
begin(struct remote *r, enum exchange_kind kind)
{
	struct exchange *x = add(r, kind);

	if (x == NULL || exchange_start(x, NULL) == 0)
		return x != NULL;
	exchange_free(x);
	return false;
}

void
remote_over(struct exchange *x, CURLcode code)
{
	struct remote *r = x->remote;
	bool again = false, listen;

	switch (x->kind) {
	case EXCHANGE_POST:
		again = end_post(x, code);
		break;
	case EXCHANGE_LISTEN:
		again = end_listening(x);
		break;
	case EXCHANGE_END:
		break;
	}
	if (again)
		return;
	listen = x->initialized && code == CURLE_OK && x->status < 300 &&
	    !r->listens;
	if (x->initialize)
		r->greeting = false;
	exchange_free(x);
	if (listen)
		r->listens = begin(r, EXCHANGE_LISTEN);
	settle(r);
}

/* ---- from the client ----------------------------------------------------- */

static void
post(struct remote *r, struct str line)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	struct err e = ERR_INIT;
	struct exchange *x = add(r, EXCHANGE_POST);

	(void)rpc_read(&m, line, NULL);
	if (x == NULL) {
		r->o.on_trouble(r->o.ctx, "memory is short");
		return;
	}
	buf_put_str(&x->body, line);
	if (m.kind == RPC_REQUEST)
		(void)snprintf(x->id, sizeof(x->id), "%.*s", STR_ARG(m.id));
	x->initialize = m.kind == RPC_REQUEST && rpc_is(&m, "initialize");
	x->initialized = rpc_is(&m, "notifications/initialized");
	if (x->initialize) {
		r->session[0] = r->version[0] = '\0';
		r->greeting = true;
	}
	if (r->exchange_count > REMOTE_EXCHANGES_MAX)
		(void)err_set(&e, ERR_LIMIT,
		    "too many requests are under way; try again when others "
		    "have ended");
	if (e.code != 0 || buf_done(&x->body, &e) != 0 ||
	    exchange_start(x, &e) != 0) {
		put_error(x, e.msg);
		if (x->initialize)
			r->greeting = false;
		exchange_free(x);
	}
}

void
remote_send(struct remote *r, struct str line)
{
	char *copy;

	if (!r->greeting) {
		post(r, line);
		return;
	}
	copy = r->waiting_count < REMOTE_WAITING_MAX
	    ? mem_strndup(line.s, line.len)
	    : NULL;
	if (copy == NULL)
		r->o.on_trouble(r->o.ctx,
		    "a message before the answer to initialize was too much");
	else
		r->waiting[r->waiting_count++] = copy;
}

/* ---- rest ---------------------------------------------------------------- */

static void
send_waiting(struct remote *r)
{
	char *lines[REMOTE_WAITING_MAX];
	const size_t count = r->waiting_count;

	memcpy(lines, r->waiting, sizeof(lines));
	r->waiting_count = 0;
	for (size_t i = 0; i < count; i++) {
		remote_send(r, str_of(lines[i]));
		free(lines[i]);
	}
}

/* What can go on now does. */
static void
settle(struct remote *r)
{
	size_t posts = 0;

	if (!r->greeting && r->waiting_count > 0)
		send_waiting(r);
	for (const struct exchange *x = r->exchanges; x != NULL; x = x->next)
		posts += x->kind != EXCHANGE_LISTEN && !x->answered;
	if (!r->ends || posts > 0)
		return;
	if (r->session[0] == '\0') {
		r->o.on_idle(r->o.ctx);
		return;
	}
	if (!begin(r, EXCHANGE_END))
		r->o.on_idle(r->o.ctx);
	r->session[0] = '\0';
}

void
remote_end(struct remote *r)
{
	r->ends = true;
	settle(r);
}

int
remote_new(const struct remote_options *o, struct remote **ret, struct err *e)
{
	struct remote *r = mem_new(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return err_nomem(e);
	r->o = *o;
	r->out = (struct buf)BUF_INIT(REMOTE_MESSAGE_MAX);
	rc = curl_loop_new(o->loop, &r->curl, e);
	if (rc != 0) {
		remote_free(r);
		return rc;
	}
	*ret = r;
	return ERR_OK;
}

void
remote_free(struct remote *r)
{
	if (r == NULL)
		return;
	while (r->exchanges != NULL)
		exchange_free(r->exchanges);
	for (size_t i = 0; i < r->waiting_count; i++)
		free(r->waiting[i]);
	if (r->curl != NULL)
		curl_loop_free(r->curl);
	buf_free(&r->out);
	free(r);
}
