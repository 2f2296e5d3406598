/*
 * Shells and interpreters: text given as an option, by standard input or by a
 * descriptor.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/wrappers.h"

#include <string.h>

static enum shell_dialect
dialect_of(struct str program)
{
	if (str_eqz(program, "bash") || str_eqz(program, "rbash"))
		return SHELL_BASH;
	if (str_eqz(program, "sh") || str_eqz(program, "dash") ||
	    str_eqz(program, "ash"))
		return SHELL_POSIX;
	return SHELL_OTHER;
}

/* The output of a <( ) that is named as a file; SHELL_NO_PART: no such. */
static uint32_t
process_of(const struct shell_word *w)
{
	if (w->piece_count == 2 && w->pieces[1].origin == ORIGIN_FILE_NAME)
		return w->pieces[1].part;
	return SHELL_NO_PART;
}

static bool
names_stdin(const struct shell_word *w)
{
	return shell_word_is(w, "-") || shell_word_is(w, "/dev/stdin") ||
	    shell_word_is(w, "/dev/fd/0") ||
	    shell_word_is(w, "/proc/self/fd/0");
}

/*
 * What standard input will give, when that is all known. Else the part says
 * that it runs what it reads.
 */
static bool
stdin_code(struct norm *n, uint32_t part, struct shell_word *ret)
{
	struct shell_part *const p = part_at(n, part);
	bool shared = n->frame.input.shared || n->stdin_changed;

	for (size_t i = 0; i < p->redir_count; i++)
		shared = shared && p->redirs[i].fd != 0;
	if (p->stdin_kind == STDIN_TEXT) {
		*ret = p->stdin_text;
		if (shared && shell_word_known(ret))
			*ret = word_unknown(n, ret->text);
		if (shell_word_known(ret))
			return true;
	}
	p->code_from_stdin = true;
	if (p->stdin_kind != STDIN_FILE)
		part_refuse(
		    n, part, "it runs what it reads from standard input");
	if (p->stdin_kind == STDIN_TEXT)
		return true;
	*ret = p->stdin_text;
	return p->stdin_text.text.len > 0 && p->stdin_kind != STDIN_FILE;
}

static void
shell_stdin(struct norm *n, uint32_t part, const struct inner *in,
    enum shell_dialect dialect)
{
	struct shell_word text;
	struct inner alone = *in;

	alone.via = "standard input";
	if (stdin_code(n, part, &text))
		nested_text(n, part, &text, dialect, &alone);
}

/* The part reads its code from the <( ) `from`. */
static void
runs_output(struct norm *n, uint32_t part, uint32_t from)
{
	struct shell_part *const p = part_at(n, part);

	p->code_from_stdin = true;
	p->stdin_kind = STDIN_PIPE;
	p->stdin_first = n->meta[from].first;
	p->stdin_part = from;
	part_refuse(n, part, "it runs what another command prints");
}

/* The text behind a <( ), or a refusal. */
static void
shell_process(struct norm *n, uint32_t part, uint32_t from,
    const struct inner *in, enum shell_dialect dialect)
{
	const struct part_meta *const m = &n->meta[from];

	if (m->has_output) {
		const struct shell_word text = word_text(n, m->output);

		nested_text(n, part, &text, dialect, in);
		return;
	}
	runs_output(n, part, from);
}

/* ---- sh, bash and the like --------------------------------------------- */

struct shell_options {
	bool text, from_stdin, interactive, no_exec;
	const char *bad;
};

static bool
option_harmless(const struct shell_word *w)
{
	static const char *const names =
	    "errexit nounset xtrace noglob verbose pipefail noclobber "
	    "errtrace functrace nullglob globstar dotglob "
	    "nocaseglob nocasematch extglob checkwinsize inherit_errexit "
	    "allexport noexec";

	return shell_word_known(w) && opts_in(names, w->text);
}

