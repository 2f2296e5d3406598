/*
 * assent rules import: rules of other programs as ours, and what was lost.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/text.h"
#include "cmd_rules.h"
#include "import.h"

#define FILE_BYTES_MAX ((size_t)16 << 20)
#define PREFIX_MAX 64

enum {
	OPT_FORMAT,
	OPT_PREFIX,
	OPT_JSON,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_FORMAT] = { "--format", "codex|gemini|claude",
	    "by default from the name: .rules, .toml, .json" },
	[OPT_PREFIX] = { "--prefix", "NAME", "what ids begin with" },
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs and programs of DIR instead of the built-in ones" },
};

static int run_import(int argc, char **argv);

const struct command rules_verb_import = {
	.name = "rules import",
	.summary = "Take over rules of Codex, Gemini CLI or Claude Code",
	.usage = "rules import [OPTIONS] FILE > imported.yaml",
	.details =
	    "FILE is a .rules file of Codex, a policy .toml of Gemini CLI or a "
	    "settings.json of\nClaude Code. The rules go to standard output, "
	    "each with tests; what could not be\ncarried over, and allows that "
	    "still leave something to be asked, to standard error.\nExit "
	    "status: 0 all of it is there, 1 something was lost, 78 not such "
	    "a file.",
	.example = "assent rules import ~/.codex/rules/default.rules",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_import,
};

struct session {
	const char *values[OPT_COUNT];
	struct cmd_rules rules;
	const char *prefix;
	struct import im;
	struct classifier *set;
};

static void
session_freep(struct session **s)
{
	if (*s != NULL) {
		import_done(&(*s)->im);
		rules_classifier.close((*s)->set);
	}
	mem_freep(s);
}

static const struct {
	const char *name, *ending, *prefix;
	enum import_format format;
} formats[] = {
	{ "codex", ".rules", "codex", IMPORT_CODEX },
	{ "gemini", ".toml", "gemini", IMPORT_GEMINI },
	{ "claude", ".json", "claude", IMPORT_CLAUDE },
};

static enum import_format
format_of(struct session *s, const char *file)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		const char *given = s->values[OPT_FORMAT];

		if (given != NULL
			? strcmp(given, formats[i].name) != 0
			: !str_ends(str_of(file), str_of(formats[i].ending)))
			continue;
		if (s->prefix == NULL)
			s->prefix = formats[i].prefix;
		return formats[i].format;
	}
	return IMPORT_INVALID;
}

/* ---- does it load, and do what it was made from? ------------------------ */

static int
load(struct session *s, struct diags *d, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	struct rule_text file = { .name = "imported.yaml",
		.layer = LAYER_ORGANISATION };
	int r;

	rules_classifier.close(s->set);
	s->set = NULL;
	import_write(&s->im, s->prefix, &text);
	r = buf_done(&text, e);
	file.text = buf_str(&text);
	return r != 0 ? r : cmd_open_with(&s->rules, &file, d, &s->set, e);
}

static const struct rule *
rule_of(const struct session *s, size_t i)
{
	AUTO_BUF struct buf id = BUF_INIT(RULE_ID_MAX * 2);

	import_id(&s->im, i, s->prefix, &id);
	return ruleset_find(s->set->set, buf_cstr(&id));
}

static bool
matches(struct session *s, const struct rule *rule, struct str script)
{
	const struct example ex = { .script = script };
	bool yes = false;

	return example_matches(s->set, rule, &ex, &yes, NULL) == 0 && yes;
}

/* What does not load by itself is lost: a regular expression of another kind,
 * for the most part. */
static int
load_what_loads(struct session *s, struct err *e)
{
	AUTO_FREE enum imported_form *forms =
	    mem_new(s->im.rule_count + 1, sizeof(*forms));

	if (forms == NULL)
		return err_nomem(e);
	if (load(s, NULL, NULL) == 0)
		return ERR_OK;
	for (size_t i = 0; i < s->im.rule_count; i++)
		forms[i] = s->im.rules[i].form;
	for (size_t i = 0; i < s->im.rule_count; i++) {
		for (size_t k = 0; k < s->im.rule_count; k++)
			s->im.rules[k].form = k == i ? forms[i] : FORM_NONE;
		struct err why = ERR_INIT;

		if (load(s, NULL, &why) == 0)
			continue;
		forms[i] = FORM_NONE;
		import_note(&s->im, true, s->im.rules[i].line,
		    s->im.rules[i].source, "%s", why.msg);
	}
	for (size_t i = 0; i < s->im.rule_count; i++)
		s->im.rules[i].form = forms[i];
	return load(s, NULL, e);
}

/* The next way to write each rule that misses what it was made from. */
static size_t
improve(struct session *s)
{
	size_t changed = 0;

	for (size_t i = 0; i < s->im.rule_count; i++) {
		struct imported *r = &s->im.rules[i];
		AUTO_BUF struct buf example = BUF_INIT(RULE_TEXT_MAX * 4);
		const struct rule *rule = rule_of(s, i);

		if (rule == NULL || !import_example(r, &example) ||
		    matches(s, rule, buf_str(&example)))
			continue;
		changed++;
		r->form = r->decision == DECISION_ALLOW
		    ? FORM_NONE
		    : (enum imported_form)(r->form + 1);
		if (r->form == FORM_NONE)
			import_note(&s->im, true, r->line, r->source,
			    "what it is about is not understood here");
	}
	return changed;
}

static void
check_examples(struct session *s, struct imported *r, const struct rule *rule,
    struct str *list, size_t *count, bool want)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (matches(s, rule, list[i]) == want)
			list[kept++] = list[i];
		else
			import_note(&s->im, false, r->line, r->source,
			    "its example '%.*s' %s", STR_ARG(list[i]),
			    want ? "does not match here" : "matches here, too");
	}
	*count = kept;
}

