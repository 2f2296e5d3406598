/*
 * Serve the engine: its messages to their runs, and what these say to it.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the engine's plans; nothing that comes from a run.
 * Owns: its runs (lrun.c).
 */
#include "launcher/launcher.h"

#include <malloc.h>
#include <signal.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "launcher/held.h"
#include "launcher/look.h"
#include "launcher/lrun.h"
#include "launcher/pool.h"
#include "start/ctl.h"
#include "start/run.h"
#include "proto.h"
#include "sandbox/proxy_proto.h"
#include "sys.h"

#define RUNS_MAX 256
#define NET_VERDICT_ARENA ((size_t)32 << 10)
#define ENDING_MAX 2048 /* answered, and the kernel still clears up */
#define KEEP_BYTES (1 << 20)
#define SWEEP_AGAIN_MS 2000

static struct lrun *
find(const struct launcher *l, uint64_t number)
{
	for (struct lrun *r = l->runs; r != NULL; r = r->next) {
		if (r->number == number)
			return r;
	}
	return NULL;
}

/* Events of the batch in which the engine's link broke still come. */
int
launcher_tell(
    struct launcher *l, uint16_t type, const struct buf *b, struct err *e)
{
	const int r = buf_done(b, e);

	if (r != 0)
		return r;
	if (l->engine == NULL)
		return err_set(e, ERR_CONFLICT, "the engine has gone");
	return ipc_send(l->engine, type, buf_str(b), -1, e);
}

void
launcher_send_ended(
    struct launcher *l, uint64_t number, const struct outcome *o)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_ENDED_BYTES);
	struct err e = ERR_INIT;

	rec_put_u64(&b, number);
	proto_outcome_put(&b, o);
	if (launcher_tell(l, LX_ENDED, &b, &e) != 0) {
		log_err("run-lost", "why=%s", e.msg);
		l->over = true;
		loop_stop(l->loop);
	}
}

static void
send_failed(struct launcher *l, uint64_t number, const char *why)
{
	const struct outcome o = { .exit = -1, .failure = why };

	launcher_send_ended(l, number, &o);
}

/* The processes of a launcher that was killed are on their way out when the
 * next one begins: their groups can go a little later. */
static void
sweep_again(void *ctx)
{
	struct launcher *l = ctx;

	l->sweep = NULL;
	cgroup_sweep(&l->groups);
}

/* Not at the start: who started us moves us to our own group first. */
static void
find_groups(struct launcher *l)
{
	if (l->knows_groups)
		return;
	l->knows_groups = true;
	cgroup_find(&l->groups);
	(void)loop_after(
	    l->loop, SWEEP_AGAIN_MS, sweep_again, l, &l->sweep, NULL);
	if (l->groups.why[0] != '\0')
		log_info("control-groups", "why=%s", l->groups.why);
}

static int
on_broker(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	struct rec rec = rec_of(m->payload);
	const uint64_t number = rec_u64(&rec);
	const int code = rec_done(&rec, e);

	if (code != 0)
		return code;
	if (l->broker_count == BROKERS_WAITING_MAX)
		return err_set(e, ERR_INTERNAL, "brokers without runs");
	l->brokers[l->broker_count++] = (struct broker_waiting){
		.number = number,
		.fd = TAKE_FD(m->fd),
	};
	return ERR_OK;
}

static int
take_broker(struct launcher *l, uint64_t number)
{
	for (size_t i = 0; i < l->broker_count; i++) {
		const struct broker_waiting b = l->brokers[i];

		if (b.number != number)
			continue;
		l->brokers[i] = l->brokers[--l->broker_count];
		return b.fd;
	}
	return -1;
}

static int
on_run(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	struct rec rec = rec_of(m->payload);
	const uint64_t number = rec_u64(&rec);
	const struct str record = rec_str(&rec);
	AUTO_FD int broker = take_broker(l, number);
	struct err why = ERR_INIT;
	struct lrun *r;
	char *kept;
	int code = rec_done(&rec, e);

	if (code != 0)
		return code;
	if (find(l, number) != NULL)
		return err_set(e, ERR_INVALID, "a run number is used twice");
	r = l->run_count >= RUNS_MAX || l->ending >= ENDING_MAX
	    ? NULL
	    : lrun_new(l, number);
	if (r == NULL) {
		send_failed(l, number, "too many runs at the same time");
		return ERR_OK;
	}
	kept = arena_strndup(r->arena, record.s, record.len);
	if (kept == NULL)
		return err_nomem(e);
	r->record = str_n(kept, record.len);
	r->broker = TAKE_FD(broker);
	/* A plan that cannot be read is a broken engine: the link ends. */
	code = lrun_read_plan(r, e);
	if (code != 0)
		return code;
	find_groups(l);
	if (lrun_begin(r, &why) != 0) {
		lrun_free(r);
		send_failed(l, number, why.msg);
		return ERR_OK;
	}
	pool_used(l->pool, r->prepared ? NULL : r->plan, r->record);
	return ERR_OK;
}

static int
on_stdin(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct rec rec = rec_of(m->payload);
	const uint64_t number = rec_u64(&rec);
	const struct str bytes = rec_str(&rec);
	const int code = rec_done(&rec, e);
	struct lrun *r;

	if (code != 0)
		return code;
	r = find(ctx, number);
	if (r != NULL)
		lrun_add_input(r, bytes);
	return ERR_OK;
}

