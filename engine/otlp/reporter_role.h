#ifndef OTLP_REPORTER_ROLE_H
#define OTLP_REPORTER_ROLE_H
/*
 * The role that sends the decision log elsewhere: OTLP, syslog, a file, a
 * webhook (docs/telemetry.md). It asks the engine for rows, at its own pace.
 */
#include "core/role.h"

extern const struct role reporter_role;

#endif
