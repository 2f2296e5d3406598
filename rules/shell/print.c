/*
 * Words and parts as text, and small questions about them.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/shell.h"

#include <string.h>

#include "base/text.h"

/* ---- questions --------------------------------------------------------- */

bool
shell_word_known(const struct shell_word *w)
{
	return (w->flags & (WORD_DYNAMIC | WORD_SPLIT | WORD_GLOB)) == 0;
}

bool
shell_word_is(const struct shell_word *w, const char *text)
{
	return shell_word_known(w) && str_eqz(w->text, text);
}

struct str
shell_word_prefix(const struct shell_word *w)
{
	if (shell_word_known(w))
		return w->text;
	if ((w->flags & WORD_SPLIT) != 0 || w->piece_count == 0 ||
	    w->pieces[0].kind != PIECE_TEXT)
		return STR("");
	return w->pieces[0].text;
}

bool
shell_word_may_be_option(const struct shell_word *w)
{
	const struct str prefix = shell_word_prefix(w);

	if (shell_word_known(w))
		return w->text.len > 1 && w->text.s[0] == '-';
	return prefix.len == 0 || prefix.s[0] == '-';
}

struct str
shell_part_program(const struct shell_part *p)
{
	static const char *const folders[] = {
		"/bin",
		"/usr/bin",
		"/usr/local/bin",
		"/sbin",
		"/usr/sbin",
		"/usr/local/sbin",
	};
	struct str name;
	size_t slash;

	if (p->argc == 0 || !shell_word_known(&p->argv[0]))
		return STR("");
	name = p->argv[0].text;
	slash = str_rfind(name, '/');
	if (slash == name.len)
		return name;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if (str_eqz(str_head(name, slash), folders[i]))
			return str_from(name, slash + 1);
	}
	return name;
}

/* ---- names ------------------------------------------------------------- */

static const char *
part_kind_name(enum part_kind k)
{
	static const char *const names[] = {
		[PART_INVALID] = "invalid",
		[PART_COMMAND] = "command",
		[PART_WRAPPER] = "wrapper",
		[PART_ASSIGN] = "assign",
		[PART_REDIR] = "redirect",
		[PART_CODE] = "code",
	};

	return names[k];
}

static const char *
connector_text(enum connector c)
{
	static const char *const names[] = {
		[CONNECT_NONE] = "",
		[CONNECT_SEQ] = ";",
		[CONNECT_AND] = "&&",
		[CONNECT_OR] = "||",
		[CONNECT_PIPE] = "|",
		[CONNECT_PIPE_BOTH] = "|&",
		[CONNECT_BACKGROUND] = "&",
	};

	return names[c];
}

const char *
env_effect_name(enum env_effect v)
{
	static const char *const names[] = {
		[ENV_PLAIN] = "plain",
		[ENV_SEARCH] = "search path",
		[ENV_LOADER] = "loader",
		[ENV_SHELL] = "shell",
		[ENV_RUNTIME] = "runtime",
		[ENV_TOOL] = "tool",
		[ENV_NETWORK] = "network",
		[ENV_ACCOUNT] = "account",
	};

	return names[v];
}

/* ---- words ------------------------------------------------------------- */

static bool
needs_quotes(struct str s)
{
	if (s.len == 0)
		return true;
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.s[i];

		if (c >= 0x80 || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-_./:=,+@%^~!{}", c) != NULL)
			continue;
		return true;
	}
	return s.s[0] == '~' || s.s[0] == '{' || s.s[0] == '!';
}

static void
print_text(struct buf *out, struct str s)
{
	if (!needs_quotes(s)) {
		buf_put_str(out, s);
		return;
	}
	buf_putc(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, s.s[i]);
	}
	buf_putc(out, '\'');
}

static void
print_piece(struct buf *out, const struct shell_piece *p)
{
	switch (p->kind) {
	case PIECE_TEXT:
		print_text(out, p->text);
		break;
	case PIECE_GLOB:
	case PIECE_BELOW:
		buf_put_str(out, p->text);
		break;
	case PIECE_DIGITS:
		buf_puts(
		    out, p->origin == ORIGIN_FILE_NAME ? "<(...)" : "$((...))");
		break;
	case PIECE_UNKNOWN:
	case PIECE_INVALID:
		if (p->origin == ORIGIN_VARIABLE && p->name.len > 0) {
			buf_puts(out, "${");
			buf_put_str(out, p->name);
			buf_putc(out, '}');
		} else if (p->origin == ORIGIN_OUTPUT) {
			buf_puts(out, "$(...)");
		} else {
			buf_puts(out, "${...}");
		}
		break;
	}
}

void
shell_word_print(struct buf *out, const struct shell_word *w)
{
	if (w->piece_count == 0) {
		if ((w->flags & WORD_SPLIT) == 0)
			buf_puts(out, "''");
		return;
	}
	for (size_t i = 0; i < w->piece_count; i++)
		print_piece(out, &w->pieces[i]);
}

/* ---- parts ------------------------------------------------------------- */

static const char *
redir_text(enum redir_op op)
{
	static const char *const names[] = {
		[REDIR_INVALID] = "?",
		[REDIR_READ] = "<",
		[REDIR_WRITE] = ">",
		[REDIR_APPEND] = ">>",
		[REDIR_READ_WRITE] = "<>",
		[REDIR_BOTH] = "&>",
		[REDIR_BOTH_APPEND] = "&>>",
		[REDIR_DUP] = ">&",
		[REDIR_TEXT] = "<<<",
	};

	return names[op];
}

