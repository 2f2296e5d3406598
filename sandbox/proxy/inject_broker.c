/*
 * The run's link to the broker of credentials, and the hosts that need it.
 * Runs in: assent-proxy.  Trusts: the launcher for which hosts these are.
 * Owns: the link.
 */
#include "inject.h"

#include "sandbox/broker_proto.h"
#include "sandbox/plan_credentials.h"

#define ARENA_MAX ((size_t)1 << 20)

void
inject_init(struct inject *i)
{
	*i = (struct inject){ .link = -1 };
}

void
inject_done(struct inject *i)
{
	fd_closep(&i->link);
	arena_freep(&i->arena);
	i->list = NULL;
	i->count = 0;
}

int
inject_set(struct inject *i, struct str record, int link, struct err *e)
{
	AUTO_FD int taken = link;
	struct rec r = rec_of(record);

	if (i->link >= 0)
		return err_set(e, ERR_INTERNAL, "there is a broker already");
	i->arena = arena_new(ARENA_MAX);
	if (i->arena == NULL)
		return err_nomem(e);
	plan_credentials_get(&r, i->arena, &i->list, &i->count);
	if (rec_done(&r, e) != 0) {
		i->count = 0;
		return err_set(e, ERR_INTERNAL, "ill-formed credentials");
	}
	i->link = TAKE_FD(taken);
	return ERR_OK;
}

const char *
inject_find(const struct inject *i, const char *host, uint16_t port)
{
	for (size_t n = 0; n < i->count; n++) {
		const struct config_credential *c = &i->list[n];

		if (credential_is_injected(c) &&
		    credential_has_host(c, host, port))
			return c->name;
	}
	return NULL;
}

int
inject_replace(const struct inject *i, const struct inject_call *call,
    int *server, struct err *e)
{
	const struct broker_inject to = {
		.host = call->host,
		.port = call->port,
		.tls = call->tls,
		.credential = call->credential,
	};

	if (i->link < 0)
		return err_set(e, ERR_DENIED,
		    "credential '%s' cannot be put into this connection: the "
		    "run has no broker",
		    call->credential);
	return broker_inject(i->link, &to, server, e);
}
