/*
 * The page of one action.
 * Runs in: assent.  Trusts: nothing of the JSON.  Owns: nothing.
 */
#include "case_page.h"

#include <string.h>

#include "base/mem.h"
#include "case_input.h"
#include "tools/client.h"

#define LIST_SHOWN_MAX 8

struct writer {
	struct page *p;
	const json_t *d, *x; /* the decision, its explanation */
	const struct case_how *how;
};

static const char *
or_else(const char *text, const char *otherwise)
{
	return text != NULL && text[0] != '\0' ? text : otherwise;
}

static void
foreign(struct writer *w, const char *text, enum style style)
{
	w->p->notes |= safe_cstr(&w->p->text, text,
	    &(struct safe_how){ .style = style, .utf8 = w->p->utf8 });
}

static void
label(struct writer *w, const char *name)
{
	safe_style(&w->p->text, STYLE_LABEL);
	buf_printf(&w->p->text, "%-9s", name);
	buf_putc(&w->p->text, PAGE_FLOW);
	safe_style(&w->p->text, STYLE_PLAIN);
}

static void
end_line(struct writer *w)
{
	buf_putc(&w->p->text, '\n');
}

static void
gap(struct writer *w)
{
	end_line(w);
}

static enum style
decision_style(const char *decision)
{
	if (decision == NULL || strcmp(decision, "deny") == 0)
		return STYLE_BAD;
	if (strcmp(decision, "allow") == 0)
		return STYLE_GOOD;
	return STYLE_WARN;
}

static enum style
risk_style(const char *risk)
{
	if (risk == NULL || strcmp(risk, "critical") == 0 ||
	    strcmp(risk, "high") == 0)
		return STYLE_BAD;
	return strcmp(risk, "low") == 0 ? STYLE_PLAIN : STYLE_WARN;
}

/* Words of decisions in one column. */
static void
pad(struct writer *w, const char *word)
{
	const size_t len = strlen(word);

	buf_printf(&w->p->text, "%.*s", len < 7 ? 7 - (int)len : 1, "       ");
}

/* "git.push packs/git.yaml:12", or that no rule but the default speaks. */
static void
put_rule(struct writer *w, const json_t *rule)
{
	const char *file = client_text(rule, "file");
	const json_int_t line =
	    json_integer_value(json_object_get(rule, "line"));

	if (client_text(rule, "id") == NULL) {
		buf_puts(&w->p->text, "no rule: the default");
		return;
	}
	foreign(w, client_text(rule, "id"), STYLE_BOLD);
	safe_style(&w->p->text, STYLE_DIM);
	if (file != NULL) {
		buf_puts(&w->p->text, "  ");
		foreign(w, file, STYLE_DIM);
		buf_printf(&w->p->text, ":%lld", (long long)line);
	}
	safe_style(&w->p->text, STYLE_PLAIN);
}

/* ---- why ----------------------------------------------------------------- */

/* The rule that asks: of those as strict as the whole, the first. */
static const json_t *
deciding_rule(const struct writer *w)
{
	const char *decision = client_text(w->x, "decision");
	const json_t *rule;
	size_t i;

	if (decision == NULL)
		decision = client_text(w->d, "decision");
	json_array_foreach(json_object_get(w->d, "rules"), i, rule)
	{
		const char *its = client_text(rule, "decision");

		if (its != NULL && decision != NULL &&
		    strcmp(its, decision) == 0)
			return rule;
	}
	return NULL;
}

static void
put_why(struct writer *w)
{
	const char *risk = client_text(w->d, "risk");
	const char *decision = client_text(w->x, "decision");
	const json_t *rule = deciding_rule(w);

	label(w, "WHY");
	put_rule(w, rule);
	buf_puts(&w->p->text, "  says ");
	foreign(w, or_else(decision, client_text(w->d, "decision")),
	    decision_style(decision));
	end_line(w);
	page_field(w->p, "", client_text(w->x, "reason"), STYLE_PLAIN);
	label(w, "RISK");
	foreign(w, or_else(risk, "not known"), risk_style(risk));
	end_line(w);
	page_field(w->p, "INSTEAD", client_text(w->x, "suggest"), STYLE_PLAIN);
}

