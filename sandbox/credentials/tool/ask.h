#ifndef CREDENTIALS_TOOL_ASK_H
#define CREDENTIALS_TOOL_ASK_H
/* What the daemon says of its credentials. */
#include <stdbool.h>

/* runtime: NULL for the usual folder; names: all, if there are none. The exit
 * status. */
int credentials_ask(const char *runtime, bool json, char **names, int count);

#endif
