#ifndef PROXY_DNS_H
#define PROXY_DNS_H
/*
 * Questions to a name service, and the few answers that ours gives.
 *
 *     r = dns_query_parse(bytes, &query, e);
 *     dns_answer_write(&out, &query, DNS_OK, &addr);
 *
 * One question, class IN; nothing of it is ever sent on.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sandbox/net_addr.h"

#define DNS_UDP_BYTES_MAX 512
#define DNS_TTL_S 5

enum dns_type {
	DNS_A = 1,
	DNS_AAAA = 28,
};

enum dns_rcode {
	DNS_OK = 0,
	DNS_FORMAT = 1,
	DNS_FAILED = 2,
	DNS_NO_NAME = 3,
	DNS_UNSUPPORTED = 4,
	DNS_REFUSED = 5,
};

struct dns_query {
	uint16_t id, flags, type;
	struct str question; /* as it came, for the answer */
	char name[NET_HOST_MAX + 1]; /* dotted, as it came */
};

/*
 * ERR_INVALID: not a question; when *ret_answerable, ret holds what is needed
 * to say so (the number of the question).
 */
int dns_query_parse(struct str bytes, struct dns_query *ret,
    bool *ret_answerable, struct err *e);
/* addr NULL: no such record. */
void dns_answer_write(struct buf *out, const struct dns_query *q,
    enum dns_rcode rcode, const struct net_addr *addr);

#endif
