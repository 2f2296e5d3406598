#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H
/*
 * The programs of assent lie side by side, wherever they are installed.
 *
 *     r = program_beside("assent-exec", path, e);
 *     status = program_become("assent-cli", argv, e);   only on failure
 */
#include <limits.h>

#include "err.h"

#define PROGRAM_PATH_MAX PATH_MAX

/* The path of the program of this name in our own program's folder. */
int program_beside(
    const char *name, char ret[static PROGRAM_PATH_MAX], struct err *e);
/* It takes our place, with our descriptors and environment. Returns only when
 * it could not. */
int program_become(const char *name, char *const *argv, struct err *e);

#endif
