/*
 * assent rules suggest: rules from what people approved.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "call_input.h"
#include "compare.h"
#include "replay.h"
#include "suggest.h"

#define SUGGESTED_FILE "suggested.yaml"
#define FILE_BYTES_MAX ((size_t)4 << 20)
#define MIN_DEFAULT 3
#define SHOWN_DEFAULT 20

enum {
	OPT_STATE,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_MIN,
	OPT_SHOW,
	OPT_POLICY,
	OPT_JSON,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OPT_SINCE] = { "--since", "TIME", "2026-11-25T18:00:00Z, or 30d ago" },
	[OPT_UNTIL] = { "--until", "TIME", "before that time" },
	[OPT_MIN] = { "--min", "N", "approved at least N times (3)" },
	[OPT_SHOW] = { "--show", "N", "show at most N calls (20)" },
	[OPT_POLICY] = { "--policy", "untrusted|on-request|never",
	    "approval policy in force" },
	[OPT_JSON] = { "--json", NULL, "the result as JSON" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs and programs of DIR instead of the built-in ones" },
};

static int run_suggest(int argc, char **argv);

const struct command rules_verb_suggest = {
	.name = "rules suggest",
	.summary = "Suggest rules from what people approved",
	.usage = "rules suggest [OPTIONS] [DIR...] > suggested.yaml",
	.details =
	    "DIR are the rules in force. The file goes to standard output; "
	    "what else it would\nallow of the recorded calls, and what is not "
	    "suggested and why, to standard\nerror. Deletions, privilege, "
	    "secrets, changes of other machines, code of its own\nand what "
	    "anybody denied are never suggested. Exit status: 0 some, 1 none.",
	.example = "assent rules suggest --since 30d /etc/assent/rules.d",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run_suggest,
};

struct session {
	const char *values[OPT_COUNT];
	struct verb_rules v;
	struct suggest s;
	struct classifier *now, *next;
	char **denied; /* actions as JSON */
	size_t denied_count, denied_cap;
	struct compare cmp;
	size_t shown;
};

static void
session_done(struct session *s)
{
	suggest_done(&s->s);
	compare_done(&s->cmp);
	rules_classifier.close(s->now);
	rules_classifier.close(s->next);
	for (size_t i = 0; i < s->denied_count; i++)
		free(s->denied[i]);
	free(s->denied);
}

static void
session_freep(struct session **s)
{
	if (*s != NULL)
		session_done(*s);
	mem_freep(s);
}

static struct history_query
query_of(const struct session *s, bool answers)
{
	return (struct history_query){
		.state_dir = s->values[OPT_STATE],
		.since = s->values[OPT_SINCE],
		.until = s->values[OPT_UNTIL],
		.answers = answers,
	};
}

/* ---- what people answered ---------------------------------------------- */

static int
keep_denied(struct session *s, const struct history_row *h, struct err *e)
{
	AUTO_BUF struct buf json = BUF_INIT(ACTION_BYTES_MAX);
	enum executor_kind executor;

	if (s->denied_count == SUGGEST_DENIALS_MAX ||
	    call_of_row(h, &json, &executor, NULL) != 0)
		return ERR_OK;
	if (mem_grow(&s->denied, &s->denied_cap, s->denied_count + 1,
		sizeof(*s->denied)) != 0 ||
	    buf_take(&json, &s->denied[s->denied_count], NULL) != 0)
		return err_nomem(e);
	s->denied_count++;
	return ERR_OK;
}

static int
on_answer(void *ctx, const struct history_row *h, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct session *s = ctx;
	struct err why = ERR_INIT;
	int r;

	if (!str_eqz(h->decision, "allow"))
		return keep_denied(s, h, e);
	r = replay_action(h, &a, &why);
	if (r == 0)
		r = rules_classifier.classify(
		    s->now, a, a->arena, &a->classification, &why);
	if (r != 0)
		return r == ERR_NOMEM ? err_nomem(e) : ERR_OK;
	if (a->classification.decision == DECISION_ALLOW ||
	    a->classification.decision == DECISION_DENY)
		return ERR_OK; /* other rules decide it today */
	return suggest_learn(&s->s, a, e);
}

/* ---- the candidate ----------------------------------------------------- */

