/*
 * assent rules explain: every rule that was tried, and why it lost.
 * Runs in: assent.  Trusts: nothing in the command.  Owns: nothing.
 */
#include "cmd_rules.h"

#include <string.h>

#include "base/text.h"
#include "decide_int.h"
#include "index.h"
#include "model/json_in.h"

enum {
	OPT_RULE,
	OPT_RULES,
	OPT_POLICY,
	OPT_JSON,
	OPT_NO_PACKS,
	OPT_DATA,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_RULE] = { "--rule", "ID", "show this rule, tried or not" },
	[OPT_RULES] = { "--rules", "DIR",
	    "rules besides the shipped ones; LAYER=DIR for another layer" },
	[OPT_POLICY] = { "--policy", "untrusted|on-request|never",
	    "approval policy in force" },
	[OPT_JSON] = { "--json", NULL, "answer as JSON" },
	[OPT_NO_PACKS] = { "--no-packs", NULL, "without the shipped packs" },
	[OPT_DATA] = { "--data", "DIR",
	    "packs and programs of DIR instead of the built-in ones" },
};

static int run(int argc, char **argv);

const struct command rules_verb_explain = {
	.name = "rules explain",
	.summary = "Show every rule that was tried on a command, and why it "
		   "lost",
	.usage = "rules explain [OPTIONS] -- CMD...",
	.details = "One argument is a script for the shell; several are a "
		   "program and its arguments.",
	.example = "assent rules explain --rule git.push -- 'git push origin "
		   "main'",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};

struct explain {
	const char *values[OPT_COUNT];
	struct cmd_rules rules;
	bool bad_rules;
	struct classifier *c;
	struct action *a;
	struct match_input in;
	struct buf out;
	struct jsonw w;
};

static void
explain_done(struct explain *x)
{
	rules_classifier.close(x->c);
	action_free(x->a);
	buf_free(&x->out);
}

static void
on_value(void *ctx, size_t option, const char *value)
{
	struct explain *x = ctx;

	x->values[option] = value;
	if (option == OPT_RULES && !cmd_add_dir(&x->rules, value))
		x->bad_rules = true;
}

/* ---- one rule on one part ---------------------------------------------- */

/* Which effects of the part the rule decides, as words. */
static void
put_covered(struct explain *x, const struct rule *r, struct buf *out)
{
	const struct part *p = x->in.part;
	bool first = true;

	for (size_t i = 0; i < x->in.slot_count; i++) {
		if (!rule_covers(r, &x->in, i))
			continue;
		buf_puts(out, first ? "covers " : ", ");
		first = false;
		if (slot_is_start(&x->in, i)) {
			buf_puts(out, "its start");
			continue;
		}
		buf_printf(out, "%s ", effect_kind_name(p->effects[i].kind));
		text_escape(out, str_of(p->effects[i].target));
	}
	if (first)
		buf_puts(out, "covers no effect of it");
}

static const char *
verdict_word(const struct rule *r, enum tri t)
{
	if (t == TRI_YES)
		return r->mode == MODE_SHADOW ? "shadow" : "matches";
	if (t == TRI_MAYBE)
		return r->decision == DECISION_ALLOW ? "cannot tell: no"
						     : "cannot tell: yes";
	return "no match";
}

static void
put_what(struct explain *x, const struct rule *r, enum tri t, struct buf *out)
{
	const char *key = rule_why_not(r, &x->in);

	if (key != NULL)
		buf_printf(out, "because of '%s'", key);
	else if (r->floor)
		buf_puts(out, "a floor: applies to the whole part");
	else if (r->decision == DECISION_ALLOW || r->covers.count > 0)
		put_covered(x, r, out);
	else if (rule_is_default(r))
		buf_puts(out, "a default");
	else
		buf_puts(out, "applies to the whole part");
	if (t == TRI_YES && !x->c->set->may_cover[r->layer] &&
	    r->decision == DECISION_ALLOW)
		buf_puts(out, "; rules of this layer may not cover");
}

static void
explain_text(struct explain *x, const struct rule *r, enum tri t)
{
	buf_printf(&x->out,
	    "    %-6s %-16s %s (%s:%u): ", decision_name(r->decision),
	    verdict_word(r, t), r->id, r->file, r->line);
	put_what(x, r, t, &x->out);
	buf_putc(&x->out, '\n');
}

static void
explain_json(struct explain *x, const struct rule *r, enum tri t)
{
	AUTO_BUF struct buf what = BUF_INIT(CMD_OUTPUT_MAX);
	static const char *const words[] = { "no", "maybe", "yes" };
	struct jsonw *w = &x->w;

	put_what(x, r, t, &what);
	jsonw_object(w);
	jsonw_kstr(w, "id", r->id);
	jsonw_kstr(w, "decision", decision_name(r->decision));
	jsonw_kstr(w, "layer", rule_layer_name(r->layer));
	jsonw_kstr(w, "file", r->file);
	jsonw_kint(w, "line", r->line);
	jsonw_kbool(w, "floor", r->floor);
	jsonw_kstr(w, "mode", rule_mode_name(r->mode));
	jsonw_kstr(w, "matches", words[t]);
	jsonw_kstr(w, "failed", rule_why_not(r, &x->in));
	jsonw_kstr(w, "what", buf_cstr(&what));
	jsonw_end(w);
}

static void
explain_rule(struct explain *x, const struct rule *r)
{
	struct slots hits;
	const enum tri t = rule_match(r, &x->in, &hits);

	if (x->values[OPT_JSON] != NULL)
		explain_json(x, r, t);
	else
		explain_text(x, r, t);
}

