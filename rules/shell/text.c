/*
 * Whole texts: the script, what eval gets, what another shell gets. Where one
 * is not understood, the rest is searched for commands all the same: they can
 * only make a decision stricter.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

#include "base/text.h"
#include "model/limits.h"
#include "shell/parser.h"

/* Code points that a reader does not see, or takes for something else. */
static bool
is_hidden(int32_t cp)
{
	static const struct {
		int32_t from, to;
	} ranges[] = {
		{ 0x80, 0xa0 },
		{ 0xad, 0xad },
		{ 0x34f, 0x34f },
		{ 0x61c, 0x61c },
		{ 0x115f, 0x1160 },
		{ 0x1680, 0x1680 },
		{ 0x17b4, 0x17b5 },
		{ 0x180b, 0x180e },
		{ 0x2000, 0x200f },
		{ 0x2028, 0x202f },
		{ 0x205f, 0x206f },
		{ 0x3000, 0x3000 },
		{ 0x3164, 0x3164 },
		{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (cp >= ranges[i].from && cp <= ranges[i].to)
			return true;
	}
	return false;
}

const char *
text_refused(struct str text, size_t *ret_at)
{
	for (size_t i = 0; i < text.len;) {
		const unsigned char c = (unsigned char)text.s[i];

		*ret_at = i;
		if (c == '\0')
			return "a NUL byte";
		if (c == '\r')
			return "a carriage return, which bash takes for a "
			       "letter";
		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
			return "a control character";
		if (c < 0x80) {
			i++;
			continue;
		}
		const int32_t cp = text_decode(text, &i);

		if (cp < 0)
			return "bytes that are not UTF-8";
		if (is_hidden(cp))
			return "a character that is not visible";
	}
	return NULL;
}

/* ---- looking for commands in what was not understood ------------------- */

/* A reserved word at the start: what follows is a command again. */
static uint32_t
skip_reserved(const struct str text, uint32_t at)
{
	static const char *const words[] = {
		"then",
		"else",
		"elif",
		"do",
		"if",
		"while",
		"until",
		"time",
		"coproc",
		"!",
		"{",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct str w = str_of(words[i]);
		const struct str rest = str_from(text, at);

		if (str_starts(rest, w) && rest.len > w.len &&
		    strchr(" \t\n", rest.s[w.len]) != NULL)
			return at + (uint32_t)w.len;
	}
	return at;
}

static uint32_t
next_start(struct str text, uint32_t at)
{
	while (at < text.len && strchr(";&|\n(){}`", text.s[at]) == NULL)
		at++;
	while (at < text.len && strchr(";&|\n(){}` \t", text.s[at]) != NULL)
		at++;
	return at;
}

/* Tries to read a command at every place where one may start. */
static void
guess_commands(struct norm *n, struct str text, uint32_t at)
{
	const struct frame saved = frame_push(n, CONTEXT_GUESS, NULL);
	const struct mark m = state_mark(n);
	size_t work = 0;

	for (unsigned tries = 0;
	     at < text.len && tries < NORM_GUESSES_MAX && !n->stopped;
	     tries++) {
		struct parser p;
		struct node *nd = NULL;

		while (at < text.len && strchr(" \t\n;", text.s[at]) != NULL)
			at++;
		at = skip_reserved(text, at);
		parser_init(&p, text, n->dialect, n->arena);
		p.at = at;
		const bool ok = parse_next(&p, &nd);

		/* Every try may read to the end: not too many of them. */
		work += p.at - at;
		if (work > 4 * text.len)
			break;
		if (nd != NULL && n->steps < NORM_STEPS_MAX) {
			n->dirs = m.dirs;
			(void)walk(n, nd);
		}
		if (p.no_memory)
			n->no_memory = true;
		if (ok)
			at = p.have_tok ? p.tok.start : p.at;
		else if (nd != NULL && nd->end > at)
			at = next_start(text, nd->end);
		else
			at = next_start(text, at);
	}
	state_undo(n, &m);
	frame_pop(n, &saved);
}

/* ---- texts ------------------------------------------------------------- */

/* Parses and walks; the reason when something is not understood. */
static const char *
walk_text(struct norm *n, struct str text, struct flow *ret, size_t *ret_at,
    uint32_t *ret_resume)
{
	struct parser p;
	struct node *nd = NULL;
	struct flow f = { .ok = n->dirs, .fail = n->dirs };

	parser_init(&p, text, n->dialect, n->arena);
	*ret_resume = 0;
	const bool may_abort = n->may_abort;

	while (!norm_stopped(n) && parse_next(&p, &nd)) {
		n->dirs = dirs_union(n, f.ok, f.fail);
		const struct mark m = state_mark(n);

		n->may_abort = false;
		f = walk(n, nd);
		if (n->may_abort) {
			state_blur(n, &m);
			f.ok = dirs_union(n, f.ok, n->abort_dirs);
			f.fail = dirs_union(n, f.fail, n->abort_dirs);
			n->abort_dirs = NULL;
		}
		*ret_resume = p.have_tok ? p.tok.start : p.at;
	}
	n->may_abort = may_abort;
	n->dirs = dirs_union(n, f.ok, f.fail);
	n->no_memory = n->no_memory || p.no_memory;
	*ret = f;
	*ret_at = p.refused_at;
	return p.refused;
}

void
norm_script(struct norm *n, struct str text, enum shell_dialect dialect)
{
	size_t at = 0;
	uint32_t resume = 0;
	struct flow f;
	const char *why = text_refused(text, &at);

	n->dialect = dialect == SHELL_OTHER ? SHELL_BASH : dialect;
	if (dialect == SHELL_OTHER)
		norm_refuse(n, "text for a shell of another kind", 0);
	if (text.len > SCRIPT_UNDERSTOOD_MAX) {
		norm_refuse(
		    n, "too long to be understood", SCRIPT_UNDERSTOOD_MAX);
		text = str_head(text, SCRIPT_UNDERSTOOD_MAX);
	}
	if (why != NULL) {
		norm_refuse(n, why, at);
		text = str_head(text, str_find(text, '\0'));
	}
	if (text.len > 0 && (text.s[0] == '-' || text.s[0] == '+'))
		norm_refuse(n,
		    "a first character that bash takes for an "
		    "option's",
		    0);
	why = walk_text(n, text, &f, &at, &resume);
	if (why != NULL && !norm_stopped(n)) {
		norm_refuse(n, why, at);
		guess_commands(n, text, resume);
	}
}

struct flow
norm_text_here(struct norm *n, struct str text)
{
	const bool nested = n->nested;
	size_t at = 0;
	uint32_t resume = 0;
	struct flow f = { .ok = n->dirs, .fail = n->dirs };
	const char *why = text_refused(text, &at);
	const struct shell_word w = word_text(n, text);

	if (!norm_enter(n))
		return f;
	n->nested = true;
	if (text.len > SCRIPT_UNDERSTOOD_MAX) {
		why = "too long to be understood";
		text = str_head(text, SCRIPT_UNDERSTOOD_MAX);
	}
	if (why != NULL)
		part_doubt(n, why, &w);
	why = walk_text(n, text, &f, &at, &resume);
	if (why != NULL && !norm_stopped(n)) {
		part_doubt(n, why, &w);
		guess_commands(n, text, resume);
		unknown_command_state(n);
		f = (struct flow){ .ok = n->dirs, .fail = n->dirs };
	}
	n->nested = nested;
	norm_leave(n);
	return f;
}

/* ---- another shell ----------------------------------------------------- */

/* What a child sees of the variables: exported ones certainly, others if
 * they were in the environment before. */
static void
inherit_vars(struct norm *n, struct var *const *old)
{
	for (size_t b = 0; b < NORM_VAR_BUCKETS; b++) {
		for (const struct var *v = old[b]; v != NULL && norm_step(n);
		     v = v->next) {
			const bool sure = v->kind == VAR_SET && v->exported &&
			    var_current(n, v);

			if (v->function || v->kind == VAR_INHERITED ||
			    str_eqz(v->name, "IFS"))
				continue;
			if (sure)
				var_set(n, v->name, &v->value);
			else
				var_maybe(n, v->name, &v->value);
		}
	}
}

void
norm_nested(struct norm *n, struct str text, enum shell_dialect dialect,
    const struct positional *args, const struct shell_assign *assigns,
    size_t assign_count)
{
	struct var *old[NORM_VAR_BUCKETS];
	const struct mark m = state_mark(n);
	const enum shell_dialect old_dialect = n->dialect;
	const struct frame saved = frame_push(
	    n, dialect == SHELL_OTHER ? (unsigned)CONTEXT_GUESS : 0U, NULL);
	const bool old_lastpipe = n->lastpipe;
	const unsigned old_functions = n->function_depth;

	memcpy(old, n->vars, sizeof(old));
	memset(n->vars, 0, sizeof(n->vars));
	inherit_vars(n, old);
	n->frame.external = false;
	n->stack = NULL;
	n->args = args != NULL ? *args : (struct positional){ .count = 0 };
	n->dialect = dialect == SHELL_OTHER ? SHELL_BASH : dialect;
	n->lastpipe = false;
	n->function_depth = 0;
	/* A shell does not take IFS from its environment. */
	for (size_t i = 0; i < assign_count; i++) {
		if (!str_eqz(assigns[i].name, "IFS"))
			(void)assigns_apply(n, &assigns[i], 1);
	}
	if (dialect == SHELL_OTHER) {
		const struct shell_word w = word_text(n, text);

		part_doubt(n, "text for a shell of another kind", &w);
	}
	(void)norm_text_here(n, text);
	n->dialect = old_dialect;
	n->lastpipe = old_lastpipe;
	n->function_depth = old_functions;
	state_undo(n, &m);
	memcpy(n->vars, old, sizeof(old));
	frame_pop(n, &saved);
}

void
norm_uncalled(struct norm *n)
{
	for (uint32_t i = 0; i < n->function_count && !norm_stopped(n); i++) {
		const struct function *const f = &n->functions[i];
		struct mark m;
		struct frame saved;

		if (f->called && !f->unsure)
			continue;
		m = state_mark(n);
		saved = frame_push(
		    n, CONTEXT_FUNCTION | CONTEXT_UNCALLED, "function");
		unknown_command_state(n);
		n->args.unknown = true;
		n->function_depth++;
		(void)walk(n, f->body);
		n->function_depth--;
		frame_pop(n, &saved);
		state_undo(n, &m);
	}
}