static bool
shell_long(const struct shell_part *p, struct shell_options *s, size_t *at)
{
	const struct str w = str_from(p->argv[*at].text, 2);

	++*at;
	if (opts_in("norc noprofile login verbose restricted debugger", w))
		return true;
	if (opts_in("rcfile init-file", w)) {
		++*at;
		return true;
	}
	s->bad = "an option of the shell that is not known";
	return opts_in("help version", w);
}

/* Letters of one word; -o and -O take the following words. */
static bool
shell_letters(const struct shell_part *p, struct shell_options *s, size_t *at)
{
	const struct str w = p->argv[*at].text;
	const bool on = w.s[0] == '-';

	++*at;
	for (size_t k = 1; k < w.len; k++) {
		const char c = w.s[k];

		s->text = s->text || (c == 'c' && on);
		s->from_stdin = s->from_stdin || (c == 's' && on);
		s->interactive = s->interactive || (c == 'i' && on);
		s->no_exec = c == 'n' ? on : s->no_exec;
		if (c == 'o' || c == 'O') {
			if (*at >= p->argc || !option_harmless(&p->argv[*at])) {
				s->bad = "an option that changes how the shell "
					 "reads";
				return false;
			}
			++*at;
		} else if (strchr("clsixeuvfnahmpbCEPT", c) == NULL) {
			s->bad = "an option of the shell that is not known";
			return false;
		}
	}
	return true;
}

static bool
shell_options(const struct shell_part *p, struct shell_options *s, size_t *at)
{
	for (;;) {
		const struct shell_word *const w = &p->argv[*at];
		bool ok;

		if (*at >= p->argc)
			return true;
		if (!shell_word_known(w) && shell_word_may_be_option(w)) {
			s->bad = "an option that is not known before it runs";
			return false;
		}
		if (w->text.len < 2 ||
		    (w->text.s[0] != '-' && w->text.s[0] != '+'))
			break;
		if (str_eqz(w->text, "--")) {
			++*at;
			return true;
		}
		ok = str_starts(w->text, STR("--")) ? shell_long(p, s, at)
						    : shell_letters(p, s, at);
		if (!ok)
			return false;
	}
	/* A single dash ends the options, too. */
	if (shell_word_is(&p->argv[*at], "-"))
		++*at;
	return true;
}

void
wrap_shell(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const enum shell_dialect dialect = dialect_of(str_of(w->name));
	struct shell_options s = { .bad = NULL };
	size_t at = from;
	struct inner in = {
		.via = w->name,
		.assigns = p.assigns,
		.assign_count = p.assign_count,
	};

	if (!shell_options(&p, &s, &at)) {
		part_refuse(n, part, s.bad);
		in.context = CONTEXT_GUESS;
		s.text = true;
		/* Perhaps the text behind the last word of options. */
		for (size_t i = at; i + 1 < p.argc; i++) {
			if (str_eqz(p.argv[i].text, "-c"))
				at = i + 1;
		}
	}
	if (s.interactive) {
		part_refuse(n, part, "an interactive shell");
		in.context = CONTEXT_GUESS;
	}
	part_at(n, part)->language = w->name;
	if (s.text) {
		if (at >= p.argc)
			return;
		part_at(n, part)->code = p.argv[at];
		in.args = p.argv + at + 1;
		in.arg_count = p.argc - at - 1;
		if ((p.argv[at].flags & (WORD_SPLIT | WORD_GLOB)) != 0)
			part_refuse(
			    n, part, "text for a shell that is not known");
		nested_text(n, part, &p.argv[at], dialect, &in);
		return;
	}
	if (at >= p.argc || s.from_stdin || names_stdin(&p.argv[at])) {
		shell_stdin(n, part, &in, dialect);
		return;
	}
	if (process_of(&p.argv[at]) != SHELL_NO_PART) {
		shell_process(n, part, process_of(&p.argv[at]), &in, dialect);
		return;
	}
	/* A file: judged as the code that it holds. */
	part_at(n, part)->kind = PART_COMMAND;
}

