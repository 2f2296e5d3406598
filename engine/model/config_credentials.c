/*
 * The credentials of the broker: which there are, for whom, where.
 * Runs in: supervisor, tools.  Trusts: nothing in the file.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "config_int.h"

#define HEADER_BYTES_MAX 512
#define VARIABLE_MAX 64

static void
read_file(struct reading *r, const struct yaml *v, void *to)
{
	const char *path;

	if (!config_scalar(r, v, "a file"))
		return;
	path = config_path(r, v, "a file of a credential");
	memcpy(to, &path, sizeof(path));
}

static void
read_flag(struct reading *r, const struct yaml *v, void *to)
{
	const bool on = v->kind == YAML_SCALAR && str_eqz(v->text, "true");

	if (!on && !(v->kind == YAML_SCALAR && str_eqz(v->text, "false")))
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", NULL,
		    "this key is true or false");
	memcpy(to, &on, sizeof(on));
}

static void
read_words(struct reading *r, const struct yaml *v, void *to)
{
	struct config_strings got = { .count = 0 };

	if (!config_read_strings(r, v, "this key", &got))
		return;
	if (got.count == 0)
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", "leave the key out",
		    "an empty list is nobody");
	memcpy(to,
	    &(struct credential_list){
		.items = got.items,
		.count = got.count,
	    },
	    sizeof(struct credential_list));
}

#define AT(member) offsetof(struct config_credential, member)

static const struct config_entry entries[] = {
	{ "name", config_read_text, AT(name) },
	{ "kind", config_read_text, AT(kind_name) },
	{ "hosts", read_words, AT(hosts) },
	{ "header", config_read_text, AT(header) },
	{ "username", config_read_text, AT(username) },
	{ "variable", config_read_text, AT(variable) },
	{ "ca_file", read_file, AT(ca_file) },
	{ "host_keys", read_words, AT(host_keys) },
	{ "ask", read_flag, AT(ask) },
	{ "plaintext", read_flag, AT(plaintext) },
	{ "profiles", read_words, AT(profiles) },
	{ "sessions", read_words, AT(sessions) },
	{ "agents", read_words, AT(agents) },
	{ "users", read_words, AT(users) },
	{ "file", read_file, AT(file) },
	{ "env", config_read_text, AT(env) },
	{ "systemd", config_read_text, AT(systemd) },
	{ "agent", config_read_text, AT(agent) },
	{ "public_key", config_read_text, AT(public_key) },
	{ "secret_service", read_words, AT(secret_service) },
	{ "command", read_words, AT(command) },
};
_Static_assert(ARRAY_LEN(entries) <= CONFIG_ENTRIES_MAX, "names have room");

struct checking {
	struct reading *r;
	const struct yaml *at;
	const struct config_credential *c;
};

static void
refuse(const struct checking *k, const char *key, const char *hint,
    const char *what)
{
	const struct yaml *v = key == NULL ? NULL : yaml_get(k->at, key);

	yaml_diag(k->r->diags, v == NULL ? k->at : v, DIAG_ERROR, "E207", hint,
	    "credential '%s' %s", k->c->name, what);
}

static bool
is_made_of(const char *text, size_t len_max, const char *of)
{
	const size_t len = strlen(text);

	return len > 0 && len <= len_max && strspn(text, of) == len;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* "Name: ...{}...": a name of a header, and where the secret goes. */
static const char *
header_wrong(const char *header)
{
	const struct str h = str_of(header);
	const size_t colon = str_find(h, ':');
	const size_t at = str_search(h, STR("{}"));

	if (h.len > HEADER_BYTES_MAX || colon == 0 || colon + 1 >= h.len)
		return "has a header without a name and a value";
	for (size_t i = 0; i < h.len; i++) {
		if (h.s[i] < ' ' || h.s[i] > '~')
			return "has a header with a character that none has";
	}
	if (strcspn(header, " \t") < colon)
		return "has a header whose name has a blank";
	if (at == h.len || at < colon ||
	    str_search(str_from(h, at + 2), STR("{}")) + at + 2 != h.len)
		return "has a header that does not say once, by {}, where the "
		       "secret goes";
	return NULL;
}

/* These say how a request is read; they are not for secrets. */
static bool
is_framing(const char *header)
{
	static const char *const names[] = { "host", "content-length",
		"transfer-encoding", "connection", "upgrade", "te", "trailer",
		"expect" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const size_t len = strlen(names[i]);

		if (strncasecmp(header, names[i], len) == 0 &&
		    header[len] == ':')
			return true;
	}
	return false;
}

