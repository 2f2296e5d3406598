/*
 * What other rules would change: recorded calls, judged by the set in force
 * and by one that is only tried. Nothing is changed, and nothing is counted.
 * Runs in: engine.  Trusts: nothing of a request.  Owns: nothing beyond it.
 */
#include <stdlib.h>
#include <string.h>

#include "engine_walk.h"
#include "model/decision_matrix.h"

#define BODY_MAX ((size_t)4 << 20)
#define FLIPS_MAX 50 /* told; all are counted */
#define TEXT_MAX 2000 /* of a call, in bytes */

struct flip {
	char id[ACTION_ID_MAX];
	char *text, *from_rule, *to_rule; /* owned; rules may be NULL */
	int64_t time_real_ns;
	enum decision from, to;
};

struct trial {
	struct engine *g;
	struct classifier *from, *to;
	struct decision_matrix matrix;
	struct flip flips[FLIPS_MAX]; /* from deny to allow first */
	size_t flip_count;
};

static void
flip_done(struct flip *f)
{
	free(f->text);
	free(f->from_rule);
	free(f->to_rule);
}

static void
trial_done(struct trial *t)
{
	for (size_t i = 0; i < t->flip_count; i++)
		flip_done(&t->flips[i]);
	t->g->o.classifier_port->close(t->from);
	t->g->o.classifier_port->close(t->to);
}

/* From deny to allow first, then less and less loosened; newer before older,
 * which is how they come. */
static bool
comes_before(enum decision from, enum decision to, const struct flip *f)
{
	const int by = (int)from - (int)to;
	const int its = (int)f->from - (int)f->to;

	return by != its ? by > its : from > f->from;
}

static char *
copy_of(const char *text, size_t max)
{
	return text == NULL ? NULL : mem_strndup(text, strnlen(text, max));
}

static void
keep_flip(struct trial *t, const struct action *a, int64_t time_ns,
    const struct classification *from, const struct classification *to)
{
	size_t at = t->flip_count;

	while (at > 0 &&
	    comes_before(from->decision, to->decision, &t->flips[at - 1]))
		at--;
	if (at == FLIPS_MAX)
		return;
	if (t->flip_count == FLIPS_MAX)
		flip_done(&t->flips[--t->flip_count]);
	memmove(&t->flips[at + 1], &t->flips[at],
	    (t->flip_count - at) * sizeof(t->flips[0]));
	t->flip_count++;
	t->flips[at] = (struct flip){
		.text = copy_of(to->display, TEXT_MAX),
		.from_rule = copy_of(from->rule.id, TEXT_MAX),
		.to_rule = copy_of(to->rule.id, TEXT_MAX),
		.time_real_ns = time_ns,
		.from = from->decision,
		.to = to->decision,
	};
	memcpy(t->flips[at].id, a->id, sizeof(a->id));
}

/* Both by private sets: what the one in force counts is of real calls. */
static int
on_call(void *ctx, struct action *a, int64_t time_ns, struct err *e)
{
	struct classification from = { 0 }, to = { 0 };
	struct trial *t = ctx;
	const struct classifier_port *port = t->g->o.classifier_port;
	int r;

	a->contained = engine_is_contained(t->g, a);
	r = port->classify(t->from, a, a->arena, &from, e);
	if (r == 0)
		r = port->classify(t->to, a, a->arena, &to, e);
	if (r != 0)
		return r;
	t->matrix.n[from.decision][to.decision]++;
	if (from.decision != to.decision)
		keep_flip(t, a, time_ns, &from, &to);
	return ERR_OK;
}

/* ---- the answer ---------------------------------------------------------- */

