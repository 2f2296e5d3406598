#ifndef BROKER_BROKER_ROLE_H
#define BROKER_BROKER_ROLE_H
/*
 * The broker of credentials: one process, which alone holds their secrets.
 */
#include "core/role.h"

extern const struct role broker_role;

#endif
