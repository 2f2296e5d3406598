/*
 * Connections of runs to hosts with a credential: read on the run's side,
 * completed, and passed on.
 * Runs in: assent-broker.  Trusts: nothing that comes from a run or a host.
 * Owns: both ends of each connection.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker.h"
#include "credentials/http_inject.h"

#define PASS_BYTES ((size_t)32 << 10)
#define UP_MAX ((size_t)256 << 10)
#define REFUSAL_MAX 2048
#define HANDSHAKE_MS 30000
#define LINGER_MS 5000
#define LINGER_READS 64 /* at one wake-up */
#define PATH_SHOWN_MAX 160

struct injecting {
	struct broker_run_state *run;
	const struct holding *h;
	char host[BROKER_WHAT_MAX];
	uint16_t port;
	bool tls;
	struct tls_end client, upstream;
	bool client_watched, upstream_watched;
	struct http_inject http;
	struct buf in; /* read from the client, not taken yet */
	struct buf up; /* to the host: holds the secret */
	struct buf down; /* to the client */
	uint64_t use; /* that is waited for; 0: none */
	bool refused; /* nothing more is taken from either side */
	bool up_shut;
	bool lingers; /* all was said; the client may not have read it yet */
	struct loop_timer *timer; /* of the handshakes, of lingering */
	struct injecting *next;
};

static void pump(struct injecting *c);

static void
wipe(struct buf *b)
{
	if (b->s != NULL)
		explicit_bzero(b->s, b->cap);
	buf_free(b);
}

static void
unwatch(struct injecting *c, const struct tls_end *t, bool *watched)
{
	if (*watched)
		loop_forget(c->run->b->env->loop, t->fd);
	*watched = false;
}

static void
close_conn(struct injecting *c)
{
	struct broker_run_state *r = c->run;
	struct injecting **at = &r->injections;

	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at == c) {
		*at = c->next;
		r->injection_count--;
	}
	if (c->use != 0)
		broker_forget_use(r->b, c->use);
	loop_cancel(r->b->env->loop, c->timer);
	unwatch(c, &c->client, &c->client_watched);
	unwatch(c, &c->upstream, &c->upstream_watched);
	tls_end_close(&c->client);
	tls_end_close(&c->upstream);
	http_inject_done(&c->http);
	wipe(&c->in);
	wipe(&c->up);
	wipe(&c->down);
	mem_freep(&c);
}

/* An answer of ours instead of the host's; then the end. */
static void
refuse(struct injecting *c, unsigned status, const char *why)
{
	log_warn("refused", "id=%s host=%s credential=%s why=%s", c->run->id,
	    c->host, c->h->c->name, why);
	c->refused = true;
	buf_reset(&c->up);
	buf_reset(&c->in);
	/* In the middle of an answer it would be taken for a part of it. */
	if (http_inject_idle(&c->http) || c->down.len == 0)
		http_inject_refusal(&c->down, status, why);
}

/* ---- watched ends ---------------------------------------------------------- */

static void
on_end(void *ctx, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	pump(ctx);
}

/* Nothing is watched that nobody waits for: the end of a stream would be
 * reported over and over. */
static void
watch(struct injecting *c, const struct tls_end *t, bool *watched,
    unsigned events)
{
	struct loop *l = c->run->b->env->loop;

	if (events == 0) {
		unwatch(c, t, watched);
		return;
	}
	if (*watched)
		(void)loop_change(l, t->fd, events, NULL);
	else
		*watched = loop_fd(l, t->fd, events, on_end, c, NULL) == 0;
}

static void
watch_both(struct injecting *c)
{
	const bool reads = c->in.len == 0 && c->up.len == 0 && c->use == 0 &&
	    !c->refused && !c->up_shut && !c->client.ended;
	unsigned client = c->client.wants, upstream = c->upstream.wants;

	if (c->client.ready && reads)
		client |= LOOP_READ;
	if (c->client.ready && c->down.len > 0)
		client |= LOOP_WRITE;
	if (c->upstream.ready && c->down.len == 0 && !c->refused &&
	    !c->upstream.ended)
		upstream |= LOOP_READ;
	if (c->upstream.ready && c->up.len > 0)
		upstream |= LOOP_WRITE;
	watch(c, &c->client, &c->client_watched, client);
	watch(c, &c->upstream, &c->upstream_watched, upstream);
}

