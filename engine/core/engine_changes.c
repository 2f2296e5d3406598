/*
 * What a run on a copy of its workspace has changed: shown to a person, who
 * has all, some or none of it applied.
 * Runs in: engine.  Trusts: nothing of a request; of a launcher that it did
 * what it was told.  Owns: nothing.
 */
#include <string.h>

#include "engine_int.h"

#define BODY_MAX ((size_t)8 << 20)
#define ROW_BODY_MAX ((size_t)64 << 10)

static const char *const words[] = {
	[CHANGES_LIST] = "list",
	[CHANGES_ALL] = "all",
	[CHANGES_NONE] = "none",
	[CHANGES_SOME] = "some",
};

static enum changes_what
what_of(const char *word)
{
	for (unsigned i = CHANGES_LIST; i < ARRAY_LEN(words); i++) {
		if (word != NULL && strcmp(word, words[i]) == 0)
			return (enum changes_what)i;
	}
	return word == NULL ? CHANGES_LIST : CHANGES_INVALID;
}

/* One path a line. */
static int
read_paths(const struct call *c, struct arena *a, const char ***ret,
    size_t *ret_count, struct err *e)
{
	struct str rest = str_of(call_field(c, "paths"));
	const char **paths = arena_array(a, CHANGES_PATHS_MAX, sizeof(*paths));
	size_t n = 0;

	while (paths != NULL && rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		if (line.len == 0)
			continue;
		if (n == CHANGES_PATHS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d paths",
			    CHANGES_PATHS_MAX);
		paths[n] = arena_strndup(a, line.s, line.len);
		if (paths[n++] == NULL)
			return err_nomem(e);
	}
	*ret = paths;
	*ret_count = n;
	return paths == NULL ? err_nomem(e) : ERR_OK;
}

/* Durable before the workspace is touched, as everything that has effects. */
static int
record(struct engine *g, struct live *l, const struct call *c,
    enum changes_what what, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(ROW_BODY_MAX);
	struct change change = { .answer = ANSWER_CALL_NONE };
	struct jsonw w = jsonw_on(&body);
	int r;

	jsonw_object(&w);
	jsonw_kstr(&w, "type", "changes");
	jsonw_kstr(&w, "action", l->a->id);
	jsonw_kstr(&w, "apply", words[what]);
	jsonw_kint(&w, "by_uid", (int64_t)c->uid);
	if (call_field(c, "paths") != NULL)
		jsonw_kstr(&w, "paths", call_field(c, "paths"));
	jsonw_end(&w);
	r = buf_done(&body, e);
	if (r == 0)
		r = engine_append(
		    g, &change, ROW_EVENT, buf_str(&body), NULL, e);
	if (r == 0)
		r = engine_push(g, &change, e);
	if (r != 0)
		return r;
	engine_commit(g);
	return g->o.recorder_port->healthy(g->o.recorder, e) ? ERR_OK
	    : e->code != 0                                   ? (int)e->code
							     : ERR_SYS;
}

static int
ask(struct engine *g, const struct call *c, struct live *l, struct err *e)
{
	const enum changes_what what = what_of(call_field(c, "apply"));
	const char **paths = NULL;
	size_t count = 0;
	int r;

	if (g->o.executor_port == NULL || g->o.executor_port->changes == NULL)
		return err_set(e, ERR_SYS, "no executor is available");
	if (l->a->stage != STAGE_DONE)
		return err_set(e, ERR_CONFLICT,
		    "this action has not ended; read it again later");
	/* An answer in another form: nobody gives it to himself. */
	r = what == CHANGES_LIST ? ERR_OK
				 : engine_may_answer(g, c, l, false, e);
	if (r == 0)
		r = read_paths(c, l->a->arena, &paths, &count, e);
	if (r == 0 && (what == CHANGES_SOME) != (count > 0))
		r = err_set(e, ERR_INVALID,
		    "'paths' goes with 'apply': some, one path a line");
	if (r == 0 && what != CHANGES_LIST)
		r = record(g, l, c, what, e);
	if (r != 0)
		return r;
	return g->o.executor_port->changes(g->o.executor,
	    &(struct changes_request){ .action_id = l->a->id,
		.ticket = c->id,
		.what = what,
		.paths = paths,
		.path_count = count },
	    e);
}

void
engine_changes(struct engine *g, const struct call *c)
{
	struct live *l = engine_target(g, c);
	struct err why = ERR_INIT;

	if (l != NULL && ask(g, c, l, &why) != 0)
		engine_problem_err(g, c->id, &why);
}

void
engine_changed(void *ctx, uint64_t ticket, const struct changes_answer *a)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_MAX);
	struct engine *g = ctx;
	struct jsonw w = jsonw_on(&body);
	struct err why = ERR_INIT;

	if (a->failure != NULL) {
		(void)err_set(&why, a->code, "%s", a->failure);
		engine_problem_err(g, ticket, &why);
		return;
	}
	jsonw_object(&w);
	jsonw_kint(&w, "applied", (int64_t)a->applied);
	jsonw_key(&w, "changes");
	jsonw_raw(&w, a->json);
	jsonw_end(&w);
	if (body.failed != 0)
		engine_problem(
		    g, ticket, 413, "limit", "the changes are too many");
	else
		engine_reply_json(g, ticket, 200, buf_str(&body));
}
