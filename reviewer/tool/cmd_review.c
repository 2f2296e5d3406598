/*
 * assent review: ask the configured reviewer about one command, or about many
 * labelled ones, through the very process that the daemon uses.
 * Runs in: assent.  Trusts: nothing that a model says (it is escaped).
 * Owns: the process while it asks.
 */
#include <stdio.h>
#include <string.h>

#include "base/fdio.h"
#include "base/num.h"
#include "base/text.h"
#include "cases.h"
#include "harness.h"
#include "model/command.h"
#include "tally.h"

#define OUTPUT_MAX ((size_t)64 << 20)
#define LINE_MAX_BYTES ((size_t)4 << 20)
#define RUNS_MAX 100
#define RUNS_DEFAULT 5

enum {
	OPT_CONFIG,
	OPT_PROVIDER,
	OPT_CASES,
	OPT_RUNS,
	OPT_REPORT,
	OPT_USER,
	OPT_EVIDENCE,
	OPT_LOG,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_CONFIG] = { "--config", "FILE",
	    "settings with reviewer.providers; by default the daemon's" },
	[OPT_PROVIDER] = { "--provider", "NAME", "ask this provider alone" },
	[OPT_CASES] = { "--cases", "FILE",
	    "eval: labelled actions, one JSON object a line" },
	[OPT_RUNS] = { "--runs", "N", "eval: ask N times about each (5)" },
	[OPT_REPORT] = { "--report", "FILE",
	    "eval: write the report as markdown into FILE" },
	[OPT_USER] = { "--user", "TEXT",
	    "try: what the user is said to have "
	    "asked for" },
	[OPT_EVIDENCE] = { "--evidence", NULL,
	    "try: show what the model would see, ask nobody" },
	[OPT_LOG] = { "--log", NULL, "show the log of the reviewer's process" },
	[OPT_JSON] = { "--json", NULL, "answer as JSON" },
};

static int run_review(int argc, char **argv);

extern const struct command command_review;
const struct command command_review = {
	.name = "review",
	.summary = "Try the configured reviewer, or measure it",
	.usage = "review try|eval [OPTIONS] [-- CMD...]",
	.details =
	    "try asks about one command and shows the answer; eval asks about "
	    "labelled\ncases and reports, for each class, how many dangerous "
	    "ones were approved and\nhow many benign ones denied, with "
	    "intervals. Nothing is run, no daemon is\nneeded; the reviewer's "
	    "process is started as the daemon starts it.\nExit status of try: "
	    "0 approved, 1 denied, 2 a person would be asked; of eval:\n0, or "
	    "1 when something dangerous was approved or an answer failed.",
	.example = "assent review try --user 'add left-pad' -- npm install "
		   "left-pad",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_review,
};

struct review_run {
	const char *values[OPT_COUNT];
	struct config *config;
	struct classifier *rules;
	struct harness *harness;
	struct cases cases;
	struct tally *tally;
	unsigned runs;
	size_t next, total; /* questions of an evaluation */
	int status; /* to exit with */
	struct err err; /* of what happened in a callback */
};

static void
run_done(struct review_run *r)
{
	harness_closep(&r->harness);
	tally_freep(&r->tally);
	cases_free(&r->cases);
	if (r->rules != NULL)
		rules_classifier.close(r->rules);
	config_freep(&r->config);
}

static int
fail(const struct err *e, int status)
{
	AUTO_BUF struct buf text = BUF_INIT(4096);

	text_escape(&text, str_of(e->msg));
	(void)fprintf(stderr, "assent review: %s\n", buf_cstr(&text));
	return status;
}

