/*
 * The settings of each client: where they are, what is put there.
 * Runs in: assent.  Trusts: the user's own files.  Owns: nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "capture.h"
#include "install.h"
#include "install_text.h"
#include "model/json_in.h"

#define REPORT_TIMEOUT_S 30
#define MS 1000

/* ---- lists of hooks ----------------------------------------------------- */

/* Without ours: a group that held nothing else goes, too. */
static void
drop_ours(const struct install *in, json_t *groups)
{
	for (size_t i = json_array_size(groups); i > 0; i--) {
		json_t *group = json_array_get(groups, i - 1);
		json_t *hooks = json_object_get(group, "hooks");
		const size_t before = json_array_size(hooks);

		for (size_t k = before; k > 0; k--) {
			const json_t *one = json_array_get(hooks, k - 1);

			if (install_is_ours(in,
				json_string_value(
				    json_object_get(one, "command"))))
				json_array_remove(hooks, k - 1);
		}
		if (before > 0 && json_array_size(hooks) == 0)
			json_array_remove(groups, i - 1);
		else if (install_is_ours(in,
			     json_string_value(
				 json_object_get(group, "command"))))
			json_array_remove(groups, i - 1);
	}
}

static void
drop_everywhere(const struct install *in, json_t *hooks)
{
	json_t *groups;
	const char *event;
	void *next;

	json_object_foreach_safe(hooks, next, event, groups)
	{
		drop_ours(in, groups);
		if (json_is_array(groups) && json_array_size(groups) == 0)
			(void)json_object_del(hooks, event);
	}
}

static json_t *
member(json_t *object, const char *name, json_t *fresh)
{
	json_t *found = json_object_get(object, name);

	if (found != NULL) {
		json_decref(fresh);
		return found;
	}
	return json_object_set_new(object, name, fresh) == 0 ? fresh : NULL;
}

static int
append(json_t *hooks, const char *event, json_t *group, struct err *e)
{
	json_t *list = member(hooks, event, json_array());

	if (group == NULL || json_array_append_new(list, group) != 0)
		return err_set(e, ERR_INVALID,
		    "'hooks.%s' of the settings is no list", event);
	return ERR_OK;
}

/* The form that Claude Code, Codex and Gemini share. */
static json_t *
group_of(const struct install *in, const struct install_wanted *w, int64_t unit)
{
	const int64_t timeout =
	    w->call ? in->client->timeout_s : REPORT_TIMEOUT_S;
	json_t *hook = json_pack("{s:s, s:s, s:I}", "type", "command",
	    "command", w->call ? in->command : in->report, "timeout",
	    (json_int_t)(timeout * unit));
	json_t *group = json_object();

	if (w->call && strcmp(in->client->name, "claude-code") == 0 &&
	    install_version_is(in, "2.1.295"))
		(void)json_object_set_new(
		    hook, "onFailure", json_string("block"));
	if (unit == MS)
		(void)json_object_set_new(hook, "name", json_string("assent"));
	if (w->matcher != NULL)
		(void)json_object_set_new(
		    group, "matcher", json_string(w->matcher));
	(void)json_object_set_new(group, "hooks", json_pack("[o]", hook));
	return group;
}

/* Our hooks, and the original as far as we changed it; *ret_ours false: there
 * is nothing of ours. original may be NULL. */
static int
take_hooks_out(const struct install *in, const char *path, json_t *root,
    json_t **original, bool *ret_ours, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = install_read(path, &text, e);

	*ret_ours = r == 0 && install_was_here(in, text);
	if (r != 0 || !*ret_ours)
		return r;
	r = install_original_json(path, original, e);
	if (r != 0)
		return r;
	drop_everywhere(in, json_object_get(root, "hooks"));
	install_drop_empty(root, *original, "hooks");
	return ERR_OK;
}

static int
take_groups_out(struct install *in, const struct install_groups *g,
    json_t *root, struct err *e)
{
	json_auto_t *original = NULL;
	bool ours = false;
	int r = take_hooks_out(in, g->path, root, &original, &ours, e);

	if (r == 0 && ours && g->more != NULL)
		r = g->more(in, root, original, e);
	if (r == 0)
		return install_add_json(in, g->path, root, e);
	free(g->path);
	return r;
}

