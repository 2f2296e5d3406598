/*
 * A credential as the API and the command line show it.
 * Runs in: engine, assent.  Trusts: the configuration.  Owns: nothing.
 */
#include "base/jsonw.h"
#include "credential.h"

void
credential_json(struct jsonw *w, const struct config_credential *c)
{
	jsonw_kstr(w, "name", c->name);
	jsonw_kstr(w, "kind", c->kind_name);
	jsonw_kstrs(w, "hosts", c->hosts.items, c->hosts.count);
	jsonw_kstr(w, "username", c->username);
	jsonw_kstr(w, "variable", c->variable);
	jsonw_kstr(w, "source", credential_source_kind(c));
	jsonw_kbool(w, "ask", c->ask);
	jsonw_kbool(w, "plaintext", c->plaintext);
	jsonw_kstrs(w, "profiles", c->profiles.items, c->profiles.count);
	jsonw_kstrs(w, "sessions", c->sessions.items, c->sessions.count);
	jsonw_kstrs(w, "agents", c->agents.items, c->agents.count);
	jsonw_kstrs(w, "users", c->users.items, c->users.count);
}
