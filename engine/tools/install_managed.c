/*
 * Settings of clients for a whole machine: those that a user cannot take back.
 * Runs in: assent, as root to write.  Trusts: files of root.  Owns: nothing.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "install.h"
#include "model/requirements.h"

#define CLAUDE_FILE "/etc/claude-code/managed-settings.json"
#define CODEX_FILE "/etc/codex/requirements.toml"
#define GEMINI_FILE "/etc/gemini-cli/settings.json"
#define COPILOT_FILE "/etc/github-copilot/policy.d/assent.json"
#define CURSOR_FILE "/etc/cursor/hooks.json"
#define OPENCODE_PLUGIN "/etc/opencode/plugin/assent.js"
#define OPENCODE_FILE "/etc/opencode/opencode.json"
#define OPENCODE_URL "file://" OPENCODE_PLUGIN

#define BEGIN "# assent: begin"
#define END "# assent: end"
#define MS 1000

/* ---- who may change it --------------------------------------------------- */

int
install_check_roots(const char *path, struct err *e)
{
	AUTO_FREE char *at = realpath(path, NULL);
	struct stat st;

	if (at == NULL)
		return err_sys(e, "cannot look at '%s'", path);
	for (;;) {
		char *slash = strrchr(at, '/');

		if (stat(slash == at && slash[1] == '\0' ? "/" : at, &st) != 0)
			return err_sys(e, "cannot look at '%s'", at);
		/* in a folder such as /tmp only the owner replaces a file */
		if (st.st_uid != 0 ||
		    ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
			!(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0)))
			return err_set(e, ERR_DENIED,
			    "'%s' can be changed by others than root, so a "
			    "user could take the hook out again; install "
			    "assent for the machine first",
			    at);
		if (slash == at)
			return ERR_OK;
		*slash = '\0';
	}
}

/* ---- what the administrator permits of assent itself ---------------------- */

static int
read_requirements(struct config **ret, struct err *e)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	const struct config_sources from = {
		.state_dir = "/",
		.runtime_dir = "/",
		.no_file = true,
	};
	const int r = d == NULL ? err_nomem(e) : config_load(&from, d, ret, e);
	const struct diag *first = diags_first_error(d);

	if (r != 0 && first != NULL)
		return err_set(e, r,
		    "%.200s:%u:%u: %.200s; see all with "
		    "'assent requirements --offline'",
		    first->file, first->line, first->col, first->message);
	return r == 0 ? r
		      : err_wrap(e, r, "see 'assent requirements --offline'");
}

/* Whether they leave this value open; so does saying nothing. */
static bool
permits(const struct config *c, const char *key, const char *value)
{
	static const enum requirement_kind kinds[] = { REQUIREMENT_ALLOWED,
		REQUIREMENT_FORCED };
	bool said = false;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct config_requirement *q =
		    requirement_find(&c->ceiling, key, kinds[i]);

		if (q == NULL)
			continue;
		said = true;
		for (size_t k = 0; k < q->values.count; k++) {
			if (strcmp(q->values.items[k], value) == 0)
				return true;
		}
	}
	return !said;
}

static bool
is_said(const struct config *c, const char *key)
{
	return requirement_find(&c->ceiling, key, REQUIREMENT_ALLOWED) !=
	    NULL ||
	    requirement_find(&c->ceiling, key, REQUIREMENT_FORCED) != NULL;
}

/* Nobody may run without a sandbox. */
static bool
forbids_full_access(const struct config *c)
{
	return is_said(c, "profiles") &&
	    !permits(c, "profiles", "danger-full-access");
}

/* ---- Claude Code --------------------------------------------------------- */

static int
add_claude(const struct install *in, json_t *root, const json_t *original,
    struct err *e)
{
	static const char only[] = "allowManagedHooksOnly";
	static const char bypass[] = "disableBypassPermissionsMode";
	int r;