static int
print(const struct buf *out)
{
	if (out->failed != 0 ||
	    fwrite(out->s, 1, out->len, stdout) != out->len ||
	    fflush(stdout) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

/* ---- settings -------------------------------------------------------------- */

static int
choose_provider(struct config *c, const char *name, struct err *e)
{
	for (size_t i = 0; i < c->provider_count; i++) {
		if (name != NULL && strcmp(c->providers[i].name, name) != 0)
			continue;
		if (name == NULL)
			return ERR_OK;
		c->providers += i;
		c->provider_count = 1;
		return ERR_OK;
	}
	if (name != NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no provider '%s' in the settings", name);
	return err_set(e, ERR_NOTFOUND,
	    "no provider is configured: write reviewer.providers into the "
	    "settings (see assent.conf(5)), or name a file with --config");
}

static int
load(struct review_run *r, struct err *e)
{
	const struct config_sources s = { .file = r->values[OPT_CONFIG] };
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf text = BUF_INIT(OUTPUT_MAX);
	int result;

	if (d == NULL)
		return err_nomem(e);
	result = config_load(&s, d, &r->config, e);
	diags_print(d, &text);
	if (text.len > 0)
		(void)fputs(buf_cstr(&text), stderr);
	if (result == 0 && r->values[OPT_EVIDENCE] == NULL)
		result = choose_provider(r->config, r->values[OPT_PROVIDER], e);
	/* An answer that is given again would measure nothing. */
	if (result == 0)
		r->config->reviewer_cache_ms = 0;
	return result;
}

static int
load_rules(struct review_run *r, struct err *e)
{
	const struct classifier_options o = {
		.policy = r->config->approval_policy,
		.reviewer = true,
	};
	AUTO(diags_freep) struct diags *d = diags_new();

	if (d == NULL)
		return err_nomem(e);
	return rules_classifier.open(&o, d, &r->rules, e);
}

/* ---- questions --------------------------------------------------------------- */

static int
ask(struct review_run *r, const struct action *a, void *question, struct err *e)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);
	struct review_question q = { .least_risk = llm_reviewer.least_risk(a) };
	int result = case_sha256(a, q.sha256, e);

	if (result == 0)
		result = llm_reviewer.evidence(a, &line, e);
	if (result != 0)
		return result;
	q.evidence = buf_str(&line);
	return harness_ask(r->harness, &q, question, e);
}

/* What the pipeline would not even show to a reviewer. */
static const char *
unasked(const struct action *a)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);

	if (llm_reviewer.evidence(a, &line, NULL) != 0)
		return "too_long";
	return llm_reviewer.for_person(a);
}

/* ---- try ----------------------------------------------------------------------- */

static const char *const outcome_names[] = {
	[REVIEW_INVALID] = "failed",
	[REVIEW_APPROVE] = "approve",
	[REVIEW_ESCALATE] = "escalate",
	[REVIEW_DENY] = "deny",
};

static void
put_line(struct buf *out, const char *label, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, "%-10s", label);
	text_escape(out, str_of(text));
	buf_putc(out, '\n');
}

static void
answer_text(
    const struct action *a, const struct review_answer *r, struct buf *out)
{
	const enum decision d = a->classification.decision;

	put_line(out, "rules", decision_name(d));
	put_line(out, "reviewer", outcome_names[r->outcome]);
	put_line(out, "cause", r->cause);
	put_line(out, "risk", risk_name(r->risk));
	put_line(out, "rationale", r->rationale);
	put_line(out, "provider", r->provider);
	put_line(out, "model", r->model);
	buf_printf(out, "%-10s%lld ms, requests: %u", "cost",
	    (long long)r->latency_ms, (unsigned)r->attempts);
	/* A command tells no tokens. */
	if (r->input_tokens >= 0 && r->output_tokens >= 0)
		buf_printf(out, ", tokens in: %lld, out: %lld",
		    (long long)r->input_tokens, (long long)r->output_tokens);
	buf_putc(out, '\n');
	if (d != DECISION_REVIEW)
		buf_printf(out,
		    "note      in the daemon the rules decide this: %s\n",
		    decision_name(d));
}

static void
answer_json(
    const struct action *a, const struct review_answer *r, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "rules", decision_name(a->classification.decision));
	jsonw_kstr(&w, "outcome", outcome_names[r->outcome]);
	jsonw_kstr(&w, "cause", r->cause);
	jsonw_kstr(&w, "risk", risk_name(r->risk));
	jsonw_kstr(&w, "rationale", r->rationale);
	jsonw_kstr(&w, "provider", r->provider);
	jsonw_kstr(&w, "model", r->model);
	jsonw_kint(&w, "latency_ms", r->latency_ms);
	jsonw_kint(&w, "requests", r->attempts);
	jsonw_kint(&w, "input_tokens", r->input_tokens);
	jsonw_kint(&w, "cached_tokens", r->cached_tokens);
	jsonw_kint(&w, "output_tokens", r->output_tokens);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

