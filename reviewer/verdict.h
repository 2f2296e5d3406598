#ifndef REVIEWER_VERDICT_H
#define REVIEWER_VERDICT_H
/*
 * What the model said, read so strictly that only one form of yes exists.
 *
 *     r = verdict_read(text, &expect, arena, &review, &cause);
 *
 * A verdict is one JSON object of exactly seven strings: action_sha256,
 * nonce_first, nonce_last, risk_level, user_authorization, outcome,
 * rationale. Everything else, and everything that does not fit together, is
 * a cause to ask a person, never an approval (I3).
 */
#include "model/action.h"

#define VERDICT_BYTES_MAX ((size_t)4096)
#define RATIONALE_BYTES_MAX ((size_t)600)
#define NONCE_HEX_LEN 32

enum authorization {
	AUTHORIZATION_INVALID,
	AUTHORIZATION_UNKNOWN,
	AUTHORIZATION_LOW,
	AUTHORIZATION_MEDIUM,
	AUTHORIZATION_HIGH,
};

struct verdict_expect {
	const char *action_sha256; /* hex */
	const char *nonce_first, *nonce_last; /* hex */
	const char *canary; /* must appear nowhere */
	enum risk least_risk; /* what code found: the stricter wins */
};

struct verdict {
	enum review_outcome outcome;
	enum risk risk;
	enum authorization authorization;
	const char *rationale; /* as given; escape it before showing */
};

/* 0, or ERR_INVALID with *ret_cause one stable word; *ret is written on
 * success only. */
int verdict_read(struct str text, const struct verdict_expect *expect,
    struct arena *a, struct verdict *ret, const char **ret_cause);
/* The JSON schema of a verdict, for providers that enforce one. */
void verdict_schema(struct buf *out);

#endif
