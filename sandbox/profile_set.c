/*
 * Profiles of the configuration, built on the built-in ones.
 * Runs in: engine, assent-exec.  Trusts: the configuration, whose owner was
 * checked, in its form; not in what it asks for.
 * Owns: nothing; all memory is the caller's arena.
 */
#include "profile_set.h"

#include <string.h>

#include "model/requirements.h"
#include "sandbox/net_policy.h"
#include "sandbox/plan.h"

#define WORKSPACE "$workspace"

struct profile_set {
	struct profile *at;
	size_t count;
	const char **allowed; /* NULL-ended; empty: all but full access */
	const char *permits; /* what the administrator says, or NULL */
};

/* ---- lists --------------------------------------------------------------- */

enum list_part {
	LIST_ALL,
	LIST_ROOTS, /* without the workspace and the private /tmp */
	LIST_NAMES, /* without '=' */
	LIST_VALUES, /* with '=' */
};

static bool
belongs(const char *item, enum list_part part)
{
	switch (part) {
	case LIST_ROOTS:
		return strcmp(item, WORKSPACE) != 0 &&
		    strcmp(item, "/tmp") != 0;
	case LIST_NAMES:
		return strchr(item, '=') == NULL;
	case LIST_VALUES:
		return strchr(item, '=') != NULL;
	case LIST_ALL:
		break;
	}
	return true;
}

/* *list becomes what it was and what is added; text is copied. */
static int
extend(const char *const **list, const struct config_strings *more,
    enum list_part part, struct arena *a)
{
	const size_t old = profile_list_len(*list);
	const char **all;
	size_t n = old;

	if (more->count == 0)
		return ERR_OK;
	all = arena_array(a, old + more->count + 1, sizeof(*all));
	if (all == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < old; i++)
		all[i] = (*list)[i];
	for (size_t i = 0; i < more->count; i++) {
		if (!belongs(more->items[i], part))
			continue;
		all[n] = arena_strdup(a, more->items[i]);
		if (all[n++] == NULL)
			return ERR_NOMEM;
	}
	*list = all;
	return ERR_OK;
}

static bool
has(const char *const *list, const char *text)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		if (strcmp(list[i], text) == 0)
			return true;
	}
	return false;
}

/* ---- from the configuration ---------------------------------------------- */

static void
take_limits(struct plan_limits *l, const struct config_profile *c)
{
	const struct {
		uint64_t *to;
		uint64_t value;
	} bytes[] = {
		{ &l->memory_bytes, c->memory_bytes },
		{ &l->output_bytes, c->output_bytes },
		{ &l->stream_bytes, c->stream_bytes },
		{ &l->file_bytes, c->file_bytes },
		{ &l->tmp_bytes, c->tmp_bytes },
		{ &l->disk_bytes, c->disk_bytes },
	};

	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		if (bytes[i].value != 0)
			*bytes[i].to = bytes[i].value;
	}
	if (c->pids != 0)
		l->processes = (uint32_t)c->pids;
	if (c->files != 0)
		l->new_files = (uint32_t)c->files;
	if (c->cpu_percent != 0)
		l->cpu_percent = (uint32_t)c->cpu_percent;
	if (c->wall_ms != 0)
		l->wall_ms = c->wall_ms;
}

static int
take_write(struct profile *p, const struct config_profile *c, struct arena *a)
{
	if (!c->has_write)
		return ERR_OK;
	p->write = false;
	p->write_roots = NULL;
	for (size_t i = 0; i < c->write.count; i++) {
		if (strcmp(c->write.items[i], WORKSPACE) == 0)
			p->write = true;
	}
	return extend(&p->write_roots, &c->write, LIST_ROOTS, a);
}

static int
take_lists(struct profile *p, const struct config_profile *c, struct arena *a)
{
	int r = take_write(p, c, a);

	if (r == 0)
		r = extend(&p->read_roots, &c->read, LIST_ALL, a);
	if (r == 0)
		r = extend(&p->hide, &c->hide, LIST_ALL, a);
	if (r == 0)
		r = extend(&p->deny, &c->deny, LIST_ALL, a);
	if (r == 0)
		r = extend(&p->protect, &c->protect, LIST_ALL, a);
	if (r == 0)
		r = extend(&p->env, &c->env, LIST_NAMES, a);
	if (r == 0)
		r = extend(&p->set_env, &c->env, LIST_VALUES, a);
	return r;
}

static int
take_network_limits(struct profile_network *n, const struct config_profile *c,
    struct arena *a, struct err *e)
{
	struct net_policy like = net_policy_default();