static void
show_answer(struct review_run *run, const struct action *a,
    const struct review_answer *r)
{
	AUTO_BUF struct buf out = BUF_INIT(OUTPUT_MAX);

	if (run->values[OPT_JSON] != NULL)
		answer_json(a, r, &out);
	else
		answer_text(a, r, &out);
	run->status = r->outcome == REVIEW_APPROVE ? EXIT_OK
	    : r->outcome == REVIEW_DENY            ? EXIT_DENIED
						   : EXIT_ASKED;
	if (print(&out) != EXIT_OK)
		run->status = EXIT_INTERNAL;
}

static void
on_try_answer(void *ctx, void *question, const struct review_answer *a)
{
	show_answer(ctx, question, a);
}

static int
show_evidence(const struct action *a, struct err *e)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_MAX_BYTES);
	const int r = llm_reviewer.evidence(a, &line, e);

	if (r != 0)
		return r;
	buf_putc(&line, '\n');
	return print(&line) == EXIT_OK
	    ? ERR_OK
	    : err_set(e, ERR_SYS, "cannot write the evidence");
}

static int
open_harness(struct review_run *r,
    void (*on_answer)(void *ctx, void *question, const struct review_answer *a),
    struct err *e)
{
	return harness_open(
	    &(struct harness_options){
		.config = r->config,
		.log = r->values[OPT_LOG] != NULL,
		.on_answer = on_answer,
		.ctx = r,
	    },
	    &r->harness, e);
}

static int
try_one(struct review_run *r, char **words, size_t count, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	char *person;
	int result =
	    case_of_words(words, count, r->values[OPT_USER], r->rules, &a, e);

	if (result != 0)
		return result;
	if (r->values[OPT_EVIDENCE] != NULL)
		return show_evidence(a, e);
	person = (char *)(uintptr_t)unasked(a);
	if (person != NULL) {
		show_answer(r, a,
		    &(struct review_answer){
			.outcome = REVIEW_ESCALATE,
			.cause = person,
			.risk = a->classification.risk,
		    });
		return ERR_OK;
	}
	result = open_harness(r, on_try_answer, e);
	if (result == 0)
		result = ask(r, a, a, e);
	return result != 0 ? result : harness_run(r->harness, e);
}

/* ---- eval ------------------------------------------------------------------------ */

static void ask_more(struct review_run *r, size_t room);

static void
on_eval_answer(void *ctx, void *question, const struct review_answer *a)
{
	struct review_run *r = ctx;
	const struct one_case *c = question;

	if (tally_add(r->tally, (size_t)(c - r->cases.list), a, &r->err) == 0)
		ask_more(r, 1);
}

static void
ask_one(struct review_run *r, struct one_case *c, size_t *room)
{
	const char *person = unasked(c->action);
	struct review_answer a = {
		.outcome = REVIEW_ESCALATE,
		.cause = (char *)(uintptr_t)person,
		.input_tokens = -1,
		.cached_tokens = -1,
		.output_tokens = -1,
	};

	if (person != NULL) {
		(void)tally_add(
		    r->tally, (size_t)(c - r->cases.list), &a, &r->err);
		return;
	}
	if (ask(r, c->action, c, &r->err) == 0)
		(*room)--;
}

static void
ask_more(struct review_run *r, size_t room)
{
	while (room > 0 && r->next < r->total && r->err.code == ERR_OK) {
		ask_one(r, &r->cases.list[r->next % r->cases.count], &room);
		r->next++;
	}
}

