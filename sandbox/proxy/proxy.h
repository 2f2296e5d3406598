#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H
/*
 * The proxy of one run: a link to its launcher, listeners inside of the run,
 * connections out.
 *
 *     r = proxy_run(LINK_FD, e);      until LP_STOP or the launcher is gone
 */
#include "asks.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "flow.h"
#include "inject.h"
#include "names.h"
#include "resolve.h"
#include "sandbox/net_policy.h"
#include "sandbox/proxy_proto.h"

#define PROXY_LISTENERS_MAX 128
#define PROXY_REPORTED_NAMES_MAX 256

struct conn;

struct listener {
	struct proxy *proxy;
	enum proxy_listener kind;
	int fd;
	bool watched;
};

struct proxy {
	struct loop *loop;
	struct ipc *link;
	struct arena *arena;
	struct net_policy policy;
	struct inject inject;
	bool started, stopping, failed;
	struct listener listeners[PROXY_LISTENERS_MAX];
	size_t listener_count;
	struct loop_timer *paused, *refill;
	struct conn *conns, *dead;
	size_t conn_count;
	struct asks asks;
	struct resolver *resolver;
	struct names names; /* that have an address inside */
	struct names denied; /* that an event was sent for */
	struct flow_tools tools;
};

int proxy_run(int link_fd, struct err *e);
void proxy_event(struct proxy *p, const struct proxy_event *ev);
/* The listeners rest for a moment: descriptors or memory are short. */
void proxy_pause(struct proxy *p);
/* Tokens come later: wake the starved connections then. */
void proxy_refill_later(struct proxy *p);

/* name_service.c */
void name_service_udp(struct proxy *p, int fd);
/* The answer to one question; out stays empty where there is none. */
void name_service_answer(struct proxy *p, struct str query, struct buf *out);

#endif
