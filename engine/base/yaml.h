#ifndef BASE_YAML_H
#define BASE_YAML_H
/*
 * A strict subset of YAML as a tree with places (libyaml's events).
 *
 *     r = yaml_parse("a.yaml", text, arena, diags, &root, e);
 *     const struct yaml *v = yaml_get(root, "rules");
 *
 * One document. Anchors, aliases, tags, merge keys, duplicate keys, keys
 * that are not scalars, hidden characters, tabs as indentation, more than
 * YAML_DEPTH_MAX levels or YAML_NODES_MAX nodes are errors with a place.
 * Scalars are text; their meaning is given by the schema that reads them.
 */
#include <stdbool.h>
#include <stddef.h>

#include "diag.h"
#include "err.h"
#include "mem.h"
#include "str.h"

#define YAML_DEPTH_MAX 24
#define YAML_NODES_MAX 2000000

enum yaml_kind {
	YAML_INVALID,
	YAML_SCALAR,
	YAML_LIST,
	YAML_MAP,
};

struct yaml {
	enum yaml_kind kind;
	bool quoted; /* a scalar in quotes or a block: never null, never list */
	bool block; /* a literal or folded block scalar */
	bool double_quoted;
	unsigned line, col, end_line, end_col; /* 1-based */
	struct str text; /* scalar */
	const char *file;
	const struct yaml_source *source; /* its lines, for carets */
	/* list items, or map values; in the order of the file */
	size_t count;
	struct yaml *items;
	struct yaml *keys; /* map: one scalar for each item */
};

/* Everything lives in the arena; text is copied. Errors go to d (may be
 * NULL), all of them where the parser can go on; returns ERR_INVALID when
 * there are any, then e holds the first. Nothing but comments: empty map. */
int yaml_parse(const char *file, struct str text, struct arena *a,
    struct diags *d, struct yaml *ret, struct err *e);
/* The value of key in a map, or NULL. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);
/* The place of the byte at offset of a scalar's text, also inside quotes and
 * literal blocks: the caret stands under that character. Set code, hint and
 * width, then diag_add. For lists and maps: where they begin. */
struct diag yaml_place(const struct yaml *at, size_t offset);
/* A diag at the node's place. */
void yaml_diag(struct diags *d, const struct yaml *at,
    enum diag_severity severity, const char *code, const char *hint,
    const char *fmt, ...) PRINTF_LIKE(6, 7);

#endif
