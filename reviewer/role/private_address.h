#ifndef REVIEWER_ROLE_PRIVATE_ADDRESS_H
#define REVIEWER_ROLE_PRIVATE_ADDRESS_H
/*
 * Is an address one that the internet does not route: of this machine, of a
 * private or shared network, local to a link, or not an address at all?
 */
#include <stdbool.h>

bool is_private_address(const char *text);

#endif