/* ---- requests -------------------------------------------------------------- */

static void
on_used(void *ctx, bool allowed)
{
	struct injecting *c = ctx;
	struct err e = ERR_INIT;

	c->use = 0;
	if (!allowed)
		refuse(c, 403, "the use of this credential was not allowed");
	else if (http_inject_go(&c->http, usable_value(c->h->u), &c->up, &e) !=
	    0)
		refuse(c, 502, e.msg);
	pump(c);
}

/* The path without its query, which may hold secrets of another kind. */
static void
ask(struct injecting *c)
{
	char what[BROKER_WHAT_MAX];
	struct str path = c->http.target;
	struct err e = ERR_INIT;
	struct use_wish w = {
		.h = c->h,
		.host = c->host,
		.port = c->port,
		.what = what,
	};

	path = str_head(path, str_find(path, '?'));
	path = str_head(path, PATH_SHOWN_MAX);
	(void)snprintf(what, sizeof(what), "%.*s %.*s",
	    STR_ARG(str_head(c->http.method, PATH_SHOWN_MAX / 4)),
	    STR_ARG(path));
	if (broker_ask(c->run, &w, on_used, c, &c->use, &e) != 0)
		refuse(c, 503, e.msg);
}

/* From the client's bytes to the host's. */
static bool
take_input(struct injecting *c)
{
	struct err e = ERR_INIT;
	int n;

	if (c->in.len == 0 || c->use != 0 || c->up.len > 0 || c->refused ||
	    c->up_shut)
		return false;
	n = http_inject_feed(&c->http, buf_str(&c->in), &c->up, &e);
	if (n < 0) {
		refuse(c, n == ERR_DENIED ? 403 : 400, e.msg);
		return true;
	}
	buf_consume(&c->in, (size_t)n);
	if (c->http.waits)
		ask(c);
	return true;
}

/* ---- bytes ----------------------------------------------------------------- */

/* 1: something moved; 0: nothing to do; TLS_END_FAILED. */
static int
read_into(struct tls_end *t, struct buf *b)
{
	char *at;
	ssize_t n;

	if (b->len > 0 || t->ended)
		return 0;
	at = buf_reserve(b, PASS_BYTES);
	if (at == NULL)
		return TLS_END_FAILED;
	n = tls_end_read(t, at, PASS_BYTES);
	if (n > 0)
		buf_advance(b, (size_t)n);
	return n > 0 ? 1 : n == TLS_END_FAILED ? TLS_END_FAILED : 0;
}

static int
write_from(struct tls_end *t, struct buf *b)
{
	ssize_t n;

	if (b->len == 0)
		return 0;
	n = tls_end_write(t, b->s, b->len);
	if (n > 0) {
		/* What was sent may hold the secret. */
		explicit_bzero(b->s, (size_t)n);
		buf_consume(b, (size_t)n);
	}
	return n > 0 ? 1 : n == TLS_END_AGAIN ? 0 : TLS_END_FAILED;
}

static const char *
why_not_trusted(const struct injecting *c)
{
	const long r = c->upstream.ssl == NULL
	    ? X509_V_OK
	    : SSL_get_verify_result(c->upstream.ssl);

	return r == X509_V_OK ? "TLS with the host failed"
			      : X509_verify_cert_error_string(r);
}

/* False: the connection is over. */
static bool
shake_hands(struct injecting *c)
{
	int r = tls_end_begin(&c->client);

	if (r == TLS_END_FAILED)
		return false;
	if (c->refused)
		return true;
	if (tls_end_begin(&c->upstream) == TLS_END_FAILED) {
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "the host cannot be trusted: %s", why_not_trusted(c));
		refuse(c, 502, text);
	}
	if (c->client.ready && c->upstream.ready) {
		loop_cancel(c->run->b->env->loop, c->timer);
		c->timer = NULL;
	}
	return true;
}

/* It takes no more, but what it said before that still goes down. */
static void
stop_up(struct injecting *c)
{
	c->up_shut = true;
	wipe(&c->up);
	buf_reset(&c->in);
}

