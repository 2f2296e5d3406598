/*
 * Small languages inside arguments: jq, SQL; and their words.
 * Runs in: engine, assent.  Trusts: nothing in the texts.  Owns: nothing.
 */
#include "effects_int.h"

/* ---- words -------------------------------------------------------------- */

bool
lang_ident_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_';
}

bool
lang_starts(struct str s, const char *word)
{
	const size_t n = strlen(word);

	if (s.len < n || (s.len > n && lang_ident_char(s.s[n])))
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((s.s[i] | 0x20) != (word[i] | 0x20))
			return false;
	}
	return true;
}

void
lang_unknown_pieces(struct judge *j, const struct arg *a, const char *language)
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

/* ---- jq ---------------------------------------------------------------- */

/* The word as an identifier of its own, not behind a dot. */
static bool
has_ident(struct str text, const char *word)
{
	const size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.len; i++) {
		if (memcmp(text.s + i, word, n) != 0)
			continue;
		if (i > 0 &&
		    (lang_ident_char(text.s[i - 1]) || text.s[i - 1] == '.' ||
			text.s[i - 1] == '"'))
			continue;
		if (i + n < text.len && lang_ident_char(text.s[i + n]))
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
	    has_ident(a->text, "strenv") || has_ident(a->text, "envsubst") ||
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
sql_holds(struct str s, const char *word)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((i == 0 || !lang_ident_char(s.s[i - 1])) &&
		    lang_starts(str_from(s, i), word))
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
	return any_of(s, sql_losses, ARRAY_LEN(sql_losses), lang_starts) &&
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
	    (lang_starts(s, "vacuum") && sql_holds(s, "into"))) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_OUTSIDE,
			.target = "database client",
			.why = "the statement reaches files or programs" });
		effect_remote(j, "database command");
	}
	if (any_of(s, sql_losses, ARRAY_LEN(sql_losses), sql_holds))
		effect_remote(j, "database loss");
	else if (!any_of(s, sql_reads, ARRAY_LEN(sql_reads), lang_starts))
		effect_remote(j, "database write");
	else if (lang_starts(s, "with") &&
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
