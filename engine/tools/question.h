#ifndef TOOLS_QUESTION_H
#define TOOLS_QUESTION_H
/*
 * Proposals to the daemon from a loop, many at a time: each is proposed,
 * waited for while a person has it, and told once.
 *
 *     r = asker_new(loop, runtime, &a, e);
 *     r = question_ask(a, &(struct question_options){ .body = json,
 *         .timeout_ms = ms, .on_end = told, .ctx = x }, &q, e);
 *     question_drop(q);        nobody waits for it any more: it is taken back
 *     asker_tell(a, "/v1/actions/act_1/outcome", NULL, json);
 *
 * Whatever goes wrong is a ruling that denies, with the reason.
 */
#include "base/loop.h"
#include "client.h"
#include "hooks/hooks.h"

struct asker;
struct question;

/* What the daemon said last, as it said it; text "" where it did not answer. */
struct question_news {
	const struct hook_ruling *ruling;
	unsigned status; /* of HTTP; 0: there was no answer */
	struct str text;
};

typedef void question_fn(void *ctx, const struct question_news *news);

struct question_options {
	const char *method; /* NULL: POST */
	const char *path; /* NULL: /v1/actions; another one is asked once */
	struct str body;
	const char *key; /* Idempotency-Key, or NULL */
	int64_t timeout_ms; /* for a person; 0: nobody is waited for */
	bool sees_end; /* of its run, if it runs */
	bool
	    keeps; /* what is open at the end stays so: it is looked at later */
	question_fn
	    *on_wait; /* while it is open, every some seconds; or NULL */
	question_fn *on_end; /* once; the question is gone then */
	void *ctx;
};

int asker_new(
    struct loop *l, const char *runtime, struct asker **ret, struct err *e);
/* Sends what is still to be sent, for a second at most; the loop must not be
 * running. */
void asker_free(struct asker *a);
/* on_end never comes before this returns. ERR_NOMEM: it will not come. */
int question_ask(struct asker *a, const struct question_options *o,
    struct question **ret, struct err *e);
/* on_end does not come any more. NULL is none. */
void question_drop(struct question *q);
/* POST, whose answer nobody waits for; what fails is said on stderr. */
void asker_tell(
    struct asker *a, const char *path, const char *key, struct str body);

#endif
