#ifndef CORE_IDS_H
#define CORE_IDS_H
/*
 * ULIDs with a prefix: sortable by time, 80 random bits.
 *
 *     id_make("act", realtime_ns, random, id);     act_01JQ...
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "model/action.h"

#define ID_RANDOM_LEN 10

/* prefix is at most 8 characters. */
void id_make(const char *prefix, int64_t realtime_ns,
    const uint8_t random[static ID_RANDOM_LEN], char ret[static ACTION_ID_MAX]);
/* Whether s looks like an id with that prefix. */
bool id_is(const char *prefix, struct str s);

#endif
