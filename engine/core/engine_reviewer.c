/*
 * Who answers reviews here, and how they are: for readyz, status and doctor.
 * Runs in: engine.  Trusts: nothing that the reviewer says but its form.
 * Owns: nothing.
 */
#include <jansson.h>

#include "engine_int.h"
#include "model/json_in.h"

int
engine_set_reviewer(struct engine *g, struct str json, struct err *e)
{
	json_auto_t *j = NULL;
	int r = json_in(json, &j, e);

	if (r == 0 && !json_is_object(j))
		r = err_set(e, ERR_INVALID, "a status is an object");
	if (r != 0)
		return r;
	buf_reset(&g->reviewer_json);
	buf_put_str(&g->reviewer_json, json);
	return ERR_OK;
}

void
engine_put_reviewer(const struct engine *g, struct jsonw *w)
{
	const struct ruling_policy *p = &g->o.set.policy;

	jsonw_key(w, "reviewer");
	jsonw_object(w);
	jsonw_kbool(w, "configured",
	    (p->provider && p->auto_review) || g->o.set.shadow);
	jsonw_kstr(w, "mode",
	    g->o.set.shadow                     ? "shadow"
		: p->provider && p->auto_review ? "active"
						: "off");
	jsonw_kbool(w, "there", g->reviewer_there);
	jsonw_kint(w, "under_way", g->reviews_out);
	jsonw_kint(w, "waiting", (int64_t)g->review_queue.count);
	jsonw_key(w, "state");
	if (g->reviewer_there && g->reviewer_json.len > 0)
		jsonw_raw(w, buf_str(&g->reviewer_json));
	else
		jsonw_null(w);
	jsonw_end(w);
}
