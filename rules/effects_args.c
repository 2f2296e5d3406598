/*
 * Words of a command as options, subcommands and operands of its entry.
 * Runs in: engine, assent.  Trusts: the tables.  Owns: nothing.
 */
#include "effects_int.h"

#define COMMAND_OPTIONS_MAX 512
#define OPTION_TEXT_MAX 256

/* The state of one walk over the words. */
struct walk {
	struct judge *j;
	const struct entry *en;
	size_t at; /* the word looked at */
	bool ended; /* no more options */
	bool unknown_option; /* the word before was one that is not described */
	bool lost; /* a subcommand is not described */
};

static const struct shell_word *
word_at(const struct walk *w, size_t i)
{
	return i < w->j->shell->argc ? &w->j->shell->argv[i] : NULL;
}

static void
note_option(struct judge *j, const struct option *o, struct str spelt,
    const struct arg *value)
{
	struct part_command *c = j->command;
	struct command_opt *opt;

	if (j->seen_count < OPTIONS_SEEN_MAX)
		j->seen[j->seen_count++] = o;
	if (c->option_count >= COMMAND_OPTIONS_MAX)
		return;
	if (c->options == NULL)
		c->options = arena_array(j->arena,
		    COMMAND_OPTIONS_MAX < j->shell->argc * 4 + 4
			? COMMAND_OPTIONS_MAX
			: j->shell->argc * 4 + 4,
		    sizeof(*c->options));
	if (c->options == NULL || c->option_count >= j->shell->argc * 4 + 4)
		return;
	opt = &c->options[c->option_count++];
	*opt = (struct command_opt){
		.name = o != NULL ? o->canonical : spelt,
		.spelt = spelt,
	};
	if (value != NULL) {
		opt->value = secrets_mask(j->arena, value->text);
		opt->unknown_value = !value->known;
	}
}

/* A value of which nothing is said: it may be the name of a file all the
 * same, unless it is a text of several words. */
static void
any_value(struct judge *j, const struct arg *value)
{
	for (size_t i = 0; i < value->text.len; i++) {
		if (value->text.s[i] == ' ' || value->text.s[i] == '\n')
			return;
	}
	arg_given(j, value);
}

/* The acts of an option on its value, or by itself. */
static void
take_option(struct judge *j, const struct option *o, struct str spelt,
    const struct arg *value)
{
	char by[OPTION_TEXT_MAX];
	const char *copy;

	note_option(j, o, spelt, value);
	if (o->acts.count == 0) {
		if (value != NULL)
			any_value(j, value);
		return;
	}
	(void)snprintf(by, sizeof(by),
	    value != NULL ? "the value of %.*s" : "(%.*s)", STR_ARG(spelt));
	copy = arena_strdup(j->arena, by);
	j->by = str_of(copy);
	acts_apply(j, &o->acts, value);
	j->by = STR_NONE;
}

static void
unknown_option(struct walk *w, struct str spelt, const struct arg *value)
{
	struct judge *j = w->j;

	note_option(j, NULL, spelt, value);
	w->unknown_option = value == NULL;
	if ((w->en->style & STYLE_OTHERS) != 0) {
		if (value != NULL)
			role_find(STR("any"))->apply(j, value, STR_NONE);
		return;
	}
	effect_unknown(j, "option '%.*s' of %.*s is not described",
	    STR_ARG(secrets_mask(j->arena, spelt)), STR_ARG(j->program));
}

/* The next word as a value; false when there is none. */
static bool
next_value(struct walk *w, struct arg *ret)
{
	const struct shell_word *v = word_at(w, w->at + 1);

	if (v == NULL)
		return false;
	w->at++;
	*ret = arg_of(v, 0);
	return true;
}

