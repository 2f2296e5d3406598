#ifndef MODEL_JSON_IN_H
#define MODEL_JSON_IN_H
/*
 * Strict JSON from outside, by jansson: duplicates, depth, UTF-8, NUL,
 * trailing bytes refused before anything is looked at.
 *
 *     json_auto_t *j = NULL;
 *     r = json_in(text, &j, e);
 */
#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

int json_in(struct str text, json_t **ret, struct err *e);
/* The member's text; NULL where it is none, or object is no object. */
const char *json_in_text(const json_t *object, const char *key);

#endif
