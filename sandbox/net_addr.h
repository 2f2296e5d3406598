#ifndef SANDBOX_NET_ADDR_H
#define SANDBOX_NET_ADDR_H
/*
 * Addresses and host names as a run may write them, in one form each.
 *
 *     r = net_host_parse(text, &host, e);     lower case, no final dot
 *     if (host.is_addr && net_addr_class(&host.addr) != NET_PUBLIC) ...
 *
 * An address has one spelling: 127.1, 0x7f000001, 2130706433, 0177.0.0.1, a
 * zone, brackets and leading zeros are refused, so that no two readers can
 * take one text for two places. An IPv4 address in IPv6 clothes is judged by
 * the address inside.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define NET_HOST_MAX 253 /* bytes of a name */
#define NET_LABEL_MAX 63
#define NET_ADDR_TEXT_MAX 46

struct net_addr {
	uint8_t len; /* 4 or 16; 0: none */
	uint8_t bytes[16];
};

/* A block of addresses: bits of addr that count. */
struct net_block {
	struct net_addr addr;
	uint8_t bits;
};

enum net_class {
	NET_CLASS_INVALID,
	NET_PUBLIC,
	NET_PRIVATE, /* RFC 1918, unique local, site local */
	NET_SHARED, /* carrier-grade NAT */
	NET_LOOPBACK,
	NET_LINK_LOCAL,
	NET_METADATA, /* where clouds hand out credentials */
	NET_MULTICAST,
	NET_RESERVED, /* this network, tests, transition mechanisms */
};

struct net_host {
	char name[NET_HOST_MAX + 1]; /* canonical, also of an address */
	bool is_addr;
	struct net_addr addr;
};

/* The canonical spellings only: "192.0.2.1", "2001:db8::1". A mapped address
 * (::ffff:192.0.2.1) becomes the IPv4 one. 0 or ERR_INVALID. */
int net_addr_parse(struct str text, struct net_addr *ret);
/* From a resolver or a sockaddr: the mapped form becomes IPv4. */
struct net_addr net_addr_of(const uint8_t *bytes, size_t len);
void net_addr_print(const struct net_addr *a, char ret[NET_ADDR_TEXT_MAX]);
bool net_addr_eq(const struct net_addr *a, const struct net_addr *b);
enum net_class net_addr_class(const struct net_addr *a);
/* The IPv4 address that a NAT64 leads to; false: it is none of such. */
bool net_addr_behind(const struct net_addr *a, struct net_addr *ret);
const char *net_class_name(enum net_class c);
/* "10.0.0.0/8" or an address alone; bits beyond the length must be 0. */
int net_block_parse(struct str text, struct net_block *ret);
bool net_block_has(const struct net_block *b, const struct net_addr *a);
/*
 * A name (letters, digits, '-', '_' and dots; a final dot is dropped) or an
 * address, IPv6 with or without brackets. ERR_INVALID with a sentence; names
 * in other alphabets are expected in punycode.
 */
int net_host_parse(struct str text, struct net_host *ret, struct err *e);

#endif
