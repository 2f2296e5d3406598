/*
 * The reporter's process: destinations on one side, the feed of the engine on
 * the other.
 * Runs in: reporter.  Trusts: rows of the engine; nothing of a destination.
 * Owns: its link to engine, the destinations.
 */
#include "reporter_role.h"

#include <assert.h>
#include <curl/curl.h>
#include <malloc.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "destination.h"
#include "sinks.h"
#include "web/limits.h"

#define MESSAGE_BYTES_MAX 512
#define CHECKPOINT_BYTES_MAX ((size_t)32 << 10)
#define PATHS_MAX 24
#define SYSCALLS_MAX 64
#define STOP_WITHIN_NS INT64_C(2000000000)
#define STOP_LOOK_MS 20

struct reporting;

struct feed_end {
	struct reporting *self;
	uint32_t feed;
	struct destination *d;
};

struct reporting {
	struct role_env *env;
	struct ipc *engine;
	struct sinks sinks;
	struct feed_end ends[SINKS_MAX];
	size_t count;
	struct loop_timer *stopping;
	int64_t stop_by_ns;
	struct confine_path paths[PATHS_MAX];
	size_t path_count;
	int syscalls[SYSCALLS_MAX];
	char file_dir[PATH_BYTES_MAX];
};

/* ---- words to the engine ---------------------------------------------------- */

static void
say(struct reporting *self, uint16_t type, const struct buf *body)
{
	if (self->engine != NULL && buf_done(body, NULL) == 0)
		(void)ipc_send(self->engine, type, buf_str(body), -1, NULL);
}

static void
on_ask(void *ctx, uint64_t seq, uint32_t count)
{
	AUTO_BUF struct buf body = BUF_INIT(MESSAGE_BYTES_MAX);
	const struct feed_end *end = ctx;

	rec_put_u32(&body, end->feed);
	rec_put_u64(&body, seq);
	rec_put_u32(&body, count);
	say(end->self, RE_FEED, &body);
}

static void
on_tell(void *ctx, const struct destination_state *s)
{
	AUTO_BUF struct buf body = BUF_INIT(MESSAGE_BYTES_MAX);
	const struct feed_end *end = ctx;

	rec_put_u32(&body, end->feed);
	rec_put_u64(&body, s->seq);
	rec_put_u64(&body, s->refused);
	rec_put_u64(&body, s->failures);
	rec_put_u64(&body, s->attested);
	rec_put_cstr(&body, s->why);
	say(end->self, RE_LAG, &body);
}

/* ---- words from the engine --------------------------------------------------- */

static struct destination *
destination_of(struct reporting *self, uint32_t feed, struct err *e)
{
	if (feed < self->count)
		return self->ends[feed].d;
	(void)err_set(e, ERR_INVALID, "there is no feed %u", feed);
	return NULL;
}

static int
on_cursor(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct reporting *self = ctx;
	struct rec in = rec_of(m->payload);
	const uint32_t feed = rec_u32(&in);
	const uint64_t seq = rec_u64(&in);
	struct destination *d;
	const int r = rec_done(&in, e);

	if (r != 0)
		return r;
	d = destination_of(self, feed, e);
	if (d == NULL)
		return ERR_INVALID;
	destination_link(d, seq);
	return ERR_OK;
}

static int
on_row(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct reporting *self = ctx;
	struct rec in = rec_of(m->payload);
	const uint32_t feeds = rec_u32(&in);
	const uint64_t seq = rec_u64(&in);
	const struct str json = rec_str(&in);
	json_t *row = NULL;
	int r = rec_done(&in, e);

	if (r == 0 && (feeds == 0 || feeds >> self->count != 0))
		r = err_set(e, ERR_INVALID, "there are no feeds %#x", feeds);
	if (r == 0)
		r = row_parse(seq, json, &row, e);
	if (r != 0)
		return r;
	for (size_t i = 0; i < self->count; i++) {
		if ((feeds & (1U << i)) != 0)
			destination_row(self->ends[i].d, seq, row, json.len);
	}
	json_decref(row);
	return ERR_OK;
}

static int
on_checkpoint(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct reporting *self = ctx;
	struct rec in = rec_of(m->payload);
	const uint64_t rows_attested = rec_u64(&in);
	const struct str json = rec_str(&in);
	int r = rec_done(&in, e);

	for (size_t i = 0; r == 0 && i < self->count; i++)
		r = destination_checkpoint(
		    self->ends[i].d, rows_attested, json, e);
	return r;
}

static const struct ipc_row rows[] = {
	{
	    .type = ER_CURSOR,
	    .len_max = MESSAGE_BYTES_MAX,
	    .handler = on_cursor,
	},
	{ .type = ER_ROW, .len_max = IPC_PAYLOAD_MAX, .handler = on_row },
	{
	    .type = ER_CHECKPOINT,
	    .len_max = CHECKPOINT_BYTES_MAX,
	    .handler = on_checkpoint,
	},
};

static void
unlink_all(struct reporting *self)
{
	for (size_t i = 0; i < self->count; i++)
		destination_unlink(self->ends[i].d);
}

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct reporting *self = ctx;

	ipc_free(i);
	self->engine = NULL;
	unlink_all(self);
	role_peer_closed(self->env, "engine", why);
}

