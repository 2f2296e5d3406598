#ifndef SANDBOX_CHANGES_INT_H
#define SANDBOX_CHANGES_INT_H
/* What the files about changes share. */
#include "changes/changes.h"

/* Opens what is at rel below a folder, no link followed anywhere. */
int changes_open(int folder, const char *rel, int flags);
/* The folder that holds rel (O_PATH), and the last name. -1 and errno. */
int changes_open_parent(int folder, const char *rel, const char **ret_name);
/* The same thing, unchanged since. */
bool changes_same(const struct stat *a, const struct stat *b);

#endif
