/*
 * The configuration as a record, for roles; and questions about it.
 * Runs in: every role.  Trusts: nothing in the record.  Owns: the config and
 * its arena.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config_int.h"

#define RECORD_VERSION 1

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	mem_freep(&c);
}

void
config_freep(struct config **c)
{
	config_free(*c);
	*c = NULL;
}

/* ---- lists ------------------------------------------------------------- */

static void
put_strings(struct buf *b, const struct config_strings *s)
{
	rec_put_cstrs(b, s->items, s->count);
}

static void
get_strings(struct rec *r, struct arena *a, struct config_strings *ret)
{
	ret->count = rec_count(r, CONFIG_ITEMS_MAX);
	ret->items = arena_array(a, ret->count, sizeof(*ret->items));
	for (size_t i = 0; ret->items != NULL && i < ret->count; i++)
		ret->items[i] = rec_cstr(r, a);
}

static void
put_providers(struct buf *b, const struct config *c)
{
	rec_put_u32(b, (uint32_t)c->provider_count);
	for (size_t i = 0; i < c->provider_count; i++) {
		const struct config_provider *p = &c->providers[i];

		rec_put_cstr(b, p->name);
		rec_put_cstr(b, p->format);
		rec_put_cstr(b, p->url);
		rec_put_cstr(b, p->model);
		rec_put_cstr(b, p->key_file);
		rec_put_cstr(b, p->key_env);
		put_strings(b, &p->key_command);
		put_strings(b, &p->command);
		rec_put_cstr(b, p->ca_file);
		rec_put_cstr(b, p->proxy);
		put_strings(b, &p->aliases);
		rec_put_cstr(b, p->token_field);
		rec_put_u8(b, p->no_schema);
		rec_put_u8(b, p->public_only);
	}
}

static void
get_providers(struct rec *r, struct config *c)
{
	struct arena *a = c->arena;

	c->provider_count = rec_count(r, CONFIG_ITEMS_MAX);
	c->providers = arena_array(a, c->provider_count, sizeof(*c->providers));
	for (size_t i = 0; c->providers != NULL && i < c->provider_count; i++) {
		struct config_provider *p = &c->providers[i];

		p->name = rec_cstr(r, a);
		p->format = rec_cstr(r, a);
		p->url = rec_cstr(r, a);
		p->model = rec_cstr(r, a);
		p->key_file = rec_cstr(r, a);
		p->key_env = rec_cstr(r, a);
		get_strings(r, a, &p->key_command);
		get_strings(r, a, &p->command);
		p->ca_file = rec_cstr(r, a);
		p->proxy = rec_cstr(r, a);
		get_strings(r, a, &p->aliases);
		p->token_field = rec_cstr(r, a);
		p->no_schema = rec_u8(r) != 0;
		p->public_only = rec_u8(r) != 0;
	}
}

static const size_t profile_lists[] = {
	offsetof(struct config_profile, write),
	offsetof(struct config_profile, read),
	offsetof(struct config_profile, hide),
	offsetof(struct config_profile, deny),
	offsetof(struct config_profile, protect),
	offsetof(struct config_profile, network),
	offsetof(struct config_profile, network_ech),
	offsetof(struct config_profile, env),
};

static const size_t profile_numbers[] = {
	offsetof(struct config_profile, memory_bytes),
	offsetof(struct config_profile, output_bytes),
	offsetof(struct config_profile, stream_bytes),
	offsetof(struct config_profile, file_bytes),
	offsetof(struct config_profile, tmp_bytes),
	offsetof(struct config_profile, disk_bytes),
	offsetof(struct config_profile, pids),
	offsetof(struct config_profile, files),
	offsetof(struct config_profile, cpu_percent),
	offsetof(struct config_profile, net_connections),
	offsetof(struct config_profile, net_up_bytes),
	offsetof(struct config_profile, net_down_bytes),
	offsetof(struct config_profile, net_rate_bytes),
};