static void
put_flips(const struct trial *t, struct jsonw *w)
{
	jsonw_key(w, "changes");
	jsonw_array(w);
	for (size_t i = 0; i < t->flip_count; i++) {
		const struct flip *f = &t->flips[i];

		jsonw_object(w);
		jsonw_kstr(w, "id", f->id);
		jsonw_kstr(w, "text", f->text);
		jsonw_key(w, "proposed_at");
		jsonw_time(w, f->time_real_ns);
		jsonw_kstr(w, "from", decision_name(f->from));
		jsonw_kstr(w, "to", decision_name(f->to));
		jsonw_kstr(w, "from_rule", f->from_rule);
		jsonw_kstr(w, "to_rule", f->to_rule);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
answer(struct trial *t, const struct call *c, struct str warnings)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct walk walk = {
		.g = t->g, .questions = true, .fn = on_call, .ctx = t
	};
	struct jsonw w = jsonw_on(&body);
	uint8_t digest[SHA256_LEN];

	engine_walk(&walk);
	t->g->o.classifier_port->digest(t->to, digest);
	jsonw_object(&w);
	jsonw_key(&w, "policy_sha256");
	jsonw_hex(&w, t->g->policy_sha256, SHA256_LEN);
	jsonw_key(&w, "preview_sha256");
	jsonw_hex(&w, digest, SHA256_LEN);
	jsonw_key(&w, "warnings");
	jsonw_raw(&w, warnings);
	engine_walk_json(&walk, &w);
	decision_matrix_json(&t->matrix, &w);
	put_flips(t, &w);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(
		    t->g, c->id, 413, "limit", "the preview is too long");
	else
		engine_reply_json(t->g, c->id, 200, buf_str(&body));
}

/* ---- the two sets --------------------------------------------------------- */

/* The set in force, as it was loaded: the files may have changed since. */
static struct classifier_options
in_force(struct engine *g)
{
	struct classifier_options o = g->o.classifier_options;

	o.dirs = NULL;
	o.dir_count = 0;
	o.candidate = NULL;
	o.archive = g->o.classifier_port->archive(g->classifier);
	return o;
}

static int
open_both(struct trial *t, const struct call *c, struct diags *d, struct err *e)
{
	const struct classifier_port *port = t->g->o.classifier_port;
	struct classifier_options o = in_force(t->g);
	const char *text = call_field(c, "rules");
	const char *place = call_field(c, "place");
	int r = port->open(&o, NULL, &t->from, e);

	if (r != 0)
		return r;
	if (text == NULL)
		o.trial_dir = t->g->o.classifier_options.candidate;
	else
		o.trial_text = str_of(text);
	o.trial_adds = place != NULL && strcmp(place, "beside") == 0;
	return port->open(&o, d, &t->to, e);
}

/* Why there is nothing to try, or NULL. */
static const char *
refusal(struct engine *g, const struct call *c)
{
	const bool text = call_field(c, "rules") != NULL;
	const bool set = call_field(c, "set") != NULL;

	if (g->o.classifier_port->archive == NULL)
		return "these rules have no language";
	if (text == set)
		return "give 'rules', the text of a rule file, or 'set'";
	if (set && g->o.classifier_options.candidate == NULL)
		return "there is no candidate; 'assent rules shadow --try DIR' "
		       "makes one";
	return NULL;
}

void
engine_rules_preview(struct engine *g, const struct call *c)
{
	AUTO_BUF struct buf found = BUF_INIT(BODY_MAX);
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(trial_done) struct trial t = { .g = g };
	struct jsonw w = jsonw_on(&found);
	struct err why = ERR_INIT;
	const char *not_now = refusal(g, c);
	int r;

	if (not_now != NULL) {
		engine_problem(g, c->id, 400, "invalid", not_now);
		return;
	}
	engine_commit(g);
	r = open_both(&t, c, d, &why);
	diags_json(d, &w);
	if (r == ERR_INVALID)
		engine_rules_invalid(g, c->id, why.msg, buf_str(&found));
	else if (r != 0)
		engine_problem_err(g, c->id, &why);
	else
		answer(&t, c, buf_str(&found));
}
