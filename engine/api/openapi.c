/*
 * The OpenAPI document from YAML to JSON, once, at the start.
 * Runs in: front.  Trusts: the document, which is part of the program.
 * Owns: nothing.
 */
#include "openapi.h"

#include "base/jsonw.h"
#include "base/yaml.h"

#define OPENAPI_ARENA_MAX ((size_t)16 << 20)

static bool
is_number(struct str s)
{
	size_t digits = 0, points = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] >= '0' && s.s[i] <= '9')
			digits++;
		else if (s.s[i] == '.')
			points++;
		else if (s.s[i] != '-' || i != 0)
			return false;
	}
	return digits > 0 && points <= 1;
}

static void
put_scalar(struct jsonw *w, const struct yaml *node)
{
	const struct str s = node->text;
	const bool word = str_eq(s, STR("true")) || str_eq(s, STR("false")) ||
	    str_eq(s, STR("null"));

	if (!node->quoted && (word || is_number(s)))
		jsonw_raw(w, s);
	else
		jsonw_str(w, s);
}

static void
put(struct jsonw *w, const struct yaml *node)
{
	if (node->kind == YAML_SCALAR) {
		put_scalar(w, node);
		return;
	}
	if (node->kind == YAML_MAP)
		jsonw_object(w);
	else
		jsonw_array(w);
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == YAML_MAP)
			jsonw_key_str(w, node->keys[i].text);
		put(w, &node->items[i]);
	}
	jsonw_end(w);
}

int
openapi_json(struct buf *out, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(OPENAPI_ARENA_MAX);
	struct jsonw w = jsonw_on(out);
	struct yaml root;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = yaml_parse(
	    openapi_files[0].name, openapi_files[0].bytes, a, NULL, &root, e);
	if (r != 0)
		return r;
	put(&w, &root);
	buf_putc(out, '\n');
	return buf_done(out, e);
}