static void
put_profile(struct buf *b, const struct config_profile *p)
{
	rec_put_cstr(b, p->name);
	rec_put_cstr(b, p->summary);
	rec_put_cstr(b, p->base);
	rec_put_cstr(b, p->where);
	for (size_t i = 0; i < ARRAY_LEN(profile_lists); i++) {
		struct config_strings list;

		memcpy(&list, (const char *)p + profile_lists[i], sizeof(list));
		put_strings(b, &list);
	}
	rec_put_u8(b, p->has_write);
	rec_put_u8(b, p->has_network);
	rec_put_u8(b, p->network_only);
	rec_put_u8(b, p->overlay);
	rec_put_u8(b, p->strict);
	rec_put_cstr(b, p->identity);
	rec_put_cstr(b, p->network_upstream);
	for (size_t i = 0; i < ARRAY_LEN(profile_numbers); i++) {
		uint64_t n;

		memcpy(&n, (const char *)p + profile_numbers[i], sizeof(n));
		rec_put_u64(b, n);
	}
	rec_put_i64(b, p->wall_ms);
	rec_put_i64(b, p->net_idle_ms);
}

static void
get_profile(struct rec *r, struct arena *a, struct config_profile *p)
{
	p->name = rec_cstr(r, a);
	p->summary = rec_cstr(r, a);
	p->base = rec_cstr(r, a);
	p->where = rec_cstr(r, a);
	for (size_t i = 0; i < ARRAY_LEN(profile_lists); i++) {
		struct config_strings list = { .count = 0 };

		get_strings(r, a, &list);
		memcpy((char *)p + profile_lists[i], &list, sizeof(list));
	}
	p->has_write = rec_u8(r) != 0;
	p->has_network = rec_u8(r) != 0;
	p->network_only = rec_u8(r) != 0;
	p->overlay = rec_u8(r) != 0;
	p->strict = rec_u8(r) != 0;
	p->identity = rec_cstr(r, a);
	p->network_upstream = rec_cstr(r, a);
	for (size_t i = 0; i < ARRAY_LEN(profile_numbers); i++) {
		const uint64_t n = rec_u64(r);

		memcpy((char *)p + profile_numbers[i], &n, sizeof(n));
	}
	p->wall_ms = rec_i64(r);
	p->net_idle_ms = rec_i64(r);
}

static void
put_profiles(struct buf *b, const struct config *c)
{
	rec_put_u32(b, (uint32_t)c->profile_count);
	for (size_t i = 0; i < c->profile_count; i++)
		put_profile(b, &c->profiles[i]);
}

static void
get_profiles(struct rec *r, struct config *c)
{
	struct arena *a = c->arena;

	c->profile_count = rec_count(r, CONFIG_ITEMS_MAX);
	c->profiles = arena_array(a, c->profile_count, sizeof(*c->profiles));
	for (size_t i = 0; c->profiles != NULL && i < c->profile_count; i++)
		get_profile(r, a, &c->profiles[i]);
}

static void
put_require(struct buf *b, const struct config *c)
{
	rec_put_u32(b, (uint32_t)c->require_count);
	for (size_t i = 0; i < c->require_count; i++) {
		rec_put_cstr(b, c->require[i].feature);
		rec_put_u64(b, c->require[i].min);
	}
}

static void
get_require(struct rec *r, struct config *c)
{
	c->require_count = rec_count(r, CONFIG_ITEMS_MAX);
	c->require =
	    arena_array(c->arena, c->require_count, sizeof(*c->require));
	for (size_t i = 0; c->require != NULL && i < c->require_count; i++) {
		c->require[i].feature = rec_cstr(r, c->arena);
		c->require[i].min = rec_u64(r);
	}
}

static void
put_rule_dirs(struct buf *b, const struct config *c)
{
	rec_put_u32(b, (uint32_t)c->rule_dir_count);
	for (size_t i = 0; i < c->rule_dir_count; i++) {
		rec_put_cstr(b, c->rule_dirs[i].path);
		rec_put_u8(b, c->rule_dirs[i].user);
		rec_put_u8(b, c->rule_dirs[i].requirements);
		rec_put_u8(b, c->rule_dirs[i].optional);
	}
}

static void
get_rule_dirs(struct rec *r, struct config *c)
{
	c->rule_dir_count = rec_count(r, CONFIG_ITEMS_MAX);
	c->rule_dirs =
	    arena_array(c->arena, c->rule_dir_count, sizeof(*c->rule_dirs));
	for (size_t i = 0; c->rule_dirs != NULL && i < c->rule_dir_count; i++) {
		c->rule_dirs[i].path = rec_cstr(r, c->arena);
		c->rule_dirs[i].user = rec_u8(r) != 0;
		c->rule_dirs[i].requirements = rec_u8(r) != 0;
		c->rule_dirs[i].optional = rec_u8(r) != 0;
	}
}

