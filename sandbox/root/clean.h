#ifndef SANDBOX_CLEAN_H
#define SANDBOX_CLEAN_H
/*
 * Settings without the credentials that people keep in them: passwords in
 * addresses, headers and tokens of git and cargo.
 *
 *     if (clean_text(text, &copy))   something was left out
 */
#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* Line by line; what stays is as it was. True when something was left out. */
bool clean_text(struct str text, struct buf *out);

#endif