/* "-I/usr/include" by the entry "-I*=", "-Wall" by "-W*". */
static bool
prefix_option(struct walk *w, const struct shell_word *word, struct str text)
{
	size_t len;
	const struct option *o = entry_prefix(w->en, text, &len);
	struct arg value;

	if (o == NULL)
		return false;
	value = arg_of(word, len);
	if (o->value == VALUE_REQUIRED && value.text.len == 0 &&
	    shell_word_known(word) && !next_value(w, &value))
		return true;
	take_option(w->j, o, str_head(text, len),
	    o->value == VALUE_NONE ? NULL : &value);
	return true;
}

/* "--name", "--name=value", "--name value". */
static void
long_option(struct walk *w, const struct shell_word *word, struct str prefix)
{
	struct str text = str_eq(prefix, word->text) ? word->text : prefix;
	const size_t eq = str_find(text, '=');
	const struct str name = str_head(text, eq);
	const bool attached = eq < text.len;
	bool ambiguous = false;
	const struct option *o = entry_option(w->en, name, &ambiguous);
	struct arg value = arg_of(word, eq + 1);

	if (!attached && !shell_word_known(word)) {
		effect_unknown(w->j,
		    "'%.*s' is an option that is not known before",
		    STR_ARG(word->text));
		return;
	}
	if (o == NULL && prefix_option(w, word, text))
		return;
	if (o == NULL || ambiguous) {
		unknown_option(w, name, attached ? &value : NULL);
		return;
	}
	if (attached && o->value == VALUE_NONE) {
		if ((w->en->style & STYLE_OTHERS) == 0)
			effect_unknown(w->j, "option '%.*s' takes no value",
			    STR_ARG(name));
		take_option(w->j, o, name, NULL);
	} else if (attached) {
		take_option(w->j, o, name, &value);
	} else if (o->value == VALUE_REQUIRED && next_value(w, &value)) {
		take_option(w->j, o, name, &value);
	} else {
		take_option(w->j, o, name, NULL);
	}
}

/* One word is one option: "-name", "-name=value", "-Wall", "-5". */
static bool
whole_option(struct walk *w, const struct shell_word *word, struct str text)
{
	const size_t eq = str_find(text, '=');
	bool ambiguous = false;
	const struct option *o;
	struct arg value;

	if (str_is_digits(str_from(text, 1))) {
		o = entry_option(w->en, STR("-#"), &ambiguous);
		if (o != NULL) {
			take_option(w->j, o, STR("-#"), NULL);
			return true;
		}
	}
	o = entry_option(w->en, str_head(text, eq), &ambiguous);
	if (o == NULL ||
	    (text.len > 2 && eq == text.len && !shell_word_known(word) &&
		o->value == VALUE_NONE))
		return false;
	if (eq < text.len && o->value != VALUE_NONE) {
		value = arg_of(word, eq + 1);
		take_option(w->j, o, str_head(text, eq), &value);
	} else if (o->value == VALUE_REQUIRED && next_value(w, &value)) {
		take_option(w->j, o, text, &value);
	} else {
		take_option(w->j, o, str_head(text, eq), NULL);
	}
	return true;
}

/* "-rf", "-ofile", "-o file". text starts with '-' unless it is a bundle. */
static void
cluster(struct walk *w, const struct shell_word *word, struct str text,
    size_t start)
{
	for (size_t i = start; i < text.len; i++) {
		const char spelt[2] = { '-', text.s[i] };
		const struct str name =
		    str_n(arena_strndup(w->j->arena, spelt, 2), 2);
		bool ambiguous = false;
		const struct option *o = NULL;
		struct arg value = arg_of(word, i + 1);
		const bool rest = i + 1 < text.len || !shell_word_known(word);

		if (start == 0 && name.s != NULL) /* "e" of "ps eww" */
			o = entry_option(w->en, str_from(name, 1), &ambiguous);
		if (o == NULL && name.s != NULL)
			o = entry_option(w->en, name, &ambiguous);
		if (o == NULL) {
			unknown_option(
			    w, text.len == start + 1 ? name : text, NULL);
			return;
		}
		if (o->value == VALUE_NONE) {
			take_option(w->j, o, name, NULL);
			continue;
		}
		if (start == 0) { /* a bundle: values are the next words */
			if (next_value(w, &value))
				take_option(w->j, o, name, &value);
			continue;
		}
		if (rest)
			take_option(w->j, o, name, &value);
		else if (o->value == VALUE_REQUIRED && next_value(w, &value))
			take_option(w->j, o, name, &value);
		else
			take_option(w->j, o, name, NULL);
		return;
	}
	if (!shell_word_known(word) && start > 0)
		effect_unknown(w->j,
		    "'%.*s' is an option that is not known before",
		    STR_ARG(word->text));
}

