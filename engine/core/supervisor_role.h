#ifndef CORE_SUPERVISOR_ROLE_H
#define CORE_SUPERVISOR_ROLE_H
/*
 * The supervisor: folders, sockets, and the life of the other roles.
 *
 *     static const struct role *const roles[] = { &engine_role, ... };
 *     return supervisor_main(argc, argv, roles, ARRAY_LEN(roles), &ports);
 *
 * It starts each role by executing itself again, links them to each other
 * after they have confined themselves, starts them again when they end, and
 * starts the launchers of the sandbox. It parses its own command line, its
 * configuration and fixed frames, and nothing else.
 */
#include "role.h"

/*
 * Roles start in this order and stop in the reverse. Of the ports it only
 * asks whether they would take the settings, before it tells a role. Returns
 * the exit status.
 */
int supervisor_main(int argc, char **argv, const struct role *const *roles,
    size_t count, const struct role_ports *ports);

#endif
