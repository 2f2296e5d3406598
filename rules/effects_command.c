/*
 * One command: its assignments, redirections, program and words.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "effects_script.h"
#include "hosts.h"

#define VARIABLE_NAME_MAX 128

/* ---- assignments ------------------------------------------------------- */

static void
assign_judge(struct judge *j, const struct shell_assign *s)
{
	const struct acts *acts = programs_env(j->programs, s->name);
	const struct arg value = arg_of(&s->value, 0);
	const bool wrapper = j->wrapper, has_child = j->has_child;
	char by[VARIABLE_NAME_MAX + 16];

	if (acts == NULL && s->effect == ENV_PLAIN)
		return;
	(void)snprintf(by, sizeof(by), "%.*s", STR_ARG(s->name));
	j->by = str_of(arena_strdup(j->arena, by));
	/* What a wrapper starts has parts of its own; its variables do not. */
	j->wrapper = false;
	if (acts != NULL)
		acts_apply(j, acts, &value);
	else
		effect_unknown(j, "%.*s changes what programs do (%s)",
		    STR_ARG(s->name), env_effect_name(s->effect));
	j->wrapper = wrapper;
	j->has_child = has_child;
	j->by = STR_NONE;
}

/* ---- redirections ------------------------------------------------------ */

static bool
network_device(struct judge *j, const struct shell_redir *r)
{
	struct str t = r->target.text, host, port;
	char text[300];

	if (str_starts(t, STR("/dev/tcp/")) || str_starts(t, STR("/dev/udp/")))
		t = str_from(t, 9);
	else
		return false;
	host = host_normalise(j->arena, str_cut(&t, '/'));
	port = t;
	(void)snprintf(
	    text, sizeof(text), "%.*s:%.*s", STR_ARG(host), STR_ARG(port));
	j->by = STR("a redirection");
	effect_connect(j, str_of(text), PATH_UNKNOWN);
	if (j->shell->argc > 0 || j->shell->kind == PART_REDIR)
		effect_privilege(j, "network shell");
	j->by = STR_NONE;
	return true;
}

/* A command whose output is nothing: "> file" empties the file. */
static bool
prints_nothing(const struct judge *j)
{
	const struct shell_part *p = j->shell;

	if (p->argc == 0)
		return true;
	if (str_eqz(j->program, ":") || str_eqz(j->program, "true") ||
	    str_eqz(j->program, "false"))
		return true;
	return str_eqz(j->program, "cat") && p->argc == 2 &&
	    shell_word_is(&p->argv[1], "/dev/null");
}

/* What "cat <<EOF", echo and printf write, where it can be told. */
static bool
known_output(struct judge *j, struct str *ret)
{
	const struct shell_part *p = j->shell;
	AUTO_BUF struct buf b = BUF_INIT(SCRIPT_UNDERSTOOD_MAX);
	char *copy;

	if (str_eqz(j->program, "cat") && p->argc == 1 &&
	    p->stdin_kind == STDIN_TEXT && shell_word_known(&p->stdin_text)) {
		*ret = p->stdin_text.text;
		return true;
	}
	if (!str_eqz(j->program, "echo") && !str_eqz(j->program, "printf"))
		return false;
	for (size_t i = 1; i < p->argc; i++) {
		if (!shell_word_known(&p->argv[i]))
			return false;
		buf_put_str(&b, p->argv[i].text);
		buf_putc(&b, i + 1 < p->argc ? ' ' : '\n');
	}
	copy = buf_done(&b, NULL) == 0 && b.len > 0
	    ? arena_strndup(j->arena, b.s, b.len)
	    : NULL;
	*ret = copy == NULL ? STR_NONE : str_n(copy, b.len);
	return copy != NULL;
}

