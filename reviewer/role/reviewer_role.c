/*
 * The reviewer's process around its reviews: links, keys, confinement.
 * Runs in: reviewer.  Trusts: the supervisor; the engine as far as records
 * are well-formed.  Owns: the keys.
 */
#include "reviewer_role.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "program.h"
#include "reviewer/policy.h"
#include "reviewing.h"
#include "web/limits.h"

#define QUESTION_BYTES_MAX ((size_t)4 << 20)
#define QUESTION_ARENA_MAX ((size_t)1 << 16)
#define ANSWER_BYTES_MAX ((size_t)64 << 10)
#define PATHS_MAX (PROVIDERS_MAX + 8)
/* What handshakes needed goes back soon; waiting needs little. */
#define TRIM_ABOVE (128 << 10)
#define TRIM_AFTER_MS 500
#define KEY_READ_MAX (KEY_BYTES_MAX + 2)

/* A key on its way: a file, or a pipe from a command. */
struct key_reader {
	struct reviewer_process *p;
	size_t provider;
	int fd; /* -1: none */
	size_t len;
	char bytes[KEY_READ_MAX];
};

struct reviewer_process {
	struct role_env *env;
	struct ipc *engine;
	struct programs *programs;
	struct reviewing *reviews;
	struct buf policy;
	struct key_reader keys[PROVIDERS_MAX];
	struct confine_path paths[PATHS_MAX];
	size_t path_count;
	struct loop_timer *trim; /* set while something may be given back */
};

/* ---- words to the engine -------------------------------------------------- */

static void
send_answer(void *ctx, const struct review_answer *a)
{
	AUTO_BUF struct buf body = BUF_INIT(ANSWER_BYTES_MAX);
	struct reviewer_process *p = ctx;
	struct err e = ERR_INIT;

	log_info("reviewed",
	    "id=%s outcome=%d cause=%s provider=%s ms=%lld attempts=%u",
	    a->action_id, (int)a->outcome, a->cause == NULL ? "" : a->cause,
	    a->provider == NULL ? "" : a->provider, (long long)a->latency_ms,
	    (unsigned)a->attempts);
	review_answer_encode(a, &body);
	if (p->engine == NULL)
		return;
	if (buf_done(&body, &e) != 0 ||
	    ipc_send(p->engine, RE_ANSWER, buf_str(&body), -1, &e) != 0)
		log_err("not-answered", "id=%s why=%s", a->action_id, e.msg);
}

static void
send_status(void *ctx, struct str json)
{
	AUTO_BUF struct buf body = BUF_INIT(REVIEW_STATUS_BYTES_MAX + 16);
	struct reviewer_process *p = ctx;

	rec_put_str(&body, json);
	if (p->engine != NULL)
		(void)ipc_send(p->engine, RE_STATUS, buf_str(&body), -1, NULL);
}

/* ---- words from the engine ------------------------------------------------ */

static void
on_trim(void *ctx)
{
	struct reviewer_process *p = ctx;

	p->trim = NULL;
	(void)malloc_trim(0);
}

static int
on_ask(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(QUESTION_ARENA_MAX);
	struct reviewer_process *p = ctx;
	struct review_question q;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = review_question_decode(m->payload, a, &q, e);
	if (r == 0)
		reviewing_ask(p->reviews, &q);
	if (r == 0 && p->trim == NULL)
		(void)loop_after(
		    p->env->loop, TRIM_AFTER_MS, on_trim, p, &p->trim, NULL);
	return r;
}

static int
on_cancel(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(QUESTION_ARENA_MAX);
	struct reviewer_process *p = ctx;
	struct rec in = rec_of(m->payload);
	const char *id;
	int r;

	if (a == NULL)
		return err_nomem(e);
	id = rec_cstr(&in, a);
	r = rec_done(&in, e);
	if (r == 0 && id != NULL)
		reviewing_cancel(p->reviews, id);
	return r;
}

static const struct ipc_row engine_rows[] = {
	{
	    .type = ER_ASK,
	    .len_max = QUESTION_BYTES_MAX,
	    .handler = on_ask,
	},
	{
	    .type = ER_CANCEL,
	    .len_max = 1024,
	    .handler = on_cancel,
	},
};

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct reviewer_process *p = ctx;

	role_peer_closed(p->env, "engine", why);
	ipc_free(i);
	p->engine = NULL;
}

static int
reviewer_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	struct reviewer_process *p = env->self;
	AUTO_FD int link = fd;
	int r;

	if (strcmp(peer, "engine") != 0)
		return err_set(
		    e, ERR_INVALID, "the reviewer has no link to '%s'", peer);
	ipc_freep(&p->engine);
	r = ipc_new(env->loop, TAKE_FD(link), "engine", engine_rows,
	    ARRAY_LEN(engine_rows), p, on_engine_closed, &p->engine, e);
	if (r == 0)
		reviewing_tell_again(p->reviews);
	return r;
}

/* ---- keys ------------------------------------------------------------------ */

static void
end_key(struct key_reader *k, bool complete)
{
	loop_forget(k->p->env->loop, k->fd);
	fd_closep(&k->fd);
	reviewing_key(k->p->reviews, k->provider,
	    complete ? str_n(k->bytes, k->len) : STR(""));
	explicit_bzero(k->bytes, sizeof(k->bytes));
	k->len = 0;
}

/* False once it has ended. */
static bool
read_key(struct key_reader *k)
{
	const ssize_t n =
	    read(k->fd, k->bytes + k->len, sizeof(k->bytes) - k->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n > 0)
		k->len += (size_t)n;
	if (n > 0 && k->len < sizeof(k->bytes))
		return true;
	end_key(k, n == 0);
	return false;
}