static void
option_word(struct walk *w, const struct shell_word *word)
{
	const struct str text =
	    shell_word_known(word) ? word->text : shell_word_prefix(word);

	if (str_starts(text, STR("--")) && text.len > 2 &&
	    (w->en->style & STYLE_WORD) == 0) {
		long_option(w, word, text);
		return;
	}
	if (whole_option(w, word, text) || prefix_option(w, word, text))
		return;
	if ((w->en->style & STYLE_WORD) != 0) {
		const size_t eq = str_find(text, '=');
		struct arg value = arg_of(word, eq + 1);

		unknown_option(
		    w, str_head(text, eq), eq < text.len ? &value : NULL);
		return;
	}
	cluster(w, word, text, 1);
}

static void
operand_add(struct judge *j, const struct shell_word *word, bool behind_option)
{
	words_note_operand(j, word);
	if (j->operand_count == j->operand_cap) {
		const size_t cap = j->shell->argc + 1;
		struct arg *next = arena_array(j->arena, cap, sizeof(*next));

		if (next == NULL)
			return;
		if (j->operand_count > 0)
			memcpy(next, j->operands,
			    j->operand_count * sizeof(*next));
		j->operands = next;
		j->operand_cap = cap;
	}
	if (j->operand_count < j->operand_cap) {
		struct arg *a = &j->operands[j->operand_count++];

		*a = arg_of(word, 0);
		a->behind_option = behind_option;
	}
}

static void
subcommand_note(struct judge *j, struct str name)
{
	struct part_command *c = j->command;
	char text[OPTION_TEXT_MAX];
	const char *copy;

	if (c->subcommand.len == 0) {
		c->subcommand = name;
		return;
	}
	(void)snprintf(text, sizeof(text), "%.*s %.*s", STR_ARG(c->subcommand),
	    STR_ARG(name));
	copy = arena_strdup(j->arena, text);
	c->subcommand = str_of(copy);
}

/* True when the word is a subcommand (or had to be one). */
static bool
subcommand_word(struct walk *w, const struct shell_word *word)
{
	const struct entry *sub;

	if (w->en->sub_count == 0 || w->j->operand_count > 0 || w->lost)
		return false;
	sub = shell_word_known(word) ? entry_sub(w->en, word->text) : NULL;
	if (sub != NULL) {
		subcommand_note(w->j, word->text);
		w->en = sub;
		w->ended = w->ended && (sub->style & STYLE_STOP) == 0;
		return true;
	}
	if ((w->en->style & STYLE_OTHER_SUBS) != 0)
		return false;
	subcommand_note(w->j, word->text);
	effect_unknown(w->j, "'%.*s' is not a described subcommand of %.*s",
	    STR_ARG(word->text), STR_ARG(w->j->program));
	w->lost = true;
	return false;
}

/* A word whose start is not known, where an option could stand. */
static void
open_word(struct walk *w, const struct shell_word *word)
{
	struct judge *j = w->j;
	const struct arg a = arg_of(word, 0);
	const unsigned flow = arg_flow(j, &a);
	const struct entry *en = w->en;
	bool harmful = false;

	j->command->options_open = true;
	for (; en != NULL; en = en->parent)
		harmful = harmful || en->harmful;
	if (!harmful || (word->flags & WORD_DYNAMIC) == 0)
		return;
	/* "/usr/bin/x" begins with a slash. */
	if (flow == FLOW_FAR_NAMES)
		return;
	/* Names of files here: planting one is running code here. */
	if ((flow & ~(unsigned)(FLOW_NAMES | FLOW_WORKSPACE)) == 0)
		effect_add(j,
		    &(struct effect){ .kind = EFFECT_RUN_CODE,
			.code_class = CODE_WORKSPACE,
			.target = arena_strndup(
			    j->arena, j->program.s, j->program.len),
			.why = judge_say(j,
			    "a file name may be taken for an option of %.*s",
			    STR_ARG(j->program)) });
	else
		effect_unknown(j, "'%.*s' may turn out to be an option",
		    STR_ARG(word->text));
}

