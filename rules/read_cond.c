/*
 * Conditions: effects, options, regexes, arguments of MCP tools.
 * Runs in: every program that loads rules.  Trusts: nothing in the file.
 * Owns: nothing; results are in the loader's arena.
 */
#include <string.h>

#include "schema.h"

/* ---- nested maps ------------------------------------------------------- */

void
read_cond(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	void **ret = to;

	if (v->kind == YAML_MAP && v->count == 0) {
		ld_error(ld, v, "E045", "leave the key out",
		    "'%s' has no condition in it", k->name);
		return;
	}
	*ret = ld_alloc(ld, 1, schema_scope(k->inner)->size);
	if (*ret != NULL)
		schema_read_map(ld, k->inner, v, *ret);
}

/* unless: what takes a call out of the rule loosens a rule that tightens. */
void
read_conds(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct conds *conds = to;
	const struct yaml *items = v->kind == YAML_LIST ? v->items : v;
	const size_t count = v->kind == YAML_LIST ? v->count : 1;

	(void)k;
	conds->v = ld_alloc(ld, count == 0 ? 1 : count, sizeof(struct cond));
	if (conds->v == NULL)
		return;
	ld->loosens = !ld->loosens;
	for (size_t i = 0; i < count; i++) {
		if (items[i].kind == YAML_MAP && items[i].count == 0)
			ld_error(ld, &items[i], "E045", "leave it out",
			    "an empty condition takes every call out");
		schema_read_map(ld, SCOPE_COND, &items[i], &conds->v[i]);
	}
	conds->count = count;
	ld->loosens = !ld->loosens;
}

/* ---- effects ----------------------------------------------------------- */

static const char *const kind_names[] = {
	[EFFECT_INVALID] = NULL,
	[EFFECT_READ] = "read",
	[EFFECT_WRITE] = "write",
	[EFFECT_DELETE] = "delete",
	[EFFECT_CONNECT] = "connect",
	[EFFECT_RUN_CODE] = "run_code",
	[EFFECT_SIGNAL] = "signal",
	[EFFECT_PRIVILEGE] = "privilege",
	[EFFECT_REMOTE_STATE] = "remote_state",
	[EFFECT_WIDEN] = "widen",
	[EFFECT_UNKNOWN] = "unknown",
	[EFFECT_START] = "start",
	[EFFECT_ANY] = "any",
};
static const struct words kind_words = { kind_names, ARRAY_LEN(kind_names) };

const struct words *
schema_effect_kinds(void)
{
	return &kind_words;
}

/* Names that a target may have, besides globs. */
#define CLASS_NAMES_MAX 16

static size_t
class_names(unsigned kind, const char **names)
{
	size_t n = 0;

	names[n++] = "any";
	if (kind == EFFECT_RUN_CODE) {
		for (unsigned c = CODE_WORKSPACE; c <= CODE_DOWNLOADED; c++)
			names[n++] = code_class_name((enum code_class)c);
	} else if (kind == EFFECT_CONNECT) {
		names[n++] = "unknown";
	} else {
		for (unsigned c = PATH_NONE + 1; n < CLASS_NAMES_MAX; c++) {
			const char *name = path_class_name((enum path_class)c);

			if ((unsigned)path_class_of(str_of(name)) != c)
				break;
			names[n++] = name;
		}
	}
	return n;
}

static bool
has_paths(unsigned kind)
{
	return kind == EFFECT_READ || kind == EFFECT_WRITE ||
	    kind == EFFECT_DELETE || kind == EFFECT_WIDEN ||
	    kind == EFFECT_ANY || kind == EFFECT_RUN_CODE ||
	    kind == EFFECT_START;
}

static bool
looks_like_path(struct str s)
{
	return str_find(s, '/') < s.len || str_find(s, '*') < s.len ||
	    str_find(s, '.') < s.len || s.s[0] == '~' || s.s[0] == '$';
}

