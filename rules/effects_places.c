/*
 * Roles of words that name places: what is read, written, moved, deleted.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "effects_script.h"

void
as_read(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_read(j, a, false);
}

/* The second value of an option with two: "--rawfile NAME FILE". */
static bool
take_next(struct judge *j, const struct arg *a, struct arg *ret)
{
	const struct shell_word *const end = j->shell->argv + j->shell->argc;

	if (a->word < j->shell->argv || a->word + 1 >= end)
		return false;
	*ret = arg_of(a->word + 1, 0);
	j->taken = 1;
	return true;
}

void
as_next_read(struct judge *j, const struct arg *a, struct str param)
{
	struct arg file;

	(void)param;
	if (take_next(j, a, &file))
		effect_read(j, &file, false);
}

void
as_next_text(struct judge *j, const struct arg *a, struct str param)
{
	struct arg text;

	(void)param;
	(void)take_next(j, a, &text);
}

/* The path that "REV:PATH", ":(top)PATH" or a plain operand speaks of; none
 * for what leaves paths out and for ":/text". */
static struct str
path_of_object(struct str t)
{
	const size_t last = str_rfind(t, ':');

	if (str_at(t, 0) != ':')
		return last < t.len ? str_from(t, last + 1) : t;
	if (str_at(t, 1) == '!' || str_at(t, 1) == '^')
		return STR_NONE;
	if (str_at(t, 1) == '/')
		return str_from(t, 2);
	if (str_at(t, 1) != '(')
		return str_from(t, last + 1);
	if (str_search(t, STR("exclude")) < str_find(t, ')'))
		return STR_NONE;
	return str_from(t, str_find(t, ')') + 1);
}

/* A revision, a path in one, or a path: git shows what it holds. */
void
as_git_object(struct judge *j, const struct arg *a, struct str param)
{
	const struct str t = path_of_object(a->text);
	struct arg path = a->known ? arg_text(j->arena, t) : *a;
	struct path_facts f;

	(void)param;
	if (t.len == 0)
		return;
	arg_place(j, &path, &f);
	if (f.secret || (a->known && !f.in_workspace && !f.sink))
		effect_read(j, &path, false);
}

void
as_tree(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_read(j, a, true);
}

/* Names and attributes only. */
void
as_stat(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;
	const char *why;

	arg_place(j, a, &f);
	if (f.sink)
		return;
	if (f.likely != PATH_NONE)
		f.base = f.likely;
	j->lists_secrets = j->lists_secrets || f.holds_secrets || f.secret;
	why = judge_say(j, "%.*s looks at its operand", STR_ARG(j->program));
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_READ,
		.path_class =
		    f.secret && !f.in_workspace && !str_eq(param, STR("file"))
		    ? PATH_SECRET
		    : f.base,
		.target = f.abs,
		.why = why,
	    });
}

void
as_write(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_write(j, a, "writes");
}

void
as_meta(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_write(j, a, "changes");
}

void
as_create(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_write(j, a, "creates");
}

void
as_edit(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_read(j, a, false);
	effect_write(j, a, "changes");
}

void
as_delete(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_delete(j, a, false);
}

void
as_deltree(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_delete(j, a, true);
}

/* Work is there now: to delete that place loses it. NULL: anywhere. */
static void
note_moved(struct judge *j, const struct path_facts *to)
{
	struct run *const run = j->run;

	if (to == NULL)
		run->moved_count = MOVED_MAX;
	if (run->moved_count < MOVED_MAX)
		run->moved[run->moved_count++] = to->abs;
}

/* Moved away: gone from where it was. Inside the workspace that is a change,
 * not a loss. */
void
as_move(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f, to;
	const struct arg *last =
	    j->operand_count > 0 ? &j->operands[j->operand_count - 1] : a;

	(void)param;
	arg_place(j, a, &f);
	arg_place(j, last, &to);
	effect_read(j, a, true);
	if (f.in_workspace && !f.generated)
		note_moved(j, judge_seen(j, "--target-directory") ? NULL : &to);
	if (f.in_workspace && !f.protected && !f.root &&
	    (to.in_workspace || judge_seen(j, "--target-directory")))
		effect_write(j, a, "moves");
	else
		effect_delete(j, a, true);
}

