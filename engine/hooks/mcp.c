/*
 * A message of the Model Context Protocol on its way through the server.
 * Runs in: front, assent.  Trusts: nothing of a message.  Owns: the message
 * that is being answered.
 */
#include "mcp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp_int.h"

int
mcp_new(struct mcp_session *s, struct mcp **ret, struct err *e)
{
	struct mcp *m = mem_new(1, sizeof(*m));

	if (m == NULL)
		return err_nomem(e);
	m->session = s;
	m->pause_ms = -1;
	m->body = (struct buf)BUF_INIT(MCP_BODY_MAX);
	m->told = (struct buf)BUF_INIT(MCP_TOLD_MAX);
	*ret = m;
	return ERR_OK;
}

void
mcp_free(struct mcp *m)
{
	if (m == NULL)
		return;
	rpc_done(&m->message);
	hook_freep(&m->hook);
	buf_free(&m->body);
	buf_free(&m->told);
	free(m);
}

void
mcp_freep(struct mcp **m)
{
	mcp_free(*m);
	*m = NULL;
}

/* ---- what it is ---------------------------------------------------------- */

struct str
mcp_id(const struct mcp *m)
{
	return m->message.id;
}

struct str
mcp_about(const struct mcp *m)
{
	return m->about;
}

bool
mcp_is_initialize(const struct mcp *m)
{
	return m->message.kind == RPC_REQUEST &&
	    rpc_is(&m->message, "initialize");
}

bool
mcp_is_subscription(const struct mcp *m)
{
	return m->subscribes;
}

bool
mcp_is_malformed(const struct mcp *m)
{
	return m->malformed;
}

struct str
mcp_told(const struct mcp *m)
{
	return m->told.failed == 0 ? buf_str(&m->told) : STR_NONE;
}

void
mcp_told_done(struct mcp *m, int64_t now_ms)
{
	if (m->ask_id[0] != '\0' && m->asked_ms < 0)
		m->asked_ms = now_ms;
	buf_reset(&m->told);
}

const struct mcp_question *
mcp_question(const struct mcp *m)
{
	return &m->question;
}

int64_t
mcp_pause_ms(const struct mcp *m)
{
	return m->pause_ms;
}

bool
mcp_cuts(const struct mcp *m)
{
	return m->cuts;
}

/* ---- for the functions of a menu ----------------------------------------- */

const struct mcp_offer *
mcp_offer(const struct mcp *m)
{
	return m->offer;
}

const struct rpc *
mcp_message(const struct mcp *m)
{
	return &m->message;
}

size_t
mcp_args(const struct mcp *m)
{
	return m->args;
}

const char *
mcp_arg(const struct mcp *m, const char *name)
{
	return m->args == 0 ? NULL : rpc_text(&m->message, m->args, name);
}

const char *
mcp_uri(const struct mcp *m)
{
	return m->uri;
}

const char *
mcp_captured(const struct mcp *m)
{
	return m->captured[0] == '\0' ? NULL : m->captured;
}

const char *
mcp_workspace(const struct mcp *m)
{
	return m->session->workspace;
}

int *
mcp_step(struct mcp *m)
{
	return &m->step;
}

unsigned *
mcp_waited(struct mcp *m)
{
	return &m->waited;
}

struct buf *
mcp_body(struct mcp *m)
{
	return &m->body;
}

struct hook **
mcp_hook(struct mcp *m)
{
	return &m->hook;
}

bool
mcp_can_elicit(const struct mcp *m)
{
	return m->session->elicits;
}

bool
mcp_can_sample(const struct mcp *m)
{
	return m->session->samples;
}

const char *
mcp_recent(const struct mcp *m, size_t i)
{
	const struct mcp_session *s = m->session;

	if (i >= MCP_RECENT_MAX || i >= s->noted)
		return NULL;
	return s->recent[(s->noted - 1 - i) % MCP_RECENT_MAX];
}

void
mcp_note_action(struct mcp *m, const char *id)
{
	struct mcp_session *s = m->session;
	const char *latest = mcp_recent(m, 0);

	if (id[0] == '\0' || (latest != NULL && strcmp(latest, id) == 0))
		return;
	(void)snprintf(s->recent[s->noted++ % MCP_RECENT_MAX],
	    sizeof(s->recent[0]), "%s", id);
}

