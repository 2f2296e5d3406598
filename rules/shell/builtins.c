/*
 * Builtins that change what later commands mean.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/num.h"
#include "shell/parser.h"

bool
name_plain(struct str name)
{
	if (name.len == 0 || !lex_name_start((unsigned char)name.s[0]))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!lex_name_char((unsigned char)name.s[i]))
			return false;
	}
	return true;
}

void
part_refuse(struct norm *n, uint32_t part, const char *why)
{
	if (part != SHELL_NO_PART && part_at(n, part)->not_understood == NULL)
		part_at(n, part)->not_understood = why;
}

bool
words_join(
    struct norm *n, const struct shell_word *w, size_t count, struct str *ret)
{
	size_t len = 0;
	char *out;
	bool known = true;

	for (size_t i = 0; i < count; i++) {
		known = known && shell_word_known(&w[i]);
		len += w[i].text.len + 1;
	}
	out = norm_text(n, len);
	*ret = STR("");
	if (out == NULL)
		return false;
	len = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			out[len++] = ' ';
		if (w[i].text.len > 0)
			memcpy(out + len, w[i].text.s, w[i].text.len);
		len += w[i].text.len;
	}
	*ret = str_n(out, len);
	return known;
}

/* ---- text that the shell runs ------------------------------------------ */

static void
builtin_eval(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	size_t from = p.argc > 1 && shell_word_is(&p.argv[1], "--") ? 2 : 1;
	struct str text;
	const bool known = words_join(n, p.argv + from, p.argc - from, &text);
	struct frame saved;

	part_at(n, part)->kind = PART_WRAPPER;
	saved = frame_push(n, known ? 0U : CONTEXT_GUESS, "eval");
	n->frame.parent = part;
	if (known) {
		const struct saved_vars vars =
		    assigns_apply(n, p.assigns, p.assign_count);

		*f = norm_text_here(n, text);
		assigns_restore(n, &vars);
		frame_pop(n, &saved);
		return;
	}
	part_refuse(n, part, "eval of a text that is not known");
	const struct mark m = state_mark(n);

	(void)norm_text_here(n, text);
	state_undo(n, &m);
	frame_pop(n, &saved);
	unknown_command_state(n);
	*f = (struct flow){ .ok = n->dirs, .fail = n->dirs };
}

static void
builtin_trap(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	size_t from = p.argc > 1 && shell_word_is(&p.argv[1], "--") ? 2 : 1;
	const unsigned inner =
	    CONTEXT_SUBSHELL | CONTEXT_SUBST | CONTEXT_BACKGROUND;
	struct frame saved;
	struct mark m;

	(void)f;
	if (p.argc - from < 2)
		return;
	if (!shell_word_known(&p.argv[from])) {
		part_refuse(n, part, "a trap whose text is not known");
		return;
	}
	const struct str text = p.argv[from].text;

	if (text.len == 0 || str_eqz(text, "-") || str_eqz(text, "-p") ||
	    str_eqz(text, "-l"))
		return;
	part_at(n, part)->kind = PART_WRAPPER;
	if (!n->nested && (n->frame.context & inner) == 0 &&
	    n->trap_count < ARRAY_LEN(n->traps)) {
		n->traps[n->trap_count++] = (struct trap){
			.text = text,
			.trail = n->trail_count,
			.epoch = n->epoch,
			.dirs = n->dirs,
		};
		return;
	}
	/* Runs at some later point, with whatever holds then. */
	m = state_mark(n);
	saved = frame_push(n, CONTEXT_TRAP, "trap");
	n->frame.parent = part;
	unknown_command_state(n);
	(void)norm_text_here(n, text);
	frame_pop(n, &saved);
	state_undo(n, &m);
}

void
norm_traps(struct norm *n)
{
	for (uint32_t i = 0; i < n->trap_count && !norm_stopped(n); i++) {
		const struct trap *const t = &n->traps[i];
		const struct mark at = {
			.trail = t->trail,
			.epoch = t->epoch,
			.stack = n->stack,
			.dirs = t->dirs,
			.args = n->args,
		};
		const struct mark m = state_mark(n);
		const struct frame saved = frame_push(n, CONTEXT_TRAP, "trap");

		if (t->trail <= n->trail_count)
			state_blur(n, &at);
		else
			state_forget(n);
		if (n->dirs != t->dirs)
			n->dirs = dirs_unknown(n, t->dirs);
		(void)norm_text_here(n, t->text);
		frame_pop(n, &saved);
		state_undo(n, &m);
	}
}