static void
output_to(struct judge *j, const struct shell_redir *r)
{
	const struct arg a = arg_of(&r->target, 0);
	const size_t written = j->run->written_count;
	struct str text;

	if (r->op == REDIR_WRITE && prints_nothing(j) &&
	    j->shell->kind != PART_WRAPPER && !r->compound)
		role_find(STR("truncate"))->apply(j, &a, STR_NONE);
	else
		effect_write(j, &a, "writes");
	if (j->run->written_count > written && known_output(j, &text)) {
		j->run->written[written].text = text;
		j->run->written[written].text_known = r->op == REDIR_WRITE;
	}
}

static void
redir_judge(struct judge *j, const struct shell_redir *r)
{
	const struct arg a = arg_of(&r->target, 0);

	if (r->op == REDIR_DUP || r->op == REDIR_TEXT || network_device(j, r))
		return;
	switch (r->op) {
	case REDIR_READ:
		j->by = STR("its input");
		effect_read(j, &a, false);
		break;
	case REDIR_READ_WRITE:
		j->by = STR("a redirection");
		effect_read(j, &a, false);
		effect_write(j, &a, "writes");
		break;
	case REDIR_WRITE:
	case REDIR_APPEND:
	case REDIR_BOTH:
	case REDIR_BOTH_APPEND:
		j->by = STR("its output");
		output_to(j, r);
		break;
	case REDIR_INVALID:
	case REDIR_DUP:
	case REDIR_TEXT:
		break;
	}
	j->by = STR_NONE;
}

/* Input before the command, output after: what is written has passed it. */
static void
redirs_judge(struct judge *j, bool output)
{
	for (size_t i = 0; i < j->shell->redir_count; i++) {
		const struct shell_redir *r = &j->shell->redirs[i];
		const bool is_output =
		    r->op != REDIR_READ && r->op != REDIR_READ_WRITE;

		if (is_output == output)
			redir_judge(j, r);
	}
}

/* ---- the program ------------------------------------------------------- */

static void
words_any(struct judge *j)
{
	const struct role *any = role_find(STR("any"));

	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct shell_word *w = &j->shell->argv[i];
		const size_t eq = w->text.len > 0 && w->text.s[0] == '-'
		    ? str_find(w->text, '=')
		    : w->text.len;
		const struct arg a = arg_of(w, eq < w->text.len ? eq + 1 : 0);

		any->apply(j, &a, STR_NONE);
	}
	words_note_all(j);
}

static void
program_run_path(struct judge *j)
{
	const struct arg a = arg_of(&j->shell->argv[0], 0);

	j->by = STR_NONE;
	effect_run(j, &a);
}

static struct str
base_name(struct str path)
{
	const size_t slash = str_rfind(path, '/');

	return slash < path.len ? str_from(path, slash + 1) : path;
}

static void
undescribed(struct judge *j, bool by_path)
{
	j->command->subcommand =
	    j->shell->argc > 1 && shell_word_known(&j->shell->argv[1])
	    ? j->shell->argv[1].text
	    : STR_NONE;
	if (!by_path)
		effect_unknown(j, "the program '%.*s' is not described",
		    STR_ARG(j->program));
	words_any(j);
}

static void
program_judge(struct judge *j)
{
	const struct shell_word *w = &j->shell->argv[0];
	struct str name = shell_part_program(j->shell);
	const bool by_path = str_find(name, '/') < name.len;
	const struct entry *en;

	j->command->written = w->text;
	if (!shell_word_known(w) || name.len == 0) {
		j->command->dynamic = true;
		j->program = STR("a program");
		effect_unknown(j,
		    "which program '%.*s' is shows only when it runs",
		    STR_ARG(w->text));
		words_any(j);
		return;
	}
	if (by_path)
		name = base_name(name);
	j->program = j->command->program = name;
	if (by_path)
		program_run_path(j);
	en = programs_find(j->programs, name);
	j->command->described = en != NULL;
	if (en == NULL)
		undescribed(j, by_path);
	else if (en->handler != NULL)
		j->entry = en, en->handler(j);
	else
		judge_words(j, en, 1);
}

/* A file that becomes an interpreter's input: named, it is held on to like
 * any other script. */
