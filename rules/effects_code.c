/*
 * Programs in other languages inside arguments: what their words give away.
 * Runs in: engine, assent.  Trusts: nothing in the text.  Owns: nothing.
 *
 * This proves nothing about code; the sandbox contains it. It finds what a
 * person would be warned by: connections, commands, deletions, secrets.
 */
#include "effects_code.h"
#include "hosts.h"

static bool
has(const struct scan *x, enum code_list list)
{
	return (x->found & (1u << list)) != 0;
}

static bool
is_path_like(struct str t)
{
	if (t.len < 2 || t.len > 300 || str_find(t, '\n') < t.len ||
	    str_find(t, ' ') < t.len || str_search(t, STR("://")) < t.len)
		return false;
	return str_find(t, '/') < t.len || str_at(t, 0) == '.' ||
	    str_at(t, 0) == '~' || str_rfind(t, '.') < t.len;
}

static bool
is_host_like(struct str t)
{
	size_t dots = 0, letters = 0;

	if (t.len < 4 || t.len > 100)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		const char c = t.s[i];

		dots += c == '.' ? 1 : 0;
		letters += (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? 1 : 0;
		if (!code_ident_char(c) && c != '-')
			return false;
	}
	return dots > 0 && (letters == 0 ? dots == 3 : str_at(t, 0) != '.') &&
	    t.s[t.len - 1] != '.';
}

/* "src", "*": a name without a folder. */
static bool
is_name(struct str t)
{
	for (size_t i = 0; i < t.len; i++) {
		if (!code_ident_char(t.s[i]) &&
		    strchr("-+*?@%,", t.s[i]) == NULL)
			return false;
	}
	return t.len > 0 && t.len <= 100;
}

/* "w", "ab", "r+": how a file is opened. */
static bool
is_write_mode(struct str t)
{
	const char c = str_at(t, 0);

	return t.len > 0 && t.len <= 3 &&
	    (c == 'w' || c == 'a' || c == 'x' || str_at(t, 1) == '+');
}

/* Does anything in the code look as if it wrote? */
static bool
may_write(const struct scan *x)
{
	bool may = (x->found &
		       (1u << CODE_WRITES | 1u << CODE_DELETES |
			   1u << CODE_REMOVES)) != 0;

	for (size_t i = 0; i < x->count && !may; i++)
		may = x->literals[i].mode == 'w' ||
		    str_at(x->literals[i].text, 0) == '>' ||
		    is_write_mode(x->literals[i].text);
	return may;
}

/* "x.so", "x.so.1", "x.dylib" */
static bool
is_library(struct str t)
{
	const size_t at = str_search(t, STR(".so"));

	return str_ends(t, STR(".dylib")) || str_ends(t, STR(".dll")) ||
	    (at < t.len && (at + 3 == t.len || str_at(t, at + 3) == '.'));
}

static void
judge_path(struct scan *x, const struct literal *l)
{
	struct judge *j = x->j;
	const unsigned around = l->before | l->after;
	struct arg a = arg_text(j->arena, l->text);
	struct path_facts f;
	char text[400];

	if (str_at(l->text, 0) == '>') { /* perl's open */
		a = arg_text(j->arena,
		    str_trim(str_from(
			l->text, str_starts(l->text, STR(">>")) ? 2 : 1)));
		effect_write(j, &a, "writes");
		return;
	}
	if (!is_path_like(l->text)) {
		if (l->deleted && is_name(l->text))
			effect_delete(j, &a, true);
		return;
	}
	arg_place(j, &a, &f);
	if (!f.secret && str_at(l->text, 0) == '.') {
		(void)snprintf(text, sizeof(text), "~/%.*s", STR_ARG(l->text));
		a = arg_text(j->arena, str_of(arena_strdup(j->arena, text)));
		arg_place(j, &a, &f);
		if (!f.secret && !f.startup)
			a = arg_text(j->arena, l->text);
		arg_place(j, &a, &f);
	}
	if (f.secret)
		effect_read(j, &a, true);
	if (is_library(l->text) && !f.in_workspace && f.base != PATH_SYSTEM)
		effect_run(j, &a);
	if ((around & (1u << CODE_DELETES | 1u << CODE_REMOVES)) != 0)
		effect_delete(j, &a, true);
	else if ((around & (1u << CODE_WRITES)) != 0 || l->mode == 'w')
		effect_write(j, &a, "writes");
	else if ((f.startup || f.own || f.device) &&
	    (!f.secret || may_write(x)))
		effect_write(j, &a, "names");
}

