/*
 * Print completion scripts for three shells, and the command list of the man
 * page, from the table of commands.
 * Runs in: assent.  Trusts: the table (our own text).  Owns: nothing.
 */
#include "tools/completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* The verbs of "log list|show|verify ...", or nothing. */
static struct str
verbs_of(const struct command *c)
{
	struct str rest = str_of(c->usage);
	struct str verbs;

	str_cut(&rest, ' ');
	verbs = str_cut(&rest, ' ');
	if (str_find(verbs, '|') == verbs.len ||
	    str_find(verbs, '[') != verbs.len || str_find(verbs, '-') == 0)
		return STR_NONE;
	return verbs;
}

/* Does the command line of c end in another program's? */
static bool
runs_a_command(const struct command *c)
{
	return strstr(c->usage, "-- CMD") != NULL;
}

static bool
names_a_path(const char *arg)
{
	return strcmp(arg, "FILE") == 0 || strcmp(arg, "DIR") == 0;
}

/* "a|b|c" becomes "a b c"; anything that is not a list of words nothing. */
static void
put_words(struct buf *out, struct str words)
{
	for (size_t i = 0; i < words.len; i++)
		buf_putc(out, (char)(words.s[i] == '|' ? ' ' : words.s[i]));
}

static bool
is_word_list(const char *arg)
{
	return strchr(arg, '|') != NULL && !isupper((unsigned char)arg[0]);
}

/* Inside single quotes, with a backslash before each of special. */
static void
put_quoted(struct buf *out, const char *text, const char *special)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'')
			buf_puts(out, "'\\'");
		else if (strchr(special, *p) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
}

/* ---- bash --------------------------------------------------------------- */

static void
bash_command(const struct command *c, struct buf *out)
{
	buf_printf(out, "\t%s)\n\t\tverbs='", c->name);
	put_words(out, verbs_of(c));
	buf_puts(out, "'\n\t\toptions='--help");
	for (size_t i = 0; i < c->option_count; i++)
		buf_printf(out, " %s", c->options[i].name);
	buf_puts(out, "'\n\t\tcase $previous in\n");
	for (size_t i = 0; i < c->option_count; i++) {
		const struct command_option *o = &c->options[i];

		if (o->arg == NULL)
			continue;
		buf_printf(out, "\t\t%s) values='", o->name);
		if (is_word_list(o->arg))
			put_words(out, str_of(o->arg));
		buf_printf(out, "' takes=%s ;;\n",
		    is_word_list(o->arg) ? "word" : "path");
	}
	buf_puts(out, "\t\tesac ;;\n");
}

static const char bash_head[] =
    "# Completion of assent for bash, made by 'assent completion bash'.\n"
    "_assent()\n{\n"
    "\tlocal current=${COMP_WORDS[COMP_CWORD]}\n"
    "\tlocal previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "\tlocal options='' verbs='' values='' takes='' i\n"
    "\tCOMPREPLY=()\n"
    "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
    "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
    "\t\t\tmapfile -t COMPREPLY < <(compgen -c -f -- \"$current\")\n"
    "\t\t\treturn\n"
    "\t\tfi\n"
    "\tdone\n"
    "\tif ((COMP_CWORD == 1)); then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W '--help --version";
static const char bash_middle[] = "' -- \"$current\")\n"
				  "\t\treturn\n"
				  "\tfi\n"
				  "\tcase ${COMP_WORDS[1]} in\n";
static const char bash_tail[] =
    "\tesac\n"
    "\tif [[ $takes == path ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
    "\telif [[ $takes == word ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$current\")\n"
    "\telif ((COMP_CWORD == 2)) && [[ $current != -* && -n $verbs ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$current\")\n"
    "\telse\n"
    /* What a verb takes it says itself: its table is another module's. */
    "\t\tif ((COMP_CWORD > 2)) && "
    "[[ \" $verbs \" == *\" ${COMP_WORDS[2]} \"* ]]; then\n"
    "\t\t\toptions=$(command assent \"${COMP_WORDS[1]}\" "
    "\"${COMP_WORDS[2]}\" --help 2>/dev/null |\n"
    "\t\t\t\tsed -n 's/^  \\(--[a-z0-9-]*\\).*/\\1/p')\n"
    "\t\tfi\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
    "\tfi\n"
    "}\n"
    "complete -o default -F _assent assent\n";

static void
bash_print(const struct command *const *table, size_t count, struct buf *out)
{
	buf_puts(out, bash_head);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, " %s", table[i]->name);
	buf_puts(out, bash_middle);
	for (size_t i = 0; i < count; i++)
		bash_command(table[i], out);
	buf_puts(out, bash_tail);
}

/* ---- zsh ---------------------------------------------------------------- */

static void
zsh_option(const struct command_option *o, struct buf *out)
{
	buf_printf(out, " \\\n\t\t\t'*%s[", o->name);
	put_quoted(out, o->help, "[]:\\");
	buf_putc(out, ']');
	if (o->arg != NULL) {
		buf_puts(out, ":value:");
		if (is_word_list(o->arg)) {
			buf_putc(out, '(');
			put_words(out, str_of(o->arg));
			buf_putc(out, ')');
		} else if (names_a_path(o->arg)) {
			buf_puts(out, "_files");
		}
	}
	buf_putc(out, '\'');
}