static void
open_feeds(struct reporting *self)
{
	for (size_t i = 0; i < self->count; i++) {
		AUTO_BUF struct buf body = BUF_INIT(MESSAGE_BYTES_MAX);

		rec_put_u32(&body, self->ends[i].feed);
		rec_put_cstr(&body, self->sinks.items[i]->name);
		say(self, RE_OPEN, &body);
	}
}

static int
reporter_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	struct reporting *self = env->self;
	AUTO_FD int link = fd;
	int r;

	if (strcmp(peer, "engine") != 0)
		return err_set(
		    e, ERR_INVALID, "the reporter has no link to '%s'", peer);
	ipc_freep(&self->engine);
	unlink_all(self);
	r = ipc_new(env->loop, TAKE_FD(link), "engine", rows, ARRAY_LEN(rows),
	    self, on_engine_closed, &self->engine, e);
	if (r == 0)
		open_feeds(self);
	return r;
}

/* ---- life --------------------------------------------------------------------- */

static int
open_destinations(struct reporting *self, struct err *e)
{
	for (size_t i = 0; i < self->sinks.count; i++) {
		struct feed_end *end = &self->ends[i];
		const struct destination_options o = {
			.loop = self->env->loop,
			.sink = self->sinks.items[i],
			.ask = on_ask,
			.tell = on_tell,
			.ctx = end,
		};
		int r;

		assert(config_is_destination(self->sinks.items[i]->name));
		*end = (struct feed_end){ .self = self, .feed = (uint32_t)i };
		self->count = i + 1;
		r = destination_new(&o, &end->d, e);
		if (r != 0)
			return r;
	}
	return ERR_OK;
}

static int
reporter_open(struct role_env *env, struct err *e)
{
	struct reporting *self = mem_new(1, sizeof(*self));
	int r;

	if (self == NULL)
		return err_nomem(e);
	self->env = env;
	env->self = self;
	/* The resolver's threads share the one heap. */
	(void)mallopt(M_ARENA_MAX, 1);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SYS, "libcurl does not start");
	r = sinks_open(env->loop, env->config, &self->sinks, e);
	return r == 0 ? open_destinations(self, e) : r;
}

static void
add_path(struct reporting *self, const char *path, unsigned access)
{
	if (path != NULL && self->path_count < PATHS_MAX)
		self->paths[self->path_count++] = (struct confine_path){
			.path = path,
			.access = access,
		};
}

/* Beyond the network client's: the file of JSON lines, datagrams. */
static const int own_syscalls[] = {
	SYS_sendto, SYS_fdatasync, SYS_ftruncate, SYS_pread64,
#ifdef SYS_rename
	SYS_rename,
#endif
	SYS_renameat2, SYS_poll, SYS_ppoll, SYS_uname,
	SYS_memfd_create, /* large entries of the journal */
};

static int
reporter_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	struct reporting *self = env->self;
	const struct config *c = env->config;
	size_t n = 0;

	(void)e;
	for (size_t i = 0; i < web_path_count; i++)
		add_path(self, web_paths[i], CONFINE_READ);
	add_path(self, c->telemetry_ca_file, CONFINE_READ);
	for (unsigned i = 0; i < OTLP_SIGNALS; i++)
		add_path(self, c->otlp_ways[i].ca_file, CONFINE_READ);
	if (c->telemetry_file != NULL) {
		const struct str path = str_of(c->telemetry_file);
		const size_t len = str_rfind(path, '/');

		(void)snprintf(self->file_dir, sizeof(self->file_dir), "%.*s/",
		    (int)len, path.s);
		add_path(self, self->file_dir, CONFINE_READ | CONFINE_WRITE);
	}
	for (size_t i = 0; i < web_syscall_count && n < SYSCALLS_MAX; i++)
		self->syscalls[n++] = web_syscalls[i];
	for (size_t i = 0; i < ARRAY_LEN(own_syscalls) && n < SYSCALLS_MAX; i++)
		self->syscalls[n++] = own_syscalls[i];
	o->syscalls = self->syscalls;
	o->syscall_count = n;
	o->paths = self->paths;
	o->path_count = self->path_count;
	o->allow_connect = true;
	o->threads = true;
	return ERR_OK;
}

/* What is on its way may arrive, so that the next start does not send it
 * again. */
static void
on_stopping(void *ctx)
{
	struct reporting *self = ctx;
	bool sending = false;

	self->stopping = NULL;
	for (size_t i = 0; i < self->count; i++)
		sending = sending || destination_is_sending(self->ends[i].d);
	if (!sending || loop_now_ns() >= self->stop_by_ns ||
	    loop_after(self->env->loop, STOP_LOOK_MS, on_stopping, self,
		&self->stopping, NULL) != 0)
		role_stop(self->env);
}

static void
reporter_stop(struct role_env *env)
{
	struct reporting *self = env->self;

	self->stop_by_ns = loop_now_ns() + STOP_WITHIN_NS;
	on_stopping(self);
}

static void
reporter_close(struct role_env *env)
{
	struct reporting *self = env->self;

	if (self == NULL)
		return;
	if (self->stopping != NULL)
		loop_cancel(env->loop, self->stopping);
	for (size_t i = 0; i < self->count; i++)
		destination_free(self->ends[i].d);
	sinks_free(&self->sinks);
	ipc_free(self->engine);
	mem_freep(&self);
}

const struct role reporter_role = {
	.name = "reporter",
	.open = reporter_open,
	.limits = reporter_limits,
	.peer = reporter_peer,
	.stop = reporter_stop,
	.close = reporter_close,
};
