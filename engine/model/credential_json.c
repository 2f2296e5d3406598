/*
 * A credential as the API and the command line show it.
 * Runs in: engine, assent.  Trusts: the configuration.  Owns: nothing.
 */
#include "base/jsonw.h"
#include "credential.h"

static void
put_list(struct jsonw *w, const char *key, const struct credential_list *l)
{
	jsonw_key(w, key);
	jsonw_array(w);
	for (size_t i = 0; i < l->count; i++)
		jsonw_cstr(w, l->items[i]);
	jsonw_end(w);
}

void
credential_json(struct jsonw *w, const struct config_credential *c)
{
	jsonw_kstr(w, "name", c->name);
	jsonw_kstr(w, "kind", c->kind_name);
	put_list(w, "hosts", &c->hosts);
	jsonw_kstr(w, "username", c->username);
	jsonw_kstr(w, "variable", c->variable);
	jsonw_kstr(w, "source", credential_source_kind(c));
	jsonw_kbool(w, "ask", c->ask);
	jsonw_kbool(w, "plaintext", c->plaintext);
	put_list(w, "profiles", &c->profiles);
	put_list(w, "sessions", &c->sessions);
	put_list(w, "agents", &c->agents);
	put_list(w, "users", &c->users);
}
