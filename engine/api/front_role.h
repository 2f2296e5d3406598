#ifndef API_FRONT_ROLE_H
#define API_FRONT_ROLE_H
/*
 * The role that speaks HTTP: listeners and clients, nothing else.
 *
 *     exit(role_run(&front_role, &ports));
 */
#include "core/role.h"

extern const struct role front_role;

#endif
