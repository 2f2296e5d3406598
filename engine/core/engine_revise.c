/*
 * A person edits an action before it is allowed: the edited one is a new
 * action with a hash of its own, judged again; the old one is denied (I4).
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "core/ids.h"
#include "engine_int.h"
#include "model/action_json.h"

#define ROW_BODY_MAX ((size_t)256 << 10)
#define MESSAGE_MAX 160

static bool
is_same(const char *edit, const char *was)
{
	return edit == NULL || (was != NULL && strcmp(edit, was) == 0);
}

/* Only what it does is edited; whose it is and where it runs stay. */
static int
check_edit(
    const struct proposal *was, const struct proposal *edit, struct err *e)
{
	if (edit->tool != was->tool)
		return err_set(e, ERR_INVALID,
		    "an edited action keeps its tool, here '%s'",
		    tool_name(was->tool));
	if (!is_same(edit->cwd, was->cwd) ||
	    !is_same(edit->workspace, was->workspace) ||
	    !is_same(edit->session, was->session) ||
	    !is_same(edit->agent_name, was->agent_name) ||
	    !is_same(edit->justification, was->justification) ||
	    !is_same(edit->profile, was->profile) ||
	    edit->transcript_count > 0 || (edit->execute && !was->execute) ||
	    edit->executor != was->executor)
		return err_set(e, ERR_INVALID,
		    "only 'input' is edited; what else is sent has to be as it "
		    "was");
	return ERR_OK;
}

static int
check_old(const struct live *l, struct err *e)
{
	if (l->a->proposal.executor != EXECUTOR_ASSENT)
		return err_set(e, ERR_CONFLICT,
		    "the client runs this call itself and would run what it "
		    "asked about; deny it with a message instead");
	return ERR_OK;
}

/* The old proposal with the input of the edit, all in the new arena. */
static int
combine(struct engine *g, const struct live *old, struct str edit_record,
    struct action *a, struct err *e)
{
	AUTO(action_freep) struct action *edit = NULL;
	AUTO_BUF struct buf record = BUF_INIT(ACTION_BYTES_MAX);
	const struct proposal *was = &old->a->proposal;
	struct action both = *old->a;
	uint8_t random[ID_RANDOM_LEN];
	int r;

	r = action_new(&edit, e);
	if (r == 0)
		r = action_decode(edit_record, edit, e);
	if (r == 0)
		r = check_edit(was, &edit->proposal, e);
	if (r != 0)
		return r;
	both.proposal.input = edit->proposal.input;
	action_encode(&both, &record);
	r = buf_done(&record, e);
	if (r == 0)
		r = action_decode(buf_str(&record), a, e);
	if (r != 0)
		return r;
	if (g->o.env.random(random, sizeof(random)) != 0)
		return err_sys(e, "cannot get random bytes");
	a->proposer.gid = old->a->proposer.gid;
	a->proposer.pid = old->a->proposer.pid;
	a->proposer.started = old->a->proposer.started;
	a->proposed_real_ns = g->o.env.real_ns();
	id_make("act", a->proposed_real_ns, random, a->id);
	return ERR_OK;
}

