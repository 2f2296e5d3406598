/*
 * Read JSON objects by tables of fields, with sentences for what is wrong.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing; lists go into
 * the caller's arena.
 */
#include "model/field.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "model/action.h"

static void
put_place(struct buf *out, const struct field_place *at)
{
	if (at->up != NULL)
		put_place(out, at->up);
	if (at->name == NULL)
		buf_printf(out, "[%zu]", at->index);
	else
		buf_printf(out, "%s%.64s", at->up == NULL ? "" : ".", at->name);
}

const char *
field_where(const struct field_place *at, char ret[static FIELD_WHERE_MAX])
{
	AUTO_BUF struct buf out = BUF_INIT(ERR_MSG_MAX);

	put_place(&out, at);
	(void)snprintf(ret, FIELD_WHERE_MAX, "%s", buf_cstr(&out));
	return ret;
}

int
field_wrong_type(struct field_reader *r, size_t node,
    const struct field_place *where, const char *want)
{
	return err_set(r->e, ERR_INVALID,
	    "field '%s' must be %s, but it is %s; change its type",
	    FIELD_WHERE(where), want, doc_kind_phrase(r->d->nodes[node].kind));
}

/* ---- one field --------------------------------------------------------- */

static int
check_characters(struct field_reader *r, unsigned flags, struct str s,
    const struct field_place *where)
{
	if ((flags & FIELD_NONEMPTY) != 0 && s.len == 0)
		return err_set(r->e, ERR_INVALID,
		    "field '%s' is empty; give it a value", FIELD_WHERE(where));
	if ((flags & FIELD_VISIBLE) != 0 && text_find_hidden(s, NULL) != s.len)
		return err_set(r->e, ERR_INVALID,
		    "field '%s' has an invisible or control character at byte "
		    "%zu; remove it",
		    FIELD_WHERE(where), text_find_hidden(s, NULL));
	for (size_t i = 0; (flags & FIELD_LINE) != 0 && i < s.len; i++) {
		if ((unsigned char)s.s[i] < 0x20 || s.s[i] == 0x7f)
			return err_set(r->e, ERR_INVALID,
			    "field '%s' has a control character at byte %zu; "
			    "remove it",
			    FIELD_WHERE(where), i);
	}
	return ERR_OK;
}

static int
field_take_text(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char **ret)
{
	const struct str s = doc_str(r->d, node);

	if (r->d->nodes[node].kind != DOC_STRING)
		return field_wrong_type(r, node, where, "a string");
	if (s.len > f->max)
		return err_set(r->e, ERR_LIMIT,
		    "field '%s' has %zu bytes, at most %zu are accepted; "
		    "shorten it",
		    FIELD_WHERE(where), s.len, f->max);
	if (check_characters(r, f->flags, s, where) != 0)
		return ERR_INVALID;
	assert(ret != NULL);
	*ret = r->d->nodes[node].s;
	return ERR_OK;
}

int
field_text(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	char *text = NULL;
	const int rc = field_take_text(r, f, node, where, &text);

	if (rc == 0)
		memcpy(base + f->at, &text, sizeof(text));
	return rc;
}

static bool
has_dotdot(struct str path)
{
	while (path.len > 0) {
		if (str_eq(str_cut(&path, '/'), STR("..")))
			return true;
	}
	return false;
}

int
field_path(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	char *text = NULL;
	const int rc = field_take_text(r, f, node, where, &text);

	if (rc != 0)
		return rc;
	assert(text != NULL);
	if (text[0] != '/')
		return err_set(r->e, ERR_INVALID,
		    "field '%s' must be an absolute path; begin it with '/'",
		    FIELD_WHERE(where));
	if (has_dotdot(str_of(text)))
		return err_set(r->e, ERR_INVALID,
		    "field '%s' must not contain '..'; send the path that it "
		    "stands for",
		    FIELD_WHERE(where));
	memcpy(base + f->at, &text, sizeof(text));
	return ERR_OK;
}

int
field_bool(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const enum doc_kind kind = r->d->nodes[node].kind;
	const bool v = kind == DOC_TRUE;

	if (kind != DOC_TRUE && kind != DOC_FALSE)
		return field_wrong_type(r, node, where, "true or false");
	memcpy(base + f->at, &v, sizeof(v));
	return ERR_OK;
}

