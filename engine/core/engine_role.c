/*
 * The engine's process: links to front, supervisor and reporter around the
 * pipeline. Opens the store and the rules, gives up the rest, then listens.
 * Runs in: engine.  Trusts: the supervisor; front only as far as records are
 * well-formed.  Owns: the store's one writing connection.
 */
#include "engine_role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "engine_reporter.h"
#include "engine_role_int.h"
#include "kin.h"
#include "whereabouts.h"

#define TICK_MS 200
#define CATCH_UP_MS 10
/* For destinations of the log, at the end. */
#define FAREWELL_NS INT64_C(1500000000)
#define FAREWELL_LOOK_MS 20
#define REVIEW_ANSWER_MAX ((size_t)64 << 10)
#define DIRS_ARENA_MAX ((size_t)1 << 20)

/* ---- words to front and supervisor ------------------------------------- */

static void
send_front(struct engine_process *p, uint16_t type, const struct buf *body)
{
	struct err why = ERR_INIT;

	if (p->front == NULL)
		return; /* its clients have been told by front itself */
	if (buf_done(body, &why) != 0 ||
	    ipc_send(p->front, type, buf_str(body), -1, &why) != 0)
		log_warn("front", "a reply was lost: %s", why.msg);
}

static void
out_reply(void *ctx, const struct reply *r)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	reply_encode(r, &body);
	send_front(ctx, EF_REPLY, &body);
}

static void
out_chunk(void *ctx, uint64_t call_id, struct str bytes)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	rec_put_u64(&body, call_id);
	rec_put_str(&body, bytes);
	send_front(ctx, EF_CHUNK, &body);
}

static void
out_end(void *ctx, uint64_t call_id)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);

	rec_put_u64(&body, call_id);
	send_front(ctx, EF_END, &body);
}

static void
out_launch(void *ctx, uint64_t ticket, uid_t uid, gid_t gid)
{
	AUTO_BUF struct buf body = BUF_INIT(64);
	struct engine_process *p = ctx;
	struct err why = ERR_INIT;

	rec_put_u64(&body, ticket);
	rec_put_u32(&body, uid);
	rec_put_u32(&body, gid);
	if (ipc_send(p->env->supervisor, ES_LAUNCH, buf_str(&body), -1, &why) !=
	    0)
		engine_launch_failed(p->engine, ticket, why.msg);
}

static void
out_end_launcher(void *ctx, uid_t uid, gid_t gid)
{
	AUTO_BUF struct buf body = BUF_INIT(64);
	const struct engine_process *p = ctx;

	rec_put_u32(&body, uid);
	rec_put_u32(&body, gid);
	(void)ipc_send(
	    p->env->supervisor, ES_END_LAUNCHER, buf_str(&body), -1, NULL);
}

static int
out_review(void *ctx, const struct review_question *q, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct engine_process *p = ctx;
	int r;

	if (p->reviewer == NULL)
		return err_set(e, ERR_SYS, "the reviewer is not there");
	review_question_encode(q, &body);
	r = buf_done(&body, e);
	if (r == 0)
		r = ipc_send(p->reviewer, ER_ASK, buf_str(&body), -1, e);
	return r;
}

static void
out_cancel_review(void *ctx, const char *action_id)
{
	AUTO_BUF struct buf body = BUF_INIT(IPC_PAYLOAD_MAX);
	struct engine_process *p = ctx;

	rec_put_cstr(&body, action_id);
	if (p->reviewer != NULL)
		(void)ipc_send(
		    p->reviewer, ER_CANCEL, buf_str(&body), -1, NULL);
}

static int
random_bytes(void *bytes, size_t len)
{
	return getrandom(bytes, len, 0) == (ssize_t)len ? 0 : -1;
}

/* ---- words from front --------------------------------------------------- */

static int
on_call(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(CALL_ARENA_MAX);
	struct engine_process *p = ctx;
	struct call c;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = call_decode(m->payload, a, &c, e);
	if (r != 0)
		return r;
	engine_call(p->engine, &c);
	return ERR_OK;
}

static int
on_gone(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct engine_process *p = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t call_id = rec_u64(&in);
	const int r = rec_done(&in, e);

	if (r == 0)
		engine_gone(p->engine, call_id);
	return r;
}

static int
on_taken(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct engine_process *p = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t call_id = rec_u64(&in), bytes = rec_u64(&in);
	const int r = rec_done(&in, e);

	if (r == 0)
		engine_taken(p->engine, call_id, bytes);
	return r;
}