/* ---- parts ------------------------------------------------------------- */

/* index_each takes a judge: this one carries the explanation. */
struct tried {
	struct part_judge judge; /* first: what index_each passes on */
	struct explain *x;
};

static void
try_rule(struct part_judge *j, const struct rule *r)
{
	struct tried *t = (struct tried *)j;

	explain_rule(t->x, r);
}

static void
explain_rules(struct explain *x)
{
	const char *id = x->values[OPT_RULE];
	AUTO_FREE struct tried *t = NULL;

	if (id != NULL) {
		explain_rule(x, ruleset_find(x->c->set, id));
		return;
	}
	t = mem_new(1, sizeof(*t));
	if (t == NULL)
		return;
	t->x = x;
	index_each(x->c->set, &x->in, try_rule, &t->judge);
}

static void
explain_part(struct explain *x, size_t i, const struct effects *fx)
{
	const struct part *p = &fx->parts[i];

	x->in.part = p;
	x->in.cmd = &fx->commands[i];
	match_input_prepare(&x->in);
	if (x->values[OPT_JSON] != NULL) {
		jsonw_object(&x->w);
		jsonw_kstr(&x->w, "text", p->text);
		jsonw_kstr(&x->w, "decision", decision_name(p->decision));
		jsonw_key(&x->w, "rules");
		jsonw_array(&x->w);
		explain_rules(x);
		jsonw_end(&x->w);
		jsonw_end(&x->w);
		return;
	}
	buf_printf(&x->out, "  %zu. %s: ", i + 1, decision_name(p->decision));
	text_escape(&x->out, str_of(p->text));
	buf_putc(&x->out, '\n');
	explain_rules(x);
}

static void
explain_all(struct explain *x, const struct effects *fx)
{
	const struct classification *c = &x->a->classification;

	if (x->values[OPT_JSON] != NULL) {
		x->w = jsonw_on(&x->out);
		jsonw_object(&x->w);
		jsonw_kstr(&x->w, "decision", decision_name(c->decision));
		jsonw_kstr(&x->w, "rule", c->rule.id);
		jsonw_kstr(&x->w, "reason", c->reason);
		jsonw_key(&x->w, "parts");
		jsonw_array(&x->w);
	} else {
		buf_printf(&x->out, "%s: ", decision_name(c->decision));
		text_escape(&x->out, str_of(c->reason));
		buf_putc(&x->out, '\n');
	}
	for (size_t i = 0; i < fx->count; i++)
		explain_part(x, i, fx);
	if (x->values[OPT_JSON] != NULL) {
		jsonw_end(&x->w);
		jsonw_end(&x->w);
		buf_putc(&x->out, '\n');
	}
}

/* ---- the verb ---------------------------------------------------------- */

static int
judge(struct explain *x, char **argv, size_t argc, struct err *e)
{
	struct cmd_place place = { .cwd = NULL };
	AUTO(arena_freep) struct arena *arena = arena_new(ACTION_ARENA_MAX);
	json_auto_t *args = NULL;
	struct effects fx;
	int r;

	if (arena == NULL)
		return err_nomem(e);
	r = cmd_place_fill(&place, arena, e);
	if (r == 0)
		r = cmd_action(argv, argc, &place, &x->a, e);
	if (r == 0)
		r = rules_classifier.classify(
		    x->c, x->a, x->a->arena, &x->a->classification, e);
	if (r == 0)
		r = effects_of(x->c->programs, x->a, x->a->arena, &fx, e);
	if (r != 0)
		return r;
	for (size_t i = 0; i < fx.count; i++)
		fx.parts[i].decision = x->a->classification.parts[i].decision;
	if (x->a->proposal.input.mcp_args != NULL)
		(void)json_in(
		    str_of(x->a->proposal.input.mcp_args), &args, NULL);
	x->in = (struct match_input){ .action = x->a,
		.runner = x->c->runner,
		.policy = x->c->policy,
		.args = args };
	explain_all(x, &fx);
	return ERR_OK;
}

static int
check_arguments(struct explain *x, int first, int argc)
{
	if (x->bad_rules)
		return command_usage_error(&rules_verb_explain,
		    "at most %d folders of rules", CMD_DIRS_MAX);
	if (first >= argc)
		return command_usage_error(
		    &rules_verb_explain, "a command is needed, after '--'");
	x->rules.no_packs = x->values[OPT_NO_PACKS] != NULL;
	x->rules.data_dir = x->values[OPT_DATA];
	if (x->values[OPT_POLICY] != NULL)
		x->rules.policy =
		    approval_policy_of(str_of(x->values[OPT_POLICY]));
	return EXIT_OK;
}

static int
run(int argc, char **argv)
{
	AUTO(explain_done)
	struct explain x = { .out = BUF_INIT(CMD_OUTPUT_MAX) };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int first = command_parse(
	    &rules_verb_explain, argc, argv, x.values, on_value, &x, &status);

	if (first < 0)
		return status;
	status = check_arguments(&x, first, argc);
	if (status == EXIT_OK)
		status = cmd_open(&x.rules, x.values[OPT_JSON] != NULL, &x.c);
	if (status != EXIT_OK)
		return status;
	if (x.values[OPT_RULE] != NULL &&
	    ruleset_find(x.c->set, x.values[OPT_RULE]) == NULL)
		return command_usage_error(&rules_verb_explain,
		    "there is no rule '%s'", x.values[OPT_RULE]);
	if (judge(&x, argv + first, (size_t)(argc - first), &e) != 0)
		return cmd_fail("rules explain", &e);
	return cmd_print(stdout, &x.out);
}
