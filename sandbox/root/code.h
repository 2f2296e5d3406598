#ifndef SANDBOX_CODE_H
#define SANDBOX_CODE_H
/*
 * All code below a folder, in one digest: what a script or a build finds by
 * name (imports, included makefiles, tests). Names, sizes and the kernel's
 * times count; it sets them at each change, and nobody sets them back.
 *
 *     r = code_below(fd, sha256, newest, e);
 */
#include <limits.h>

#include "base/err.h"
#include "base/sha256.h"

#define CODE_ENTRIES_MAX 50000

/* fd is borrowed; newest: the file that changed last, from the folder ("" when
 * there is none). ERR_LIMIT when there are more entries than can be looked at. */
int code_below(int fd, uint8_t ret[static SHA256_LEN],
    char newest[static PATH_MAX], struct err *e);

#endif
