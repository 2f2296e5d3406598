/*
 * Sandbox profiles as they are written in the configuration.
 * Runs in: supervisor, tools.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "config_int.h"
#include "host_pattern.h"

#define COUNT_MAX 1000000
#define CPU_PERCENT_MAX 100000
#define PROFILE_NAME_MAX 64
#define CONNECTIONS_MAX 1024 /* of a run at a time, as without the key */
#define METHOD_BYTES_MAX 32
#define WALL_MS_MAX ((int64_t)24 * 3600 * 1000)
#define WORKSPACE "$workspace"

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
read_count(struct reading *r, const struct yaml *v, void *to)
{
	uint64_t n;

	if (!config_scalar(r, v, "a count"))
		return;
	if (num_parse_u64(v->text, 1, COUNT_MAX, &n) != 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "a count is 1 to %d, not '%.*s'", COUNT_MAX,
		    STR_ARG(v->text));
	else
		memcpy(to, &n, sizeof(n));
}

static void
read_cpu(struct reading *r, const struct yaml *v, void *to)
{
	struct str text = v->text;
	uint64_t n;

	if (!config_scalar(r, v, "cpu"))
		return;
	if (str_ends(text, STR("%")))
		text = str_head(text, text.len - 1);
	if (num_parse_u64(text, 1, CPU_PERCENT_MAX, &n) != 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "write percent of one processor: 50%, 200%",
		    "'%.*s' is not a share of the processors",
		    STR_ARG(v->text));
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

static void
read_flag(struct reading *r, const struct yaml *v, void *to)
{
	bool value;

	if (!config_scalar(r, v, "this key"))
		return;
	value = str_eq(v->text, STR("true"));
	if (!value && !str_eq(v->text, STR("false")))
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", "true or false",
		    "'%.*s' is neither true nor false", STR_ARG(v->text));
	else
		memcpy(to, &value, sizeof(value));
}

static const struct config_entry limit_entries[] = {
	{ "memory", read_bytes, offsetof(struct config_profile, memory_bytes) },
	{ "pids", read_count, offsetof(struct config_profile, pids) },
	{ "wall", read_wall, offsetof(struct config_profile, wall_ms) },
	{ "output", read_bytes, offsetof(struct config_profile, output_bytes) },
	{ "stream", read_bytes, offsetof(struct config_profile, stream_bytes) },
	{ "file", read_bytes, offsetof(struct config_profile, file_bytes) },
	{ "tmp", read_bytes, offsetof(struct config_profile, tmp_bytes) },
	{ "disk", read_bytes, offsetof(struct config_profile, disk_bytes) },
	{ "files", read_count, offsetof(struct config_profile, files) },
	{ "cpu", read_cpu, offsetof(struct config_profile, cpu_percent) },
};

static void
read_limits(struct reading *r, const struct yaml *v, void *to)
{
	if (config_is_kind(r, v, YAML_MAP, "limits"))
		config_read_entries(
		    r, v, limit_entries, ARRAY_LEN(limit_entries), to);
}

static bool
is_word(const struct yaml *v, const char *word)
{
	return v->kind == YAML_SCALAR && str_eqz(v->text, word);
}

