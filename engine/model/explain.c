/*
 * Why a decision came out as it did: for machines and for people.
 * Runs in: engine, assent.  Trusts: the structure of the case file, none of
 * its texts (I8).  Owns: nothing.
 */
#include "model/action_json.h"

#include "base/jsonw.h"
#include "base/text.h"
#include "model/limits.h"

/* ---- JSON -------------------------------------------------------------- */

#define NOT_HELD "what this imports, includes or finds by itself: "
#define NOT_HELD_SHOWN 200
#define NOT_HELD_BYTES 512

static void
rule_json(struct jsonw *w, const struct rule_ref *rule)
{
	if (rule->id == NULL) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	jsonw_kstr(w, "id", rule->id);
	jsonw_kstr(w, "decision", decision_name(rule->decision));
	jsonw_kstr(w, "file", rule->file);
	jsonw_kint(w, "line", rule->line);
	jsonw_kbool(w, "floor", rule->floor);
	jsonw_kstr(w, "reason", rule->reason);
	jsonw_kstr(w, "suggest", rule->suggest);
	jsonw_end(w);
}

static void
effect_json(struct jsonw *w, const struct effect *f)
{
	jsonw_object(w);
	jsonw_kstr(w, "kind", effect_kind_name(f->kind));
	jsonw_kstr(w, "target", f->target);
	jsonw_kstr(w, "path_class",
	    f->path_class == PATH_NONE ? NULL : path_class_name(f->path_class));
	jsonw_kstr(w, "code_class",
	    f->code_class == CODE_NONE ? NULL : code_class_name(f->code_class));
	jsonw_kstr(w, "why", f->why);
	jsonw_kstr(w, "decision", decision_name(f->decision));
	jsonw_key(w, "rule");
	rule_json(w, &f->rule);
	jsonw_end(w);
}

static void
part_json(struct jsonw *w, const struct part *part)
{
	jsonw_object(w);
	jsonw_kstr(w, "text", part->text);
	jsonw_kstr(w, "context", part->context);
	jsonw_kstr(w, "decision", decision_name(part->decision));
	jsonw_kstr(w, "risk", risk_name(part->risk));
	jsonw_kstr(w, "not_understood", part->not_understood);
	jsonw_key(w, "effects");
	jsonw_array(w);
	for (size_t i = 0; i < part->effect_count; i++)
		effect_json(w, &part->effects[i]);
	jsonw_end(w);
	jsonw_key(w, "rules");
	jsonw_array(w);
	for (size_t i = 0; i < part->rule_count; i++)
		rule_json(w, &part->rules[i]);
	jsonw_end(w);
	jsonw_end(w);
}

static void
profile_json(struct jsonw *w, const struct execution_profile *p)
{
	jsonw_key(w, "profile");
	jsonw_object(w);
	jsonw_kstr(w, "name", p->name);
	jsonw_kstrs(w, "hosts", p->hosts, p->host_count);
	jsonw_kstrs(w, "write", p->write, p->write_count);
	jsonw_kstrs(w, "read", p->read, p->read_count);
	jsonw_kstr(w, "network", p->network);
	jsonw_end(w);
}

static const char *const operand_states[] = {
	[OPERAND_INVALID] = "unknown",
	[OPERAND_FILE] = "file",
	[OPERAND_ABSENT] = "absent",
	[OPERAND_OTHER] = "folder",
	[OPERAND_UNREADABLE] = "unreadable",
	[OPERAND_TREE] = "code",
};