static void
put_ceiling(struct buf *b, const struct config_ceiling *c)
{
	put_strings(b, &c->approval_policy);
	put_strings(b, &c->approvals_reviewer);
	put_strings(b, &c->profiles);
	put_strings(b, &c->credentials);
	rec_put_cstr(b, c->file);
	rec_put_u32(b, (uint32_t)c->line_count);
	for (size_t i = 0; i < c->line_count; i++) {
		rec_put_cstr(b, c->lines[i].key);
		rec_put_u8(b, (uint8_t)c->lines[i].kind);
		put_strings(b, &c->lines[i].values);
		rec_put_cstr(b, c->lines[i].where);
	}
}

static void
get_ceiling(struct rec *r, struct arena *a, struct config_ceiling *c)
{
	get_strings(r, a, &c->approval_policy);
	get_strings(r, a, &c->approvals_reviewer);
	get_strings(r, a, &c->profiles);
	get_strings(r, a, &c->credentials);
	c->file = rec_cstr(r, a);
	c->line_count = rec_count(r, REQUIREMENTS_MAX);
	c->lines = arena_array(a, c->line_count, sizeof(*c->lines));
	for (size_t i = 0; c->lines != NULL && i < c->line_count; i++) {
		struct config_requirement *q = &c->lines[i];

		q->key = rec_cstr(r, a);
		q->kind = (enum requirement_kind)rec_u8(r);
		get_strings(r, a, &q->values);
		q->where = rec_cstr(r, a);
		if (q->key == NULL || q->where == NULL ||
		    q->kind == REQUIREMENT_INVALID ||
		    q->kind > REQUIREMENT_FORCED)
			r->failed = 1;
	}
}

static void
put_account(struct buf *b, const struct config_account *a)
{
	rec_put_cstr(b, a->name);
	rec_put_u32(b, a->uid);
	rec_put_u32(b, a->gid);
}

static void
get_account(struct rec *r, struct arena *a, struct config_account *to)
{
	to->name = rec_cstr(r, a);
	to->uid = rec_u32(r);
	to->gid = rec_u32(r);
	if (to->name == NULL || to->uid == 0 || to->gid == 0)
		r->failed = 1;
}

/* Without its workspaces and ports: they are the launcher's and the
 * supervisor's alone. */
static void
put_elevated(struct buf *b, const struct config_elevated *s)
{
	rec_put_u8(b, s->set_up);
	if (!s->set_up)
		return;
	rec_put_u8(b, s->ready);
	rec_put_cstr(b, s->why_not);
	put_account(b, &s->offline);
	rec_put_u32(b, (uint32_t)s->online_count);
	for (size_t i = 0; i < s->online_count; i++)
		put_account(b, &s->online[i]);
}

static void
get_elevated(struct rec *r, struct arena *a, struct config_elevated *s)
{
	s->set_up = rec_u8(r) != 0;
	if (!s->set_up)
		return;
	s->ready = rec_u8(r) != 0;
	s->why_not = rec_cstr(r, a);
	get_account(r, a, &s->offline);
	s->online_count = rec_count(r, ELEVATED_POOL_MAX);
	for (size_t i = 0; i < s->online_count; i++)
		get_account(r, a, &s->online[i]);
}

/* ---- settings by their rows -------------------------------------------- */

static void
put_setting(struct buf *b, const struct config *c, const struct setting *s)
{
	const char *at = (const char *)c + s->at;
	const char *text;
	unsigned value;
	int64_t ms;

	switch (s->kind) {
	case SETTING_ENUM:
	case SETTING_MASK:
		memcpy(&value, at, sizeof(value));
		rec_put_u32(b, value);
		break;
	case SETTING_DURATION:
	case SETTING_NUMBER:
		memcpy(&ms, at, sizeof(ms));
		rec_put_i64(b, ms);
		break;
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_ADDRESS:
	case SETTING_URL:
	case SETTING_SYSLOG:
		memcpy(&text, at, sizeof(text));
		rec_put_cstr(b, text);
		break;
	case SETTING_PROVIDERS:
		put_providers(b, c);
		break;
	case SETTING_PROFILES:
		put_profiles(b, c);
		break;
	case SETTING_REQUIRE:
		put_require(b, c);
		break;
	case SETTING_APPROVALS:
		for (size_t i = 0; i < ARRAY_LEN(c->approvals); i++)
			rec_put_u32(b, c->approvals[i]);
		for (size_t i = 0; i < ARRAY_LEN(c->approver_groups); i++)
			rec_put_cstr(b, c->approver_groups[i]);
		break;
	case SETTING_CREDENTIALS:
		config_put_credentials(b, c);
		break;
	}
}