/* Emptied or overwritten with noise: the content is lost. */
void
as_truncate(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	arg_place(j, a, &f);
	if ((f.in_workspace || f.may_be_work) && !f.generated && !f.protected)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class = PATH_WORKSPACE,
			.target = f.abs,
			.why = judge_say(j, "%.*s empties or overwrites it",
			    STR_ARG(j->program)) });
	else
		effect_write(j, a, "empties");
}

/* Nothing comes in: a file that it is written to is empty afterwards. */
static bool
input_is_empty(const struct judge *j)
{
	const struct shell_part *const p = j->shell;
	const struct shell_part *from;

	if (p->stdin_kind == STDIN_CLOSED)
		return true;
	if (p->stdin_kind == STDIN_TEXT)
		return shell_word_known(&p->stdin_text) &&
		    p->stdin_text.text.len == 0;
	if (p->stdin_kind == STDIN_FILE)
		return shell_word_is(&p->stdin_text, "/dev/null");
	if (p->stdin_kind != STDIN_PIPE)
		return false;
	from = script_part(j, p->stdin_part);
	return from != NULL && from->argc > 0 &&
	    (shell_word_is(&from->argv[0], ":") ||
		shell_word_is(&from->argv[0], "true") ||
		shell_word_is(&from->argv[0], "false") ||
		(shell_word_is(&from->argv[0], "cat") && from->argc == 2 &&
		    shell_word_is(&from->argv[1], "/dev/null")));
}

/* tee and sponge write what comes in. */
void
as_tee(struct judge *j, const struct arg *a, struct str param)
{
	if (input_is_empty(j) && !judge_seen(j, "-a"))
		as_truncate(j, a, param);
	else
		effect_write(j, a, "writes");
}

/* Does a name say that zeros are what belongs in it? */
static bool
is_blank(const struct judge *j, struct str name)
{
	const size_t slash = str_rfind(name, '/');
	const struct str base =
	    slash < name.len ? str_from(name, slash + 1) : name;
	const size_t dot = str_rfind(base, '.');

	return dot == base.len ||
	    programs_word(
		j->programs, "blank_extensions", str_from(base, dot + 1));
}

/* of=: noise over a file is a loss, zeros into a new one are not. */
void
as_overwrite(struct judge *j, const struct arg *a, struct str param)
{
	bool noise = false, input = false;

	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct shell_word *const w = &j->shell->argv[i];

		input = input || str_starts(w->text, STR("if="));
		noise = noise || shell_word_is(w, "if=/dev/null") ||
		    shell_word_is(w, "count=0") ||
		    (shell_word_is(w, "if=/dev/zero") &&
			!is_blank(j, a->text)) ||
		    str_search(w->text, STR("random")) < w->text.len;
	}
	if (noise || (!input && input_is_empty(j)))
		as_truncate(j, a, param);
	else
		effect_write(j, a, "writes");
}

/* What a symbolic link says is meant from where the link is. */
static struct arg
link_target(struct judge *j, const struct arg *a)
{
	const struct arg *last = &j->operands[j->operand_count - 1];
	const size_t slash = str_rfind(last->text, '/');
	char text[PATH_BYTES_MAX];

	if (!judge_seen(j, "--symbolic") || !a->known || !last->known ||
	    j->operand_count < 2 || slash == last->text.len ||
	    (a->text.len > 0 && (a->text.s[0] == '/' || a->text.s[0] == '~')))
		return *a;
	(void)snprintf(text, sizeof(text), "%.*s/%.*s",
	    STR_ARG(str_head(last->text, slash)), STR_ARG(a->text));
	return arg_text(j->arena, str_of(arena_strdup(j->arena, text)));
}

/* A link to a place: whoever uses the link later reaches it. */
void
as_link(struct judge *j, const struct arg *a, struct str param)
{
	const struct arg target = link_target(j, a);
	struct path_facts f;

	(void)param;
	arg_place(j, &target, &f);
	effect_read(j, &target, true);
	if (f.base == PATH_WORKSPACE || f.base == PATH_TEMP)
		return;
	if (f.root || f.secret || f.holds_secrets)
		effect_privilege(j, "link out of the workspace");
	else
		effect_unknown(j, "a link to a place outside");
}

/* The clock is set by an operand that is not a format. */
void
as_setdate(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (!(a->text.len > 0 && a->text.s[0] == '+'))
		effect_privilege(j, "clock");
}

