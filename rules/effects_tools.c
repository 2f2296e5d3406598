/*
 * Tools that are no commands: edits, requests, permissions, variables.
 * Runs in: engine, assent.  Trusts: nothing in the action.  Owns: nothing.
 */
#include "effects_tools.h"

#include <stdarg.h>

#include "base/text.h"
#include "model/json_in.h"

#define PART_TEXT_MAX 8192
#define PLACEHOLDER_LINE_MAX 120

void
tools_begin(struct run *run, struct judge *j, struct shell_part *shell,
    struct part_command *command, const char *name)
{
	struct str *cwd = arena_alloc(run->arena, sizeof(*cwd));

	*shell = (struct shell_part){ .kind = PART_COMMAND };
	if (cwd != NULL && run->action->proposal.cwd != NULL) {
		*cwd = str_of(run->action->proposal.cwd);
		shell->cwds = cwd;
		shell->cwd_count = 1;
	}
	*command = (struct part_command){ .tool = run->action->proposal.tool };
	*j = (struct judge){
		.run = run,
		.shell = shell,
		.programs = run->programs,
		.arena = run->arena,
		.command = command,
		.program = str_of(name),
	};
}

int
tools_finish(struct judge *j, const char *fmt, ...)
{
	char text[PART_TEXT_MAX];
	struct part part = { 0 };
	struct str shown;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	shown = secrets_mask(j->arena, str_of(text));
	part.text = arena_strndup(j->arena, shown.s, shown.len);
	part.effects = j->effects;
	part.effect_count = j->effect_count;
	part.not_understood = j->not_understood;
	j->run->flow_all |= j->flow_out;
	return run_add_part(j->run, &part, j->command);
}

int
tools_env(struct run *run)
{
	const struct tool_input *in = &run->action->proposal.input;

	for (size_t i = 0; i < in->env_count; i++) {
		const struct str name = str_of(in->env[i].name);
		const struct acts *acts = programs_env(run->programs, name);
		struct shell_part shell;
		struct part_command command;
		struct judge j;
		struct arg value;
		int r;

		if (acts == NULL && shell_env_effect(name) == ENV_PLAIN)
			continue;
		tools_begin(run, &j, &shell, &command, "the environment");
		value = arg_text(run->arena, str_of(in->env[i].value));
		if (acts != NULL)
			acts_apply(&j, acts, &value);
		else
			effect_unknown(
			    &j, "%.*s changes what programs do", STR_ARG(name));
		r = tools_finish(
		    &j, "%s=%s", in->env[i].name, in->env[i].value);
		if (r != ERR_OK)
			return r;
	}
	return ERR_OK;
}

/* ---- file -------------------------------------------------------------- */

static bool
line_elides(struct str line)
{
	static const char *const words[] = { "existing code", "rest of the",
		"rest of file", "remaining code", "unchanged", "omitted",
		"truncat", "empty content", "same as before", "no changes",
		"elided", "previous code" };
	const struct str t = str_trim(line);
	bool dots;

	if (t.len == 0 || t.len > PLACEHOLDER_LINE_MAX)
		return false;
	dots = str_search(t, STR("...")) < t.len ||
	    str_search(t, STR("\xe2\x80\xa6")) < t.len ||
	    (str_at(t, 0) == '(' && str_at(t, t.len - 1) == ')') ||
	    (str_at(t, 0) == '[' && str_at(t, t.len - 1) == ']') ||
	    (str_at(t, 0) == '<' && str_at(t, t.len - 1) == '>');
	for (size_t i = 0; dots && i < ARRAY_LEN(words); i++) {
		if (str_search(t, str_of(words[i])) < t.len)
			return true;
	}
	return false;
}

/* "// ... rest of the file unchanged ...": what was there would be lost. */
static bool
elides(struct str text)
{
	while (text.len > 0) {
		if (line_elides(str_cut(&text, '\n')))
			return true;
	}
	return false;
}

/* Loss, and text that later runs or is obeyed, in what an edit writes. */
static void
judge_content(
    struct judge *j, const struct edit *edit, const struct path_facts *f)
{
	const struct str text =
	    str_of(edit->content != NULL ? edit->content : edit->patch);

	if (edit->op == EDIT_REPLACE && f->in_workspace &&
	    (text.len == 0 || elides(text)))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class =
			    f->generated ? PATH_GENERATED : PATH_WORKSPACE,
			.target = f->abs,
			.why = text.len == 0 ? "the edit empties the file"
					     : "the new content has a "
					       "placeholder for the old" });
	if (text_find_hidden(text, "\t\n\r") < text.len)
		effect_unknown(
		    j, "the content has characters that cannot be seen");
}

/* Scripts of a package that run by themselves when it is installed. */
static void
judge_package(struct judge *j, struct str text)
{
	static const char *const names[] = { "preinstall", "install",
		"postinstall", "preprepare", "prepare", "postprepare",
		"prepublish", "dependencies" };
	json_auto_t *root = NULL;
	json_t *scripts;

	if (json_in(text, &root, NULL) != 0) { /* a patch, or a part of it */
		if (str_search(text, STR("install\"")) < text.len)
			effect_unknown(
			    j, "it may add a script that installation runs");
		return;
	}
	scripts = json_object_get(root, "scripts");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *const s =
		    json_string_value(json_object_get(scripts, names[i]));
		struct arg a;

		if (s == NULL)
			continue;
		a = arg_text(j->arena, str_of(arena_strdup(j->arena, s)));
		judge_shell_text(j, &a, "a script that installation runs");
	}
}