static void
check_header(const struct checking *k)
{
	const struct config_credential *c = k->c;
	const char *wrong = c->header == NULL ? NULL : header_wrong(c->header);

	if (credential_kind_of(c) == CREDENTIAL_HEADER && c->header == NULL)
		refuse(k, NULL, "header: 'Authorization: Bearer {}'",
		    "names no header");
	if (credential_kind_of(c) != CREDENTIAL_HEADER && c->header != NULL)
		refuse(k, "header", NULL,
		    "has a header, which only kind "
		    "header has");
	if (wrong != NULL)
		refuse(
		    k, "header", "header: 'Authorization: Bearer {}'", wrong);
	else if (c->header != NULL && is_framing(c->header))
		refuse(k, "header", NULL,
		    "sets a header that says how a request is read");
}

static void
check_username(const struct checking *k)
{
	const struct config_credential *c = k->c;
	const enum credential_kind kind = credential_kind_of(c);

	if (kind == CREDENTIAL_GIT && c->username == NULL)
		refuse(k, NULL, "username: x-access-token", "names no user");
	if (c->username == NULL)
		return;
	if (kind != CREDENTIAL_GIT && kind != CREDENTIAL_SSH)
		refuse(k, "username", NULL,
		    "has a username, which only kinds git and ssh have");
	/* It goes into the configuration of git, and into a header. */
	if (!is_made_of(c->username, VARIABLE_MAX, LOWER UPPER DIGITS "-_.@+"))
		refuse(k, "username", "up to 64 of a-z A-Z 0-9 - _ . @ +",
		    "has a username that is not plain");
}

static void
check_hosts(const struct checking *k)
{
	const struct config_credential *c = k->c;

	if (c->hosts.count == 0)
		refuse(k, NULL, "hosts: [git.example.com]", "names no host");
	for (size_t i = 0; i < c->hosts.count; i++) {
		const char *wrong = credential_host_wrong(c->hosts.items[i]);

		if (wrong != NULL)
			refuse(k, "hosts", wrong,
			    "has a host that cannot be used");
	}
}

/* A run that has it can do with it what it likes, so nobody has it unless
 * a profile was named. */
static void
check_value(const struct checking *k)
{
	const struct config_credential *c = k->c;

	if (c->variable == NULL)
		refuse(k, NULL, "variable: SIGNING_KEY_FD",
		    "of kind value needs a variable that tells the run which "
		    "descriptor it is");
	if (c->profiles.count == 0)
		refuse(k, NULL, "profiles: [release]",
		    "of kind value names no profile; each run would have it");
	if (c->hosts.count > 0)
		refuse(k, "hosts", NULL,
		    "of kind value is for no host: the run itself has it, and "
		    "can send it wherever its network leads");
}

static void
check_variable(const struct checking *k)
{
	const struct config_credential *c = k->c;
	const enum credential_kind kind = credential_kind_of(c);

	if (c->variable == NULL)
		return;
	if (kind == CREDENTIAL_SSH)
		refuse(k, "variable", NULL, "of kind ssh needs no variable");
	if (!is_made_of(c->variable, VARIABLE_MAX, UPPER DIGITS "_") ||
	    strchr(DIGITS, c->variable[0]) != NULL ||
	    strncmp(c->variable, "LD_", 3) == 0)
		refuse(k, "variable", "up to 64 of A-Z 0-9 _",
		    "has a variable that is not plain");
}

static void
check_kind(const struct checking *k)
{
	const struct config_credential *c = k->c;

	if (c->plaintext && !credential_is_injected(c))
		refuse(k, "plaintext", NULL,
		    "is never sent over http; only kinds header and git are");
	if (c->ca_file != NULL && !credential_is_injected(c))
		refuse(k, "ca_file", NULL,
		    "has a ca_file, which only kinds header and git have");
	if (c->host_keys.count > 0 && credential_kind_of(c) != CREDENTIAL_SSH)
		refuse(k, "host_keys", NULL,
		    "has host_keys, which only kind ssh has");
	for (size_t i = 0; i < c->users.count; i++) {
		uint64_t uid;

		if (num_parse_u64(str_of(c->users.items[i]), 0, UINT32_MAX - 1,
			&uid) != 0)
			refuse(k, "users", "users: [1000]",
			    "names users otherwise than by number");
	}
}

