/*
 * The executor of the pipeline: plans, hands over, listens.
 * Runs in: engine, which may neither fork nor open files; all it does is to
 * encode, send and receive.
 * Trusts: its caller's receipt for the durable intent; of a launcher nothing
 * but that it runs what it is told.
 * Owns: the links to launchers, the table of runs.
 */
#include "core/ports.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/action_credentials.h"
#include "base/ipc.h"
#include "base/mem.h"
#include "executor/copies.h"
#include "executor/executor_int.h"
#include "profile_set.h"
#include "proto.h"
#include "sandbox/plan.h"
#include "sandbox/plan_credentials.h"
#include "sandbox/proxy_proto.h"
#include "executor/traced.h"

#define LAUNCHERS_PER_EXECUTOR_MAX 64
#define PATIENCE_MS 30000
#define ENDED_ARENA ((size_t)256 << 10)
#define LOOK_ARENA ((size_t)4 << 20)
#define PLAN_ARENA ((size_t)32 << 20)
#define PROFILES_ARENA ((size_t)8 << 20)
#define CONFIG_RECORD_MAX ((size_t)4 << 20)

struct started *
executor_find_action(const struct executor *x, const char *action_id)
{
	for (struct started *s = x->runs; s != NULL; s = s->next) {
		if (strcmp(s->action_id, action_id) == 0)
			return s;
	}
	return NULL;
}

struct started *
executor_find_number(const struct launcher_link *l, uint64_t number)
{
	for (struct started *s = l->x->runs; s != NULL; s = s->next) {
		if (s->number == number && s->by == l)
			return s;
	}
	return NULL;
}

static void
forget(struct executor *x, struct started *gone)
{
	for (struct started **at = &x->runs; *at != NULL; at = &(*at)->next) {
		if (*at != gone)
			continue;
		*at = gone->next;
		free(gone);
		return;
	}
}

/* Each leaves the table first: whatever the callback starts is new. */
static void
tell_looked(struct executor *x, struct started *s, const struct operand *list,
    size_t count, const char *why)
{
	char id[ACTION_ID_MAX];

	(void)snprintf(id, sizeof(id), "%s", s->action_id);
	forget(x, s);
	x->ev->looked(x->ctx, id, list, count, why);
}

static void
tell_ended(struct executor *x, struct started *s, const struct outcome *o)
{
	char id[ACTION_ID_MAX];

	(void)snprintf(id, sizeof(id), "%s", s->action_id);
	forget(x, s);
	x->ev->ended(x->ctx, id, o);
}

static int
on_started(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher_link *l = ctx;
	struct rec r = rec_of(m->payload);
	const struct started *s = executor_find_number(l, rec_u64(&r));
	const int code = rec_done(&r, e);

	if (code == 0 && s != NULL)
		l->x->ev->started(l->x->ctx, s->action_id);
	return code;
}

static int
on_ended(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ENDED_ARENA);
	struct launcher_link *l = ctx;
	struct rec r = rec_of(m->payload);
	struct outcome o;
	struct started *s;
	int code;

	if (a == NULL)
		return err_nomem(e);
	s = executor_find_number(l, rec_u64(&r));
	code = proto_outcome_get(&r, a, &o, e);
	if (code != 0)
		return code;
	/* A second end, or the end of what was never begun, is a lie. */
	if (s == NULL || s->is_look)
		return err_set(e, ERR_INVALID, "the end of an unknown run");
	o.copy = s->overlay;
	if (s->overlay)
		copies_remember(&l->x->copies, s->number, s->action_id, l->ipc);
	tell_ended(l->x, s, &o);
	return ERR_OK;
}

static int
on_changes(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct launcher_link *l = ctx;

	return copies_answer(&l->x->copies, l->ipc, m->payload, e);
}

static int
on_looked(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(LOOK_ARENA);
	struct launcher_link *l = ctx;
	struct rec r = rec_of(m->payload);
	struct operand *list = NULL;
	size_t count = 0;
	struct started *s;
	int code;

	if (a == NULL)
		return err_nomem(e);
	s = executor_find_number(l, rec_u64(&r));
	operands_decode(&r, a, &list, &count);
	code = rec_done(&r, e);
	if (code != 0)
		return code;
	if (s == NULL || !s->is_look)
		return err_set(e, ERR_INVALID, "nobody asked for this look");
	tell_looked(l->x, s, list, count, NULL);
	return ERR_OK;
}

