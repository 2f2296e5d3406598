#ifndef REVIEWER_ROLE_REVIEWING_INT_H
#define REVIEWER_ROLE_REVIEWING_INT_H
/*
 * What the two halves share: reviewing.c has the questions, attempt.c asks
 * one provider once.
 *
 *     attempt_start(v);      ends in attempt's on_done, then
 *     review_said(v, ...) or review_failed(v, ...)
 */
#include "cache.h"
#include "http.h"
#include "judge.h"
#include "program.h"
#include "reviewing.h"

#define ATTEMPTS_MAX 3 /* with one provider */
#define BACKOFF_MS 500
#define BACKOFF_MAX_MS 8000
#define KEYS_WITHIN_MS 21000
#define WAITING_MAX REVIEW_IN_FLIGHT_MAX
#define CANARY_BYTES 12
#define NO_PROVIDER SIZE_MAX

struct asked {
	struct asked *next;
	struct reviewing *s;
	struct arena *arena;
	struct review_question q; /* its texts are in the arena */
	char sha256_hex[SHA256_HEX_LEN + 1];
	char nonce_first[NONCE_HEX_LEN + 1], nonce_last[NONCE_HEX_LEN + 1];
	char canary[2 * CANARY_BYTES + 1];
	uint8_t cache_key[SHA256_LEN];
	int64_t asked_ns, deadline_ns;
	size_t provider; /* the one that is asked now */
	unsigned given_up; /* a bit for each provider */
	unsigned attempts, attempts_here;
	size_t request_bytes;
	struct http_call *http;
	struct program_call *program;
	struct loop_timer *deadline, *pause;
	bool active; /* counted as under way */
	size_t first_provider; /* that approved, when two have to */
	struct review_answer sum; /* tokens so far */
};

struct reviewing {
	struct reviewing_options o;
	struct provider providers[PROVIDERS_MAX];
	size_t provider_count;
	struct http *http;
	struct cache *cache;
	uint8_t policy_sha256[SHA256_LEN];
	char policy_key[SHA256_HEX_LEN + 1];
	struct asked *active, *waiting; /* waiting: oldest first */
	size_t active_count, waiting_count;
	struct loop_timer *keys_timer;
	bool keys_over; /* no longer waited for */
	struct buf told; /* the status said last */
	struct loop_task pump;
};

/* attempt.c: asks v->provider; never calls back at once. 0, or negative:
 * nothing was asked. */
int attempt_start(struct asked *v, struct err *e);
void attempt_stop(struct asked *v);

/* reviewing.c: what it cost, and how an attempt came out. */
void review_count(struct asked *v, const struct wire_answer *w);
void review_said(struct asked *v, const struct judge_said *said);
/* cause: a constant. */
void review_no_verdict(struct asked *v, const char *cause);
void review_not_reached(struct asked *v, const struct call_result *r);

#endif
