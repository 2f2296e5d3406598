/*
 * Believe an answer only in the one form that there is.
 * Runs in: reviewer.  Trusts: nothing.  Owns: nothing.
 */
#include "judge.h"

#include "model/json_in.h"

/* A token is rarely more than four bytes; four times that was not read. */
#define BYTES_PER_TOKEN_MAX 16

static int
fail(const char **ret_cause, const char *cause)
{
	*ret_cause = cause;
	return ERR_INVALID;
}

static int
read_envelope(const struct provider *p, struct str body, struct arena *a,
    struct wire_answer *ret, const char **ret_cause)
{
	json_auto_t *j = NULL;

	if (p->format->get == NULL) {
		ret->text = arena_strndup(a, body.s, body.len);
		return ret->text == NULL ? fail(ret_cause, "memory") : ERR_OK;
	}
	if (json_in(body, &j, NULL) != 0)
		return fail(ret_cause, "json");
	return p->format->get(j, a, ret, ret_cause);
}

/* A server that cuts a long prompt reports how little it has read. */
static bool
was_cut(const struct judge_asked *asked, const struct wire_answer *answer)
{
	return answer->input_tokens >= 0 &&
	    (uint64_t)answer->input_tokens <
	    asked->request_bytes / BYTES_PER_TOKEN_MAX;
}

int
judge(const struct judge_asked *asked, struct str body, struct arena *a,
    struct judge_said *ret, const char **ret_cause)
{
	int r;

	ret->answer = (struct wire_answer){
		.input_tokens = -1,
		.cached_tokens = -1,
		.output_tokens = -1,
	};
	r = read_envelope(asked->provider, body, a, &ret->answer, ret_cause);
	if (r != 0)
		return r;
	if (!provider_is_model(asked->provider, ret->answer.model))
		return fail(ret_cause, "other_model");
	if (was_cut(asked, &ret->answer))
		return fail(ret_cause, "truncated");
	return verdict_read(str_of(ret->answer.text), &asked->expect, a,
	    &ret->verdict, ret_cause);
}
