/*
 * assent rules diff and replay: what a change of rules changes.
 * Runs in: assent.  Trusts: nothing in the files and lines.  Owns: nothing.
 */
#include "compare.h"

#include <jansson.h>
#include <string.h>

#include "base/num.h"
#include "model/json_in.h"
#include "replay.h"

#define SHOWN_DEFAULT 20
#define LINE_BYTES_MAX HTTP_BODY_BYTES_MAX

enum {
	OPT_CALLS,
	OPT_FAIL_ON_LOOSEN,
	OPT_SHOW,
	OPT_POLICY,
	OPT_JSON,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT_OF_DIFF,
	OPT_STATE = OPT_COUNT_OF_DIFF,
	OPT_LOG,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_COUNT,
};

#define COMMON_OPTIONS                                                         \
	[OPT_FAIL_ON_LOOSEN] = { "--fail-on-loosen", NULL,                     \
		"exit 1 only when some call becomes looser" },                 \
	[OPT_SHOW] = { "--show", "N", "show at most N calls (20)" },           \
	[OPT_POLICY] = { "--policy", "untrusted|on-request|never",             \
		"approval policy in force" },                                  \
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },                 \
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },  \
	[OPT_DATA] = { "--data", "DIR",                                        \
		"packs and programs of DIR instead of the built-in ones" }

static const struct command_option diff_options[] = {
	[OPT_CALLS] = { "--calls", "FILE",
	    "actions to judge besides the tests, one a line" },
	COMMON_OPTIONS,
};

static const struct command_option replay_options[] = {
	[OPT_CALLS] = { "--calls", "FILE",
	    "recorded actions, one a line; by default standard input" },
	COMMON_OPTIONS,
	[OPT_STATE] = { "--state", "DIR",
	    "what the log in that state folder holds" },
	[OPT_LOG] = { "--log", NULL, "the same, of the usual folder" },
	[OPT_SINCE] = { "--since", "TIME",
	    "of the log: 2026-11-25T18:00:00Z, or 30d ago" },
	[OPT_UNTIL] = { "--until", "TIME", "of the log: before that time" },
};

static int run_diff(int argc, char **argv);
static int run_replay(int argc, char **argv);

const struct command rules_verb_diff = {
	.name = "rules diff",
	.summary = "Show what differs between two folders of rules: rules, "
		   "and decisions",
	.usage = "rules diff [OPTIONS] OLD NEW",
	.details =
	    "Rules are compared by id, decisions on the calls of the tests of "
	    "both folders.\nLoosened calls come first. Exit status: 0 no "
	    "difference, 1 some.",
	.example = "assent rules diff /etc/assent/rules.d ./rules.d",
	.options = diff_options,
	.option_count = OPT_COUNT_OF_DIFF,
	.run = run_diff,
};

const struct command rules_verb_replay = {
	.name = "rules replay",
	.summary = "Judge recorded actions by two folders of rules",
	.usage = "rules replay [--log | --state DIR | --calls FILE] "
		 "[OPTIONS] OLD NEW",
	.details =
	    "The log is read where it is, also of a running daemon; each row "
	    "is checked\nagainst its hash. A line of a file is an action, or "
	    "an object whose 'action' is\none. Exit status: 0 no difference, "
	    "1 some.",
	.example = "assent rules replay --log --since 30d --fail-on-loosen "
		   "/etc/assent/rules.d new.d",
	.options = replay_options,
	.option_count = OPT_COUNT,
	.run = run_replay,
};

struct session {
	const struct command *cmd;
	const char *values[OPT_COUNT];
	struct cmd_rules from_rules, to_rules;
	struct compare cmp;
	size_t shown;
};

static void
session_done(struct session *s)
{
	compare_done(&s->cmp);
	rules_classifier.close(s->cmp.from);
	rules_classifier.close(s->cmp.to);
}

static void
set_options(struct session *s, struct cmd_rules *o)
{
	o->no_packs = s->values[OPT_NO_PACKS] != NULL;
	o->data_dir = s->values[OPT_DATA];
	o->policy = s->cmp.policy;
}

