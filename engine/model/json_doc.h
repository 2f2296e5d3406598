#ifndef MODEL_JSON_DOC_H
#define MODEL_JSON_DOC_H
/*
 * A strict JSON text as a flat list of nodes: what proposals are read with.
 *
 *     AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
 *     r = json_doc_parse(&d, body, arena, e);
 *     size_t tool = doc_get(&d, 0, STR("tool"));      0: not there
 *
 * Accepts what json_in accepts (a fuzz target compares them), ten times
 * faster, and keeps each value's own text: numbers are never reprinted.
 * Refused: duplicate keys, depth over JSON_DEPTH_MAX, more than
 * JSON_NODES_MAX values, invalid UTF-8, lone surrogates, NUL, BOM, trailing
 * bytes, numbers that do not fit.
 */
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum doc_kind {
	DOC_INVALID,
	DOC_OBJECT,
	DOC_ARRAY,
	DOC_STRING,
	DOC_NUMBER,
	DOC_TRUE,
	DOC_FALSE,
	DOC_NULL,
};

struct doc_node {
	char *s; /* DOC_STRING: decoded, NUL-ended, in the arena */
	uint32_t len; /* of s */
	uint32_t at, raw_len; /* its place in the text */
	uint32_t size; /* nodes of the subtree, itself included */
	enum doc_kind kind;
};

#define JSON_DOC_NODES_INLINE 64

/* Node 0 is the whole. An object's members are key, value, key, value. */
struct json_doc {
	struct str text; /* borrowed */
	struct doc_node *nodes;
	size_t count, cap;
	struct doc_node few[JSON_DOC_NODES_INLINE];
};

#define JSON_DOC_INIT                                                          \
	{                                                                      \
		.count = 0                                                     \
	}

/* text is borrowed until json_doc_done; strings live in the arena.
 * ERR_INVALID with line and column in the sentence, ERR_LIMIT, ERR_NOMEM. */
int json_doc_parse(
    struct json_doc *d, struct str text, struct arena *a, struct err *e);
void json_doc_done(struct json_doc *d);
/* The value of a member of the object, or 0. */
size_t doc_get(const struct json_doc *d, size_t object, struct str key);
/* First child of an array or object, and the node after this subtree. */
size_t doc_first(const struct json_doc *d, size_t node);
size_t doc_next(const struct json_doc *d, size_t node);
size_t doc_end(const struct json_doc *d, size_t node);
struct str doc_str(const struct json_doc *d, size_t node);
struct str doc_raw(const struct json_doc *d, size_t node);
/* "a string", "an object": for sentences. */
const char *doc_kind_phrase(enum doc_kind k);
/* A whole number without exponent within the range; else ERR_INVALID. */
int doc_int(const struct json_doc *d, size_t node, int64_t min, int64_t max,
    int64_t *ret);

#endif
