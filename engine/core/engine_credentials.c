/*
 * Which credentials there are, and when each was used last.
 * Runs in: engine.  Trusts: the configuration.  Owns: nothing.
 */
#include <stdio.h>

#include "engine_int.h"

#define BODY_MAX ((size_t)1 << 20)
#define MEMO_MAX ((size_t)4096)
#define KEY_MAX 64

static void
memo_key(char ret[static KEY_MAX], const char *credential)
{
	(void)snprintf(ret, KEY_MAX, "credential.%s", credential);
}

int
engine_credential_note(struct engine *g, const struct action *a,
    const struct broker_use *u, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(MEMO_MAX);
	struct jsonw w = jsonw_on(&text);
	char key[KEY_MAX];
	int r;

	if (g->o.recorder_port->memo_put == NULL)
		return ERR_OK;
	jsonw_object(&w);
	jsonw_key(&w, "time");
	jsonw_time(&w, g->o.env.real_ns());
	jsonw_kstr(&w, "action_id", a->id);
	if (u->host != NULL)
		jsonw_kstr(&w, "host", u->host);
	if (u->port != 0)
		jsonw_kint(&w, "port", u->port);
	jsonw_end(&w);
	r = buf_done(&text, e);
	memo_key(key, u->credential);
	return r != 0 ? r
		      : g->o.recorder_port->memo_put(
			    g->o.recorder, key, buf_str(&text), e);
}

static void
put_last_use(struct engine *g, const char *credential, struct jsonw *w)
{
	AUTO_BUF struct buf text = BUF_INIT(MEMO_MAX);
	char key[KEY_MAX];

	memo_key(key, credential);
	jsonw_key(w, "last_use");
	if (g->o.recorder_port->memo_get == NULL ||
	    g->o.recorder_port->memo_get(g->o.recorder, key, &text, NULL) != 0)
		jsonw_null(w);
	else
		jsonw_raw(w, buf_str(&text));
}

/* An agent hears of those that its user may have, as runs are told. */
static bool
may_know(const struct call *c, const struct config_credential *k)
{
	return c->role != CALLER_AGENT || credential_has_user(k, c->uid);
}

void
engine_credentials(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw w = jsonw_on(&body);

	jsonw_object(&w);
	jsonw_key(&w, "credentials");
	jsonw_array(&w);
	for (size_t i = 0; i < g->o.set.credential_count; i++) {
		const struct config_credential *k = &g->o.set.credentials[i];

		if (!may_know(c, k))
			continue;
		jsonw_object(&w);
		credential_json(&w, k);
		put_last_use(g, k->name, &w);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(g, c->id, 413, "limit",
		    "the credentials are too long for one answer; read them "
		    "with 'assent credentials list --offline'");
	else
		engine_reply_json(g, c->id, 200, buf_str(&body));
}