/* The names of an enum, "a, b or c", from its name function. */
static void
put_choices(struct buf *out, const char *(*name)(unsigned v), unsigned last)
{
	for (unsigned v = 1; v <= last; v++) {
		if (v > 1)
			buf_puts(out, v == last ? " or " : ", ");
		buf_printf(out, "\"%s\"", name(v));
	}
}

int
field_choice(struct field_reader *r, size_t node,
    const struct field_place *where, const char *(*name)(unsigned v),
    unsigned last, unsigned *ret)
{
	AUTO_BUF struct buf choices = BUF_INIT(ERR_MSG_MAX);
	const struct str s = doc_str(r->d, node);

	for (unsigned v = 1; r->d->nodes[node].kind == DOC_STRING && v <= last;
	     v++) {
		if (str_eqz(s, name(v))) {
			*ret = v;
			return ERR_OK;
		}
	}
	put_choices(&choices, name, last);
	return err_set(r->e, ERR_INVALID, "field '%s' must be %s",
	    FIELD_WHERE(where), buf_cstr(&choices));
}

/* ---- objects ----------------------------------------------------------- */

static void
list_fields(struct buf *out, const struct field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", fields[i].name);
}

static int
unknown_field(struct field_reader *r, struct str name,
    const struct field_place *where, const struct field *fields, size_t count)
{
	AUTO_BUF struct buf shown = BUF_INIT(ERR_MSG_MAX);
	AUTO_BUF struct buf known = BUF_INIT(ERR_MSG_MAX);
	struct field_place own = { .up = where };
	struct field_place meant = { .up = where };
	unsigned best = 3;

	text_escape(&shown, str_head(name, 64));
	own.name = buf_cstr(&shown);
	for (size_t i = 0; i < count; i++) {
		const unsigned far =
		    text_distance(name, str_of(fields[i].name), 2);

		if (far < best) {
			best = far;
			meant.name = fields[i].name;
		}
	}
	if (meant.name != NULL)
		return err_set(r->e, ERR_INVALID,
		    "unknown field '%s': did you mean '%s'?", FIELD_WHERE(&own),
		    FIELD_WHERE(&meant));
	list_fields(&known, fields, count);
	return err_set(r->e, ERR_INVALID,
	    "unknown field '%s': remove it; known here: %s", FIELD_WHERE(&own),
	    buf_cstr(&known));
}

static const struct field *
field_find(const struct field *fields, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eqz(name, fields[i].name))
			return &fields[i];
	}
	return NULL;
}

/* where ends in a dot, or is empty for the whole body. */
int
field_members(struct field_reader *r, size_t object,
    const struct field_place *where, const struct field *fields, size_t count,
    void *base)
{
	const struct json_doc *d = r->d;
	uint32_t seen = 0;

	assert(count <= FIELDS_MAX);
	for (size_t k = doc_first(d, object); k < doc_end(d, object);
	     k = doc_next(d, k + 1)) {
		const struct field *f =
		    field_find(fields, count, doc_str(d, k));
		int rc;

		if (f == NULL)
			return unknown_field(
			    r, doc_str(d, k), where, fields, count);
		rc = f->read(r, f, k + 1,
		    &(struct field_place){ .up = where, .name = f->name },
		    base);
		if (rc != 0)
			return rc;
		seen |= (uint32_t)1 << (f - fields);
	}
	for (size_t i = 0; i < count; i++) {
		if ((fields[i].flags & FIELD_REQUIRED) != 0 &&
		    (seen & (uint32_t)1 << i) == 0)
			return err_set(r->e, ERR_INVALID,
			    "field '%s' is missing; add it",
			    FIELD_WHERE((&(struct field_place){
				.up = where, .name = fields[i].name })));
	}
	return ERR_OK;
}

int
field_object(struct field_reader *r, size_t node,
    const struct field_place *where, const struct field *fields, size_t count,
    void *base)
{
	if (r->d->nodes[node].kind != DOC_OBJECT)
		return field_wrong_type(r, node, where, "an object");
	return field_members(r, node, where, fields, count, base);
}

/* ---- lists ------------------------------------------------------------- */

static size_t
count_children(const struct json_doc *d, size_t node)
{
	size_t n = 0;

	for (size_t i = doc_first(d, node); i < doc_end(d, node);
	     i = doc_next(d, i))
		n++;
	return n;
}

