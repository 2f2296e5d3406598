/*
 * Strict JSON by jansson, for everything that is not on the decide path.
 * Runs in: reviewer, engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "model/json_in.h"

#include <string.h>

#include "base/mem.h"
#include "model/limits.h"

/* jansson's own limit is 2048 levels: ours is counted before it starts. */
static bool
is_too_deep(struct str text)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		const char c = text.s[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '[') &&
		    ++depth > JSON_DEPTH_MAX)
			return true;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return false;
}

int
json_in(struct str text, json_t **ret, struct err *e)
{
	json_error_t why;
	json_t *j;

	if (text.len == 0)
		return err_set(e, ERR_INVALID, "the JSON text is empty");
	/* jansson takes a NUL after the value for its end */
	if (memchr(text.s, '\0', text.len) != NULL)
		return err_set(e, ERR_INVALID, "the JSON contains a NUL byte");
	if (is_too_deep(text))
		return err_set(e, ERR_INVALID,
		    "the JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
	j = json_loadb(
	    text.s, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (j == NULL && json_error_code(&why) == json_error_out_of_memory)
		return err_nomem(e);
	if (j == NULL)
		return err_set(e, ERR_INVALID,
		    "the JSON is wrong at line %d, column %d: %s", why.line,
		    why.column, why.text);
	*ret = j;
	return ERR_OK;
}

const char *
json_in_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}