/* os.replace("src/a.c", "/dev/null"): what is moved out of the workspace is
 * lost to it. */
static void
judge_move(struct scan *x, size_t i)
{
	const struct literal *const l = &x->literals[i];
	struct path_facts from, to;
	struct arg a, b;

	if ((l->before & (1u << CODE_MOVES)) == 0 || i + 1 >= x->count ||
	    !x->literals[i + 1].joined ||
	    !(is_path_like(l->text) || is_name(l->text)))
		return;
	a = arg_text(x->j->arena, l->text);
	b = arg_text(x->j->arena, x->literals[i + 1].text);
	arg_place(x->j, &a, &from);
	arg_place(x->j, &b, &to);
	if (from.base != PATH_TEMP && !to.in_workspace)
		effect_delete(x->j, &a, true);
}

/* A command: its first word is a program that is described, or a path. */
static bool
is_command(struct scan *x, struct str t)
{
	struct str rest = str_trim(t);
	struct str first;

	if (rest.len == 0 || rest.len > 4000)
		return false;
	first = str_cut(&rest, ' ');
	first = str_head(first, str_find(first, '\n'));
	first = str_head(first, str_find(first, ';'));
	first = str_head(first, str_find(first, '|'));
	return programs_find(x->j->programs, first) != NULL ||
	    (first.len > 1 && str_at(first, 0) == '/') ||
	    str_starts(first, STR("./"));
}

static void
quote_word(struct buf *b, struct str w)
{
	buf_putc(b, '\'');
	for (size_t i = 0; i < w.len; i++) {
		if (w.s[i] == '\'')
			buf_puts(b, "'\\''");
		else
			buf_putc(b, w.s[i]);
	}
	buf_putc(b, '\'');
}

static bool
names_again(struct str path, struct str name)
{
	const size_t slash = str_rfind(path, '/');

	return slash < path.len &&
	    (str_eq(path, name) || str_eq(str_from(path, slash + 1), name));
}

/* The literals from i on as one command; returns how many they are. */
static size_t
judge_group(struct scan *x, size_t i, bool *judged)
{
	AUTO_BUF struct buf b = BUF_INIT(SCRIPT_UNDERSTOOD_MAX);
	size_t n = 1;
	struct arg a;
	char *copy;

	while (i + n < x->count && x->literals[i + n].joined)
		n++;
	if (x->literals[i].bare ||
	    (!x->literals[i].command && !is_command(x, x->literals[i].text)))
		return 1;
	if (n == 1) {
		buf_put_str(&b, x->literals[i].text);
	} else {
		for (size_t k = 0; k < n; k++) {
			/* execl("/bin/sh", "sh", ...): its name once more */
			if (k == 1 &&
			    names_again(
				x->literals[i].text, x->literals[i + 1].text))
				continue;
			quote_word(&b, x->literals[i + k].text);
			buf_putc(&b, ' ');
		}
	}
	copy = buf_done(&b, NULL) == 0 ? arena_strndup(x->j->arena, b.s, b.len)
				       : NULL;
	if (copy == NULL)
		return n;
	a = arg_text(x->j->arena, str_n(copy, b.len));
	judge_shell_text(x->j, &a, "a command in its code");
	*judged = true;
	return n;
}

static void
judge_commands(struct scan *x)
{
	bool judged = false;

	for (size_t i = 0; i < x->count;)
		i += judge_group(x, i, &judged);
	if (!judged)
		effect_unknown(
		    x->j, "its code starts a program that is not known before");
}