	if (in->options.uninstall) {
		install_unset(root, original, NULL, only, json_true());
		install_unset(root, original, "permissions", bypass,
		    json_string("disable"));
		return ERR_OK;
	}
	r = install_set(root, NULL, only, json_true(), e);
	if (r != 0 || !forbids_full_access(in->ceiling))
		return r;
	return install_set(
	    root, "permissions", bypass, json_string("disable"), e);
}

static int
plan_claude(struct install *in, struct err *e)
{
	if (!in->options.uninstall && !install_version_is(in, "2.1.295"))
		install_note(in,
		    "this version of Claude Code goes on when a hook runs "
		    "out of time, and with --bare it skips managed "
		    "hooks, too; 2.1.330 does neither");
	return install_add_groups(in,
	    &(struct install_groups){ .path = strdup(CLAUDE_FILE),
		.wanted = install_claude_events,
		.unit = 1,
		.more = add_claude },
	    e);
}

static char *
claude_installed(struct install *in)
{
	return install_find_command(in, strdup(CLAUDE_FILE), "PreToolUse");
}

/* ---- Codex --------------------------------------------------------------- */

/* A file of TOML without the lines that we put between our marks. */
static void
put_without(struct buf *out, struct str text)
{
	bool ours = false;

	while (text.len > 0) {
		const struct str line = str_cut(&text, '\n');

		if (str_eq(str_trim(line), STR(BEGIN)))
			ours = true;
		if (!ours) {
			buf_put_str(out, line);
			buf_putc(out, '\n');
		}
		if (str_eq(str_trim(line), STR(END)))
			ours = false;
	}
}

/* What we say may stand only once in a file of TOML. */
static int
check_free(struct str rest, const char *const *keys, struct err *e)
{
	struct str text = rest;

	while (text.len > 0) {
		const struct str line = str_trim(str_cut(&text, '\n'));

		for (size_t i = 0; keys[i] != NULL; i++) {
			if (str_starts(line, str_of(keys[i])))
				return err_set(e, ERR_CONFLICT,
				    CODEX_FILE
				    " says '%s' itself; take that out, or "
				    "merge by hand what 'assent install codex "
				    "--managed --dry-run' shows",
				    keys[i]);
		}
	}
	return ERR_OK;
}

static void
put_list(struct buf *out, const struct config *c, const char *key,
    const char *name, const char *const *values)
{
	const char *sep = "";

	if (!is_said(c, key))
		return;
	buf_printf(out, "%s = [", name);
	for (; *values != NULL; values++) {
		if (!permits(c, key, *values))
			continue;
		buf_printf(out, "%s\"%s\"", sep, *values);
		sep = ", ";
	}
	buf_puts(out, "]\n");
}

/* Codex has the same names for the same things. */
static void
put_ceiling(struct buf *out, const struct config *c)
{
	static const char *const policies[] = { "untrusted", "on-request",
		"never", NULL };
	static const char *const sandboxes[] = { "read-only", "workspace-write",
		"danger-full-access", NULL };

	put_list(
	    out, c, "approval_policy", "allowed_approval_policies", policies);
	/* it wants read-only to be among them */
	if (permits(c, "profiles", "read-only"))
		put_list(
		    out, c, "profiles", "allowed_sandbox_modes", sandboxes);
}

static void
put_toml(struct buf *out, const char *text)
{
	struct jsonw w = jsonw_on(out);

	/* a string of JSON is one of TOML */
	jsonw_cstr(&w, text);
}

static void
put_codex_hook(
    struct buf *out, const struct install *in, const char *event, bool call)
{
	buf_printf(out, "[[hooks.%s]]\n", event);
	if (call || strcmp(event, "PostToolUse") == 0)
		buf_puts(out, "matcher = \"*\"\n");
	buf_printf(
	    out, "[[hooks.%s.hooks]]\ntype = \"command\"\ncommand = ", event);
	put_toml(out, call ? in->command : in->report);
	buf_printf(out, "\ntimeout = %lld\n",
	    call ? (long long)in->client->timeout_s : 30LL);
}

