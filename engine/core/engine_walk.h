#ifndef CORE_ENGINE_WALK_H
#define CORE_ENGINE_WALK_H
/*
 * The calls of the last days again, from the newest back, each once,
 * over a bounded number of rows and a bounded time.
 *
 *     struct walk walk = { .g = g, .wants = wants, .fn = fn, .ctx = &mine };
 *     engine_walk(&walk);
 *     engine_walk_json(&walk, &w);
 */
#include <jansson.h>

#include "engine_int.h"

struct walk {
	struct engine *g;
	/* Of the row as it is exported; NULL: all of them. */
	bool (*wants)(void *ctx, const json_t *row);
	bool questions; /* those that wait for an answer, too */
	/* As if it were proposed now; time_ns is of its row. */
	int (*fn)(void *ctx, struct action *a, int64_t time_ns, struct err *e);
	void *ctx;
	bool cut; /* not all of it was looked at */
	/* its own */
	int64_t now_ns, since_ns, deadline_ns, row_ns;
	json_t *seen; /* object: ids, for an answer may have been undone */
};

void engine_walk(struct walk *walk);
/* Members days and complete of the open object. */
void engine_walk_json(const struct walk *walk, struct jsonw *w);
bool walk_row_is(const json_t *row, const char *key, const char *word);

#endif
