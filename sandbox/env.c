/*
 * Choose the environment of a run.
 * Runs in: engine, assent, assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include "env.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/limits.h"
#include "init/net_listen.h"

#define PATH_DEFAULT                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define TELEMETRY "OTEL_"

struct env_list {
	const char **at;
	size_t count, max;
	struct arena *arena;
};

static bool
is_listed(const char *const *list, const char *name, size_t len)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		const size_t n = strlen(list[i]);

		if (list[i][n - 1] == '*') {
			if (len >= n && memcmp(name, list[i], n - 1) == 0)
				return true;
		} else if (len == n && memcmp(name, list[i], n) == 0) {
			return true;
		}
	}
	return false;
}

/* Where telemetry goes, and its keys, are the caller's own affair: a profile
 * that lets much through would hand them to every command. */
static bool
is_telemetry(const char *name, size_t len)
{
	return len >= sizeof(TELEMETRY) - 1 &&
	    memcmp(name, TELEMETRY, sizeof(TELEMETRY) - 1) == 0;
}

bool
env_allowed(const struct profile *p, const char *name, size_t len)
{
	if (is_telemetry(name, len))
		return false;
	return is_listed(profile_env, name, len) ||
	    is_listed(p->env, name, len);
}

static bool
has(const struct env_list *l, const char *name, size_t len)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strncmp(l->at[i], name, len) == 0 && l->at[i][len] == '=')
			return true;
	}
	return false;
}

/* The first value of a name stays: what the plan sets comes first. */
static int
put(struct env_list *l, const char *text, struct err *e)
{
	const size_t len = strcspn(text, "=");

	if (len == 0 || text[len] != '=')
		return err_set(e, ERR_INVALID,
		    "'%s' is not NAME=value: an environment variable needs "
		    "both",
		    text);
	if (has(l, text, len))
		return ERR_OK;
	if (l->count == l->max)
		return err_set(e, ERR_LIMIT,
		    "more than %d environment variables", ENV_VARS_MAX);
	l->at[l->count] = arena_strdup(l->arena, text);
	if (l->at[l->count] == NULL)
		return err_nomem(e);
	l->count++;
	return ERR_OK;
}

static int
put_pair(struct env_list *l, const char *name, const char *value, struct err *e)
{
	char text[PATH_BYTES_MAX + 32];

	(void)snprintf(text, sizeof(text), "%s=%s", name, value);
	return put(l, text, e);
}

/* What programs that know of proxies go by; the others find the same hosts
 * by their names. */
static int
put_proxies(struct env_list *l, struct err *e)
{
	static const char *const vars[] = {
		"HTTP_PROXY=" NET_PROXY_URL,
		"HTTPS_PROXY=" NET_PROXY_URL,
		"FTP_PROXY=" NET_PROXY_URL,
		"ALL_PROXY=" NET_SOCKS_URL,
		"NO_PROXY=localhost,127.0.0.1,::1",
		"http_proxy=" NET_PROXY_URL,
		"https_proxy=" NET_PROXY_URL,
		"ftp_proxy=" NET_PROXY_URL,
		"all_proxy=" NET_SOCKS_URL,
		"no_proxy=localhost,127.0.0.1,::1",
		"NODE_USE_ENV_PROXY=1",
	};
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(vars); i++)
		r = put(l, vars[i], e);
	return r;
}

static int
put_own(struct env_list *l, const struct plan_options *o, struct err *e)
{
	int r = put_pair(l, "TMPDIR", "/tmp", e);

	if (r == 0)
		r = put_pair(l, "ASSENT_SANDBOX", o->profile->name, e);
	if (r == 0)
		r = put_pair(l, "HOME", o->home == NULL ? "/tmp" : o->home, e);
	if (r == 0 && o->who.name != NULL)
		r = put_pair(l, "USER", o->who.name, e);
	if (r == 0 && o->who.name != NULL)
		r = put_pair(l, "LOGNAME", o->who.name, e);
	return r == 0 && plan_options_online(o) ? put_proxies(l, e) : r;
}

int
env_build(const struct plan_options *o, struct arena *a, const char ***ret,
    size_t *ret_count, struct err *e)
{
	struct env_list l = { .arena = a, .max = 2 * ENV_VARS_MAX };
	int r = 0;

	l.at = arena_array(a, l.max + 1, sizeof(*l.at));
	if (l.at == NULL)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < o->set_env_count; i++)
		r = put(&l, o->set_env[i], e);
	if (r == 0)
		r = put_own(&l, o, e);
	for (size_t i = 0; r == 0 && i < profile_list_len(o->profile->set_env);
	     i++)
		r = put(&l, o->profile->set_env[i], e);
	for (size_t i = 0; r == 0 && i < o->env_count; i++) {
		if (env_allowed(o->profile, o->env[i], strcspn(o->env[i], "=")))
			r = put(&l, o->env[i], e);
	}
	if (r == 0)
		r = put_pair(&l, "PATH", PATH_DEFAULT, e);
	if (r != 0)
		return r;
	*ret = l.at;
	*ret_count = l.count;
	return ERR_OK;
}

void
env_wipe(void)
{
	for (char **at = environ; *at != NULL; at++)
		explicit_bzero(*at, strlen(*at));
}
