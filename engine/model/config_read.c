/*
 * From a YAML tree to settings, with a place for every finding.
 * Runs in: supervisor, tools.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "config_int.h"
#include "model/provider_url.h"

#define PORT_MAX 65535

bool
config_scalar(struct reading *r, const struct yaml *v, const char *what)
{
	if (v->kind != YAML_SCALAR) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202", NULL,
		    "%s is one value, not a %s", what,
		    v->kind == YAML_LIST ? "list" : "map");
		return false;
	}
	if (v->text.len == 0 || memchr(v->text.s, '\0', v->text.len) != NULL) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202",
		    "leave the key out for the default", "%s has no value",
		    what);
		return false;
	}
	return true;
}

const char *
config_text(struct reading *r, const struct yaml *v)
{
	return arena_strndup(r->arena, v->text.s, v->text.len);
}

void
config_unknown_key(struct reading *r, const struct yaml *key,
    const char *const *names, size_t count)
{
	const char *near = text_nearest(key->text, names, count);
	AUTO_BUF struct buf hint = BUF_INIT(256);

	if (near != NULL)
		buf_printf(&hint, "did you mean '%s'?", near);
	yaml_diag(r->diags, key, DIAG_ERROR, "E201",
	    near == NULL ? NULL : buf_cstr(&hint), "unknown key '%.*s'",
	    STR_ARG(key->text));
}

/* ---- values ------------------------------------------------------------ */

static void
refuse_name(struct reading *r, const struct setting *s, const struct yaml *v)
{
	AUTO_BUF struct buf all = BUF_INIT(512);

	for (size_t i = 1; i < s->name_count; i++)
		buf_printf(&all, "%s%s", i > 1 ? ", " : "", s->names[i]);
	yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
	    "'%.*s' is not a value of %s; it is one of %s", STR_ARG(v->text),
	    s->key, buf_cstr(&all));
}

/* One of the names, or 0 with a diag. */
static unsigned
name_at(struct reading *r, const struct setting *s, const struct yaml *v)
{
	for (unsigned i = 1; i < s->name_count; i++) {
		if (v->kind == YAML_SCALAR && str_eqz(v->text, s->names[i]))
			return i;
	}
	refuse_name(r, s, v);
	return 0;
}

static void
read_enum(struct reading *r, const struct setting *s, const struct yaml *v)
{
	const unsigned i = name_at(r, s, v);

	if (i != 0)
		memcpy((char *)r->config + s->at, &i, sizeof(i));
}

static void
read_mask(struct reading *r, const struct setting *s, const struct yaml *v)
{
	unsigned mask = 0;

	if (v->kind != YAML_LIST) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202", "write [codex]",
		    "%s is a list", s->key);
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		mask |= 1u << name_at(r, s, &v->items[i]);
	mask &= ~1u;
	memcpy((char *)r->config + s->at, &mask, sizeof(mask));
}

static void
read_duration(struct reading *r, const struct setting *s, const struct yaml *v)
{
	int64_t ms;

	if (num_parse_duration_ms(v->text, &ms) != 0) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "write a number and a unit: 90s, 10m, 2h, 1d",
		    "'%.*s' is not a duration", STR_ARG(v->text));
		return;
	}
	if (ms < s->min || ms > s->max) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "%s is %lld to %lld seconds, not '%.*s'", s->key,
		    (long long)(s->min / 1000), (long long)(s->max / 1000),
		    STR_ARG(v->text));
		return;
	}
	memcpy((char *)r->config + s->at, &ms, sizeof(ms));
}

static void
read_number(struct reading *r, const struct setting *s, const struct yaml *v)
{
	uint64_t n;
	int64_t value;

	if (num_parse_u64(v->text, (uint64_t)s->min, (uint64_t)s->max, &n) !=
	    0) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "%s is a number from %lld to %lld, not '%.*s'", s->key,
		    (long long)s->min, (long long)s->max, STR_ARG(v->text));
		return;
	}
	value = (int64_t)n;
	memcpy((char *)r->config + s->at, &value, sizeof(value));
}

void
config_put_text(struct reading *r, const struct setting *s, const char *text)
{
	memcpy((char *)r->config + s->at, &text, sizeof(text));
}

const char *
config_path(struct reading *r, const struct yaml *v, const char *what)
{
	const char *path = config_text(r, v);
	const char *home = r->config->home;

	if (path != NULL && path[0] == '~' && path[1] == '/' && home != NULL)
		path = config_join(r->arena, home, path + 2);
	if (path != NULL && path[0] != '/') {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "write the whole path, from / or from ~/",
		    "%s: '%.*s' is not an absolute path", what,
		    STR_ARG(v->text));
		return NULL;
	}
	return path;
}

static void
read_path(struct reading *r, const struct setting *s, const struct yaml *v)
{
	const char *path = config_path(r, v, s->key);

	if (path != NULL)
		config_put_text(r, s, path);
}

