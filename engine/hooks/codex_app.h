#ifndef HOOKS_CODEX_APP_H
#define HOOKS_CODEX_APP_H
/*
 * Between an editor and "codex app-server": assent answers what Codex asks
 * for approval; everything else passes as it came. No I/O.
 *
 *     bridge_main with .protocol = &codex_app_protocol
 *
 * Source: codex app-server generate-ts --experimental, of Codex 0.169; both
 * the requests of threads ("item/commandExecution/requestApproval") and those
 * of conversations before ("execCommandApproval").
 */
#include "bridge.h"

extern const struct bridge_protocol codex_app_protocol;

#endif
