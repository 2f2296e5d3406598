#ifndef RULES_LOAD_INT_H
#define RULES_LOAD_INT_H
/* The two halves of loading: where files are (load.c), what they make. */
#include "schema.h"

/* A set under construction. */
struct builder {
	struct loader ld;
	struct buf *archive; /* gets every file but the packs', or NULL */
	struct set_draft draft;
	struct arena
	    *trees; /* of the parsed files; gone when the set is made */
};

int builder_new(struct diags *d, struct err *e, struct builder **ret);
void builder_free(struct builder *b);
void builder_freep(struct builder **b);
/* Parses and reads one file; findings go on, other failures return. */
int builder_add(struct builder *b, const char *name, enum rule_layer layer,
    struct str text);
/* A finding about a file or folder as a whole. */
void builder_complain(struct builder *b, const char *file, const char *code,
    const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* ERR_INVALID when there was any error. */
int builder_finish(struct builder *b, struct ruleset **ret);

/* SHA-256 over the meaning of a tree: layout and comments do not count. */
uint64_t yaml_hash(const struct yaml *root); /* short */

#endif