/* ---- answers ------------------------------------------------------------- */

enum mcp_next
mcp_fail(
    const struct mcp *m, enum rpc_error code, const char *why, struct buf *out)
{
	buf_reset(out);
	rpc_put_error(out, m->message.id, code, why);
	return MCP_SAY;
}

enum mcp_next
mcp_say(const struct mcp *m, struct str json, struct buf *out)
{
	struct jsonw w;

	buf_reset(out);
	w = rpc_begin_result(out, m->message.id);
	jsonw_raw(&w, json);
	jsonw_end(&w);
	return MCP_SAY;
}

enum mcp_next
mcp_say_text(
    const struct mcp *m, struct str words, bool is_error, struct buf *out)
{
	struct jsonw w;

	buf_reset(out);
	w = rpc_begin_result(out, m->message.id);
	jsonw_object(&w);
	jsonw_key(&w, "content");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_key(&w, "text");
	jsonw_str(&w, words);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_kbool(&w, "isError", is_error);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

enum mcp_next
mcp_say_resource(
    const struct mcp *m, const char *media, struct str text, struct buf *out)
{
	struct jsonw w;

	buf_reset(out);
	w = rpc_begin_result(out, m->message.id);
	jsonw_object(&w);
	jsonw_key(&w, "contents");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "uri", m->uri);
	jsonw_kstr(&w, "mimeType", media);
	jsonw_key(&w, "text");
	jsonw_str(&w, text);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	return MCP_SAY;
}

/* ---- before the answer --------------------------------------------------- */

void
mcp_tell_progress(
    struct mcp *m, unsigned done, unsigned total, const char *message)
{
	const struct rpc *r = &m->message;
	const size_t meta =
	    r->params == 0 ? 0 : rpc_node(r, r->params, "_meta");
	const size_t token = meta == 0 ? 0 : rpc_node(r, meta, "progressToken");
	struct jsonw w;

	/* anything else could hold a newline, too */
	if (token == 0 ||
	    (r->doc.nodes[token].kind != DOC_STRING &&
		r->doc.nodes[token].kind != DOC_NUMBER))
		return;
	w = rpc_begin_notification(&m->told, "notifications/progress");
	jsonw_object(&w);
	jsonw_key(&w, "progressToken");
	jsonw_raw(&w, rpc_raw(r, token));
	jsonw_kint(&w, "progress", done);
	if (total > 0)
		jsonw_kint(&w, "total", total);
	jsonw_kstr(&w, "message", message);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&m->told, '\n');
}

void
mcp_tell_log(struct mcp *m, enum mcp_level level, const char *text)
{
	const struct mcp_session *s = m->session;
	struct jsonw w;

	if (s->level == MCP_LEVEL_UNSET || level < s->level)
		return;
	w = rpc_begin_notification(&m->told, "notifications/message");
	jsonw_object(&w);
	jsonw_kstr(&w, "level", mcp_level_name(level));
	jsonw_kstr(&w, "logger", s->menu->name);
	jsonw_kstr(&w, "data", text);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&m->told, '\n');
}

void
mcp_ask_client(struct mcp *m, const char *method, struct str params)
{
	struct jsonw w;

	assert(m->ask_id[0] == '\0');
	m->asked_ms = -1;
	(void)snprintf(m->ask_id, sizeof(m->ask_id), "%s-%u",
	    m->session->menu->name, ++m->session->asked);
	w = rpc_begin_request(&m->told, m->ask_id, method);
	jsonw_raw(&w, params);
	jsonw_end(&w);
	buf_putc(&m->told, '\n');
}

bool
mcp_asks_client(const struct mcp *m)
{
	return m->ask_id[0] != '\0';
}

void
mcp_withdraw(struct mcp *m)
{
	struct jsonw w;

	if (m->ask_id[0] == '\0')
		return;
	w = rpc_begin_notification(&m->told, "notifications/cancelled");
	jsonw_object(&w);
	jsonw_kstr(&w, "requestId", m->ask_id);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&m->told, '\n');
	m->ask_id[0] = '\0';
}

