#ifndef TUI_RULE_FILE_H
#define TUI_RULE_FILE_H
/*
 * The person's own rules: a rule that was shown is added to one file.
 *
 *     r = rule_file_add(text, path, sizeof(path), e);
 *
 * text is a whole rule file with one rule. Nothing is written unless all files
 * of the folder, with the new rule, pass 'assent rules check' and 'rules test'.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define RULE_FILE_NAME "approved.yaml"

/* ret: where it is now. *ret_new: its folder was not there, so that a daemon
 * that runs does not read it before it is restarted. */
int rule_file_add(
    const char *text, char *ret, size_t size, bool *ret_new, struct err *e);
/* The same by itself as a draft for the organisation's rules, which nothing
 * reads: somebody who may puts it among them. */
int rule_file_draft(
    const char *text, const char *id, char *ret, size_t size, struct err *e);

#endif
