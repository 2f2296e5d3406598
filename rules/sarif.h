#ifndef RULES_SARIF_H
#define RULES_SARIF_H
/*
 * Findings as SARIF 2.1.0 on standard output.
 *
 *     status = sarif_print("assent rules lint", diags);
 */
#include "cmd_int.h"

int sarif_print(const char *tool, const struct diags *d);

#endif
