#ifndef MODEL_FIELD_H
#define MODEL_FIELD_H
/*
 * Read JSON objects by tables of fields: unknown, missing and ill-typed
 * ones are refused with a sentence that names the field and the fix.
 *
 *     static const struct field fields[] = {
 *             FIELD_TEXT(struct x, "name", name, NAME_BYTES_MAX,
 *                 FIELD_REQUIRED | FIELD_VISIBLE),
 *     };
 *     r = field_members(&reader, 0, "", fields, ARRAY_LEN(fields), &x);
 *
 * Texts point into the document's arena; nothing is copied twice.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/json_doc.h"

#define FIELD_WHERE_MAX 96
#define FIELDS_MAX 32 /* in one table */

struct field_reader {
	const struct json_doc *d;
	struct arena *arena; /* the one that d was parsed with */
	bool lenient; /* check, evaluate: paths need not exist, home stated */
	struct err *e;
};

/* Where a value stands, from the inside out; written down only when
 * something is wrong with it. */
struct field_place {
	const struct field_place *up; /* NULL: the whole body */
	const char *name; /* of a member; NULL: an item */
	size_t index; /* of an item */
};

/* "input.edits[3].op" */
const char *field_where(
    const struct field_place *at, char ret[static FIELD_WHERE_MAX]);
#define FIELD_WHERE(at) field_where(at, (char[FIELD_WHERE_MAX]){ 0 })

struct field;
/* Reads node into base + at. */
typedef int field_fn(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base);

enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_NONEMPTY = 2,
	FIELD_VISIBLE = 4, /* no hidden characters */
	FIELD_LINE = 8, /* no control characters */
};

struct field {
	const char *name;
	field_fn *read;
	size_t at, count_at; /* offsets in base */
	size_t max; /* bytes of a text, or items of a list */
	unsigned flags;
};

#define FIELD_TEXT(type, name_, member_, max_, flags_)                         \
	{                                                                      \
		.name = name_, .read = field_text,                             \
		.at = offsetof(type, member_), .max = max_, .flags = flags_    \
	}

/* Ready-made readers. */
field_fn field_text; /* char * */
field_fn field_path; /* char *, absolute, no ".." */
field_fn field_bool; /* bool */
field_fn field_texts; /* char ** and a count */
field_fn field_pairs; /* struct env_var * and a count; FIELD_LINE: headers */
field_fn field_json; /* char *: an object's own text, compact */

/* For readers of one's own. */
int field_choice(struct field_reader *r, size_t node,
    const struct field_place *where, const char *(*name)(unsigned v),
    unsigned last, unsigned *ret);
int field_wrong_type(struct field_reader *r, size_t node,
    const struct field_place *where, const char *want);
/* An array's items, counted, with room for each. */
struct field_list {
	size_t size; /* of one item: set before */
	size_t count;
	void *items; /* NULL for none */
};
int field_list_begin(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, struct field_list *list);
void field_list_store(
    const struct field *f, char *base, const struct field_list *list);

/* All members of an object; where is NULL for the whole body. */
int field_members(struct field_reader *r, size_t object,
    const struct field_place *where, const struct field *fields, size_t count,
    void *base);
/* The same for a member that must be an object. */
int field_object(struct field_reader *r, size_t node,
    const struct field_place *where, const struct field *fields, size_t count,
    void *base);

#endif