static void
get_setting(struct rec *r, struct config *c, const struct setting *s)
{
	char *at = (char *)c + s->at;
	const char *text;
	unsigned value;
	int64_t ms;

	switch (s->kind) {
	case SETTING_ENUM:
		value = rec_u32(r);
		if (value == 0 || value >= s->name_count)
			r->failed = 1;
		else
			memcpy(at, &value, sizeof(value));
		break;
	case SETTING_MASK:
		value = rec_u32(r);
		memcpy(at, &value, sizeof(value));
		break;
	case SETTING_DURATION:
	case SETTING_NUMBER:
		ms = rec_i64(r);
		if (ms < s->min || ms > s->max)
			r->failed = 1;
		memcpy(at, &ms, sizeof(ms));
		break;
	case SETTING_TEXT:
	case SETTING_PATH:
	case SETTING_ADDRESS:
	case SETTING_URL:
	case SETTING_SYSLOG:
		text = rec_cstr(r, c->arena);
		memcpy(at, &text, sizeof(text));
		break;
	case SETTING_PROVIDERS:
		get_providers(r, c);
		break;
	case SETTING_PROFILES:
		get_profiles(r, c);
		break;
	case SETTING_REQUIRE:
		get_require(r, c);
		break;
	case SETTING_APPROVALS:
		for (size_t i = 0; i < ARRAY_LEN(c->approvals); i++)
			c->approvals[i] = rec_count(r, APPROVERS_MAX);
		for (size_t i = 0; i < ARRAY_LEN(c->approver_groups); i++) {
			text = rec_cstr(r, c->arena);
			(void)snprintf(c->approver_groups[i], GROUP_NAME_MAX,
			    "%s", text == NULL ? "" : text);
		}
		break;
	case SETTING_CREDENTIALS:
		config_get_credentials(r, c);
		break;
	}
}

static void
put_otlp_ways(struct buf *b, const struct config *c, bool secrets)
{
	for (unsigned i = 0; i < OTLP_SIGNALS; i++) {
		const struct config_otlp_way *w = &c->otlp_ways[i];

		rec_put_cstr(b, w->url);
		rec_put_u8(b, (uint8_t)w->protocol);
		rec_put_i64(b, w->timeout_ms);
		rec_put_u8(b, w->gzip);
		rec_put_cstr(b, w->ca_file);
		rec_put_cstr(b, secrets ? w->headers : NULL);
		rec_put_cstr(b, secrets ? w->cert : NULL);
		rec_put_cstr(b, secrets ? w->key : NULL);
	}
	rec_put_cstr(b, c->otlp_service);
	rec_put_cstr(b, c->otlp_resource);
}

static void
get_otlp_ways(struct rec *r, struct config *c)
{
	for (unsigned i = 0; i < OTLP_SIGNALS; i++) {
		struct config_otlp_way *w = &c->otlp_ways[i];

		w->url = rec_cstr(r, c->arena);
		w->protocol = (enum otlp_protocol)rec_u8(r);
		w->timeout_ms = rec_i64(r);
		w->gzip = rec_u8(r) != 0;
		w->ca_file = rec_cstr(r, c->arena);
		w->headers = rec_cstr(r, c->arena);
		w->cert = rec_cstr(r, c->arena);
		w->key = rec_cstr(r, c->arena);
		if (w->protocol > OTLP_JSON ||
		    (w->url != NULL && w->protocol == OTLP_INVALID))
			r->failed = 1;
	}
	c->otlp_service = rec_cstr(r, c->arena);
	c->otlp_resource = rec_cstr(r, c->arena);
}

