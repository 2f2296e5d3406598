/*
 * Answers to what Codex asks for approval: an allow holds once, and a
 * refusal lets the turn go on.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "bridge_int.h"
#include "codex_app_int.h"

/* ---- ours ---------------------------------------------------------------- */

static struct jsonw
begin(struct buf *out, struct str id)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_key(&w, "id");
	jsonw_raw(&w, id);
	jsonw_key(&w, "result");
	jsonw_object(&w);
	return w;
}

static void
put_decision(struct jsonw *w, const char *word)
{
	jsonw_kstr(w, "decision", word);
}

/* What was asked for, without what is not there. */
static void
put_permissions(struct jsonw *w, const struct rpc *m, bool allow)
{
	const struct json_doc *d = &m->doc;
	const size_t asked = rpc_node(m, m->params, "permissions");

	jsonw_key(w, "permissions");
	jsonw_object(w);
	if (allow && asked != 0 && rpc_is_object(m, asked)) {
		for (size_t n = doc_first(d, asked); n < doc_end(d, asked);
		     n = doc_next(d, n + 1)) {
			if (d->nodes[n + 1].kind == DOC_NULL)
				continue;
			jsonw_key_str(w, doc_str(d, n));
			jsonw_raw(w, doc_raw(d, n + 1));
		}
	}
	jsonw_end(w);
	jsonw_kstr(w, "scope", "turn");
}

static void
put_elicited(struct jsonw *w, bool allow)
{
	jsonw_kstr(w, "action", allow ? "accept" : "decline");
	jsonw_key(w, "content");
	if (allow) {
		jsonw_object(w);
		jsonw_end(w);
	} else {
		jsonw_null(w);
	}
	jsonw_key(w, "_meta");
	jsonw_null(w);
}

/* The old form has a place for the reason; Codex tells it the model. */
static void
put_old(struct jsonw *w, bool allow, const char *why)
{
	if (allow) {
		put_decision(w, "approved");
		return;
	}
	jsonw_key(w, "decision");
	jsonw_object(w);
	jsonw_key(w, "denied");
	jsonw_object(w);
	jsonw_kstr(w, "rejection", why);
	jsonw_end(w);
	jsonw_end(w);
}

/* What its client would have said of a tool that failed. */
static void
put_not_run(struct jsonw *w, const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(BRIDGE_BODY_MAX);

	codex_app_put_reason(&text, str_of(why));
	jsonw_key(w, "contentItems");
	jsonw_array(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "inputText");
	jsonw_kstr(w, "text", buf_cstr(&text));
	jsonw_end(w);
	jsonw_end(w);
	jsonw_kbool(w, "success", false);
}

bool
codex_app_answer_tells(struct str message)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	const struct codex_approval *a = rpc_read_bare(&m, message, NULL) == 0
	    ? codex_app_approval_of(&m)
	    : NULL;

	return a != NULL &&
	    (a->asks == CODEX_TOOL || a->asks == CODEX_OLD_COMMAND ||
		a->asks == CODEX_OLD_PATCH);
}

int
codex_app_put_answer(struct str message, enum hook_verdict verdict,
    const char *why, struct buf *out, struct err *e)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	const bool allow = verdict == HOOK_ALLOW;
	const struct codex_approval *a;
	struct jsonw w;
	int r = rpc_read_bare(&m, message, e);

	if (r != 0)
		return r;
	a = codex_app_approval_of(&m);
	if (a == NULL)
		return err_set(e, ERR_INTERNAL, "it asks for no approval");
	if (a->asks == CODEX_TOOL && allow)
		return err_set(e, ERR_NOTFOUND, "its client runs it");
	w = begin(out, m.id);
	switch (a->asks) {
	case CODEX_COMMAND:
	case CODEX_CHANGE:
		put_decision(&w, allow ? "accept" : "decline");
		break;
	case CODEX_PERMISSIONS:
		put_permissions(&w, &m, allow);
		break;
	case CODEX_ELICITATION:
		put_elicited(&w, allow);
		break;
	case CODEX_TOOL:
		put_not_run(&w, why);
		break;
	case CODEX_OLD_COMMAND:
	case CODEX_OLD_PATCH:
		put_old(&w, allow, why);
		break;
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return buf_done(out, e);
}

