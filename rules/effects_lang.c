/*
 * Small languages inside arguments: sed, jq, SQL, commands of editors.
 * Runs in: engine, assent.  Trusts: nothing in the texts.  Owns: nothing.
 */
#include "effects_int.h"

/* ---- sed --------------------------------------------------------------- */

struct sed {
	struct judge *j;
	struct str s;
	size_t at;
	bool addressed; /* the command has an address that narrows it */
	bool in_place;
	bool bad;
};

static char
sed_peek(const struct sed *x)
{
	return x->at < x->s.len ? x->s.s[x->at] : '\0';
}

/* Behind the next unescaped delimiter; sets of a regex may hold it. */
static void
sed_delimited(struct sed *x, char delim)
{
	while (x->at < x->s.len && x->s.s[x->at] != delim) {
		if (x->s.s[x->at] == '\\')
			x->at++;
		x->at++;
	}
	if (x->at >= x->s.len)
		x->bad = true;
	else
		x->at++;
}

static struct str
sed_line(struct sed *x)
{
	const size_t from = x->at;
	struct str line;

	while (x->at < x->s.len && x->s.s[x->at] != '\n')
		x->at++;
	line = str_head(str_from(x->s, from), x->at - from);
	return str_trim(line);
}

static void
sed_file(struct sed *x, bool write)
{
	const struct str name = sed_line(x);
	const struct arg a = arg_text(x->j->arena, name);

	if (str_eq(name, STR("/dev/stdout")) ||
	    str_eq(name, STR("/dev/stderr")))
		return;
	x->j->by = STR("the file in its script");
	if (write)
		effect_write(x->j, &a, "writes");
	else
		effect_read(x->j, &a, false);
	x->j->by = STR_NONE;
}

static void
sed_run(struct sed *x)
{
	const struct str command = sed_line(x);
	const struct arg a = arg_text(x->j->arena, command);

	if (command.len > 0)
		judge_shell_text(x->j, &a, "command e of its script");
	effect_unknown(x->j, "its script runs commands (e)");
}

static void
sed_substitute(struct sed *x)
{
	const char delim = sed_peek(x);

	x->at++;
	sed_delimited(x, delim);
	sed_delimited(x, delim);
	for (; x->at < x->s.len && !x->bad; x->at++) {
		const char c = x->s.s[x->at];

		if (c == 'e') {
			x->at++;
			effect_unknown(
			    x->j, "its script runs what it matched (s///e)");
			return;
		}
		if (c == 'w') {
			x->at++;
			sed_file(x, true);
			return;
		}
		if (c == '\n' || c == ';' || c == '}' || c == ' ' || c == '#')
			return;
		if (strchr("gpiImM0123456789", c) == NULL)
			x->bad = true;
	}
}

/* One address; true when there was one. */
static bool
sed_address(struct sed *x)
{
	const char c = sed_peek(x);

	if (c == '/' || c == '\\') {
		x->at++;
		if (c == '\\')
			x->at++;
		sed_delimited(x, c == '/' ? '/' : x->s.s[x->at - 1]);
		while (sed_peek(x) == 'I' || sed_peek(x) == 'M')
			x->at++;
		return true;
	}
	if (c != '$' && c != '+' && c != '~' && (c < '0' || c > '9'))
		return false;
	x->at++;
	while (x->at < x->s.len &&
	    ((sed_peek(x) >= '0' && sed_peek(x) <= '9') || sed_peek(x) == '~'))
		x->at++;
	return true;
}

static void
sed_blank(struct sed *x)
{
	while (x->at < x->s.len && (sed_peek(x) == ' ' || sed_peek(x) == '\t'))
		x->at++;
}

static void
sed_addresses(struct sed *x)
{
	const size_t from = x->at;
	struct str text;

	x->addressed = sed_address(x);
	sed_blank(x);
	if (x->addressed && sed_peek(x) == ',') {
		x->at++;
		sed_blank(x);
		if (!sed_address(x))
			x->bad = true;
	}
	text = str_trim(str_head(str_from(x->s, from), x->at - from));
	if (str_eq(text, STR("1,$")) || str_eq(text, STR("0,$")))
		x->addressed = false;
	sed_blank(x);
	while (sed_peek(x) == '!' || sed_peek(x) == ' ')
		x->at++;
}

