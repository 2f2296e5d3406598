/*
 * What a provider and a model may send: every envelope, then the verdict. An
 * approval is only ever the one form, with our hash and both nonces (I3).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format.h"
#include "model/json_in.h"
#include "verdict.h"

#define ARENA_MAX ((size_t)1 << 20)

static const struct verdict_expect expect = {
	.action_sha256 = "0123456789abcdef0123456789abcdef"
			 "0123456789abcdef0123456789abcdef",
	.nonce_first = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	.nonce_last = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	.canary = "cccccccccccccccccccccccc",
	.least_risk = RISK_MEDIUM,
};

static void
check(struct str text, struct arena *a)
{
	struct verdict v = { .outcome = REVIEW_INVALID };
	const char *cause = NULL;

	if (verdict_read(text, &expect, a, &v, &cause) != 0) {
		if (cause == NULL || v.outcome != REVIEW_INVALID)
			abort();
		return;
	}
	if (v.risk < expect.least_risk ||
	    (v.outcome == REVIEW_APPROVE && v.risk == RISK_CRITICAL) ||
	    str_search(text, str_of(expect.action_sha256)) == text.len ||
	    str_search(text, str_of(expect.nonce_first)) == text.len ||
	    str_search(text, str_of(expect.nonce_last)) == text.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const formats[] = { "chat", "responses",
		"messages" };
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	const struct str text = str_n((const char *)data, size);
	json_auto_t *j = NULL;

	if (a == NULL)
		return 0;
	check(text, a);
	if (json_in(text, &j, NULL) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct wire_answer answer = { .text = NULL };
		const char *cause = NULL;

		if (wire_format_of(str_of(formats[i]))
			->get(j, a, &answer, &cause) == 0)
			check(str_of(answer.text), a);
		else if (cause == NULL)
			abort();
	}
	return 0;
}