static bool
is_option(const struct walk *w, const struct shell_word *word)
{
	const struct str text =
	    shell_word_known(word) ? word->text : shell_word_prefix(word);
	size_t len;

	if (w->ended || text.len < 2)
		return false;
	if (str_at(text, 0) == '-')
		return true;
	return (str_at(text, 0) == '+' || str_at(text, 0) == '@') &&
	    entry_prefix(w->en, text, &len) != NULL;
}

static void
walk_word(struct walk *w, const struct shell_word *word)
{
	struct judge *j = w->j;
	const bool behind_option = w->unknown_option;

	w->unknown_option = false;
	if (!w->ended && shell_word_is(word, "--") &&
	    (w->en->style & STYLE_NO_DASHES) == 0) {
		w->ended = true;
		return;
	}
	if (is_option(w, word)) {
		option_word(w, word);
		return;
	}
	if (!w->ended && !shell_word_known(word) &&
	    shell_word_may_be_option(word))
		open_word(w, word);
	if (subcommand_word(w, word))
		return;
	if ((w->en->style & STYLE_STOP) != 0)
		w->ended = true;
	if ((word->flags & WORD_DYNAMIC) != 0)
		j->command->operands_open = j->command->operands_open ||
		    (word->flags & WORD_SPLIT) != 0;
	operand_add(j, word, behind_option);
}

bool
judge_seen(const struct judge *j, const char *option)
{
	bool ambiguous = false;
	const struct option *o = j->entry == NULL
	    ? NULL
	    : entry_option(j->entry, str_of(option), &ambiguous);

	for (size_t i = 0; o != NULL && i < j->seen_count; i++) {
		if (j->seen[i] == o)
			return true;
	}
	return false;
}

static bool
when_holds(
    const struct judge *j, const struct entry *en, const struct when *when)
{
	size_t found = 0;

	for (size_t i = 0; i < when->option_count; i++) {
		const struct option *o = &en->options[when->options[i]];
		size_t k = 0;

		while (k < j->seen_count && j->seen[k] != o)
			k++;
		found += k < j->seen_count ? 1 : 0;
	}
	return when->all ? found == when->option_count : found > 0;
}

/* The role for operand i of n. */
static size_t
role_index(const struct operand_spec *spec, size_t i, size_t n)
{
	const size_t count = spec->roles.count;
	size_t after;

	if (spec->repeat == SIZE_MAX || i < spec->repeat)
		return i;
	after = count - 1 - spec->repeat;
	if (i + after >= n && n > spec->repeat)
		return count - (n - i);
	return spec->repeat;
}

/* What a role does not see: "@names.txt", and the value of an option that is
 * not described. */
static void
operand_doubts(struct judge *j, const struct arg *a, const struct role *role)
{
	struct arg file = *a;

	if (a->behind_option && a->known && role != NULL &&
	    strcmp(role->name, "text") == 0)
		arg_given(j, a);
	if (str_at(a->text, 0) != '@' || a->text.len < 2)
		return;
	file.skip++;
	file.text = str_from(a->text, 1);
	any_value(j, &file);
}

/* The names that find, fd or xargs put in. */
static bool
is_found(const struct arg *a)
{
	for (size_t i = 0; a->word != NULL && i < a->word->piece_count; i++) {
		if (a->word->pieces[i].kind == PIECE_BELOW)
			return true;
	}
	return false;
}