static int
load_candidate(struct session *s, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	struct rule_text file = { .name = SUGGESTED_FILE,
		.layer = LAYER_ORGANISATION };
	int r;

	rules_classifier.close(s->next);
	s->next = NULL;
	suggest_text(&s->s, &text);
	r = buf_done(&text, e);
	file.text = buf_str(&text);
	return r != 0 ? r
		      : cmd_open_with(&s->v.rules, &file, NULL, &s->next, e);
}

/* An example that needs its own workspace proves nothing anywhere else. */
static int
drop_examples(struct session *s, struct err *e)
{
	for (size_t i = 0; i < s->s.count; i++) {
		struct suggestion *g = &s->s.v[i];
		const struct rule *rule = ruleset_find(s->next->set, g->id);
		size_t kept = 0;

		for (size_t k = 0; rule != NULL && k < g->example_count; k++) {
			const struct example ex = { .script =
							str_of(g->examples[k]),
				.file = SUGGESTED_FILE };
			bool matches = false;
			const int r =
			    example_matches(s->next, rule, &ex, &matches, e);

			if (r == ERR_NOMEM)
				return r;
			if (r == 0 && matches)
				g->examples[kept++] = g->examples[k];
			else
				free(g->examples[k]);
		}
		if (rule != NULL)
			g->example_count = kept;
	}
	return ERR_OK;
}

static size_t
drop_one(struct session *s, const char *id)
{
	struct suggestion *g = id == NULL ? NULL : suggest_find(&s->s, id);

	if (g == NULL || g->dropped != NULL)
		return 0;
	g->dropped = "somebody denied such a call";
	return 1;
}

/* Those that decided an effect are to blame; else all that matched. */
static size_t
drop_part(struct session *s, const struct part *part)
{
	size_t n = 0;

	for (size_t i = 0; i < part->effect_count; i++)
		n += drop_one(s, part->effects[i].rule.id);
	for (size_t i = 0; n == 0 && i < part->rule_count; i++)
		n += drop_one(s, part->rules[i].id);
	return n;
}

/* Whatever would allow what somebody denied goes. */
static int
drop_denied(struct session *s, size_t *ret_dropped, struct err *e)
{
	for (size_t i = 0; i < s->denied_count; i++) {
		static const struct cmd_place nowhere = { .workspace = "/x",
			.cwd = "/x" };
		AUTO(action_freep) struct action *a = NULL;
		int r = action_new(&a, e);

		if (r == 0)
			r = cmd_action_json(
			    str_of(s->denied[i]), &nowhere, a, NULL);
		if (r == 0)
			r = rules_classifier.classify(
			    s->next, a, a->arena, &a->classification, NULL);
		if (r == ERR_NOMEM)
			return err_nomem(e);
		if (r != 0 || a->classification.decision != DECISION_ALLOW)
			continue;
		for (size_t p = 0; p < a->classification.part_count; p++)
			*ret_dropped +=
			    drop_part(s, &a->classification.parts[p]);
	}
	return ERR_OK;
}

static int
make(struct session *s, struct err *e)
{
	const struct history_query answers = query_of(s, true);
	const struct history_query calls = query_of(s, false);
	size_t dropped;
	int r;

	r = db_history.each(&answers, on_answer, s, e);
	do {
		dropped = 0;
		if (r == 0)
			r = load_candidate(s, e);
		if (r == 0)
			r = drop_denied(s, &dropped, e);
	} while (r == 0 && dropped > 0);
	if (r == 0)
		r = drop_examples(s, e);
	s->cmp.from = s->now;
	s->cmp.to = s->next;
	return r == 0 ? replay_log(&s->cmp, &calls, e) : r;
}

/* ---- report ------------------------------------------------------------ */

static size_t
kept_count(const struct suggest *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += suggest_is_kept(s, &s->v[i]);
	return n;
}

static void
put_why_not(const struct session *s, struct buf *out)
{
	for (size_t i = 0; i < s->s.count; i++) {
		const struct suggestion *g = &s->s.v[i];

		if (suggest_is_kept(&s->s, g))
			continue;
		buf_printf(out, "not suggested (%zu): %s: ", g->approvals,
		    g->dropped != NULL ? g->dropped : "approved too rarely");
		text_escape(out, str_of(g->title));
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < s->s.reason_count; i++) {
		const struct suggest_reason *r = &s->s.reasons[i];

		buf_printf(out, "not suggested (%zu): ", r->count);
		text_escape(out, str_of(r->text));
		buf_puts(out, ": ");
		text_escape(out, str_of(r->example));
		buf_putc(out, '\n');
	}
}