	n->connections =
	    c->net_connections == 0 ? n->connections : c->net_connections;
	n->up_bytes = c->net_up_bytes == 0 ? n->up_bytes : c->net_up_bytes;
	n->down_bytes =
	    c->net_down_bytes == 0 ? n->down_bytes : c->net_down_bytes;
	n->rate_bytes =
	    c->net_rate_bytes == 0 ? n->rate_bytes : c->net_rate_bytes;
	n->idle_ms = c->net_idle_ms == 0 ? n->idle_ms : c->net_idle_ms;
	if (c->network_upstream == NULL)
		return ERR_OK;
	n->upstream = arena_strdup(a, c->network_upstream);
	like.upstream = n->upstream;
	return n->upstream == NULL ? err_nomem(e) : net_policy_check(&like, e);
}

/* A list of hosts makes a profile online, an empty one offline. */
static int
take_network(struct profile *p, const struct config_profile *c, struct arena *a,
    struct err *e)
{
	if (c->has_network && c->network.count == 0) {
		p->online = false;
		p->hosts = NULL;
	}
	for (size_t i = 0; i < c->network.count; i++) {
		struct net_rule rule;
		const int r = net_rule_parse_line(
		    str_of(c->network.items[i]), a, &rule, e);

		if (r != 0)
			return err_wrap(
			    e, r, "%s: profile '%s'", p->where, p->name);
		p->online = true;
	}
	for (size_t i = 0; i < c->network_ech.count; i++) {
		struct net_rule rule;
		const int r = net_rule_parse(
		    str_of(c->network_ech.items[i]), a, &rule, e);

		if (r != 0)
			return err_wrap(
			    e, r, "%s: profile '%s'", p->where, p->name);
	}
	p->hosts_only = p->hosts_only || c->network_only;
	if (extend(&p->ech, &c->network_ech, LIST_ALL, a) != 0)
		return err_nomem(e);
	if (take_network_limits(&p->net, c, a, e) != 0)
		return err_wrap(
		    e, ERR_INVALID, "%s: profile '%s'", p->where, p->name);
	return extend(&p->hosts, &c->network, LIST_ALL, a) == 0 ? ERR_OK
								: err_nomem(e);
}

/* Said when the daemon starts, not when somebody's run fails. */
static int
check_roots(const struct profile *p, struct err *e)
{
	for (size_t i = 0; i < profile_list_len(p->write_roots); i++) {
		const char *why = p->write_roots[i][0] == '/'
		    ? plan_workspace_refused(p->write_roots[i], NULL)
		    : NULL;

		if (why != NULL)
			return err_set(e, ERR_INVALID,
			    "%s: profile '%s': '%s' cannot be made writable: "
			    "%s",
			    p->where, p->name, p->write_roots[i], why);
	}
	if (!p->write && profile_list_len(p->write_roots) > 0)
		return err_set(e, ERR_INVALID,
		    "%s: profile '%s' writes other folders but not "
		    "$workspace; add it to 'write'",
		    p->where, p->name);
	return ERR_OK;
}

/* No run sees the daemon's own folders: there its sockets and its log are. */
static int
check_own(const struct profile *p, const char *const *roots,
    const struct config *c, struct arena *a, struct err *e)
{
	const char *const own[] = { c->state_dir, c->runtime_dir,
		"/etc/assent" };

	for (size_t i = 0; i < profile_list_len(roots); i++) {
		const char *root =
		    plan_expand(roots[i], c->home, "/nowhere", a);

		for (size_t k = 0; root != NULL && k < ARRAY_LEN(own); k++) {
			if (own[k] == NULL ||
			    (!plan_path_within(own[k], root) &&
				!plan_path_within(root, own[k])))
				continue;
			return err_set(e, ERR_INVALID,
			    "%s: profile '%s' shows '%s', which is or holds a "
			    "folder of assent itself",
			    p->where, p->name, roots[i]);
		}
	}
	return ERR_OK;
}

static struct profile *
find(const struct profile_set *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->at[i].name, name) == 0)
			return &s->at[i];
	}
	return NULL;
}

static enum profile_identity
identity_of(const char *name)
{
	if (strcmp(name, "own") == 0)
		return RUNS_AS_OWN;
	return strcmp(name, "online") == 0 ? RUNS_ONLINE : RUNS_OFFLINE;
}

static int
add(struct profile_set *s, const struct config_profile *c, struct arena *a,
    struct err *e)
{
	struct profile *old = find(s, c->name);
	const struct profile *base = old != NULL
	    ? old
	    : find(s, c->base == NULL ? PROFILE_DEFAULT : c->base);
	struct profile *p = old != NULL ? old : &s->at[s->count];
	int r;

