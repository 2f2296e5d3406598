/*
 * Several people and one question: how many have to say yes, who may not
 * alone, who has it on his screen, and to whom it was raised.
 * Runs in: engine.  Trusts: nothing of a request but who sends it.
 * Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "engine_int.h"
#include "stage.h"

#define ROW_BODY_MAX ((size_t)256 << 10)
#define GROUP_PREFIX "group:"
#define PRESENT_NS (30 * SECOND_NS) /* then he has looked away */

void
engine_approver(const struct call *c, char ret[static APPROVER_MAX])
{
	(void)snprintf(ret, APPROVER_MAX, "uid:%u", (unsigned)c->uid);
}

static bool
is_among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* ---- who may -------------------------------------------------------------- */

/* Nobody answers his own question: not the process that asked, and nothing
 * that it started; unless a person shows that it is he who answers. */
static int
check_kin(
    struct engine *g, const struct call *c, const struct live *l, struct err *e)
{
	if (engine_has_passphrase(c))
		return engine_prove_person(g, c, e);
	if (g->o.env.answers_itself == NULL || c->pid <= 0)
		return ERR_OK;
	return g->o.env.answers_itself(c->pid, &l->a->proposer, e);
}

/* Is uid a member of a group of this machine? Whoever cannot be told is none. */
static int
check_member(const struct engine *g, uid_t uid, const char *group, bool *ret,
    struct err *e)
{
	*ret = false;
	if (g->o.env.in_group == NULL)
		return err_set(e, ERR_DENIED,
		    "nobody can tell who is of the group '%s'", group);
	return g->o.env.in_group(uid, group, ret, e);
}