/* What an answer holds on to: these bytes and no others. */
static void
files_json(struct jsonw *w, const struct action *a)
{
	jsonw_key(w, "files");
	jsonw_array(w);
	for (size_t i = 0; i < a->operand_count; i++) {
		const struct operand *o = &a->operands[i];

		jsonw_object(w);
		jsonw_kstr(w, "path", o->path == NULL ? o->named : o->path);
		jsonw_kstr(w, "named", o->named);
		jsonw_kstr(w, "state", operand_states[o->state]);
		jsonw_kbool(w, "edited", o->edited);
		jsonw_kbool(w, "frozen", o->frozen);
		jsonw_key(w, "sha256");
		if (o->state == OPERAND_FILE || o->state == OPERAND_TREE)
			jsonw_hex(w, o->sha256, SHA256_LEN);
		else
			jsonw_null(w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

/* Does it run code that finds more code by itself? */
static bool
runs_code(const struct part *p)
{
	for (size_t i = 0; i < p->effect_count; i++) {
		if (p->effects[i].kind == EFFECT_RUN_CODE ||
		    p->effects[i].kind == EFFECT_UNKNOWN)
			return true;
	}
	return p->not_understood != NULL;
}

static bool
is_held(const struct operand *o)
{
	return o->state == OPERAND_FILE || o->state == OPERAND_ABSENT ||
	    o->state == OPERAND_TREE;
}

/* The beginning of a text, in whole characters. */
static struct str
shown(const char *text)
{
	const struct str all = str_of(text);
	size_t n = all.len < NOT_HELD_SHOWN ? all.len : NOT_HELD_SHOWN;

	while (n < all.len && n > 0 && ((unsigned char)all.s[n] & 0xc0) == 0x80)
		n--;
	return str_head(all, n);
}

/* What may be another by the time it runs: said, because nobody sees it. */
void
explain_not_held(struct jsonw *w, const struct action *a)
{
	const struct classification *c = &a->classification;

	jsonw_key(w, "not_held");
	jsonw_array(w);
	for (size_t i = 0; i < a->operand_count; i++) {
		if (!is_held(&a->operands[i]))
			jsonw_str(w, str_of(a->operands[i].named));
	}
	for (size_t i = 0; i < c->part_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(NOT_HELD_BYTES);

		if (!runs_code(&c->parts[i]))
			continue;
		buf_puts(&b, NOT_HELD);
		buf_put_str(&b, shown(c->parts[i].text));
		jsonw_str(w, buf_str(&b));
	}
	jsonw_end(w);
}

static void
review_json(struct jsonw *w, const struct review *r)
{
	static const char *const outcomes[] = {
		[REVIEW_INVALID] = "none",
		[REVIEW_APPROVE] = "approve",
		[REVIEW_ESCALATE] = "escalate",
		[REVIEW_DENY] = "deny",
	};

	jsonw_key(w, "review");
	if (r->outcome == REVIEW_INVALID || r->outcome > REVIEW_DENY) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	jsonw_kstr(w, "outcome", outcomes[r->outcome]);
	jsonw_kstr(w, "risk", risk_name(r->risk));
	jsonw_kstr(w, "rationale", r->rationale);
	jsonw_kstr(w, "model", r->model);
	jsonw_kstr(w, "provider", r->provider);
	jsonw_kstr(w, "cause", r->cause);
	jsonw_kint(w, "latency_ms", r->latency_ms);
	jsonw_kbool(w, "cached", r->cached);
	jsonw_end(w);
}

/* All that was asked for, byte for byte: nobody answers unseen input. */
static void
action_json(struct jsonw *w, const struct action *a)
{
	AUTO_BUF struct buf text = BUF_INIT(ACTION_ARENA_MAX);

	action_input_to_json(a, &text);
	jsonw_key(w, "action");
	jsonw_raw(w, buf_str(&text));
	/* half of an action is none */
	if (text.failed != 0)
		w->out->failed = text.failed;
}

static void
ruling_json(struct jsonw *w, const struct ruling *r)
{
	jsonw_key(w, "ruling");
	if (r->decision == DECISION_INVALID) {
		jsonw_null(w);
		return;
	}
	jsonw_object(w);
	jsonw_kstr(w, "decision", decision_name(r->decision));
	jsonw_kstr(w, "decided_by", decided_by_name(r->by));
	jsonw_kstr(w, "approver", r->approver);
	jsonw_kstr(w, "grant", r->grant);
	jsonw_kstr(w, "message", r->message);
	jsonw_key(w, "expires_at");
	jsonw_time(w, r->expires_real_ns);
	jsonw_end(w);
}

void
explain_to_json(const struct action *a, struct buf *out)
{
	const struct classification *c = &a->classification;
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "id", a->id[0] == '\0' ? NULL : a->id);
	jsonw_kstr(&w, "state", stage_name(a->stage));
	jsonw_kstr(&w, "tool", tool_name(a->proposal.tool));
	jsonw_kstr(&w, "display", c->display);
	jsonw_kstr(&w, "decision", decision_name(c->decision));
	jsonw_kstr(&w, "decided_by", decided_by_name(c->by));
	jsonw_kbool(&w, "floor", c->floor);
	jsonw_kstr(&w, "risk", risk_name(c->risk));
	jsonw_kstr(&w, "reason", c->reason);
	jsonw_kstr(&w, "suggest", c->suggest);
	jsonw_key(&w, "parts");
	jsonw_array(&w);
	for (size_t i = 0; i < c->part_count; i++)
		part_json(&w, &c->parts[i]);
	jsonw_end(&w);
	profile_json(&w, &c->profile);
	explain_not_held(&w, a);
	files_json(&w, a);
	action_json(&w, a);
	review_json(&w, &a->review);
	ruling_json(&w, &a->ruling);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, c->policy_sha256, SHA256_LEN);
	jsonw_end(&w);
}

/* ---- text -------------------------------------------------------------- */

static void
esc(struct buf *out, const char *text)
{
	if (text != NULL)
		text_escape(out, str_of(text));
}

static void
line_of(
    struct buf *out, const char *indent, const char *label, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, "%s%s", indent, label);
	esc(out, text);
	buf_putc(out, '\n');
}