void
wrap_source(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = { .via = w->name };
	size_t at = from;

	part_at(n, part)->kind = PART_COMMAND;
	if (at < p.argc && shell_word_is(&p.argv[at], "--"))
		at++;
	if (at >= p.argc)
		return;
	part_at(n, part)->language = "bash";
	if (names_stdin(&p.argv[at]) && !shell_word_is(&p.argv[at], "-"))
		shell_stdin(n, part, &in, SHELL_BASH);
	else if (process_of(&p.argv[at]) != SHELL_NO_PART)
		shell_process(
		    n, part, process_of(&p.argv[at]), &in, SHELL_BASH);
}

/* ---- su ---------------------------------------------------------------- */

void
wrap_su(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct opts o = opts_from(w, &p, from);
	const struct inner in = inner_of(w);
	bool text = false, user = false;

	while (o.at < p.argc) {
		const int r = opts_next(n, &o);

		if (r < 0) {
			part_refuse(n, part, o.bad);
			return;
		}
		if (r > 0 && o.has_value &&
		    opts_in("c command session-command", o.name)) {
			text = true;
			nested_text(n, part, &o.value, SHELL_BASH, &in);
		}
		if (r > 0) {
			user = user || str_eqz(o.name, "u") ||
			    str_eqz(o.name, "user");
			continue;
		}
		/* "runuser -u USER -- COMMAND" starts it without a shell. */
		if (user && o.at < p.argc) {
			inner_run(n, part, &in, p.argv + o.at, p.argc - o.at);
			return;
		}
		o.at += o.at < p.argc ? 1U : 0U;
	}
	if (!text)
		shell_stdin(n, part, &in, SHELL_BASH);
}

/* ---- interpreters ------------------------------------------------------ */

/* Options that give the code, or a file, another way. In longs: letters whose
 * value is attached. */
static bool
has_other_code(const struct wrapper *w, struct str word)
{
	if (word.len < 2 || word.s[0] != '-')
		return false;
	if (word.s[1] == '-')
		return opts_in(w->text_options,
		    str_from(str_head(word, str_find(word, '=')), 2));
	for (size_t k = 1; k < word.len; k++) {
		if (opts_in(w->text_options, str_n(word.s + k, 1)))
			return true;
		if (strchr(w->short_values, word.s[k]) != NULL ||
		    strchr(w->longs, word.s[k]) != NULL)
			return false;
	}
	return false;
}

void
wrap_interpreter(
    struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	struct shell_word code;
	size_t at = from;

	for (; at < p.argc; at++) {
		const struct str t = p.argv[at].text;

		if (names_stdin(&p.argv[at]))
			break;
		if (!shell_word_known(&p.argv[at]) || t.len < 2 ||
		    t.s[0] != '-') {
			const uint32_t process = process_of(&p.argv[at]);

			part_at(n, part)->language =
			    process == SHELL_NO_PART ? NULL : w->name;
			if (process != SHELL_NO_PART)
				runs_output(n, part, process);
			return;
		}
		if (has_other_code(w, t) ||
		    opts_in("--help --version -h -V -v --list", t))
			return;
		if (t.len == 2 && strchr(w->short_values, t.s[1]) != NULL)
			at++;
	}
	part_at(n, part)->language = w->name;
	if (!stdin_code(n, part, &code))
		return;
	part_at(n, part)->code = code;
	if (shell_word_known(&code))
		inner_code(n, part, "standard input", w->name, &code);
}

/* at and batch read a script from standard input. */
void
wrap_at(struct norm *n, uint32_t part, const struct wrapper *w, size_t from)
{
	const struct shell_part p = *part_at(n, part);
	const struct inner in = inner_of(w);

	for (size_t i = from; i < p.argc; i++) {
		if (shell_word_is(&p.argv[i], "-l") ||
		    shell_word_is(&p.argv[i], "-r") ||
		    shell_word_is(&p.argv[i], "-d") ||
		    shell_word_is(&p.argv[i], "-f"))
			return;
	}
	shell_stdin(n, part, &in, SHELL_POSIX);
}
