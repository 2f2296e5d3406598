#ifndef PROXY_CONFINED_H
#define PROXY_CONFINED_H
/*
 * What is left to the proxy: its descriptors, and new sockets of the internet
 * families.
 *
 *     r = confined_prepare(e);             at start
 *     r = confined_enter(&report, e);      before the first byte of a run
 */
#include "base/confine.h"

int confined_prepare(struct err *e);
int confined_enter(struct confine_report *ret, struct err *e);

#endif