	if (base == NULL || base->unconfined)
		return err_set(e, ERR_INVALID,
		    "%s: profile '%s' builds on '%s', which is no sandbox",
		    c->where, c->name, c->base);
	*p = *base;
	p->name = arena_strdup(a, c->name);
	p->where = arena_strdup(a, c->where == NULL ? "?" : c->where);
	if (c->summary != NULL)
		p->summary = arena_strdup(a, c->summary);
	p->overlay = p->overlay || c->overlay;
	p->strict = p->strict || c->strict;
	if (c->identity != NULL)
		p->identity = identity_of(c->identity);
	take_limits(&p->limits, c);
	if (take_lists(p, c, a) != 0 || arena_failed(a))
		return err_nomem(e);
	if (old == NULL)
		s->count++;
	r = take_network(p, c, a, e);
	return r == 0 ? check_roots(p, e) : r;
}

static int
take_allowed(
    struct profile_set *s, const struct config_ceiling *c, struct arena *a)
{
	const struct config_strings none = { .count = 0 };
	const struct config_strings *list = c == NULL ? &none : &c->profiles;
	const struct config_requirement *q =
	    requirement_find(c, "profiles", REQUIREMENT_ALLOWED);
	AUTO_BUF struct buf text = BUF_INIT(ERR_MSG_MAX);

	if (q != NULL) {
		requirement_put(q, &text);
		s->permits = arena_strdup(
		    a, text.failed != 0 ? q->where : buf_cstr(&text));
	}
	s->allowed = arena_array(a, list->count + 1, sizeof(*s->allowed));
	for (size_t i = 0; s->allowed != NULL && i < list->count; i++)
		s->allowed[i] = arena_strdup(a, list->items[i]);
	return arena_failed(a) ? ERR_NOMEM : ERR_OK;
}

/* What the configuration requires holds for every profile. */
static int
take_require(struct profile_set *s, const struct config *c, struct arena *a)
{
	const char **all = arena_array(a, c->require_count + 1, sizeof(*all));

	for (size_t i = 0; all != NULL && i < c->require_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(64);

		buf_puts(&b, c->require[i].feature);
		if (c->require[i].min > 0)
			buf_printf(&b, ">=%llu",
			    (unsigned long long)c->require[i].min);
		all[i] = arena_strdup(a, buf_cstr(&b));
	}
	for (size_t i = 0; i < s->count; i++)
		s->at[i].require = all;
	return arena_failed(a) ? ERR_NOMEM : ERR_OK;
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* A profile without a network gets one when a call names hosts: then what
 * the default profile says of the network holds for it, too. */
static void
inherit_network(struct profile *p, const struct profile *usual)
{
	struct profile_network *n = &p->net;
	const struct profile_network *u = &usual->net;

	if (p == usual || p->unconfined)
		return;
	p->bounds = usual->hosts;
	if (p->online)
		return;
	n->connections = smaller(n->connections, u->connections);
	n->up_bytes = smaller(n->up_bytes, u->up_bytes);
	n->down_bytes = smaller(n->down_bytes, u->down_bytes);
	n->rate_bytes = smaller(n->rate_bytes, u->rate_bytes);
	n->idle_ms =
	    (int64_t)smaller((uint64_t)n->idle_ms, (uint64_t)u->idle_ms);
	if (n->upstream == NULL)
		n->upstream = u->upstream;
	p->hosts_only = p->hosts_only || usual->hosts_only;
}

int
profile_set_make(const struct config *c, struct arena *a,
    struct profile_set **ret, struct err *e)
{
	struct profile_set *s = arena_alloc(a, sizeof(*s));
	size_t count = 0;
	int r = ERR_OK;

	while (profile_at(count) != NULL)
		count++;
	if (s != NULL)
		s->at = arena_array(a,
		    count + (c == NULL ? 0 : c->profile_count) + 1,
		    sizeof(*s->at));
	if (s == NULL || s->at == NULL ||
	    take_allowed(s, c == NULL ? NULL : &c->ceiling, a) != 0)
		return err_nomem(e);
	for (; s->count < count; s->count++)
		s->at[s->count] = *profile_at(s->count);
	for (size_t i = 0; r == 0 && c != NULL && i < c->profile_count; i++)
		r = add(s, &c->profiles[i], a, e);
	for (size_t i = 0; r == 0 && i < s->count; i++)
		inherit_network(&s->at[i], find(s, PROFILE_DEFAULT));
	for (size_t i = 0; r == 0 && i < s->count; i++) {
		if (s->at[i].where == NULL)
			continue;
		r = check_own(&s->at[i], s->at[i].read_roots, c, a, e);
		if (r == 0)
			r = check_own(&s->at[i], s->at[i].write_roots, c, a, e);
	}
	if (r == 0 && c != NULL && take_require(s, c, a) != 0)
		r = err_nomem(e);
	if (r == 0)
		*ret = s;
	return r;
}

/* ---- questions ------------------------------------------------------------ */

static int
unknown(const struct profile_set *s, const char *name, struct err *e)
{
	AUTO_BUF struct buf all = BUF_INIT(1024);

	for (size_t i = 0; i < s->count; i++) {
		if (!s->at[i].unconfined)
			buf_printf(
			    &all, "%s'%s'", i > 0 ? ", " : "", s->at[i].name);
	}
	return err_set(e, ERR_INVALID,
	    "there is no profile '%.64s'; leave it out, or name one of %s",
	    name, buf_cstr(&all));
}

int
profile_set_get(const struct profile_set *s, const char *name,
    const struct profile **ret, struct err *e)
{
	const struct profile *p =
	    find(s, name == NULL ? PROFILE_DEFAULT : name);

	if (p == NULL)
		return unknown(s, name, e);
	/* Without a sandbox only where the administrator says so. */
	if (s->allowed[0] == NULL ? p->unconfined : !has(s->allowed, p->name))
		return err_set(e, ERR_DENIED,
		    "profile '%s' is above the administrator's ceiling; ask "
		    "for less%s%s",
		    p->name, s->permits == NULL ? "" : ": ",
		    s->permits == NULL ? "" : s->permits);
	*ret = p;
	return ERR_OK;
}

static bool
limits_within(const struct plan_limits *n, const struct plan_limits *w)
{
	return n->memory_bytes <= w->memory_bytes &&
	    n->file_bytes <= w->file_bytes && n->tmp_bytes <= w->tmp_bytes &&
	    n->disk_bytes <= w->disk_bytes &&
	    n->output_bytes <= w->output_bytes &&
	    n->stream_bytes <= w->stream_bytes &&
	    n->processes <= w->processes && n->descriptors <= w->descriptors &&
	    n->new_files <= w->new_files && n->wall_ms <= w->wall_ms &&
	    (w->cpu_percent == 0 ||
		(n->cpu_percent != 0 && n->cpu_percent <= w->cpu_percent));
}

static bool
is_covered(const char *path, const char *const *roots)
{
	for (size_t i = 0; roots != NULL && roots[i] != NULL; i++) {
		if (plan_path_within(path, roots[i]))
			return true;
	}
	return false;
}

static bool
all_covered(const char *const *paths, const char *const *roots,
    const char *const *other_roots)
{
	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++) {
		if (!is_covered(paths[i], roots) &&
		    !is_covered(paths[i], other_roots))
			return false;
	}
	return true;
}