/* The file is judged as what it is: code that runs. */
static void
builtin_source(struct norm *n, uint32_t part, struct flow *f)
{
	const struct dirs *const dirs = n->dirs;

	(void)wrapper_run(n, part);
	state_forget(n);
	/* A file of the project could do more than change the directory. */
	n->dirs = dirs;
	*f = (struct flow){ .ok = dirs, .fail = dirs };
}

/* ---- settings of the shell --------------------------------------------- */

static bool
in_list(struct str s, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eqz(s, list[i]))
			return true;
	}
	return false;
}

static const char *const harmless_set[] = {
	"errexit",
	"nounset",
	"xtrace",
	"noglob",
	"verbose",
	"pipefail",
	"noclobber",
	"errtrace",
	"functrace",
	"notify",
	"hashall",
	"monitor",
	"physical",
	"allexport",
	"noexec",
};

/* set's options from word i on; false: changes how the rest is read. */
static bool
set_option(const struct shell_part *p, size_t *i)
{
	const struct str w = p->argv[*i].text;

	for (size_t k = 1; k < w.len; k++) {
		if (w.s[k] != 'o') {
			if (strchr("euxfvCETPhbman", w.s[k]) == NULL)
				return false;
			continue;
		}
		if (*i + 1 >= p->argc)
			return true;
		++*i;
		if (!shell_word_known(&p->argv[*i]) ||
		    !in_list(p->argv[*i].text, harmless_set,
			ARRAY_LEN(harmless_set)))
			return false;
	}
	return true;
}

static void
set_positional(struct norm *n, const struct shell_word *w, size_t count)
{
	struct value *const items = norm_alloc(n, count + 1, sizeof(*items));

	if (items == NULL)
		return;
	n->args = (struct positional){
		.items = items,
		.count = (uint32_t)count,
	};
	for (size_t i = 0; i < count; i++) {
		items[i] = value_of_word(&w[i]);
		if ((w[i].flags & (WORD_SPLIT | WORD_GLOB)) != 0)
			n->args.unknown = true;
	}
}

static void
builtin_set(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part p = *part_at(n, part);
	size_t i = 1;

	(void)f;
	for (; i < p.argc; i++) {
		const struct shell_word *const w = &p.argv[i];

		if (!shell_word_known(w) && shell_word_may_be_option(w)) {
			norm_refuse(n, "set with an option that is not known",
			    n->place);
			break;
		}
		if (str_eqz(w->text, "--") || str_eqz(w->text, "-")) {
			set_positional(n, p.argv + i + 1, p.argc - i - 1);
			return;
		}
		if (w->text.len < 2 ||
		    (w->text.s[0] != '-' && w->text.s[0] != '+'))
			break;
		if (!set_option(&p, &i)) {
			norm_refuse(n,
			    "set with an option that changes how bash reads "
			    "the rest",
			    n->place);
			return;
		}
	}
	if (i < p.argc)
		set_positional(n, p.argv + i, p.argc - i);
}

static void
builtin_shopt(struct norm *n, uint32_t part, struct flow *f)
{
	static const char *const harmless[] = {
		"nullglob",
		"globstar",
		"dotglob",
		"nocaseglob",
		"nocasematch",
		"extglob",
		"checkwinsize",
		"inherit_errexit",
		"-s",
		"-u",
		"-q",
		"-p",
		"-o",
		"-sq",
		"-qs",
	};
	const struct shell_part p = *part_at(n, part);

	(void)f;
	for (size_t i = 1; i < p.argc; i++) {
		const struct str w = p.argv[i].text;

		if (shell_word_is(&p.argv[i], "lastpipe"))
			n->lastpipe = true;
		else if (shell_word_is(&p.argv[i], "xpg_echo"))
			n->xpg_echo = true;
		else if (!shell_word_known(&p.argv[i]) ||
		    (!in_list(w, harmless, ARRAY_LEN(harmless)) &&
			!in_list(w, harmless_set, ARRAY_LEN(harmless_set))))
			norm_refuse(n,
			    "shopt with an option that changes how bash reads "
			    "the rest",
			    n->place);
	}
}

static void
builtin_alias(struct norm *n, uint32_t part, struct flow *f)
{
	(void)f;
	/* bash -c does not expand aliases, other shells do. */
	if (n->dialect != SHELL_BASH && part_at(n, part)->argc > 1)
		norm_refuse(n, "an alias", n->place);
}

static void
builtin_enable(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);

	(void)f;
	if (p->argc > 1)
		part_refuse(n, part,
		    "what builtins are or where commands are is changed");
	if (p->argc > 1)
		norm_refuse(n, "builtins or the table of commands are changed",
		    n->place);
}

