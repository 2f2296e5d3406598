#ifndef OTLP_DESTINATION_H
#define OTLP_DESTINATION_H
/*
 * Keeps one sink fed: asks for rows, gathers a batch, sends it, and goes on
 * only when it is safe there; the next batch is fetched meanwhile, unless the
 * sink takes nothing. What fails is tried again, with growing pauses,
 * for ever; what a sink refuses is halved until the one row is found that it
 * does not take, so that one bad row loses no other. At least once: after a
 * crash the last batch may come again.
 *
 *     r = destination_new(&options, &d, e);
 *     destination_link(d, seq);        the engine is there: it has seq rows
 *     r = row_parse(seq, json, &row, e);
 *     destination_row(d, seq, row, len);    if it was asked for
 *     destination_checkpoint(d, rows, json);    sent once rows are there
 *     destination_unlink(d);
 *     destination_free(d);             closes the sink
 */
#include "base/loop.h"
#include "base/str.h"
#include "sink.h"

#define BATCH_ROWS_MAX 1024
#define BATCH_BYTES_MAX ((size_t)2 << 20) /* of JSON; one row may be more */
#define BATCH_DELAY_MS 500 /* a row waits so long for company */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000
#define RETRY_AFTER_MAX_MS (INT64_C(600) * 1000)

struct destination;

struct destination_state {
	uint64_t seq, refused, failures;
	uint64_t attested; /* rows of the newest checkpoint that it took */
	const char *why; /* of the last failure, or NULL */
};

struct destination_options {
	struct loop *loop;
	struct sink *sink; /* taken, also on failure */
	int64_t batch_delay_ms, retry_min_ms; /* 0: the defaults */
	/* Asks for at most count rows after seq. */
	void (*ask)(void *ctx, uint64_t seq, uint32_t count);
	/* After every change. */
	void (*tell)(void *ctx, const struct destination_state *s);
	void *ctx;
};

int destination_new(const struct destination_options *o,
    struct destination **ret, struct err *e);
void destination_free(struct destination *d);
void destination_link(struct destination *d, uint64_t seq);
void destination_unlink(struct destination *d);
/* Rows are on their way, and it is not known yet whether they arrived. */
bool destination_is_sending(const struct destination *d);
/* Only the newest counts. ERR_INVALID: not JSON. */
int destination_checkpoint(
    struct destination *d, uint64_t rows, struct str json, struct err *e);
/* A tree that destinations share and nobody changes. ERR_INVALID: not JSON. */
int row_parse(uint64_t seq, struct str json, json_t **ret, struct err *e);
/* len is that of its text. Rows that it does not wait for are left out. */
void destination_row(
    struct destination *d, uint64_t seq, json_t *row, size_t len);

#endif