static int
print_text(const struct session *s)
{
	AUTO_BUF struct buf file = BUF_INIT(FILE_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	int status;

	if (kept_count(&s->s) > 0) {
		suggest_text(&s->s, &file);
		status = cmd_print(stdout, &file);
		if (status != EXIT_OK)
			return status;
		buf_puts(&out, "What would change of the recorded calls:\n");
		compare_print(&s->cmp, s->shown, &out);
	}
	put_why_not(s, &out);
	return cmd_print(stderr, &out);
}

static void
put_json(const struct session *s, struct jsonw *w)
{
	AUTO_BUF struct buf file = BUF_INIT(FILE_BYTES_MAX);

	suggest_text(&s->s, &file);
	jsonw_object(w);
	jsonw_kstr(w, "file", kept_count(&s->s) > 0 ? buf_cstr(&file) : NULL);
	jsonw_key(w, "rules");
	jsonw_array(w);
	for (size_t i = 0; i < s->s.count; i++) {
		const struct suggestion *g = &s->s.v[i];

		jsonw_object(w);
		jsonw_kstr(w, "id", g->id);
		jsonw_kstr(w, "title", g->title);
		jsonw_kint(w, "approvals", (int64_t)g->approvals);
		jsonw_kbool(w, "suggested", suggest_is_kept(&s->s, g));
		jsonw_kstr(w, "why_not", g->dropped);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_key(w, "not_suggested");
	jsonw_array(w);
	for (size_t i = 0; i < s->s.reason_count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "why", s->s.reasons[i].text);
		jsonw_kstr(w, "example", s->s.reasons[i].example);
		jsonw_kint(w, "approvals", (int64_t)s->s.reasons[i].count);
		jsonw_end(w);
	}
	jsonw_end(w);
	compare_json(&s->cmp, w);
	jsonw_end(w);
}

static int
report(const struct session *s)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);

	if (s->values[OPT_JSON] == NULL)
		return print_text(s);
	put_json(s, &w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}

/* ---- the command ------------------------------------------------------- */

static int
prepare(struct session *s, int first, int argc, char **argv)
{
	uint64_t min = MIN_DEFAULT, shown = SHOWN_DEFAULT;

	if (s->values[OPT_MIN] != NULL &&
	    num_parse_u64(str_of(s->values[OPT_MIN]), 1, 1000000, &min) != 0)
		return command_usage_error(
		    &rules_verb_suggest, "--min takes a number from 1 on");
	if (s->values[OPT_SHOW] != NULL &&
	    num_parse_u64(str_of(s->values[OPT_SHOW]), 0, FLIPS_MAX, &shown) !=
		0)
		return command_usage_error(&rules_verb_suggest,
		    "--show takes a number up to %d", FLIPS_MAX);
	s->s.min = (size_t)min;
	s->shown = (size_t)shown;
	s->v.rules.no_packs = s->values[OPT_NO_PACKS] != NULL;
	s->v.rules.data_dir = s->values[OPT_DATA];
	s->v.rules.policy = s->values[OPT_POLICY] == NULL
	    ? POLICY_ON_REQUEST
	    : approval_policy_of(str_of(s->values[OPT_POLICY]));
	s->cmp.policy = s->v.rules.policy;
	return verb_operands(&rules_verb_suggest, &s->v, first, argc, argv)
	    ? EXIT_OK
	    : EXIT_USAGE;
}

static int
run_suggest(int argc, char **argv)
{
	AUTO(session_freep) struct session *s = mem_new(1, sizeof(*s));
	struct err e = ERR_INIT;
	int status = EXIT_OK;

	if (s == NULL)
		return EXIT_INTERNAL;
	const int first = command_parse(
	    &rules_verb_suggest, argc, argv, s->values, NULL, NULL, &status);

	if (first < 0)
		return status;
	status = prepare(s, first, argc, argv);
	if (status == EXIT_OK)
		status =
		    cmd_open(&s->v.rules, s->values[OPT_JSON] != NULL, &s->now);
	if (status != EXIT_OK)
		return status;
	if (make(s, &e) != 0)
		return cmd_fail("rules suggest", &e);
	status = report(s);
	if (status != EXIT_OK)
		return status;
	return kept_count(&s->s) > 0 ? EXIT_OK : EXIT_DENIED;
}
