/*
 * The administrator's requirements: what may be chosen, what is forced.
 * Runs in: supervisor, tools.  Trusts: nothing in the file (its owner was
 * checked).  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "config_int.h"

/* Where the ceiling keeps a list for later, or NULL. */
static struct config_strings *
kept_list(struct config *c, const struct setting *s)
{
	if (strcmp(s->key, "approval_policy") == 0)
		return &c->ceiling.approval_policy;
	if (strcmp(s->key, "approvals_reviewer") == 0)
		return &c->ceiling.approvals_reviewer;
	if (strcmp(s->key, "profiles") == 0)
		return &c->ceiling.profiles;
	if (strcmp(s->key, "credentials") == 0)
		return &c->ceiling.credentials;
	return NULL;
}

static bool
is_in(const struct config_strings *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], word) == 0)
			return true;
	}
	return false;
}

static void
check_names(struct reading *r, const struct setting *s, const struct yaml *v,
    const struct config_strings *list)
{
	for (size_t i = 0; i < list->count; i++) {
		bool known = false;

		for (size_t n = 1; n < s->name_count; n++)
			known =
			    known || strcmp(list->items[i], s->names[n]) == 0;
		if (!known)
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    NULL, "'%s' is not a value of %s", list->items[i],
			    s->key);
	}
}

static void
refuse(struct reading *r, const struct setting *s, const struct yaml *given,
    const char *chosen, const struct yaml *v)
{
	AUTO_BUF struct buf all = BUF_INIT(512);

	for (size_t i = 0; i < v->count; i++)
		buf_printf(&all, "%s%.*s", i > 0 ? ", " : "",
		    STR_ARG(v->items[i].text));
	yaml_diag(r->diags, given, DIAG_ERROR, "E205", NULL,
	    "%s '%s' is not permitted: %s:%u permits %s", s->key, chosen,
	    v->file, v->line, all.failed != 0 ? "others" : buf_cstr(&all));
}

static void
hold_credentials(struct reading *r, const struct setting *s,
    const struct yaml *v, const struct config_strings *list)
{
	const struct yaml *given = r->given[s - settings];
	const struct config *c = r->config;

	for (size_t i = 0; given != NULL && i < c->credential_count; i++) {
		const char *name = c->credentials[i].name;

		if (name != NULL && !is_in(list, name))
			refuse(r, s, &given->items[i], name, v);
	}
}

/* A value outside the list is an error where it was chosen; the default
 * gives way to the first of the list. */
static void
hold_to(struct reading *r, const struct setting *s, const struct yaml *v,
    const struct config_strings *list)
{
	const struct yaml *given = r->given[s - settings];
	unsigned value;

	memcpy(&value, (char *)r->config + s->at, sizeof(value));
	if (is_in(list, s->names[value]))
		return;
	if (given != NULL) {
		refuse(r, s, given, s->names[value], v);
		return;
	}
	setting_read(r, s, &v->items[0]);
}

/* A choice of several: each one. Nothing chosen is permitted. */
static void
hold_mask(struct reading *r, const struct setting *s, const struct yaml *v,
    const struct config_strings *list)
{
	const struct yaml *given = r->given[s - settings];
	unsigned mask;

	memcpy(&mask, (char *)r->config + s->at, sizeof(mask));
	for (size_t i = 1; given != NULL && i < s->name_count; i++) {
		if ((mask & 1u << i) != 0 && !is_in(list, s->names[i]))
			refuse(r, s, given, s->names[i], v);
	}
}

static void
hold_text(struct reading *r, const struct setting *s, const struct yaml *v,
    const struct config_strings *list)
{
	const struct yaml *given = r->given[s - settings];
	const char *text;

	memcpy(&text, (char *)r->config + s->at, sizeof(text));
	if (given != NULL && text != NULL && !is_in(list, text))
		refuse(r, s, given, text, v);
}

/* What was chosen, against the list. */
static void
hold(struct reading *r, const struct setting *s, const struct yaml *v,
    const struct config_strings *list)
{
	switch (s->kind) {
	case SETTING_ENUM:
		hold_to(r, s, v, list);
		break;
	case SETTING_MASK:
		hold_mask(r, s, v, list);
		break;
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_ADDRESS:
	case SETTING_URL:
	case SETTING_SYSLOG:
		hold_text(r, s, v, list);
		break;
	case SETTING_PROVIDERS:
		requirements_hold_providers(r, v, list);
		break;
	case SETTING_CREDENTIALS:
		hold_credentials(r, s, v, list);
		break;
	case SETTING_DURATION:
	case SETTING_NUMBER:
	case SETTING_PROFILES: /* when one is asked for */
	case SETTING_REQUIRE:
	case SETTING_APPROVALS:
		break;
	}
}