void
config_encode(
    const struct config *c, enum config_secrets secrets, struct buf *out)
{
	const bool front =
	    secrets == SECRETS_OF_FRONT || secrets == SECRETS_ALL;
	const bool reporter =
	    secrets == SECRETS_OF_REPORTER || secrets == SECRETS_ALL;
	const bool engine =
	    secrets == SECRETS_OF_ENGINE || secrets == SECRETS_ALL;

	rec_put_u16(out, RECORD_VERSION);
	for (size_t i = 0; i < setting_count; i++)
		put_setting(out, c, &settings[i]);
	rec_put_cstr(out, front ? c->token : NULL);
	rec_put_cstr(out, engine ? c->passphrases : NULL);
	rec_put_cstr(out, reporter ? c->otlp_headers : NULL);
	rec_put_cstr(out, reporter ? c->webhook_key : NULL);
	rec_put_cstr(out, reporter ? c->telemetry_cert : NULL);
	rec_put_cstr(out, reporter ? c->telemetry_key : NULL);
	put_otlp_ways(out, c, reporter);
	put_rule_dirs(out, c);
	put_ceiling(out, &c->ceiling);
	put_elevated(out, &c->elevated_setup);
	rec_put_cstr(out, c->state_dir);
	rec_put_cstr(out, c->runtime_dir);
	rec_put_cstr(out, c->home);
}

int
config_decode(struct str record, struct config **ret, struct err *e)
{
	AUTO(config_freep) struct config *c = mem_new(1, sizeof(*c));
	struct rec r = rec_of(record);

	if (c == NULL)
		return err_nomem(e);
	c->arena = arena_new(CONFIG_ARENA_MAX);
	if (c->arena == NULL)
		return err_nomem(e);
	if (rec_u16(&r) != RECORD_VERSION)
		return err_set(
		    e, ERR_INVALID, "configuration of another version");
	for (size_t i = 0; i < setting_count; i++)
		get_setting(&r, c, &settings[i]);
	c->token = rec_cstr(&r, c->arena);
	c->passphrases = rec_cstr(&r, c->arena);
	c->otlp_headers = rec_cstr(&r, c->arena);
	c->webhook_key = rec_cstr(&r, c->arena);
	c->telemetry_cert = rec_cstr(&r, c->arena);
	c->telemetry_key = rec_cstr(&r, c->arena);
	get_otlp_ways(&r, c);
	get_rule_dirs(&r, c);
	get_ceiling(&r, c->arena, &c->ceiling);
	get_elevated(&r, c->arena, &c->elevated_setup);
	c->state_dir = rec_cstr(&r, c->arena);
	c->runtime_dir = rec_cstr(&r, c->arena);
	c->home = rec_cstr(&r, c->arena);
	if (arena_failed(c->arena))
		return err_nomem(e);
	if (rec_done(&r, e) != 0)
		return err_wrap(e, ERR_INVALID, "configuration");
	if (c->state_dir == NULL || c->runtime_dir == NULL)
		return err_set(e, ERR_INVALID, "configuration without folders");
	*ret = TAKE_PTR(c);
	return ERR_OK;
}

/* ---- questions --------------------------------------------------------- */

bool
config_has_otlp(const struct config *c)
{
	for (unsigned i = 0; i < OTLP_SIGNALS; i++) {
		if (c->otlp_ways[i].url != NULL)
			return true;
	}
	return false;
}

unsigned
config_destinations(const struct config *c)
{
	return (unsigned)config_has_otlp(c) + (c->syslog != NULL) +
	    (c->journal != NULL) + (c->telemetry_file != NULL) +
	    (c->webhook != NULL);
}

bool
config_is_destination(const char *name)
{
	static const char *const names[] = { "otlp", "syslog", "journal",
		"file", "webhook" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

bool
config_has_destination(const struct config *c)
{
	return config_destinations(c) > 0;
}

bool
config_profile_allowed(const struct config *c, const char *profile)
{
	const struct config_strings *list = &c->ceiling.profiles;

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], profile) == 0)
			return true;
	}
	/* Without a sandbox only where the administrator says so. */
	return list->count == 0 && strcmp(profile, "danger-full-access") != 0;
}

const struct config_profile *
config_profile(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->profile_count; i++) {
		if (strcmp(c->profiles[i].name, name) == 0)
			return &c->profiles[i];
	}
	return NULL;
}
