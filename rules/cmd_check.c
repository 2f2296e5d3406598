/*
 * assent check: what would be decided, without a daemon.
 * Runs in: assent.  Trusts: the caller's rules; nothing in the actions.
 * Owns: nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd_int.h"
#include "model/action_json.h"
#include "model/project.h"

#define LINE_BYTES_MAX HTTP_BODY_BYTES_MAX
#define READ_BYTES 65536
#define OUTPUT_FLUSH_BYTES ((size_t)1 << 20)

enum {
	OPT_POLICY,
	OPT_RULES,
	OPT_NO_PACKS,
	OPT_NO_PROJECT,
	OPT_DATA,
	OPT_EXPLAIN,
	OPT_JSON,
	OPT_JSONL,
	OPT_CWD,
	OPT_WORKSPACE,
	OPT_HOME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_POLICY] = { "--policy", "untrusted|on-request|never",
	    "approval policy in force" },
	[OPT_RULES] = { "--rules", "DIR",
	    "rules besides the shipped ones; LAYER=DIR for another layer" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_NO_PROJECT] = { "--no-project", NULL,
	    "without the workspace's own .assent/rules" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs and programs of DIR instead of the built-in ones" },
	[OPT_EXPLAIN] = { "--explain", NULL,
	    "show the parts, their effects and the rule for each" },
	[OPT_JSON] = { "--json", NULL, "answer as JSON" },
	[OPT_JSONL] = { "--jsonl", NULL,
	    "read one action a line, write one decision a line" },
	[OPT_CWD] = { "--cwd", "DIR", "where the command would run" },
	[OPT_WORKSPACE] = { "--workspace", "DIR",
	    "the workspace; by default the current folder" },
	[OPT_HOME] = { "--home", "DIR", "the home of the user" },
};

static int run_check(int argc, char **argv);

const struct command command_check = {
	.name = "check",
	.summary = "Tell what would be decided about a command or an action",
	.usage = "check [OPTIONS] -- CMD... | check [OPTIONS] --jsonl",
	.details =
	    "No daemon is needed and nothing is run. One argument is a script "
	    "for the\nshell; several are a program and its arguments. Exit "
	    "status: 0 allow, 1 deny,\n2 review or ask, 78 rules that do not "
	    "load. With --jsonl the status tells only\nwhether every line was "
	    "read and answered.",
	.example = "assent check --explain -- 'git fetch && make test'",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_check,
};

struct check {
	const char *values[OPT_COUNT];
	struct cmd_rules rules;
	struct cmd_place place;
	bool bad_rules;
	/* Of the workspace that was asked about last. */
	char *workspace;
	struct project_rules *project; /* NULL: it has none */
};

static void
on_value(void *ctx, size_t option, const char *value)
{
	struct check *c = ctx;

	c->values[option] = value;
	if (option == OPT_RULES && !cmd_add_dir(&c->rules, value))
		c->bad_rules = true;
}

static int
status_of(enum decision d)
{
	switch (d) {
	case DECISION_ALLOW:
		return EXIT_OK;
	case DECISION_DENY:
		return EXIT_DENIED;
	case DECISION_REVIEW:
	case DECISION_ASK:
		return EXIT_ASKED;
	case DECISION_INVALID:
		break;
	}
	return EXIT_INTERNAL;
}

/* ---- the workspace's own rules ----------------------------------------- */

static void
check_done(struct check *k)
{
	free(k->workspace);
	project_rules_close(k->project);
}

static int
load_project(struct check *k, const char *workspace, struct err *e)
{
	AUTO_BUF struct buf record = BUF_INIT(PROJECT_RECORD_MAX);
	uint8_t stamp[SHA256_LEN];
	int r;

	project_rules_closep(&k->project);
	free(k->workspace);
	k->workspace = mem_strndup(workspace, strlen(workspace));
	if (k->workspace == NULL)
		return err_nomem(e);
	if (project_stamp(workspace, NULL, 0, stamp, NULL) == ERR_NOTFOUND)
		return ERR_OK;
	r = project_read(workspace, &record, e);
	return r != 0 ? r
		      : project_rules_open(buf_str(&record), &k->project, e);
}

static int
classify(struct check *k, struct classifier *c, struct action *a, struct err *e)
{
	const char *workspace = a->proposal.workspace;
	int r = ERR_OK;

	if (k->values[OPT_NO_PROJECT] == NULL && workspace != NULL &&
	    (k->workspace == NULL || strcmp(k->workspace, workspace) != 0))
		r = load_project(k, workspace, e);
	if (r != 0)
		return r;
	a->project = k->project;
	return rules_classifier.classify(c, a, a->arena, &a->classification, e);
}

static void
put_text(const struct action *a, struct buf *out)
{
	const struct classification *c = &a->classification;

	buf_printf(out, "%s (%s risk): ", decision_name(c->decision),
	    risk_name(c->risk));
	text_escape(out, str_of(c->reason));
	buf_putc(out, '\n');
	if (c->suggest != NULL) {
		buf_puts(out, "instead: ");
		text_escape(out, str_of(c->suggest));
		buf_putc(out, '\n');
	}
}

static void
put_answer(const struct check *k, const struct action *a, struct buf *out)
{
	const bool explain = k->values[OPT_EXPLAIN] != NULL;

	if (k->values[OPT_JSON] != NULL || k->values[OPT_JSONL] != NULL) {
		if (explain)
			explain_to_json(a, out);
		else
			decision_to_json(a, out);
		buf_putc(out, '\n');
	} else if (explain) {
		explain_to_text(a, out);
	} else {
		put_text(a, out);
	}
}

/* ---- one command ------------------------------------------------------- */