static void
print_redir(struct buf *out, const struct shell_redir *r)
{
	const bool both = r->op == REDIR_BOTH || r->op == REDIR_BOTH_APPEND;
	const bool input = r->op == REDIR_READ || r->op == REDIR_READ_WRITE ||
	    r->op == REDIR_TEXT;

	if (!both && r->fd != (input ? 0 : 1))
		buf_printf(out, "%d", r->fd);
	buf_puts(out, redir_text(r->op));
	shell_word_print(out, &r->target);
}

static void
print_assign(struct buf *out, const struct shell_assign *a)
{
	buf_put_str(out, a->name);
	buf_puts(out, a->append ? "+=" : "=");
	if (a->array)
		buf_puts(out, "(...)");
	else
		shell_word_print(out, &a->value);
}

void
shell_part_print(struct buf *out, const struct shell_part *p)
{
	const char *gap = "";

	/* The words of export and its like hold the assignments. */
	for (size_t i = 0; i < p->assign_count && p->kind != PART_WRAPPER &&
	     (p->kind != PART_ASSIGN || p->argc == 0);
	     i++) {
		buf_puts(out, gap);
		print_assign(out, &p->assigns[i]);
		gap = " ";
	}
	for (size_t i = 0; i < p->argc; i++) {
		buf_puts(out, gap);
		shell_word_print(out, &p->argv[i]);
		gap = " ";
	}
	if (p->kind == PART_CODE) {
		buf_printf(out, "%s%s: ", gap,
		    p->language == NULL ? "code" : p->language);
		shell_word_print(out, &p->code);
		gap = " ";
	}
	for (size_t i = 0; i < p->redir_count; i++) {
		buf_puts(out, gap);
		print_redir(out, &p->redirs[i]);
		gap = " ";
	}
}

static void
print_context(struct buf *out, unsigned context)
{
	static const char *const names[] = {
		"subshell",
		"substitution",
		"loop",
		"condition",
		"function",
		"uncalled",
		"trap",
		"privilege",
		"remote",
		"container",
		"input-arguments",
		"background",
		"guess",
		"repeated",
	};

	if (context == 0)
		return;
	buf_puts(out, "  context");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((context & (1U << i)) != 0)
			buf_printf(out, " %s", names[i]);
	}
	buf_putc(out, '\n');
}

static void
print_stdin(struct buf *out, const struct shell_part *p)
{
	static const char *const names[] = {
		[STDIN_INHERIT] = "inherit",
		[STDIN_PIPE] = "pipe",
		[STDIN_TEXT] = "text",
		[STDIN_FILE] = "file",
		[STDIN_CLOSED] = "closed",
		[STDIN_OTHER] = "other",
	};

	if (p->stdin_kind == STDIN_INHERIT)
		return;
	buf_printf(out, "  stdin %s", names[p->stdin_kind]);
	if (p->stdin_part != SHELL_NO_PART)
		buf_printf(out, " of %u", p->stdin_part);
	if (p->stdin_kind == STDIN_TEXT || p->stdin_kind == STDIN_FILE) {
		buf_putc(out, ' ');
		shell_word_print(out, &p->stdin_text);
	}
	buf_putc(out, '\n');
}

static void
print_dirs(struct buf *out, const struct shell_part *p)
{
	buf_puts(out, "  in");
	for (size_t i = 0; i < p->cwd_count; i++) {
		buf_putc(out, ' ');
		buf_put_str(out, p->cwds[i]);
	}
	if (p->cwd_below)
		buf_puts(out, " or below");
	if (p->cwd_unknown)
		buf_puts(out, " ?");
	buf_putc(out, '\n');
}

static void
print_part(struct buf *out, const struct shell_part *p, size_t i)
{
	AUTO_BUF struct buf line = BUF_INIT((size_t)1 << 22);

	buf_printf(out, "%zu %s: ", i, part_kind_name(p->kind));
	shell_part_print(&line, p);
	text_escape(out, buf_str(&line));
	buf_putc(out, '\n');
	if (line.failed != 0)
		out->failed = line.failed;
	buf_reset(&line);
	print_context(&line, p->context);
	print_dirs(&line, p);
	print_stdin(&line, p);
	text_escape_block(out, buf_str(&line));
	if (line.failed != 0)
		out->failed = line.failed;
	if (p->negated)
		buf_puts(out, "  negated\n");
	if (p->before != CONNECT_NONE || p->after != CONNECT_NONE)
		buf_printf(out, "  between '%s' and '%s'\n",
		    connector_text(p->before), connector_text(p->after));
	if (p->parent != SHELL_NO_PART)
		buf_printf(out, "  inside %u\n", p->parent);
	if (p->via != NULL)
		buf_printf(out, "  via %s\n", p->via);
	if (p->stdout_part != SHELL_NO_PART)
		buf_printf(out, "  output to %u\n", p->stdout_part);
	if (p->function_call)
		buf_puts(out, "  function call\n");
	if (p->code_from_stdin)
		buf_puts(out, "  runs its standard input\n");
	for (size_t k = 0; k < p->assign_count; k++) {
		if (p->assigns[k].effect == ENV_PLAIN)
			continue;
		buf_puts(out, "  sets ");
		text_escape(out, p->assigns[k].name);
		buf_printf(
		    out, ": %s\n", env_effect_name(p->assigns[k].effect));
	}
	if (p->not_understood != NULL)
		buf_printf(out, "  not understood: %s\n", p->not_understood);
}

void
shell_result_print(struct buf *out, const struct shell_result *r)
{
	if (r->not_understood != NULL)
		buf_printf(out, "not understood at %zu: %s\n", r->offset,
		    r->not_understood);
	for (size_t i = 0; i < r->part_count; i++)
		print_part(out, &r->parts[i], i);
}