static int
on_signal(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	struct rec rec = rec_of(m->payload);
	struct lrun *r = find(l, rec_u64(&rec));
	const uint32_t signo = rec_u32(&rec);
	const int code = rec_done(&rec, e);
	const struct ctl c = { .type = CTL_SIGNAL, .code = (int32_t)signo };

	if (code != 0 || r == NULL || lrun_type_signal(r, signo))
		return code;
	r->spoken = true;
	if (signo == SIGKILL)
		lrun_kill(r);
	else
		(void)ctl_send(r->run.ctl, &c);
	return ERR_OK;
}

static int
on_taken(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct rec rec = rec_of(m->payload);
	struct lrun *r = find(ctx, rec_u64(&rec));
	const uint64_t bytes = rec_u64(&rec);
	const int code = rec_done(&rec, e);

	if (code == 0 && r != NULL)
		lrun_taken(r, bytes);
	return code;
}

static int
on_resize(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct rec rec = rec_of(m->payload);
	struct lrun *r = find(ctx, rec_u64(&rec));
	const uint32_t rows = rec_u32(&rec), columns = rec_u32(&rec);
	const int code = rec_done(&rec, e);

	if (code != 0 || r == NULL || !r->plan->tty)
		return code;
	r->rows = (uint16_t)rows;
	r->columns = (uint16_t)columns;
	lrun_resize(r);
	return ERR_OK;
}

static int
on_changes(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	AUTO_BUF struct buf answer = BUF_INIT(2 * PROTO_CHANGES_BYTES);
	const int r = held_answer(&l->held, m->payload, &answer, e);

	return r == 0 ? launcher_tell(l, LX_CHANGES, &answer, e) : r;
}

static int
on_look(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher *l = ctx;
	AUTO_BUF struct buf answer = BUF_INIT(PROTO_LOOK_BYTES);
	const int r = look_answer(m->payload, &answer, e);

	return r == 0 ? launcher_tell(l, LX_LOOKED, &answer, e) : r;
}

/* The engine wants to know whether anybody is there. */
static int
on_ping(void *ctx, struct ipc_msg *m, struct err *e)
{
	const struct launcher *l = ctx;
	const struct rec r = rec_of(m->payload);
	const int code = rec_done(&r, e);

	return code == 0 ? ipc_send(l->engine, LX_PONG, STR(""), -1, e) : code;
}

static int
on_net_verdict(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(NET_VERDICT_ARENA);
	struct launcher *l = ctx;
	struct rec rec = rec_of(m->payload);
	struct lrun *r = find(l, rec_u64(&rec));
	struct proxy_verdict v;
	const int code =
	    a == NULL ? err_nomem(e) : proxy_verdict_get(&rec, a, &v, e);

	if (code == 0 && r != NULL)
		lrun_net_answer(r, &v);
	return code;
}

static const struct ipc_row rows[] = {
	{ .type = XL_NET_VERDICT,
	    .len_max = PROXY_MESSAGE_BYTES + 16,
	    .handler = on_net_verdict },
	{ .type = XL_BROKER,
	    .flags = IPC_FD,
	    .len_max = 8,
	    .handler = on_broker },
	{ .type = XL_RUN, .len_max = IPC_PAYLOAD_MAX, .handler = on_run },
	{
	    .type = XL_STDIN,
	    .len_max = PROTO_STDIN_BYTES + 64,
	    .handler = on_stdin,
	},
	{ .type = XL_RESIZE, .len_max = 16, .handler = on_resize },
	{ .type = XL_PING, .handler = on_ping },
	{ .type = XL_TAKEN, .len_max = 16, .handler = on_taken },
	{ .type = XL_SIGNAL, .len_max = 12, .handler = on_signal },
	{ .type = XL_CHANGES,
	    .len_max = PROTO_CHANGES_BYTES,
	    .handler = on_changes },
	{ .type = XL_LOOK, .len_max = PROTO_LOOK_BYTES, .handler = on_look },
};

static void
on_engine_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct launcher *l = ctx;

	if (why != NULL)
		log_err("engine-link", "why=%s", why->msg);
	ipc_free(i);
	l->engine = NULL;
	l->over = true;
	loop_stop(l->loop);
}

int
launcher_main(int link)
{
	struct launcher l = { .engine = NULL };
	struct err e = ERR_INIT;
	int r = loop_new(&l.loop, &e);

	/* Where they are too few each run says so. */
	(void)run_raise_files(NULL);
	/* What a run gives back the next one takes. */
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_TOP_PAD, KEEP_BYTES);
	if (r == 0)
		r = pool_new(l.loop, &l.groups, &l.pool, &e);
	(void)signal(SIGPIPE, SIG_IGN);
	if (r == 0)
		r = ipc_new(l.loop, link, "engine", rows, ARRAY_LEN(rows), &l,
		    on_engine_closed, &l.engine, &e);
	if (r == 0)
		r = loop_run(l.loop, &e);
	if (r != 0)
		log_err("launcher", "why=%s", e.msg);
	loop_cancel(l.loop, l.release);
	loop_cancel(l.loop, l.sweep);
	while (l.runs != NULL)
		lrun_free(l.runs);
	ipc_free(l.engine);
	pool_free(l.pool);
	held_free_all(&l.held);
	audit_link_free(l.audit);
	cgroup_sweep(&l.groups);
	cgroup_places_close(&l.groups);
	loop_free(l.loop);
	return r == 0 ? 0 : 1;
}