enum mcp_next
mcp_ask_daemon(struct mcp *m, const struct mcp_question *question)
{
	m->question = *question;
	return MCP_ASK;
}

enum mcp_next
mcp_pause(struct mcp *m, int64_t ms, bool cut)
{
	m->pause_ms = ms;
	m->cuts = cut;
	return MCP_WAIT;
}

/* ---- what came of it ----------------------------------------------------- */

static enum mcp_next
hear(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	enum mcp_next next;

	assert(m->offer != NULL && m->offer->heard != NULL);
	m->pause_ms = -1;
	m->cuts = false;
	next = m->offer->heard(m, news, out);
	if (next == MCP_SAY)
		mcp_withdraw(m);
	return next;
}

enum mcp_next
mcp_hear_daemon(
    struct mcp *m, unsigned status, struct str json, struct buf *out)
{
	return hear(m,
	    &(struct mcp_news){
		.from = MCP_FROM_DAEMON, .status = status, .json = json },
	    out);
}

void
mcp_hear_wait(struct mcp *m, const struct hook_ruling *ruling)
{
	AUTO_BUF struct buf none = BUF_INIT(0);

	mcp_note_action(m, ruling->id);
	(void)hear(m,
	    &(struct mcp_news){ .from = MCP_FROM_WAIT, .ruling = ruling },
	    &none);
}

/* Not "cancel": so answers a client with nobody in front of it, too. */
static bool
said_no(const struct rpc *r)
{
	const char *action =
	    r->result == 0 ? NULL : rpc_text(r, r->result, "action");

	return action != NULL && strcmp(action, "decline") == 0;
}

enum mcp_next
mcp_hear_client(
    struct mcp *m, const struct mcp *reply, int64_t now_ms, struct buf *out)
{
	const struct rpc *r = &reply->message;
	const bool good = r->kind == RPC_RESULT && r->result != 0;

	m->ask_id[0] = '\0';
	return hear(m,
	    &(struct mcp_news){ .from = MCP_FROM_CLIENT,
		.status = good ? 200 : 0,
		.json = rpc_raw(r, good ? r->result : rpc_node(r, 0, "error")),
		.declined =
		    said_no(r) && now_ms - m->asked_ms >= MCP_PERSON_MS },
	    out);
}

enum mcp_next
mcp_hear_clock(struct mcp *m, struct buf *out)
{
	return hear(m, &(struct mcp_news){ .from = MCP_FROM_CLOCK }, out);
}

bool
mcp_asks(const struct mcp *m, const struct mcp *reply)
{
	const struct str own = reply->about;

	return m->ask_id[0] != '\0' && own.len >= 2 &&
	    str_eqz(str_head(str_from(own, 1), own.len - 2), m->ask_id);
}

/* ---- reading ------------------------------------------------------------- */

static enum mcp_next
take_notification(struct mcp *m)
{
	const struct rpc *r = &m->message;
	const size_t id =
	    r->params == 0 ? 0 : rpc_node(r, r->params, "requestId");

	if (!rpc_is(r, "notifications/cancelled") || id == 0)
		return MCP_QUIET;
	m->about = rpc_raw(r, id);
	return MCP_CANCEL;
}

enum mcp_next
mcp_take(struct mcp *m, struct str message, struct buf *out)
{
	struct err e = ERR_INIT;

	assert(m->message.kind == RPC_INVALID && m->offer == NULL);
	if (rpc_read(&m->message, message, &e) != 0) {
		m->malformed = true;
		return mcp_fail(m,
		    m->message.doc.count == 0 ? RPC_PARSE : RPC_NO_REQUEST,
		    e.msg, out);
	}
	switch (m->message.kind) {
	case RPC_REQUEST:
		return mcp_request(m, out);
	case RPC_NOTIFICATION:
		return take_notification(m);
	case RPC_RESULT:
	case RPC_ERROR:
		m->about = m->message.id;
		return MCP_REPLY;
	case RPC_BATCH:
	case RPC_INVALID:
		break;
	}
	m->malformed = true;
	return mcp_fail(m, RPC_NO_REQUEST, "a message must be one object", out);
}
