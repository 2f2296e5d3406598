#ifndef RULES_EFFECTS_TOOLS_H
#define RULES_EFFECTS_TOOLS_H
/*
 * Tools that are no commands: edits, requests, calls, permissions.
 *
 *     r = tools_file(run);     each adds parts; 0, ERR_NOMEM or ERR_LIMIT
 *
 * Private to rules/effects*.c.
 */
#include "effects_int.h"

int tools_env(struct run *run);
int tools_file(struct run *run);
int tools_fetch(struct run *run);
int tools_mcp(struct run *run);
int tools_permission(struct run *run);
/* A judge for a part without a shell; finish adds the part. */
void tools_begin(struct run *run, struct judge *j, struct shell_part *shell,
    struct part_command *command, const char *name);
int tools_finish(struct judge *j, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
