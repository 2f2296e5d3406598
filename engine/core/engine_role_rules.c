/*
 * The engine's rules: where they come from, that they change, and those that
 * repositories bring along.
 * Runs in: engine.  Trusts: the supervisor.  Owns: nothing of its own.
 */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "engine_role_int.h"
#include "model/project.h"
#include "model/rule_state.h"

#define BOOT_BYTES_MAX ((size_t)64 << 10)

int
refusal_read(const struct ipc_msg *m, const char *otherwise, struct arena *a,
    struct refusal *ret, struct err *e)
{
	struct rec in = rec_of(m->payload);
	struct refusal got;
	int r;

	if (a == NULL)
		return err_nomem(e);
	got.ticket = rec_u64(&in);
	got.why = rec_cstr(&in, a);
	r = rec_done(&in, e);
	if (r != 0)
		return r;
	if (got.why == NULL)
		got.why = otherwise;
	*ret = got;
	return ERR_OK;
}

/* ---- repositories' rules ----------------------------------------------- */

int
engine_out_project(void *ctx, uint64_t ticket, uid_t uid, gid_t gid,
    const char *workspace, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(PATH_BYTES_MAX + 64);
	struct engine_process *p = ctx;
	int r;

	rec_put_u64(&body, ticket);
	rec_put_u32(&body, uid);
	rec_put_u32(&body, gid);
	rec_put_cstr(&body, workspace);
	r = buf_done(&body, e);
	return r != 0
	    ? r
	    : ipc_send(p->env->supervisor, ES_PROJECT, buf_str(&body), -1, e);
}

static void
on_record(void *ctx, uint64_t ticket, struct str record)
{
	struct engine_process *p = ctx;

	engine_project_read(p->engine, ticket, record);
}

static void
project_failed(struct engine_process *p, uint64_t ticket, const char *why)
{
	AUTO_BUF struct buf record = BUF_INIT(PROJECT_RECORD_MAX);

	project_put_problem(&record, why);
	engine_project_read(p->engine, ticket, buf_str(&record));
}

int
engine_on_project(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct engine_process *p = env->self;
	struct rec in = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&in);
	struct err why = ERR_INIT;
	const int r = rec_done(&in, e);

	if (r == 0 &&
	    readers_add(p->readers, ticket, TAKE_FD(m->fd), &why) != 0)
		project_failed(p, ticket, why.msg);
	return r;
}

int
engine_on_project_failed(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(CALL_ARENA_MAX);
	struct role_env *env = ctx;
	struct refusal f;
	const int r = refusal_read(m, "no reader could be started", a, &f, e);

	if (r == 0)
		project_failed(env->self, f.ticket, f.why);
	return r;
}

/* ---- rules that change ----------------------------------------------------- */

static void
watch_rules(struct engine_process *p)
{
	AUTO_BUF struct buf state = BUF_INIT(PATH_BYTES_MAX);

	for (size_t i = 0; i < p->rule_dir_count; i++)
		watch_dir(p->watch, p->rule_dirs[i].path);
	buf_printf(&state, "%s/%s", p->env->config->state_dir, RULE_STATE_DIR);
	watch_dir(p->watch, buf_cstr(&state));
}

void
engine_rules_loaded(
    void *ctx, const uint8_t digest[static SHA256_LEN], struct str archive)
{
	struct engine_process *p = ctx;
	struct err why = ERR_INIT;

	if (rule_state_save(p->env->config->state_dir, digest, archive, &why) !=
	    0)
		log_warn("rules",
		    "ignoring that they cannot be kept for a "
		    "rollback: %s",
		    why.msg);
}

/* What the state folder says of rules; what it said before stays on error. */
static int
read_state(
    struct engine_process *p, struct classifier_options *o, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(RULE_SET_BYTES_MAX * 2);
	struct rule_state s;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = rule_state_read(p->env->config->state_dir, a, &s, e);
	if (r != 0)
		return r;
	o->archive = s.set;
	o->off = s.off;
	o->off_count = s.off_count;
	o->candidate = s.candidate;
	/* The engine reads what it borrowed until the next time. */
	arena_free(p->state_arena);
	p->state_arena = TAKE_PTR(a);
	return ERR_OK;
}

