/*
 * Names to addresses by c-ares in our loop; answers are pinned.
 * Runs in: assent-proxy.  Trusts: the machine's name servers for their names,
 * not for where those lead (see net_policy_check_addr).  Owns: the channel,
 * the answers.
 */
#include "resolve.h"

#include <ares.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "hosts.h"

#define SOCKETS_MAX 64
#define TRY_MS 2000
#define TRIES 3
#define NS_PER_MS 1000000

struct entry {
	struct resolver *resolver;
	char name[NET_HOST_MAX + 1];
	bool busy;
	struct net_addr addrs[RESOLVE_ADDRS_MAX];
	size_t count;
	const char *why;
	int64_t until_ns;
	struct resolve_wait *waits;
};

struct socket {
	int fd;
	bool used;
};

struct resolver {
	struct loop *loop;
	struct loop_timer *timer;
	ares_channel channel;
	struct hosts hosts;
	struct entry **entries;
	size_t count, cap;
	struct socket sockets[SOCKETS_MAX];
	bool ending;
};

/* ---- the channel in the loop ------------------------------------------- */

static void set_timer(struct resolver *r);

static void
on_timer(void *ctx)
{
	struct resolver *r = ctx;

	r->timer = NULL;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(r);
}

static void
set_timer(struct resolver *r)
{
	struct timeval tv;

	loop_cancel(r->loop, TAKE_PTR(r->timer));
	if (ares_timeout(r->channel, NULL, &tv) == NULL)
		return;
	(void)loop_after(r->loop, tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1,
	    on_timer, r, &r->timer, NULL);
}

static void
on_socket(void *ctx, int fd, unsigned events)
{
	struct resolver *r = ctx;
	const bool reads = (events & (LOOP_READ | LOOP_HUP)) != 0;
	const bool writes = (events & LOOP_WRITE) != 0;

	ares_process_fd(r->channel, reads ? fd : ARES_SOCKET_BAD,
	    writes ? fd : ARES_SOCKET_BAD);
	set_timer(r);
}

static struct socket *
find_socket(struct resolver *r, int fd, bool used)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct socket *s = &r->sockets[i];

		if (s->used == used && (!used || s->fd == fd))
			return s;
	}
	return NULL;
}

static void
on_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = ctx;
	const unsigned events = (readable != 0 ? LOOP_READ : 0u) |
	    (writable != 0 ? LOOP_WRITE : 0u);
	struct socket *s = find_socket(r, fd, true);

	if (s != NULL && events == 0) {
		loop_forget(r->loop, fd);
		s->used = false;
	} else if (s != NULL) {
		(void)loop_change(r->loop, fd, events, NULL);
	} else if (events != 0) {
		s = find_socket(r, fd, false);
		/* Without a watch the question runs into its time limit. */
		if (s != NULL &&
		    loop_fd(r->loop, fd, events, on_socket, r, NULL) == 0)
			*s = (struct socket){ .fd = fd, .used = true };
	}
}

/* ---- life -------------------------------------------------------------- */

static int
read_hosts(struct resolver *r, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(HOSTS_BYTES_MAX);
	struct err ignored;

	/* Often a link, or not there at all: then there are no such names. */
	if (fdio_read_file("/etc/hosts", &text, &ignored) != 0)
		return ERR_OK;
	return hosts_parse(buf_str(&text), &r->hosts, e);
}

static int
open_channel(struct resolver *r, struct err *e)
{
	char lookups[] = "b"; /* no files: hosts.h has read them */
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = TRY_MS,
		.tries = TRIES,
		.ndomains = 0,
		.lookups = lookups,
		.sock_state_cb = on_state,
		.sock_state_cb_data = r,
	};
	const int n = ares_init_options(&r->channel, &o,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);

	if (n != ARES_SUCCESS) {
		r->channel = NULL;
		return err_set(e, ERR_INTERNAL, "cannot resolve names: %s",
		    ares_strerror(n));
	}
	return ERR_OK;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	r->ending = true;
	if (r->channel != NULL)
		ares_destroy(r->channel);
	loop_cancel(r->loop, r->timer);
	for (size_t i = 0; i < r->count; i++)
		mem_freep(&r->entries[i]);
	mem_freep(&r->entries);
	hosts_done(&r->hosts);
	ares_library_cleanup();
	mem_freep(&r);
}

void
resolver_freep(struct resolver **r)
{
	resolver_free(*r);
	*r = NULL;
}

int
resolver_new(struct loop *l, struct resolver **ret, struct err *e)
{
	AUTO(resolver_freep) struct resolver *r = mem_new(1, sizeof(*r));
	int n;

	if (r == NULL)
		return err_nomem(e);
	r->loop = l;
	if (ares_library_init(ARES_LIB_INIT_NONE) != ARES_SUCCESS)
		return err_set(e, ERR_INTERNAL, "cannot start c-ares");
	n = read_hosts(r, e);
	if (n == 0)
		n = open_channel(r, e);
	if (n != 0)
		return n;
	*ret = TAKE_PTR(r);
	return ERR_OK;
}

/* ---- answers ----------------------------------------------------------- */