static const struct ipc_row rows[] = {
	{
	    .type = LX_NET_ASK,
	    .len_max = PROXY_MESSAGE_BYTES + 16,
	    .handler = executor_on_net_ask,
	},
	{
	    .type = LX_NET_EVENT,
	    .len_max = PROXY_MESSAGE_BYTES + 16,
	    .handler = executor_on_net_event,
	},
	{ .type = LX_STARTED, .len_max = 8, .handler = on_started },
	{ .type = LX_PONG, .handler = executor_on_pong },
	{
	    .type = LX_OUTPUT,
	    .len_max = PROTO_OUTPUT_BYTES + 16,
	    .handler = executor_on_output,
	},
	{
	    .type = LX_ENDED,
	    .len_max = PROTO_ENDED_BYTES,
	    .handler = on_ended,
	},
	{
	    .type = LX_CHANGES,
	    .len_max = 2 * PROTO_CHANGES_BYTES,
	    .handler = on_changes,
	},
	{
	    .type = LX_LOOKED,
	    .len_max = PROTO_LOOK_BYTES,
	    .handler = on_looked,
	},
};

static struct started *
first_of(const struct launcher_link *l)
{
	for (struct started *s = l->x->runs; s != NULL; s = s->next) {
		if (s->by == l)
			return s;
	}
	return NULL;
}

static void
unlink_launcher(struct launcher_link *l)
{
	struct launcher_link **at = &l->x->launchers;

	while (*at != NULL && *at != l)
		at = &(*at)->next;
	if (*at == l)
		*at = l->next;
}

void
executor_lost(struct launcher_link *l, const struct err *why)
{
	struct ipc *i = l->ipc;
	char text[ERR_MSG_MAX + 64];
	const struct outcome o = { .exit = -1, .failure = text };
	struct started *s;

	(void)snprintf(text, sizeof(text), "the sandbox launcher ended%s%s",
	    why == NULL ? "" : ": ", why == NULL ? "" : why->msg);
	unlink_launcher(l);
	copies_forget(&l->x->copies, i, text);
	while ((s = first_of(l)) != NULL) {
		if (s->is_look)
			tell_looked(l->x, s, NULL, 0, text);
		else
			tell_ended(l->x, s, &o);
	}
	ipc_free(i);
	free(l);
}

static void
on_closed(void *ctx, struct ipc *i, const struct err *why)
{
	(void)i; /* the launcher's own */
	executor_lost(ctx, why);
}

/* Whose it is may free it. */
static int
copy_config(const struct config *c, struct config **ret, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(CONFIG_RECORD_MAX);
	int r;

	if (c == NULL ||
	    (c->credential_count == 0 && c->ceiling.line_count == 0))
		return ERR_OK;
	config_encode(c, SECRETS_NONE, &b);
	r = buf_done(&b, e);
	return r == 0 ? config_decode(buf_str(&b), ret, e) : r;
}

static int
sandbox_check(const struct config *c, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PROFILES_ARENA);
	struct profile_set *set;

	return a == NULL ? err_nomem(e) : profile_set_make(c, a, &set, e);
}

static int
sandbox_configure(struct executor *x, const struct config *c, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(PROFILES_ARENA);
	struct config *copy = NULL;
	struct profile_set *now;
	int r = a == NULL ? err_nomem(e) : profile_set_make(c, a, &now, e);

	if (r != 0)
		return r;
	r = copy_config(c, &copy, e);
	if (r != 0)
		return r;
	arena_free(x->arena);
	config_free(x->config);
	x->config = copy;
	x->arena = TAKE_PTR(a);
	x->profiles = now;
	if (c != NULL) {
		elevation_set(&x->elevation, c);
		x->patience_ms = c->launcher_timeout_ms;
	}
	return ERR_OK;
}

static int
sandbox_profile(
    struct executor *x, const struct action *a, bool *ret_wider, struct err *e)
{
	const char *name = a->proposal.profile;
	const struct profile *usual, *asked;
	int r = profile_set_get(x->profiles, name, &asked, e);

	if (r != 0)
		return r;
	/* Where the default itself is above the ceiling, nothing is wider
	 * than what the administrator permits. */
	*ret_wider = name != NULL &&
	    profile_set_get(x->profiles, NULL, &usual, NULL) == 0 &&
	    !profile_within(asked, usual);
	/* Secrets are lent by the name of the profile, whatever else it is. */
	*ret_wider = *ret_wider ||
	    (name != NULL &&
		action_credentials_wider(a, x->config, name, PROFILE_DEFAULT));
	return ERR_OK;
}

static int
sandbox_open(struct loop *l, const struct executor_events *ev, void *ctx,
    struct executor **ret, struct err *e)
{
	struct executor *x = mem_new(1, sizeof(*x));

	if (x == NULL)
		return err_nomem(e);
	x->loop = l;
	x->ev = x->copies.ev = ev;
	x->ctx = x->copies.ctx = ctx;
	x->patience_ms = PATIENCE_MS;
	if (sandbox_configure(x, NULL, e) != 0) {
		mem_freep(&x);
		return ERR_NOMEM;
	}
	*ret = x;
	return ERR_OK;
}

