/*
 * The plan of an action, to be shown, and to be checked before it runs.
 * Runs in: engine.  Trusts: its caller.  Owns: nothing.
 */
#include <string.h>

#include "executor/action_plan.h"
#include "base/mem.h"
#include "executor/executor_int.h"
#include "sandbox/plan.h"
#include "sandbox/plan_credentials.h"

/* Accounts of the pool that have a run now, a bit each. */
static uint64_t
busy_accounts(const struct executor *x)
{
	uint64_t busy = 0;

	for (const struct started *s = x->runs; s != NULL; s = s->next) {
		for (size_t i = 0; i < x->elevation.online_count; i++) {
			if (s->account != 0 &&
			    s->account == x->elevation.online[i].uid)
				busy |= UINT64_C(1) << i;
		}
	}
	return busy;
}

/* All that is approved by its hash; *ret_plan lives in the arena. */
int
executor_make_plan(struct executor *x, const struct action *a,
    struct arena *arena, struct plan_ref *ret, struct plan **ret_plan,
    struct err *e)
{
	AUTO_BUF struct buf record = BUF_INIT(PLAN_BYTES_MAX);
	struct plan *p = NULL;
	struct plan_ref out = { .text = NULL };
	const struct action_plan_with with = {
		.profiles = x->profiles,
		.config = x->config,
		.elevation = &x->elevation,
		.busy = busy_accounts(x),
	};
	struct elevate_choice choice;
	int r = action_plan(a, &with, arena, &p, &choice, e);

	if (r != 0)
		return r;
	plan_encode(p, &record);
	r = buf_done(&record, e);
	if (r == 0)
		r = plan_hash(buf_str(&record), out.sha256, e);
	if (r != 0)
		return r;
	out.record =
	    str_n(arena_strndup(arena, record.s, record.len), record.len);
	out.output_bytes = p->limits.output_bytes;
	out.elevated = choice.elevated;
	out.account = choice.elevated ? choice.who.uid : 0;
	out.why_not =
	    choice.why_not == NULL ? NULL : arena_strdup(arena, choice.why_not);
	if (arena_failed(arena))
		return err_nomem(e);
	*ret = out;
	*ret_plan = p;
	return ERR_OK;
}

int
executor_plan(struct executor *x, const struct action *a, struct arena *arena,
    struct plan_ref *ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(PLAN_BYTES_MAX);
	struct plan *p = NULL;
	struct plan_ref out = { .text = NULL };
	int r = executor_make_plan(x, a, arena, &out, &p, e);

	if (r != 0)
		return r;
	plan_json(p, &text);
	r = buf_done(&text, e);
	if (r != 0)
		return r;
	out.text = arena_strndup(arena, text.s, text.len);
	buf_reset(&text);
	plan_network_text(p, &text);
	out.network = arena_strndup(arena, buf_cstr(&text), text.len);
	out.values =
	    plan_credentials_values(p->credentials, p->credential_count) > 0;
	out.credentials =
	    p->credential_count == 0 ? NULL : arena_strdup(arena, p->profile);
	if (arena_failed(arena))
		return err_nomem(e);
	*ret = out;
	return ERR_OK;
}