static void
on_key_bytes(void *ctx, int fd, unsigned events)
{
	struct key_reader *k = ctx;

	(void)fd;
	(void)events;
	while (read_key(k))
		;
}

/* A file is read at once, a pipe when its command has written. */
static int
on_key(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct reviewer_process *p = env->self;
	struct rec in = rec_of(m->payload);
	const uint32_t provider = rec_u32(&in);
	struct key_reader *k;
	int r = rec_done(&in, e);

	if (r == 0 && provider >= reviewing_provider_count(p->reviews))
		r = err_set(e, ERR_INTERNAL, "a key for no provider");
	if (r == 0)
		r = fdio_nonblock(m->fd, e);
	if (r != 0)
		return r;
	k = &p->keys[provider];
	if (k->fd >= 0)
		end_key(k, false);
	*k = (struct key_reader){
		.p = p,
		.provider = provider,
		.fd = TAKE_FD(m->fd),
	};
	/* epoll takes no files; reading one never waits. */
	if (loop_fd(env->loop, k->fd, LOOP_READ, on_key_bytes, k, NULL) != 0)
		on_key_bytes(k, k->fd, LOOP_READ);
	return ERR_OK;
}

/* ---- programs -------------------------------------------------------------- */

static int
on_program(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct reviewer_process *p = env->self;

	return programs_started(p->programs, m, e);
}

static int
on_program_ended(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct reviewer_process *p = env->self;

	return programs_ended(p->programs, m, e);
}

static const struct ipc_row supervisor_rows[] = {
	{
	    .type = SR_KEY,
	    .flags = IPC_FD,
	    .len_max = 4,
	    .handler = on_key,
	},
	{
	    .type = SR_PROGRAM,
	    .flags = IPC_FD,
	    .len_max = 8,
	    .handler = on_program,
	},
	{
	    .type = SR_PROGRAM_ENDED,
	    .len_max = 9,
	    .handler = on_program_ended,
	},
};

/* ---- life ------------------------------------------------------------------ */

static int
read_policy(struct reviewer_process *p, struct err *e)
{
	const struct config *c = p->env->config;
	AUTO_BUF struct buf site = BUF_INIT(POLICY_SITE_MAX + 1);
	AUTO_FD int fd = -1;
	int r = ERR_OK;

	if (c->reviewer_policy_file != NULL) {
		r = config_open_owned(c->reviewer_policy_file, false, &fd, e);
		if (r == 0)
			r = fdio_read_all(fd, &site, e);
		if (r != 0)
			return err_wrap(e, ERR_INVALID, "reviewer.policy_file");
	}
	return policy_build(buf_str(&site),
	    c->reviewer_policy_mode == REVIEWER_POLICY_REPLACE, &p->policy, e);
}

static int
open_reviews(struct reviewer_process *p, struct err *e)
{
	const struct reviewing_options o = {
		.loop = p->env->loop,
		.config = p->env->config,
		.programs = p->programs,
		.policy = buf_str(&p->policy),
		.answer = send_answer,
		.status = send_status,
		.ctx = p,
	};

	return reviewing_new(&o, &p->reviews, e);
}

static int
reviewer_open(struct role_env *env, struct err *e)
{
	struct reviewer_process *p = mem_new(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	env->self = p;
	p->env = env;
	p->policy = (struct buf)BUF_INIT(POLICY_BYTES_MAX);
	for (size_t i = 0; i < PROVIDERS_MAX; i++)
		p->keys[i].fd = -1;
	/* The resolver's threads share the one heap. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TRIM_THRESHOLD, TRIM_ABOVE);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SYS, "libcurl does not start");
	r = read_policy(p, e);
	if (r == 0)
		r = programs_new(env->loop, env->supervisor, &p->programs, e);
	return r != 0 ? r : open_reviews(p, e);
}

static void
add_path(struct reviewer_process *p, const char *path)
{
	if (path != NULL && p->path_count < PATHS_MAX)
		p->paths[p->path_count++] = (struct confine_path){
			.path = path,
			.access = CONFINE_READ,
		};
}

static int
reviewer_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	struct reviewer_process *p = env->self;

	(void)e;
	for (size_t i = 0; i < web_path_count; i++)
		add_path(p, web_paths[i]);
	for (size_t i = 0; i < env->config->provider_count; i++)
		add_path(p, env->config->providers[i].ca_file);
	o->syscalls = web_syscalls;
	o->syscall_count = web_syscall_count;
	o->paths = p->paths;
	o->path_count = p->path_count;
	o->allow_connect = true;
	o->threads = true;
	return ERR_OK;
}

static void
reviewer_close(struct role_env *env)
{
	struct reviewer_process *p = env->self;

	if (p == NULL)
		return;
	loop_cancel(env->loop, p->trim);
	reviewing_free(p->reviews);
	for (size_t i = 0; i < PROVIDERS_MAX; i++) {
		if (p->keys[i].fd >= 0)
			loop_forget(env->loop, p->keys[i].fd);
		fd_closep(&p->keys[i].fd);
		explicit_bzero(p->keys[i].bytes, sizeof(p->keys[i].bytes));
	}
	programs_free(p->programs);
	ipc_free(p->engine);
	buf_free(&p->policy);
	mem_freep(&p);
}

const struct role reviewer_role = {
	.name = "reviewer",
	.open = reviewer_open,
	.limits = reviewer_limits,
	.peer = reviewer_peer,
	.close = reviewer_close,
	.rows = supervisor_rows,
	.row_count = ARRAY_LEN(supervisor_rows),
};