static int
check_raised_group(const struct engine *g, const struct call *c,
    const struct inquiry *q, struct err *e)
{
	const char *group = q->raised_to == NULL ||
		strncmp(q->raised_to, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0
	    ? NULL
	    : q->raised_to + strlen(GROUP_PREFIX);
	bool member = false;
	int r;

	if (group == NULL || q->need > 1)
		return ERR_OK;
	r = check_member(g, c->uid, group, &member, e);
	if (r == 0 && !member)
		r = err_set(e, ERR_DENIED,
		    "this was raised to the group '%s', and you are not in it",
		    group);
	return r;
}

static int
check_raised(const struct inquiry *q, const char *approver, struct err *e)
{
	if (is_among(q->raisers, q->raiser_count, approver) && q->need < 2)
		return err_set(e, ERR_DENIED,
		    "you raised this: another person has to allow it");
	if (q->raised_to != NULL && strncmp(q->raised_to, "uid:", 4) == 0 &&
	    strcmp(q->raised_to, approver) != 0 && q->need < 2)
		return err_set(e, ERR_DENIED,
		    "this was raised to %s, who has to allow it", q->raised_to);
	return ERR_OK;
}

int
engine_may_answer(struct engine *g, const struct call *c, const struct live *l,
    bool allows, struct err *e)
{
	char approver[APPROVER_MAX];
	int r;

	engine_approver(c, approver);
	r = check_kin(g, c, l, e);
	if (r == 0 && allows)
		r = check_raised(&l->a->asking, approver, e);
	if (r == 0 && allows)
		r = check_raised_group(g, c, &l->a->asking, e);
	return r;
}

/* ---- how many -------------------------------------------------------------- */

/* Somebody who did not raise it is among those who allow it. */
static bool
has_other_than_raisers(const struct inquiry *q)
{
	for (size_t i = 0; i < q->approver_count; i++) {
		if (!is_among(q->raisers, q->raiser_count, q->approvers[i]))
			return true;
	}
	return false;
}

int
engine_keep_group(const struct engine *g, struct action *a)
{
	const char *group = ruling_group(&a->classification, &g->o.set.policy);

	a->asking.group = group == NULL ? NULL : arena_strdup(a->arena, group);
	return group == NULL || a->asking.group != NULL ? ERR_OK : ERR_NOMEM;
}

/* One of those who allow it is of the group that has to. A name that is no
 * uid's is nobody's. */
static bool
has_member(const struct engine *g, const char *group, const struct inquiry *q)
{
	for (size_t i = 0; group != NULL && i < q->approver_count; i++) {
		const struct str name = str_of(q->approvers[i]);
		bool member = false;
		uint64_t uid;

		if (str_starts(name, STR("uid:")) &&
		    num_parse_u64(str_from(name, 4), 0, UINT32_MAX, &uid) ==
			0 &&
		    check_member(g, (uid_t)uid, group, &member, NULL) == 0 &&
		    member)
			return true;
	}
	return group == NULL;
}

int
engine_count_approval(const struct engine *g, const struct live *l,
    const char *approver, struct change *c, bool *ret_enough, struct err *e)
{
	const unsigned need =
	    ruling_approvals(&l->a->classification, &g->o.set.policy);
	struct inquiry q = l->a->asking;

	if (need > q.need)
		q.need = need;
	if (is_among(q.approvers, q.approver_count, approver))
		return err_set(e, ERR_CONFLICT,
		    "you have allowed this already; it needs %u people",
		    q.need);
	if (q.approver_count == APPROVERS_MAX)
		return err_set(e, ERR_LIMIT, "too many approvals");
	q.approvers[q.approver_count++] = approver;
	*ret_enough = q.approver_count >= q.need &&
	    has_other_than_raisers(&q) &&
	    has_member(
		g, ruling_group(&l->a->classification, &g->o.set.policy), &q);
	c->has_asking = true;
	c->asking = q;
	return ERR_OK;
}

int
engine_record_approval(struct engine *g, struct change *c, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	const struct inquiry *q = &c->asking;
	struct jsonw w = jsonw_on(&body);
	int r;

	jsonw_object(&w);
	jsonw_kstr(&w, "approver", q->approvers[q->approver_count - 1]);
	if (c->proved)
		jsonw_kstr(&w, "proof", "passphrase");
	jsonw_kint(&w, "approvals", (int64_t)q->approver_count);
	jsonw_kint(&w, "needed", q->need);
	jsonw_end(&w);
	r = buf_done(&body, e);
	if (r == 0)
		r = engine_append(g, c, ROW_APPROVED, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_put_open(g, c, e);
	return r != 0 ? r : engine_push(g, c, e);
}

/* ---- to whom ---------------------------------------------------------------- */

static int
read_escalation(struct engine *g, const struct call *c, struct live *l,
    struct change *change, struct err *e)
{
	const char *to = call_field(c, "to");
	const char *why = call_field(c, "reason");
	struct arena *a = l->a->arena;
	struct inquiry q = l->a->asking;
	char raiser[APPROVER_MAX];

	engine_approver(c, raiser);
	if (to == NULL || strcmp(to, raiser) == 0)
		return err_set(e, ERR_INVALID,
		    "'to' names another person or a group, as in "
		    "\"uid:1001\" or \"group:security\"");
	if (strncmp(to, GROUP_PREFIX, strlen(GROUP_PREFIX)) == 0) {
		bool member;
		const int r = check_member(
		    g, c->uid, to + strlen(GROUP_PREFIX), &member, e);

		/* Raised to nobody it would wait for nobody. */
		if (r != 0)
			return r;
	}
	if (!is_among(q.raisers, q.raiser_count, raiser)) {
		if (q.raiser_count == APPROVERS_MAX)
			return err_set(
			    e, ERR_LIMIT, "this was raised too often");
		q.raisers[q.raiser_count++] = arena_strdup(a, raiser);
	}
	q.raised_to = arena_strdup(a, to);
	q.raised_why = why == NULL ? NULL : arena_strdup(a, why);
	change->has_asking = true;
	change->asking = q;
	/* It waits anew: those whom it was raised to have to come first. */
	change->has_deadline = true;
	change->deadline_ns =
	    g->o.env.boot_ns() + g->o.set.ask_timeout_ms * 1000000;
	return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

static int
escalate(struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct jsonw w = jsonw_on(&body);
	struct change change = {
		.live = l,
		.answer = ANSWER_CALL_DECISION,
		.call_id = c->id,
	};
	char raiser[APPROVER_MAX];
	int r;

	engine_approver(c, raiser);
	r = check_kin(g, c, l, e);
	if (r == 0)
		r = read_escalation(g, c, l, &change, e);
	if (r != 0)
		return r;
	jsonw_object(&w);
	jsonw_kstr(&w, "approver", raiser);
	jsonw_kstr(&w, "to", change.asking.raised_to);
	jsonw_kstr(&w, "reason", change.asking.raised_why);
	jsonw_end(&w);
	r = engine_append(g, &change, ROW_ESCALATED, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_put_open(g, &change, e);
	return r != 0 ? r : engine_push(g, &change, e);
}

void
engine_escalate(struct engine *g, const struct call *c)
{
	struct live *l = engine_to_answer(g, c);
	struct err why = ERR_INIT;

	if (l != NULL && escalate(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
}

/* ---- who looks -------------------------------------------------------------- */

void
engine_present(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	const int64_t now = g->o.env.boot_ns();
	char approver[APPROVER_MAX];
	struct looker *free_one = NULL;

	if (l == NULL)
		return;
	engine_approver(c, approver);
	for (size_t i = 0; i < LOOKERS_MAX; i++) {
		struct looker *one = &l->a->lookers[i];

		if (strcmp(one->name, approver) == 0) {
			free_one = one;
			break;
		}
		if (one->until_boot_ns <= now)
			free_one = one;
	}
	if (free_one != NULL) {
		memcpy(free_one->name, approver, sizeof(approver));
		free_one->until_boot_ns = now + PRESENT_NS;
	}
	engine_reply_json(g, c->id, 204, STR_NONE);
}

void
engine_present_over(struct live *l, int64_t now)
{
	for (size_t i = 0; i < LOOKERS_MAX; i++) {
		if (l->a->lookers[i].until_boot_ns <= now)
			l->a->lookers[i].name[0] = '\0';
	}
}