/* Which key is said here, not by whatever the agent holds then. */
static void
check_agent(const struct checking *k)
{
	const struct config_credential *c = k->c;
	const bool ssh = credential_kind_of(c) == CREDENTIAL_SSH;

	if (c->agent != NULL && !ssh)
		refuse(k, "agent", NULL,
		    "has its secret in an agent, which only kind ssh can");
	if (c->agent != NULL && c->agent[0] != '/' &&
	    !is_made_of(c->agent, VARIABLE_MAX, LOWER UPPER DIGITS "_"))
		refuse(k, "agent", "agent: SSH_AUTH_SOCK, or a path from /",
		    "names no socket of an agent");
	if (c->agent != NULL && c->public_key == NULL)
		refuse(k, "agent", "public_key: a line of 'ssh-add -L'",
		    "does not say which key of the agent it is");
	if (c->public_key != NULL && c->agent == NULL)
		refuse(k, "public_key", NULL,
		    "has a public_key, which only one in an agent needs");
}

static void
check_source(const struct checking *k)
{
	const struct config_credential *c = k->c;
	const int sources = (c->file != NULL) + (c->env != NULL) +
	    (c->systemd != NULL) + (c->agent != NULL) +
	    (c->secret_service.count > 0) + (c->command.count > 0);

	if (sources != 1)
		refuse(k, NULL,
		    "file, env, systemd, agent, secret_service or command",
		    "has to say in one way where its secret is");
	if (c->env != NULL &&
	    !is_made_of(c->env, VARIABLE_MAX, LOWER UPPER DIGITS "_"))
		refuse(k, "env", NULL, "names no variable");
	if (c->systemd != NULL &&
	    (!is_made_of(c->systemd, 255, LOWER UPPER DIGITS "-_.@") ||
		c->systemd[0] == '.'))
		refuse(k, "systemd", "the ID of LoadCredentialEncrypted=",
		    "names no credential of systemd");
	if (c->secret_service.count % 2 != 0)
		refuse(k, "secret_service", "[service, github, account, me]",
		    "has an attribute without a value");
	if (c->command.count > 0 && c->command.items[0][0] != '/')
		refuse(k, "command", "write the program's whole path, from /",
		    "starts a program by half a path");
}

static void
check_credential(
    struct reading *r, const struct yaml *v, const struct config_credential *c)
{
	const struct checking k = { .r = r, .at = v, .c = c };

	if (c->name == NULL || c->kind_name == NULL) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E207", NULL,
		    "a credential has a name and a kind");
		return;
	}
	if (!is_made_of(c->name, CREDENTIAL_NAME_MAX, LOWER DIGITS "-_."))
		refuse(&k, "name", "up to 32 of a-z 0-9 - _ .",
		    "has a name that is not plain");
	if (credential_kind_of(c) == CREDENTIAL_INVALID) {
		refuse(&k, "kind", "header, git, ssh or value",
		    "has an unknown kind");
		return;
	}
	if (credential_kind_of(c) == CREDENTIAL_VALUE)
		check_value(&k);
	else
		check_hosts(&k);
	check_header(&k);
	check_username(&k);
	check_variable(&k);
	check_kind(&k);
	check_agent(&k);
	check_source(&k);
}

static void
check_names(struct reading *r, const struct yaml *v)
{
	const struct config *c = r->config;

	for (size_t i = 0; i < c->credential_count; i++) {
		const struct checking k = {
			.r = r, .at = &v->items[i], .c = &c->credentials[i]
		};

		for (size_t j = 0; j < i; j++) {
			if (k.c->name != NULL &&
			    c->credentials[j].name != NULL &&
			    strcmp(k.c->name, c->credentials[j].name) == 0)
				refuse(&k, "name", NULL, "is there twice");
		}
	}
}

void
config_read_credentials(struct reading *r, const struct yaml *v)
{
	struct config *c = r->config;

	if (!config_is_kind(r, v, YAML_LIST, "credentials"))
		return;
	if (v->count > CREDENTIALS_MAX) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E202", NULL,
		    "at most %d credentials", CREDENTIALS_MAX);
		return;
	}
	c->credentials =
	    arena_array(r->arena, v->count, sizeof(*c->credentials));
	if (c->credentials == NULL)
		return;
	c->credential_count = v->count;
	for (size_t i = 0; i < v->count; i++) {
		if (!config_is_kind(r, &v->items[i], YAML_MAP, "a credential"))
			continue;
		config_read_entries(r, &v->items[i], entries,
		    ARRAY_LEN(entries), &c->credentials[i]);
		check_credential(r, &v->items[i], &c->credentials[i]);
	}
	check_names(r, v);
}
