/*
 * find: start points, then an expression that may delete, write and run.
 * Runs in: engine, assent.  Trusts: the parser.  Owns: nothing.
 */
#include "effects_int.h"

/* What the tests of an expression say about the names that are found. */
struct search {
	struct judge *j;
	size_t at; /* the word looked at */
	size_t starts[64]; /* words that are start points */
	size_t start_count;
	struct str names[16]; /* of -name, -iname, -path */
	size_t name_count;
	bool narrowed_odd; /* -not, !, -o, a name that is not known */
	bool deletes;
};

static const char *const flag_words[] = { "-print", "-print0", "-ls", "-prune",
	"-quit", "-depth", "-d", "-xdev", "-mount", "-daystart", "-empty",
	"-executable", "-readable", "-writable", "-nouser", "-nogroup", "-true",
	"-false", "-noleaf", "-ignore_readdir_race", "-a", "-and", "(", ")",
	",", "-follow", "-warn", "-nowarn", "-help", "--help", "-version",
	"--version" };
static const char *const value_words[] = { "-type", "-xtype", "-size", "-mtime",
	"-atime", "-ctime", "-mmin", "-amin", "-cmin", "-maxdepth", "-mindepth",
	"-perm", "-user", "-group", "-uid", "-gid", "-links", "-inum",
	"-regextype", "-regex", "-iregex", "-fstype", "-samefile", "-printf",
	"-used", "-context", "-wholename", "-iwholename", "-ipath", "-path",
	"-lname", "-ilname" };

static const struct shell_word *
word_of(const struct search *s, size_t i)
{
	return i < s->j->shell->argc ? &s->j->shell->argv[i] : NULL;
}

/* "*", "?*": every name has it. */
static bool
is_any_name(struct str pattern)
{
	for (size_t i = 0; i < pattern.len; i++) {
		if (pattern.s[i] != '*' && pattern.s[i] != '?')
			return false;
	}
	return true;
}

static void
note_name(struct search *s)
{
	const struct shell_word *v = word_of(s, s->at + 1);

	s->at++;
	if (v != NULL && shell_word_known(v) && is_any_name(v->text))
		return;
	if (v == NULL || !shell_word_known(v) ||
	    s->name_count == ARRAY_LEN(s->names)) {
		s->narrowed_odd = true;
		return;
	}
	s->names[s->name_count++] = v->text;
}

/* The command of -exec up to ";" or "+": a part of its own when the parser
 * has unwrapped it, else it is judged here. */
static void
take_command(struct search *s)
{
	struct judge *j = s->j;
	const size_t from = s->at + 1;
	size_t end = from;

	while (end < j->shell->argc &&
	    !shell_word_is(&j->shell->argv[end], ";") &&
	    !(shell_word_is(&j->shell->argv[end], "+") && end > from &&
		j->shell->argv[end - 1].text.len > 0))
		end++;
	if (!j->wrapper)
		effect_unknown(j, "find runs a command that was not unwrapped");
	j->has_child = true;
	s->at = end;
}

static void
file_action(struct search *s)
{
	const struct shell_word *v = word_of(s, s->at + 1);
	struct arg a;

	s->at++;
	if (v == NULL)
		return;
	a = arg_of(v, 0);
	s->j->by = STR("the file of -fprint");
	effect_write(s->j, &a, "writes");
}

static void
read_action(struct search *s)
{
	const struct shell_word *v = word_of(s, s->at + 1);
	struct arg a;

	s->at++;
	if (v == NULL)
		return;
	a = arg_of(v, 0);
	effect_read(s->j, &a, false);
}

static void
expression_word(struct search *s, const struct shell_word *w)
{
	const struct str t = w->text;

	if (!shell_word_known(w)) {
		if (shell_word_may_be_option(w))
			effect_unknown(s->j,
			    "'%.*s' may turn out to be an action of find",
			    STR_ARG(t));
		s->narrowed_odd = true;
	} else if (str_eq(t, STR("-delete"))) {
		s->deletes = true;
	} else if (str_starts(t, STR("-exec")) || str_eq(t, STR("-ok")) ||
	    str_eq(t, STR("-okdir"))) {
		take_command(s);
	} else if (str_eq(t, STR("-fprint")) || str_eq(t, STR("-fprint0")) ||
	    str_eq(t, STR("-fls"))) {
		file_action(s);
	} else if (str_eq(t, STR("-fprintf"))) {
		file_action(s);
		s->at++;
	} else if (str_eq(t, STR("-name")) || str_eq(t, STR("-iname"))) {
		note_name(s);
	} else if (str_eq(t, STR("-not")) || str_eq(t, STR("!")) ||
	    str_eq(t, STR("-o")) || str_eq(t, STR("-or"))) {
		s->narrowed_odd = true;
	} else if (str_eq(t, STR("-files0-from"))) {
		read_action(s);
	} else if (str_starts(t, STR("-newer")) ||
	    str_is_one_of(t, value_words, ARRAY_LEN(value_words))) {
		s->at++;
	} else if (!str_is_one_of(t, flag_words, ARRAY_LEN(flag_words))) {
		effect_unknown(
		    s->j, "'%.*s' of find is not described", STR_ARG(t));
	}
}

