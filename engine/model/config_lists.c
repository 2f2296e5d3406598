/*
 * The settings that are lists: reviewers, sandbox profiles, requirements on
 * what the machine enforces.
 * Runs in: supervisor, tools.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "config_int.h"

#define PIDS_MAX 1000000
#define WALL_MS_MAX ((int64_t)24 * 3600 * 1000)

/* One key of a small map: where its value goes. */
struct entry {
	const char *key;
	void (*read)(struct reading *r, const struct yaml *v, void *to);
	size_t at;
};

static void
read_entries(struct reading *r, const struct yaml *map,
    const struct entry *entries, size_t count, void *to)
{
	const char *names[16];

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

static bool
is_kind(struct reading *r, const struct yaml *v, enum yaml_kind kind,
    const char *what)
{
	if (v->kind == kind && v->count <= CONFIG_ITEMS_MAX)
		return true;
	yaml_diag(r->diags, v, DIAG_ERROR, "E202", NULL, "%s is a %s%s", what,
	    kind == YAML_LIST ? "list" : "map",
	    v->kind == kind ? " of at most 1000 items" : "");
	return false;
}

static void
read_text(struct reading *r, const struct yaml *v, void *to)
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

	if (!is_kind(r, v, YAML_LIST, what))
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

static void
read_strings(struct reading *r, const struct yaml *v, void *to)
{
	(void)config_read_strings(r, v, "this key", to);
}

/* ---- reviewers --------------------------------------------------------- */

static const struct entry provider_entries[] = {
	{ "name", read_text, offsetof(struct config_provider, name) },
	{ "format", read_text, offsetof(struct config_provider, format) },
	{ "url", read_text, offsetof(struct config_provider, url) },
	{ "model", read_text, offsetof(struct config_provider, model) },
	{ "key_file", read_text, offsetof(struct config_provider, key_file) },
	{ "command", read_strings, offsetof(struct config_provider, command) },
};

static void
read_provider(
    struct reading *r, const struct yaml *v, struct config_provider *to)
{
	if (!is_kind(r, v, YAML_MAP, "a provider"))
		return;
	read_entries(r, v, provider_entries, ARRAY_LEN(provider_entries), to);
	if (to->name == NULL || to->format == NULL)
		yaml_diag(r->diags, v, DIAG_ERROR, "E206", NULL,
		    "a provider has a name and a format");
	else if ((to->url == NULL) == (to->command.count == 0))
		yaml_diag(r->diags, v, DIAG_ERROR, "E206", NULL,
		    "provider '%s' has either a url or a command", to->name);
}

void
config_read_providers(struct reading *r, const struct yaml *v)
{
	struct config *c = r->config;

	if (!is_kind(r, v, YAML_LIST, "reviewer.providers"))
		return;
	c->providers = arena_array(r->arena, v->count, sizeof(*c->providers));
	if (c->providers == NULL)
		return;
	c->provider_count = v->count;
	for (size_t i = 0; i < v->count; i++)
		read_provider(r, &v->items[i], &c->providers[i]);
}

/* ---- sandbox profiles -------------------------------------------------- */

static void
read_bytes(struct reading *r, const struct yaml *v, void *to)
{
	uint64_t bytes;

	if (!config_scalar(r, v, "a size"))
		return;
	if (num_parse_bytes(v->text, &bytes) != 0 || bytes == 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "write bytes, or 512K, 8M, 4G", "'%.*s' is not a size",
		    STR_ARG(v->text));
	else
		memcpy(to, &bytes, sizeof(bytes));
}

static void
read_pids(struct reading *r, const struct yaml *v, void *to)
{
	uint64_t n;

	if (!config_scalar(r, v, "pids"))
		return;
	if (num_parse_u64(v->text, 1, PIDS_MAX, &n) != 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "pids is 1 to %d, not '%.*s'", PIDS_MAX, STR_ARG(v->text));
	else
		memcpy(to, &n, sizeof(n));
}

static void
read_wall(struct reading *r, const struct yaml *v, void *to)
{
	int64_t ms;

	if (!config_scalar(r, v, "wall"))
		return;
	if (num_parse_duration_ms(v->text, &ms) != 0 || ms <= 0 ||
	    ms > WALL_MS_MAX)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "write a number and a unit, up to 24h",
		    "'%.*s' is not a time that a run may take",
		    STR_ARG(v->text));
	else
		memcpy(to, &ms, sizeof(ms));
}

static const struct entry limit_entries[] = {
	{ "memory", read_bytes, offsetof(struct config_profile, memory_bytes) },
	{ "pids", read_pids, offsetof(struct config_profile, pids) },
	{ "wall", read_wall, offsetof(struct config_profile, wall_ms) },
	{ "output", read_bytes, offsetof(struct config_profile, output_bytes) },
};

static void
read_limits(struct reading *r, const struct yaml *v, void *to)
{
	if (is_kind(r, v, YAML_MAP, "limits"))
		read_entries(r, v, limit_entries, ARRAY_LEN(limit_entries), to);
}

static bool
is_word(const struct yaml *v, const char *word)
{
	return v->kind == YAML_SCALAR && str_eqz(v->text, word);
}

static void
read_read(struct reading *r, const struct yaml *v, void *to)
{
	struct config_profile *p = to;

	p->read_default = is_word(v, "default");
	if (!p->read_default)
		(void)config_read_strings(r, v, "read", &p->read);
}

static void
read_hide(struct reading *r, const struct yaml *v, void *to)
{
	struct config_profile *p = to;

	p->hide_default = is_word(v, "default");
	if (!p->hide_default)
		(void)config_read_strings(r, v, "hide", &p->hide);
}

static void
read_network(struct reading *r, const struct yaml *v, void *to)
{
	struct config_profile *p = to;

	if (!is_word(v, "none"))
		(void)config_read_strings(r, v, "network", &p->network);
}

static const struct entry profile_entries[] = {
	{ "write", read_strings, offsetof(struct config_profile, write) },
	{ "read", read_read, 0 },
	{ "hide", read_hide, 0 },
	{ "network", read_network, 0 },
	{ "limits", read_limits, 0 },
};

void
config_read_profiles(struct reading *r, const struct yaml *v)
{
	struct config *c = r->config;

	if (!is_kind(r, v, YAML_MAP, "profiles"))
		return;
	c->profiles = arena_array(r->arena, v->count, sizeof(*c->profiles));
	if (c->profiles == NULL)
		return;
	c->profile_count = v->count;
	for (size_t i = 0; i < v->count; i++) {
		struct config_profile *p = &c->profiles[i];

		p->name = config_text(r, &v->keys[i]);
		p->read_default = true;
		p->hide_default = true;
		if (is_kind(r, &v->items[i], YAML_MAP, "a profile"))
			read_entries(r, &v->items[i], profile_entries,
			    ARRAY_LEN(profile_entries), p);
	}
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
		    "not_dumpable, userns",
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

	if (!is_kind(r, v, YAML_LIST, "require"))
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