static bool
names_shell(const struct scan *x)
{
	for (size_t i = 0; i < x->count; i++) {
		const struct str t = x->literals[i].text;

		if (str_eq(t, STR("sh")) || str_eq(t, STR("bash")) ||
		    str_ends(t, STR("/sh")) || str_ends(t, STR("/bash")) ||
		    str_starts(t, STR("sh ")) || str_starts(t, STR("bash ")) ||
		    str_starts(t, STR("/bin/sh")) || str_eq(t, STR("cmd.exe")))
			return true;
	}
	return false;
}

/* A URL outside of quotes. */
static bool
bare_url(struct scan *x)
{
	const size_t at = str_search(x->s, STR("://"));
	size_t from = at, to = at;
	struct arg a;

	if (at >= x->s.len)
		return false;
	while (from > 0 && code_ident_char(x->s.s[from - 1]))
		from--;
	while (to < x->s.len && strchr(" \t\n\"'();", x->s.s[to]) == NULL)
		to++;
	a = arg_text(x->j->arena, str_head(str_from(x->s, from), to - from));
	url_connect(x->j, &a, PATH_NONE);
	return true;
}

static void
judge_connections(struct scan *x)
{
	struct judge *j = x->j;
	bool named = false;

	for (size_t i = 0; i < x->count; i++) {
		const struct arg a = arg_text(j->arena, x->literals[i].text);

		if (str_search(a.text, STR("://")) < a.text.len &&
		    str_find(a.text, ' ') == a.text.len) {
			url_connect(j, &a, PATH_NONE);
			named = true;
		} else if (is_host_like(a.text) &&
		    str_search(a.text, STR(".py")) == a.text.len &&
		    str_search(a.text, STR(".js")) == a.text.len) {
			role_find(STR("host"))->apply(j, &a, STR_NONE);
			named = true;
		}
	}
	if (!named)
		named = bare_url(x);
	if (!named)
		effect_connect(j, STR_NONE, PATH_NONE);
	if (has(x, CODE_EVALUATES))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_DOWNLOADED,
			.why = "its code evaluates text and connects" });
	if (has(x, CODE_SHELLS) || (has(x, CODE_RUNS) && names_shell(x)))
		effect_privilege(j, "network shell");
	if (has(x, CODE_ENVIRONMENT))
		effect_remote(j, "send environment");
}

static void
judge_environment(struct scan *x)
{
	for (size_t i = 0; i < x->count; i++) {
		const struct literal *l = &x->literals[i];

		if ((l->before & (1u << CODE_ENVIRONMENT)) == 0 ||
		    !secret_name(l->text))
			continue;
		effect_add(x->j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_SECRET,
			.target = judge_say(x->j, "$%.*s", STR_ARG(l->text)),
			.why = "its code reads a secret variable" });
	}
	effect_add(x->j,
	    &(struct effect){ .kind = EFFECT_READ,
		.path_class = PATH_UNKNOWN,
		.target = "environment",
		.why = "its code reads the environment" });
}

static void
note_modes(struct scan *x)
{
	for (size_t i = 0; i + 1 < x->count; i++) {
		if (x->literals[i + 1].joined &&
		    is_write_mode(x->literals[i + 1].text))
			x->literals[i].mode = 'w';
	}
}

/* What it deletes is not said, and not something that it made in a temporary
 * folder. */
static void
judge_deletions(struct scan *x)
{
	struct judge *j = x->j;

	for (size_t i = 0; i < j->effect_count; i++) {
		if (j->effects[i].kind == EFFECT_DELETE)
			return;
	}
	if (has(x, CODE_TEMPORARY))
		return;
	for (size_t i = 0; i < x->count; i++) {
		const struct arg a = arg_text(j->arena, x->literals[i].text);
		struct path_facts f;

		if (!is_path_like(a.text))
			continue;
		arg_place(j, &a, &f);
		if (f.base == PATH_TEMP || f.generated)
			return;
	}
	effect_add(j,
	    &(struct effect){ .kind = EFFECT_DELETE,
		.path_class = PATH_WORKSPACE,
		.why = "its code deletes files that are not known before" });
}