static const struct ipc_row front_rows[] = {
	{
	    .type = FE_CALL,
	    .len_max = ACTION_BYTES_MAX + HTTP_HEAD_BYTES_MAX,
	    .handler = on_call,
	},
	{
	    .type = FE_GONE,
	    .len_max = 64,
	    .handler = on_gone,
	},
	{
	    .type = FE_TAKEN,
	    .len_max = 64,
	    .handler = on_taken,
	},
};

static void
front_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct engine_process *p = ctx;

	role_peer_closed(p->env, "front", why);
	engine_all_gone(p->engine);
	ipc_free(i);
	p->front = NULL;
}

static int
on_answer(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(CALL_ARENA_MAX);
	struct engine_process *p = ctx;
	struct review_answer answer;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = review_answer_decode(m->payload, a, &answer, e);
	if (r == 0)
		engine_reviewed(p->engine, &answer);
	return r;
}

static int
on_reviewer_status(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct engine_process *p = ctx;
	struct rec in = rec_of(m->payload);
	const struct str json = rec_str(&in);
	const int r = rec_done(&in, e);

	return r != 0 ? r : engine_set_reviewer(p->engine, json, e);
}

static const struct ipc_row reviewer_rows[] = {
	{
	    .type = RE_ANSWER,
	    .len_max = REVIEW_ANSWER_MAX,
	    .handler = on_answer,
	},
	{
	    .type = RE_STATUS,
	    .len_max = REVIEW_STATUS_BYTES_MAX + 16,
	    .handler = on_reviewer_status,
	},
};

static void
reviewer_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct engine_process *p = ctx;

	role_peer_closed(p->env, "reviewer", why);
	ipc_free(i);
	p->reviewer = NULL;
	engine_reviewer_gone(p->engine);
}

static void
reporter_closed(void *ctx, const struct err *why)
{
	struct engine_process *p = ctx;

	role_peer_closed(p->env, "reporter", why);
	reporter_link_free(p->reporter);
	p->reporter = NULL;
}

static bool
out_row(void *ctx, uint32_t feeds, uint64_t seq, struct str json)
{
	struct engine_process *p = ctx;

	return reporter_link_row(p->reporter, feeds, seq, json);
}

static bool
out_checkpoint(void *ctx, uint64_t rows, struct str json)
{
	struct engine_process *p = ctx;

	return reporter_link_checkpoint(p->reporter, rows, json);
}

static int
front_peer(struct engine_process *p, int fd, struct err *e)
{
	if (p->front != NULL)
		engine_all_gone(p->engine);
	ipc_freep(&p->front);
	return ipc_new(p->env->loop, fd, "front", front_rows,
	    ARRAY_LEN(front_rows), p, front_closed, &p->front, e);
}

static int
reviewer_peer(struct engine_process *p, int fd, struct err *e)
{
	int r;

	if (p->reviewer != NULL)
		engine_reviewer_gone(p->engine);
	ipc_freep(&p->reviewer);
	r = ipc_new(p->env->loop, fd, "reviewer", reviewer_rows,
	    ARRAY_LEN(reviewer_rows), p, reviewer_closed, &p->reviewer, e);
	if (r == 0)
		engine_reviewer_came(p->engine);
	return r;
}

static int
reporter_peer(struct engine_process *p, int fd, struct err *e)
{
	const struct reporter_link_options o = {
		.engine = p->engine,
		.closed = reporter_closed,
		.ctx = p,
	};

	reporter_link_free(p->reporter);
	p->reporter = NULL;
	engine_reporter_gone(p->engine);
	engine_feeds_forget(p->engine);
	return reporter_link_open(p->env->loop, fd, &o, &p->reporter, e);
}

static int
engine_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	static const struct {
		const char *name;
		int (*link)(struct engine_process *p, int fd, struct err *e);
	} peers[] = {
		{ "front", front_peer },
		{ "reviewer", reviewer_peer },
		{ "reporter", reporter_peer },
		{ "broker", engine_broker_peer },
	};
	AUTO_FD int link = fd;

	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		if (strcmp(peer, peers[i].name) == 0)
			return peers[i].link(env->self, TAKE_FD(link), e);
	}
	return err_set(e, ERR_INVALID, "the engine has no link to '%s'", peer);
}

/* ---- words from the supervisor ------------------------------------------ */