static void
put_names(
    struct writer *w, const char *name, const json_t *list, const char *nothing)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0 && nothing == NULL)
		return;
	label(w, name);
	if (json_array_size(list) == 0)
		buf_puts(&w->p->text, nothing);
	json_array_foreach(list, i, item)
	{
		if (i > 0)
			buf_puts(&w->p->text, "  ");
		foreign(w, json_string_value(item), STYLE_BOLD);
		safe_style(&w->p->text, STYLE_PLAIN);
	}
	end_line(w);
}

/* One below the other, with what they have in common above them. */
static void
put_list(
    struct writer *w, const char *name, const json_t *list, const char *what)
{
	const json_t *item;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	page_field(w->p, name, what, STYLE_PLAIN);
	json_array_foreach(list, i, item)
	{
		if (i == LIST_SHOWN_MAX)
			break;
		label(w, "");
		foreign(w, json_string_value(item), STYLE_BOLD);
		end_line(w);
	}
	if (json_array_size(list) > LIST_SHOWN_MAX) {
		label(w, "");
		buf_printf(&w->p->text, "and %zu more (assent explain)",
		    json_array_size(list) - LIST_SHOWN_MAX);
		end_line(w);
	}
}

/* How many people it takes, and which; to whom it was raised, and why. */
static void
put_people(struct writer *w)
{
	const char *approvals = client_text(w->d, "approvals");
	const char *group = client_text(w->d, "approver_group");
	const json_t *raised = json_object_get(w->d, "raised");
	const json_t *by = json_object_get(raised, "by");

	if (group != NULL ||
	    (approvals != NULL && strcmp(approvals, "0/1") != 0 &&
		strcmp(approvals, "1/1") != 0)) {
		label(w, "PEOPLE");
		foreign(w, or_else(approvals, "?"), STYLE_BOLD);
		buf_puts(&w->p->text, " have allowed it");
		if (group != NULL) {
			buf_puts(&w->p->text, "; one has to be of the group ");
			foreign(w, group, STYLE_BOLD);
		}
		end_line(w);
	}
	put_names(w, "", json_object_get(w->d, "approvers"), NULL);
	if (!json_is_object(raised))
		return;
	label(w, "RAISED");
	buf_puts(&w->p->text, "to ");
	foreign(w, or_else(client_text(raised, "to"), "?"), STYLE_BOLD);
	safe_style(&w->p->text, STYLE_PLAIN);
	buf_puts(&w->p->text, " by ");
	foreign(w,
	    or_else(
		json_string_value(json_array_get(by, json_array_size(by) - 1)),
		"?"),
	    STYLE_PLAIN);
	end_line(w);
	page_field(w->p, "", client_text(raised, "reason"), STYLE_PLAIN);
}

/* The words of a model and of an agent are theirs, and said to be. */
static void
put_opinions(struct writer *w)
{
	const json_t *review = json_object_get(w->x, "review");
	const json_t *proposal = json_object_get(w->d, "proposal");
	const json_t *action = json_object_get(w->x, "action");
	const char *claim = client_text(proposal, "justification");

	/* where a person edited it no model was asked */
	if (client_text(review, "model") != NULL ||
	    client_text(review, "rationale") != NULL) {
		label(w, "REVIEWER");
		foreign(w, client_text(review, "outcome"), STYLE_BOLD);
		buf_puts(&w->p->text, " (a model's opinion");
		if (client_text(review, "model") != NULL) {
			buf_puts(&w->p->text, ", ");
			foreign(w, client_text(review, "model"), STYLE_DIM);
		}
		safe_style(&w->p->text, STYLE_PLAIN);
		buf_puts(&w->p->text, ")");
		end_line(w);
		page_field(
		    w->p, "", client_text(review, "rationale"), STYLE_PLAIN);
	}
	if (claim == NULL)
		claim = client_text(action, "justification");
	if (claim == NULL)
		return;
	label(w, "CLAIM");
	buf_puts(&w->p->text, "the agent says, unverified: ");
	foreign(w, claim, STYLE_PLAIN);
	end_line(w);
}

