/*
 * Roles of words that name or hold code: programs, scripts, settings.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"

void
as_run(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_run(j, a);
}

/* The name of a program, perhaps with arguments. */
void
as_program(struct judge *j, const struct arg *a, struct str param)
{
	char list[40];

	(void)snprintf(list, sizeof(list), "%.*s",
	    STR_ARG(param.len > 0 ? param : STR("compilers")));
	if (!a->known) {
		effect_unknown(j, "%.*s runs a program that is not known",
		    STR_ARG(j->program));
		return;
	}
	if (programs_word(
		j->programs, list, str_head(a->text, str_find(a->text, ' '))))
		return;
	judge_shell_text(j, a, "its option");
	if (str_find(a->text, '/') == a->text.len)
		effect_unknown(j, "%.*s runs '%.*s'", STR_ARG(j->program),
		    STR_ARG(a->text));
}

/* A pager or an editor: one that is known for it, or who knows what. */
void
as_helper(struct judge *j, const struct arg *a, struct str param)
{
	const struct str first = str_head(a->text, str_find(a->text, ' '));

	(void)param;
	if (a->text.len == 0)
		return;
	judge_shell_text(j, a, "a pager or editor");
	if (!programs_word(j->programs, "helpers", first))
		effect_unknown(
		    j, "'%.*s' is run as a pager or editor", STR_ARG(a->text));
}

/* Folders in which programs or code are searched. */
static void
search_places(struct judge *j, const struct arg *a, bool programs)
{
	struct str rest = a->text;
	bool open = !a->known;

	while (rest.len > 0) {
		const struct str one = str_cut(&rest, ':');
		const struct arg place = arg_text(j->arena, one);
		struct path_facts f;

		if (one.len == 0)
			continue;
		arg_place(j, &place, &f);
		if (programs && f.base == PATH_SYSTEM)
			continue;
		if (programs && f.in_workspace && f.root)
			effect_unknown(j,
			    "programs of the workspace are taken for others");
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class =
			    f.in_workspace ? CODE_WORKSPACE : CODE_OUTSIDE,
			.target = f.abs,
			.why = judge_say(
			    j, "%.*s is searched for code", STR_ARG(one)) });
	}
	for (size_t i = 0; open && a->word != NULL && i < a->word->piece_count;
	     i++) {
		const struct shell_piece *p = &a->word->pieces[i];

		if (p->kind != PIECE_TEXT &&
		    !(p->origin == ORIGIN_VARIABLE &&
			(str_eqz(p->name, "PATH") ||
			    str_ends(p->name, STR("PATH")))))
			effect_unknown(
			    j, "where code is searched is not known before");
	}
}

void
as_search_path(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	search_places(j, a, true);
}

void
as_run_path(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	search_places(j, a, false);
}

/* Options for every call of a program: files that they name are run. */
void
as_option_text(struct judge *j, const struct arg *a, struct str param)
{
	struct str rest = a->text;

	(void)param;
	if (!a->known || str_search(a->text, STR("eval")) < a->text.len ||
	    str_find(a->text, '$') < a->text.len)
		effect_unknown(j, "options are not known before");
	while (rest.len > 0) {
		struct str one = str_cut(&rest, ' ');

		one = str_from(one,
		    str_rfind(one, '=') < one.len ? str_rfind(one, '=') + 1
						  : 0);
		if (str_find(one, '/') < one.len) {
			const struct arg file = arg_text(j->arena, one);

			effect_run(j, &file);
		}
	}
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_WORKSPACE,
		.target = arena_strndup(j->arena, j->program.s, j->program.len),
		.why = "options are added to every call" });
}

/* NAME='command' of alias. */
void
as_alias(struct judge *j, const struct arg *a, struct str param)
{
	const size_t eq = str_find(a->text, '=');
	struct arg value = *a;

	(void)param;
	if (eq == a->text.len)
		return;
	value.skip += eq + 1;
	value.text = str_from(a->text, eq + 1);
	judge_shell_text(j, &value, "what the alias stands for");
}