static int
move_up(struct injecting *c)
{
	int r = 0;

	if (c->refused || c->up_shut || !c->upstream.ready)
		return 0;
	if (c->use == 0 && c->up.len == 0)
		r = read_into(&c->client, &c->in);
	if (r == TLS_END_FAILED)
		return r;
	if (take_input(c))
		r = 1;
	if (c->refused)
		return 1;
	if (c->up.len > 0) {
		const int w = write_from(&c->upstream, &c->up);

		if (w == TLS_END_FAILED) {
			stop_up(c);
			return 1;
		}
		r = w != 0 ? w : r;
	}
	if (c->client.ended && c->in.len == 0 && c->up.len == 0 &&
	    c->use == 0 && !c->up_shut) {
		c->up_shut = true;
		tls_end_shut(&c->upstream);
	}
	return r;
}

static int
move_down(struct injecting *c)
{
	int r = 0, w;

	if (!c->refused && c->upstream.ready)
		r = read_into(&c->upstream, &c->down);
	if (r == TLS_END_FAILED)
		c->upstream.ended = true; /* what came before goes on */
	w = write_from(&c->client, &c->down);
	return w != 0 ? w : r == 1 ? 1 : 0;
}

static bool
is_over(const struct injecting *c)
{
	return c->down.len == 0 &&
	    (c->upstream.ended || (c->refused && c->client.ready));
}

/*
 * A socket that is closed while bytes lie in it that nobody read is reset, and
 * so is one that is written to after that: the client, or the proxy between,
 * would drop what we said last. So what it still sends is taken and thrown
 * away until it has read the end and closes.
 */
static void
drain(struct injecting *c)
{
	char bytes[4096];
	ssize_t n = 1;

	for (int i = 0; i < LINGER_READS && n > 0; i++)
		n = recv(c->client.fd, bytes, sizeof(bytes), 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_conn(c);
}

static void
on_lingered(void *ctx)
{
	struct injecting *c = ctx;

	c->timer = NULL;
	close_conn(c);
}

static void
linger(struct injecting *c)
{
	struct loop *l = c->run->b->env->loop;

	c->lingers = true;
	tls_end_shut(&c->client);
	unwatch(c, &c->upstream, &c->upstream_watched);
	tls_end_close(&c->upstream);
	loop_cancel(l, c->timer);
	c->timer = NULL;
	watch(c, &c->client, &c->client_watched, LOOP_READ);
	if (!c->client_watched ||
	    loop_after(l, LINGER_MS, on_lingered, c, &c->timer, NULL) != 0)
		close_conn(c);
	else
		drain(c);
}

static void
pump(struct injecting *c)
{
	int moved = 1;

	if (c->lingers) {
		drain(c);
		return;
	}
	while (moved == 1) {
		int up, down = 0;

		if (!shake_hands(c)) {
			close_conn(c);
			return;
		}
		moved = 0;
		if (!c->client.ready)
			break;
		up = move_up(c);
		if (up != TLS_END_FAILED)
			down = move_down(c);
		if (up == TLS_END_FAILED || down == TLS_END_FAILED) {
			close_conn(c);
			return;
		}
		moved = up == 1 || down == 1;
	}
	if (is_over(c))
		linger(c);
	else
		watch_both(c);
}

static void
on_late(void *ctx)
{
	struct injecting *c = ctx;

	c->timer = NULL;
	log_warn("refused", "id=%s host=%s why=TLS took too long", c->run->id,
	    c->host);
	close_conn(c);
}

/* ---- the beginning ---------------------------------------------------------- */

static const struct holding *
find_holding(const struct broker_run_state *r, const struct injection *i)
{
	const struct broker *b = r->b;

	for (size_t n = 0; n < b->held_count; n++) {
		const struct holding *h = &b->held[n];

		if (credential_is_injected(h->c) &&
		    credential_fits(h->c, &r->scope) &&
		    credential_has_host(h->c, i->host, i->port) &&
		    (i->credential == NULL ||
			strcmp(i->credential, h->c->name) == 0))
			return h;
	}
	return NULL;
}

static int
check(const struct broker_run_state *r, const struct injection *i,
    const struct holding **ret, struct err *e)
{
	const struct holding *h = find_holding(r, i);

	if (h == NULL)
		return err_set(e, ERR_DENIED,
		    "no credential of this run is for '%s' port %u", i->host,
		    (unsigned)i->port);
	if (h->u == NULL || h->u->value == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "the secret of credential '%s' is not there", h->c->name);
	if (!i->tls && !h->c->plaintext)
		return err_set(e, ERR_DENIED,
		    "credential '%s' is not sent over http; use https, or "
		    "configure plaintext: true",
		    h->c->name);
	if (r->injection_count >= BROKER_CONNECTIONS_MAX)
		return err_set(e, ERR_LIMIT, "%d connections use credentials",
		    BROKER_CONNECTIONS_MAX);
	*ret = h;
	return ERR_OK;
}

static bool
expect_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(
	    p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(p, host) == 1)
		return true;
	ERR_clear_error();
	return X509_VERIFY_PARAM_set1_host(p, host, 0) == 1 &&
	    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) == 1;
}