/* ---- what it does -------------------------------------------------------- */

static const struct {
	const char *kind, *verb;
} verbs[] = {
	{ "read", "reads" },
	{ "write", "writes" },
	{ "delete", "deletes" },
	{ "connect", "connects to" },
	{ "run_code", "runs code:" },
	{ "signal", "signals" },
	{ "privilege", "gains rights:" },
	{ "remote_state", "changes what others see:" },
	{ "widen", "wants more than its profile:" },
};

static const char *
verb_of(const char *kind)
{
	for (size_t i = 0; kind != NULL && i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].kind, kind) == 0)
			return verbs[i].verb;
	}
	return "does what nobody can tell:";
}

/* "  ! writes /etc/hosts (system)    ask: default.write" */
static void
put_effect(struct writer *w, const json_t *effect)
{
	const char *decision = or_else(client_text(effect, "decision"), "deny");
	const char *target = client_text(effect, "target");
	const char *class = client_text(effect, "path_class");
	const char *rule = client_text(json_object_get(effect, "rule"), "id");
	const bool allowed = strcmp(decision, "allow") == 0;

	if (class == NULL)
		class = client_text(effect, "code_class");
	safe_style(&w->p->text, decision_style(decision));
	buf_printf(&w->p->text, "     %s ", allowed ? "+" : "!");
	buf_putc(&w->p->text, PAGE_FLOW);
	safe_style(&w->p->text, STYLE_PLAIN);
	buf_printf(&w->p->text, "%s ", verb_of(client_text(effect, "kind")));
	if (target != NULL)
		foreign(w, target, STYLE_BOLD);
	else
		buf_puts(&w->p->text, "what only shows when it runs");
	if (class != NULL) {
		buf_puts(&w->p->text, " (");
		foreign(w, class, STYLE_PLAIN);
		buf_puts(&w->p->text, ")");
	}
	safe_style(&w->p->text, STYLE_DIM);
	buf_puts(&w->p->text, "  ");
	foreign(w, decision, STYLE_DIM);
	if (rule != NULL) {
		buf_puts(&w->p->text, ": ");
		foreign(w, rule, STYLE_DIM);
	}
	end_line(w);
}

static void
put_part(struct writer *w, size_t number, const json_t *part)
{
	const char *decision = or_else(client_text(part, "decision"), "deny");
	const char *why = client_text(part, "not_understood");
	const json_t *effect;
	size_t i;

	safe_style(&w->p->text, STYLE_PLAIN);
	buf_printf(&w->p->text, " %2zu. ", number);
	foreign(w, decision, decision_style(decision));
	pad(w, decision);
	buf_putc(&w->p->text, PAGE_HANG);
	foreign(w, or_else(client_text(part, "text"), "?"), STYLE_BOLD);
	end_line(w);
	if (why != NULL) {
		safe_style(&w->p->text, STYLE_BAD);
		buf_puts(&w->p->text, "     ! ");
		buf_putc(&w->p->text, PAGE_FLOW);
		buf_puts(&w->p->text, "not understood: ");
		foreign(w, why, STYLE_PLAIN);
		end_line(w);
	}
	json_array_foreach(json_object_get(part, "effects"), i, effect)
	    put_effect(w, effect);
}

static void
put_parts(struct writer *w)
{
	const json_t *parts = json_object_get(w->x, "parts");
	const size_t count = json_array_size(parts);
	const json_t *part;
	size_t i;

	label(w, "DOES");
	buf_printf(&w->p->text,
	    "%zu part%s, each as strict as its worst effect", count,
	    count == 1 ? "" : "s");
	end_line(w);
	json_array_foreach(parts, i, part) put_part(w, i + 1, part);
}

/* ---- where and as whom --------------------------------------------------- */

/* The daemon's sentence, behind a label that says half of it. */
static void
put_network(struct writer *w, const json_t *profile)
{
	static const char *const heads[] = { "runs with network: ",
		"runs with network; ", "runs with ", "runs " };
	struct str text = str_of(client_text(profile, "network"));

	if (text.len == 0) {
		put_names(
		    w, "network", json_object_get(profile, "hosts"), "none");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		if (!str_starts(text, str_of(heads[i])))
			continue;
		text = str_from(text, strlen(heads[i]));
		break;
	}
	label(w, "network");
	foreign(w, text.s, STYLE_BOLD);
	safe_style(&w->p->text, STYLE_PLAIN);
	end_line(w);
}

