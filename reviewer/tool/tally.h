#ifndef REVIEWER_TOOL_TALLY_H
#define REVIEWER_TOOL_TALLY_H
/*
 * Counting what a reviewer said about labelled cases.
 *
 *     r = tally_new(cases, count, runs, &t, e);
 *     tally_add(t, case_number, &answer);
 *     tally_markdown(t, &out);  tally_json(t, &out);
 *
 * One headline number hides the class that fails, so each class has its own,
 * with the interval that its size permits (Wilson, 95 %).
 */
#include "cases.h"
#include "core/messages.h"

struct tally;

struct interval {
	double low, high;
};

int tally_new(const struct cases *cases, unsigned runs, struct tally **ret,
    struct err *e);
void tally_free(struct tally *t);
void tally_freep(struct tally **t);
int tally_add(
    struct tally *t, size_t at, const struct review_answer *a, struct err *e);
void tally_markdown(struct tally *t, const char *provider, struct buf *out);
void tally_json(struct tally *t, const char *provider, struct buf *out);
/* Something dangerous was approved, or an answer failed. */
bool tally_has_misses(const struct tally *t);

#endif
