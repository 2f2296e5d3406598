#ifndef MODEL_JSON_TREE_H
#define MODEL_JSON_TREE_H
/*
 * jansson's values, read by json_doc: the same tree in a fraction of the time.
 *
 *     json_t *row = json_tree(text);      NULL: no JSON, or no memory
 *
 * For text of our own that is read often. Accepts and gives exactly what
 * json_loadb with JSON_REJECT_DUPLICATES does.
 */
#include <jansson.h>

#include "base/str.h"

json_t *json_tree(struct str text);

#endif
