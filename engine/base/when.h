#ifndef BASE_WHEN_H
#define BASE_WHEN_H
/*
 * A point in time as people and programs write it.
 *
 *     r = when_parse(STR("2026-11-25T18:07:00Z"), now_ns, &at_ns);
 *     r = when_parse(STR("2h"), now_ns, &at_ns);       from now on
 */
#include <stdint.h>

#include "str.h"

/* RFC 3339 in UTC ("Z"), to the minute or finer; a date alone is its
 * beginning; a duration counts from now. 0 or ERR_INVALID. */
int when_parse(struct str text, int64_t now_real_ns, int64_t *ret_real_ns);

#endif
