/*
 * Commands of vi, vim and ex that are given as options.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"
#include "effects_script.h"

/* ---- commands of vi and ex --------------------------------------------- */

/* What is behind a command's word: no file, no expression, no keys that
 * start another command. */
static bool
editor_words_plain(struct str c)
{
	const size_t blank = str_find(c, ' ');
	const struct str rest = str_trim(str_from(c, blank));

	if (str_at(c, 0) == 'w' || str_at(c, 0) == 'x' ||
	    lang_starts(c, "up") || lang_starts(c, "update"))
		return rest.len == 0;
	for (size_t i = 0; i < rest.len; i++) {
		if (strchr("(:@`", rest.s[i]) != NULL)
			return false;
	}
	return true;
}

static bool editor_plain(struct str c);

/* s/A/B/, g/A/COMMAND, d, m, t, p, y. */
static bool
editor_letter(struct str c)
{
	size_t i = 2;

	if (lang_starts(c, "sort") || lang_starts(c, "set"))
		return editor_words_plain(c);
	if (c.len > 1 && lang_ident_char(c.s[1]))
		return false;
	if (str_at(c, 0) == 's')
		return str_search(c, STR("\\=")) == c.len;
	if (str_at(c, 0) != 'g' && str_at(c, 0) != 'v')
		return true;
	while (i < c.len && c.s[i] != c.s[1])
		i += c.s[i] == '\\' ? 2 : 1;
	return i + 1 >= c.len || editor_plain(str_from(c, i + 1));
}

static bool
editor_plain(struct str c)
{
	static const char *const words[] = { "wq", "x", "q", "w", "wqa", "qa",
		"xa", "wa", "set", "normal", "norm", "sort", "retab", "noh",
		"update", "up", "join", "global", "syntax", "filetype", "undo",
		"redo", "print", "nu" };
	size_t i = 0;

	if (c.len > 0 && c.s[0] == ':')
		c = str_from(c, 1);
	while (i < c.len && strchr("%$.,0123456789'<>+- ", c.s[i]) != NULL)
		i++;
	c = str_from(c, i);
	if (c.len == 0)
		return true;
	if (str_at(c, 0) == 's' || str_at(c, 0) == 'g' || str_at(c, 0) == 'd' ||
	    str_at(c, 0) == 'v' || str_at(c, 0) == 'm' || str_at(c, 0) == 't' ||
	    str_at(c, 0) == 'p' || str_at(c, 0) == 'y')
		return editor_letter(c);
	for (size_t k = 0; k < ARRAY_LEN(words); k++) {
		if (lang_starts(c, words[k]))
			return editor_words_plain(c);
	}
	return false;
}

void
as_editor(struct judge *j, const struct arg *a, struct str param)
{
	struct str rest = a->text;

	(void)param;
	if (!a->known)
		effect_unknown(j, "the editor's command is not known before");
	while (rest.len > 0) {
		const struct str c = str_trim(str_cut(&rest, '|'));
		const size_t bang = str_find(c, '!');
		const bool plain_bang = bang + 1 == c.len;

		if (bang < c.len && !plain_bang) {
			const struct arg cmd =
			    arg_text(j->arena, str_from(c, bang + 1));

			judge_shell_text(j, &cmd, "an editor command");
			effect_unknown(j, "the editor runs a command (!)");
		} else if (!editor_plain(c)) {
			effect_unknown(j, "'%.*s' is not described for %.*s",
			    STR_ARG(c), STR_ARG(j->program));
		}
	}
}