/* The last good set stays when the new one does not load. */
static void
on_rules_changed(void *ctx)
{
	struct engine_process *p = ctx;
	struct classifier_options o = { .dirs = NULL };
	struct err why = ERR_INIT;

	/* A folder that was replaced is another one to watch. */
	watch_rules(p);
	if (read_state(p, &o, &why) != 0) {
		engine_rules_stay(p->engine, NULL, why.msg);
		return;
	}
	engine_set_rule_state(p->engine, &o);
	if (engine_reload(p->engine, NULL, &why) == 0)
		engine_commit(p->engine);
}

int
engine_on_not_reloaded(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(CALL_ARENA_MAX);
	struct role_env *env = ctx;
	struct engine_process *p = env->self;
	struct rec in = rec_of(m->payload);
	const char *why;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = rec_reason(&in, a, "", &why, e);
	if (r == 0)
		engine_settings_stay(p->engine, why);
	return r;
}

/* A default folder that is not there yet. Below /etc it can be read once it is,
 * as all of that can; the user's own the supervisor has made. */
static bool
is_missing(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

/* Folders of rules: which layer each belongs to, and what is read. */
static int
rule_dirs(struct engine_process *p, const struct config *c,
    struct classifier_options *o, struct err *e)
{
	struct rule_dir *dirs =
	    arena_array(p->arena, c->rule_dir_count + 1, sizeof(*dirs));

	o->dirs = dirs;
	for (size_t i = 0; dirs != NULL && i < c->rule_dir_count; i++) {
		struct rule_dir *d = &dirs[o->dir_count];

		if (p->path_count == PATHS_MAX - PATHS_OF_ITS_OWN)
			return err_set(e, ERR_LIMIT,
			    "more than %d folders of rules",
			    PATHS_MAX - PATHS_OF_ITS_OWN);
		d->path = arena_strdup(p->arena, c->rule_dirs[i].path);
		d->layer = c->rule_dirs[i].user    ? LAYER_USER
		    : c->rule_dirs[i].requirements ? LAYER_REQUIREMENTS
						   : LAYER_ORGANISATION;
		d->optional = c->rule_dirs[i].optional;
		o->dir_count++;
		if (d->path == NULL || (d->optional && is_missing(d->path)))
			continue;
		p->paths[p->path_count++] = (struct confine_path){
			.path = d->path,
			.access = CONFINE_READ,
		};
	}
	return arena_failed(p->arena) ? err_nomem(e) : ERR_OK;
}

int
engine_open_rules(
    struct engine_process *p, struct engine_options *o, struct err *e)
{
	const struct config *c = p->env->config;
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO_BUF struct buf text = BUF_INIT(BOOT_BYTES_MAX);
	int r;

	o->classifier_port = p->env->ports->classifier;
	o->classifier_options = (struct classifier_options){
		.policy = c->approval_policy,
		.reviewer = c->provider_count > 0 &&
		    c->approvals_reviewer == REVIEWER_AUTO &&
		    c->reviewer_mode == REVIEWER_ACTIVE,
		.check_owner = true,
		.may_cover = engine_settings_of(c).may_cover,
	};
	r = rule_dirs(p, c, &o->classifier_options, e);
	if (r != 0)
		return r;
	r = rule_state_make(c->state_dir, e);
	if (r == 0)
		r = read_state(p, &o->classifier_options, e);
	if (r != 0)
		return r;
	p->rule_dirs = o->classifier_options.dirs;
	p->rule_dir_count = o->classifier_options.dir_count;
	/* Before they are read: what changes while they are is not missed. */
	watch_rules(p);
	r = o->classifier_port->open(
	    &o->classifier_options, d, &o->classifier, e);
	diags_print(d, &text);
	if (text.len > 0)
		(void)!write(STDERR_FILENO, text.s, text.len);
	return r;
}

int
engine_open_readers(struct engine_process *p, struct err *e)
{
	struct loop *l = p->env->loop;
	struct err why = ERR_INIT;
	const int r = readers_new(l, on_record, p, &p->readers, e);

	if (r == 0 && watch_new(l, on_rules_changed, p, &p->watch, &why) != 0)
		log_warn("rules", "changes need a reload: %s", why.msg);
	return r;
}
