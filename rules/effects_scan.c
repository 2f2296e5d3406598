/*
 * Read code as words and literals: what each is near to, nothing of grammar.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "effects_code.h"

static const char *const list_names[] = {
	[CODE_CONNECTS] = "code_connects",
	[CODE_RUNS] = "code_runs",
	[CODE_DELETES] = "code_deletes",
	[CODE_REMOVES] = "code_removes",
	[CODE_WRITES] = "code_writes",
	[CODE_EVALUATES] = "code_evaluates",
	[CODE_DECODES] = "code_decodes",
	[CODE_ENVIRONMENT] = "code_environment",
	[CODE_SHELLS] = "code_shells",
	[CODE_SIGNALS] = "code_signals",
	[CODE_FORKS] = "code_forks",
	[CODE_LOOPS] = "code_loops",
	[CODE_TEMPORARY] = "code_temporary",
	[CODE_MOVES] = "code_moves",
	[CODE_DATABASE_LOSSES] = "code_database_losses",
};
#define CODE_LISTS ARRAY_LEN(list_names)

bool
code_ident_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
}

static unsigned
lists_of(const struct scan *x, struct str word)
{
	unsigned bits = 0;

	for (size_t i = 0; i < CODE_LISTS; i++) {
		if (programs_word(x->j->programs, list_names[i], word))
			bits |= 1u << i;
	}
	return bits;
}

/* "os.path.join": the whole, and each of its tails. */
static unsigned
lists_of_chain(const struct scan *x, struct str word)
{
	unsigned bits = 0;

	while (word.len > 0) {
		size_t dot = 0;

		bits |= lists_of(x, word);
		bits |= lists_of(x, str_head(word, str_find(word, '.')));
		while (
		    dot < word.len && word.s[dot] != '.' && word.s[dot] != ':')
			dot++;
		word = str_from(word, dot + 1);
	}
	return bits;
}

/* "/unlink/": a word that is looked for. */
static bool
is_pattern(const struct scan *x, size_t from)
{
	return from > 0 && x->s.s[from - 1] == '/' &&
	    str_at(x->s, x->at) == '/';
}

/* "Remove-Item", "(delete-file": some languages have names with hyphens. */
static struct str
hyphenated(const struct scan *x, size_t from)
{
	size_t to = x->at;

	while (to + 1 < x->s.len && x->s.s[to] == '-' &&
	    code_ident_char(x->s.s[to + 1])) {
		to++;
		while (to < x->s.len && code_ident_char(x->s.s[to]))
			to++;
	}
	return str_head(str_from(x->s, from), to - from);
}

/* "file delete": and some have commands of two words. */
static unsigned
lists_of_pair(struct scan *x, struct str first, struct str second)
{
	const size_t len = (size_t)(second.s - first.s) + second.len;

	return first.len > 0 && second.s == first.s + first.len + 1
	    ? lists_of(x, str_n(first.s, len))
	    : 0;
}

/* "User.objects.filter(...).delete()": all that a query finds. */
static bool
deletes_query(const struct scan *x, size_t from, struct str word)
{
	return from > 1 && str_starts(str_from(x->s, from - 2), STR(").")) &&
	    str_eq(word, STR("delete")) &&
	    str_starts(str_from(x->s, x->at), STR("()"));
}

static void
read_word(struct scan *x)
{
	const size_t from = x->at;
	struct str w, whole, before = x->word;
	unsigned bits;

	while (x->at < x->s.len && code_ident_char(x->s.s[x->at]))
		x->at++;
	w = str_head(str_from(x->s, from), x->at - from);
	whole = hyphenated(x, from);
	x->word = str_at(x->s, x->at) == ' ' ? w : STR_NONE;
	if (whole.len > IDENTIFIER_MAX || is_pattern(x, from))
		return;
	bits = lists_of_chain(x, w) | lists_of_pair(x, before, w);
	if (whole.len > w.len)
		bits |= lists_of(x, whole);
	if (deletes_query(x, from, w))
		bits |= 1u << CODE_DATABASE_LOSSES;
	if (x->exec_runs && str_eq(w, STR("exec")))
		bits |= 1u << CODE_RUNS;
	x->found |= bits;
	x->deleting |= (bits & (1u << CODE_DELETES)) != 0;
	if (bits != 0 || x->only_commas)
		x->last = bits;
	if (x->count > 0 && x->literals[x->count - 1].after == 0)
		x->literals[x->count - 1].after = bits;
	x->only_commas = false;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	    : c >= 'a' && c <= 'f'  ? c - 'a' + 10
	    : c >= 'A' && c <= 'F'  ? c - 'A' + 10
				    : -1;
}

