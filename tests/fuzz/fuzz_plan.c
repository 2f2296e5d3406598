/*
 * Any bytes as a sandbox plan, as what a launcher says of files, as a request
 * for changes, and as a pattern against a name: refused, or read back the same.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "launcher/held.h"

#include <assert.h>
#include <string.h>

#include "glob.h"
#include "gate/guard.h"
#include "model/action.h"

#define ARENA_MAX ((size_t)32 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
as_plan(struct str bytes, struct arena *a)
{
	AUTO_BUF struct buf again = BUF_INIT(PLAN_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(PLAN_BYTES_MAX);
	struct plan *p = NULL, *back = NULL;

	if (plan_decode(bytes, a, &p, NULL) != 0)
		return;
	assert(p->who.identity == IDENTITY_SAME || p->who.uid != 0);
	plan_encode(p, &again);
	assert(again.failed != 0 ||
	    plan_decode(buf_str(&again), a, &back, NULL) == 0);
	plan_json(p, &text);
}

static void
as_operands(struct str bytes, struct arena *a)
{
	AUTO_BUF struct buf again = BUF_INIT(PLAN_BYTES_MAX);
	struct operand *list = NULL;
	struct rec r = rec_of(bytes);
	size_t count = 0;

	operands_decode(&r, a, &list, &count);
	if (rec_done(&r, NULL) != 0)
		return;
	operands_encode(list, count, &again);
	r = rec_of(buf_str(&again));
	operands_decode(&r, a, &list, &count);
	assert(again.failed != 0 || rec_done(&r, NULL) == 0);
}

/* What matches is denied for every act, whatever the pattern. */
static void
as_pattern(struct str bytes, struct arena *a)
{
	const char *pattern = arena_strndup(a, bytes.s, str_find(bytes, '\n'));
	const struct str rest = str_from(bytes, str_find(bytes, '\n') + 1);
	const char *rel = arena_strndup(a, rest.s, str_find(rest, '\0'));
	const struct guard g = { .deny = &pattern, .deny_count = 1 };

	if (pattern == NULL || rel == NULL || rel[0] == '\0' ||
	    glob_match_name(pattern, rel) != GLOB_MATCH)
		return;
	for (int act = GUARD_WRITE; act <= GUARD_READ; act++)
		assert(
		    guard_check(&g, rel, (enum guard_act)act) == GUARD_DENIED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_MAX);
	AUTO_BUF struct buf answer = BUF_INIT(PLAN_BYTES_MAX);
	const struct str bytes = str_n((const char *)data, size);
	struct held *none = NULL;

	if (a == NULL)
		return 0;
	as_plan(bytes, a);
	as_operands(bytes, a);
	as_pattern(bytes, a);
	/* There is no copy, so a well-formed request is told so. */
	if (held_answer(&none, bytes, &answer, NULL) == 0)
		assert(answer.len > 0);
	return 0;
}
