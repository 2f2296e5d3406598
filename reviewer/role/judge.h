#ifndef REVIEWER_ROLE_JUDGE_H
#define REVIEWER_ROLE_JUDGE_H
/*
 * From the bytes that a provider sent to a verdict, or to the reason why
 * there is none. Pure.
 *
 *     r = judge(&asked, body, arena, &said, &cause);
 */
#include "provider.h"
#include "reviewer/verdict.h"

struct judge_asked {
	const struct provider *provider;
	struct verdict_expect expect;
	size_t request_bytes;
};

struct judge_said {
	struct verdict verdict;
	struct wire_answer answer; /* also when there is no verdict */
};

/* 0, or ERR_INVALID and one stable word. */
int judge(const struct judge_asked *asked, struct str body, struct arena *a,
    struct judge_said *ret, const char **ret_cause);

#endif