/* A script, and what its name says about its arguments: manage.py flush. */
void
as_script(struct judge *j, const struct arg *a, struct str param)
{
	const size_t slash = str_rfind(a->text, '/');
	const struct entry *en;

	(void)param;
	effect_run(j, a);
	en = !a->known || j->wrapper
	    ? NULL
	    : programs_find(j->programs,
		  slash < a->text.len ? str_from(a->text, slash + 1) : a->text);
	if (en == NULL || a->word < j->shell->argv ||
	    a->word >= j->shell->argv + j->shell->argc)
		return;
	j->operand_count = 0;
	judge_words(j, en, (size_t)(a->word - j->shell->argv) + 1);
	j->stop = true;
	j->has_child = true;
}

void
as_shell(struct judge *j, const struct arg *a, struct str param)
{
	if (!j->wrapper)
		judge_shell_text(
		    j, a, param.len > 0 ? param.s : "a shell text");
	j->has_child = true;
}

void
as_code(struct judge *j, const struct arg *a, struct str param)
{
	if (!j->wrapper)
		judge_code(j, param, a);
	j->has_child = true;
}

/* The rest of the words is a command of its own. */
void
as_child(struct judge *j, const struct arg *a, struct str param)
{
	const size_t at = a->word >= j->shell->argv &&
		a->word < j->shell->argv + j->shell->argc
	    ? (size_t)(a->word - j->shell->argv)
	    : j->shell->argc;

	j->stop = true;
	j->has_child = true;
	if (!j->wrapper)
		judge_child(j, at, param.len > 0 ? param.s : j->program.s);
}

/* -C DIR: relative paths are meant from there. */
static void
set_dir(struct judge *j, const struct arg *a, struct path_facts *ret)
{
	struct path_facts f;

	arg_place(j, a, &f);
	*ret = f;
	if (f.abs[0] == '\0' || f.base == PATH_UNKNOWN) {
		j->dir = j->run->action->proposal.workspace;
		j->dir_unknown = true;
		return;
	}
	j->dir = f.abs;
	if (f.secret)
		effect_read(j, a, true);
}

void
as_dir(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	set_dir(j, a, &f);
}

/* A folder whose project is worked on: its code may run. */
void
as_project(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	set_dir(j, a, &f);
	if (!f.in_workspace)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_OUTSIDE,
			.target = f.abs,
			.why = judge_say(j, "%.*s works on another project",
			    STR_ARG(j->program)) });
}

/*
 * Git runs what the settings of a repository say, at a mere status too. Only
 * by the name .git is it guarded against being written.
 */
void
as_git_dir(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;
	struct str rest;

	/* Before it is the folder that other words are relative to. */
	arg_place(j, a, &f);
	as_project(j, a, param);
	if (!f.in_workspace)
		return;
	rest = str_of(f.abs);
	while (rest.len > 0) {
		if (str_eqz(str_cut(&rest, '/'), ".git"))
			return;
	}
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_WORKSPACE,
		.target = f.abs,
		.why = "git runs what the settings of this repository say" });
}

/* A configuration that is code or names code: of here it is the project's. */
void
as_config(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	if (a->known && (str_find(a->text, '/') == a->text.len) &&
	    a->text.len > 0 && a->text.s[0] != '~')
		return;
	if (str_starts(a->text, STR("data:")))
		effect_unknown(j, "%.*s loads the text of an address",
		    STR_ARG(j->program));
	arg_place(j, a, &f);
	if (f.base != PATH_WORKSPACE ||
	    str_search(a->text, STR("://")) < a->text.len)
		effect_run(j, a);
}

/* A module to load first: a name of an installed one, or a file. */
void
as_module_file(struct judge *j, const struct arg *a, struct str param)
{
	as_config(j, a, param);
}

/* -MModule, -Ipath of perl and ruby. */
void
as_perl_module(struct judge *j, const struct arg *a, struct str param)
{
	const struct str name = str_head(a->text, str_find(a->text, '='));

	if (str_find(a->text, '/') < a->text.len) {
		as_config(j, a, param);
		return;
	}
	if (programs_word(j->programs, "code_connects", name) ||
	    programs_word(j->programs, "code_connects",
		str_head(name, str_find(name, ':')))) {
		effect_connect(j, STR_NONE, PATH_NONE);
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_DOWNLOADED,
			.why = "its code loads a module that connects" });
	}
}