int
install_add_groups(
    struct install *in, const struct install_groups *g, struct err *e)
{
	const struct install_wanted *wanted = g->wanted;
	json_auto_t *root = NULL;
	json_t *hooks;
	int r = g->path == NULL ? err_nomem(e)
				: install_read_json(g->path, &root, e);

	if (r != 0) {
		free(g->path);
		return r;
	}
	if (in->options.uninstall)
		return take_groups_out(in, g, root, e);
	hooks = member(root, "hooks", json_object());
	drop_everywhere(in, hooks);
	for (; r == 0 && wanted->event != NULL; wanted++)
		r = append(
		    hooks, wanted->event, group_of(in, wanted, g->unit), e);
	if (r == 0 && g->more != NULL)
		r = g->more(in, root, NULL, e);
	if (r == 0)
		return install_add_json(in, g->path, root, e);
	free(g->path);
	return r;
}

/* The command of ours that the settings have for this event. */
char *
install_find_command(struct install *in, char *path, const char *event)
{
	AUTO_FREE char *own = path;
	json_auto_t *root = NULL;
	const json_t *group, *one;
	const char *command;
	size_t i, k;

	if (own == NULL || install_read_json(own, &root, NULL) != 0)
		return NULL;
	json_array_foreach(
	    json_object_get(json_object_get(root, "hooks"), event), i, group)
	{
		command = json_string_value(json_object_get(group, "command"));
		if (command == NULL)
			command =
			    json_string_value(json_object_get(group, "bash"));
		if (install_is_ours(in, command))
			return strdup(command);
		json_array_foreach(json_object_get(group, "hooks"), k, one)
		{
			command =
			    json_string_value(json_object_get(one, "command"));
			if (install_is_ours(in, command))
				return strdup(command);
		}
	}
	return NULL;
}

/* ---- Claude Code -------------------------------------------------------- */

static char *
claude_path(void)
{
	return install_path("CLAUDE_CONFIG_DIR", ".claude", "settings.json");
}

const struct install_wanted install_claude_events[] = {
	{ "PreToolUse", "*", true },
	{ "PostToolUse", "*", false },
	{ "UserPromptSubmit", NULL, false },
	{ "SessionStart", NULL, false },
	{ "SessionEnd", NULL, false },
	{ NULL, NULL, false },
};

static int
plan_claude(struct install *in, struct err *e)
{
	if (!in->options.uninstall && !install_version_is(in, "2.1.295"))
		install_note(in,
		    "this version of Claude Code goes on when a hook runs "
		    "out of time; 2.1.295 and later can be told to stop "
		    "(onFailure: block)");
	return install_add_groups(in,
	    &(struct install_groups){ .path = claude_path(),
		.wanted = install_claude_events,
		.unit = 1 },
	    e);
}

static char *
claude_installed(struct install *in)
{
	return install_find_command(in, claude_path(), "PreToolUse");
}

/* ---- Codex -------------------------------------------------------------- */

static char *
codex_path(const char *name)
{
	return install_path("CODEX_HOME", ".codex", name);
}

static int
plan_codex(struct install *in, struct err *e)
{
	static const struct install_wanted wanted[] = {
		{ "PreToolUse", "*", true },
		{ "PermissionRequest", "*", true },
		{ "PostToolUse", "*", false },
		{ "UserPromptSubmit", NULL, false },
		{ NULL, NULL, false },
	};

	if (!in->options.uninstall)
		install_note(in,
		    "Codex goes on when a hook runs out of time (assent "
		    "answers before), and never asks a hook about write_stdin "
		    "in its sandbox; "
		    "keep its sandbox on");
	if (in->options.contain)
		install_note(in,
		    "--contain needs sandbox_mode = \"danger-full-access\" in "
		    "Codex: its own sandbox cannot reach assentd");
	return install_add_groups(in,
	    &(struct install_groups){
		.path = codex_path("hooks.json"), .wanted = wanted, .unit = 1 },
	    e);
}