static int
start(struct session *s, int argc, char **argv, bool *ret_done)
{
	int status = EXIT_OK;
	uint64_t n = SHOWN_DEFAULT;
	const int first =
	    command_parse(s->cmd, argc, argv, s->values, NULL, NULL, &status);

	*ret_done = first < 0;
	if (first < 0)
		return status;
	if (argc - first != 2)
		return command_usage_error(
		    s->cmd, "two folders are needed: OLD and NEW");
	if (s->values[OPT_SHOW] != NULL &&
	    num_parse_u64(str_of(s->values[OPT_SHOW]), 0, FLIPS_MAX, &n) != 0)
		return command_usage_error(
		    s->cmd, "--show takes a number up to %d", FLIPS_MAX);
	s->shown = (size_t)n;
	s->cmp.policy = s->values[OPT_POLICY] == NULL
	    ? POLICY_ON_REQUEST
	    : approval_policy_of(str_of(s->values[OPT_POLICY]));
	set_options(s, &s->from_rules);
	set_options(s, &s->to_rules);
	(void)cmd_add_dir(&s->from_rules, argv[first]);
	(void)cmd_add_dir(&s->to_rules, argv[first + 1]);
	status =
	    cmd_open(&s->from_rules, s->values[OPT_JSON] != NULL, &s->cmp.from);
	if (status == EXIT_OK)
		status = cmd_open(
		    &s->to_rules, s->values[OPT_JSON] != NULL, &s->cmp.to);
	return status;
}

/* ---- calls ------------------------------------------------------------- */

static int
compare_examples(struct compare *c, const struct examples *list, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		AUTO(action_freep) struct action *a = NULL;
		int r = example_action(&list->v[i], &a, e);

		if (r == 0)
			r = compare_call(c, a, e);
		if (r == ERR_NOMEM)
			return r;
	}
	return ERR_OK;
}

/* The tests of the folder itself, not those of the packs beneath it. */
static int
compare_tests(struct compare *c, const struct ruleset *set,
    const struct cmd_rules *o, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; i < set->rule_count && r == 0; i++) {
		if (!verb_is_subject(o, set->rules[i].layer))
			continue;
		r = compare_examples(c, &set->rules[i].match, e);
		if (r == 0)
			r = compare_examples(c, &set->rules[i].nomatch, e);
	}
	for (size_t i = 0; i < set->file_count && r == 0; i++) {
		const struct rule_file *f = &set->files[i];

		if (!verb_is_subject(o, f->layer))
			continue;
		for (size_t k = 0; k < f->scenario_count && r == 0; k++)
			r = compare_examples(c,
			    &(struct examples){
				.v = &f->scenarios[k].call, .count = 1 },
			    e);
	}
	return r;
}

/* The action of a line: the line itself, or its member "action". */
static int
action_of_line(struct str line, struct action *a, struct err *e)
{
	static const struct cmd_place nowhere = { .workspace = "/nowhere",
		.cwd = "/nowhere" };
	json_auto_t *json = NULL;
	char *text;
	int r;

	if (str_search(line, STR("\"action\"")) == line.len)
		return cmd_action_json(line, &nowhere, a, e);
	r = json_in(line, &json, e);
	if (r != 0)
		return r;
	const json_t *inner = json_object_get(json, "action");

	if (!json_is_object(inner))
		return cmd_action_json(line, &nowhere, a, e);
	text = json_dumps(inner, JSON_COMPACT);
	if (text == NULL)
		return err_nomem(e);
	r = cmd_action_json(str_of(text), &nowhere, a, e);
	free(text);
	return r;
}

static int
compare_line(struct compare *c, struct str line)
{
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	int r = action_new(&a, &e);

	if (r == 0)
		r = action_of_line(line, a, &e);
	/* When it was proposed does not make it another call. */
	if (r == 0)
		r = compare_call(c, a, &e);
	if (r != 0 && r != ERR_NOMEM) {
		c->refused++;
		r = ERR_OK;
	}
	return r;
}

static int
compare_stream(struct compare *c, FILE *f)
{
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, f)) > 0) {
		const struct str text = str_trim(str_n(line, (size_t)n));

		if (text.len == 0)
			continue;
		if (text.len > LINE_BYTES_MAX)
			c->refused++;
		else if (compare_line(c, text) != 0)
			return ERR_NOMEM;
	}
	return ferror(f) != 0 ? ERR_SYS : ERR_OK;
}

static int
compare_file(struct session *s, struct err *e)
{
	const char *path = s->values[OPT_CALLS];
	FILE *f = path == NULL ? stdin : fopen(path, "rbe");
	int r;

	if (f == NULL)
		return err_sys(e, "cannot open '%s'", path);
	r = compare_stream(&s->cmp, f);
	if (f != stdin)
		(void)fclose(f);
	return r == 0 ? ERR_OK : err_set(e, r, "cannot read the calls");
}

static int
compare_log(struct session *s, struct err *e)
{
	const struct history_query q = {
		.state_dir = s->values[OPT_STATE],
		.since = s->values[OPT_SINCE],
		.until = s->values[OPT_UNTIL],
	};

	return replay_log(&s->cmp, &q, e);
}

