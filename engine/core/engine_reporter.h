#ifndef CORE_ENGINE_REPORTER_H
#define CORE_ENGINE_REPORTER_H
/*
 * The engine's end of the link to the reporter.
 *
 *     r = reporter_link_open(loop, fd, &options, &link, e);   fd is taken
 *     ok = reporter_link_row(link, feeds, seq, json);
 *     reporter_link_free(link);
 */
#include "base/ipc.h"
#include "engine.h"

struct reporter_link;

struct reporter_link_options {
	struct engine *engine;
	/* Tells why; frees the link. */
	void (*closed)(void *ctx, const struct err *why);
	void *ctx;
};

int reporter_link_open(struct loop *l, int fd,
    const struct reporter_link_options *o, struct reporter_link **ret,
    struct err *e);
void reporter_link_free(struct reporter_link *r);
/* false: there is no link, or it is full. */
bool reporter_link_row(
    struct reporter_link *r, uint32_t feeds, uint64_t seq, struct str json);
bool reporter_link_checkpoint(
    struct reporter_link *r, uint64_t size, struct str json);

#endif