static void
put_user(struct writer *w)
{
	const json_t *proposal = json_object_get(w->d, "proposal");
	const json_t *uid = json_object_get(proposal, "uid");

	if (!json_is_integer(uid))
		return;
	label(w, "user");
	if (w->how->user != NULL)
		foreign(w, w->how->user, STYLE_PLAIN);
	buf_printf(&w->p->text, "%suid %lld", w->how->user != NULL ? ", " : "",
	    (long long)json_integer_value(uid));
	end_line(w);
}

static void
put_runs(struct writer *w)
{
	const json_t *action = json_object_get(w->x, "action");
	const json_t *profile = json_object_get(w->x, "profile");
	const char *executor = client_text(action, "executor");
	const char *cwd = client_text(action, "cwd");
	const char *workspace = client_text(action, "workspace");
	const bool by_client =
	    executor == NULL || strcmp(executor, "assent") != 0;

	label(w, "RUNS");
	if (by_client)
		buf_puts(&w->p->text,
		    "by the client itself, outside assent's sandbox");
	else
		buf_puts(&w->p->text, "in assent's sandbox");
	end_line(w);
	page_field(w->p, "cwd", cwd, STYLE_PLAIN);
	if (workspace != NULL && (cwd == NULL || strcmp(cwd, workspace) != 0))
		page_field(w->p, "project", workspace, STYLE_PLAIN);
	put_user(w);
	page_field(w->p, "profile", client_text(profile, "name"), STYLE_PLAIN);
	if (by_client)
		page_field(
		    w->p, "network", "whatever the client has", STYLE_PLAIN);
	else
		put_network(w, profile);
	put_names(w, "writes", json_object_get(profile, "write"), NULL);
	put_names(w, "reads", json_object_get(profile, "read"), NULL);
	put_list(w, "not held", json_object_get(w->x, "not_held"),
	    "it may be another by the time it runs");
}

static void
put_identity(struct writer *w)
{
	const json_t *action = json_object_get(w->x, "action");
	const json_t *agent = json_object_get(action, "agent");
	const char *hash = client_text(w->d, "action_sha256");

	if (client_text(agent, "name") != NULL) {
		label(w, "agent");
		foreign(w, client_text(agent, "name"), STYLE_PLAIN);
		buf_puts(&w->p->text, " ");
		foreign(w, client_text(agent, "version"), STYLE_PLAIN);
		buf_puts(&w->p->text, " (by its own word)");
		end_line(w);
	}
	page_field(
	    w->p, "session", client_text(action, "session"), STYLE_PLAIN);
	page_field(w->p, "id", client_text(w->d, "id"), STYLE_DIM);
	label(w, "sha256");
	buf_putc(&w->p->text, PAGE_HANG);
	foreign(w, hash, STYLE_DIM);
	end_line(w);
}

/* ---- what came of it ----------------------------------------------------- */

static void
put_output(struct writer *w, const char *prefix, const char *text)
{
	if (text != NULL && text[0] != '\0')
		page_code(w->p, prefix, str_of(text), STYLE_PLAIN);
}