static int
on_launched(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct engine_process *p = env->self;
	struct rec in = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&in);
	const int r = rec_done(&in, e);

	if (r == 0)
		engine_launched(p->engine, ticket, TAKE_FD(m->fd));
	return r;
}

static int
on_launch_failed(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(CALL_ARENA_MAX);
	struct role_env *env = ctx;
	struct engine_process *p = env->self;
	struct refusal f;
	const int r = refusal_read(m, "it could not be started", a, &f, e);

	if (r == 0)
		engine_launch_failed(p->engine, f.ticket, f.why);
	return r;
}

static const struct ipc_row supervisor_rows[] = {
	{
	    .type = SE_PROJECT,
	    .flags = IPC_FD,
	    .len_max = 64,
	    .handler = engine_on_project,
	},
	{
	    .type = SE_PROJECT_FAILED,
	    .len_max = 4096,
	    .handler = engine_on_project_failed,
	},
	{
	    .type = SE_LAUNCHED,
	    .flags = IPC_FD,
	    .len_max = 64,
	    .handler = on_launched,
	},
	{
	    .type = SE_LAUNCH_FAILED,
	    .len_max = 4096,
	    .handler = on_launch_failed,
	},
	{
	    .type = SE_NOT_RELOADED,
	    .len_max = 4096,
	    .handler = engine_on_not_reloaded,
	},
};

static int
engine_status(struct role_env *env, struct str json, bool all_up, struct err *e)
{
	struct engine_process *p = env->self;

	(void)e;
	engine_set_roles(p->engine, json, all_up);
	return ERR_OK;
}

/* ---- life ---------------------------------------------------------------- */

static void on_idle(void *ctx);

static void
on_catch_up(void *ctx)
{
	struct engine_process *p = ctx;

	p->catch_up = NULL;
	on_idle(p);
}

/* Calls come between the turns of a reader who is far behind. */
static void
on_idle(void *ctx)
{
	struct engine_process *p = ctx;

	engine_commit(p->engine);
	if (p->catch_up == NULL && engine_events_catch_up(p->engine))
		(void)loop_after(p->env->loop, CATCH_UP_MS, on_catch_up, p,
		    &p->catch_up, NULL);
}

static void
on_tick(void *ctx)
{
	struct engine_process *p = ctx;
	struct err why = ERR_INIT;

	engine_tick(p->engine);
	if (loop_after(p->env->loop, TICK_MS, on_tick, p, &p->tick, &why) != 0)
		log_err("tick", "deadlines are not watched: %s", why.msg);
}

/* What no workspace may hold or be: the daemon's folders and its rules. */
static int
own_dirs(struct engine_process *p, const struct config *c,
    const struct classifier_options *rules, struct err *e)
{
	const char *dirs[PATHS_MAX] = { c->state_dir, c->runtime_dir };
	size_t count = 2;

	for (size_t i = 0; i < rules->dir_count && count < PATHS_MAX; i++)
		dirs[count++] = rules->dirs[i].path;
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *real = realpath(dirs[i], NULL);
		const char *copy =
		    arena_strdup(p->arena, real == NULL ? dirs[i] : real);

		if (copy == NULL)
			return err_nomem(e);
		p->own_dirs[p->own_dir_count++] = copy;
	}
	return ERR_OK;
}

static int
open_pipeline(struct engine_process *p, struct err *e)
{
	const struct config *c = p->env->config;
	struct engine_options o = {
		.recorder_port = p->env->ports->recorder,
		.recorder = p->recorder,
		.executor_port = p->env->ports->executor,
		.reviewer_port = p->env->ports->reviewer,
		.out = {
			.ctx = p,
			.reply = out_reply,
			.chunk = out_chunk,
			.end = out_end,
			.launch = out_launch,
		.end_launcher = out_end_launcher,
			.review = out_review,
			.cancel_review = out_cancel_review,
			.row = out_row,
			.checkpoint = out_checkpoint,
			.project = engine_out_project,
			.loaded = engine_rules_loaded,
			.broker_run = engine_out_broker_run,
			.broker_verdict = engine_out_broker_verdict,
		},
		.env = {
			.boot_ns = loop_now_ns,
			.real_ns = loop_realtime_ns,
			.random = random_bytes,
			.home = whereabouts_home,
			.in_group = whereabouts_in_group,
			.check_place = whereabouts_check,
			.boot_id = p->boot_id,
			.answers_itself = kin_answers_itself,
			.meet = kin_meet,
		},
		.set = engine_settings_of(c),
	};
	int r;

	engine_read_boot_id(p->boot_id);
	r = engine_open_rules(p, &o, e);
	if (r != 0)
		return r;
	r = own_dirs(p, c, &o.classifier_options, e);
	o.own_dirs = p->own_dirs;
	o.own_dir_count = p->own_dir_count;
	if (r == 0)
		r = engine_new(&o, &p->engine, e);
	if (r != 0) {
		o.classifier_port->close(o.classifier);
		return r;
	}
	engine_keep_rules(p->engine);
	if (o.executor_port == NULL)
		return engine_recover(p->engine, e);
	r = o.executor_port->open(
	    p->env->loop, &engine_executor_events, p->engine, &p->executor, e);
	if (r != 0)
		return r;
	engine_set_executor(p->engine, p->executor);
	if (o.executor_port->configure != NULL)
		r = o.executor_port->configure(p->executor, c, e);
	return r != 0 ? r : engine_recover(p->engine, e);
}