static void
zsh_command(const struct command *c, struct buf *out)
{
	const struct str verbs = verbs_of(c);

	buf_printf(out, "\t%s)\n\t\t_arguments \\\n\t\t\t'--help[show help]'",
	    c->name);
	for (size_t i = 0; i < c->option_count; i++)
		zsh_option(&c->options[i], out);
	if (verbs.len > 0) {
		buf_puts(out, " \\\n\t\t\t'1:verb:(");
		put_words(out, verbs);
		buf_puts(out, ")'");
	}
	if (runs_a_command(c))
		buf_puts(out, " \\\n\t\t\t'*::command:_normal'");
	else
		buf_puts(out, " \\\n\t\t\t'*:operand:_files'");
	buf_puts(out, " ;;\n");
}

static void
zsh_print(const struct command *const *table, size_t count, struct buf *out)
{
	buf_puts(out,
	    "#compdef assent\n"
	    "# Completion of assent for zsh, made by 'assent completion zsh'.\n"
	    "_assent()\n{\n"
	    "\tlocal -a names\n"
	    "\tnames=(\n");
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "\t\t'%s:", table[i]->name);
		put_quoted(out, table[i]->summary, ":\\");
		buf_puts(out, "'\n");
	}
	buf_puts(out,
	    "\t)\n"
	    "\tif ((CURRENT == 2)); then\n"
	    "\t\t_describe command names\n"
	    "\t\treturn\n"
	    "\tfi\n"
	    "\tshift words\n"
	    "\t((CURRENT--))\n"
	    "\tcase $words[1] in\n");
	for (size_t i = 0; i < count; i++)
		zsh_command(table[i], out);
	buf_puts(out,
	    "\tesac\n"
	    "}\n"
	    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
	    "\t_assent \"$@\"\n"
	    "else\n"
	    "\tcompdef _assent assent\n"
	    "fi\n");
}

/* ---- fish --------------------------------------------------------------- */

static void
fish_option(
    const char *command, const struct command_option *o, struct buf *out)
{
	buf_printf(out, "complete -c assent -n '__assent_is %s' -l %s -d '",
	    command, o->name + 2);
	put_quoted(out, o->help, "\\");
	buf_putc(out, '\'');
	if (o->arg != NULL) {
		buf_puts(out, " -r");
		if (is_word_list(o->arg)) {
			buf_puts(out, " -f -a '");
			put_words(out, str_of(o->arg));
			buf_putc(out, '\'');
		} else if (names_a_path(o->arg)) {
			buf_puts(out, " -F");
		}
	}
	buf_putc(out, '\n');
}

static void
fish_command(const struct command *c, struct buf *out)
{
	const struct str verbs = verbs_of(c);

	buf_printf(out,
	    "complete -c assent -f -n __assent_needs_command -a %s -d '",
	    c->name);
	put_quoted(out, c->summary, "\\");
	buf_puts(out, "'\n");
	if (verbs.len > 0) {
		buf_printf(out,
		    "complete -c assent -f -n '__assent_is %s' -a '", c->name);
		put_words(out, verbs);
		buf_puts(out, "'\n");
	}
	for (size_t i = 0; i < c->option_count; i++)
		fish_option(c->name, &c->options[i], out);
}

static void
fish_print(const struct command *const *table, size_t count, struct buf *out)
{
	buf_puts(out,
	    "# Completion of assent for fish, made by 'assent completion "
	    "fish'.\n"
	    "function __assent_needs_command\n"
	    "\ttest (count (commandline -opc)) -eq 1\n"
	    "end\n"
	    "function __assent_is\n"
	    "\tset -l words (commandline -opc)\n"
	    "\ttest (count $words) -gt 1; and test $words[2] = $argv[1]\n"
	    "\tand not contains -- -- $words\n"
	    "end\n");
	for (size_t i = 0; i < count; i++)
		fish_command(table[i], out);
}

int
completion_print(const char *shell, const struct command *const *table,
    size_t count, struct buf *out, struct err *e)
{
	static const struct {
		const char *name;
		void (*print)(const struct command *const *table, size_t count,
		    struct buf *out);
	} shells[] = {
		{ "bash", bash_print },
		{ "zsh", zsh_print },
		{ "fish", fish_print },
	};

	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(table, count, out);
			return buf_done(out, e);
		}
	}
	return err_set(e, ERR_INVALID,
	    "no completion for '%s'; there is bash, zsh and fish", shell);
}

/* ---- mdoc --------------------------------------------------------------- */

/* Text of a line: no macro at its start, no escape inside. */
static void
mdoc_text(struct buf *out, const char *text)
{
	bool line_starts = true;

	for (const char *p = text; *p != '\0'; p++) {
		if (line_starts && (*p == '.' || *p == '\''))
			buf_puts(out, "\\&");
		if (*p == '\\')
			buf_puts(out, "\\e");
		else
			buf_putc(out, *p);
		line_starts = *p == '\n';
	}
}

static void
mdoc_command(const struct command *c, struct buf *out)
{
	buf_puts(out, ".It Cm ");
	mdoc_text(out, c->usage);
	buf_puts(out, "\n");
	mdoc_text(out, c->summary);
	buf_puts(out, ".\n");
	if (c->option_count == 0)
		return;
	buf_puts(out, ".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; i < c->option_count; i++) {
		const struct command_option *o = &c->options[i];

		buf_printf(out, ".It Fl \\-%s", o->name + 2);
		if (o->arg != NULL)
			buf_printf(out, " Ar %s", o->arg);
		buf_putc(out, '\n');
		mdoc_text(out, o->help);
		buf_puts(out, "\n");
	}
	buf_puts(out, ".El\n");
}

void
completion_mdoc(
    const struct command *const *table, size_t count, struct buf *out)
{
	buf_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < count; i++)
		mdoc_command(table[i], out);
	buf_puts(out, ".El\n");
}
