/*
 * Named values from a query or a small JSON object.
 * Runs in: front.  Trusts: nothing.  Owns: nothing; texts in the arena.
 */
#include "param.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "model/json_doc.h"

#define SHOWN_BYTES_MAX 64

static int
refuse(struct err *e, struct str name, const char *what)
{
	AUTO_BUF struct buf shown = BUF_INIT(ERR_MSG_MAX);

	text_escape(&shown, str_head(name, SHOWN_BYTES_MAX));
	return err_set(e, ERR_INVALID, "'%s' %s", buf_cstr(&shown), what);
}

/* ---- one value --------------------------------------------------------- */

static int
check_choice(const struct param *p, struct str value, struct err *e)
{
	AUTO_BUF struct buf list = BUF_INIT(ERR_MSG_MAX);

	for (size_t i = 0; p->choices[i] != NULL; i++) {
		if (str_eqz(value, p->choices[i]))
			return ERR_OK;
		buf_printf(
		    &list, "%s\"%s\"", i == 0 ? "" : ", ", p->choices[i]);
	}
	return err_set(
	    e, ERR_INVALID, "'%s' must be one of %s", p->name, buf_cstr(&list));
}

static int
check_number(const struct param *p, struct str value, struct err *e)
{
	const bool minus = value.len > 0 && value.s[0] == '-' && p->min < 0;
	const struct str digits = str_from(value, minus ? 1 : 0);
	const uint64_t max = minus ? (uint64_t)-p->min : (uint64_t)p->max;
	const uint64_t min = minus || p->min < 0 ? 0 : (uint64_t)p->min;
	uint64_t v;

	if (num_parse_u64(digits, min, max, &v) != 0)
		return err_set(e, ERR_INVALID,
		    "'%s' must be a whole number from %lld to %lld", p->name,
		    (long long)p->min, (long long)p->max);
	return ERR_OK;
}

static int
check_digest(const struct param *p, struct str value, struct err *e)
{
	bool good = value.len == SHA256_HEX_LEN;

	for (size_t i = 0; good && i < value.len; i++)
		good = (value.s[i] >= '0' && value.s[i] <= '9') ||
		    (value.s[i] >= 'a' && value.s[i] <= 'f');
	if (!good)
		return err_set(e, ERR_INVALID,
		    "'%s' must be 64 lower-case hexadecimal digits", p->name);
	return ERR_OK;
}

static int
check_text(const struct param *p, struct str value, struct err *e)
{
	const size_t max = p->max > 0 ? (size_t)p->max : NAME_BYTES_MAX;

	if (value.len > max)
		return err_set(e, ERR_INVALID,
		    "'%s' has %zu bytes, at most %zu are accepted", p->name,
		    value.len, max);
	if (p->kind == PARAM_TEXT)
		return ERR_OK;
	if (value.len == 0)
		return err_set(e, ERR_INVALID, "'%s' is empty", p->name);
	if (text_find_hidden(value, NULL) != value.len)
		return err_set(e, ERR_INVALID,
		    "'%s' has an invisible or control character", p->name);
	return ERR_OK;
}

int
param_check(const struct param *p, struct str value, struct err *e)
{
	switch (p->kind) {
	case PARAM_TEXT:
	case PARAM_NAME:
		return check_text(p, value, e);
	case PARAM_CHOICE:
		return check_choice(p, value, e);
	case PARAM_NUMBER:
		return check_number(p, value, e);
	case PARAM_DIGEST:
		return check_digest(p, value, e);
	case PARAM_SCOPE:
		if (str_eqz(value, "once") || str_eqz(value, "session") ||
		    (str_starts(value, STR("until ")) &&
			value.len <= NAME_BYTES_MAX))
			return ERR_OK;
		break;
	}
	return err_set(e, ERR_INVALID,
	    "'%s' must be \"once\", \"session\" or \"until TIME\"", p->name);
}

/* ---- all of them ------------------------------------------------------- */

static const struct param *
find(const struct param *table, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eqz(name, table[i].name))
			return &table[i];
	}
	return NULL;
}

static int
unknown(struct str name, const struct param *table, size_t count, struct err *e)
{
	AUTO_BUF struct buf known = BUF_INIT(ERR_MSG_MAX);

	if (count == 0)
		return refuse(e, name, "is not known here; remove it");
	buf_puts(&known, "is not known here; remove it or use one of: ");
	for (size_t i = 0; i < count; i++)
		buf_printf(&known, "%s%s", i == 0 ? "" : ", ", table[i].name);
	return refuse(e, name, buf_cstr(&known));
}