static void
operand_judge(struct judge *j, const struct operand_spec *spec, size_t i)
{
	const struct arg *a = &j->operands[i];
	size_t k = role_index(spec, i, j->operand_count);
	const bool many = !a->known && a->word != NULL &&
	    (a->word->flags & (WORD_SPLIT | WORD_GLOB)) != 0;

	if (k >= spec->roles.count) {
		effect_unknown(j, "%.*s takes fewer operands than there are",
		    STR_ARG(j->program));
		return;
	}
	j->operand_at = i;
	j->by = is_found(a) ? STR("what is found there") : STR("its operand");
	operand_doubts(j, a, spec->roles.items[k].role);
	do {
		const struct act *act = &spec->roles.items[k];

		if (act->role != NULL)
			act->role->apply(j, a, act->param);
		/* The last word may be several: then it has later roles. */
	} while (many && i + 1 == j->operand_count && ++k < spec->roles.count);
	j->by = STR_NONE;
}

static void
operands_judge(struct judge *j, const struct operand_spec *spec)
{
	static const struct operand_spec none = { .repeat = SIZE_MAX };

	if (!spec->set)
		spec = &none;
	for (size_t i = 0; i < j->operand_count && !j->stop; i++)
		operand_judge(j, spec, i);
}

/* What the entry, its parents and the options that were seen add up to. */
static void
conclude(struct judge *j, const struct entry *en)
{
	const struct operand_spec *spec = &en->operands;
	const struct acts *does = &en->does;
	bool bare =
	    j->operand_count == 0 && (!j->has_child || en->parent != NULL);

	for (const struct entry *p = en; p != NULL; p = p->parent) {
		for (size_t i = 0; i < p->when_count; i++) {
			const struct when *when = &p->whens[i];

			if (!when_holds(j, p, when))
				continue;
			if (when->operands.set)
				spec = &when->operands;
			if (when->replaces)
				does = &when->does;
			bare = bare && !when->never_bare;
			acts_apply(j, &when->also, NULL);
		}
	}
	acts_apply(j, does, NULL);
	operands_judge(j, spec);
	if (bare)
		acts_apply(j, &en->bare, NULL);
	if (j->shell->argc == 1)
		acts_apply(j, &en->alone, NULL);
}

/* "prog --help" prints and ends. */
static bool
only_help(const struct judge *j, const struct entry *en, size_t from)
{
	const struct shell_word *w;
	bool ambiguous = false;

	if (j->shell->argc == 0 || j->shell->argc <= from)
		return false;
	w = &j->shell->argv[j->shell->argc - 1];
	if (!shell_word_is(w, "--help") && !shell_word_is(w, "--version") &&
	    !(shell_word_is(w, "-h") &&
		entry_option(en, STR("-h"), &ambiguous) == NULL))
		return false;
	for (size_t i = from; i + 1 < j->shell->argc; i++) {
		const struct shell_word *s = &j->shell->argv[i];

		en = shell_word_known(s) ? entry_sub(en, s->text) : NULL;
		if (en == NULL)
			return false;
	}
	return true;
}

void
judge_words(struct judge *j, const struct entry *en, size_t from)
{
	struct walk w = { .j = j, .en = en, .at = from };
	const size_t argc = j->shell->argc;

	j->entry = en;
	if (only_help(j, en, from))
		return;
	if ((en->style & STYLE_BUNDLE) != 0 && argc > from &&
	    shell_word_known(&j->shell->argv[from]) &&
	    j->shell->argv[from].text.len > 0 &&
	    str_at(j->shell->argv[from].text, 0) != '-') {
		cluster(
		    &w, &j->shell->argv[from], j->shell->argv[from].text, 0);
		w.at++;
	}
	for (; w.at < argc && !j->stop; w.at++) {
		const size_t before = w.at;

		j->taken = 0;
		walk_word(&w, &j->shell->argv[before]);
		w.at += j->taken;
		j->entry = w.en;
	}
	if (w.lost) {
		for (size_t i = 0; i < j->operand_count; i++)
			role_find(STR("any"))
			    ->apply(j, &j->operands[i], STR_NONE);
		return;
	}
	conclude(j, w.en);
}
