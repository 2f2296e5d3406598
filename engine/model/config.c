/*
 * Loading the configuration: the file, then the administrator's
 * requirements over it, then what only makes sense together.
 * Runs in: supervisor, tools.  Trusts: nothing in files; owners are checked.
 * Owns: the config that it builds.
 */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/passphrase.h"
#include "config_int.h"

/* ERR_NOTFOUND when the file is not there. */
static int
read_yaml(struct reading *r, const char *path, enum config_owner owner,
    struct yaml *ret, struct err *e)
{
	struct str text = STR_NONE;
	int rc = config_read_owned(path, owner, r->arena, &text, e);

	if (rc != 0)
		return rc;
	return yaml_parse(path, text, r->arena, r->diags, ret, e);
}

static int
read_config_file(
    struct reading *r, const char *given, struct yaml *root, struct err *e)
{
	const char *path = given;
	int rc = ERR_OK;

	if (given == NULL)
		rc = config_default_file(
		    r->config, "config.yaml", false, &path, e);
	if (rc != 0 || path == NULL)
		return rc;
	rc = read_yaml(r, path, OWNER_EITHER, root, e);
	if (rc == ERR_NOTFOUND && given == NULL)
		return ERR_OK;
	if (rc != 0)
		return rc;
	settings_read_map(r, root);
	return ERR_OK;
}

/* A plain user must not get around the machine's by naming others. */
static int
requirements_path(
    struct reading *r, const char *given, const char **ret, struct err *e)
{
	const char *machine = NULL;
	const int rc = config_default_file(
	    r->config, "requirements.yaml", true, &machine, e);

	if (rc != 0)
		return rc;
	/* One that cannot be looked at is there, too. */
	if (given != NULL && geteuid() != 0 &&
	    (access(machine, F_OK) == 0 ||
		(errno != ENOENT && errno != ENOTDIR)))
		return err_set(e, ERR_DENIED,
		    "'%s' holds for this machine; --requirements is for root",
		    machine);
	*ret = given == NULL ? machine : given;
	return ERR_OK;
}

static int
read_requirements(
    struct reading *r, const char *given, struct yaml *root, struct err *e)
{
	const char *path = NULL;
	int rc = requirements_path(r, given, &path, e);

	if (rc != 0)
		return rc;
	rc = read_yaml(
	    r, path, given == NULL ? OWNER_ROOT : OWNER_EITHER, root, e);
	if (rc == ERR_NOTFOUND && given == NULL)
		return ERR_OK;
	if (rc != 0)
		return rc;
	r->config->ceiling.file = arena_strdup(r->arena, path);
	config_apply_ceiling(r, root);
	return ERR_OK;
}

const struct yaml *
config_place_of(const struct reading *r, const char *key)
{
	const struct setting *s = setting_find(str_of(key));

	return r->given[s - settings];
}

static bool
is_plain_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] != '\n' && s.s[i] != '\t' &&
		    (s.s[i] < ' ' || s.s[i] >= 0x7f))
			return false;
	}
	return true;
}

/* Its lines are for those to judge who need them; here only that it is
 * private and text. */
int
config_read_secret(struct reading *r, const char *path, const char *hint,
    const char **ret, struct err *e)
{
	struct str text = STR_NONE;
	const int rc =
	    config_read_owned(path, OWNER_SECRET, r->arena, &text, e);

	if (rc == ERR_NOTFOUND)
		return err_set(e, ERR_INVALID,
		    "there is no file '%s'; make one: (umask 077; %s > %s)",
		    path, hint, path);
	if (rc != 0)
		return rc;
	if (str_trim(text).len == 0 || text.len > TOKEN_FILE_BYTES_MAX ||
	    !is_plain_text(text))
		return err_set(e, ERR_INVALID,
		    "the file '%s' is empty, too long, or not plain ASCII",
		    path);
	*ret = arena_strndup(r->arena, text.s, text.len);
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

static int
check_listen(struct reading *r, struct err *e)
{
	struct config *c = r->config;

	if (c->listen_tcp == NULL)
		return ERR_OK;
	if (c->token_file == NULL) {
		yaml_diag(r->diags, config_place_of(r, "listen.tcp"),
		    DIAG_ERROR, "E206", "add token_file: FILE beside it",
		    "listen.tcp needs listen.token_file");
		return ERR_OK;
	}
	return config_read_secret(
	    r, c->token_file, "head -c 24 /dev/urandom | base64", &c->token, e);
}

/* A file that is named has to be there, the one of the default place not. */
static int
read_passphrases(
    struct reading *r, const struct config_sources *s, struct err *e)
{
	struct config *c = r->config;
	const char *path = c->passphrase_file;
	int rc = ERR_OK;

	if (path == NULL && s->no_file)
		return ERR_OK;
	if (path == NULL)
		rc =
		    config_default_file(c, CONFIG_PASSPHRASES, false, &path, e);
	if (rc != 0 || path == NULL ||
	    (c->passphrase_file == NULL && access(path, F_OK) != 0))
		return rc;
	rc = config_read_secret(
	    r, path, "assent passphrase --print", &c->passphrases, e);
	if (rc == 0)
		rc = passphrase_check_form(str_of(c->passphrases), e);
	return rc != 0 ? err_wrap(e, rc, "'%s'", path) : ERR_OK;
}

static int
check_together(struct reading *r, const struct config_sources *s, struct err *e)
{
	int rc = check_listen(r, e);

	if (rc == 0)
		rc = read_passphrases(r, s, e);
	return rc != 0 ? rc : config_check_telemetry(r, s->environment, e);
}

static int
load_into(struct reading *r, const struct config_sources *s, struct err *e)
{
	struct config *c = r->config;
	struct yaml file = { .kind = YAML_INVALID };
	struct yaml requirements = { .kind = YAML_INVALID };
	struct yaml elevated = { .kind = YAML_INVALID };
	int rc = config_find_home(c->arena, &c->home, e);

	if (rc != 0)
		return rc;
	settings_preset(c);
	if (!s->no_file)
		rc = read_config_file(r, s->file, &file, e);
	if (rc == 0)
		rc = read_requirements(r, s->requirements, &requirements, e);
	if (rc == 0)
		rc = config_read_elevated(r, &elevated, e);
	if (rc == 0)
		rc = check_together(r, s, e);
	if (rc == 0)
		rc = config_set_dirs(c, s, e);
	return rc;
}

int
config_load(const struct config_sources *s, struct diags *d,
    struct config **ret, struct err *e)
{
	AUTO(config_freep) struct config *c = mem_new(1, sizeof(*c));
	struct reading r = { .config = c, .diags = d };
	const size_t before = diags_errors(d);
	int rc;

	if (c == NULL)
		return err_nomem(e);
	c->arena = arena_new(CONFIG_ARENA_MAX);
	if (c->arena == NULL)
		return err_nomem(e);
	r.arena = c->arena;
	rc = load_into(&r, s, e);
	if (rc != 0)
		return rc;
	if (arena_failed(c->arena) || r.no_memory)
		return err_nomem(e);
	if (diags_errors(d) != before)
		return err_set(e, ERR_INVALID,
		    "the configuration has %zu error%s",
		    diags_errors(d) - before,
		    diags_errors(d) - before == 1 ? "" : "s");
	*ret = TAKE_PTR(c);
	return ERR_OK;
}
