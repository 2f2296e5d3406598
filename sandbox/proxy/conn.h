#ifndef PROXY_CONN_H
#define PROXY_CONN_H
/*
 * One connection of the run, from its first byte to its event.
 *
 *     HEAD -> [REQUEST] -> WAITING (asked, resolved, connected)
 *          -> SNIFF -> RELAY                      a tunnel
 *          -> ANSWER -> RELAY                     a plain request
 *          -> LAST_WORDS -> DEAD                  refused, or answered
 *
 * conn_end and conn_refuse leave the memory until the loop is through, so a
 * caller may look at c->state afterwards.
 */
#include "front.h"
#include "inject.h"
#include "proxy.h"

enum conn_state {
	CONN_HEAD, /* the front reads who is wanted */
	CONN_REQUEST, /* in a tunnel that carries plain requests */
	CONN_WAITING, /* for an answer, a name or a handshake */
	CONN_SNIFF, /* what does the client speak? */
	CONN_ANSWER, /* the head of the server's answer */
	CONN_RELAY,
	CONN_LAST_WORDS, /* then the client is drained */
	CONN_DEAD,
};

struct watch {
	int fd; /* -1: none */
	int mask; /* -1: not in the loop */
};

struct conn {
	struct conn *next, **at;
	struct proxy *p;
	const struct front *front;
	enum conn_state state;
	struct watch client, server;
	bool client_eof, welcomed, reported, silent;
	bool limited; /* a limit of bytes has ended it */
	enum proxy_limit met; /* another one that has */
	unsigned step; /* of the front */
	struct buf in; /* read and not understood yet */

	struct net_host host;
	uint16_t port;
	enum net_protocol protocol;
	char method[NET_METHOD_BYTES_MAX + 1];
	struct net_ruling ruling;
	bool answered; /* somebody said yes to host and port */
	char who[ASKS_WHO_MAX];
	char reason[PROXY_REASON_MAX];
	bool allowed;

	struct ask_wait ask;
	struct resolve_wait name;
	struct net_addr addrs[RESOLVE_ADDRS_MAX];
	size_t addr_count, addr_next;
	struct net_addr addr; /* that is connected to */
	int64_t deadline_ns; /* of the handshakes */
	bool to_upstream, greeted; /* by way of a site's proxy */

	bool plain; /* one request, one answer */
	bool to_head; /* HEAD has no body */
	struct buf request; /* rewritten */
	struct http_frame request_frame;
	struct buf reply; /* until its head is whole */
	struct flow up, down;

	struct loop_timer *timer;
	int64_t began_ns, moved_ns;
};

void conn_open(struct proxy *p, enum proxy_listener kind, int fd);
/* why NULL: as usual. Sends the event. */
void conn_end(struct conn *c, const char *why);
/* The client hears why, then it is over. Sends the event. */
void conn_refuse(struct conn *c, enum cause cause, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* In the front's words, without an event. */
void conn_say(struct conn *c, struct str words);
void conn_last_words(struct conn *c);
void conn_watch(struct conn *c);
void conn_free_dead(struct proxy *p);
/* As much as goes: after tokens came. */
void conn_pump(struct conn *c);
void conn_set_timer(struct conn *c, int64_t ms, loop_timer_fn *fn);

/* decide.c: who is wanted is known */
void conn_decide(struct conn *c);
/* What flows turned out to be: is that allowed, too? Refuses if not. */
bool conn_recheck(struct conn *c, enum net_protocol protocol);
/* Are tunnels to it taken for plain requests? */
bool conn_expects_requests(const struct conn *c);
/* Does a rule want nothing to be looked at? */
bool conn_is_opaque(const struct conn *c);

/* dial.c: to one of c->addrs; then conn_connected or a refusal */
void conn_dial(struct conn *c);
void conn_on_server(void *ctx, int fd, unsigned events);
void conn_connected(struct conn *c);

/* upstream.c */
void upstream_greet(struct conn *c);
void upstream_reply(struct conn *c);

/* sniff.c: c->in grew */
void conn_sniff(struct conn *c);

/* exchange.c: plain requests */
/* In c->in: 1 when a request was taken from it, 0 for more, or refused (-1) */
int exchange_request(struct conn *c);
void exchange_begin(struct conn *c);
void exchange_answer(struct conn *c);

/* conn.c, for the above */
void conn_relay(struct conn *c);
void conn_read_request(struct conn *c);

#endif