static void
sandbox_close(struct executor *x)
{
	if (x == NULL)
		return;
	executor_unwatch(x);
	while (x->launchers != NULL) {
		struct launcher_link *l = x->launchers;

		x->launchers = l->next;
		ipc_free(l->ipc);
		free(l);
	}
	while (x->runs != NULL)
		forget(x, x->runs);
	executor_forget_brokers(x);
	config_free(x->config);
	arena_free(x->arena);
	free(x);
}

static struct launcher_link *
find_launcher(const struct executor *x, uid_t uid, gid_t gid)
{
	for (struct launcher_link *l = x->launchers; l != NULL; l = l->next) {
		if (l->uid == uid && l->gid == gid)
			return l;
	}
	return NULL;
}

static bool
sandbox_has_launcher(struct executor *x, uid_t uid, gid_t gid)
{
	return find_launcher(x, uid, gid) != NULL;
}

static int
sandbox_add_launcher(
    struct executor *x, uid_t uid, gid_t gid, int fd, struct err *e)
{
	AUTO_FD int link = fd;
	AUTO_FREE struct launcher_link *l = mem_new(1, sizeof(*l));
	size_t count = 0;
	int r;

	for (const struct launcher_link *k = x->launchers; k != NULL;
	     k = k->next)
		count++;
	if (count >= LAUNCHERS_PER_EXECUTOR_MAX)
		return err_set(
		    e, ERR_LIMIT, "%zu launchers run already", count);
	if (l == NULL)
		return err_nomem(e);
	l->x = x;
	l->uid = uid;
	l->gid = gid;
	r = ipc_new(x->loop, TAKE_FD(link), "launcher", rows, ARRAY_LEN(rows),
	    l, on_closed, &l->ipc, e);
	if (r != 0)
		return r;
	l->next = x->launchers;
	x->launchers = TAKE_PTR(l);
	return ERR_OK;
}

/* I1: nothing starts without the durable intent of this very action. */
static int
check_receipt(
    const struct action *a, const struct receipt *receipt, struct err *e)
{
	if (receipt == NULL || receipt_kind(receipt) != ROW_INTENT)
		return err_set(e, ERR_DENIED,
		    "the intent to run this action is not recorded");
	if (receipt_action_id(receipt) == NULL ||
	    strcmp(receipt_action_id(receipt), a->id) != 0)
		return err_set(e, ERR_DENIED,
		    "the recorded intent belongs to another action");
	if (receipt_action_sha256(receipt) == NULL ||
	    mem_equal_secret(
		receipt_action_sha256(receipt), a->sha256, SHA256_LEN) != 1)
		return err_set(e, ERR_DENIED,
		    "the recorded intent is for another form of this action");
	return ERR_OK;
}

/* I4: a plan is a function of its action, so it is made again. */
static int
check_plan(struct executor *x, const struct action *a,
    const struct plan_ref *plan, struct err *e)
{
	AUTO(arena_freep) struct arena *arena = arena_new(PLAN_ARENA);
	struct plan_ref now;
	struct plan *p;
	int r;

	if (arena == NULL)
		return err_nomem(e);
	r = executor_make_plan(x, a, arena, &now, &p, e);
	if (r != 0)
		return r;
	if (memcmp(now.sha256, plan->sha256, SHA256_LEN) != 0 ||
	    !str_eq(now.record, plan->record) ||
	    now.elevated != plan->elevated || now.account != plan->account)
		return err_set(e, ERR_DENIED,
		    "the sandbox plan is not the one of this action");
	return ERR_OK;
}

static int
send_run(struct launcher_link *l, uint64_t number, const struct action *a,
    const struct plan_ref *plan, struct err *e)
{
	AUTO_BUF struct buf record = BUF_INIT(PLAN_BYTES_MAX);
	AUTO_BUF struct buf b = BUF_INIT(IPC_PAYLOAD_MAX);
	int r = traced_record(a, plan->record, &record, e);

	if (r != 0)
		return r;
	rec_put_u64(&b, number);
	rec_put_str(&b, buf_str(&record));
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(l->ipc, XL_RUN, buf_str(&b), -1, e) : r;
}

static bool
is_on_copy(const struct executor *x, const struct action *a)
{
	const struct profile *p = NULL;

	return a->proposal.overlay ||
	    (profile_set_get(
		 x->profiles, a->classification.profile.name, &p, NULL) == 0 &&
		p->overlay);
}