static void
put_codex(struct buf *out, const struct install *in, struct str rest)
{
	/* keys of the file itself stand before its tables */
	buf_puts(out, BEGIN "\nallow_managed_hooks_only = true\n");
	put_ceiling(out, in->ceiling);
	buf_puts(out, END "\n");
	buf_put_str(out, rest);
	buf_puts(out, BEGIN "\n[hooks]\nmanaged_dir = \"/etc/codex\"\n");
	put_codex_hook(out, in, "PreToolUse", true);
	put_codex_hook(out, in, "PermissionRequest", true);
	put_codex_hook(out, in, "PostToolUse", false);
	put_codex_hook(out, in, "UserPromptSubmit", false);
	/* else "-c features.hooks=false" is the end of them */
	buf_puts(out, "[features]\nhooks = true\n" END "\n");
}

static int
plan_codex(struct install *in, struct err *e)
{
	static const char *const keys[] = { "allow_managed_hooks_only",
		"allowed_approval_policies", "allowed_sandbox_modes", "[hooks",
		"[[hooks", "hooks", "[features]", NULL };
	AUTO_BUF struct buf rest = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	AUTO_FREE char *old = NULL;
	char *new = NULL;
	int r = install_read(CODEX_FILE, &old, e);

	if (r != 0)
		return r;
	put_without(&rest, str_of(old));
	if (in->options.uninstall && !install_was_here(in, old))
		return ERR_OK;
	if (in->options.uninstall)
		return install_add(in, strdup(CODEX_FILE),
		    rest.len == 0 ? NULL : strdup(buf_cstr(&rest)), e);
	r = check_free(buf_str(&rest), keys, e);
	if (r != 0) {
		put_codex(&text, in, STR_NONE);
		return buf_take(&text, &in->by_hand, NULL) == 0 ? r
								: err_nomem(e);
	}
	install_note(in,
	    "Codex never asks a hook about write_stdin in its sandbox; keep "
	    "its sandbox on");
	put_codex(&text, in, buf_str(&rest));
	r = buf_take(&text, &new, e);
	return r != 0 ? r : install_add(in, strdup(CODEX_FILE), new, e);
}

/* The first command of ours between our marks. */
static char *
codex_installed(struct install *in)
{
	AUTO_FREE char *text = NULL;
	struct str rest;

	if (install_read(CODEX_FILE, &text, NULL) != 0)
		return NULL;
	rest = str_of(text);
	while (rest.len > 0) {
		const struct str line = str_trim(str_cut(&rest, '\n'));
		json_auto_t *value = NULL;

		if (!str_starts(line, STR("command = ")))
			continue;
		value = json_loadb(
		    line.s + 10, line.len - 10, JSON_DECODE_ANY, NULL);
		if (install_is_ours(in, json_string_value(value)))
			return strdup(json_string_value(value));
	}
	return NULL;
}

/* ---- Gemini CLI ---------------------------------------------------------- */

static int
add_gemini(const struct install *in, json_t *root, const json_t *original,
    struct err *e)
{
	int r;

	if (in->options.uninstall) {
		install_unset(
		    root, original, "hooksConfig", "enabled", json_true());
		install_unset(
		    root, original, "security", "disableYoloMode", json_true());
		return ERR_OK;
	}
	r = install_set(root, "hooksConfig", "enabled", json_true(), e);
	if (r != 0 || !forbids_full_access(in->ceiling))
		return r;
	return install_set(root, "security", "disableYoloMode", json_true(), e);
}

/* No policy that allows beside it: it would allow without the hook, too. */
static int
plan_gemini(struct install *in, struct err *e)
{
	if (!in->options.uninstall)
		install_note(in,
		    "a user of Gemini CLI can still name the hook in "
		    "hooksConfig.disabled, or another file in "
		    "GEMINI_CLI_SYSTEM_SETTINGS_PATH; so its own prompts stay, "
		    "also for what assent allows");
	return install_add_groups(in,
	    &(struct install_groups){ .path = strdup(GEMINI_FILE),
		.wanted = install_gemini_events,
		.unit = MS,
		.more = add_gemini },
	    e);
}

