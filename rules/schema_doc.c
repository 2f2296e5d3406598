/*
 * What the table of keys says, for people (Markdown) and for editors (JSON
 * Schema): neither can differ from what the loader reads.
 * Runs in: assent.  Trusts: the table.  Owns: nothing.
 */
#include "schema_doc.h"

#include <string.h>

#include "base/jsonw.h"

#define SCHEMA_ID "https://json-schema.org/draft/2020-12/schema"

/* ---- for editors ------------------------------------------------------- */

static void
type_only(struct jsonw *w, const char *type)
{
	jsonw_object(w);
	jsonw_kstr(w, "type", type);
	jsonw_end(w);
}

static void
ref(struct jsonw *w, enum scope s)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "#/$defs/%s", schema_scope(s)->id);
	jsonw_object(w);
	jsonw_kstr(w, "$ref", name);
	jsonw_end(w);
}

static void
begin_any(struct jsonw *w)
{
	jsonw_object(w);
	jsonw_key(w, "anyOf");
	jsonw_array(w);
}

static void
end_any(struct jsonw *w)
{
	jsonw_end(w);
	jsonw_end(w);
}

static void
begin_list(struct jsonw *w)
{
	jsonw_object(w);
	jsonw_kstr(w, "type", "array");
	jsonw_kint(w, "minItems", 1);
	jsonw_key(w, "items");
}

static void
words(struct jsonw *w, const struct words *list)
{
	if (list->count == 3 && strcmp(list->v[1], "false") == 0) {
		type_only(w, "boolean");
		return;
	}
	jsonw_object(w);
	jsonw_kstrs(w, "enum", list->v + 1, list->count - 1);
	jsonw_end(w);
}

static void
word_or_words(struct jsonw *w, const struct words *list)
{
	begin_any(w);
	words(w, list);
	begin_list(w);
	words(w, list);
	jsonw_end(w);
	end_any(w);
}

