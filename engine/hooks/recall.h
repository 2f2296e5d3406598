#ifndef HOOKS_RECALL_H
#define HOOKS_RECALL_H
/*
 * The last few things that were said under a name; the oldest makes room.
 *
 *     struct recall r = { .next = 0 };
 *     recall_set(&r, "c-1", text);
 *     recall_text(&r, "c-1");         NULL: it was not said, or long ago
 *     recall_done(&r);
 *
 * What cannot be kept is not there: callers treat it as never said.
 */
#include <stddef.h>

#include "base/str.h"

#define RECALL_MAX 64
#define RECALL_NAME_MAX 256 /* bytes of a name, else it is none */

struct recall_item {
	char *name, *text;
};

struct recall {
	struct recall_item items[RECALL_MAX];
	size_t next;
};

/* An empty text forgets. */
void recall_set(struct recall *r, struct str name, struct str text);
const char *recall_text(const struct recall *r, struct str name);
void recall_done(struct recall *r);

#endif