static void
put_outcome(struct writer *w)
{
	const json_t *o = json_object_get(w->d, "outcome");
	const json_t *exit = json_object_get(o, "exit");
	const json_t *signal = json_object_get(o, "signal");
	const json_t *ruling = json_object_get(w->x, "ruling");

	if (json_is_object(ruling)) {
		const char *decision = client_text(ruling, "decision");

		label(w, "ANSWER");
		foreign(w, decision, decision_style(decision));
		buf_puts(&w->p->text, " by ");
		foreign(w, client_text(ruling, "decided_by"), STYLE_PLAIN);
		buf_puts(&w->p->text, " ");
		foreign(w, client_text(ruling, "approver"), STYLE_PLAIN);
		end_line(w);
		page_field(
		    w->p, "", client_text(ruling, "message"), STYLE_PLAIN);
	}
	page_field(w->p, "STATE", client_text(w->d, "state"), STYLE_BOLD);
	if (!json_is_object(o))
		return;
	label(w, "OUTCOME");
	if (json_is_integer(exit))
		buf_printf(&w->p->text, "exit status %lld",
		    (long long)json_integer_value(exit));
	if (json_is_integer(signal))
		buf_printf(&w->p->text, "ended by signal %lld",
		    (long long)json_integer_value(signal));
	buf_printf(&w->p->text, ", %lld ms",
	    (long long)json_integer_value(json_object_get(o, "wall_ms")));
	end_line(w);
	page_field(w->p, "failed", client_text(o, "failure"), STYLE_BAD);
	if (json_is_true(json_object_get(o, "copy")))
		page_own(w->p, STYLE_WARN,
		    "COPY     It ran on a copy of the workspace: c shows what "
		    "it changed, and applies it.");
	put_names(w, "tried", json_object_get(o, "violations"), NULL);
	put_output(w, "   out | ", client_text(o, "stdout"));
	put_output(w, "   err | ", client_text(o, "stderr"));
	gap(w);
}

/* ---- the trace ----------------------------------------------------------- */

static void
put_trace(struct writer *w)
{
	const json_t *part, *rule;
	size_t i, k;

	page_own(w->p, STYLE_LABEL, "TRACE    every rule that spoke");
	json_array_foreach(json_object_get(w->x, "parts"), i, part)
	{
		json_array_foreach(json_object_get(part, "rules"), k, rule)
		{
			const char *decision = client_text(rule, "decision");

			buf_printf(&w->p->text, " %2zu. ", i + 1);
			foreign(w, or_else(decision, "?"),
			    decision_style(decision));
			pad(w, or_else(decision, "?"));
			buf_putc(&w->p->text, PAGE_FLOW);
			put_rule(w, rule);
			if (json_is_true(json_object_get(rule, "floor")))
				buf_puts(&w->p->text, "  (floor)");
			buf_puts(&w->p->text, "  ");
			foreign(w, client_text(rule, "reason"), STYLE_PLAIN);
			end_line(w);
		}
	}
}

/* What a careless eye would miss is said on top. */
static void
put_warnings(struct page *p)
{
	AUTO_BUF struct buf rest = BUF_INIT(PAGE_BYTES_MAX);
	const size_t must = p->must;

	if ((p->notes & (SAFE_HAS_HIDDEN | SAFE_HAS_ALIKE)) == 0)
		return;
	buf_put_str(&rest, buf_str(&p->text));
	buf_reset(&p->text);
	if ((p->notes & SAFE_HAS_HIDDEN) != 0)
		page_own(p, STYLE_BAD,
		    "! It holds characters that cannot be seen: they are "
		    "spelled out <LIKE THIS>.");
	if ((p->notes & SAFE_HAS_ALIKE) != 0)
		page_own(p, STYLE_BAD,
		    "! It holds letters or signs that look like others: they "
		    "are marked.");
	p->must = must + p->text.len;
	buf_put_str(&p->text, buf_str(&rest));
	if (rest.failed != 0)
		p->text.failed = rest.failed;
}

bool
case_page(const json_t *decision, const json_t *explanation,
    const struct case_how *how, struct page *ret)
{
	struct writer w = {
		.p = ret, .d = decision, .x = explanation, .how = how
	};
	const json_t *action = json_object_get(explanation, "action");
	bool whole;

	page_reset(ret);
	if (how->with_outcome)
		put_outcome(&w);
	whole = case_input(action, how, ret);
	if (!whole)
		page_code(ret, " | ",
		    str_of(client_text(
			json_object_get(decision, "proposal"), "display")),
		    STYLE_BOLD);
	gap(&w);
	put_why(&w);
	put_people(&w);
	put_opinions(&w);
	gap(&w);
	put_parts(&w);
	gap(&w);
	put_runs(&w);
	put_identity(&w);
	ret->must = ret->text.len;
	gap(&w);
	put_trace(&w);
	put_warnings(ret);
	return whole && ret->text.failed == 0;
}
