/*
 * Read a verdict. The text comes from a model that read what an attacker
 * wrote, so nothing is repaired, skipped or guessed.
 * Runs in: reviewer.  Trusts: nothing.  Owns: nothing.
 */
#include "verdict.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"
#include "model/json_in.h"

enum field {
	FIELD_SHA256,
	FIELD_NONCE_FIRST,
	FIELD_NONCE_LAST,
	FIELD_RISK,
	FIELD_AUTHORIZATION,
	FIELD_OUTCOME,
	FIELD_RATIONALE,
};

static const char *const field_names[] = {
	[FIELD_SHA256] = "action_sha256",
	[FIELD_NONCE_FIRST] = "nonce_first",
	[FIELD_NONCE_LAST] = "nonce_last",
	[FIELD_RISK] = "risk_level",
	[FIELD_AUTHORIZATION] = "user_authorization",
	[FIELD_OUTCOME] = "outcome",
	[FIELD_RATIONALE] = "rationale",
};

static const char *const authorization_names[] = {
	[AUTHORIZATION_INVALID] = "invalid",
	[AUTHORIZATION_UNKNOWN] = "unknown",
	[AUTHORIZATION_LOW] = "low",
	[AUTHORIZATION_MEDIUM] = "medium",
	[AUTHORIZATION_HIGH] = "high",
};
_Static_assert(ARRAY_LEN(authorization_names) == AUTHORIZATION_HIGH + 1,
    "every authorization has a name");

static const char *const outcome_names[] = {
	[REVIEW_INVALID] = "invalid",
	[REVIEW_APPROVE] = "approve",
	[REVIEW_ESCALATE] = "escalate",
	[REVIEW_DENY] = "deny",
};
_Static_assert(
    ARRAY_LEN(outcome_names) == REVIEW_DENY + 1, "every outcome has a name");

static unsigned
value_of(struct str word, const char *const *names, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (str_eqz(word, names[i]))
			return (unsigned)i;
	}
	return 0;
}

static int
fail(const char **ret_cause, const char *cause)
{
	*ret_cause = cause;
	return ERR_INVALID;
}

/* Exactly the seven fields, each a string. */
static bool
read_fields(const json_t *j, struct str ret[static ARRAY_LEN(field_names)])
{
	if (!json_is_object(j) || json_object_size(j) != ARRAY_LEN(field_names))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(field_names); i++) {
		const json_t *v = json_object_get(j, field_names[i]);

		if (!json_is_string(v))
			return false;
		ret[i] = str_n(json_string_value(v), json_string_length(v));
	}
	return true;
}

static bool
is_ours(struct str said, const char *ours)
{
	const size_t len = strlen(ours);

	return said.len == len && mem_equal_secret(said.s, ours, len) == 1;
}

/* What an approval needs, by risk; the stricter of model and code counts. */
static bool
is_coherent(const struct verdict *v)
{
	if (v->outcome != REVIEW_APPROVE)
		return true;
	switch (v->risk) {
	case RISK_LOW:
	case RISK_MEDIUM:
		return true;
	case RISK_HIGH:
		return v->authorization >= AUTHORIZATION_MEDIUM;
	case RISK_CRITICAL:
	case RISK_INVALID:
		return false;
	}
	return false;
}

static int
read_verdict(const json_t *j, const struct verdict_expect *expect,
    struct arena *a, struct verdict *ret, const char **ret_cause)
{
	struct str f[ARRAY_LEN(field_names)];
	struct verdict v;

	if (!read_fields(j, f))
		return fail(ret_cause, "shape");
	if (!is_ours(f[FIELD_SHA256], expect->action_sha256))
		return fail(ret_cause, "action_mismatch");
	if (!is_ours(f[FIELD_NONCE_FIRST], expect->nonce_first) ||
	    !is_ours(f[FIELD_NONCE_LAST], expect->nonce_last))
		return fail(ret_cause, "nonce");
	v.outcome = (enum review_outcome)value_of(
	    f[FIELD_OUTCOME], outcome_names, ARRAY_LEN(outcome_names));
	v.risk = risk_of(f[FIELD_RISK]);
	v.authorization = (enum authorization)value_of(f[FIELD_AUTHORIZATION],
	    authorization_names, ARRAY_LEN(authorization_names));
	if (v.outcome == REVIEW_INVALID || v.risk == RISK_INVALID ||
	    v.authorization == AUTHORIZATION_INVALID)
		return fail(ret_cause, "enum");
	if (f[FIELD_RATIONALE].len > RATIONALE_BYTES_MAX)
		return fail(ret_cause, "rationale_size");
	if (v.risk < expect->least_risk)
		v.risk = expect->least_risk;
	if (!is_coherent(&v))
		return fail(ret_cause, "incoherent");
	v.rationale =
	    arena_strndup(a, f[FIELD_RATIONALE].s, f[FIELD_RATIONALE].len);
	if (v.rationale == NULL)
		return fail(ret_cause, "memory");
	*ret = v;
	return ERR_OK;
}

int
verdict_read(struct str text, const struct verdict_expect *expect,
    struct arena *a, struct verdict *ret, const char **ret_cause)
{
	json_auto_t *j = NULL;

	text = str_trim(text);
	if (text.len > VERDICT_BYTES_MAX)
		return fail(ret_cause, "verdict_size");
	if (str_search(text, str_of(expect->canary)) != text.len)
		return fail(ret_cause, "canary");
	if (text.len == 0 || text.s[0] != '{' || json_in(text, &j, NULL) != 0)
		return fail(ret_cause, "verdict_json");
	return read_verdict(j, expect, a, ret, ret_cause);
}

static void
put_enum(
    struct jsonw *w, const char *key, const char *const *names, size_t count)
{
	jsonw_key(w, key);
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_kstrs(w, "enum", names + 1, count - 1);
	jsonw_end(w);
}

static void
put_risks(struct jsonw *w)
{
	const char *names[RISK_CRITICAL + 1];

	for (unsigned i = 0; i <= RISK_CRITICAL; i++)
		names[i] = risk_name((enum risk)i);
	put_enum(w, field_names[FIELD_RISK], names, ARRAY_LEN(names));
}

static void
put_text(struct jsonw *w, enum field f)
{
	jsonw_key(w, field_names[f]);
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_end(w);
}

void
verdict_schema(struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "type", "object");
	jsonw_key(&w, "properties");
	jsonw_object(&w);
	put_text(&w, FIELD_SHA256);
	put_text(&w, FIELD_NONCE_FIRST);
	put_text(&w, FIELD_NONCE_LAST);
	put_text(&w, FIELD_RATIONALE);
	put_risks(&w);
	put_enum(&w, field_names[FIELD_AUTHORIZATION], authorization_names,
	    ARRAY_LEN(authorization_names));
	put_enum(&w, field_names[FIELD_OUTCOME], outcome_names,
	    ARRAY_LEN(outcome_names));
	jsonw_end(&w);
	jsonw_key(&w, "required");
	jsonw_array(&w);
	for (size_t i = 0; i < ARRAY_LEN(field_names); i++)
		jsonw_cstr(&w, field_names[i]);
	jsonw_end(&w);
	jsonw_kbool(&w, "additionalProperties", false);
	jsonw_end(&w);
}