/* ---- a person's, at the client -------------------------------------------- */

/* What offers more than this once. */
static bool
is_lasting(struct str name)
{
	return str_eqz(name, "proposedExecpolicyAmendment") ||
	    str_eqz(name, "proposedNetworkPolicyAmendments");
}

static void
put_meta(struct jsonw *w, const struct rpc *m, size_t meta)
{
	const struct json_doc *d = &m->doc;

	jsonw_object(w);
	for (size_t n = doc_first(d, meta); n < doc_end(d, meta);
	     n = doc_next(d, n + 1)) {
		if (str_eqz(doc_str(d, n), "persist"))
			continue;
		jsonw_key_str(w, doc_str(d, n));
		jsonw_raw(w, doc_raw(d, n + 1));
	}
	jsonw_end(w);
}

static void
put_params(struct jsonw *w, const struct rpc *m)
{
	const struct json_doc *d = &m->doc;

	for (size_t n = doc_first(d, m->params); n < doc_end(d, m->params);
	     n = doc_next(d, n + 1)) {
		if (is_lasting(doc_str(d, n)))
			continue;
		jsonw_key_str(w, doc_str(d, n));
		if (str_eqz(doc_str(d, n), "availableDecisions"))
			jsonw_raw(
			    w, STR("[\"accept\",\"decline\",\"cancel\"]"));
		else if (str_eqz(doc_str(d, n), "_meta") &&
		    rpc_is_object(m, n + 1))
			put_meta(w, m, n + 1);
		else
			jsonw_raw(w, doc_raw(d, n + 1));
	}
}

int
codex_app_put_question(struct str message, struct buf *out, struct err *e)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;
	struct jsonw w = jsonw_on(out);
	int r = rpc_read_bare(&m, message, e);

	if (r != 0)
		return r;
	jsonw_object(&w);
	jsonw_kstr(&w, "method", m.method);
	jsonw_key(&w, "id");
	jsonw_raw(&w, m.id);
	jsonw_key(&w, "params");
	jsonw_object(&w);
	put_params(&w, &m);
	jsonw_end(&w);
	jsonw_end(&w);
	return buf_done(out, e);
}

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

/* "accept" where it says that, and the same for good. NULL: it is no such
 * answer, or good as it is. */
static const char *
once_of(const struct rpc *m)
{
	static const char *const words[][2] = {
		{ "acceptForSession", "accept" },
		{ "approved_for_session", "approved" },
		{ "acceptWithExecpolicyAmendment", "accept" },
		{ "approved_execpolicy_amendment", "approved" },
		{ "approved_mcp_policy_amendment", "approved" },
		/* for a host: it may be a no; asked again it is one or not */
		{ "applyNetworkPolicyAmendment", "decline" },
		{ "network_policy_amendment", "decline" },
	};
	const size_t decision = rpc_node(m, m->result, "decision");

	for (size_t i = 0; decision != 0 && i < ARRAY_LEN(words); i++) {
		if (is(rpc_text(m, m->result, "decision"), words[i][0]) ||
		    rpc_node(m, decision, words[i][0]) != 0)
			return words[i][1];
	}
	return NULL;
}

void
codex_app_put_reply(const struct rpc *m, struct buf *out)
{
	const char *once = once_of(m);
	const bool session = is(rpc_text(m, m->result, "scope"), "session");
	const size_t meta = rpc_node(m, m->result, "_meta");
	const bool persists = meta != 0 && rpc_node(m, meta, "persist") != 0;
	const struct json_doc *d = &m->doc;
	struct jsonw w;

	if (once == NULL && !session && !persists)
		return;
	w = begin(out, m->id);
	for (size_t n = doc_first(d, m->result); n < doc_end(d, m->result);
	     n = doc_next(d, n + 1)) {
		jsonw_key_str(&w, doc_str(d, n));
		if (once != NULL && str_eqz(doc_str(d, n), "decision"))
			jsonw_cstr(&w, once);
		else if (session && str_eqz(doc_str(d, n), "scope"))
			jsonw_cstr(&w, "turn");
		else if (persists && str_eqz(doc_str(d, n), "_meta"))
			jsonw_null(&w);
		else
			jsonw_raw(&w, doc_raw(d, n + 1));
	}
	jsonw_end(&w);
	jsonw_end(&w);
}
