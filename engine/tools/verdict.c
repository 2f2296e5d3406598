/*
 * Read a decision as if its sender wished to be misunderstood.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "verdict.h"

#include <string.h>

#include "base/text.h"
#include "client.h"

/* What is only proposed is shown as pending, too: begin behind it. */
static enum stage
stage_of(const char *name)
{
	for (unsigned s = STAGE_PENDING; s <= STAGE_EXPIRED; s++) {
		if (name != NULL &&
		    strcmp(name, stage_name((enum stage)s)) == 0)
			return (enum stage)s;
	}
	return STAGE_INVALID;
}

/* "act_" and letters and digits: what may stand in a path. */
static bool
is_action_id(const char *id)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz";
	const size_t len = id == NULL ? 0 : strlen(id);

	return len > 4 && len < ACTION_ID_MAX && strncmp(id, "act_", 4) == 0 &&
	    strspn(id + 4, alphabet) == len - 4;
}

static int
read_hash(const char *hex, struct verdict *v, struct err *e)
{
	uint8_t bytes[SHA256_LEN];

	if (hex == NULL || text_unhex(str_of(hex), bytes, sizeof(bytes)) != 0)
		return err_set(e, ERR_INTERNAL,
		    "the answer has no 'action_sha256' of 64 hex digits");
	(void)snprintf(v->sha256, sizeof(v->sha256), "%s", hex);
	return ERR_OK;
}

static int
read_words(const json_t *json, struct verdict *v, struct err *e)
{
	const char *decision = client_text(json, "decision");
	const char *state = client_text(json, "state");
	const char *by = client_text(json, "decided_by");

	v->decision = decision_of(str_of(decision));
	if (v->decision == DECISION_INVALID)
		return err_set(e, ERR_INTERNAL,
		    "the answer's 'decision' is '%.40s'",
		    decision == NULL ? "" : decision);
	v->stage = stage_of(state);
	if (v->stage == STAGE_INVALID)
		return err_set(e, ERR_INTERNAL,
		    "the answer's 'state' is '%.40s'",
		    state == NULL ? "" : state);
	v->by_timeout = by != NULL && strcmp(by, "timeout") == 0;
	return ERR_OK;
}

static int
check_same(const struct verdict *v, const struct verdict *own, struct err *e)
{
	if (own == NULL)
		return ERR_OK;
	if (strcmp(v->id, own->id) != 0)
		return err_set(e, ERR_INTERNAL,
		    "the answer is about %s, not about %s", v->id, own->id);
	if (strcmp(v->sha256, own->sha256) != 0)
		return err_set(e, ERR_INTERNAL,
		    "the answer about %s is for another hash of it", v->id);
	return ERR_OK;
}

int
verdict_read(const json_t *json, const struct verdict *own, struct verdict *ret,
    struct err *e)
{
	struct verdict v = { .json = json };
	const char *id = client_text(json, "id");
	int r;

	if (!is_action_id(id))
		return err_set(
		    e, ERR_INTERNAL, "the answer's 'id' is no action's");
	(void)snprintf(v.id, sizeof(v.id), "%s", id);
	r = read_hash(client_text(json, "action_sha256"), &v, e);
	if (r == 0)
		r = read_words(json, &v, e);
	if (r == 0)
		r = check_same(&v, own, e);
	if (r == 0)
		*ret = v;
	return r;
}

int
verdict_of(
    const char *id, const char *sha256, struct verdict *ret, struct err *e)
{
	struct verdict v = { .json = NULL };

	if (!is_action_id(id))
		return err_set(e, ERR_INVALID, "'%.64s' is no action's id", id);
	if (read_hash(sha256, &v, e) != 0)
		return err_set(e, ERR_INVALID,
		    "'%.80s' is no hash of 64 hex digits", sha256);
	(void)snprintf(v.id, sizeof(v.id), "%s", id);
	*ret = v;
	return ERR_OK;
}

bool
verdict_allows(const struct verdict *v)
{
	return v->decision == DECISION_ALLOW &&
	    (v->stage == STAGE_DECIDED || v->stage == STAGE_RUNNING ||
		v->stage == STAGE_DONE);
}

bool
verdict_is_over(const struct verdict *v)
{
	switch (v->stage) {
	case STAGE_DONE:
	case STAGE_UNKNOWN:
	case STAGE_CANCELLED:
	case STAGE_EXPIRED:
		return true;
	case STAGE_DECIDED:
		return v->decision != DECISION_ALLOW;
	case STAGE_INVALID:
	case STAGE_PROPOSED:
	case STAGE_PENDING:
	case STAGE_RUNNING:
		return false;
	}
	return false;
}