static void
builtin_hash(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);

	for (size_t i = 1; i < p->argc; i++) {
		if (!shell_word_is(&p->argv[i], "-r"))
			builtin_enable(n, part, f);
	}
}

/* Completion lists are expanded, their functions run. */
static void
builtin_compgen(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);

	(void)f;
	for (size_t i = 1; i < p->argc; i++) {
		const struct str w = p->argv[i].text;

		if (!shell_word_known(&p->argv[i]) ||
		    str_find(w, '$') < w.len || str_find(w, '`') < w.len ||
		    shell_word_is(&p->argv[i], "-C") ||
		    shell_word_is(&p->argv[i], "-F"))
			part_refuse(
			    n, part, "a completion that can run a command");
	}
}

/* ---- control ----------------------------------------------------------- */

static void
builtin_shift(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);
	uint64_t by = 1;

	(void)f;
	if (p->argc > 1 &&
	    (!shell_word_known(&p->argv[1]) ||
		num_parse_u64(p->argv[1].text, 0, UINT32_MAX, &by) != 0)) {
		n->args.unknown = true;
		return;
	}
	if (by > n->args.count)
		return;
	n->args.items += by;
	n->args.count -= (uint32_t)by;
}

/* exit and return end what is under way, if their words are in order. */
static bool
ends_surely(const struct shell_part *p)
{
	uint64_t v;

	return p->argc == 1 ||
	    (p->argc == 2 && shell_word_known(&p->argv[1]) &&
		num_parse_u64(p->argv[1].text, 0, UINT32_MAX, &v) == 0);
}

static void
builtin_return(struct norm *n, uint32_t part, struct flow *f)
{
	n->returned = true;
	n->return_dirs = dirs_union(n, n->return_dirs, n->dirs);
	/* Outside of a function some shells end, and others go on. */
	if (n->function_depth > 0 && ends_surely(part_at(n, part)))
		*f = (struct flow){ .ok = NULL, .fail = NULL };
}

static void
builtin_exit(struct norm *n, uint32_t part, struct flow *f)
{
	if (ends_surely(part_at(n, part)))
		*f = (struct flow){ .ok = NULL, .fail = NULL };
}

/* test -v NAME[$(cmd)] runs the command. */
static void
builtin_test(struct norm *n, uint32_t part, struct flow *f)
{
	const struct shell_part *const p = part_at(n, part);

	(void)f;
	for (size_t i = 1; i + 1 < p->argc; i++) {
		const struct shell_word *const next = &p->argv[i + 1];

		if (!shell_word_is(&p->argv[i], "-v") &&
		    shell_word_known(&p->argv[i]))
			continue;
		if (shell_word_known(next) &&
		    str_find(next->text, '[') == next->text.len)
			continue;
		if (shell_word_is(&p->argv[i], "-v"))
			part_refuse(n, part,
			    "a test of a variable whose name is not plain");
	}
}

static const struct {
	const char *name;
	builtin_fn *fn;
} builtins[] = {
	{ "cd", builtin_cd },
	{ "pushd", builtin_pushd },
	{ "popd", builtin_popd },
	{ "export", builtin_declare },
	{ "declare", builtin_declare },
	{ "typeset", builtin_declare },
	{ "local", builtin_declare },
	{ "readonly", builtin_declare },
	{ "unset", builtin_unset },
	{ "read", builtin_read },
	{ "mapfile", builtin_mapfile },
	{ "readarray", builtin_mapfile },
	{ "printf", builtin_printf },
	{ "getopts", builtin_getopts },
	{ "let", builtin_let },
	{ "wait", builtin_wait },
	{ "eval", builtin_eval },
	{ "trap", builtin_trap },
	{ "source", builtin_source },
	{ ".", builtin_source },
	{ "set", builtin_set },
	{ "shopt", builtin_shopt },
	{ "alias", builtin_alias },
	{ "enable", builtin_enable },
	{ "hash", builtin_hash },
	{ "compgen", builtin_compgen },
	{ "complete", builtin_compgen },
	{ "shift", builtin_shift },
	{ "return", builtin_return },
	{ "exit", builtin_exit },
	{ "test", builtin_test },
	{ "[", builtin_test },
};

bool
builtin_run(struct norm *n, uint32_t part, struct flow *f)
{
	const struct str name = part_at(n, part)->argv[0].text;

	if (name.len == 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
		if (name.s[0] != builtins[i].name[0] ||
		    !str_eqz(name, builtins[i].name))
			continue;
		builtins[i].fn(n, part, f);
		return true;
	}
	return false;
}
