#ifndef RULES_CMD_BUNDLE_H
#define RULES_CMD_BUNDLE_H
/* Shared by cmd_rules_bundle.c and cmd_rules_fetch.c. */
#include "bundle.h"
#include "cmd_rules.h"

struct verified_bundle {
	struct str bytes; /* in the arena */
	struct bundle bundle;
};

/* Verified, loaded for a try, installed; out gets a line. */
int bundle_put_in_place(const char *key, const char *file, const char *dir,
    struct buf *out, struct err *e);
/* A line, or {"result": line}; the exit status. */
int bundle_print(const struct buf *text, bool json);
/* Says why; the exit status. */
int bundle_failed(const struct command *c, const struct err *e);

#endif
