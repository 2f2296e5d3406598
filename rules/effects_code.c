/*
 * Programs in other languages inside arguments: what their words give away.
 * Runs in: engine, assent.  Trusts: nothing in the text.  Owns: nothing.
 *
 * This proves nothing about code; the sandbox contains it. It finds what a
 * person would be warned by: connections, commands, deletions, secrets.
 */
#include "effects_int.h"
#include "hosts.h"

#define LITERALS_MAX 256
#define IDENTIFIER_MAX 64

enum code_list {
	CODE_CONNECTS,
	CODE_RUNS,
	CODE_DELETES,
	CODE_WRITES,
	CODE_EVALUATES,
	CODE_DECODES,
	CODE_ENVIRONMENT,
	CODE_SHELLS, /* gives a terminal or a descriptor to a program */
	CODE_SIGNALS,
	CODE_FORKS,
	CODE_LOOPS,
};

static const char *const list_names[] = {
	[CODE_CONNECTS] = "code_connects",
	[CODE_RUNS] = "code_runs",
	[CODE_DELETES] = "code_deletes",
	[CODE_WRITES] = "code_writes",
	[CODE_EVALUATES] = "code_evaluates",
	[CODE_DECODES] = "code_decodes",
	[CODE_ENVIRONMENT] = "code_environment",
	[CODE_SHELLS] = "code_shells",
	[CODE_SIGNALS] = "code_signals",
	[CODE_FORKS] = "code_forks",
	[CODE_LOOPS] = "code_loops",
};
#define CODE_LISTS ARRAY_LEN(list_names)

struct literal {
	struct str text; /* escapes undone */
	unsigned before, after; /* bits of lists of the names around it */
	bool joined; /* only a comma and brackets since the one before */
	bool bare; /* a path that stands there without quotes */
	bool command; /* in quotes that run it: perl, ruby, php */
	char mode; /* of an open() whose next literal this is: 'w', 'a', 'r' */
};

struct scan {
	struct judge *j;
	struct str s;
	size_t at;
	unsigned found; /* bits of lists */
	unsigned last; /* of the last identifier */
	bool only_commas, backticks_run;
	bool exec_runs; /* exec starts a program: not so in python */
	struct literal literals[LITERALS_MAX];
	size_t count;
};

/* ---- reading ----------------------------------------------------------- */

static bool
ident_char(char c)
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

static void
read_word(struct scan *x)
{
	const size_t from = x->at;
	struct str w;
	unsigned bits;

	while (x->at < x->s.len && ident_char(x->s.s[x->at]))
		x->at++;
	w = str_head(str_from(x->s, from), x->at - from);
	if (w.len > IDENTIFIER_MAX)
		return;
	bits = lists_of_chain(x, w);
	if (x->exec_runs && str_eq(w, STR("exec")))
		bits |= 1u << CODE_RUNS;
	x->found |= bits;
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

/* require("net"), import "https": modules are named by literals, too. */
static void
note_module(struct scan *x, struct str name)
{
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
		.command = quote == '`' && x->backticks_run };
	if (l->command)
		x->found |= 1u << CODE_RUNS;
	x->only_commas = true;
	if (n > 0 && n < IDENTIFIER_MAX)
		note_module(x, l->text);
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
		   strchr(" \t\n()[]{}<>;,|&=", x->s.s[x->at - 1]) != NULL) &&
	    (((c == '/' || c == '.') && ident_char(next)) ||
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

static void
scan_text(struct scan *x)
{
	while (x->at < x->s.len) {
		const char c = x->s.s[x->at];

		if (c == '"' || c == '\'' || c == '`') {
			read_literal(x, c);
		} else if (ident_char(c) && c != '.' && c != ':') {
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
			x->at++;
		}
	}
}

/* ---- meaning ----------------------------------------------------------- */

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
		if (!ident_char(c) && c != '-')
			return false;
	}
	return dots > 0 && (letters == 0 ? dots == 3 : str_at(t, 0) != '.') &&
	    t.s[t.len - 1] != '.';
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
	bool may = (x->found & (1u << CODE_WRITES | 1u << CODE_DELETES)) != 0;

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
	if (!is_path_like(l->text))
		return;
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
	if ((around & (1u << CODE_DELETES)) != 0)
		effect_delete(j, &a, true);
	else if ((around & (1u << CODE_WRITES)) != 0 || l->mode == 'w')
		effect_write(j, &a, "writes");
	else if ((f.startup || f.own || f.device) &&
	    (!f.secret || may_write(x)))
		effect_write(j, &a, "names");
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
	while (from > 0 && ident_char(x->s.s[from - 1]))
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
	for (size_t i = 0; i < x->count; i++)
		judge_path(x, &x->literals[i]);
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
	scan_text(x);
	judge_scan(x, language);
	if (str_eqz(language, "dc") && str_find(a->text, '!') < a->text.len)
		effect_unknown(j, "its code starts a program");
}
