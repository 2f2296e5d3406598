#ifndef PROXY_HOSTS_H
#define PROXY_HOSTS_H
/*
 * /etc/hosts of the machine, read once before the files are out of reach.
 *
 *     r = hosts_parse(text, &hosts, e);
 *     n = hosts_find(&hosts, "db.internal", addrs, ADDRS_MAX);
 */
#include "base/buf.h"
#include "sandbox/net_addr.h"

#define HOSTS_BYTES_MAX ((size_t)4 << 20)
#define HOSTS_MAX 65536

struct hosts_row {
	struct net_addr addr;
	char *name; /* canonical */
};

struct hosts {
	struct hosts_row *rows;
	size_t count, cap;
};

/* Lines that are malformed are passed over, as by everybody. */
int hosts_parse(struct str text, struct hosts *ret, struct err *e);
void hosts_done(struct hosts *h);
size_t hosts_find(
    const struct hosts *h, const char *name, struct net_addr *ret, size_t max);

#endif
