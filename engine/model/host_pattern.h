#ifndef MODEL_HOST_PATTERN_H
#define MODEL_HOST_PATTERN_H
/*
 * Hosts as an administrator writes them, and whether one lies in another.
 *
 *     host_pattern_valid(STR("*.example.com:443"))
 *     host_pattern_covers(STR("10.0.0.0/8"), STR("10.1.2.3:22"))   true
 *
 * A host is a name, *.NAME (anything below it), an address, a network
 * (ADDRESS/BITS, no bit of the address set behind them) or * (all). :PORT or
 * :FIRST-LAST may follow; an IPv6 address with a port stands in brackets.
 * Without a port all of them are meant.
 */
#include <stdbool.h>

#include "base/str.h"

bool host_pattern_valid(struct str pattern);
/* True when all that asked stands for lies in pattern; false in doubt. */
bool host_pattern_covers(struct str pattern, struct str asked);
/* False when nothing can be in both; true in doubt. */
bool host_pattern_meets(struct str a, struct str b);

#endif