/* No empty part, no . and no .. between slashes. */
static bool
is_normal(struct str rest)
{
	while (rest.len > 0) {
		const struct str part = str_cut(&rest, '/');

		if (part.len == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

/* What a path begins with decides whose it is. */
static bool
is_root_path(struct str text)
{
	if (str_eqz(text, WORKSPACE))
		return true;
	if (str_starts(text, STR(WORKSPACE "/")))
		return text.len > sizeof(WORKSPACE) &&
		    is_normal(str_from(text, sizeof(WORKSPACE)));
	if (str_starts(text, STR("~/")))
		return text.len > 2 && is_normal(str_from(text, 2));
	return text.len > 1 && text.s[0] == '/' && is_normal(str_from(text, 1));
}

static void
check_paths(struct reading *r, const struct yaml *v)
{
	for (size_t i = 0; i < v->count; i++) {
		if (!is_root_path(v->items[i].text))
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    "begin with /, ~/ or $workspace; no '..', '//' or "
			    "final '/'",
			    "'%.*s' is not a path in normal form",
			    STR_ARG(v->items[i].text));
	}
}

static void
check_names(struct reading *r, const struct yaml *v, const char *what)
{
	for (size_t i = 0; i < v->count; i++) {
		const struct str text = v->items[i].text;

		if (text.s[0] == '/' || text.s[0] == '~' || !is_normal(text))
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    "write it as seen from the top of the workspace: "
			    "secrets/*.pem",
			    "'%.*s' is not a %s in the workspace",
			    STR_ARG(text), what);
	}
}

/* What comes first: "default" stands for what the base has. */
static void
read_more(struct reading *r, const struct yaml *v, const char *what,
    struct config_strings *to)
{
	if (is_word(v, "default"))
		return;
	if (config_read_strings(r, v, what, to))
		check_paths(r, v);
}

static void
read_read(struct reading *r, const struct yaml *v, void *to)
{
	read_more(r, v, "read", to);
}

static void
read_hide(struct reading *r, const struct yaml *v, void *to)
{
	read_more(r, v, "hide", to);
}

static void
read_write(struct reading *r, const struct yaml *v, void *to)
{
	struct config_profile *p = to;

	p->has_write = true;
	if (!is_word(v, "none") &&
	    config_read_strings(r, v, "write", &p->write))
		check_paths(r, v);
}

static void
read_deny(struct reading *r, const struct yaml *v, void *to)
{
	if (config_read_strings(r, v, "deny", to))
		check_names(r, v, "pattern");
}

static void
read_protect(struct reading *r, const struct yaml *v, void *to)
{
	if (config_read_strings(r, v, "protect", to))
		check_names(r, v, "path");
}

/* "host[:port] [http|tls|tcp] [METHOD...]" */
static bool
is_network_line(struct str line)
{
	struct str rest = line;
	const struct str host = str_cut(&rest, ' ');
	bool first = true;

	if (!host_pattern_valid(host) || host.len + 1 == line.len)
		return false;
	for (; rest.len > 0; first = false) {
		const struct str word = str_cut(&rest, ' ');

		if (first &&
		    (str_eqz(word, "http") || str_eqz(word, "tls") ||
			str_eqz(word, "tcp")))
			continue;
		if (word.len == 0 || word.len > METHOD_BYTES_MAX)
			return false;
		for (size_t i = 0; i < word.len; i++) {
			if (word.s[i] < 'A' || word.s[i] > 'Z')
				return false;
		}
	}
	return true;
}

static void
read_connections(struct reading *r, const struct yaml *v, void *to)
{
	uint64_t n;

	if (!config_scalar(r, v, "connections"))
		return;
	if (num_parse_u64(v->text, 1, CONNECTIONS_MAX, &n) != 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "a run may have 1 to %d connections at a time, not '%.*s'",
		    CONNECTIONS_MAX, STR_ARG(v->text));
	else
		memcpy(to, &n, sizeof(n));
}

static const struct config_entry network_entries[] = {
	{ "connections", read_connections,
	    offsetof(struct config_profile, net_connections) },
	{ "up", read_bytes, offsetof(struct config_profile, net_up_bytes) },
	{ "down", read_bytes, offsetof(struct config_profile, net_down_bytes) },
	{ "rate", read_bytes, offsetof(struct config_profile, net_rate_bytes) },
	{ "idle", read_wall, offsetof(struct config_profile, net_idle_ms) },
};

static void
read_network_limits(struct reading *r, const struct yaml *v, void *to)
{
	if (config_is_kind(r, v, YAML_MAP, "network_limits"))
		config_read_entries(
		    r, v, network_entries, ARRAY_LEN(network_entries), to);
}

/* As an item of network may be, or a host alone. */
static void
read_hosts(struct reading *r, const struct yaml *v, const char *key,
    struct config_strings *to)
{
	const bool alone = strcmp(key, "network") != 0;

	if (!config_read_strings(r, v, key, to))
		return;
	for (size_t i = 0; i < v->count; i++) {
		const struct str text = v->items[i].text;

		if (alone ? !host_pattern_valid(text) : !is_network_line(text))
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    "github.com, \"*.npmjs.org:443 tls\", "
			    "\"api.example:80 GET HEAD\", 10.0.0.0/8",
			    "'%.*s' is not a host with or without a port, "
			    "what is spoken (http, tls, tcp) and methods",
			    STR_ARG(v->items[i].text));
	}
}

static void
read_network(struct reading *r, const struct yaml *v, void *to)
{
	struct config_profile *p = to;

	p->has_network = true;
	if (!is_word(v, "none"))
		read_hosts(r, v, "network", &p->network);
}

static void
read_network_ech(struct reading *r, const struct yaml *v, void *to)
{
	read_hosts(r, v, "network_ech", to);
}