/* Statements and methods that lose data, but not of a database in memory. */
static void
judge_databases(struct scan *x)
{
	bool loses = has(x, CODE_DATABASE_LOSSES);

	for (size_t i = 0; i < x->count; i++) {
		const struct str text = x->literals[i].text;

		if (str_search(text, STR(":memory:")) < text.len)
			return;
		loses = loses || sql_is_loss(text);
	}
	if (loses)
		effect_remote(x->j, "database loss");
}

static bool
names_url(const struct scan *x)
{
	for (size_t i = 0; i < x->count; i++) {
		if (str_search(x->literals[i].text, STR("://")) <
		    x->literals[i].text.len)
			return true;
	}
	return false;
}

static void
judge_scan(struct scan *x, struct str language)
{
	struct judge *j = x->j;

	effect_add(j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_INLINE,
		.target = arena_strndup(j->arena, language.s, language.len),
		.why = judge_say(j, "%.*s runs the text that it is given",
		    STR_ARG(j->program)) });
	note_modes(x);
	for (size_t i = 0; i < x->count; i++) {
		judge_path(x, &x->literals[i]);
		judge_move(x, i);
	}
	if (has(x, CODE_DELETES))
		judge_deletions(x);
	judge_databases(x);
	if (has(x, CODE_RUNS))
		judge_commands(x);
	if (has(x, CODE_CONNECTS) || (has(x, CODE_EVALUATES) && names_url(x)))
		judge_connections(x);
	if (has(x, CODE_EVALUATES) && has(x, CODE_DECODES))
		effect_unknown(j, "its code runs text that it decodes");
	if (has(x, CODE_FORKS) && has(x, CODE_LOOPS))
		effect_privilege(j, "fork bomb");
	if (has(x, CODE_ENVIRONMENT))
		judge_environment(x);
	if (has(x, CODE_SIGNALS))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_SIGNAL,
			.target = "process",
			.why = "its code signals processes" });
}

/* "#!/usr/bin/env python3" names the language of a text. */
static struct str
language_of(struct judge *j, struct str text)
{
	struct str line = str_head(text, str_find(text, '\n'));
	size_t slash;

	if (!str_starts(line, STR("#!")))
		return programs_word(j->programs, "shells", j->program) ||
			j->program.len == 0
		    ? STR("sh")
		    : j->program;
	if (str_search(line, STR("env ")) < line.len)
		line = str_from(line, str_search(line, STR("env ")) + 4);
	line = str_head(line, str_find(line, ' '));
	slash = str_rfind(line, '/');
	return slash < line.len ? str_from(line, slash + 1) : line;
}

void
judge_code(struct judge *j, struct str language, const struct arg *a)
{
	struct scan *x;

	if (language.len == 0)
		language = language_of(j, a->text);
	if (programs_word(j->programs, "shells", language)) {
		judge_shell_text(j, a, "a shell text");
		return;
	}
	if (!a->known &&
	    (arg_flow(j, a) & (FLOW_DOWNLOAD | FLOW_UNKNOWN | FLOW_DECODED)) !=
		0)
		effect_unknown(j, "its code is not known before");
	x = arena_alloc(j->arena, sizeof(*x));
	if (x == NULL)
		return;
	x->j = j;
	x->s = a->text;
	x->backticks_run = str_eqz(language, "perl") ||
	    str_eqz(language, "ruby") || str_eqz(language, "php") ||
	    str_eqz(language, "other");
	x->exec_runs = x->backticks_run || str_eqz(language, "java") ||
	    str_eqz(language, "lua");
	code_scan(x);
	judge_scan(x, language);
	if (str_eqz(language, "dc") && str_find(a->text, '!') < a->text.len)
		effect_unknown(j, "its code starts a program");
}
