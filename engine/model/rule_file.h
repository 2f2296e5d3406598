#ifndef MODEL_RULE_FILE_H
#define MODEL_RULE_FILE_H
/*
 * Which files of a folder hold rules. Whoever reads, copies or counts them
 * asks here, so that no file is judged by one and passed over by another.
 */
#include <stdbool.h>

#include "base/str.h"

/* A name in a folder: ends in .yaml or .yml, and is not hidden by a dot. */
bool rule_file_named(struct str name);

#endif
