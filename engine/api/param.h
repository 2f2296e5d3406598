#ifndef API_PARAM_H
#define API_PARAM_H
/*
 * Named values of a request, from the query or from a small JSON body: one
 * table a route, checked the same way wherever they come from.
 *
 *     r = param_query(str, table, count, &values, e);
 *     r = param_body(json, table, count, &values, e);
 *
 * Unknown, repeated, missing and ill-formed ones are refused with a sentence
 * that names them and says what is accepted.
 */
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/messages.h"

enum param_kind {
	PARAM_TEXT, /* any text, for people */
	PARAM_NAME, /* visible characters, at most NAME_BYTES_MAX */
	PARAM_CHOICE, /* one of choices */
	PARAM_NUMBER, /* min..max; a JSON number in a body */
	PARAM_DIGEST, /* SHA-256, 64 lower-case hexadecimal digits */
	PARAM_SCOPE, /* once, session, until TIME */
};

struct param {
	const char *name;
	enum param_kind kind;
	bool required;
	const char *const *choices; /* ends in NULL */
	int64_t min, max; /* of a number; max: bytes of a text */
};

struct param_values {
	struct arena *arena;
	struct env_var *items; /* room for CALL_FIELDS_MAX, in the arena */
	size_t count;
};

int param_query(struct str query, const struct param *table, size_t count,
    struct param_values *ret, struct err *e);
int param_body(struct str json, const struct param *table, size_t count,
    struct param_values *ret, struct err *e);
/* "%41b" to "Ab"; '+' is a space in a query. UTF-8 without NUL, else
 * ERR_INVALID. */
int param_unescape(struct str s, bool plus, struct arena *a, char **ret);
/* 0, or ERR_INVALID with a sentence. */
int param_check(const struct param *p, struct str value, struct err *e);

#endif
