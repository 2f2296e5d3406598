#ifndef REVIEWER_ROLE_REVIEWING_H
#define REVIEWER_ROLE_REVIEWING_H
/*
 * The reviews that are under way, from a question to its one answer.
 *
 *     r = reviewing_new(&options, &s, e);
 *     reviewing_ask(s, &question);
 *     reviewing_cancel(s, action_id);
 *
 * Every question is answered once, within its budget, unless it is
 * cancelled; whatever goes wrong is an answer with a cause, which means: ask
 * a person.
 */
#include "base/loop.h"
#include "core/messages.h"
#include "provider.h"

struct programs;
struct reviewing;

struct reviewing_options {
	struct loop *loop;
	const struct config *config; /* borrowed */
	struct programs *programs; /* borrowed */
	struct str policy; /* borrowed: the static part */
	void (*answer)(void *ctx, const struct review_answer *a);
	void (*status)(void *ctx, struct str json);
	void *ctx;
};

int reviewing_new(
    const struct reviewing_options *o, struct reviewing **ret, struct err *e);
void reviewing_free(struct reviewing *s);
void reviewing_ask(struct reviewing *s, const struct review_question *q);
void reviewing_cancel(struct reviewing *s, const char *action_id);
/* The key of a provider, or that there is none. */
void reviewing_key(struct reviewing *s, size_t provider, struct str bytes);
size_t reviewing_provider_count(const struct reviewing *s);
/* Says how the providers are, if it is not what was said last. */
void reviewing_tell(struct reviewing *s);
/* Says it to somebody new. */
void reviewing_tell_again(struct reviewing *s);

#endif
