/*
 * Tests in rule files: examples of a rule, scenarios of a file.
 * Runs in: every program that loads rules.  Trusts: nothing in the file.
 * Owns: nothing; results are in the loader's arena.
 */
#include <string.h>

#include "base/jsonw.h"
#include "base/num.h"
#include "schema.h"

#define JSON_BYTES_MAX ((size_t)1 << 20)

/* A plain number or truth value of YAML is one of JSON. */
static bool
put_typed(struct jsonw *w, const struct yaml *v)
{
	uint64_t n;

	if (v->quoted)
		return false;
	if (str_eqz(v->text, "true") || str_eqz(v->text, "false"))
		jsonw_bool(w, str_eqz(v->text, "true"));
	else if (v->text.len == 0 || str_eqz(v->text, "null"))
		jsonw_null(w);
	else if (num_parse_u64(v->text, 0, INT64_MAX, &n) == 0)
		jsonw_uint(w, n);
	else
		return false;
	return true;
}

/* typed: numbers and truth values may stand here. Elsewhere, as in argv, all
 * values are text. */
static void
put_json(struct jsonw *w, const struct yaml *v, bool typed)
{
	if (v->kind == YAML_SCALAR) {
		if (!typed || !put_typed(w, v))
			jsonw_str(w, v->text);
		return;
	}
	if (v->kind == YAML_LIST)
		jsonw_array(w);
	else
		jsonw_object(w);
	for (size_t i = 0; i < v->count; i++) {
		bool t = typed;

		if (v->kind == YAML_MAP) {
			const struct str key = v->keys[i].text;

			jsonw_key_str(w, key);
			t = t || str_eqz(key, "args") ||
			    str_eqz(key, "timeout_ms") ||
			    str_eqz(key, "execute") ||
			    str_eqz(key, "annotations");
		}
		put_json(w, &v->items[i], t);
	}
	jsonw_end(w);
}

/* The JSON of an action written as YAML. */
static const char *
ld_json(struct loader *ld, const struct yaml *v)
{
	AUTO_BUF struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct jsonw w = jsonw_on(&b);

	put_json(&w, v, false);
	if (b.failed == ERR_NOMEM) {
		ld->fatal = err_nomem(ld->e);
		return NULL;
	}
	if (buf_done(&b, NULL) != 0) {
		ld_error(ld, v, "E042", NULL, "this action is too large");
		return NULL;
	}
	return ld_strdup(ld, buf_str(&b));
}

void
read_example(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct example *ex = to;
	const struct diag place = yaml_place(v, 0);

	*ex = (struct example){
		.file = ld->file->name, .line = v->line, .col = v->col
	};
	ex->width = v->kind == YAML_SCALAR && v->line == v->end_line
	    ? v->end_col - v->col
	    : 1;
	if (place.source != NULL)
		ex->source = ld_strdup(ld, str_of(place.source));
	if (v->kind == YAML_MAP) {
		ex->action = ld_json(ld, v);
		return;
	}
	if (ld_is_text(ld, k->name, v))
		ex->script = str_n(ld_strdup(ld, v->text), v->text.len);
}

void
read_examples(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct examples *ret = to;
	const struct yaml *items = v->kind == YAML_LIST ? v->items : v;
	const size_t count = v->kind == YAML_LIST ? v->count : 1;

	ret->v = ld_alloc(ld, count == 0 ? 1 : count, sizeof(struct example));
	for (size_t i = 0; ret->v != NULL && i < count; i++)
		read_example(ld, k, &items[i], &ret->v[i]);
	ret->count = ret->v == NULL ? 0 : count;
}

void
read_expect(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	const struct scope_info *info = schema_scope(k->inner);
	struct scenario *s = to;

	if (v->kind == YAML_MAP)
		schema_read_map(ld, k->inner, v, s);
	else
		s->decision =
		    (enum decision)ld_word(ld, k->name, info->keys[0].words, v);
}
