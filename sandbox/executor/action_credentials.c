/*
 * The credentials of a run, as far as its plan says.
 * Runs in: engine.  Trusts: the configuration.  Owns: nothing; all memory is
 * the caller's arena.
 */
#include "executor/action_credentials.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/plan_credentials.h"

#define TEXT_MAX 2048
#define HELPERS_MAX 100

struct maker {
	struct arena *arena;
	struct plan_strings *env;
	bool failed;
	size_t helpers; /* of git */
};

static void put(struct maker *m, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
put(struct maker *m, const char *fmt, ...)
{
	AUTO_BUF struct buf b = BUF_INIT(TEXT_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (b.failed != 0 || m->env->count == ACTION_CREDENTIALS_ENV_MAX) {
		m->failed = true;
		return;
	}
	m->env->items[m->env->count] = arena_strndup(m->arena, b.s, b.len);
	m->failed = m->failed || m->env->items[m->env->count] == NULL;
	m->env->count++;
}

/* ---- git ------------------------------------------------------------------- */

static void
put_git(struct maker *m, const char *key_head, const char *host,
    const char *key_tail, const char *value)
{
	put(m, "GIT_CONFIG_KEY_%zu=%s%s%s", m->helpers, key_head, host,
	    key_tail);
	put(m, "GIT_CONFIG_VALUE_%zu=%s", m->helpers, value);
	m->helpers++;
}

/* What git asks for a name and a password gives placeholders, and what it
 * says of them goes nowhere. Name and user are plain words. */
static void
put_helper(struct maker *m, const struct config_credential *c, const char *host)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	buf_printf(&text,
	    "!f() { test \"$1\" = get && printf "
	    "'username=%%s\\npassword=%%s\\n' '%s' '",
	    c->username);
	credential_placeholder(c, &text);
	buf_puts(&text, "'; }; f");
	/* The empty one first: no other helper is asked for this host. */
	put_git(m, "credential.https://", host, ".helper", "");
	put_git(m, "credential.https://", host, ".helper", buf_cstr(&text));
}

static void
put_helpers(struct maker *m, const struct config_credential *c)
{
	for (size_t i = 0; i < c->hosts.count && m->helpers < HELPERS_MAX; i++)
		put_helper(m, c, c->hosts.items[i]);
}

/* ---- all kinds -------------------------------------------------------------- */

static void
put_trust(struct maker *m)
{
	static const char *const lists[] = { "SSL_CERT_FILE", "GIT_SSL_CAINFO",
		"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT",
		"CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE", "HTTPLIB2_CA_CERTS",
		"DENO_CERT", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE" };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		put(m, "%s=" PLAN_CA_DIR "/bundle.pem", lists[i]);
	put(m, "NODE_EXTRA_CA_CERTS=" PLAN_CA_DIR "/ca.pem");
}

static void
put_placeholder(struct maker *m, const struct config_credential *c)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);

	credential_placeholder(c, &text);
	put(m, "%s=%s", c->variable, buf_cstr(&text));
}

static void
put_all(struct maker *m, const struct plan_options *o)
{
	bool injects = false, agent = false;
	unsigned fd = PLAN_VALUE_FD;

	for (size_t i = 0; i < o->credential_count; i++) {
		const struct config_credential *c = &o->credentials[i];
		const enum credential_kind k = credential_kind_of(c);

		injects = injects || credential_is_injected(c);
		agent = agent || k == CREDENTIAL_SSH;
		if (k == CREDENTIAL_GIT)
			put_helpers(m, c);
		if (credential_is_injected(c) && c->variable != NULL)
			put_placeholder(m, c);
		if (k == CREDENTIAL_VALUE)
			put(m, "%s=%u", c->variable, fd++);
	}
	if (injects)
		put_trust(m);
	if (m->helpers > 0)
		put(m, "GIT_CONFIG_COUNT=%zu", m->helpers);
	if (agent)
		put(m, "SSH_AUTH_SOCK=" PLAN_SOCKETS_DIR "/" PLAN_AGENT_SOCKET);
}

static void
set_sockets(struct plan_options *o)
{
	static const char *const agent[] = { PLAN_AGENT_SOCKET };
	bool wanted = false;

	for (size_t i = 0; i < o->credential_count; i++)
		wanted = wanted ||
		    credential_kind_of(&o->credentials[i]) == CREDENTIAL_SSH;
	if (wanted) {
		o->sockets = agent;
		o->socket_count = ARRAY_LEN(agent);
	}
}

/* Only a program can read a descriptor; the others need a network, for an
 * offline run has nowhere to use them. */
static bool
is_for(const struct config_credential *c, const struct action *a,
    const struct plan_options *o)
{
	const enum tool t = a->proposal.tool;

	if (!plan_credential_is_value(c))
		return plan_options_online(o);
	return !o->profile->unconfined && (t == TOOL_SHELL || t == TOOL_EXEC);
}

static struct credential_scope
scope_of(const struct action *a, const char *profile)
{
	return (struct credential_scope){
		.uid = a->proposer.uid,
		.session = a->proposal.session,
		.agent = a->proposal.agent_name,
		.profile = profile,
	};
}

bool
action_credentials_wider(const struct action *a, const struct config *config,
    const char *asked, const char *usual)
{
	const struct credential_scope now = scope_of(a, asked);
	const struct credential_scope before = scope_of(a, usual);

	for (size_t i = 0; config != NULL && i < config->credential_count;
	     i++) {
		const struct config_credential *c = &config->credentials[i];

		if (credential_fits(c, &now) && !credential_fits(c, &before))
			return true;
	}
	return false;
}

static int
choose(const struct action *a, const struct config *config,
    struct config_credential *list, struct plan_options *o, struct err *e)
{
	const struct credential_scope scope = scope_of(a, o->profile->name);

	for (size_t i = 0; i < config->credential_count; i++) {
		const struct config_credential *c = &config->credentials[i];

		if (credential_fits(c, &scope) && is_for(c, a, o))
			list[o->credential_count++] = *c;
	}
	return plan_credentials_values(list, o->credential_count) <=
		CREDENTIAL_VALUES_MAX
	    ? ERR_OK
	    : err_set(e, ERR_LIMIT,
		  "the profile '%s' hands a run more than %d values; narrow "
		  "their profiles, sessions or agents",
		  o->profile->name, CREDENTIAL_VALUES_MAX);
}

int
action_credentials(const struct action *a, const struct config *config,
    struct arena *arena, struct plan_options *o, struct plan_strings *ret_env,
    struct err *e)
{
	struct maker m = { .arena = arena, .env = ret_env };
	struct config_credential *list;
	AUTO_BUF struct buf dir = BUF_INIT(TEXT_MAX);
	int r;

	*ret_env = (struct plan_strings){ .count = 0 };
	if (config == NULL || config->credential_count == 0)
		return ERR_OK;
	list = arena_array(arena, config->credential_count, sizeof(*list));
	ret_env->items = arena_array(
	    arena, ACTION_CREDENTIALS_ENV_MAX + 1, sizeof(*ret_env->items));
	buf_printf(&dir, "%s/" PLAN_CA_HOST_DIR, config->runtime_dir);
	o->ca_dir = arena_strndup(arena, buf_cstr(&dir), dir.len);
	if (list == NULL || ret_env->items == NULL || o->ca_dir == NULL)
		return err_nomem(e);
	r = choose(a, config, list, o, e);
	if (r != 0)
		return r;
	o->credentials = list;
	put_all(&m, o);
	if (m.failed)
		return err_set(e, ERR_LIMIT,
		    "the credentials of this run need too many variables");
	set_sockets(o);
	return ERR_OK;
}