static int
sandbox_start(struct executor *x, const struct action *a,
    const struct plan_ref *plan, const struct receipt *receipt, struct err *e)
{
	/* Only root changes to another account. */
	struct launcher_link *l = plan->elevated
	    ? find_launcher(x, 0, 0)
	    : find_launcher(x, a->proposer.uid, a->proposer.gid);
	AUTO_FREE struct started *s = NULL;
	int r = check_receipt(a, receipt, e);

	if (r == 0)
		r = check_plan(x, a, plan, e);
	if (r != 0)
		return r;
	if (executor_find_action(x, a->id) != NULL)
		return err_set(e, ERR_CONFLICT, "this action runs already");
	if (l == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no launcher for user %u", a->proposer.uid);
	s = mem_new(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	s->number = ++x->last_number;
	s->by = l;
	s->overlay = is_on_copy(x, a);
	s->account = plan->account;
	(void)snprintf(s->action_id, sizeof(s->action_id), "%s", a->id);
	r = executor_send_broker(x, s, e);
	if (r == 0)
		r = send_run(l, s->number, a, plan, e);
	if (r != 0)
		return r;
	s->next = x->runs;
	x->runs = TAKE_PTR(s);
	executor_watch(x);
	return ERR_OK;
}

static int
sandbox_changes(
    struct executor *x, const struct changes_request *q, struct err *e)
{
	const int r = copies_ask(&x->copies, q, e);

	executor_watch(x);
	return r;
}

static int
sandbox_look(struct executor *x, const struct action *a,
    const struct operand *list, size_t count, struct err *e)
{
	struct launcher_link *l =
	    find_launcher(x, a->proposer.uid, a->proposer.gid);
	AUTO_BUF struct buf b = BUF_INIT(PROTO_LOOK_BYTES);
	AUTO_FREE struct started *s = NULL;
	int r;

	if (l == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no launcher for user %u", a->proposer.uid);
	s = mem_new(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	s->number = ++x->last_number;
	s->by = l;
	s->is_look = true;
	(void)snprintf(s->action_id, sizeof(s->action_id), "%s", a->id);
	rec_put_u64(&b, s->number);
	operands_encode(list, count, &b);
	r = buf_done(&b, e);
	if (r == 0)
		r = ipc_send(l->ipc, XL_LOOK, buf_str(&b), -1, e);
	if (r != 0)
		return r;
	s->next = x->runs;
	x->runs = TAKE_PTR(s);
	executor_watch(x);
	return ERR_OK;
}

static int
find_running(const struct executor *x, const char *action_id,
    struct started **ret, struct err *e)
{
	*ret = executor_find_action(x, action_id);
	return *ret != NULL
	    ? ERR_OK
	    : err_set(e, ERR_CONFLICT, "this action is not running");
}

static int
sandbox_send_stdin(
    struct executor *x, const char *action_id, struct str text, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(PROTO_STDIN_BYTES + 64);
	struct started *s;
	int r = find_running(x, action_id, &s, e);

	if (r != 0)
		return r;
	rec_put_u64(&b, s->number);
	rec_put_str(&b, text);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(s->by->ipc, XL_STDIN, buf_str(&b), -1, e) : r;
}

static int
sandbox_kill(
    struct executor *x, const char *action_id, int signo, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct started *s;
	int r = find_running(x, action_id, &s, e);

	if (r != 0)
		return r;
	if (signo < 1 || signo >= NSIG)
		return err_set(e, ERR_INVALID, "there is no signal %d", signo);
	rec_put_u64(&b, s->number);
	rec_put_u32(&b, (uint32_t)signo);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(s->by->ipc, XL_SIGNAL, buf_str(&b), -1, e) : r;
}

static int
sandbox_net_answer(struct executor *x, const char *action_id, uint64_t ticket,
    bool allow, const char *who, struct err *e)
{
	struct started *s;
	const int r = find_running(x, action_id, &s, e);

	return r == 0
	    ? executor_net_answer(s->by, s->number, ticket, allow, who, e)
	    : r;
}

static int
sandbox_resize(struct executor *x, const char *action_id, uint16_t height,
    uint16_t width, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct started *s;
	int r = find_running(x, action_id, &s, e);

	if (r != 0)
		return r;
	rec_put_u64(&b, s->number);
	rec_put_u32(&b, height);
	rec_put_u32(&b, width);
	r = buf_done(&b, e);
	return r == 0 ? ipc_send(s->by->ipc, XL_RESIZE, buf_str(&b), -1, e) : r;
}

const struct executor_port sandbox_executor = {
	.net_answer = sandbox_net_answer,
	.open = sandbox_open,
	.close = sandbox_close,
	.check = sandbox_check,
	.configure = sandbox_configure,
	.profile = sandbox_profile,
	.plan = executor_plan,
	.has_launcher = sandbox_has_launcher,
	.add_launcher = sandbox_add_launcher,
	.start = sandbox_start,
	.look = sandbox_look,
	.changes = sandbox_changes,
	.give_broker = executor_give_broker,
	.taken = executor_taken,
	.send_stdin = sandbox_send_stdin,
	.kill = sandbox_kill,
	.resize = sandbox_resize,
};