static bool
is_variable(struct str name)
{
	if (name.len == 0 || (name.s[0] >= '0' && name.s[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		const char c = name.s[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

static void
read_env(struct reading *r, const struct yaml *v, void *to)
{
	if (!config_read_strings(r, v, "env", to))
		return;
	for (size_t i = 0; i < v->count; i++) {
		const struct str text = v->items[i].text;
		const size_t eq = str_find(text, '=');
		struct str name = str_head(text, eq);

		if (eq == text.len && str_ends(name, STR("*")))
			name = str_head(name, name.len - 1);
		if (!is_variable(name))
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    "NAME lets a variable through, NAME* all that "
			    "begin so, NAME=value sets one",
			    "'%.*s' names no variable", STR_ARG(text));
	}
}

static void
read_identity(struct reading *r, const struct yaml *v, void *to)
{
	static const char *const names[] = { "own", "offline", "online" };
	const char *found = NULL;

	if (!config_scalar(r, v, "identity") || is_word(v, "default"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eqz(v->text, names[i]))
			found = names[i];
	}
	if (found == NULL)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "default, own, offline or online",
		    "'%.*s' is no identity of a run", STR_ARG(v->text));
	else
		memcpy(to, &found, sizeof(found));
}

static const struct config_entry profile_entries[] = {
	{ "base", config_read_text, offsetof(struct config_profile, base) },
	{ "summary", config_read_text,
	    offsetof(struct config_profile, summary) },
	{ "write", read_write, 0 },
	{ "read", read_read, offsetof(struct config_profile, read) },
	{ "hide", read_hide, offsetof(struct config_profile, hide) },
	{ "deny", read_deny, offsetof(struct config_profile, deny) },
	{ "protect", read_protect, offsetof(struct config_profile, protect) },
	{ "network", read_network, 0 },
	{ "network_only", read_flag,
	    offsetof(struct config_profile, network_only) },
	{ "network_ech", read_network_ech,
	    offsetof(struct config_profile, network_ech) },
	{ "network_limits", read_network_limits, 0 },
	{ "network_upstream", config_read_text,
	    offsetof(struct config_profile, network_upstream) },
	{ "env", read_env, offsetof(struct config_profile, env) },
	{ "identity", read_identity,
	    offsetof(struct config_profile, identity) },
	{ "overlay", read_flag, offsetof(struct config_profile, overlay) },
	{ "strict", read_flag, offsetof(struct config_profile, strict) },
	{ "limits", read_limits, 0 },
};
_Static_assert(
    ARRAY_LEN(profile_entries) <= CONFIG_ENTRIES_MAX, "names has room");

static const char *const built_in[] = {
	"read-only",
	"workspace-write",
	"workspace-write-online",
};

/* What it stands on comes before it, so that there is no circle. */
static bool
is_known(const struct config *c, size_t before, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		if (strcmp(name, built_in[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < before; i++) {
		if (c->profiles[i].name != NULL &&
		    strcmp(c->profiles[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
is_name(struct str s)
{
	if (s.len == 0 || s.len > PROFILE_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

static void
check_profile(struct reading *r, const struct yaml *key, const struct yaml *v,
    size_t index)
{
	const struct config_profile *p = &r->config->profiles[index];

	if (!is_name(key->text))
		yaml_diag(r->diags, key, DIAG_ERROR, "E203",
		    "lower-case letters, digits, '-', '_' and '.', at most 64",
		    "'%.*s' is not a name for a profile", STR_ARG(key->text));
	else if (strcmp(p->name, "danger-full-access") == 0)
		yaml_diag(r->diags, key, DIAG_ERROR, "E203",
		    "see 'profiles: {allowed: [...]}' in requirements.yaml",
		    "danger-full-access has no sandbox that could be changed");
	else if (strcmp(p->name, "read-only") == 0 && p->write.count > 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "give the profile another name",
		    "read-only writes nothing");
	if (p->base == NULL)
		return;
	if (is_known(r->config, 0, p->name))
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", "take 'base' out",
		    "the built-in profile '%s' stands on nothing else",
		    p->name);
	else if (!is_known(r->config, index, p->base))
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "read-only, workspace-write, or a profile that is "
		    "written above this one",
		    "there is no profile '%s' to build on", p->base);
}

static void
read_profile(struct reading *r, const struct yaml *key, const struct yaml *v,
    size_t index)
{
	struct config_profile *p = &r->config->profiles[index];
	char where[512];

	(void)snprintf(where, sizeof(where), "%s:%u", key->file, key->line);
	p->name = config_text(r, key);
	p->where = arena_strdup(r->arena, where);
	if (p->name == NULL || p->where == NULL ||
	    !config_is_kind(r, v, YAML_MAP, "a profile"))
		return;
	config_read_entries(
	    r, v, profile_entries, ARRAY_LEN(profile_entries), p);
	check_profile(r, key, v, index);
}

void
config_read_profiles(struct reading *r, const struct yaml *v)
{
	struct config *c = r->config;

	if (!config_is_kind(r, v, YAML_MAP, "profiles"))
		return;
	c->profiles = arena_array(r->arena, v->count, sizeof(*c->profiles));
	if (c->profiles == NULL)
		return;
	c->profile_count = v->count;
	for (size_t i = 0; i < v->count; i++)
		read_profile(r, &v->keys[i], &v->items[i], i);
}