/* "git.push.protected (git.yaml:12)" or "default". */
static void
put_rule(struct buf *out, const struct rule_ref *rule)
{
	if (rule->id == NULL) {
		buf_puts(out, "default");
		return;
	}
	esc(out, rule->id);
	if (rule->file == NULL)
		return;
	buf_puts(out, " (");
	esc(out, rule->file);
	buf_printf(out, ":%u)", rule->line);
}

static const char *
verb_of(enum effect_kind k)
{
	static const char *const verbs[] = {
		[EFFECT_INVALID] = "nobody can tell what it does",
		[EFFECT_READ] = "reads",
		[EFFECT_WRITE] = "writes",
		[EFFECT_DELETE] = "deletes",
		[EFFECT_CONNECT] = "connects to",
		[EFFECT_RUN_CODE] = "runs code:",
		[EFFECT_SIGNAL] = "signals",
		[EFFECT_PRIVILEGE] = "gains privilege:",
		[EFFECT_REMOTE_STATE] = "changes remote state:",
		[EFFECT_WIDEN] = "asks for more than the profile gives:",
		[EFFECT_UNKNOWN] = "nobody can tell what it does",
	};

	return (size_t)k < ARRAY_LEN(verbs) ? verbs[k] : verbs[0];
}

/* "does  ask     writes /etc/hosts [system], because ...: default.write" */
static void
effect_text(struct buf *out, const struct effect *f)
{
	const bool known =
	    f->kind != EFFECT_INVALID && f->kind != EFFECT_UNKNOWN;

	buf_printf(out, "     does  %-6s  %s", decision_name(f->decision),
	    verb_of(f->kind));
	if (f->target != NULL) {
		buf_puts(out, known ? " " : ": ");
		esc(out, f->target);
	} else if (known) {
		buf_puts(out, " what is not known in advance");
	}
	if (f->path_class != PATH_NONE)
		buf_printf(out, " [%s]", path_class_name(f->path_class));
	if (f->code_class != CODE_NONE)
		buf_printf(out, " [%s]", code_class_name(f->code_class));
	if (f->why != NULL) {
		buf_puts(out, ", because ");
		esc(out, f->why);
	}
	if (f->rule.id != NULL) {
		buf_puts(out, " -> ");
		esc(out, f->rule.id);
	}
	buf_putc(out, '\n');
}

static void
rule_text(struct buf *out, const struct rule_ref *rule)
{
	buf_printf(out, "     %s  %-6s  ", rule->floor ? "floor" : "rule ",
	    decision_name(rule->decision));
	put_rule(out, rule);
	if (rule->reason != NULL) {
		buf_puts(out, ": ");
		esc(out, rule->reason);
	}
	buf_putc(out, '\n');
}