/* cp .env.example .env: what is written holds no credential. */
static bool
from_template(struct judge *j, const struct arg *dest)
{
	struct path_facts from, to;

	arg_place(j, dest, &to);
	if (j->operand_count != 2 || !to.in_workspace || !to.secret ||
	    to.protected)
		return false;
	arg_place(j, &j->operands[0], &from);
	if (!from.template)
		return false;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_WRITE,
		.path_class = PATH_WORKSPACE,
		.target = to.abs,
		.why = judge_say(
		    j, "%.*s copies a template", STR_ARG(j->program)) });
	return true;
}

/* Where cp copies to: /dev/null as its source empties it. */
void
as_dest(struct judge *j, const struct arg *a, struct str param)
{
	if (from_template(j, a))
		return;
	for (size_t i = 0; i + 1 < j->operand_count; i++) {
		if (str_eq(j->operands[i].text, STR("/dev/null"))) {
			as_truncate(j, a, param);
			return;
		}
	}
	effect_write(j, a, "writes");
}

/* An archive that overwrites what is there: at the root of the workspace. */
void
as_unpack(struct judge *j, const struct arg *a, struct str param)
{
	const struct arg here = arg_text(j->arena, STR("."));
	struct path_facts f;
	const char *dir = j->dir;

	(void)param;
	arg_place(j, &here, &f);
	if (judge_seen(j, "-o") && f.root && f.in_workspace)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class = PATH_WORKSPACE,
			.target = f.abs,
			.why = "files of the workspace are overwritten" });
	j->dir = NULL; /* the archive itself is named from here */
	effect_read(j, a, false);
	j->dir = dir;
}

/* -f of tar: read or written by what else is there. */
void
as_archive(struct judge *j, const struct arg *a, struct str param)
{
	bool creates = judge_seen(j, "--create") || judge_seen(j, "--append") ||
	    judge_seen(j, "--update");

	const char *dir = j->dir;

	(void)param;
	for (size_t i = 2; i < j->shell->argc && !creates; i++)
		creates = shell_word_is(&j->shell->argv[i], "--create") ||
		    shell_word_is(&j->shell->argv[i], "-c");
	if (a->known && str_find(a->text, ':') < a->text.len &&
	    str_find(a->text, '/') > str_find(a->text, ':'))
		effect_unknown(j, "an archive on another machine");
	j->dir = NULL; /* -C does not concern it */
	if (creates)
		effect_write(j, a, "writes");
	else
		effect_read(j, a, false);
	j->dir = dir;
}

/* Replaced by its packed or unpacked form. */
void
as_compress(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	effect_read(j, a, false);
	effect_write(j, a, "replaces");
}

/* An operand of awk: a file, or an assignment. */
void
as_awkfile(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (str_find(a->text, '=') == a->text.len)
		effect_read(j, a, false);
}

/* Output of a tool that runs the project anyway. */
void
as_report(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (a->text.len == 0 || str_starts(a->text, STR("-")))
		return;
	effect_write(j, a, "writes");
}

/* cmake --install DIR --prefix DIR */
void
as_install_dir(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	arg_place(j, a, &f);
	if (str_eq(param, STR("source"))) { /* where it goes: a --prefix */
		for (size_t i = 1; i < j->shell->argc; i++) {
			if (str_starts(j->shell->argv[i].text, STR("--prefix")))
				return;
		}
		f.in_workspace = false;
		f.base = PATH_SYSTEM;
	} else {
		effect_write(j, a, "installs to");
	}
	if (!f.in_workspace && f.base != PATH_TEMP)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_WRITE,
			.path_class = PATH_OUTSIDE,
			.target = "the installation prefix",
			.why = "it installs outside the workspace" });
}

/* cmake -E COMMAND ...: small tools for files. */
void
as_cmake_command(struct judge *j, const struct arg *a, struct str param)
{
	const struct str c = j->operands[0].text;

	(void)param;
	if (j->operand_at == 0)
		return;
	if (str_eq(c, STR("env")) || str_eq(c, STR("time")) ||
	    str_eq(c, STR("chdir"))) {
		if (j->operand_at == 1)
			judge_child(
			    j, (size_t)(a->word - j->shell->argv), "cmake -E");
	} else if (str_eq(c, STR("rm")) || str_starts(c, STR("remove"))) {
		if (a->text.len > 0 && a->text.s[0] != '-')
			effect_delete(j, a, true);
	} else if (str_eq(c, STR("echo")) || str_eq(c, STR("capabilities"))) {
		return;
	} else {
		effect_write(j, a, "writes");
	}
}
