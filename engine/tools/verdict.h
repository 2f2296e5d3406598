#ifndef TOOLS_VERDICT_H
#define TOOLS_VERDICT_H
/*
 * A decision that the daemon sent, read strictly.
 *
 *     r = verdict_read(reply.json, NULL, &first, e);    of a proposal
 *     r = verdict_read(reply.json, &first, &now, e);    later on
 *     if (verdict_allows(&now)) ...
 *
 * No HTTP status means allow; the words do, and only with the id and the hash
 * of the very action that was proposed.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "model/action.h"

#define VERDICT_HASH_MAX (2 * SHA256_LEN + 1)

struct verdict {
	char id[ACTION_ID_MAX];
	char sha256[VERDICT_HASH_MAX]; /* hex of the action */
	enum stage stage;
	enum decision decision;
	bool by_timeout;
	const json_t *json; /* borrowed: the whole decision */
};

/* own, when not NULL, must be about the same action: else ERR_INTERNAL. */
int verdict_read(const json_t *json, const struct verdict *own,
    struct verdict *ret, struct err *e);
/* What an id and a hash from elsewhere say: to be compared with, nothing else.
 * ERR_INVALID: they are none. */
int verdict_of(
    const char *id, const char *sha256, struct verdict *ret, struct err *e);
/* Allowed for good: recorded, not waiting for anybody. */
bool verdict_allows(const struct verdict *v);
/* Nothing will change any more. */
bool verdict_is_over(const struct verdict *v);

#endif