/* One character of a literal, its escape undone. */
static char
read_char(struct scan *x)
{
	char c = x->s.s[x->at++];

	if (c != '\\' || x->at >= x->s.len)
		return c;
	c = x->s.s[x->at++];
	if (c == 'n')
		return '\n';
	if (c == 't')
		return '\t';
	if (c == 'x' && x->at + 1 < x->s.len && hex(x->s.s[x->at]) >= 0 &&
	    hex(x->s.s[x->at + 1]) >= 0) {
		c = (char)(hex(x->s.s[x->at]) * 16 + hex(x->s.s[x->at + 1]));
		x->at += 2;
	}
	return c;
}

/* require("net"), import "https": modules are named by literals, too, and so
 * are functions: array_map("unlink", ...). */
static void
note_name(struct scan *x, struct str name)
{
	if ((lists_of(x, name) & (1u << CODE_DELETES)) != 0) {
		x->found |= 1u << CODE_DELETES;
		x->deleting = true;
	}
	if (str_starts(name, STR("node:")))
		name = str_from(name, 5);
	if (programs_word(x->j->programs, "code_connect_modules", name))
		x->found |= 1u << CODE_CONNECTS;
	if (programs_word(x->j->programs, "code_run_modules", name))
		x->found |= 1u << CODE_RUNS;
}

static void
read_literal(struct scan *x, char quote)
{
	const char triple[3] = { quote, quote, quote };
	const struct str three = str_n(triple, 3);
	const bool is_triple = str_starts(str_from(x->s, x->at), three);
	char *out = arena_alloc(x->j->arena, x->s.len - x->at + 1);
	size_t n = 0;
	struct literal *l;

	x->at += is_triple ? 3 : 1;
	while (out != NULL && x->at < x->s.len) {
		if (is_triple ? str_starts(str_from(x->s, x->at), three)
			      : x->s.s[x->at] == quote)
			break;
		out[n++] = read_char(x);
	}
	x->at += is_triple ? 3 : 1;
	if (out == NULL || x->count == LITERALS_MAX)
		return;
	l = &x->literals[x->count++];
	*l = (struct literal){ .text = str_n(out, n),
		.before = x->last,
		.joined = x->only_commas && x->count > 1,
		.deleted = x->deleting,
		.command = quote == '`' && x->backticks_run };
	if (l->command)
		x->found |= 1u << CODE_RUNS;
	x->only_commas = true;
	if (n > 0 && n < IDENTIFIER_MAX)
		note_name(x, l->text);
}

/* "cat </etc/shadow" in a language that does without quotes. Its words are
 * read once more: it may be something else. */
static void
read_bare_path(struct scan *x)
{
	const size_t from = x->at++;
	size_t to = from;

	while (to < x->s.len &&
	    strchr(" \t\n\"'`()[]{}<>;,|&=", x->s.s[to]) == NULL)
		to++;
	if (x->count == LITERALS_MAX || to - from < 3)
		return;
	x->literals[x->count++] = (struct literal){
		.text = str_head(str_from(x->s, from), to - from),
		.bare = true,
	};
}

/* May a path begin here? */
static bool
path_starts(const struct scan *x)
{
	const char c = x->s.s[x->at];
	const char next = str_at(x->s, x->at + 1);

	return (x->at == 0 ||
		   strchr(" \t\n([{<>;,|&=", x->s.s[x->at - 1]) != NULL) &&
	    (((c == '/' || c == '.') && code_ident_char(next)) ||
		(c == '~' && next == '/'));
}

static void
skip_comment(struct scan *x)
{
	while (x->at < x->s.len && x->s.s[x->at] != '\n')
		x->at++;
}

static bool
line_starts(const struct scan *x)
{
	size_t i = x->at;

	while (i > 0 && (x->s.s[i - 1] == ' ' || x->s.s[i - 1] == '\t'))
		i--;
	return i == 0 || x->s.s[i - 1] == '\n';
}

void
code_scan(struct scan *x)
{
	while (x->at < x->s.len) {
		const char c = x->s.s[x->at];

		if (c == '"' || c == '\'' || c == '`') {
			read_literal(x, c);
		} else if (code_ident_char(c) && c != '.' && c != ':') {
			read_word(x);
		} else if ((c == '#' || c == '/') && line_starts(x) &&
		    x->at + 1 < x->s.len &&
		    (c == '#' || x->s.s[x->at + 1] == '/')) {
			skip_comment(x);
		} else if (path_starts(x)) {
			read_bare_path(x);
		} else {
			if (strchr(", \t\n[](", c) == NULL)
				x->only_commas = false;
			if (c == ';' || c == '\n')
				x->deleting = false;
			x->at++;
		}
	}
}