/* An allow that still leaves a question is told. */
static void
check_allow(struct session *s, struct imported *r, struct err *e)
{
	AUTO_BUF struct buf script = BUF_INIT(RULE_TEXT_MAX * 4);
	AUTO(action_freep) struct action *a = NULL;

	if (r->decision != DECISION_ALLOW || !import_example(r, &script))
		return;
	const struct example ex = { .script = buf_str(&script) };

	if (example_action(&ex, &a, e) != 0 ||
	    rules_classifier.classify(
		s->set, a, a->arena, &a->classification, e) != 0)
		return;
	if (a->classification.decision != DECISION_ALLOW)
		import_note(&s->im, false, r->line, r->source,
		    "'%.*s' stays %s: %s", STR_ARG(ex.script),
		    decision_name(a->classification.decision),
		    a->classification.reason);
}

static int
settle(struct session *s, struct err *e)
{
	int r;

	do {
		r = load_what_loads(s, e);
	} while (r == 0 && improve(s) > 0);
	for (size_t i = 0; r == 0 && i < s->im.rule_count; i++) {
		struct imported *m = &s->im.rules[i];
		const struct rule *rule = rule_of(s, i);

		if (rule == NULL)
			continue;
		check_examples(s, m, rule, m->match, &m->match_count, true);
		check_examples(
		    s, m, rule, m->nomatch, &m->nomatch_count, false);
		check_allow(s, m, e);
	}
	return r;
}

/* ---- report -------------------------------------------------------------- */

static int
by_line(const void *a, const void *b)
{
	const struct import_note *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

static void
put_notes(const struct import *im, struct buf *out)
{
	for (size_t i = 0; i < im->note_count; i++) {
		const struct import_note *n = &im->notes[i];

		text_escape(out, str_of(im->file));
		buf_printf(out, ":%u: %s: ", n->line,
		    n->lost ? "not carried over" : "note");
		text_escape(out, n->source);
		buf_puts(out, ": ");
		text_escape(out, n->why);
		buf_putc(out, '\n');
	}
}

static size_t
count_kept(const struct import *im)
{
	size_t n = 0;

	for (size_t i = 0; i < im->rule_count; i++)
		n += im->rules[i].form != FORM_NONE;
	return n;
}

static void
put_json(const struct session *s, const struct buf *file, struct jsonw *w)
{
	jsonw_object(w);
	jsonw_key(w, "file");
	jsonw_str(w, buf_str(file));
	jsonw_kint(w, "rules", (int64_t)count_kept(&s->im));
	jsonw_key(w, "notes");
	jsonw_array(w);
	for (size_t i = 0; i < s->im.note_count; i++) {
		const struct import_note *n = &s->im.notes[i];

		jsonw_object(w);
		jsonw_kint(w, "line", n->line);
		jsonw_kbool(w, "lost", n->lost);
		jsonw_key(w, "source");
		jsonw_str(w, n->source);
		jsonw_key(w, "why");
		jsonw_str(w, n->why);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_end(w);
}

static int
report(struct session *s)
{
	AUTO_BUF struct buf file = BUF_INIT(FILE_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);
	int status;

	import_write(&s->im, s->prefix, &file);
	if (s->im.note_count > 0)
		qsort(s->im.notes, s->im.note_count, sizeof(*s->im.notes),
		    by_line);
	if (s->values[OPT_JSON] != NULL) {
		put_json(s, &file, &w);
		buf_putc(&out, '\n');
		return cmd_print(stdout, &out);
	}
	status = cmd_print(stdout, &file);
	if (status != EXIT_OK)
		return status;
	put_notes(&s->im, &out);
	return cmd_print(stderr, &out);
}

static int
status_of(const struct import *im)
{
	for (size_t i = 0; i < im->note_count; i++) {
		if (im->notes[i].lost)
			return EXIT_DENIED;
	}
	return EXIT_OK;
}

static int
import_one(struct session *s, const char *path)
{
	AUTO_BUF struct buf text = BUF_INIT(IMPORT_FILE_BYTES_MAX);
	const enum import_format format = format_of(s, path);
	struct err e = ERR_INIT;
	int r, status;

	if (format == IMPORT_INVALID)
		return command_usage_error(&rules_verb_import,
		    "'%s' ends in neither .rules, .toml nor .json: give "
		    "--format",
		    path);
	r = fdio_read_file(path, &text, &e);
	if (r == 0)
		r = import_new(path, &s->im, &e);
	if (r == 0)
		r = import_read(&s->im, format, buf_str(&text), &e);
	if (r == 0)
		r = settle(s, &e);
	if (r != 0)
		return cmd_fail("rules import", &e);
	status = report(s);
	return status != EXIT_OK ? status : status_of(&s->im);
}

static int
run_import(int argc, char **argv)
{
	AUTO(session_freep) struct session *s = mem_new(1, sizeof(*s));
	int status = EXIT_OK;

	if (s == NULL)
		return EXIT_INTERNAL;
	const int first = command_parse(
	    &rules_verb_import, argc, argv, s->values, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (argc - first != 1)
		return command_usage_error(
		    &rules_verb_import, "one file is needed");
	s->rules = (struct cmd_rules){
		.no_packs = s->values[OPT_NO_PACKS] != NULL,
		.data_dir = s->values[OPT_DATA],
		.policy = POLICY_ON_REQUEST,
	};
	s->prefix = s->values[OPT_PREFIX];
	if (s->prefix != NULL && strlen(s->prefix) > PREFIX_MAX)
		return command_usage_error(&rules_verb_import,
		    "--prefix takes at most %d characters", PREFIX_MAX);
	return import_one(s, argv[first]);
}
