/*
 * The settings that are lists: requirements on what the machine enforces; and
 * what all lists and small maps share.
 * Runs in: supervisor, tools.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "config_int.h"

void
config_read_entries(struct reading *r, const struct yaml *map,
    const struct config_entry *entries, size_t count, void *to)
{
	const char *names[CONFIG_ENTRIES_MAX];

	assert(count <= CONFIG_ENTRIES_MAX);

	for (size_t p = 0; p < count; p++)
		names[p] = entries[p].key;
	for (size_t i = 0; i < map->count; i++) {
		size_t p = 0;

		while (p < count && !str_eqz(map->keys[i].text, entries[p].key))
			p++;
		if (p == count)
			config_unknown_key(r, &map->keys[i], names, count);
		else
			entries[p].read(
			    r, &map->items[i], (char *)to + entries[p].at);
	}
}

bool
config_is_kind(struct reading *r, const struct yaml *v, enum yaml_kind kind,
    const char *what)
{
	if (v->kind == kind && v->count <= CONFIG_ITEMS_MAX)
		return true;
	yaml_diag(r->diags, v, DIAG_ERROR, "E202", NULL, "%s is a %s%s", what,
	    kind == YAML_LIST ? "list" : "map",
	    v->kind == kind ? " of at most 1000 items" : "");
	return false;
}

void
config_read_text(struct reading *r, const struct yaml *v, void *to)
{
	const char *text;

	if (!config_scalar(r, v, "this key"))
		return;
	text = config_text(r, v);
	memcpy(to, &text, sizeof(text));
}

bool
config_read_strings(struct reading *r, const struct yaml *v, const char *what,
    struct config_strings *ret)
{
	struct config_strings got = { .count = 0 };

	if (!config_is_kind(r, v, YAML_LIST, what))
		return false;
	got.items = arena_array(r->arena, v->count, sizeof(*got.items));
	if (got.items == NULL)
		return false;
	for (size_t i = 0; i < v->count; i++) {
		if (!config_scalar(r, &v->items[i], what))
			return false;
		got.items[got.count++] = config_text(r, &v->items[i]);
	}
	*ret = got;
	return true;
}

void
config_read_list(struct reading *r, const struct yaml *v, void *to)
{
	(void)config_read_strings(r, v, "this key", to);
}

/* ---- require ----------------------------------------------------------- */

/* landlock alone has a version. */
static const char *const features[] = {
	"landlock",
	"seccomp",
	"no_new_privs",
	"capabilities",
	"not_dumpable",
	"userns",
	"cgroup",
};

static void
read_feature(struct reading *r, const struct yaml *v, struct config_require *to)
{
	const size_t at = str_search(v->text, STR(">="));
	const struct str name = str_head(v->text, at);
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		known = known || str_eqz(name, features[i]);
	if (!known) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "landlock>=N, seccomp, no_new_privs, capabilities, "
		    "not_dumpable, userns, cgroup",
		    "'%.*s' is not something that can be required",
		    STR_ARG(name));
		return;
	}
	to->feature = arena_strndup(r->arena, name.s, name.len);
	if (at == v->text.len)
		return;
	if (!str_eqz(name, "landlock") ||
	    num_parse_u64(str_from(v->text, at + 2), 1, 1000, &to->min) != 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", "landlock>=3",
		    "'%.*s' names no version", STR_ARG(v->text));
}

void
config_read_require(struct reading *r, const struct yaml *v)
{
	struct config *c = r->config;

	if (!config_is_kind(r, v, YAML_LIST, "require"))
		return;
	c->require = arena_array(r->arena, v->count, sizeof(*c->require));
	if (c->require == NULL)
		return;
	c->require_count = v->count;
	for (size_t i = 0; i < v->count; i++) {
		if (config_scalar(r, &v->items[i], "an item of require"))
			read_feature(r, &v->items[i], &c->require[i]);
	}
}

/* ---- approvals --------------------------------------------------------- */

static void
read_people(struct reading *r, enum risk risk, const struct yaml *v)
{
	uint64_t n;

	if (config_scalar(r, v, "a number of approvals") &&
	    num_parse_u64(v->text, 1, APPROVERS_MAX, &n) == 0)
		r->config->approvals[risk] = (unsigned)n;
	else
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", "critical: 2",
		    "approvals is 1 to %d people", APPROVERS_MAX);
}

static void
read_group(struct reading *r, enum risk risk, const struct yaml *v)
{
	char *to = r->config->approver_groups[risk];

	if (!config_scalar(r, v, "the name of a group"))
		return;
	if (v->text.len == 0 || v->text.len >= GROUP_NAME_MAX ||
	    memchr(v->text.s, ':', v->text.len) != NULL) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", "group: security",
		    "a group of this machine has 1 to %d characters",
		    GROUP_NAME_MAX - 1);
		return;
	}
	memcpy(to, v->text.s, v->text.len);
	to[v->text.len] = '\0';
}

/* "2", or "{people: 2, group: security}". */
static void
read_approval(struct reading *r, const struct yaml *key, const struct yaml *v)
{
	static const char *const risks[] = { "low", "medium", "high",
		"critical" };
	static const char *const members[] = { "people", "group" };
	const enum risk risk = risk_of(key->text);

	if (risk == RISK_INVALID) {
		config_unknown_key(r, key, risks, ARRAY_LEN(risks));
		return;
	}
	if (v->kind != YAML_MAP) {
		read_people(r, risk, v);
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		if (str_eqz(v->keys[i].text, "people"))
			read_people(r, risk, &v->items[i]);
		else if (str_eqz(v->keys[i].text, "group"))
			read_group(r, risk, &v->items[i]);
		else
			config_unknown_key(
			    r, &v->keys[i], members, ARRAY_LEN(members));
	}
}

void
config_read_approvals(struct reading *r, const struct yaml *v)
{
	if (!config_is_kind(r, v, YAML_MAP, "approvals"))
		return;
	for (size_t i = 0; i < v->count; i++)
		read_approval(r, &v->keys[i], &v->items[i]);
}