static bool
is_subset(const char *const *some, const char *const *all)
{
	for (size_t i = 0; some != NULL && some[i] != NULL; i++) {
		if (!has(all, some[i]))
			return false;
	}
	return true;
}

static bool
at_most(uint64_t n, uint64_t max)
{
	return max == 0 || (n != 0 && n <= max);
}

/* Another way out is never less. */
static bool
network_within(const struct profile_network *n, const struct profile_network *w)
{
	const bool same = n->upstream == NULL || w->upstream == NULL
	    ? n->upstream == w->upstream
	    : strcmp(n->upstream, w->upstream) == 0;

	return same && at_most(n->connections, w->connections) &&
	    at_most(n->up_bytes, w->up_bytes) &&
	    at_most(n->down_bytes, w->down_bytes) &&
	    at_most(n->rate_bytes, w->rate_bytes) &&
	    at_most((uint64_t)n->idle_ms, (uint64_t)w->idle_ms);
}

bool
profile_within(const struct profile *n, const struct profile *w)
{
	if (w->unconfined)
		return true;
	/* An account of its own is less than the proposer's. */
	if (n->identity == RUNS_AS_OWN && w->identity != RUNS_AS_OWN)
		return false;
	if (n->identity == RUNS_ONLINE && w->identity != RUNS_ONLINE &&
	    !w->online)
		return false;
	if (n->unconfined || (n->write && !w->write) ||
	    (n->online && !w->online) || (w->overlay && !n->overlay) ||
	    (w->strict && !n->strict))
		return false;
	return limits_within(&n->limits, &w->limits) &&
	    all_covered(n->write_roots, w->write_roots, NULL) &&
	    all_covered(n->read_roots, w->read_roots, w->write_roots) &&
	    all_covered(w->hide, n->hide, NULL) &&
	    is_subset(w->deny, n->deny) && is_subset(w->protect, n->protect) &&
	    is_subset(n->env, w->env) && is_subset(n->set_env, w->set_env) &&
	    /* Also of one without a network: a call may name hosts. */
	    is_subset(n->ech, w->ech) && network_within(&n->net, &w->net) &&
	    (n->hosts_only || !w->hosts_only) &&
	    (!n->online || is_subset(n->hosts, w->hosts));
}
