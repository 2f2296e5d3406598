#ifndef REVIEWER_TOOL_HARNESS_H
#define REVIEWER_TOOL_HARNESS_H
/*
 * The reviewer's process, started for ourselves: the same program that the
 * daemon starts, confined in the same way, spoken to in the same messages.
 *
 *     r = harness_open(&options, &h, e);
 *     r = harness_ask(h, &question, ctx, e);    on_answer(ctx, ...) later
 *     r = harness_run(h, e);                    until nothing is outstanding
 */
#include "base/loop.h"
#include "core/messages.h"
#include "model/config.h"

struct harness;

struct harness_options {
	struct config *config; /* borrowed */
	bool log; /* its log goes to our stderr */
	/* question: as given to harness_ask. It may ask again. */
	void (*on_answer)(
	    void *ctx, void *question, const struct review_answer *a);
	void *ctx;
};

int harness_open(
    const struct harness_options *o, struct harness **ret, struct err *e);
void harness_close(struct harness *h);
void harness_closep(struct harness **h);
/* q->action_id is set here. */
int harness_ask(struct harness *h, struct review_question *q, void *question,
    struct err *e);
int harness_run(struct harness *h, struct err *e);

#endif