static char *
codex_installed(struct install *in)
{
	return install_find_command(in, codex_path("hooks.json"), "PreToolUse");
}

/* What Codex itself says the hashes of our entries are. */
static int
ask_codex(struct install *in, const char *cwd, json_t **ret, struct err *e)
{
	AUTO_BUF struct buf ask = BUF_INIT(65536);
	AUTO_BUF struct buf out = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	struct jsonw w = jsonw_on(&ask);
	struct str rest;
	int status = 0, r;

	buf_puts(&ask,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
	    "\"params\":{\"clientInfo\":{\"name\":\"assent\",\"title\":"
	    "\"assent\",\"version\":\"" ASSENT_VERSION "\"},"
	    "\"capabilities\":{\"experimentalApi\":true}}}\n"
	    "{\"jsonrpc\":\"2.0\",\"method\":\"initialized\","
	    "\"params\":{}}\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"hooks/list\","
	    "\"params\":{\"cwds\":[");
	jsonw_cstr(&w, cwd);
	buf_puts(&ask, "]}}\n");
	r = capture(&(struct capture){ .path = in->program,
			.argv = (char *[]){ in->program,
			    (char[]){ "app-server" }, NULL },
			.input = buf_str(&ask),
			.until = "\"id\":2,",
			.timeout_ms = 20000 },
	    &out, &status, e);
	rest = buf_str(&out);
	while (r == 0 && rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		if (str_search(line, STR("\"id\":2,")) < line.len)
			return json_in(line, ret, e);
	}
	return r != 0 ? r
		      : err_set(e, ERR_INTERNAL,
			    "Codex does not tell the hashes of its hooks");
}

static void
put_trust(const struct install *in, const json_t *answer, const char *hooks,
    struct buf *out)
{
	const json_t *data = json_object_get(
	    json_array_get(
		json_object_get(json_object_get(answer, "result"), "data"), 0),
	    "hooks");
	const json_t *one;
	size_t i;

	json_array_foreach(data, i, one)
	{
		const char *key =
		    json_string_value(json_object_get(one, "key"));
		const char *hash =
		    json_string_value(json_object_get(one, "currentHash"));
		const char *command =
		    json_string_value(json_object_get(one, "command"));

		if (key == NULL || hash == NULL ||
		    strncmp(key, hooks, strlen(hooks)) != 0 ||
		    !install_is_ours(in, command) ||
		    strpbrk(key, "\"\\\n") != NULL ||
		    strpbrk(hash, "\"\\\n") != NULL)
			continue;
		buf_printf(out, "[hooks.state.\"%s\"]\ntrusted_hash = \"%s\"\n",
		    key, hash);
	}
}

/* path is taken. */
static int
add_codex_config(
    struct install *in, char *path, struct buf *text, struct err *e)
{
	/* hashes were ours when the hooks were: not each of them is */
	const bool ours = in->file_count > 0 && in->files[0].ours;
	AUTO_FREE char *kept = NULL;
	struct install_file *f = &in->files[in->file_count];
	char *new = NULL;
	int r = install_original(path, &kept, e);

	if (r == 0 && (text->len > 0 || kept != NULL))
		r = buf_take(text, &new, e);
	if (r != 0) {
		free(path);
		return r;
	}
	r = install_add(in, path, new, e);
	f->ours =
	    ours && f->old != NULL && strstr(f->old, "[hooks.state.") != NULL;
	return r;
}