static bool
takes_a_list(enum setting_kind k)
{
	return k != SETTING_DURATION && k != SETTING_NUMBER &&
	    k != SETTING_REQUIRE && k != SETTING_APPROVALS;
}

static void
read_allowed(struct reading *r, const struct setting *s, const struct yaml *v)
{
	struct config_strings *kept = kept_list(r->config, s);
	struct config_strings list = { .count = 0 };
	const size_t before = diags_errors(r->diags);

	if (!takes_a_list(s->kind)) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202",
		    "write forced:", "%s cannot be limited to a list", s->key);
		return;
	}
	if (!requirement_list(r, v, "allowed", &list))
		return;
	if (s->kind == SETTING_ENUM || s->kind == SETTING_MASK)
		check_names(r, s, v, &list);
	if (diags_errors(r->diags) != before)
		return;
	hold(r, s, v, &list);
	if (kept != NULL)
		*kept = list;
	requirement_keep(r, s->key, REQUIREMENT_ALLOWED, v);
}

/* What users require stays required. */
static void
force_require(struct reading *r, const struct setting *s, const struct yaml *v)
{
	struct config *c = r->config;
	const struct config_require *old = c->require;
	const size_t old_count = c->require_count;
	struct config_require *all;

	setting_read(r, s, v);
	all = arena_array(r->arena, old_count + c->require_count, sizeof(*all));
	if (all == NULL)
		return;
	for (size_t i = 0; i < old_count; i++)
		all[i] = old[i];
	for (size_t i = 0; i < c->require_count; i++)
		all[old_count + i] = c->require[i];
	c->require = all;
	c->require_count += old_count;
}

static void
read_forced(struct reading *r, const struct setting *s, const struct yaml *v)
{
	const struct yaml *given = r->given[s - settings];

	requirement_keep(r, s->key, REQUIREMENT_FORCED, v);
	if (s->kind == SETTING_REQUIRE) {
		force_require(r, s, v);
		return;
	}
	if (given != NULL &&
	    !(given->kind == YAML_SCALAR && v->kind == YAML_SCALAR &&
		str_eq(given->text, v->text)))
		yaml_diag(r->diags, given, DIAG_WARNING, "W201", NULL,
		    "%s is forced by %s:%u; this value has no effect", s->key,
		    v->file, v->line);
	setting_read(r, s, v);
}

static void
read_requirement(
    struct reading *r, const struct setting *s, const struct yaml *v)
{
	static const char *const words[] = { "allowed", "forced" };

	if (v->kind != YAML_MAP) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202",
		    "write {allowed: [...]} or {forced: ...}",
		    "a requirement on %s says what is allowed or forced",
		    s->key);
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		if (str_eqz(v->keys[i].text, "allowed"))
			read_allowed(r, s, &v->items[i]);
		else if (str_eqz(v->keys[i].text, "forced"))
			read_forced(r, s, &v->items[i]);
		else
			config_unknown_key(
			    r, &v->keys[i], words, ARRAY_LEN(words));
	}
}

static void
apply_section(struct reading *r, const struct yaml *map, struct str section)
{
	for (size_t i = 0; i < map->count; i++) {
		char text[CONFIG_KEY_LEN_MAX], below[CONFIG_KEY_LEN_MAX];
		const struct yaml *v = &map->items[i];
		const struct str full =
		    setting_key(section, map->keys[i].text, text);
		const struct setting *s = setting_find(full);

		if (s != NULL)
			read_requirement(r, s, v);
		else if (requirement_read(r, full, v))
			continue;
		else if (full.len > 0 && v->kind == YAML_MAP &&
		    (setting_is_section(full) || requirement_is_section(full)))
			apply_section(r, v, setting_key(full, STR("."), below));
		else
			config_unknown_key(r, &map->keys[i], NULL, 0);
	}
}

void
config_apply_ceiling(struct reading *r, const struct yaml *root)
{
	if (root->kind != YAML_MAP) {
		yaml_diag(r->diags, root, DIAG_ERROR, "E202",
		    "write 'approval_policy: {allowed: [untrusted]}'",
		    "requirements are a map of settings");
		return;
	}
	apply_section(r, root, STR(""));
	requirements_hold_hosts(r);
}