/* ---- rules ------------------------------------------------------------- */

static void
list_changes(const struct ruleset *from, const struct ruleset *to,
    void (*put)(void *ctx, const char *what, const struct rule *r), void *ctx)
{
	for (size_t i = 0; i < to->rule_count; i++) {
		const struct rule *r = &to->rules[i];
		const struct rule *was = ruleset_find(from, r->id);

		if (was == NULL)
			put(ctx, "added", r);
		else if (was->meaning != r->meaning)
			put(ctx, "changed", r);
		else if (was->disabled != r->disabled)
			put(ctx, r->disabled ? "disabled" : "enabled", r);
	}
	for (size_t i = 0; i < from->rule_count; i++) {
		if (ruleset_find(to, from->rules[i].id) == NULL)
			put(ctx, "removed", &from->rules[i]);
	}
}

static void
put_text(void *ctx, const char *what, const struct rule *r)
{
	buf_printf(ctx, "%-8s %-6s %s (%s:%u)\n", what,
	    decision_name(r->decision), r->id, r->file, r->line);
}

static void
put_json(void *ctx, const char *what, const struct rule *r)
{
	struct jsonw *w = ctx;

	jsonw_object(w);
	jsonw_kstr(w, "change", what);
	jsonw_kstr(w, "id", r->id);
	jsonw_kstr(w, "decision", decision_name(r->decision));
	jsonw_kstr(w, "file", r->file);
	jsonw_kint(w, "line", r->line);
	jsonw_end(w);
}

static int
report(const struct session *s, bool rules)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	const struct compare *c = &s->cmp;
	struct jsonw w = jsonw_on(&out);

	if (s->values[OPT_JSON] == NULL) {
		if (rules)
			list_changes(c->from->set, c->to->set, put_text, &out);
		compare_print(c, s->shown, &out);
		return cmd_print(stdout, &out);
	}
	jsonw_object(&w);
	if (rules) {
		jsonw_key(&w, "rules");
		jsonw_array(&w);
		list_changes(c->from->set, c->to->set, put_json, &w);
		jsonw_end(&w);
	}
	compare_json(c, &w);
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}

static void
count_change(void *ctx, const char *what, const struct rule *r)
{
	size_t *n = ctx;

	(void)what;
	(void)r;
	(*n)++;
}

static int
status_of(const struct session *s, bool rules)
{
	const struct compare *c = &s->cmp;
	size_t changes = c->loosened + c->tightened;

	if (s->values[OPT_FAIL_ON_LOOSEN] != NULL)
		return c->loosened > 0 ? EXIT_DENIED : EXIT_OK;
	if (rules)
		list_changes(c->from->set, c->to->set, count_change, &changes);
	return changes > 0 ? EXIT_DENIED : EXIT_OK;
}

static int
run_diff(int argc, char **argv)
{
	AUTO(session_done)
	struct session s = { .cmd = &rules_verb_diff, .cmp = { .once = true } };
	struct err e = ERR_INIT;
	bool done;
	int r, status = start(&s, argc, argv, &done);

	if (done || status != EXIT_OK)
		return status;
	r = compare_tests(&s.cmp, s.cmp.from->set, &s.from_rules, &e);
	if (r == 0)
		r = compare_tests(&s.cmp, s.cmp.to->set, &s.to_rules, &e);
	if (r == 0 && s.values[OPT_CALLS] != NULL)
		r = compare_file(&s, &e);
	if (r != 0)
		return cmd_fail("rules diff", &e);
	status = report(&s, true);
	return status != EXIT_OK ? status : status_of(&s, true);
}

static int
run_replay(int argc, char **argv)
{
	AUTO(session_done) struct session s = { .cmd = &rules_verb_replay };
	struct err e = ERR_INIT;
	bool done;
	int status = start(&s, argc, argv, &done);

	if (done || status != EXIT_OK)
		return status;
	const bool log = s.values[OPT_LOG] != NULL ||
	    s.values[OPT_STATE] != NULL || s.values[OPT_SINCE] != NULL ||
	    s.values[OPT_UNTIL] != NULL;

	if (log && s.values[OPT_CALLS] != NULL)
		return command_usage_error(s.cmd, "either the log, or --calls");
	if ((log ? compare_log(&s, &e) : compare_file(&s, &e)) != 0)
		return cmd_fail("rules replay", &e);
	status = report(&s, false);
	return status != EXIT_OK ? status : status_of(&s, false);
}