/* A hook that nobody trusted is skipped, and the tool runs. */
static int
plan_codex_trust(struct install *in, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	AUTO_FREE char *hooks = codex_path("hooks.json");
	AUTO_FREE char *real = hooks == NULL ? NULL : realpath(hooks, NULL);
	AUTO_FREE char *folder = codex_path("");
	AUTO_FREE char *old = NULL;
	char *path = codex_path("config.toml");
	json_auto_t *answer = NULL;
	struct install_trust trust = {
		.hooks = real == NULL ? hooks : real,
	};
	size_t before;
	int r;

	if (path == NULL || hooks == NULL || folder == NULL)
		return err_nomem(e);
	r = install_read(path, &old, e);
	if (r == 0 && !in->options.uninstall) {
		r = in->program == NULL
		    ? err_set(e, ERR_NOTFOUND, "codex is not in PATH")
		    : ask_codex(in, folder, &answer, e);
	}
	if (r != 0) {
		free(path);
		return r;
	}
	if (in->file_count > 0) {
		trust.before = in->files[0].old;
		trust.after = in->files[0].new;
	}
	r = install_put_trusted(in, &trust, str_of(old), &text, e);
	if (r != 0) {
		free(path);
		return r;
	}
	before = text.len;
	if (answer != NULL)
		put_trust(in, answer, real == NULL ? hooks : real, &text);
	if (answer != NULL && text.len == before) {
		free(path);
		return err_set(e, ERR_INTERNAL,
		    "Codex does not list the hooks that were written");
	}
	if (old == NULL && text.len == 0) {
		free(path);
		return ERR_OK;
	}
	return add_codex_config(in, path, &text, e);
}

/* ---- Gemini CLI --------------------------------------------------------- */

static char *
gemini_path(const char *name)
{
	return install_path(NULL, ".gemini", name);
}

const struct install_wanted install_gemini_events[] = {
	{ "BeforeTool", ".*", true },
	{ "AfterTool", ".*", false },
	{ "BeforeAgent", NULL, false },
	{ NULL, NULL, false },
};

static int
plan_gemini(struct install *in, struct err *e)
{
	int r = install_add_groups(in,
	    &(struct install_groups){ .path = gemini_path("settings.json"),
		.wanted = install_gemini_events,
		.unit = MS },
	    e);

	if (!in->options.uninstall)
		install_note(in,
		    "Gemini CLI goes on when a hook runs out of time; it has "
		    "no setting against that, but assent answers before");
	if (r != 0 || in->options.advise)
		return r;
	if (in->options.uninstall)
		return install_take_out(
		    in, gemini_path("policies/assent.toml"), e);
	return install_add(in, gemini_path("policies/assent.toml"),
	    strdup(install_gemini_policy), e);
}

static char *
gemini_installed(struct install *in)
{
	return install_find_command(
	    in, gemini_path("settings.json"), "BeforeTool");
}

/* ---- Copilot CLI -------------------------------------------------------- */

static char *
copilot_path(void)
{
	return install_path("COPILOT_HOME", ".copilot", "hooks/assent.json");
}

int
install_add_copilot(struct install *in, char *path, struct err *e)
{
	json_auto_t *root = NULL;

	if (in->options.uninstall)
		return install_take_out(in, path, e);
	install_note(in,
	    "Copilot CLI goes on when a hook runs out of time; assent answers "
	    "before. An allow of a hook is stronger there than --deny-tool: "
	    "put what must never run into assent's rules");
	root = json_pack("{s:i, s:{s:[{s:s, s:s, s:I}], s:[{s:s, s:s, s:I}], "
			 "s:[{s:s, s:s, s:I}]}}",
	    "version", 1, "hooks", "preToolUse", "type", "command", "bash",
	    in->command, "timeoutSec", (json_int_t)in->client->timeout_s,
	    "postToolUse", "type", "command", "bash", in->report, "timeoutSec",
	    (json_int_t)REPORT_TIMEOUT_S, "userPromptSubmitted", "type",
	    "command", "bash", in->report, "timeoutSec",
	    (json_int_t)REPORT_TIMEOUT_S);
	if (root != NULL)
		return install_add_json(in, path, root, e);
	free(path);
	return err_nomem(e);
}

static int
plan_copilot(struct install *in, struct err *e)
{
	return install_add_copilot(in, copilot_path(), e);
}

static char *
copilot_installed(struct install *in)
{
	return install_find_command(in, copilot_path(), "preToolUse");
}

/* ---- Cursor ------------------------------------------------------------- */

static char *
cursor_path(void)
{
	return install_path(NULL, ".cursor", "hooks.json");
}