/* Numbers and truth values are text, too. */
static void
scalars(struct jsonw *w)
{
	static const char *const types[] = { "string", "number", "boolean" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		type_only(w, types[i]);
}

static void
text_list(struct jsonw *w)
{
	begin_list(w);
	begin_any(w);
	scalars(w);
	begin_list(w); /* spellings of one option */
	type_only(w, "string");
	jsonw_end(w);
	end_any(w);
	jsonw_end(w);
}

/* Text, or a list of it. */
static void
texts(struct jsonw *w)
{
	begin_any(w);
	scalars(w);
	text_list(w);
	end_any(w);
}

static void
pattern(struct jsonw *w, const char *regex, int64_t max)
{
	jsonw_object(w);
	jsonw_kstr(w, "type", "string");
	jsonw_kstr(w, "pattern", regex);
	jsonw_kint(w, "maxLength", max);
	jsonw_end(w);
}

static void
effects(struct jsonw *w)
{
	const struct words *kinds = schema_effect_kinds();

	begin_any(w);
	jsonw_object(w);
	jsonw_kstr(w, "type", "object");
	jsonw_kint(w, "minProperties", 1);
	jsonw_key(w, "properties");
	jsonw_object(w);
	for (size_t i = 1; i < kinds->count; i++) {
		jsonw_key(w, kinds->v[i]);
		texts(w);
	}
	jsonw_end(w);
	jsonw_kbool(w, "additionalProperties", false);
	jsonw_end(w);
	begin_list(w);
	words(w, kinds);
	jsonw_end(w);
	end_any(w);
}

/* {"type": "object", "additionalProperties": what follows}. */
static void
begin_names(struct jsonw *w)
{
	jsonw_object(w);
	jsonw_kstr(w, "type", "object");
	jsonw_key(w, "additionalProperties");
}

static void
one_or_list_of(struct jsonw *w, enum scope s)
{
	begin_any(w);
	ref(w, s);
	begin_list(w);
	ref(w, s);
	jsonw_end(w);
	end_any(w);
}

static void
list_of(struct jsonw *w, enum scope s)
{
	jsonw_object(w);
	jsonw_kstr(w, "type", "array");
	jsonw_key(w, "items");
	ref(w, s);
	jsonw_end(w);
}

static void
call(struct jsonw *w)
{
	begin_any(w);
	type_only(w, "string");
	type_only(w, "object");
	end_any(w);
}

static void
calls(struct jsonw *w)
{
	begin_any(w);
	call(w);
	begin_list(w);
	call(w);
	jsonw_end(w);
	end_any(w);
}

static void
percent(struct jsonw *w)
{
	jsonw_object(w);
	jsonw_kstr(w, "type", "integer");
	jsonw_kint(w, "minimum", 0);
	jsonw_kint(w, "maximum", 100);
	jsonw_end(w);
}

static void
args(struct jsonw *w)
{
	begin_names(w);
	begin_any(w);
	ref(w, SCOPE_ARG);
	texts(w);
	end_any(w);
	jsonw_end(w);
}

/* One writer for each kind of value. */
typedef void schema_fn(struct jsonw *w, const struct key *k);

static void
put_version(struct jsonw *w, const struct key *k)
{
	(void)k;
	jsonw_object(w);
	jsonw_key(w, "const");
	jsonw_int(w, RULE_LANGUAGE_VERSION);
	jsonw_end(w);
}

static void
put_id(struct jsonw *w, const struct key *k)
{
	(void)k;
	pattern(w, "^[a-z0-9][a-z0-9._-]*$", RULE_ID_MAX);
}

static void
put_date(struct jsonw *w, const struct key *k)
{
	(void)k;
	pattern(w,
	    "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$", 20);
}

static void
put_text(struct jsonw *w, const struct key *k)
{
	pattern(
	    w, "", k->kind == VALUE_REGEX ? REGEX_PATTERN_MAX : RULE_TEXT_MAX);
}

static void
put_bool(struct jsonw *w, const struct key *k)
{
	(void)k;
	type_only(w, "boolean");
}

static void
put_word(struct jsonw *w, const struct key *k)
{
	words(w, k->words);
}

static void
put_words(struct jsonw *w, const struct key *k)
{
	word_or_words(w, k->words);
}

static void
put_percent(struct jsonw *w, const struct key *k)
{
	(void)k;
	percent(w);
}

static void
put_texts(struct jsonw *w, const struct key *k)
{
	(void)k;
	texts(w);
}

static void
put_effects(struct jsonw *w, const struct key *k)
{
	(void)k;
	effects(w);
}

static void
put_inner(struct jsonw *w, const struct key *k)
{
	ref(w, k->inner);
}

static void
put_conds(struct jsonw *w, const struct key *k)
{
	(void)k;
	one_or_list_of(w, SCOPE_COND);
}

static void
put_args(struct jsonw *w, const struct key *k)
{
	(void)k;
	args(w);
}

static void
put_calls(struct jsonw *w, const struct key *k)
{
	if (k->kind == VALUE_EXAMPLE)
		call(w);
	else
		calls(w);
}

static void
put_names(struct jsonw *w, const struct key *k)
{
	begin_names(w);
	if (k->kind == VALUE_LISTS)
		text_list(w);
	else
		type_only(w, "string");
	jsonw_end(w);
}

static void
put_list(struct jsonw *w, const struct key *k)
{
	list_of(w, k->kind == VALUE_RULES ? SCOPE_RULE : SCOPE_SCENARIO);
}

static void
put_expect(struct jsonw *w, const struct key *k)
{
	begin_any(w);
	words(w, schema_scope(k->inner)->keys[0].words);
	ref(w, k->inner);
	end_any(w);
}

static schema_fn *const writers[] = {
	[VALUE_VERSION] = put_version,
	[VALUE_ID] = put_id,
	[VALUE_TEXT] = put_text,
	[VALUE_BOOL] = put_bool,
	[VALUE_WORD] = put_word,
	[VALUE_MASK] = put_words,
	[VALUE_PERCENT] = put_percent,
	[VALUE_DATE] = put_date,
	[VALUE_TAGS] = put_texts,
	[VALUE_IDS] = put_texts,
	[VALUE_REGEX] = put_text,
	[VALUE_GLOBS_TEXT] = put_texts,
	[VALUE_GLOBS_PATH] = put_texts,
	[VALUE_GLOBS_HOST] = put_texts,
	[VALUE_PROGRAMS] = put_texts,
	[VALUE_OPTIONS] = put_texts,
	[VALUE_USERS] = put_texts,
	[VALUE_EFFECTS] = put_effects,
	[VALUE_MAP] = put_inner,
	[VALUE_COND] = put_inner,
	[VALUE_CONDS] = put_conds,
	[VALUE_ARGS] = put_args,
	[VALUE_EXAMPLES] = put_calls,
	[VALUE_EXAMPLE] = put_calls,
	[VALUE_LISTS] = put_names,
	[VALUE_PATTERNS] = put_names,
	[VALUE_RULES] = put_list,
	[VALUE_SCENARIOS] = put_list,
	[VALUE_EXPECT] = put_expect,
	[VALUE_LAYERS] = put_words,
};
_Static_assert(
    ARRAY_LEN(writers) == VALUE_LAYERS + 1, "every kind has its writer");

static void
put_properties(struct jsonw *w, const struct scope_info *info)
{
	for (size_t i = 0; i < info->count; i++) {
		const struct key *k = &info->keys[i];

		jsonw_key(w, k->name);
		jsonw_object(w);
		jsonw_kstr(w, "description", k->help);
		jsonw_key(w, "allOf");
		jsonw_array(w);
		writers[k->kind](w, k);
		jsonw_end(w);
		jsonw_end(w);
	}
}

/* The members of an object schema; the caller begins and ends the object. */
static void
scope_schema(struct jsonw *w, const struct scope_info *info)
{
	jsonw_kstr(w, "type", "object");
	jsonw_kbool(w, "additionalProperties", false);
	jsonw_key(w, "properties");
	jsonw_object(w);
	put_properties(w, info);
	if (info->has_also)
		put_properties(w, schema_scope(info->also));
	jsonw_end(w);
	jsonw_key(w, "required");
	jsonw_array(w);
	for (size_t i = 0; i < info->count; i++) {
		if (info->keys[i].required)
			jsonw_cstr(w, info->keys[i].name);
	}
	jsonw_end(w);
}

void
schema_json(struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "$schema", SCHEMA_ID);
	jsonw_kstr(&w, "title", "assent rule file");
	scope_schema(&w, schema_scope(SCOPE_FILE));
	jsonw_key(&w, "$defs");
	jsonw_object(&w);
	for (unsigned s = SCOPE_FILE + 1; s < SCOPE_COUNT; s++) {
		const struct scope_info *info = schema_scope((enum scope)s);

		jsonw_key(&w, info->id);
		jsonw_object(&w);
		scope_schema(&w, info);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

/* ---- for people -------------------------------------------------------- */

static const char *const takes[] = {
	[VALUE_VERSION] = "`1`",
	[VALUE_ID] = "an id",
	[VALUE_TEXT] = "text",
	[VALUE_BOOL] = "`true`, `false`",
	[VALUE_WORD] = NULL,
	[VALUE_MASK] = NULL,
	[VALUE_PERCENT] = "0 to 100",
	[VALUE_DATE] = "a date",
	[VALUE_TAGS] = "words",
	[VALUE_IDS] = "ids",
	[VALUE_REGEX] = "PCRE2",
	[VALUE_GLOBS_TEXT] = "globs",
	[VALUE_GLOBS_PATH] = "path globs",
	[VALUE_GLOBS_HOST] = "host globs",
	[VALUE_PROGRAMS] = "names or globs",
	[VALUE_OPTIONS] = "options",
	[VALUE_USERS] = "names or numbers",
	[VALUE_EFFECTS] = "kinds and targets",
	[VALUE_MAP] = "a map",
	[VALUE_COND] = "a map",
	[VALUE_CONDS] = "a condition or several",
	[VALUE_ARGS] = "a map of pointers",
	[VALUE_EXAMPLES] = "calls",
	[VALUE_EXAMPLE] = "a call",
	[VALUE_LISTS] = "a map of lists",
	[VALUE_PATTERNS] = "a map of PCRE2",
	[VALUE_RULES] = "a list of rules",
	[VALUE_SCENARIOS] = "a list of scenarios",
	[VALUE_EXPECT] = "a decision or a map",
	[VALUE_LAYERS] = NULL,
};
_Static_assert(
    ARRAY_LEN(takes) == VALUE_LAYERS + 1, "every kind says what it takes");

static void
put_takes(struct buf *out, const struct key *k)
{
	if (takes[k->kind] != NULL) {
		buf_puts(out, takes[k->kind]);
		return;
	}
	for (size_t i = 1; i < k->words->count; i++)
		buf_printf(out, "%s`%s`", i > 1 ? ", " : "", k->words->v[i]);
	if (k->kind != VALUE_WORD)
		buf_puts(out, "; one or a list");
}

void
schema_reference(struct buf *out)
{
	for (unsigned s = 0; s < SCOPE_COUNT; s++) {
		const struct scope_info *info = schema_scope((enum scope)s);

		buf_printf(out,
		    "### `%s`\n\n%s\n\n| key | takes | meaning "
		    "|\n|---|---|---|\n",
		    info->id, info->help);
		for (size_t i = 0; i < info->count; i++) {
			const struct key *k = &info->keys[i];

			buf_printf(out, "| `%s`%s | ", k->name,
			    k->required ? " (required)" : "");
			put_takes(out, k);
			buf_printf(out, " | %s |\n", k->help);
		}
		if (info->has_also)
			buf_printf(out, "\nThe keys of `%s` stand here, too.\n",
			    schema_scope(info->also)->id);
		buf_putc(out, '\n');
	}
}