static void
unknown_target(struct loader *ld, unsigned kind, const struct yaml *v)
{
	const char *names[CLASS_NAMES_MAX];
	const size_t n = class_names(kind, names);
	const char *hint = ld_nearest(ld, v->text, names, n);
	AUTO_BUF struct buf b = BUF_INIT(RULE_TEXT_MAX);

	if (hint == NULL) {
		buf_puts(&b, "a path with a '/', or one of: ");
		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "%s%s", i > 0 ? ", " : "", names[i]);
		hint = ld_strdup(ld, buf_str(&b));
	}
	ld_error(ld, v, "E036", hint, "'%.*s' is no target of '%s'",
	    STR_ARG(v->text), kind_names[kind]);
}

/* The class that the word names, by kind; false when it names none. */
static bool
class_target(unsigned kind, struct str word, struct target *ret)
{
	*ret = (struct target){ .kind = TARGET_ANY };
	if (str_eqz(word, "any"))
		return true;
	ret->code_class = code_class_of(word);
	if (kind == EFFECT_RUN_CODE && ret->code_class != CODE_NONE) {
		ret->kind = TARGET_CODE_CLASS;
		return true;
	}
	ret->path_class = path_class_of(word);
	if (has_paths(kind) && ret->path_class != PATH_NONE) {
		ret->kind = TARGET_PATH_CLASS;
		return true;
	}
	if (kind == EFFECT_CONNECT && str_eqz(word, "unknown")) {
		ret->kind = TARGET_UNKNOWN_HOST;
		return true;
	}
	return false;
}

static bool
read_target(
    struct loader *ld, unsigned kind, const struct yaml *v, struct target *ret)
{
	enum glob_style style = GLOB_TEXT;

	if (!ld_is_text(ld, kind_names[kind], v))
		return false;
	if (class_target(kind, v->text, ret))
		return true;
	ret->kind = TARGET_TEXT;
	if (has_paths(kind)) {
		if (!looks_like_path(v->text)) {
			unknown_target(ld, kind, v);
			return false;
		}
		ret->kind = TARGET_PATH;
		style = GLOB_PATH;
	} else if (kind == EFFECT_CONNECT) {
		ret->kind = TARGET_HOST;
		style = GLOB_HOST;
	}
	return ld_glob(ld, v, style, &ret->glob);
}

static void
read_targets(struct loader *ld, unsigned kind, const struct yaml *v,
    struct effect_want *ret)
{
	struct nodes items;

	ret->kind = kind;
	if (!ld_items(ld, kind_names[kind], v, &items))
		return;
	ret->targets = ld_alloc(ld, items.count, sizeof(struct target));
	for (size_t i = 0; ret->targets != NULL && i < items.count; i++) {
		if (read_target(
			ld, kind, items.v[i], &ret->targets[ret->count]))
			ret->count++;
	}
}

static void
read_effect_list(
    struct loader *ld, const struct yaml *v, struct effects_want *ret)
{
	struct target any = { .kind = TARGET_ANY };

	for (size_t i = 0; i < v->count; i++) {
		struct effect_want *want = &ret->v[ret->count];

		want->kind = ld_word(ld, "effects", &kind_words, &v->items[i]);
		want->targets = ld_alloc(ld, 1, sizeof(struct target));
		if (want->targets == NULL || want->kind == 0)
			continue;
		want->targets[0] = any;
		want->count = 1;
		ret->count++;
	}
}

/* {write: [workspace]} or, for any target, [privilege, signal]. */
void
read_effects(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct effects_want *ret = to;

	if (v->kind == YAML_SCALAR || v->count == 0) {
		ld_error(ld, v, v->kind == YAML_SCALAR ? "E021" : "E045",
		    "for example {write: [workspace], connect: [example.com]}",
		    "'%s' is a map of kinds and targets", k->name);
		return;
	}
	ret->v = ld_alloc(ld, v->count, sizeof(struct effect_want));
	if (ret->v == NULL)
		return;
	if (v->kind == YAML_LIST) {
		read_effect_list(ld, v, ret);
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		const unsigned kind =
		    ld_word(ld, k->name, &kind_words, &v->keys[i]);

		if (kind != 0)
			read_targets(
			    ld, kind, &v->items[i], &ret->v[ret->count++]);
	}
}