static void
sed_command(struct sed *x)
{
	const char c = sed_peek(x);

	x->at++;
	switch (c) {
	case 's':
		sed_substitute(x);
		break;
	case 'y': {
		const char delim = sed_peek(x);

		x->at++;
		sed_delimited(x, delim);
		sed_delimited(x, delim);
		break;
	}
	case 'w':
	case 'W':
		sed_file(x, true);
		break;
	case 'r':
	case 'R':
		sed_file(x, false);
		break;
	case 'e':
		sed_run(x);
		break;
	case 'a':
	case 'i':
	case 'c':
		while (x->at < x->s.len && sed_peek(x) != '\n') {
			if (sed_peek(x) == '\\')
				x->at++;
			x->at++;
		}
		break;
	case ':':
	case 'b':
	case 't':
	case 'T':
		while (x->at < x->s.len && sed_peek(x) != '\n' &&
		    sed_peek(x) != ';' && sed_peek(x) != '}')
			x->at++;
		break;
	case 'd':
		if (!x->addressed && x->in_place)
			effect_add(x->j,
			    &(struct effect){ .kind = EFFECT_DELETE,
				.path_class = PATH_WORKSPACE,
				.why = "its script deletes every line" });
		break;
	default:
		if (strchr("{}=DgGhHnNpPxzlqQF0123456789", c) == NULL)
			x->bad = true;
		while (sed_peek(x) >= '0' && sed_peek(x) <= '9')
			x->at++;
		break;
	}
}

static bool
sed_in_place(const struct judge *j)
{
	if (judge_seen(j, "--in-place"))
		return true;
	for (size_t i = 1; i < j->shell->argc; i++) {
		const struct str t = j->shell->argv[i].text;

		if (str_starts(t, STR("-i")) || str_starts(t, STR("--in-p")))
			return true;
	}
	return false;
}

/* Unknown pieces of a program text: code that is not known before. */
static void
unknown_pieces(struct judge *j, const struct arg *a, const char *language)
{
	const unsigned flow = arg_flow(j, a);

	if (a->known)
		return;
	if ((flow & (FLOW_DOWNLOAD | FLOW_UNKNOWN | FLOW_DECODED)) != 0)
		effect_unknown(
		    j, "part of its %s text is not known before", language);
	else
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_INLINE,
			.target = arena_strndup(
			    j->arena, j->program.s, j->program.len),
			.why = judge_say(j, "a variable is part of its %s text",
			    language) });
}

void
as_sed(struct judge *j, const struct arg *a, struct str param)
{
	struct sed x = { .j = j, .s = a->text, .in_place = sed_in_place(j) };

	(void)param;
	unknown_pieces(j, a, "sed");
	while (x.at < x.s.len && !x.bad) {
		const char c = sed_peek(&x);

		if (c == ' ' || c == '\t' || c == '\n' || c == ';') {
			x.at++;
			continue;
		}
		if (c == '#') {
			(void)sed_line(&x);
			continue;
		}
		sed_addresses(&x);
		if (x.at < x.s.len && !x.bad)
			sed_command(&x);
	}
	if (x.bad && a->known)
		effect_unknown(j, "its sed script is not understood");
}

/* ---- jq ---------------------------------------------------------------- */

static bool
ident_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

/* The word as an identifier of its own, not behind a dot. */
static bool
has_ident(struct str text, const char *word)
{
	const size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.len; i++) {
		if (memcmp(text.s + i, word, n) != 0)
			continue;
		if (i > 0 &&
		    (ident_char(text.s[i - 1]) || text.s[i - 1] == '.' ||
			text.s[i - 1] == '"'))
			continue;
		if (i + n < text.len && ident_char(text.s[i + n]))
			continue;
		return true;
	}
	return false;
}

void
as_jq(struct judge *j, const struct arg *a, struct str param)
{
	(void)param;
	if (has_ident(a->text, "env") || has_ident(a->text, "$ENV") ||
	    str_search(a->text, STR("$ENV")) < a->text.len)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_UNKNOWN,
			.target = "environment",
			.why = "its filter reads the environment" });
	if (has_ident(a->text, "load") || has_ident(a->text, "load_str") ||
	    has_ident(a->text, "load_xml") ||
	    has_ident(a->text, "load_props") ||
	    has_ident(a->text, "load_base64") || has_ident(a->text, "strload"))
		effect_unknown(j, "its filter reads another file");
	if (has_ident(a->text, "import") || has_ident(a->text, "include"))
		effect_unknown(j, "its filter loads another file");
}

/* ---- SQL --------------------------------------------------------------- */

static bool
sql_starts(struct str s, const char *word)
{
	const size_t n = strlen(word);

	if (s.len < n || (s.len > n && ident_char(s.s[n])))
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((s.s[i] | 0x20) != (word[i] | 0x20))
			return false;
	}
	return true;
}

static bool
sql_holds(struct str s, const char *word)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((i == 0 || !ident_char(s.s[i - 1])) &&
		    sql_starts(str_from(s, i), word))
			return true;
	}
	return false;
}

