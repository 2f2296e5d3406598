/*
 * The reviewer's process: whether it is wanted, its keys, its programs.
 * Runs in: supervisor.  Trusts: the configuration.  Owns: the helpers.
 */
#include "supervisor_int.h"

bool
supervisor_is_wanted(const struct supervisor *s, const struct child *c)
{
	return c->role->wanted == NULL || c->role->wanted(s->config);
}

static bool
wants_reviewer(const struct supervisor *s, const struct config *c)
{
	for (size_t i = 0; i < s->child_count; i++) {
		const struct role *r = s->children[i].role;

		if (r->takes_keys && r->wanted != NULL && r->wanted(c))
			return true;
	}
	return false;
}

int
supervisor_review_check(
    struct supervisor *s, const struct config *now, struct err *e)
{
	return wants_reviewer(s, now) ? review_helpers_check(s->review, now, e)
				      : ERR_OK;
}

/* The environment is read once, before any role is started. */
int
supervisor_review_open(struct supervisor *s, struct err *e)
{
	int r = review_helpers_new(s->loop, &s->review, e);

	if (r == 0 && wants_reviewer(s, s->config))
		r = review_helpers_take_environment(s->review, s->config, e);
	return r != 0 ? r : supervisor_review_check(s, s->config, e);
}

static struct review_identity
identity_of(const struct child *c)
{
	return (struct review_identity){
		.set = c->has_user,
		.uid = c->uid,
		.gid = c->gid,
	};
}

void
supervisor_review_send_keys(struct child *c)
{
	const struct review_identity who = identity_of(c);

	if (c->link != NULL)
		review_helpers_send_keys(
		    c->s->review, c->s->config, &who, c->link);
}

int
supervisor_on_program(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct child *c = ctx;
	const struct review_identity who = identity_of(c);

	return review_helpers_program(c->s->review, c->s->config, &who, m, e);
}

int
supervisor_on_program_done(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct child *c = ctx;

	return review_helpers_program_done(c->s->review, m, e);
}
