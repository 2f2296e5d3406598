#ifndef SANDBOX_BROKER_PROTO_H
#define SANDBOX_BROKER_PROTO_H
/*
 * What a run's launcher and proxy say to the broker of credentials, over the
 * run's own link: a SOCK_SEQPACKET socket that the launcher is given with
 * XL_BROKER and shares with the proxy. The link is the run's identity: what
 * comes over it is done for that run.
 *
 *     launcher:  broker_give_agent(link, listener, e);
 *     proxy:     if (rule->inject != NULL)
 *                        r = broker_inject(link, &(struct broker_inject){
 *                            .host = host, .port = port, .tls = connect,
 *                            .credential = rule->inject,
 *                        }, &upstream_fd, e);
 *
 * Both only send, and the broker answers nothing on the link: what it refuses
 * it closes. Before a run begins, and before the proxy has the link, the
 * values that the run is handed lie in it:
 *
 *     launcher:  r = broker_take_value(link, name, &fd, e);     each in turn
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define BROKER_BYTES_MAX ((size_t)2048)
#define BROKER_HOST_MAX 253

enum broker_message {
	/* A unix stream listener inside the run: SSH_AUTH_SOCK. 1 fd */
	BL_AGENT = 0xb01,
	/* u16 port, u8 tls, cstr host, cstr credential or NULL; 2 fds: the
	 * connected socket, our end of the pair that takes its place. */
	BL_INJECT,
	/* From the broker: cstr credential; 1 fd, sealed memory. */
	LB_VALUE = 0xb81,
};

struct broker_inject {
	const char *host; /* as decided on; lower case */
	uint16_t port;
	bool tls; /* a tunnel: the run begins TLS in it */
	const char *credential; /* by name; NULL: by host */
};

int broker_give_agent(int link, int listener, struct err *e);
/*
 * Gives the connected *upstream away and puts the socket in its place that
 * the run's bytes go through now: stream, non-blocking as *upstream was,
 * closed when the broker refuses or the destination ends. On failure
 * *upstream stays as it is, and the connection must not be used: no request
 * goes out without what was configured for it.
 */
int broker_inject(
    int link, const struct broker_inject *i, int *upstream, struct err *e);
int broker_give_value(int link, const char *name, int fd, struct err *e);
/* It is there already, sealed; else the run must not begin. */
int broker_take_value(int link, const char *name, int *ret, struct err *e);
/* For the broker: a message, and how many descriptors came with it. 0: the
 * other side is gone. ERR_CONFLICT: nothing is there now. */
#define BROKER_FDS_MAX 2
struct broker_received {
	uint16_t type;
	char bytes[BROKER_BYTES_MAX];
	struct str payload; /* in bytes */
	int fds[BROKER_FDS_MAX]; /* -1, or to be taken */
};
/* 1: received; 0: the other side is gone; negative: ERR_CONFLICT nothing is
 * there, else a broken message. */
int broker_receive(int link, struct broker_received *ret, struct err *e);

#endif
