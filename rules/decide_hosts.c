/*
 * The hosts and ports that a call's connections mean: what its run would be
 * let through to.
 * Runs in: engine, assent.  Trusts: nothing in the action.
 * Owns: nothing; results are in the arena.
 */
#include <stdio.h>

#include "decide_int.h"
#include "hosts.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443
#define HOST_SPEC_MAX 320

/* Names that a registry is made of: one is asked, another delivers. */
struct registry {
	const char *name;
	const char *also[4];
};

static const struct registry registries[] = {
	{ "pypi.org", { "files.pythonhosted.org" } },
	{ "crates.io", { "index.crates.io", "static.crates.io" } },
	{ "proxy.golang.org", { "sum.golang.org" } },
	{ "registry.npmjs.org", { NULL } },
	{ "registry.yarnpkg.com", { NULL } },
	{ "rubygems.org", { "index.rubygems.org" } },
	{ "api.nuget.org", { NULL } },
};

static int
add_port(struct plan *p, struct str host, unsigned port)
{
	char text[HOST_SPEC_MAX];
	const bool v6 =
	    str_find(host, ':') < host.len && str_at(host, 0) != '[';
	const int n = snprintf(text, sizeof(text), v6 ? "[%.*s]:%u" : "%.*s:%u",
	    STR_ARG(host), port);
	const char *copy;

	if (n < 0 || (size_t)n >= sizeof(text)) {
		p->somewhere = true; /* too long to be named */
		return ERR_OK;
	}
	copy = arena_strdup(p->arena, text);
	return copy == NULL ? ERR_NOMEM : plan_add_text(p, &p->hosts, copy);
}

static const struct registry *
find_registry(struct str host)
{
	for (size_t i = 0; i < ARRAY_LEN(registries); i++) {
		if (str_eqz(host, registries[i].name))
			return &registries[i];
	}
	return NULL;
}

static int
add_registry(struct plan *p, const struct registry *r)
{
	int e = add_port(p, str_of(r->name), PORT_HTTPS);

	for (size_t i = 0;
	     e == 0 && i < ARRAY_LEN(r->also) && r->also[i] != NULL; i++)
		e = add_port(p, str_of(r->also[i]), PORT_HTTPS);
	return e;
}

/* "ldap://host", "user@host": only the host is let through. */
static struct str
bare_host(struct str target)
{
	const size_t scheme = str_search(target, STR("://"));
	size_t at;

	if (scheme < target.len)
		target = str_from(target, scheme + 3);
	at = str_rfind(target, '@');
	return at < target.len ? str_from(target, at + 1) : target;
}

int
plan_add_host(struct plan *p, const struct effect *ef)
{
	const struct str host =
	    ef->target == NULL ? STR_NONE : bare_host(str_of(ef->target));
	const struct registry *known = find_registry(host);
	const char *copy;
	int e;

	/* Of the run itself: nothing has to be let through. */
	if (host.len > 0 && host_is_loopback(host))
		return ERR_OK;
	p->network = true;
	if (host.len == 0) {
		p->somewhere = true;
		return ERR_OK;
	}
	if (known != NULL)
		return add_registry(p, known);
	if (ef->port == PORT_HTTP) {
		/* Most answers there lead to the same host by https. */
		e = add_port(p, host, PORT_HTTP);
		return e == 0 ? add_port(p, host, PORT_HTTPS) : e;
	}
	if (ef->port != 0)
		return add_port(p, host, ef->port);
	copy = arena_strndup(p->arena, host.s, host.len);
	return copy == NULL ? ERR_NOMEM : plan_add_text(p, &p->hosts, copy);
}

/* One sentence for whoever answers. */
const char *
plan_network(const struct plan *p, bool online)
{
	AUTO_BUF struct buf b = BUF_INIT(64 * HOST_SPEC_MAX);

	if (p->action->proposal.executor == EXECUTOR_CLIENT)
		return "runs with whatever network the client has";
	if (!p->network && !online)
		return "runs offline";
	if (p->hosts.count == 0)
		return "runs with network; each host is asked about first";
	buf_puts(&b, "runs with network: ");
	for (size_t i = 0; i < p->hosts.count; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", p->hosts.v[i]);
	buf_puts(&b,
	    p->somewhere ? " only; each other host is asked about first"
			 : " only");
	return buf_done(&b, NULL) == 0
	    ? arena_strndup(p->arena, b.s, b.len)
	    : "runs with network: the hosts that are listed";
}