static const char *const sql_reads[] = { "select", "show", "explain",
	"describe", "desc", "pragma", "with", "values", "use", "set", "begin",
	"commit", "rollback", "\\d", "\\dt", "\\l", "\\du", "\\di", "\\dn",
	"\\x", "\\timing", "\\conninfo", "\\q", ".tables", ".schema",
	".headers", ".mode", ".databases", ".indexes", ".width", ".quit",
	".exit", ".dump", ".echo", ".help", ".nullvalue", ".separator",
	".timer", ".print", ".show", ".stats" };
static const char *const sql_losses[] = { "drop", "truncate", "delete",
	"flushall", "flushdb" };
static const char *const sql_runs[] = { "\\!", ".shell", ".system", ".load",
	"\\copy", "system", "load_extension", "xp_cmdshell", "program",
	"readfile", "writefile", "edit", ".once", ".output", ".read", ".import",
	".backup", ".save", ".clone", ".restore", "outfile", "dumpfile",
	"load_file", "\\o", "\\i", "\\ir", "\\g", "\\w", "pg_read_file",
	"lo_import", "lo_export", "attach", "copy", "sys_exec", "install" };

static bool
any_of(struct str s, const char *const *words, size_t n,
    bool (*test)(struct str, const char *))
{
	for (size_t i = 0; i < n; i++) {
		if (test(s, words[i]))
			return true;
	}
	return false;
}

/* "DROP TABLE x", not "drop it". */
bool
sql_is_loss(struct str s)
{
	static const char *const objects[] = { "table", "database", "schema",
		"index", "view", "column", "collection", "from" };

	s = str_trim(s);
	return any_of(s, sql_losses, ARRAY_LEN(sql_losses), sql_starts) &&
	    any_of(s, objects, ARRAY_LEN(objects), sql_holds);
}

static void
sql_statement(struct judge *j, struct str s, struct str where)
{
	s = str_trim(s);
	if (s.len == 0 || str_starts(s, STR("--")))
		return;
	if (any_of(s, sql_runs, ARRAY_LEN(sql_runs), sql_holds) ||
	    str_search(s, STR("\\!")) < s.len ||
	    (sql_starts(s, "vacuum") && sql_holds(s, "into"))) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_OUTSIDE,
			.target = "database client",
			.why = "the statement reaches files or programs" });
		effect_remote(j, "database command");
	}
	if (any_of(s, sql_losses, ARRAY_LEN(sql_losses), sql_holds))
		effect_remote(j, "database loss");
	else if (!any_of(s, sql_reads, ARRAY_LEN(sql_reads), sql_starts))
		effect_remote(j, "database write");
	else if (sql_starts(s, "with") &&
	    (sql_holds(s, "insert") || sql_holds(s, "update")))
		effect_remote(j, "database write");
	(void)where;
}

void
as_sql(struct judge *j, const struct arg *a, struct str param)
{
	struct str rest = a->text;

	if (!a->known)
		effect_unknown(j, "the statement is not known before");
	while (rest.len > 0)
		sql_statement(j, str_cut(&rest, ';'), param);
}

/* A database file: statements write it, and a file it was given to read. */
void
as_sqlite(struct judge *j, const struct arg *a, struct str param)
{
	struct path_facts f;

	(void)param;
	if (str_eq(a->text, STR(":memory:")) || a->text.len == 0)
		return;
	arg_place(j, a, &f);
	effect_read(j, a, false);
	if (!f.in_workspace && f.base != PATH_TEMP)
		effect_write(j, a, "may write");
	if (j->operand_count == 1 && j->operand_at == 0 && j->wrapper == false)
		as_sqlite_input(j);
}

/* ---- awk --------------------------------------------------------------- */

struct awk {
	struct judge *j;
	struct str s;
	size_t at;
	struct str
	    last_string; /* the string just before, for "cmd" | getline */
	bool in_print, after_operator, after_pipe, after_redirect;
	unsigned parens;
	bool after_system, after_getline, after_less;
};

static void
awk_command(struct awk *x, struct str text)
{
	const struct arg a = arg_text(x->j->arena, text);

	if (str_search(text, STR("/inet/")) < text.len) {
		effect_connect(x->j, STR_NONE, PATH_UNKNOWN);
		effect_privilege(x->j, "network shell");
	} else {
		judge_shell_text(x->j, &a, "a command in its program");
	}
	effect_add(x->j,
	    &(struct effect){ .kind = EFFECT_RUN_CODE,
		.code_class = CODE_INLINE,
		.target = "sh",
		.why = "its program runs commands" });
}