static void
part_text(struct buf *out, size_t number, const struct part *part)
{
	buf_printf(out, "  %zu. %-6s  ", number, decision_name(part->decision));
	esc(out, part->text);
	if (part->context != NULL) {
		buf_puts(out, "   (inside ");
		esc(out, part->context);
		buf_putc(out, ')');
	}
	buf_putc(out, '\n');
	line_of(out, "     ", "not understood: ", part->not_understood);
	for (size_t i = 0; i < part->effect_count; i++)
		effect_text(out, &part->effects[i]);
	for (size_t i = 0; i < part->rule_count; i++)
		rule_text(out, &part->rules[i]);
}

static void
put_names(
    struct buf *out, const char *label, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, i == 0 ? label : ", ");
		esc(out, list[i]);
	}
}

static void
profile_text(struct buf *out, const struct execution_profile *p)
{
	if (p->name == NULL)
		return;
	buf_puts(out, "Would run in: ");
	esc(out, p->name);
	if (p->network != NULL) {
		buf_puts(out, "; ");
		esc(out, p->network);
	}
	put_names(out, "; may also write: ", p->write, p->write_count);
	put_names(out, "; may also read: ", p->read, p->read_count);
	buf_putc(out, '\n');
}

static const char *
meaning_of(enum decision d)
{
	static const char *const meanings[] = {
		[DECISION_INVALID] = "nothing was decided",
		[DECISION_ALLOW] = "may run without a question",
		[DECISION_REVIEW] = "the reviewer (or a person) answers",
		[DECISION_ASK] = "a person must answer",
		[DECISION_DENY] = "will not run",
	};

	return (size_t)d < ARRAY_LEN(meanings) ? meanings[d] : meanings[0];
}

static void
not_held_text(struct buf *out, const struct action *a)
{
	const struct classification *c = &a->classification;

	static const char *const labels[] = {
		[OPERAND_INVALID] = "Not held on to: ",
		[OPERAND_FILE] = "Holds on to the content of: ",
		[OPERAND_ABSENT] = "Must still be missing: ",
		[OPERAND_OTHER] = "Not held on to: ",
		[OPERAND_UNREADABLE] = "Not held on to: ",
		[OPERAND_TREE] = "Holds on to all code below: ",
	};

	for (size_t i = 0; i < a->operand_count; i++)
		line_of(out, "", labels[a->operands[i].state],
		    a->operands[i].named);
	for (size_t i = 0; i < c->part_count; i++) {
		if (runs_code(&c->parts[i]))
			line_of(out, "", "Not held on to: " NOT_HELD,
			    c->parts[i].text);
	}
}

void
explain_to_text(const struct action *a, struct buf *out)
{
	const struct classification *c = &a->classification;

	buf_printf(out, "Decision: %s (%s)%s\n", decision_name(c->decision),
	    meaning_of(c->decision),
	    c->floor ? ", a floor that no rule or answer lowers" : "");
	line_of(out, "", "Why: ", c->reason);
	line_of(out, "", "Instead: ", c->suggest);
	buf_printf(out, "Risk: %s; decided by %s\n", risk_name(c->risk),
	    decided_by_name(c->by));
	line_of(out, "", "Proposed: ", c->display);
	buf_printf(out, "%zu part%s, the strictest decides:\n", c->part_count,
	    c->part_count == 1 ? "" : "s");
	for (size_t i = 0; i < c->part_count; i++)
		part_text(out, i + 1, &c->parts[i]);
	if (c->decision != DECISION_DENY)
		profile_text(out, &c->profile);
	if (a->id[0] != '\0' && c->decision != DECISION_DENY)
		not_held_text(out, a);
	if (a->review.outcome != REVIEW_INVALID)
		line_of(out, "", "Reviewer: ", a->review.rationale);
	if (a->ruling.decision == DECISION_INVALID)
		return;
	buf_printf(out, "Ruling: %s by %s", decision_name(a->ruling.decision),
	    decided_by_name(a->ruling.by));
	if (a->ruling.approver != NULL) {
		buf_puts(out, " (");
		esc(out, a->ruling.approver);
		buf_putc(out, ')');
	}
	buf_putc(out, '\n');
	line_of(out, "", "Message: ", a->ruling.message);
}
