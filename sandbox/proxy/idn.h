#ifndef PROXY_IDN_H
#define PROXY_IDN_H
/*
 * Names of other alphabets become punycode, so that what is compared, asked
 * and shown is the name that goes over the wire.
 *
 *     r = idn_host_parse(text, &host, e);
 */
#include "sandbox/net_addr.h"

int idn_host_parse(struct str text, struct net_host *ret, struct err *e);

#endif