static int
take_cursor_out(struct install *in, char *path, json_t *root, struct err *e)
{
	json_auto_t *original = NULL;
	bool ours = false;
	const int r = take_hooks_out(in, path, root, &original, &ours, e);

	/* whatever else there is needs it */
	if (r == 0 && ours && json_object_size(root) == 1)
		install_unset(root, original, NULL, "version", json_integer(1));
	if (r == 0)
		return install_add_json(in, path, root, e);
	free(path);
	return r;
}

int
install_add_cursor(struct install *in, char *path, struct err *e)
{
	static const char *const events[] = { "beforeShellExecution",
		"beforeMCPExecution", "beforeReadFile", "preToolUse" };
	json_auto_t *root = NULL;
	json_t *hooks;
	int r = path == NULL ? err_nomem(e) : install_read_json(path, &root, e);

	if (r != 0) {
		free(path);
		return r;
	}
	if (in->options.uninstall)
		return take_cursor_out(in, path, root, e);
	hooks = member(root, "hooks", json_object());
	drop_everywhere(in, hooks);
	(void)member(root, "version", json_integer(1));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(events); i++)
		r = append(hooks, events[i],
		    json_pack("{s:s, s:b, s:I}", "command", in->command,
			"failClosed", 1, "timeout",
			(json_int_t)in->client->timeout_s),
		    e);
	if (r == 0)
		return install_add_json(in, path, root, e);
	free(path);
	return r;
}

static int
plan_cursor(struct install *in, struct err *e)
{
	return install_add_cursor(in, cursor_path(), e);
}

static char *
cursor_installed(struct install *in)
{
	return install_find_command(in, cursor_path(), "beforeShellExecution");
}

/* ---- opencode ----------------------------------------------------------- */

static char *
opencode_path(void)
{
	return install_path(
	    "XDG_CONFIG_HOME", ".config", "opencode/plugin/assent.js");
}

int
install_add_opencode(struct install *in, char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	struct jsonw w = jsonw_on(&text);
	char *whole = NULL;
	int r;

	if (in->options.uninstall)
		return install_take_out(in, path, e);
	install_note(
	    in, "opencode without plugins (--pure) is opencode without assent");
	buf_puts(&text, "const COMMAND = ");
	jsonw_cstr(&w, in->command);
	buf_puts(&text, "\n");
	buf_puts(&text, install_opencode_plugin);
	r = buf_take(&text, &whole, e);
	if (r == 0)
		return install_add(in, path, whole, e);
	free(path);
	return r;
}

static int
plan_opencode(struct install *in, struct err *e)
{
	return install_add_opencode(in, opencode_path(), e);
}

char *
install_find_plugin(struct install *in, char *from)
{
	AUTO_FREE char *path = from;
	AUTO_FREE char *text = NULL;
	json_auto_t *command = NULL;
	struct str rest, line;

	if (path == NULL || install_read(path, &text, NULL) != 0 ||
	    text == NULL)
		return NULL;
	rest = str_of(text);
	line = str_cut(&rest, '\n');
	if (!str_starts(line, STR("const COMMAND = ")))
		return NULL;
	command = json_loadb(line.s + 16, line.len - 16, JSON_DECODE_ANY, NULL);
	if (!install_is_ours(in, json_string_value(command)))
		return NULL;
	return strdup(json_string_value(command));
}

static char *
opencode_installed(struct install *in)
{
	return install_find_plugin(in, opencode_path());
}

static const struct install_client clients[] = {
	{ "claude-code", "claude", 600, plan_claude, NULL, claude_installed },
	{ "codex", "codex", 600, plan_codex, plan_codex_trust,
	    codex_installed },
	{ "gemini", "gemini", 600, plan_gemini, NULL, gemini_installed },
	{ "copilot", "copilot", 600, plan_copilot, NULL, copilot_installed },
	{ "cursor", "cursor-agent", 600, plan_cursor, NULL, cursor_installed },
	{ "opencode", "opencode", 600, plan_opencode, NULL,
	    opencode_installed },
};

const struct install_client *
install_client_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		if (strcmp(name, clients[i].name) == 0)
			return &clients[i];
	}
	return NULL;
}