static char *
gemini_installed(struct install *in)
{
	return install_find_command(in, strdup(GEMINI_FILE), "BeforeTool");
}

/* ---- Copilot CLI, Cursor -------------------------------------------------- */

static int
plan_copilot(struct install *in, struct err *e)
{
	return install_add_copilot(in, strdup(COPILOT_FILE), e);
}

static char *
copilot_installed(struct install *in)
{
	return install_find_command(in, strdup(COPILOT_FILE), "preToolUse");
}

static int
plan_cursor(struct install *in, struct err *e)
{
	return install_add_cursor(in, strdup(CURSOR_FILE), e);
}

static char *
cursor_installed(struct install *in)
{
	return install_find_command(
	    in, strdup(CURSOR_FILE), "beforeShellExecution");
}

/* ---- opencode ------------------------------------------------------------- */

static int
add_plugin(const struct install *in, json_t *root, struct err *e)
{
	json_auto_t *original = NULL;
	json_t *list = json_object_get(root, "plugin");
	bool found = false;

	for (size_t i = json_array_size(list); i > 0; i--) {
		const char *one =
		    json_string_value(json_array_get(list, i - 1));

		if (one == NULL || strcmp(one, OPENCODE_URL) != 0)
			continue;
		found = true;
		if (in->options.uninstall)
			(void)json_array_remove(list, i - 1);
	}
	if (in->options.uninstall && found) {
		const int r =
		    install_original_json(OPENCODE_FILE, &original, e);

		install_drop_empty(root, original, "plugin");
		return r;
	}
	if (in->options.uninstall || found)
		return ERR_OK;
	if (list == NULL) {
		list = json_array();
		(void)json_object_set_new(root, "plugin", list);
	}
	return json_array_append_new(list, json_string(OPENCODE_URL)) == 0
	    ? ERR_OK
	    : err_set(
		  e, ERR_INVALID, "'plugin' in " OPENCODE_FILE " is no list");
}

static int
plan_opencode(struct install *in, struct err *e)
{
	json_auto_t *root = NULL;
	int r = install_add_opencode(in, strdup(OPENCODE_PLUGIN), e);

	if (r == 0)
		r = install_read_json(OPENCODE_FILE, &root, e);
	if (r == 0)
		r = add_plugin(in, root, e);
	return r != 0 ? r
		      : install_add_json(in, strdup(OPENCODE_FILE), root, e);
}

static char *
opencode_installed(struct install *in)
{
	return install_find_plugin(in, strdup(OPENCODE_PLUGIN));
}

static const struct {
	const char *name;
	int (*plan)(struct install *in, struct err *e);
	char *(*installed)(struct install *in);
} clients[] = {
	{ "claude-code", plan_claude, claude_installed },
	{ "codex", plan_codex, codex_installed },
	{ "gemini", plan_gemini, gemini_installed },
	{ "copilot", plan_copilot, copilot_installed },
	{ "cursor", plan_cursor, cursor_installed },
	{ "opencode", plan_opencode, opencode_installed },
};

int
install_plan_managed(struct install *in, struct err *e)
{
	AUTO(config_freep) struct config *c = NULL;
	int r = read_requirements(&c, e);

	for (size_t i = 0; i < ARRAY_LEN(clients) && r == 0; i++) {
		if (strcmp(in->client->name, clients[i].name) != 0)
			continue;
		in->ceiling = c;
		r = clients[i].plan(in, e);
		in->ceiling = NULL;
		return r;
	}
	return r != 0 ? r
		      : err_set(e, ERR_NOTFOUND,
			    "nothing is known of its settings for a machine");
}

char *
install_find_managed(struct install *in)
{
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		if (strcmp(in->client->name, clients[i].name) == 0)
			return clients[i].installed(in);
	}
	return NULL;
}
