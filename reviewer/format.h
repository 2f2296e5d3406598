#ifndef REVIEWER_FORMAT_H
#define REVIEWER_FORMAT_H
/*
 * Wire formats of LLM providers as a table: where the text goes in, and where
 * the one text that may be a verdict comes out.
 *
 *     const struct wire_format *f = wire_format_of(STR("chat"));
 *     f->put(&request, &body);
 *     r = f->get(json, arena, &answer, &cause);
 *
 * get accepts exactly one complete answer of the expected form; a refusal, a
 * tool call, a second text, a cut answer or an error inside a 200 is a cause.
 */
#include <jansson.h>

#include "model/action.h"

#define WIRE_OUTPUT_TOKENS 2000

struct wire_request {
	const char *model;
	const char *policy; /* static: first, byte-identical every time */
	const char *evidence;
	const char *cache_key; /* of the policy */
	bool schema; /* ask the provider to enforce ours */
	const char *token_field; /* of chat; NULL: the usual */
};

struct wire_answer {
	const char *text; /* the only candidate for a verdict */
	const char *model; /* as returned */
	int64_t input_tokens, cached_tokens, output_tokens; /* -1: not said */
};

struct wire_format {
	const char *name;
	const char *auth_header; /* "Authorization: Bearer " */
	const char *extra_header; /* or NULL */
	const char *path; /* of the request, when the URL names none */
	void (*put)(const struct wire_request *r, struct buf *out);
	/* 0, or ERR_INVALID and one stable word. NULL: the whole answer is
	 * the text. */
	int (*get)(const json_t *j, struct arena *a, struct wire_answer *ret,
	    const char **ret_cause);
};

/* NULL for an unknown name. */
const struct wire_format *wire_format_of(struct str name);

#endif
