#ifndef OTLP_SINKS_H
#define OTLP_SINKS_H
/*
 * The sinks that a configuration names.
 *
 *     r = sinks_open(loop, config, &s, e);
 *     for (size_t i = 0; i < s->count; i++) ... s->items[i] ...   taken
 *     sinks_free(s);                     after every sink was closed
 */
#include "base/loop.h"
#include "model/config.h"
#include "sink.h"

#define SINKS_MAX 5

struct sinks {
	struct sink *items[SINKS_MAX];
	size_t count;
	struct sinks_own *own;
};

int sinks_open(
    struct loop *l, const struct config *c, struct sinks *ret, struct err *e);
void sinks_free(struct sinks *s);

#endif
