/*
 * For whom and for which hosts a credential is.
 * Runs in: every role, tools.  Trusts: nothing.  Owns: nothing.
 */
#include "credential.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"

#define PORT_HTTPS 443
#define PORT_HTTP 80
#define PORT_SSH 22
#define HOST_BYTES_MAX (CREDENTIAL_HOST_MAX - 1)

static const char *const kind_names[] = {
	[CREDENTIAL_HEADER] = "header",
	[CREDENTIAL_GIT] = "git",
	[CREDENTIAL_SSH] = "ssh",
	[CREDENTIAL_VALUE] = "value",
};

enum credential_kind
credential_kind_of(const struct config_credential *c)
{
	for (size_t i = 1; c->kind_name != NULL && i < ARRAY_LEN(kind_names);
	     i++) {
		if (strcmp(kind_names[i], c->kind_name) == 0)
			return (enum credential_kind)i;
	}
	return CREDENTIAL_INVALID;
}

bool
credential_is_injected(const struct config_credential *c)
{
	const enum credential_kind k = credential_kind_of(c);

	return k == CREDENTIAL_HEADER || k == CREDENTIAL_GIT;
}

/* ---- scope ------------------------------------------------------------- */

static bool
is_in(const struct credential_list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		if (word != NULL && strcmp(list->items[i], word) == 0)
			return true;
	}
	return list->count == 0;
}

bool
credential_has_user(const struct config_credential *c, uid_t uid)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)uid);
	return is_in(&c->users, text);
}

bool
credential_fits(
    const struct config_credential *c, const struct credential_scope *s)
{
	return credential_has_user(c, s->uid) &&
	    is_in(&c->profiles, s->profile) &&
	    is_in(&c->sessions, s->session) && is_in(&c->agents, s->agent);
}

/* ---- hosts ------------------------------------------------------------- */

struct pattern {
	struct str name; /* without "*." */
	bool below; /* any name that ends in it */
	bool has_port;
	uint16_t port;
};

static bool
is_name(struct str s)
{
	bool label = false; /* it has begun */

	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];
		const bool word = (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_';

		if (!word && !(c == '.' && label))
			return false;
		label = word;
	}
	return label;
}

static const char *
parse(const char *text, struct pattern *ret)
{
	struct str s = str_of(text);
	const size_t colon = str_rfind(s, ':');
	struct pattern p = { .below = str_starts(s, STR("*.")) };
	uint64_t port;

	if (colon < s.len) {
		if (num_parse_u64(
			str_from(s, colon + 1), 1, UINT16_MAX, &port) != 0)
			return "its port is not a number from 1 to 65535";
		p.has_port = true;
		p.port = (uint16_t)port;
		s = str_head(s, colon);
	}
	p.name = p.below ? str_from(s, 2) : s;
	if (p.name.len > HOST_BYTES_MAX || !is_name(p.name))
		return "write NAME, NAME:PORT or *.NAME; other names in their "
		       "xn-- form";
	/* "*.com" would be most of the world. */
	if (p.below && str_find(p.name, '.') == p.name.len)
		return "a pattern needs two labels after the star, as in "
		       "*.example.com";
	*ret = p;
	return NULL;
}

const char *
credential_host_wrong(const char *host)
{
	struct pattern p;

	return parse(host, &p);
}

static bool
is_port(
    const struct config_credential *c, const struct pattern *p, uint16_t port)
{
	if (p->has_port)
		return port == p->port;
	if (credential_kind_of(c) == CREDENTIAL_SSH)
		return port == PORT_SSH;
	return port == PORT_HTTPS || (c->plaintext && port == PORT_HTTP);
}

static bool
is_host(const struct pattern *p, struct str host)
{
	if (p->below)
		return host.len > p->name.len + 1 &&
		    host.s[host.len - p->name.len - 1] == '.' &&
		    strncasecmp(host.s + host.len - p->name.len, p->name.s,
			p->name.len) == 0;
	return host.len == p->name.len &&
	    strncasecmp(host.s, p->name.s, host.len) == 0;
}

bool
credential_has_host(
    const struct config_credential *c, const char *host, uint16_t port)
{
	for (size_t i = 0; host != NULL && i < c->hosts.count; i++) {
		struct pattern p;

		if (parse(c->hosts.items[i], &p) == NULL &&
		    is_port(c, &p, port) && is_host(&p, str_of(host)))
			return true;
	}
	return false;
}

bool
credential_only_host(const struct config_credential *c,
    char ret_host[static CREDENTIAL_HOST_MAX], uint16_t *ret_port)
{
	struct pattern p;

	if (c->hosts.count != 1 || parse(c->hosts.items[0], &p) != NULL ||
	    p.below)
		return false;
	(void)snprintf(ret_host, CREDENTIAL_HOST_MAX, "%.*s", STR_ARG(p.name));
	*ret_port = p.has_port                        ? p.port
	    : credential_kind_of(c) == CREDENTIAL_SSH ? PORT_SSH
						      : PORT_HTTPS;
	return true;
}

/* ---- words ------------------------------------------------------------- */

void
credential_placeholder(const struct config_credential *c, struct buf *out)
{
	buf_printf(out, "assent-placeholder-%s", c->name);
}

const char *
credential_source_kind(const struct config_credential *c)
{
	const struct {
		bool there;
		const char *word;
	} kinds[] = {
		{ c->file != NULL, "file" },
		{ c->env != NULL, "env" },
		{ c->systemd != NULL, "systemd" },
		{ c->agent != NULL, "agent" },
		{ c->secret_service.count > 0, "secret_service" },
		{ c->command.count > 0, "command" },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].there)
			return kinds[i].word;
	}
	return "nowhere";
}

void
credential_source(const struct config_credential *c, struct buf *out)
{
	if (c->file != NULL)
		buf_printf(out, "file %s", c->file);
	else if (c->env != NULL)
		buf_printf(out, "variable %s of the daemon", c->env);
	else if (c->systemd != NULL)
		buf_printf(out, "systemd credential %s", c->systemd);
	else if (c->agent != NULL)
		buf_printf(out, "agent %s", c->agent);
	else if (c->secret_service.count > 0)
		buf_puts(out, "Secret Service");
	else if (c->command.count > 0)
		buf_printf(out, "command %s", c->command.items[0]);
	else
		buf_puts(out, "nowhere");
}