static void
awk_string(struct awk *x)
{
	const size_t from = ++x->at;
	struct str text;

	while (x->at < x->s.len && x->s.s[x->at] != '"') {
		if (x->s.s[x->at] == '\\')
			x->at++;
		x->at++;
	}
	text = str_head(str_from(x->s, from), x->at - from);
	x->at++;
	if (str_search(text, STR("/inet")) < text.len) {
		effect_connect(x->j, STR_NONE, PATH_UNKNOWN);
		effect_privilege(x->j, "network shell");
	}
	if (x->after_redirect) {
		const struct arg a = arg_text(x->j->arena, text);

		x->j->by = STR("the file in its program");
		effect_write(x->j, &a, "writes");
		x->j->by = STR_NONE;
	} else if (x->after_less) {
		const struct arg a = arg_text(x->j->arena, text);

		x->j->by = STR("the file in its program");
		effect_read(x->j, &a, false);
		x->j->by = STR_NONE;
	} else if (x->after_pipe || x->after_system) {
		awk_command(x, text);
	}
	x->after_redirect = x->after_pipe = x->after_system = false;
	x->after_less = x->after_getline = false;
	x->last_string = text;
	x->after_operator = false;
}

static void
awk_word(struct awk *x)
{
	const size_t from = x->at;
	struct str w;

	while (x->at < x->s.len && ident_char(x->s.s[x->at]))
		x->at++;
	w = str_head(str_from(x->s, from), x->at - from);
	if (x->after_redirect || x->after_pipe || x->after_system) {
		if (!(x->after_pipe && str_eq(w, STR("getline"))))
			effect_unknown(x->j,
			    "its program names a file or command that is not "
			    "known before");
		x->after_redirect = x->after_pipe = x->after_system = false;
	}
	if (str_eq(w, STR("print")) || str_eq(w, STR("printf")))
		x->in_print = true;
	else if (str_eq(w, STR("system")))
		x->after_system = true;
	else if (str_eq(w, STR("getline")) && x->last_string.len > 0)
		awk_command(x, x->last_string);
	else if (str_eq(w, STR("ENVIRON")) || str_eq(w, STR("PROCINFO")))
		effect_add(x->j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_UNKNOWN,
			.target = "environment",
			.why = "its program reads the environment" });
	x->after_operator = str_eq(w, STR("return")) || x->in_print;
	x->after_getline =
	    str_eq(w, STR("getline")) || (x->after_getline && !x->after_less);
	x->last_string = STR_NONE;
}

static void
awk_regex(struct awk *x)
{
	bool set = false;

	for (x->at++; x->at < x->s.len; x->at++) {
		const char c = x->s.s[x->at];

		if (c == '\\')
			x->at++;
		else if (c == '[')
			set = true;
		else if (c == ']')
			set = false;
		else if (c == '/' && !set)
			break;
	}
	x->at++;
	x->after_operator = false;
}

static void
awk_pipe(struct awk *x)
{
	if (x->at + 1 < x->s.len && x->s.s[x->at + 1] == '|') {
		x->at += 2;
		x->after_operator = true;
		return;
	}
	x->at++;
	if (x->at < x->s.len && x->s.s[x->at] == '&')
		x->at++;
	x->after_pipe = true;
	x->after_operator = true;
}

static void
awk_symbol(struct awk *x, char c)
{
	x->at++;
	if (c == '(')
		x->parens++;
	else if (c == ')' && x->parens > 0)
		x->parens--;
	else if (c == ';' || c == '}' || c == '{' || c == '\n')
		x->in_print = x->after_redirect = false;
	else if (c == '>' && x->in_print && x->parens == 0) {
		if (x->at < x->s.len && x->s.s[x->at] == '>')
			x->at++;
		x->after_redirect = true;
	} else if (c == '@')
		effect_unknown(x->j, "its program loads another (@)");
	else if (c == '<')
		x->after_less = x->after_getline;
	if (c == '$' && x->after_redirect) {
		effect_unknown(x->j, "the file it writes is not known before");
		x->after_redirect = false;
	}
	x->after_operator = strchr(")]$", c) == NULL;
}

void
as_awk(struct judge *j, const struct arg *a, struct str param)
{
	struct awk x = { .j = j, .s = a->text, .after_operator = true };

	(void)param;
	unknown_pieces(j, a, "awk");
	while (x.at < x.s.len) {
		const char c = x.s.s[x.at];

		if (c == ' ' || c == '\t')
			x.at++;
		else if (c == '"')
			awk_string(&x);
		else if (c == '#')
			while (x.at < x.s.len && x.s.s[x.at] != '\n')
				x.at++;
		else if (c == '/' && x.after_operator)
			awk_regex(&x);
		else if (c == '|')
			awk_pipe(&x);
		else if (ident_char(c))
			awk_word(&x);
		else
			awk_symbol(&x, c);
	}
}
