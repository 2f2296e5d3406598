/*
 * Connections of a run beyond those that have rows of their own: counted and
 * summed up, a row for each host when the run is over.
 * Runs in: engine.  Trusts: nothing that comes from a run but its form.
 * Owns: nothing; the sums are the run's.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine_int.h"

#define BODY_MAX ((size_t)4096)

/* The last one is all the hosts that have no place of their own. */
static struct net_sum *
find(struct net_sums *s, const struct net_fact *f)
{
	const char *host = f->host == NULL ? "" : f->host;

	for (size_t i = 0; i < s->count; i++) {
		struct net_sum *m = &s->items[i];

		if (m->allow == f->allow && m->port == f->port &&
		    strcmp(m->host, host) == 0)
			return m;
	}
	if (s->count == NET_SUMS_MAX)
		return f->allow ? &s->other_allowed : &s->other_refused;
	s->items[s->count].allow = f->allow;
	s->items[s->count].port = f->port;
	(void)snprintf(
	    s->items[s->count].host, sizeof(s->items[0].host), "%s", host);
	return &s->items[s->count++];
}

bool
engine_net_sum(struct live *run, const struct net_fact *f)
{
	struct net_sum *m;

	if (run->net_sums == NULL) {
		run->net_sums = mem_new(1, sizeof(*run->net_sums));
		if (run->net_sums == NULL)
			return false;
		run->net_sums->other_allowed.allow = true;
	}
	m = find(run->net_sums, f);
	m->connections++;
	m->bytes_up += f->bytes_up;
	m->bytes_down += f->bytes_down;
	return true;
}

static int
write_one(struct engine *g, const struct live *run, const struct net_sum *m,
    struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	int r;

	jsonw_object(&w);
	jsonw_kstr(&w, "decision", m->allow ? "allow" : "deny");
	jsonw_kstr(&w, "host", m->host[0] == '\0' ? NULL : m->host);
	jsonw_kint(&w, "port", m->port);
	jsonw_key(&w, "count");
	jsonw_uint(&w, m->connections);
	jsonw_key(&w, "bytes_up");
	jsonw_uint(&w, m->bytes_up);
	jsonw_key(&w, "bytes_down");
	jsonw_uint(&w, m->bytes_down);
	jsonw_end(&w);
	r = buf_done(&body, e);
	return r != 0
	    ? r
	    : engine_net_append(g, run->a,
		  &(struct net_fact){ .allow = m->allow }, buf_str(&body), e);
}

void
engine_net_sums_write(struct engine *g, struct live *run)
{
	struct net_sums *s = run->net_sums;
	struct err why = ERR_INIT;
	int r = ERR_OK;

	if (s == NULL)
		return;
	for (size_t i = 0; r == 0 && i < s->count; i++)
		r = write_one(g, run, &s->items[i], &why);
	if (r == 0 && s->other_allowed.connections > 0)
		r = write_one(g, run, &s->other_allowed, &why);
	if (r == 0 && s->other_refused.connections > 0)
		r = write_one(g, run, &s->other_refused, &why);
	if (r != 0)
		log_err("store", "id=%s its connections are not summed up: %s",
		    run->a->id, why.msg);
	mem_freep(&run->net_sums);
}