/* Busy until everybody knows: nothing else takes its place meanwhile. */
static void
settle(struct entry *en)
{
	while (en->waits != NULL) {
		struct resolve_wait *w = en->waits;

		resolver_cancel(w);
		w->fn(w->ctx, en->addrs, en->count, en->why);
	}
	en->busy = false;
}

static void
add_addr(struct entry *en, const struct sockaddr *sa)
{
	struct net_addr a = { .len = 0 };

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		a = net_addr_of((const uint8_t *)&in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, sa, sizeof(in));
		a = net_addr_of((const uint8_t *)&in.sin6_addr, 16);
	}
	if (a.len != 0 && en->count < RESOLVE_ADDRS_MAX)
		en->addrs[en->count++] = a;
}

/* IPv4 first: where IPv6 leads nowhere nothing waits for it. */
static void
take_nodes(struct entry *en, const struct ares_addrinfo *found, int *ret_ttl_s)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct ares_addrinfo_node *n;

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		for (n = found->nodes; n != NULL; n = n->ai_next) {
			if (n->ai_family != families[f])
				continue;
			add_addr(en, n->ai_addr);
			if (n->ai_ttl < *ret_ttl_s)
				*ret_ttl_s = n->ai_ttl;
		}
	}
}

static const char *
why_not(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return "there is no such name";
	case ARES_ETIMEOUT:
		return "the name servers do not answer";
	case ARES_ECONNREFUSED:
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
		return "the name servers cannot say";
	default:
		return "the name cannot be resolved";
	}
}

static void
on_answer(void *ctx, int status, int timeouts, struct ares_addrinfo *found)
{
	struct entry *en = ctx;
	int ttl_s = 86400;

	(void)timeouts;
	en->count = 0;
	if (status == ARES_SUCCESS && found != NULL)
		take_nodes(en, found, &ttl_s);
	if (found != NULL)
		ares_freeaddrinfo(found);
	en->why = en->count > 0 ? NULL : why_not(status);
	int64_t keep_ms =
	    en->count > 0 ? (int64_t)ttl_s * 1000 : RESOLVE_FAILURE_MS;

	if (en->count > 0 && keep_ms < RESOLVE_PIN_MS)
		keep_ms = RESOLVE_PIN_MS;
	en->until_ns = loop_now_ns() + keep_ms * NS_PER_MS;
	if (en->resolver->ending)
		return;
	settle(en);
}

/* ---- questions --------------------------------------------------------- */

void
resolver_cancel(struct resolve_wait *w)
{
	if (w->at == NULL)
		return;
	*w->at = w->next;
	if (w->next != NULL)
		w->next->at = w->at;
	w->at = NULL;
}

static void
enqueue(struct entry *en, struct resolve_wait *w)
{
	assert(w->at == NULL);
	w->next = en->waits;
	w->at = &en->waits;
	if (w->next != NULL)
		w->next->at = &w->next;
	en->waits = w;
}

static struct entry *
find(struct resolver *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->entries[i]->name, name) == 0)
			return r->entries[i];
	}
	return NULL;
}

/* Beyond the limit the one that is over first makes room. */
static struct entry *
victim(struct resolver *r)
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < r->count; i++) {
		struct entry *en = r->entries[i];

		if (!en->busy &&
		    (oldest == NULL || en->until_ns < oldest->until_ns))
			oldest = en;
	}
	return oldest;
}

static struct entry *
make(struct resolver *r, const char *name)
{
	AUTO_FREE struct entry *made = NULL;
	struct entry *en;

	if (r->count == RESOLVE_NAMES_MAX) {
		en = victim(r);
		if (en == NULL)
			return NULL;
	} else {
		made = mem_new(1, sizeof(*made));
		if (made == NULL ||
		    mem_grow(&r->entries, &r->cap, r->count + 1,
			sizeof(struct entry *)) != 0)
			return NULL;
		en = r->entries[r->count++] = TAKE_PTR(made);
	}
	*en = (struct entry){ .resolver = r };
	memcpy(en->name, name, strlen(name) + 1);
	return en;
}

static void
begin(struct resolver *r, struct entry *en)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NOSORT };

	en->busy = true;
	en->count =
	    hosts_find(&r->hosts, en->name, en->addrs, RESOLVE_ADDRS_MAX);
	if (en->count > 0) {
		en->until_ns = INT64_MAX;
		settle(en);
		return;
	}
	ares_getaddrinfo(r->channel, en->name, NULL, &hints, on_answer, en);
	set_timer(r);
}

void
resolver_ask(struct resolver *r, const char *name, struct resolve_wait *w)
{
	struct entry *en = find(r, name);

	assert(strlen(name) <= NET_HOST_MAX);
	if (en != NULL && !en->busy && en->until_ns > loop_now_ns()) {
		w->fn(w->ctx, en->addrs, en->count, en->why);
		return;
	}
	if (en == NULL)
		en = make(r, name);
	if (en == NULL) {
		w->fn(w->ctx, NULL, 0, "too many names at once");
		return;
	}
	enqueue(en, w);
	if (!en->busy)
		begin(r, en);
}