static void
code_from_file(struct judge *j, const struct shell_word *w)
{
	const struct arg a = arg_of(w, 0);
	struct path_facts f;

	if (!shell_word_known(w) || str_starts(a.text, STR("-")))
		return;
	arg_place(j, &a, &f);
	if (f.abs[0] == '/' && f.base != PATH_UNKNOWN)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_OUTSIDE,
			.target = f.abs,
			.why = judge_say(j, "%.*s runs what it reads from it",
			    STR_ARG(j->program)) });
}

/* "sh < FILE" and "cat FILE | sh". */
static void
code_from_files(struct judge *j)
{
	const struct shell_part *p = j->shell;
	const struct shell_part *from =
	    p->stdin_kind == STDIN_PIPE ? script_part(j, p->stdin_part) : NULL;

	if (p->stdin_kind == STDIN_FILE)
		code_from_file(j, &p->stdin_text);
	if (from == NULL || from->argc == 0 ||
	    !str_eqz(base_name(shell_part_program(from)), "cat"))
		return;
	for (size_t i = 1; i < from->argc; i++)
		code_from_file(j, &from->argv[i]);
}

/* An interpreter that is given its program by somebody else's output. */
static void
code_from_stdin(struct judge *j)
{
	const unsigned flow = j->flow_in;
	enum code_class class = CODE_OUTSIDE;
	const char *what = "what it reads from its input";

	if ((flow & FLOW_DOWNLOAD) != 0) {
		class = CODE_DOWNLOADED;
		what = "what was downloaded";
	} else if ((flow & FLOW_DECODED) != 0) {
		what = "what was decoded on the way";
	}
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_RUN_CODE,
		.code_class = class,
		.why = judge_say(j, "%.*s runs %s", STR_ARG(j->program), what),
	    });
}

/* Values of variables that look like secrets, wherever they are used. */
static void
secret_variables(struct judge *j)
{
	const struct shell_part *p = j->shell;

	if (str_eqz(j->program, "test") || str_eqz(j->program, "["))
		return;
	for (size_t i = 0; i < p->argc; i++) {
		for (size_t k = 0; k < p->argv[i].piece_count; k++) {
			const struct shell_piece *pc = &p->argv[i].pieces[k];

			if (pc->origin != ORIGIN_VARIABLE ||
			    !secret_name(pc->name))
				continue;
			effect_add(j,
			    &(struct effect){
				.kind = EFFECT_READ,
				.path_class = PATH_SECRET,
				.target =
				    judge_say(j, "$%.*s", STR_ARG(pc->name)),
				.why = judge_say(j,
				    "%.*s gets the value of a secret variable",
				    STR_ARG(j->program)),
			    });
		}
	}
}

/* A function that starts itself again, several at a time. */
static void
calls_itself(struct judge *j)
{
	const struct shell_part *p = j->shell;
	const struct shell_part *up = script_parent(j);
	const unsigned many = CONTEXT_BACKGROUND | CONTEXT_SUBSHELL;

	if (up == NULL || !up->function_call || up->argc == 0 ||
	    !str_eq(up->argv[0].text, p->argv[0].text))
		return;
	if ((p->context & many) != 0 || p->before == CONNECT_PIPE ||
	    p->after == CONNECT_PIPE)
		effect_privilege(j, "fork bomb");
}

/* A shell or interpreter that gets text which came from elsewhere. */
static void
runs_what_came(struct judge *j)
{
	const struct shell_part *p = j->shell;
	const bool interprets =
	    programs_word(j->programs, "interpreters", j->program) ||
	    programs_word(j->programs, "shells", j->program);

	if (!interprets || p->not_understood == NULL ||
	    (j->flow_in & FLOW_DOWNLOAD) == 0)
		return;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_DOWNLOADED,
		.why = judge_say(j, "%.*s runs text that was downloaded",
		    STR_ARG(j->program)) });
}