static int
set_tls(struct injecting *c, struct err *e)
{
	struct broker *b = c->run->b;

	c->client.ssl = SSL_new(b->server);
	c->upstream.ssl = SSL_new(c->h->tls);
	if (c->client.ssl == NULL || c->upstream.ssl == NULL ||
	    SSL_set_fd(c->client.ssl, c->client.fd) != 1 ||
	    SSL_set_fd(c->upstream.ssl, c->upstream.fd) != 1 ||
	    !expect_host(c->upstream.ssl, c->host)) {
		ERR_clear_error();
		return err_set(e, ERR_NOMEM, "cannot begin TLS");
	}
	SSL_set_accept_state(c->client.ssl);
	SSL_set_connect_state(c->upstream.ssl);
	return ca_host(b->ca, c->host, c->client.ssl, e);
}

static int
begin(struct injecting *c, struct err *e)
{
	int r = fdio_nonblock(c->client.fd, e);

	if (r == 0)
		r = fdio_nonblock(c->upstream.fd, e);
	if (r == 0)
		r = loop_after(c->run->b->env->loop, HANDSHAKE_MS, on_late, c,
		    &c->timer, e);
	if (r == 0 && c->tls)
		r = set_tls(c, e);
	return r;
}

static void
put_host(char to[static BROKER_WHAT_MAX], const char *host)
{
	size_t i = 0;

	for (; host[i] != '\0' && i < BROKER_WHAT_MAX - 1; i++)
		to[i] = host[i] >= 'A' && host[i] <= 'Z'
		    ? (char)(host[i] | 0x20)
		    : host[i];
	to[i] = '\0';
}

int
broker_inject_open(
    struct broker_run_state *r, const struct injection *i, struct err *e)
{
	AUTO_FD int client = i->client;
	AUTO_FD int upstream = i->upstream;
	const struct holding *h;
	struct injecting *c;
	int code = check(r, i, &h, e);

	if (code != 0)
		return code;
	c = mem_new(1, sizeof(*c));
	if (c == NULL)
		return err_nomem(e);
	c->run = r;
	c->h = h;
	c->port = i->port;
	c->tls = i->tls;
	put_host(c->host, i->host);
	c->client.fd = TAKE_FD(client);
	c->upstream.fd = TAKE_FD(upstream);
	c->in = (struct buf)BUF_INIT(2 * PASS_BYTES);
	c->up = (struct buf)BUF_INIT(UP_MAX);
	c->down = (struct buf)BUF_INIT(2 * PASS_BYTES);
	/* Growing would leave the secret behind. */
	(void)buf_reserve(&c->up, UP_MAX - 1);
	http_inject_init(&c->http,
	    &(struct http_inject_options){
		.host = c->host,
		.port = c->port,
		.tls = c->tls,
		.header = h->u->header,
	    });
	c->next = r->injections;
	r->injections = c;
	r->injection_count++;
	code = begin(c, e);
	if (code != 0)
		close_conn(c);
	else
		pump(c);
	return code;
}

void
broker_inject_close_all(struct broker_run_state *r)
{
	while (r->injections != NULL)
		close_conn(r->injections);
}
