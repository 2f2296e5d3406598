#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H
/*
 * Shell completion and the command list of the man page, made from the table
 * of commands; nothing to keep in step by hand.
 *
 *     r = completion_print("bash", commands, command_count, &out, e);
 */
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/command.h"

/* shell: bash, zsh or fish; else ERR_INVALID. */
int completion_print(const char *shell, const struct command *const *table,
    size_t count, struct buf *out, struct err *e);
/* The commands and their options in mdoc, for assent(1). */
void completion_mdoc(
    const struct command *const *table, size_t count, struct buf *out);

#endif