/* Start points are the words before the first that is an expression. */
static void
starts(struct search *s)
{
	struct judge *j = s->j;

	for (; s->at < j->shell->argc; s->at++) {
		const struct shell_word *w = &j->shell->argv[s->at];
		const struct str t = w->text;

		if (shell_word_is(w, "-H") || shell_word_is(w, "-L") ||
		    shell_word_is(w, "-P") || str_starts(t, STR("-O")))
			continue;
		if (shell_word_is(w, "-D")) {
			s->at++;
			continue;
		}
		if (t.len > 0 &&
		    (t.s[0] == '-' || t.s[0] == '(' || t.s[0] == '!' ||
			t.s[0] == ','))
			break;
		if (!shell_word_known(w) && shell_word_may_be_option(w) &&
		    (w->flags & WORD_GLOB) == 0)
			effect_unknown(j,
			    "'%.*s' may turn out to be an action of find",
			    STR_ARG(t));
		if (s->start_count < ARRAY_LEN(s->starts))
			s->starts[s->start_count++] = s->at;
		else
			effect_unknown(j, "more start points than are judged");
	}
}

/* Are the names that a find looks for all such that can be made again? For
 * what its -exec is given. */
bool
find_names_generated(struct judge *j, const struct shell_part *find)
{
	size_t names = 0;

	for (size_t i = 1; i + 1 < find->argc; i++) {
		const struct path_place at = {
			.cwd = j->run->action->proposal.workspace,
			.workspace = j->run->action->proposal.workspace
		};
		struct path_facts n;

		if (shell_word_is(&find->argv[i], "!") ||
		    shell_word_is(&find->argv[i], "-not") ||
		    !shell_word_known(&find->argv[i]))
			return false;
		if (!shell_word_is(&find->argv[i], "-name"))
			continue;
		(void)paths_judge(programs_paths(j->programs), &at,
		    find->argv[i + 1].text, true, j->arena, &n);
		if (!n.generated || n.secret)
			return false;
		names++;
	}
	return names > 0;
}

static bool
tests_name(const struct shell_word *w)
{
	static const char *const tests[] = { "-name", "-iname", "-path",
		"-ipath", "-wholename", "-iwholename" };

	return str_is_one_of(w->text, tests, ARRAY_LEN(tests));
}

/* Is nothing left out that has another name? */
bool
find_takes_all(const struct shell_part *find)
{
	static const char *const odd[] = { "!", "-not", "-o", "-or", "," };
	bool narrowed = false;

	for (size_t i = 1; i < find->argc; i++) {
		const struct shell_word *const w = &find->argv[i];

		if (!shell_word_known(w) ||
		    str_is_one_of(w->text, odd, ARRAY_LEN(odd)))
			return true;
		narrowed = narrowed ||
		    ((tests_name(w) || shell_word_is(w, "-regex") ||
			 shell_word_is(w, "-iregex")) &&
			i + 1 < find->argc &&
			!is_any_name(find->argv[i + 1].text));
	}
	return !narrowed;
}

/* "*" "/.config/x/secret": meant in the homes that are searched. */
static bool
path_hunts(struct judge *j, const struct path_place *at, struct str pattern)
{
	AUTO_BUF struct buf b = BUF_INIT(PATH_BYTES_MAX);
	struct path_facts f;

	if (str_at(pattern, 0) != '*')
		return false;
	while (str_at(pattern, 0) == '*' || str_at(pattern, 0) == '/')
		pattern = str_from(pattern, 1);
	buf_puts(&b, "~/");
	buf_put_str(&b, pattern);
	if (pattern.len == 0 || buf_done(&b, NULL) != 0)
		return false;
	(void)paths_judge(
	    programs_paths(j->programs), at, buf_str(&b), true, j->arena, &f);
	return f.secret;
}

/* A name, or a pattern of names, below cwd that a secret has. */
static bool
is_secret_name(struct judge *j, const char *cwd, struct str name)
{
	const struct path_place at = { .cwd = cwd,
		.workspace = j->run->action->proposal.workspace,
		.home = j->run->action->proposer.home };
	struct path_facts f;

	(void)paths_judge(
	    programs_paths(j->programs), &at, name, true, j->arena, &f);
	return f.secret || path_hunts(j, &at, name);
}