/* What the content of files with these names does later by itself. */
static void
judge_named_content(struct judge *j, const struct edit *edit)
{
	const struct str path = str_of(edit->path);
	const char *const text =
	    edit->content != NULL ? edit->content : edit->patch;

	if (text_find_hidden(path, "") < path.len)
		effect_unknown(
		    j, "the name has characters that cannot be seen");
	if (text != NULL &&
	    (str_eq(path, STR("package.json")) ||
		str_ends(path, STR("/package.json"))))
		judge_package(j, str_of(text));
}

static int
judge_edit(struct run *run, const struct edit *edit)
{
	struct shell_part shell;
	struct part_command command;
	struct judge j;
	struct arg path, to;
	struct path_facts f;

	tools_begin(run, &j, &shell, &command, "the edit");
	command.edit = edit;
	command.program = str_of(edit_op_name(edit->op));
	path = arg_text(run->arena, str_of(edit->path));
	arg_place(&j, &path, &f);
	switch (edit->op) {
	case EDIT_DELETE:
		effect_delete(&j, &path, false);
		break;
	case EDIT_MOVE:
		to = arg_text(run->arena, str_of(edit->to));
		effect_read(&j, &path, false);
		if (f.in_workspace && !f.protected)
			effect_write(&j, &path, "moves");
		else
			effect_delete(&j, &path, false);
		effect_write(&j, &to, "writes");
		return tools_finish(&j, "%s %s to %s", edit_op_name(edit->op),
		    edit->path, edit->to);
	case EDIT_CREATE:
	case EDIT_REPLACE:
	case EDIT_PATCH:
		effect_write(&j, &path, "writes");
		judge_content(&j, edit, &f);
		judge_named_content(&j, edit);
		break;
	case EDIT_INVALID:
		effect_unknown(&j, "the kind of edit is not known");
		break;
	}
	return tools_finish(&j, "%s %s", edit_op_name(edit->op), edit->path);
}

int
tools_file(struct run *run)
{
	const struct tool_input *in = &run->action->proposal.input;
	int r = ERR_OK;

	for (size_t i = 0; i < in->edit_count && r == ERR_OK; i++)
		r = judge_edit(run, &in->edits[i]);
	return r;
}

/* ---- fetch ------------------------------------------------------------- */

static bool
only_reads(const char *method)
{
	return method == NULL || strcmp(method, "GET") == 0 ||
	    strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
}

int
tools_fetch(struct run *run)
{
	const struct tool_input *in = &run->action->proposal.input;
	struct shell_part shell;
	struct part_command command;
	struct judge j;
	struct arg url;
	const char *method = in->method == NULL ? "GET" : in->method;
	const bool reads = only_reads(in->method);

	tools_begin(run, &j, &shell, &command, "the request");
	command.method = str_of(method);
	command.url = secrets_mask(run->arena, str_of(in->url));
	url = arg_text(run->arena, str_of(in->url));
	url_connect(&j, &url, reads ? PATH_NONE : PATH_UNKNOWN);
	if (!reads)
		effect_remote(&j, "http write");
	for (size_t i = 0; i < in->header_count; i++) {
		if (secrets_found(str_of(in->headers[i].value)) ||
		    secret_name(str_of(in->headers[i].name)))
			effect_remote(&j, "send secret");
	}
	if (in->body != NULL && secrets_found(str_of(in->body)))
		effect_remote(&j, "send secret");
	return tools_finish(&j, "%s %s", method, in->url);
}

/* ---- permission -------------------------------------------------------- */

static int
widen_path(struct run *run, const char *path, bool write)
{
	struct shell_part shell;
	struct part_command command;
	struct judge j;
	struct arg a;
	struct path_facts f;

	tools_begin(run, &j, &shell, &command, "the request");
	a = arg_text(run->arena, str_of(path));
	arg_place(&j, &a, &f);
	effect_add(&j,
	    &(struct effect){ .kind = EFFECT_WIDEN,
		.path_class = paths_class(&f, write),
		.target = f.abs[0] != '\0' ? f.abs : path,
		.why = write ? "asks to write there" : "asks to read there" });
	if (write)
		effect_write(&j, &a, "asks to write");
	else
		effect_read(&j, &a, true);
	return tools_finish(
	    &j, "permission to %s %s", write ? "write" : "read", path);
}

static int
widen_host(struct run *run, const char *host)
{
	struct shell_part shell;
	struct part_command command;
	struct judge j;
	struct arg a;

	tools_begin(run, &j, &shell, &command, "the request");
	a = arg_text(run->arena, str_of(host));
	effect_add(&j,
	    &(struct effect){ .kind = EFFECT_WIDEN,
		.target = host,
		.why = "asks to connect there" });
	as_host(&j, &a, STR_NONE);
	return tools_finish(&j, "permission to connect to %s", host);
}

/* Of a call that runs already: a connection like that of any command. */
static int
live_host(struct run *run, const char *host)
{
	struct shell_part shell;
	struct part_command command;
	struct judge j;
	struct arg a;

	tools_begin(run, &j, &shell, &command, "the running call");
	a = arg_text(run->arena, str_of(host));
	as_host(&j, &a, STR_NONE);
	return tools_finish(&j, "connect to %s", host);
}

int
tools_permission(struct run *run)
{
	const struct tool_input *in = &run->action->proposal.input;
	int r = ERR_OK;

	if (run->action->during != NULL) {
		for (size_t i = 0; i < in->host_count && r == ERR_OK; i++)
			r = live_host(run, in->hosts[i]);
		return r;
	}

	for (size_t i = 0; i < in->write_count && r == ERR_OK; i++)
		r = widen_path(run, in->write[i], true);
	for (size_t i = 0; i < in->read_count && r == ERR_OK; i++)
		r = widen_path(run, in->read[i], false);
	for (size_t i = 0; i < in->host_count && r == ERR_OK; i++)
		r = widen_host(run, in->hosts[i]);
	return r;
}