static int
engine_open(struct role_env *env, struct err *e)
{
	struct engine_process *p = mem_new(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	env->self = p;
	p->env = env;
	p->arena = arena_new(DIRS_ARENA_MAX);
	if (p->arena == NULL)
		return err_nomem(e);
	r = engine_open_readers(p, e);
	if (r == 0)
		r = env->ports->recorder->open(
		    env->config->state_dir, &p->recorder, e);
	if (r == 0)
		r = open_pipeline(p, e);
	if (r != 0)
		return r;
	loop_idle(env->loop, on_idle, p);
	return loop_after(env->loop, TICK_MS, on_tick, p, &p->tick, e);
}

static int
engine_reload_role(
    struct role_env *env, const struct config *now, struct err *e)
{
	struct engine_process *p = env->self;
	const struct engine_settings s = engine_settings_of(now);
	const struct executor_port *x = env->ports->executor;
	const bool has_profiles = p->executor != NULL && x->configure != NULL;
	int r = ERR_OK;

	if (has_profiles)
		r = x->configure(p->executor, now, e);
	if (r != 0) {
		engine_settings_stay(p->engine, e->msg);
		return r;
	}
	r = engine_reload_settings(p->engine, &s, e);
	/* Rules that do not load: the profiles of before, too. */
	if (r != 0 && has_profiles)
		(void)x->configure(p->executor, env->config, NULL);
	return r;
}

/* The log's last rows and their signature reach those who take them: whoever
 * cuts them off the files later cannot take that back. */
static void
on_farewell(void *ctx)
{
	struct engine_process *p = ctx;

	p->farewell = NULL;
	if (!engine_farewell(p->engine) && p->reporter != NULL &&
	    loop_now_ns() < p->stop_by_ns &&
	    loop_after(p->env->loop, FAREWELL_LOOK_MS, on_farewell, p,
		&p->farewell, NULL) == 0)
		return;
	role_stop(p->env);
}

static void
engine_stop(struct role_env *env)
{
	struct engine_process *p = env->self;

	p->stop_by_ns = loop_now_ns() + FAREWELL_NS;
	on_farewell(p);
}

static void
engine_close(struct role_env *env)
{
	struct engine_process *p = env->self;

	if (p == NULL)
		return;
	if (p->tick != NULL)
		loop_cancel(env->loop, p->tick);
	if (p->catch_up != NULL)
		loop_cancel(env->loop, p->catch_up);
	loop_cancel(env->loop, p->farewell);
	ipc_freep(&p->front);
	reporter_link_free(p->reporter);
	ipc_freep(&p->reviewer);
	ipc_freep(&p->broker);
	readers_free(p->readers);
	watch_free(p->watch);
	if (p->executor != NULL)
		env->ports->executor->close(p->executor);
	engine_free(p->engine);
	if (p->recorder != NULL)
		env->ports->recorder->close(p->recorder);
	arena_free(p->state_arena);
	arena_free(p->arena);
	mem_freep(&env->self);
}

const struct role engine_role = {
	.name = "engine",
	.secrets = SECRETS_OF_ENGINE,
	.open = engine_open,
	.limits = engine_limits,
	.peer = engine_peer,
	.status = engine_status,
	.reload = engine_reload_role,
	.stop = engine_stop,
	.close = engine_close,
	.rows = supervisor_rows,
	.row_count = ARRAY_LEN(supervisor_rows),
};