static int
keep_asking(const struct live *old, struct live *l, struct err *e)
{
	const struct inquiry *from = &old->a->asking;
	struct inquiry *to = &l->a->asking;
	struct arena *a = l->a->arena;

	for (size_t i = 0; i < from->raiser_count; i++)
		to->raisers[to->raiser_count++] =
		    arena_strdup(a, from->raisers[i]);
	if (from->raised_to != NULL)
		to->raised_to = arena_strdup(a, from->raised_to);
	to->revises = arena_strdup(a, old->a->id);
	/* A person has it: no reviewer is asked about his words. */
	l->a->review.outcome = REVIEW_ESCALATE;
	return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

static int
judge_edit(const struct live *l, struct err *e)
{
	const struct classification *c = &l->a->classification;

	if (c->decision != DECISION_DENY)
		return ERR_OK;
	return err_set(e, ERR_CONFLICT,
	    "rules deny the edited action, so nothing has changed: %s",
	    c->reason == NULL ? "no reason is given" : c->reason);
}

static int
append_revised(struct engine *g, struct change *c, const char *approver,
    const char *new_id, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct jsonw w = jsonw_on(&body);

	jsonw_object(&w);
	jsonw_kstr(&w, "approver", approver);
	jsonw_kstr(&w, "revised_to", new_id);
	jsonw_end(&w);
	return engine_append(g, c, ROW_REVISED, buf_str(&body), NULL, e);
}

/* The old one is denied in the same commit: it never runs beside the new. */
static int
supersede(
    struct engine *g, const struct live *l, struct live *old, struct err *e)
{
	struct change change = {
		.live = old,
		.to = STAGE_DECIDED,
		.has_ruling = true,
		.has_deadline = true,
		.has_asking = true,
		.asking = old->a->asking,
		.answer = ANSWER_CALL_NONE,
	};
	struct answer said = {
		.kind = ANSWER_PERSON,
		.decision = DECISION_DENY,
	};
	struct arena *a = old->a->arena;
	char message[MESSAGE_MAX];
	int r;

	(void)snprintf(message, sizeof(message),
	    "a person changed this before allowing it; %s takes its place",
	    l->a->id);
	said.approver = arena_strdup(a, l->revised_by);
	said.message = arena_strdup(a, message);
	change.asking.revised_to = arena_strdup(a, l->a->id);
	if (arena_failed(a))
		return err_nomem(e);
	r = ruling_of(&old->a->classification, &g->o.set.policy, &said,
	    &change.ruling, e);
	if (r == 0)
		r = append_revised(g, &change, l->revised_by, l->a->id, e);
	if (r == 0)
		r = engine_push_answer(g, &change, e);
	return r;
}

int
engine_supersede(struct engine *g, const struct live *l, struct err *e)
{
	struct live *old = live_find(g->live, l->a->asking.revises);
	int r;

	if (old != NULL)
		engine_settle(g, old);
	if (old == NULL || old->a->stage != STAGE_PENDING)
		return err_set(e, ERR_CONFLICT,
		    "the action was decided while its edit was looked at");
	r = judge_edit(l, e);
	if (r != 0)
		return r;
	r = supersede(g, l, old, e);
	if (r == 0)
		engine_review_left(g, old);
	return r;
}

/* The edited action, in memory; nothing is changed by it yet. */
static int
edited(struct engine *g, const struct call *c, struct live *old,
    struct live **ret, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	char approver[APPROVER_MAX];
	struct live *l;
	int r;

	r = check_old(old, e);
	if (r == 0)
		r = engine_may_answer(g, c, old, true, e);
	if (r == 0)
		r = action_new(&a, e);
	if (r == 0)
		r = combine(g, old, c->action_record, a, e);
	if (r == 0)
		r = engine_check_claim(g, a, e);
	if (r == 0)
		r = live_add(g->live, &a, &l, e);
	if (r != 0)
		return r;
	engine_approver(c, approver);
	l->revised_by = arena_strdup(l->a->arena, approver);
	r = keep_asking(old, l, e);
	if (r == 0)
		r = engine_judge(g, l, e);
	if (r == 0)
		r = judge_edit(l, e);
	if (r == 0)
		*ret = l;
	else
		live_remove(g->live, l);
	return r;
}

void
engine_revise(struct engine *g, const struct call *c)
{
	struct live *old = engine_to_answer(g, c);
	struct live *l = NULL;
	struct err why = ERR_INIT;

	if (old == NULL)
		return;
	if (edited(g, c, old, &l, &why) != 0)
		engine_problem_err(g, c->id, &why);
	else if (!engine_look(g, c, l)) /* else: when its files were seen */
		engine_enter(g, l, c->id, c->wait_ms);
}