/* base64 -d and the like; rev and tr always change what they get. */
static bool
decodes_text(const struct judge *j)
{
	const struct shell_part *p = j->shell;
	bool decodes = str_eqz(j->program, "rev") ||
	    str_eqz(j->program, "tr") || str_eqz(j->program, "uudecode");

	for (size_t i = 1; i < p->argc && !decodes; i++) {
		const struct str t = p->argv[i].text;

		decodes = str_starts(t, STR("-d")) ||
		    str_starts(t, STR("-D")) || str_starts(t, STR("--d")) ||
		    str_starts(t, STR("-r"));
	}
	return decodes &&
	    programs_word(j->programs, "decoders_of_text", j->program);
}

/* Is what it prints run: by a shell behind the pipe, or as a substitution?
 * What the text says is judged as well; but nobody writes it so who does not
 * want to hide it. */
static void
runs_what_it_decodes(struct judge *j)
{
	const struct shell_part *p = j->shell;
	const struct shell_part *to = script_part(j, p->stdout_part);
	const bool changes = str_eqz(j->program, "tr");

	if (!decodes_text(j))
		return;
	if ((to != NULL && to->argc > 0 &&
		programs_word(j->programs, "shells", shell_part_program(to))) ||
	    (!changes && p->stdin_kind == STDIN_TEXT &&
		shell_word_known(&p->stdin_text) &&
		(p->context & CONTEXT_SUBST) != 0))
		effect_unknown(
		    j, "what %.*s decodes may be run", STR_ARG(j->program));
}

/*
 * Below the workspace there may be a repository of somebody else's making: git
 * runs what its settings say, at a mere status too. In a sandbox that harms
 * nobody; a client has none.
 */
static void
meets_another_repository(struct judge *j)
{
	const struct action *a = j->run->action;
	const char *workspace = a->proposal.workspace;
	const struct arg here = { .known = true, .text = STR(".") };
	struct path_facts f;

	if (!str_eqz(j->program, "git") || a->contained ||
	    a->proposal.executor != EXECUTOR_CLIENT || workspace == NULL)
		return;
	arg_place(j, &here, &f);
	if (strcmp(f.abs, workspace) == 0)
		return;
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_WORKSPACE,
		.target = f.abs,
		.why =
		    "git runs what the settings of a repository there say" });
}

/* "/tmp/x &": nobody sees it end. */
static void
stays_behind(struct judge *j)
{
	if ((j->shell->context & CONTEXT_BACKGROUND) == 0)
		return;
	for (size_t i = 0; i < j->effect_count; i++) {
		if (j->effects[i].kind == EFFECT_RUN_CODE &&
		    j->effects[i].code_class == CODE_OUTSIDE) {
			effect_privilege(j, "stays behind the call");
			return;
		}
	}
}

void
judge_command(struct judge *j)
{
	const struct shell_part *p = j->shell;

	j->wrapper = p->kind == PART_WRAPPER;
	if (p->argc > 0)
		j->program = base_name(shell_part_program(p));
	for (size_t i = 0; i < p->assign_count; i++)
		assign_judge(j, &p->assigns[i]);
	redirs_judge(j, false);
	switch (p->kind) {
	case PART_CODE: {
		const struct arg code = arg_of(&p->code, 0);

		judge_code(j, str_of(p->language), &code);
		break;
	}
	case PART_COMMAND:
	case PART_WRAPPER:
	case PART_ASSIGN:
		if (p->argc > 0 && !p->function_call)
			program_judge(j);
		if (p->argc > 0)
			calls_itself(j);
		if (p->code_from_stdin) {
			code_from_files(j);
			code_from_stdin(j);
		}
		break;
	case PART_REDIR:
	case PART_INVALID:
		break;
	}
	runs_what_came(j);
	runs_what_it_decodes(j);
	stays_behind(j);
	meets_another_repository(j);
	if (p->stdout_part == SHELL_NO_PART && p->argc > 0 &&
	    programs_word(j->programs, "endless", j->program))
		effect_unknown(j, "%.*s never ends", STR_ARG(j->program));
	secret_variables(j);
	redirs_judge(j, true);
}