/* ---- options ----------------------------------------------------------- */

static bool
read_spelling(struct loader *ld, const struct yaml *v, struct option_want *ret)
{
	const size_t eq = str_find(v->text, '=');
	struct str name;

	if (!ld_is_text(ld, "options", v))
		return false;
	if (v->text.s[0] != '-' && v->text.s[0] != '+') {
		ld_error(ld, v, "E034",
		    "options begin with '-'; other words are operands",
		    "'%.*s' is no option", STR_ARG(v->text));
		return false;
	}
	name = str_head(v->text, eq);
	ret->names[ret->count++] = str_of(ld_strdup(ld, name));
	if (eq == v->text.len)
		return true;
	const char *value = ld_strdup(ld, str_from(v->text, eq + 1));
	struct err why = ERR_INIT;

	if (value != NULL &&
	    glob_init_keep(&ret->value, str_of(value), GLOB_TEXT, &why) != 0)
		ld_error(
		    ld, v, "E034", glob_hint(str_of(value)), "%s", why.msg);
	return true;
}

static void
read_option(struct loader *ld, const struct yaml *v, struct option_want *ret)
{
	const struct yaml *items = v->kind == YAML_LIST ? v->items : v;
	const size_t count = v->kind == YAML_LIST ? v->count : 1;

	ret->names = ld_alloc(ld, count == 0 ? 1 : count, sizeof(struct str));
	for (size_t i = 0; ret->names != NULL && i < count; i++)
		(void)read_spelling(ld, &items[i], ret);
}

void
read_options(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct options_want *ret = to;
	struct nodes items;

	if (!ld_items(ld, k->name, v, &items))
		return;
	ret->v = ld_alloc(ld, items.count, sizeof(struct option_want));
	for (size_t i = 0; ret->v != NULL && i < items.count; i++) {
		read_option(ld, items.v[i], &ret->v[ret->count]);
		if (ret->v[ret->count].count > 0)
			ret->count++;
	}
}

/* ---- MCP arguments ----------------------------------------------------- */

static bool
is_pointer(struct str s)
{
	if (s.len == 0)
		return true;
	if (s.s[0] != '/')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '~' &&
		    (i + 1 >= s.len ||
			(s.s[i + 1] != '0' && s.s[i + 1] != '1')))
			return false;
	}
	return true;
}

static void
read_arg(struct loader *ld, const struct yaml *v, struct arg_want *ret)
{
	static const struct key values = { .name = "args",
		.kind = VALUE_GLOBS_TEXT };

	if (v->kind == YAML_MAP)
		schema_read_map(ld, SCOPE_ARG, v, ret);
	else
		read_globs(ld, &values, v, &ret->values);
	if (ret->absent && (ret->values.count > 0 || ret->regex != NULL))
		ld_error(ld, v, "E044", "leave one of them out",
		    "a value that is absent cannot match");
}

void
read_args(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to)
{
	struct args_want *ret = to;

	if (v->kind != YAML_MAP || v->count == 0) {
		ld_error(ld, v, "E021", "for example {/repo/name: 'acme/*'}",
		    "'%s' is a map of JSON pointers", k->name);
		return;
	}
	ret->v = ld_alloc(ld, v->count, sizeof(struct arg_want));
	for (size_t i = 0; ret->v != NULL && i < v->count; i++) {
		if (!is_pointer(v->keys[i].text)) {
			ld_error(ld, &v->keys[i], "E035",
			    "a pointer begins with '/', as '/repo/name'",
			    "'%.*s' is no JSON pointer",
			    STR_ARG(v->keys[i].text));
			continue;
		}
		ret->v[ret->count].pointer =
		    str_of(ld_strdup(ld, v->keys[i].text));
		read_arg(ld, &v->items[i], &ret->v[ret->count++]);
	}
}
