/*
 * Reports and names that every protocol of a bridge makes in the same way.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "bridge.h"

#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"
#include "bridge_int.h"
#include "rpc_skim.h"

bool
bridge_is_plain(const char *s, size_t max)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";

	return s != NULL && s[0] != '\0' && strlen(s) <= max &&
	    s[strspn(s, letters)] == '\0';
}

bool
bridge_name_session(
    const char *prefix, const char *id, char ret[static BRIDGE_NAME_MAX])
{
	AUTO_BUF struct buf hex = BUF_INIT(BRIDGE_NAME_MAX);
	uint8_t digest[SHA256_LEN];

	if (id == NULL)
		return false;
	if (bridge_is_plain(id, NAME_BYTES_MAX - strlen(prefix) - 1)) {
		(void)snprintf(ret, BRIDGE_NAME_MAX, "%s:%s", prefix, id);
		return true;
	}
	if (sha256_of(id, strlen(id), digest, NULL) != 0)
		return false;
	text_hex(&hex, digest, SHA256_LEN / 2);
	(void)snprintf(ret, BRIDGE_NAME_MAX, "%s:%s", prefix, buf_cstr(&hex));
	return true;
}

void
bridge_note_folder(struct recall *to, const char *id, const char *cwd)
{
	if (id != NULL && cwd != NULL && cwd[0] == '/' &&
	    strlen(cwd) < PATH_BYTES_MAX)
		recall_set(to, str_of(id), str_of(cwd));
}

void
bridge_put_prompt(struct buf *out, const struct rpc *m, size_t list)
{
	AUTO_BUF struct buf text = BUF_INIT(BRIDGE_BODY_MAX);
	struct jsonw w = jsonw_on(out);

	if (list == 0 || m->doc.nodes[list].kind != DOC_ARRAY)
		return;
	for (size_t n = doc_first(&m->doc, list); n < doc_end(&m->doc, list);
	     n = doc_next(&m->doc, n)) {
		const char *part = rpc_text(m, n, "text");

		if (part != NULL)
			buf_printf(&text, "%s\n", part);
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "prompt");
	jsonw_key(&w, "text");
	jsonw_str(&w, hook_cut(buf_str(&text)));
	jsonw_end(&w);
}

void
bridge_put_outcome(struct buf *out, bool failed, struct str text)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kint(&w, "exit", failed ? 1 : 0);
	jsonw_key(&w, failed ? "stderr" : "stdout");
	jsonw_str(&w, hook_cut(text));
	jsonw_end(&w);
}

void
bridge_put_claims(struct jsonw *w, const struct bridge_claims *c)
{
	jsonw_kstr(w, "workspace", c->workspace);
	if (c->session != NULL)
		jsonw_kstr(w, "session", c->session);
	jsonw_key(w, "agent");
	jsonw_object(w);
	jsonw_kstr(w, "name", c->agent);
	if (c->version != NULL && c->version[0] != '\0')
		jsonw_kstr(w, "version", c->version);
	jsonw_end(w);
	jsonw_kstr(w, "executor", "client");
}

enum bridge_next
bridge_refuse(
    struct str id, enum rpc_error code, const char *why, struct buf *out)
{
	buf_reset(out);
	rpc_put_error(out, id, code, why);
	return BRIDGE_ANSWER;
}

bool
bridge_read_client(
    struct rpc *m, struct str line, bool bare, struct bridge_news *ret)
{
	int r;

	*ret = (struct bridge_news){ .unread = ERR_INIT };
	r = bare ? rpc_read_bare(m, line, &ret->unread)
		 : rpc_read(m, line, &ret->unread);
	if (r == 0 && (m->kind == RPC_BATCH || m->kind == RPC_INVALID))
		r = err_set(&ret->unread, ERR_INVALID, "batches are refused");
	if (r != 0)
		(void)rpc_skim(line, &ret->refuse);
	return r == 0;
}
