/*
 * What only requirements.yaml can say (hosts, clients, rules), and all of
 * its words kept with their places.
 * Runs in: supervisor, tools.  Trusts: nothing in the file (its owner was
 * checked).  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "config_int.h"
#include "model/host_pattern.h"
#include "model/requirements.h"

#define FLOW_BYTES_MAX ((size_t)4096)
#define PLACE_MAX 4352
#define HOST_BYTES_MAX 512

static const struct {
	const char *word;
	enum requirement_kind kind;
} kinds[] = {
	{ "allowed", REQUIREMENT_ALLOWED },
	{ "denied", REQUIREMENT_DENIED },
	{ "forced", REQUIREMENT_FORCED },
};

/* ---- kept -------------------------------------------------------------- */

/* As it would be written on one line. */
static void
put_flow(const struct yaml *v, struct buf *out)
{
	if (v->kind == YAML_SCALAR) {
		buf_put_str(out, v->text);
		return;
	}
	buf_puts(out, v->kind == YAML_LIST ? "[" : "{");
	for (size_t i = 0; i < v->count; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		if (v->kind == YAML_MAP)
			buf_printf(out, "%.*s: ", STR_ARG(v->keys[i].text));
		put_flow(&v->items[i], out);
	}
	buf_puts(out, v->kind == YAML_LIST ? "]" : "}");
}

static const char *
flow(struct reading *r, const struct yaml *v)
{
	AUTO_BUF struct buf text = BUF_INIT(FLOW_BYTES_MAX);

	put_flow(v, &text);
	if (text.failed == ERR_LIMIT)
		return "(long)";
	if (text.failed != 0) {
		r->no_memory = true;
		return NULL;
	}
	return arena_strndup(r->arena, buf_cstr(&text), text.len);
}

static struct config_requirement *
new_line(struct reading *r, const struct yaml *at)
{
	struct config_ceiling *c = &r->config->ceiling;

	if (c->lines == NULL)
		c->lines =
		    arena_array(r->arena, REQUIREMENTS_MAX, sizeof(*c->lines));
	if (c->lines == NULL)
		return NULL;
	if (c->line_count == REQUIREMENTS_MAX) {
		yaml_diag(r->diags, at, DIAG_ERROR, "E203", NULL,
		    "more than %d requirements", REQUIREMENTS_MAX);
		return NULL;
	}
	return &c->lines[c->line_count];
}

void
requirement_keep(struct reading *r, const char *key, enum requirement_kind kind,
    const struct yaml *v)
{
	struct config_requirement *q = new_line(r, v);
	const size_t count = v->kind == YAML_LIST ? v->count : 1;
	char where[PLACE_MAX];

	if (q == NULL)
		return;
	(void)snprintf(where, sizeof(where), "%s:%u", v->file, v->line);
	q->key = arena_strdup(r->arena, key);
	q->kind = kind;
	q->where = arena_strdup(r->arena, where);
	q->values.items =
	    arena_array(r->arena, count, sizeof(*q->values.items));
	if (q->key == NULL || q->where == NULL || q->values.items == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		q->values.items[i] =
		    flow(r, v->kind == YAML_LIST ? &v->items[i] : v);
	q->values.count = count;
	r->config->ceiling.line_count++;
}

/* ---- what only requirements say ---------------------------------------- */

static void
check_hosts(struct reading *r, const struct yaml *v)
{
	for (size_t i = 0; i < v->count; i++) {
		if (!host_pattern_valid(v->items[i].text))
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    "example.com, *.example.com:443, 10.0.0.0/8, "
			    "[2001:db8::1]:22 or *",
			    "'%.*s' is no pattern for hosts",
			    STR_ARG(v->items[i].text));
	}
}

static void
check_layers(struct reading *r, const struct yaml *v)
{
	static const char *const layers[] = { "requirements", "organisation",
		"user" };

	for (size_t i = 0; i < v->count; i++) {
		bool known = false;

		for (size_t n = 0; n < ARRAY_LEN(layers); n++)
			known = known || str_eqz(v->items[i].text, layers[n]);
		if (!known)
			yaml_diag(r->diags, &v->items[i], DIAG_ERROR, "E203",
			    "requirements, organisation, user; rules of a "
			    "repository may only tighten",
			    "'%.*s' is no layer that could cover",
			    STR_ARG(v->items[i].text));
	}
}

static void
check_dirs(struct reading *r, const struct yaml *v)
{
	for (size_t i = 0; i < v->count; i++)
		(void)config_path(r, &v->items[i], "rules.directories");
}

