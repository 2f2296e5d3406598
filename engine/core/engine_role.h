#ifndef CORE_ENGINE_ROLE_H
#define CORE_ENGINE_ROLE_H
/*
 * The engine as a process: holds the store, the rules, the live actions.
 *
 *     extern const struct role engine_role;     named in engine/main.c
 */
#include "core/role.h"

extern const struct role engine_role;

#endif
