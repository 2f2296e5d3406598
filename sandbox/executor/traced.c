/*
 * Add the place in a trace to a plan that was checked already.
 * Runs in: engine.  Trusts: the record, which is the engine's own.
 * Owns: nothing.
 */
#include "executor/traced.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/trace.h"
#include "sandbox/plan.h"

#define TRACED_ARENA ((size_t)32 << 20)
#define NAME "TRACEPARENT="

static int
add_variable(struct plan *p, const char *value, struct arena *a, struct err *e)
{
	const char **env = arena_array(a, p->env_count + 2, sizeof(*env));
	char text[sizeof(NAME) + TRACEPARENT_LEN];

	for (size_t i = 0; i < p->env_count; i++) {
		if (strncmp(p->env[i], NAME, sizeof(NAME) - 1) == 0)
			return ERR_OK;
	}
	(void)snprintf(text, sizeof(text), NAME "%s", value);
	if (env == NULL)
		return err_nomem(e);
	if (p->env_count > 0)
		memcpy(env, p->env, p->env_count * sizeof(*env));
	env[p->env_count] = arena_strdup(a, text);
	if (env[p->env_count] == NULL)
		return err_nomem(e);
	p->env = env;
	p->env_count++;
	return ERR_OK;
}

int
traced_record(
    const struct action *a, struct str record, struct buf *out, struct err *e)
{
	AUTO(arena_freep) struct arena *arena = NULL;
	struct plan *p = NULL;
	int r;

	if (a->run_traceparent == NULL) {
		buf_put_str(out, record);
		return buf_done(out, e);
	}
	arena = arena_new(TRACED_ARENA);
	if (arena == NULL)
		return err_nomem(e);
	r = plan_decode(record, arena, &p, e);
	if (r == 0)
		r = add_variable(p, a->run_traceparent, arena, e);
	if (r != 0)
		return r;
	plan_encode(p, out);
	return buf_done(out, e);
}