static void
check_nothing(struct reading *r, const struct yaml *v)
{
	(void)r;
	(void)v;
}

#define KIND(k) (1u << (k))

static const struct special {
	const char *key;
	unsigned kinds;
	void (*check)(struct reading *r, const struct yaml *v);
} specials[] = {
	{ "hosts", KIND(REQUIREMENT_ALLOWED) | KIND(REQUIREMENT_DENIED),
	    check_hosts },
	{ "clients", KIND(REQUIREMENT_ALLOWED), check_nothing },
	{ "rules.cover", KIND(REQUIREMENT_ALLOWED), check_layers },
	{ "rules.directories",
	    KIND(REQUIREMENT_ALLOWED) | KIND(REQUIREMENT_FORCED), check_dirs },
};

bool
requirement_is_section(struct str key)
{
	return str_eqz(key, "rules");
}

static void
read_kind(struct reading *r, const struct special *s, const struct yaml *key,
    const struct yaml *v)
{
	const char *words[ARRAY_LEN(kinds)];
	struct config_strings list;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if ((s->kinds & KIND(kinds[i].kind)) == 0)
			continue;
		words[n++] = kinds[i].word;
		if (!str_eqz(key->text, kinds[i].word))
			continue;
		if (requirement_list(r, v, kinds[i].word, &list)) {
			s->check(r, v);
			requirement_keep(r, s->key, kinds[i].kind, v);
		}
		return;
	}
	config_unknown_key(r, key, words, n);
}

bool
requirement_list(struct reading *r, const struct yaml *v, const char *what,
    struct config_strings *ret)
{
	if (!config_read_strings(r, v, what, ret))
		return false;
	if (ret->count > 0)
		return true;
	yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
	    "an empty list permits nothing");
	return false;
}

bool
requirement_read(struct reading *r, struct str key, const struct yaml *v)
{
	for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
		if (!str_eqz(key, specials[i].key))
			continue;
		if (v->kind != YAML_MAP)
			yaml_diag(r->diags, v, DIAG_ERROR, "E202",
			    "write {allowed: [...]}",
			    "a requirement on %s says what is allowed",
			    specials[i].key);
		for (size_t n = 0; v->kind == YAML_MAP && n < v->count; n++)
			read_kind(r, &specials[i], &v->keys[n], &v->items[n]);
		return true;
	}
	return false;
}

/* ---- what was chosen before -------------------------------------------- */

static void
hold_profile(struct reading *r, const struct config_profile *p)
{
	const struct config_requirement *q;
	AUTO_BUF struct buf why = BUF_INIT(FLOW_BYTES_MAX);
	char host[HOST_BYTES_MAX]; /* cut off it is another, which is none */

	for (size_t i = 0; i < p->network.count; i++) {
		(void)snprintf(host, sizeof(host), "%.*s",
		    (int)strcspn(p->network.items[i], " "),
		    p->network.items[i]);
		if (requirements_permit_host(&r->config->ceiling, host, &q))
			continue;
		buf_reset(&why);
		requirement_put(q, &why);
		yaml_diag(r->diags, config_place_of(r, "profiles"), DIAG_ERROR,
		    "E205", NULL,
		    "profile '%s' (%s) reaches '%s', which is not permitted: "
		    "%s",
		    p->name, p->where, p->network.items[i], buf_cstr(&why));
	}
}

void
requirements_hold_hosts(struct reading *r)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->profile_count; i++)
		hold_profile(r, &c->profiles[i]);
}

/* By the address that it is asked at, or by its program. */
static bool
is_permitted_provider(
    const struct config_provider *p, const struct config_strings *list)
{
	const char *at = p->url != NULL ? p->url
	    : p->command.count > 0      ? p->command.items[0]
					: NULL;

	for (size_t i = 0; at != NULL && i < list->count; i++) {
		const size_t len = strlen(list->items[i]);

		if (strncmp(at, list->items[i], len) == 0 &&
		    (at[len] == '\0' || at[len] == '/'))
			return true;
	}
	return false;
}

void
requirements_hold_providers(
    struct reading *r, const struct yaml *v, const struct config_strings *list)
{
	const struct config *c = r->config;
	const struct yaml *given = config_place_of(r, "reviewer.providers");

	for (size_t i = 0; i < c->provider_count; i++) {
		if (is_permitted_provider(&c->providers[i], list))
			continue;
		yaml_diag(r->diags, given == NULL ? v : given, DIAG_ERROR,
		    "E205", NULL, "reviewer '%s' is not permitted: see %s:%u",
		    c->providers[i].name, v->file, v->line);
	}
}