int
field_list_begin(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, struct field_list *list)
{
	if (r->d->nodes[node].kind != DOC_ARRAY)
		return field_wrong_type(r, node, where, "an array");
	list->count = count_children(r->d, node);
	list->items = NULL;
	if ((f->flags & FIELD_NONEMPTY) != 0 && list->count == 0)
		return err_set(r->e, ERR_INVALID,
		    "field '%s' is empty; give it at least one item",
		    FIELD_WHERE(where));
	if (list->count > f->max)
		return err_set(r->e, ERR_LIMIT,
		    "field '%s' has %zu items, at most %zu are accepted; send "
		    "fewer",
		    FIELD_WHERE(where), list->count, f->max);
	if (list->count == 0)
		return ERR_OK;
	list->items = arena_array(r->arena, list->count, list->size);
	return list->items == NULL ? err_nomem(r->e) : ERR_OK;
}

void
field_list_store(
    const struct field *f, char *base, const struct field_list *list)
{
	memcpy(base + f->at, &list->items, sizeof(list->items));
	memcpy(base + f->count_at, &list->count, sizeof(list->count));
}

int
field_texts(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const struct field item = { .max = ARG_BYTES_MAX,
		.flags = f->flags & (FIELD_VISIBLE | FIELD_LINE) };
	struct field_list list = { .size = sizeof(char *) };
	size_t i = 0;
	int rc;

	rc = field_list_begin(r, f, node, where, &list);
	if (rc != 0)
		return rc;
	for (size_t n = doc_first(r->d, node); n < doc_end(r->d, node);
	     n = doc_next(r->d, n)) {

		rc = field_take_text(r, &item, n,
		    &(struct field_place){ .up = where, .index = i },
		    &((char **)list.items)[i]);
		i++;
		if (rc != 0)
			return rc;
	}
	field_list_store(f, base, &list);
	return ERR_OK;
}

static bool
is_env_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];
		const bool letter = (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || c == '_';

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.len > 0 && s.len <= NAME_BYTES_MAX;
}

static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (c <= ' ' || c >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", c) != NULL)
			return false;
	}
	return s.len > 0 && s.len <= NAME_BYTES_MAX;
}

/* Variables or headers: the members of an object whose values are texts. */
int
field_pairs(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const bool env = (f->flags & FIELD_LINE) == 0;
	const struct field item = { .max = ARG_BYTES_MAX, .flags = f->flags };
	const size_t count = count_children(r->d, node) / 2;
	struct field_list list = { .count = count };
	struct env_var *pairs;
	size_t i = 0;

	if (r->d->nodes[node].kind != DOC_OBJECT)
		return field_wrong_type(r, node, where, "an object of strings");
	if (count > f->max)
		return err_set(r->e, ERR_LIMIT,
		    "field '%s' has %zu members, at most %zu are accepted",
		    FIELD_WHERE(where), count, f->max);
	pairs = arena_array(r->arena, count + 1, sizeof(*pairs));
	list.items = pairs;
	if (pairs == NULL)
		return err_nomem(r->e);
	for (size_t k = doc_first(r->d, node); k < doc_end(r->d, node);
	     k = doc_next(r->d, k + 1), i++) {
		const struct str name = doc_str(r->d, k);
		int rc;

		if (env ? !is_env_name(name) : !is_token(name))
			return err_set(r->e, ERR_INVALID,
			    "a name in field '%s' is not permitted: %s",
			    FIELD_WHERE(where),
			    env ? "use letters, digits and _"
				: "use the letters of a header name");
		pairs[i].name = r->d->nodes[k].s;
		rc = field_take_text(r, &item, k + 1,
		    &(struct field_place){ .up = where, .name = name.s },
		    &pairs[i].value);
		if (rc != 0)
			return rc;
	}
	field_list_store(f, base, &list);
	return ERR_OK;
}

/* An object kept as its own text, without the white space between tokens. */
int
field_json(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const struct str raw = doc_raw(r->d, node);
	bool quoted = false;
	size_t n = 0;
	char *text;

	if (r->d->nodes[node].kind != DOC_OBJECT)
		return field_wrong_type(r, node, where, "an object");
	text = arena_alloc(r->arena, raw.len + 1);
	if (text == NULL)
		return err_nomem(r->e);
	for (size_t i = 0; i < raw.len; i++) {
		const char c = raw.s[i];

		if (!quoted &&
		    (c == ' ' || c == '\n' || c == '\t' || c == '\r'))
			continue;
		text[n++] = c;
		if (quoted && c == '\\')
			text[n++] = raw.s[++i];
		else if (c == '"')
			quoted = !quoted;
	}
	memcpy(base + f->at, &text, sizeof(text));
	return ERR_OK;
}