/* Does a find look for a name that a secret has? */
bool
find_names_secret(struct judge *j, const struct shell_part *find)
{
	const char *const workspace = j->run->action->proposal.workspace;

	for (size_t i = 1; i + 1 < find->argc; i++) {
		if (tests_name(&find->argv[i]) &&
		    !shell_word_is(&find->argv[i - 1], "!") &&
		    !shell_word_is(&find->argv[i - 1], "-not") &&
		    is_secret_name(j, workspace, find->argv[i + 1].text))
			return true;
	}
	return false;
}

/* A pattern that says which files are read: --include, -g. */
void
as_name_glob(struct judge *j, const struct arg *a, struct str param)
{
	const char *const workspace = j->run->action->proposal.workspace;
	const struct path_place at = { .cwd = workspace,
		.workspace = workspace,
		.home = j->run->action->proposer.home };
	struct path_facts f;

	(void)param;
	if (a->text.len == 0 || str_at(a->text, 0) == '!')
		return;
	(void)paths_judge(
	    programs_paths(j->programs), &at, a->text, true, j->arena, &f);
	if (f.secret || str_starts(a->text, STR(".*")))
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_READ,
			.path_class = PATH_SECRET,
			.target = f.abs,
			.why = "it reads what has the name of a secret" });
}

/* "find ~ -name 'id_*'": names that one looks for to get at secrets. */
static bool
aims_at_secrets(struct search *s)
{
	for (size_t i = 0; i < s->name_count; i++) {
		if (is_secret_name(s->j, "/", s->names[i]))
			return true;
	}
	return false;
}

static void
list_start(struct search *s, const struct arg *a)
{
	struct judge *j = s->j;
	struct path_facts f;
	bool secrets;

	arg_place(j, a, &f);
	if (f.likely != PATH_NONE)
		f.base = f.likely;
	j->lists_secrets = j->lists_secrets || f.holds_secrets || f.secret;
	secrets = f.secret ||
	    (!f.in_workspace && (f.holds_secrets || f.base == PATH_UNKNOWN) &&
		(aims_at_secrets(s) || find_names_secret(j, j->shell)));
	effect_add(j,
	    &(struct effect){
		.kind = EFFECT_READ,
		.path_class = secrets && !f.in_workspace ? PATH_SECRET : f.base,
		.target = f.abs,
		.why = secrets ? "find looks for secrets there"
			       : "find lists what is there",
	    });
}

/* What -delete takes: every name narrowed to what can be made again? */
static void
delete_start(struct search *s, const struct arg *a)
{
	struct judge *j = s->j;
	bool generated = s->name_count > 0 && !s->narrowed_odd;
	struct path_facts f;

	arg_place(j, a, &f);
	for (size_t i = 0; i < s->name_count && generated; i++) {
		const struct path_place at = {
			.cwd = j->run->action->proposal.workspace,
			.workspace = j->run->action->proposal.workspace
		};
		struct path_facts n;

		(void)paths_judge(programs_paths(j->programs), &at, s->names[i],
		    true, j->arena, &n);
		generated = n.generated && !n.secret;
	}
	if (f.in_workspace && generated && f.base == PATH_WORKSPACE &&
	    !f.protected) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class = PATH_GENERATED,
			.target = f.abs,
			.why = "find deletes what has that name beneath" });
		return;
	}
	/* Narrowed by names, it does not take a whole home. */
	if (f.root && f.base == PATH_HOME && s->name_count > 0 &&
	    !s->narrowed_odd) {
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_DELETE,
			.path_class = PATH_HOME,
			.target = f.abs,
			.why = "find deletes what has that name beneath" });
		return;
	}
	effect_delete(j, a, true);
}

void
handle_find(struct judge *j)
{
	struct search s = { .j = j, .at = 1 };
	static const struct shell_word here = { .text = { ".", 1 } };

	starts(&s);
	for (; s.at < j->shell->argc; s.at++)
		expression_word(&s, &j->shell->argv[s.at]);
	j->names_secrets = find_names_secret(j, j->shell);
	j->by = STR("where it starts");
	for (size_t i = 0; i < s.start_count || i == 0; i++) {
		const struct arg a = arg_of(
		    s.start_count == 0 ? &here : &j->shell->argv[s.starts[i]],
		    0);

		list_start(&s, &a);
		if (s.deletes)
			delete_start(&s, &a);
	}
	j->by = STR_NONE;
}