/* Off loopback TCP needs TLS, which this listener does not have. */
static void
read_address(struct reading *r, const struct setting *s, const struct yaml *v)
{
	const size_t colon = str_rfind(v->text, ':');
	const struct str host = str_head(v->text, colon);
	const struct str port = str_from(v->text, colon + 1);
	uint64_t number;

	if (colon == v->text.len ||
	    num_parse_u64(port, 0, PORT_MAX, &number) != 0) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "write an address and a port: 127.0.0.1:7878",
		    "'%.*s' is not an address", STR_ARG(v->text));
		return;
	}
	if (!address_is_loopback(host)) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203",
		    "listen on 127.0.0.1 or [::1]; put a TLS proxy in front "
		    "of it for other hosts",
		    "'%.*s' is not a loopback address", STR_ARG(host));
		return;
	}
	config_put_text(r, s, config_text(r, v));
}

static bool
is_compound(enum setting_kind k)
{
	return k == SETTING_MASK || k == SETTING_PROVIDERS ||
	    k == SETTING_PROFILES || k == SETTING_REQUIRE ||
	    k == SETTING_APPROVALS || k == SETTING_CREDENTIALS;
}

void
setting_read(struct reading *r, const struct setting *s, const struct yaml *v)
{
	r->given[s - settings] = v;
	if (!is_compound(s->kind) && !config_scalar(r, v, s->key))
		return;
	switch (s->kind) {
	case SETTING_ENUM:
		read_enum(r, s, v);
		break;
	case SETTING_MASK:
		read_mask(r, s, v);
		break;
	case SETTING_DURATION:
		read_duration(r, s, v);
		break;
	case SETTING_NUMBER:
		read_number(r, s, v);
		break;
	case SETTING_TEXT:
		config_put_text(r, s, config_text(r, v));
		break;
	case SETTING_PATH:
		read_path(r, s, v);
		break;
	case SETTING_ADDRESS:
		read_address(r, s, v);
		break;
	case SETTING_URL:
		config_read_url(r, s, v);
		break;
	case SETTING_SYSLOG:
		config_read_syslog(r, s, v);
		break;
	case SETTING_PROVIDERS:
		config_read_providers(r, v);
		break;
	case SETTING_PROFILES:
		config_read_profiles(r, v);
		break;
	case SETTING_REQUIRE:
		config_read_require(r, v);
		break;
	case SETTING_APPROVALS:
		config_read_approvals(r, v);
		break;
	case SETTING_CREDENTIALS:
		config_read_credentials(r, v);
		break;
	}
}

void
settings_preset(struct config *c)
{
	struct reading r = { .config = c, .arena = c->arena };

	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &settings[i];
		const struct yaml v = { .kind = YAML_SCALAR,
			.text = str_of(s->preset) };

		if (s->preset != NULL)
			setting_read(&r, s, &v);
	}
}

/* ---- keys -------------------------------------------------------------- */

/* What could stand in this section, for "did you mean". */
static void
unknown(struct reading *r, const struct yaml *key, struct str section)
{
	const char *names[SETTINGS_MAX];
	char heads[SETTINGS_MAX][CONFIG_KEY_LEN_MAX];

	for (size_t i = 0; i < setting_count; i++) {
		const struct str full = str_of(settings[i].key);
		const struct str rest = str_from(full, section.len);
		const struct str head = str_head(rest, str_find(rest, '.'));

		names[i] = NULL;
		if (!str_starts(full, section) ||
		    head.len >= CONFIG_KEY_LEN_MAX)
			continue;
		memcpy(heads[i], head.s, head.len);
		heads[i][head.len] = '\0';
		names[i] = heads[i];
	}
	config_unknown_key(r, key, names, setting_count);
}

static void read_section(
    struct reading *r, const struct yaml *map, struct str section);

static void
read_key(struct reading *r, const struct yaml *key, const struct yaml *v,
    struct str section)
{
	char text[CONFIG_KEY_LEN_MAX], below[CONFIG_KEY_LEN_MAX];
	const struct str full = setting_key(section, key->text, text);
	const struct setting *s = setting_find(full);

	if (s != NULL)
		setting_read(r, s, v);
	else if (full.len == 0 || !setting_is_section(full))
		unknown(r, key, section);
	else if (v->kind != YAML_MAP)
		yaml_diag(r->diags, v, DIAG_ERROR, "E202", NULL,
		    "%.*s holds keys of its own", STR_ARG(full));
	else
		read_section(r, v, setting_key(full, STR("."), below));
}

static void
read_section(struct reading *r, const struct yaml *map, struct str section)
{
	for (size_t i = 0; i < map->count; i++)
		read_key(r, &map->keys[i], &map->items[i], section);
}

void
settings_read_map(struct reading *r, const struct yaml *map)
{
	if (map->kind != YAML_MAP) {
		yaml_diag(r->diags, map, DIAG_ERROR, "E202",
		    "write 'approval_policy: on-request', one setting a line",
		    "a configuration is a map of settings");
		return;
	}
	read_section(r, map, STR(""));
}
