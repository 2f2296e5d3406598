#ifndef OTLP_REPORTER_ROLE_H
#define OTLP_REPORTER_ROLE_H
/*
 * The role that sends the decision log elsewhere.
 *
 *     static const struct role *const roles[] = { ..., &reporter_role };
 *
 * It sees rows that are durable already, and can say nothing to the engine
 * but where to go on: a slow or broken destination never delays a decision.
 */
#include "core/role.h"

extern const struct role reporter_role;

#endif
