/*
 * From the flat list of nodes to jansson's tree.
 * Runs in: reporter.  Trusts: nothing in text.  Owns: nothing.
 */
#include "json_tree.h"

#include "base/mem.h"
#include "json_doc.h"

#define STRINGS_BYTES_MAX ((size_t)8 << 20)

static json_t *value_of(const struct json_doc *d, size_t node);

/* jansson takes a NULL for a value as a failure. */
static json_t *
object_of(const struct json_doc *d, size_t node)
{
	const size_t end = doc_end(d, node);
	json_t *object = json_object();
	size_t key = doc_first(d, node);

	while (object != NULL && key < end) {
		const size_t value = doc_next(d, key);

		if (json_object_set_new_nocheck(
			object, d->nodes[key].s, value_of(d, value)) != 0) {
			json_decref(object);
			return NULL;
		}
		key = doc_next(d, value);
	}
	return object;
}

static json_t *
array_of(const struct json_doc *d, size_t node)
{
	const size_t end = doc_end(d, node);
	json_t *array = json_array();

	for (size_t item = doc_first(d, node); array != NULL && item < end;
	     item = doc_next(d, item)) {
		if (json_array_append_new(array, value_of(d, item)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* A fraction is left to jansson, so that it is the same one. */
static json_t *
number_of(const struct json_doc *d, size_t node)
{
	const struct str raw = doc_raw(d, node);
	int64_t n = 0;

	if (doc_int(d, node, INT64_MIN, INT64_MAX, &n) == 0)
		return json_integer(n);
	return json_loadb(raw.s, raw.len, JSON_DECODE_ANY, NULL);
}

/* The parser limits the depth. */
static json_t *
value_of(const struct json_doc *d, size_t node)
{
	const struct doc_node *n = &d->nodes[node];

	switch (n->kind) {
	case DOC_OBJECT:
		return object_of(d, node);
	case DOC_ARRAY:
		return array_of(d, node);
	case DOC_STRING:
		return json_stringn_nocheck(n->s, n->len);
	case DOC_NUMBER:
		return number_of(d, node);
	case DOC_TRUE:
		return json_true();
	case DOC_FALSE:
		return json_false();
	case DOC_NULL:
		return json_null();
	case DOC_INVALID:
		break;
	}
	return NULL;
}

/* What is beyond the limits of json_doc may still be JSON, and a value alone
 * is refused as jansson does. */
json_t *
json_tree(struct str text)
{
	AUTO(arena_freep) struct arena *a = arena_new(STRINGS_BYTES_MAX);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;

	if (a != NULL && json_doc_parse(&d, text, a, NULL) == 0 &&
	    (d.nodes[0].kind == DOC_OBJECT || d.nodes[0].kind == DOC_ARRAY))
		return value_of(&d, 0);
	return json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, NULL);
}