static const char *
value_of(const struct param_values *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i].name, name) == 0)
			return v->items[i].value;
	}
	return NULL;
}

static int
add(struct param_values *v, const struct param *p, char *value, struct err *e)
{
	if (v->items == NULL)
		v->items =
		    arena_array(v->arena, CALL_FIELDS_MAX, sizeof(*v->items));
	if (v->items == NULL || value == NULL)
		return err_nomem(e);
	if (value_of(v, p->name) != NULL)
		return refuse(
		    e, str_of(p->name), "is there twice; send it once");
	if (v->count == CALL_FIELDS_MAX)
		return err_set(e, ERR_LIMIT, "too many fields");
	v->items[v->count].name = arena_strdup(v->arena, p->name);
	if (v->items[v->count].name == NULL)
		return err_nomem(e);
	v->items[v->count++].value = value;
	return ERR_OK;
}

static int
check_required(const struct param *table, size_t count,
    const struct param_values *v, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].required && value_of(v, table[i].name) == NULL)
			return refuse(
			    e, str_of(table[i].name), "is missing; add it");
	}
	return ERR_OK;
}

/* ---- from a query ------------------------------------------------------ */

int
param_unescape(struct str s, bool plus, struct arena *a, char **ret)
{
	char *out = arena_alloc(a, s.len + 1);
	size_t n = 0;

	if (out == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < s.len; i++) {
		int high, low;

		if (s.s[i] != '%') {
			out[n++] = s.s[i];
			if (plus && s.s[i] == '+')
				out[n - 1] = ' ';
			continue;
		}
		if (i + 2 >= s.len)
			return ERR_INVALID;
		high = text_hex_digit(s.s[i + 1]);
		low = text_hex_digit(s.s[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return ERR_INVALID;
		out[n++] = (char)(unsigned char)(high << 4 | low);
		i += 2;
	}
	*ret = out;
	return text_is_utf8(str_n(out, n)) ? ERR_OK : ERR_INVALID;
}

static int
query_item(struct str item, const struct param *table, size_t count,
    struct param_values *v, struct err *e)
{
	const struct str name = str_cut(&item, '=');
	const struct param *p = find(table, count, name);
	char *value;
	int r;

	if (p == NULL)
		return unknown(name, table, count, e);
	r = param_unescape(item, true, v->arena, &value);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0)
		return refuse(
		    e, name, "is not percent-encoded UTF-8 without NUL");
	r = param_check(p, str_of(value), e);
	return r != 0 ? r : add(v, p, value, e);
}

int
param_query(struct str query, const struct param *table, size_t count,
    struct param_values *ret, struct err *e)
{
	int r = ERR_OK;

	while (query.len > 0 && r == 0) {
		const struct str item = str_cut(&query, '&');

		r = query_item(item, table, count, ret, e);
	}
	return r != 0 ? r : check_required(table, count, ret, e);
}

/* ---- from a JSON body -------------------------------------------------- */

static int
body_member(const struct json_doc *d, size_t key, const struct param *table,
    size_t count, struct param_values *v, struct err *e)
{
	const struct param *p = find(table, count, doc_str(d, key));
	const struct doc_node *node = &d->nodes[key + 1];
	struct str value;
	char *copy;
	int r;

	if (p == NULL)
		return unknown(doc_str(d, key), table, count, e);
	if (node->kind != (p->kind == PARAM_NUMBER ? DOC_NUMBER : DOC_STRING))
		return err_set(e, ERR_INVALID,
		    "'%s' must be a %s, but it is %s", p->name,
		    p->kind == PARAM_NUMBER ? "number" : "string",
		    doc_kind_phrase(node->kind));
	value = node->kind == DOC_NUMBER ? doc_raw(d, key + 1)
					 : doc_str(d, key + 1);
	r = param_check(p, value, e);
	if (r != 0)
		return r;
	copy = arena_strndup(v->arena, value.s, value.len);
	return add(v, p, copy, e);
}

int
param_body(struct str json, const struct param *table, size_t count,
    struct param_values *ret, struct err *e)
{
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	int r;

	r = json_doc_parse(&d, json, ret->arena, e);
	if (r != 0)
		return r;
	if (d.nodes[0].kind != DOC_OBJECT)
		return err_set(e, ERR_INVALID,
		    "the body must be a JSON object, but it is %s",
		    doc_kind_phrase(d.nodes[0].kind));
	for (size_t k = doc_first(&d, 0); k < doc_end(&d, 0);
	     k = doc_next(&d, k + 1)) {
		r = body_member(&d, k, table, count, ret, e);
		if (r != 0)
			return r;
	}
	return check_required(table, count, ret, e);
}
