/*
 * The providers of the reviewer: which there are, where, with whose key.
 * Runs in: supervisor, tools.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "config_int.h"
#include "model/provider_url.h"

#define PROVIDERS_MAX 8
#define PROVIDER_NAME_MAX 32
#define MODEL_NAME_MAX 128

static void
read_path(struct reading *r, const struct yaml *v, void *to)
{
	const char *path;

	if (!config_scalar(r, v, "a file"))
		return;
	path = config_path(r, v, "a file of a provider");
	memcpy(to, &path, sizeof(path));
}

/* "a" or "b": true for b. */
static bool
read_choice(
    struct reading *r, const struct yaml *v, const char *a, const char *b)
{
	if (v->kind == YAML_SCALAR &&
	    (str_eqz(v->text, a) || str_eqz(v->text, b)))
		return str_eqz(v->text, b);
	yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
	    "this key is '%s' or '%s'", a, b);
	return false;
}

static void
read_schema(struct reading *r, const struct yaml *v, void *to)
{
	const bool off = read_choice(r, v, "on", "off");

	memcpy(to, &off, sizeof(off));
}

static void
read_addresses(struct reading *r, const struct yaml *v, void *to)
{
	const bool public_only = read_choice(r, v, "any", "public");

	memcpy(to, &public_only, sizeof(public_only));
}

#define AT(member) offsetof(struct config_provider, member)

static const struct config_entry entries[] = {
	{ "name", config_read_text, AT(name) },
	{ "format", config_read_text, AT(format) },
	{ "url", config_read_text, AT(url) },
	{ "model", config_read_text, AT(model) },
	{ "key_file", read_path, AT(key_file) },
	{ "key_env", config_read_text, AT(key_env) },
	{ "key_command", config_read_list, AT(key_command) },
	{ "command", config_read_list, AT(command) },
	{ "ca_file", read_path, AT(ca_file) },
	{ "proxy", config_read_text, AT(proxy) },
	{ "aliases", config_read_list, AT(aliases) },
	{ "token_field", config_read_text, AT(token_field) },
	{ "schema", read_schema, AT(no_schema) },
	{ "addresses", read_addresses, AT(public_only) },
};
_Static_assert(ARRAY_LEN(entries) <= CONFIG_ENTRIES_MAX, "names have room");

static const char *const format_names[] = {
	"responses",
	"chat",
	"messages",
	"azure",
	"command",
};

static bool
is_plain_name(const char *name)
{
	const size_t len = strlen(name);

	return len > 0 && len <= PROVIDER_NAME_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

static void
refuse(struct reading *r, const struct yaml *v, const char *name,
    const char *what, const char *hint)
{
	yaml_diag(r->diags, v, DIAG_ERROR, "E206", hint, "provider '%s' %s",
	    name, what);
}

static void
check_url(
    struct reading *r, const struct yaml *v, const struct config_provider *p)
{
	struct provider_url url;
	const char *why = NULL;

	if (provider_url_parse(p->url, &url, &why) != 0)
		refuse(r, v, p->name, "has a url that cannot be used", why);
	if (p->proxy != NULL && provider_url_parse(p->proxy, &url, &why) != 0 &&
	    strncmp(p->proxy, "http://", 7) != 0)
		refuse(r, v, p->name, "has a proxy that cannot be used",
		    "write http://host:port or https://host:port");
	if (p->model == NULL || p->model[0] == '\0' ||
	    strlen(p->model) > MODEL_NAME_MAX)
		refuse(r, v, p->name, "names no model", "add model: NAME");
}

/* A program is started by the supervisor, by its whole path. */
static void
check_program(struct reading *r, const struct yaml *v, const char *name,
    const struct config_strings *command)
{
	if (command->count > 0 && command->items[0][0] != '/')
		refuse(r, v, name, "starts a program by half a path",
		    "write the program's whole path, from /");
}

static void
check_keys(
    struct reading *r, const struct yaml *v, const struct config_provider *p)
{
	const int sources = (p->key_file != NULL) + (p->key_env != NULL) +
	    (p->key_command.count > 0);

	if (sources > 1)
		refuse(r, v, p->name, "has more than one key",
		    "keep one of key_file, key_env, key_command");
	if (sources > 0 && p->command.count > 0)
		refuse(r, v, p->name, "is a program and takes no key",
		    "let the program find its own key");
	if (p->token_field != NULL &&
	    strcmp(p->token_field, "max_tokens") != 0 &&
	    strcmp(p->token_field, "max_completion_tokens") != 0)
		refuse(r, v, p->name, "has an unknown token_field",
		    "max_completion_tokens or max_tokens");
	check_program(r, v, p->name, &p->key_command);
	check_program(r, v, p->name, &p->command);
}

static void
check_provider(
    struct reading *r, const struct yaml *v, const struct config_provider *p)
{
	const size_t before = diags_errors(r->diags);

	if (p->name == NULL || p->format == NULL) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E206", NULL,
		    "a provider has a name and a format");
		return;
	}
	if (!is_plain_name(p->name))
		refuse(r, v, p->name, "has a name that is not plain",
		    "up to 32 of a-z 0-9 - _ .");
	if (!str_is_one_of(
		str_of(p->format), format_names, ARRAY_LEN(format_names)))
		refuse(r, v, p->name, "has an unknown format",
		    "responses, chat, messages, azure or command");
	if ((p->url == NULL) == (p->command.count == 0))
		refuse(r, v, p->name, "has either a url or a command", NULL);
	if (diags_errors(r->diags) != before)
		return;
	if ((strcmp(p->format, "command") == 0) != (p->command.count > 0))
		refuse(r, v, p->name,
		    "mixes format command with another format", NULL);
	if (p->url != NULL)
		check_url(r, v, p);
	check_keys(r, v, p);
}

static void
check_names(struct reading *r, const struct yaml *v)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->provider_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (c->providers[i].name != NULL &&
			    c->providers[k].name != NULL &&
			    strcmp(c->providers[i].name,
				c->providers[k].name) == 0)
				refuse(r, &v->items[i], c->providers[i].name,
				    "is there twice", NULL);
		}
	}
}

void
config_read_providers(struct reading *r, const struct yaml *v)
{
	struct config *c = r->config;

	if (!config_is_kind(r, v, YAML_LIST, "reviewer.providers"))
		return;
	if (v->count > PROVIDERS_MAX) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202", NULL,
		    "at most %d providers", PROVIDERS_MAX);
		return;
	}
	c->providers = arena_array(r->arena, v->count, sizeof(*c->providers));
	if (c->providers == NULL)
		return;
	c->provider_count = v->count;
	for (size_t i = 0; i < v->count; i++) {
		if (!config_is_kind(r, &v->items[i], YAML_MAP, "a provider"))
			continue;
		config_read_entries(r, &v->items[i], entries,
		    ARRAY_LEN(entries), &c->providers[i]);
		check_provider(r, &v->items[i], &c->providers[i]);
	}
	check_names(r, v);
}