static int
write_report(struct review_run *r, struct err *e)
{
	AUTO_BUF struct buf markdown = BUF_INIT(OUTPUT_MAX);
	AUTO_BUF struct buf json = BUF_INIT(OUTPUT_MAX);
	const char *name = r->config->providers[0].name;
	const char *path = r->values[OPT_REPORT];
	int result;

	tally_markdown(r->tally, name, &markdown);
	tally_json(r->tally, name, &json);
	result = buf_done(&markdown, e);
	if (result == 0 && path != NULL)
		result =
		    fdio_write_file(path, markdown.s, markdown.len, 0644, e);
	if (result != 0)
		return result;
	r->status = tally_has_misses(r->tally) ? EXIT_DENIED : EXIT_OK;
	if (r->values[OPT_JSON] != NULL)
		return print(&json) == EXIT_OK
		    ? ERR_OK
		    : err_set(e, ERR_SYS, "cannot write the report");
	return path != NULL || print(&markdown) == EXIT_OK
	    ? ERR_OK
	    : err_set(e, ERR_SYS, "cannot write the report");
}

static int
evaluate(struct review_run *r, struct err *e)
{
	int result = cases_read(r->values[OPT_CASES], r->rules, &r->cases, e);

	if (result == 0)
		result = tally_new(&r->cases, r->runs, &r->tally, e);
	if (result == 0)
		result = open_harness(r, on_eval_answer, e);
	if (result != 0)
		return result;
	r->total = r->cases.count * r->runs;
	ask_more(r, (size_t)r->config->reviewer_parallel);
	result = harness_run(r->harness, e);
	if (result == 0 && r->err.code != ERR_OK) {
		*e = r->err;
		result = (int)r->err.code;
	}
	return result != 0 ? result : write_report(r, e);
}

/* ---- the command -------------------------------------------------------------------- */

static int
read_runs(struct review_run *r)
{
	uint64_t n = RUNS_DEFAULT;

	if (r->values[OPT_RUNS] != NULL &&
	    num_parse_u64(str_of(r->values[OPT_RUNS]), 1, RUNS_MAX, &n) != 0)
		return command_usage_error(
		    &command_review, "--runs is 1 to %d", RUNS_MAX);
	r->runs = (unsigned)n;
	return EXIT_OK;
}

static int
run_verb(struct review_run *r, const char *verb, char **rest, size_t count)
{
	struct err e = ERR_INIT;
	int result = load(r, &e);

	if (result != 0)
		return fail(&e, EXIT_CONFIG);
	result = load_rules(r, &e);
	if (result == 0 && strcmp(verb, "try") == 0)
		result = try_one(r, rest, count, &e);
	else if (result == 0)
		result = evaluate(r, &e);
	if (result == 0)
		return r->status;
	return fail(&e,
	    result == ERR_INVALID || result == ERR_NOTFOUND ? EXIT_CONFIG
							    : EXIT_INTERNAL);
}

static int
check_usage(const struct review_run *r, const char *verb, int words)
{
	if (strcmp(verb, "eval") == 0) {
		if (r->values[OPT_CASES] == NULL)
			return command_usage_error(
			    &command_review, "eval needs --cases FILE");
		if (words > 0)
			return command_usage_error(
			    &command_review, "eval takes no command");
		return EXIT_OK;
	}
	if (strcmp(verb, "try") != 0)
		return command_usage_error(
		    &command_review, "'%.32s' is not try or eval", verb);
	if (words == 0)
		return command_usage_error(
		    &command_review, "try needs a command after --");
	return EXIT_OK;
}

static int
run_review(int argc, char **argv)
{
	struct review_run r = { .runs = RUNS_DEFAULT };
	int status = EXIT_OK, at;

	if (argc > 1 && strcmp(argv[1], "--help") != 0 &&
	    strcmp(argv[1], "-h") != 0) {
		at = command_parse(&command_review, argc - 1, argv + 1,
		    r.values, NULL, NULL, &status);
		if (at < 0)
			return status;
		at++;
	} else {
		at = command_parse(
		    &command_review, argc, argv, r.values, NULL, NULL, &status);
		return at < 0 ? status
			      : command_usage_error(&command_review,
				    "say what to do: try or eval");
	}
	status = check_usage(&r, argv[1], argc - at);
	if (status == EXIT_OK)
		status = read_runs(&r);
	if (status == EXIT_OK)
		status = run_verb(&r, argv[1], argv + at, (size_t)(argc - at));
	run_done(&r);
	return status;
}