/* perl -i: changed in place; a program that prints nothing empties it. */
void
as_perl_edit(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	for (size_t i = 1; i + 1 < j->shell->argc; i++) {
		if (str_starts(j->shell->argv[i].text, STR("-")) &&
		    str_ends(j->shell->argv[i].text, STR("e")) &&
		    j->shell->argv[i + 1].text.len == 0)
			effect_add(j,
			    &(struct effect){ .kind = EFFECT_DELETE,
				.path_class = PATH_WORKSPACE,
				.why = "an empty program empties the files" });
	}
	effect_read(j, a, false);
	effect_write(j, a, "changes");
}

/* A document to convert: a file, or an address that is fetched. */
void
as_doc_input(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_search(a->text, STR("://")) < a->text.len)
		url_connect(j, a, PATH_NONE);
	else if (str_at(a->text, 0) == '\\' || str_at(a->text, 0) == '&')
		effect_unknown(j, "%.*s runs the text that it is given",
		    STR_ARG(j->program));
	else
		arg_given(j, a);
}

/* A setting "key=value" that may name a program. */
void
as_setting(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const words[] = { "linker", "wrapper", "runner",
		"rustc", "rustdoc", "plugin", "codegen-backend", "exec",
		"command", "http", "registry", "source", "credential",
		"prepend", "append_file", "extension", "include_path",
		"sendmail", "open_basedir", "disable_" };

	(void)param;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_search(a->text, str_of(words[i])) >= a->text.len)
			continue;
		effect_unknown(j, "the setting '%.*s' may name a program",
		    STR_ARG(a->text));
		return;
	}
	if (!a->known)
		effect_unknown(j, "a setting is not known before");
}

/* A command of gdb: "run" and "bt" are fine, "shell id" is not. */
void
as_gdb(struct judge *j, const struct arg *a, struct str param)
{
	static const char *const plain[] = { "run", "r", "bt", "backtrace",
		"quit", "q", "continue", "c", "next", "n", "step", "s",
		"finish", "info", "print", "p", "x", "break", "b", "where",
		"frame", "thread", "disassemble", "list", "l", "start", "up",
		"down", "display", "ptype", "watch", "catch", "kill", "exit" };
	struct str rest = a->text;
	const struct str word = str_head(rest, str_find(rest, ' '));

	(void)param;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (a->known && str_eqz(word, plain[i]) &&
		    str_search(rest, STR("system(")) == rest.len &&
		    str_search(rest, STR("exec")) == rest.len)
			return;
	}
	if (str_eq(word, STR("set")) &&
	    str_search(rest, STR("logging")) == rest.len)
		return;
	if (str_eq(word, STR("shell")) || str_starts(word, STR("!"))) {
		const struct arg c = arg_text(
		    j->arena, str_from(rest, str_at(word, 0) == '!' ? 1 : 6));

		judge_shell_text(j, &c, "a debugger command");
	}
	effect_unknown(j, "'%.*s' is not described for %.*s", STR_ARG(rest),
	    STR_ARG(j->program));
}

/* A file, or "|command". */
void
as_pipe_or_file(struct judge *j, const struct arg *a, struct str param)
{
	struct arg command = *a;

	(void)param;
	if (a->text.len == 0 || (a->text.s[0] != '|' && a->text.s[0] != '!')) {
		effect_write(j, a, "writes");
		return;
	}
	command.skip++;
	command.text = str_from(a->text, 1);
	judge_shell_text(j, &command, "where its output goes");
	effect_unknown(
	    j, "%.*s gives its output to a command", STR_ARG(j->program));
}

/* A script for a shell that was started by name. */
void
as_shell_file(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_run(j, a);
}

/* --checkpoint-action=exec=COMMAND */
void
as_checkpoint(struct judge *j, const struct arg *a, struct str param)
{
	struct arg command = *a;

	(void)param;
	if (!str_starts(a->text, STR("exec=")))
		return;
	command.skip += 5;
	command.text = str_from(a->text, 5);
	judge_shell_text(j, &command, "a checkpoint action");
	effect_unknown(
	    j, "%.*s runs a command at a checkpoint", STR_ARG(j->program));
}