static int
check_command(struct check *k, struct classifier *c, char **argv, size_t argc)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	int r;

	if (argc > ARGV_WORDS_MAX)
		return command_usage_error(&command_check,
		    "more than %d words in a command", ARGV_WORDS_MAX);
	r = cmd_action(argv, argc, &k->place, &a, &e);
	if (r == 0)
		r = classify(k, c, a, &e);
	if (r != 0)
		return cmd_fail("check", &e);
	put_answer(k, a, &out);
	if (cmd_print(stdout, &out) != EXIT_OK)
		return EXIT_INTERNAL;
	return status_of(a->classification.decision);
}

/* ---- lines ------------------------------------------------------------- */

static void
put_error(struct buf *out, size_t number, const struct err *e)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "error", e->msg);
	jsonw_kint(&w, "line", (int64_t)number);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

/* An answer for every line, whatever is in it. */
static void
check_line(struct check *k, struct classifier *c, struct str line,
    size_t number, struct buf *out)
{
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	int r;

	r = action_new(&a, &e);
	if (r == 0)
		r = cmd_action_json(line, &k->place, a, &e);
	if (r == 0)
		r = classify(k, c, a, &e);
	if (r != 0)
		put_error(out, number, &e);
	else
		put_answer(k, a, out);
}

static int
flush_output(struct buf *out, bool all)
{
	if (!all && out->len < OUTPUT_FLUSH_BYTES)
		return EXIT_OK;
	if (cmd_print(stdout, out) != EXIT_OK)
		return EXIT_INTERNAL;
	buf_reset(out);
	return EXIT_OK;
}

/* What is read so far of a line that has no end yet. */
struct lines {
	struct buf part;
	bool too_long;
	size_t number;
};

static void
take_line(struct check *k, struct classifier *c, struct lines *l,
    struct str line, struct buf *out)
{
	struct err e = ERR_INIT;

	l->number++;
	if (l->too_long || l->part.len + line.len > LINE_BYTES_MAX) {
		(void)err_set(&e, ERR_LIMIT, "a line of more than %zu bytes",
		    LINE_BYTES_MAX);
		put_error(out, l->number, &e);
	} else if (l->part.len == 0) {
		check_line(k, c, line, l->number, out);
	} else {
		buf_put_str(&l->part, line);
		check_line(k, c, buf_str(&l->part), l->number, out);
	}
	buf_reset(&l->part);
	l->too_long = false;
}

static void
keep_rest(struct lines *l, struct str rest)
{
	if (l->too_long || l->part.len + rest.len > LINE_BYTES_MAX)
		l->too_long = true;
	else
		buf_put_str(&l->part, rest);
}

static void
take_bytes(struct check *k, struct classifier *c, struct lines *l,
    struct str bytes, struct buf *out)
{
	while (bytes.len > 0) {
		const size_t end = str_find(bytes, '\n');

		if (end == bytes.len) {
			keep_rest(l, bytes);
			return;
		}
		take_line(k, c, l, str_head(bytes, end), out);
		bytes = str_from(bytes, end + 1);
	}
}

static int
check_lines(struct check *k, struct classifier *c)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	AUTO_BUF struct buf in = BUF_INIT(READ_BYTES * 2);
	struct lines l = { .part = BUF_INIT(LINE_BYTES_MAX + 1) };
	int status = EXIT_OK;

	while (status == EXIT_OK) {
		char *to;

		buf_reset(&in);
		to = buf_reserve(&in, READ_BYTES);
		if (to == NULL)
			return EXIT_INTERNAL;
		const ssize_t n = read(STDIN_FILENO, to, READ_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			status = n < 0 ? EXIT_INTERNAL : EXIT_OK;
			break;
		}
		take_bytes(k, c, &l, str_n(to, (size_t)n), &out);
		status = flush_output(&out, false);
	}
	if (l.part.len > 0 || l.too_long)
		take_line(k, c, &l, STR(""), &out);
	buf_free(&l.part);
	return status != EXIT_OK ? status : flush_output(&out, true);
}

/* ---- the command ------------------------------------------------------- */

static int
prepare(struct check *k)
{
	k->rules.no_packs = k->values[OPT_NO_PACKS] != NULL;
	k->rules.data_dir = k->values[OPT_DATA];
	if (k->values[OPT_POLICY] != NULL)
		k->rules.policy =
		    approval_policy_of(str_of(k->values[OPT_POLICY]));
	k->place.cwd = k->values[OPT_CWD];
	k->place.workspace = k->values[OPT_WORKSPACE];
	k->place.home = k->values[OPT_HOME];
	if (k->bad_rules)
		return command_usage_error(&command_check,
		    "at most %d folders of rules", CMD_DIRS_MAX);
	return EXIT_OK;
}

static int
run_check(int argc, char **argv)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ACTION_ARENA_MAX);
	AUTO(cmd_closep) struct classifier *c = NULL;
	AUTO(check_done)
	struct check k = { .rules = { .policy = POLICY_ON_REQUEST } };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first = command_parse(
	    &command_check, argc, argv, k.values, on_value, &k, &status);

	if (first < 0)
		return status;
	status = prepare(&k);
	if (status != EXIT_OK)
		return status;
	const bool lines = k.values[OPT_JSONL] != NULL;

	if (lines == (first < argc))
		return command_usage_error(&command_check,
		    lines ? "--jsonl takes no command"
			  : "a command is needed, after '--'");
	if (arena == NULL || cmd_place_fill(&k.place, arena, &e) != 0)
		return cmd_fail("check", &e);
	status = cmd_open(&k.rules, lines || k.values[OPT_JSON] != NULL, &c);
	if (status != EXIT_OK)
		return status;
	return lines
	    ? check_lines(&k, c)
	    : check_command(&k, c, argv + first, (size_t)(argc - first));
}
