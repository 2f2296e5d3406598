/*
 * Keep templates and waiting runs for the plans that come again.
 * Runs in: assent-exec --launcher.  Trusts: the plans; nothing that comes
 * from a run.
 * Owns: templates, their waiting processes, spaces for counting.
 */
#include "launcher/pool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "launcher/ahead.h"
#include "start/facts.h"
#include "root/identity.h"
#include "start/job.h"
#include "start/template.h"

#define TEMPLATES_MAX 8
#define WAITING_MAX 4 /* in each template */
#define SERVES_MAX 64 /* runs of one first process */
#define SERVES_MS 10000 /* a run that ends later was its last */
#define ORDERS_MAX 8
#define SPACES_MAX 64
#define SEEN_MAX 32
#define IDLE_MS 60000
#define BACK_OFF_MS 10000 /* after a template could not be made */
#define PLAN_ARENA ((size_t)8 << 20)
#define PIPES 3

/* What a run gets before it is there. */
struct order {
	int ctl, userns;
	struct cgroup group;
	int pipes[PIPES]; /* our ends */
};

struct waiting {
	struct run run;
	int userns, net;
	int pipes[PIPES];
	unsigned served;
	int64_t made_ns;
};

struct kept {
	struct pool *pool;
	uint64_t id;
	char *frame; /* owned; NULL: this slot is free */
	size_t frame_len;
	struct arena *arena; /* of plan, which has this frame */
	struct plan *plan;
	struct facts *facts;
	struct tmpl template;
	bool ready;
	struct waiting at[WAITING_MAX + ORDERS_MAX];
	size_t count; /* that wait */
	struct order orders[ORDERS_MAX];
	size_t order_count;
	int64_t used_ns;
};

struct pool {
	struct loop *loop;
	struct cgroup_places *groups; /* borrowed */
	struct kept kept[TEMPLATES_MAX];
	int spaces[SPACES_MAX];
	size_t space_count;
	uint8_t seen[SEEN_MAX][SHA256_LEN];
	size_t seen_next;
	struct ahead ahead;
	struct identity_maps maps;
	struct loop_timer *idle;
	int64_t fresh_ns; /* when the last fresh run began */
	uint64_t last_id;
	int64_t not_before_ns;
};

static void on_link(void *ctx, int fd, unsigned events);

int
pool_new(struct loop *l, struct cgroup_places *groups, struct pool **ret,
    struct err *e)
{
	struct pool *p = mem_new(1, sizeof(*p));

	if (p == NULL)
		return err_nomem(e);
	p->loop = l;
	p->groups = groups;
	p->ahead = (struct ahead)AHEAD_INIT;
	for (size_t i = 0; i < TEMPLATES_MAX; i++)
		p->kept[i].pool = p;
	*ret = p;
	return ERR_OK;
}

static int
take_space(struct pool *p, const struct plan *plan)
{
	struct err e = ERR_INIT;
	int fd = -1;

	if (plan->who.identity == IDENTITY_SAME)
		return -1;
	if (p->space_count > 0)
		return p->spaces[--p->space_count];
	if (identity_count_space(&fd, &e) != 0)
		log_warn("counted-together", "why=%s", e.msg);
	return fd;
}

static void
give_space(struct pool *p, int userns)
{
	if (userns < 0)
		return;
	if (p->space_count < SPACES_MAX)
		p->spaces[p->space_count++] = userns;
	else
		(void)close(userns);
}

static void
close_pipes(int pipes[static PIPES])
{
	for (size_t i = 0; i < PIPES; i++)
		fd_closep(&pipes[i]);
}

/* Nothing of it has run yet, so nothing can be left of it. */
static void
end_waiting(struct pool *p, struct waiting *w)
{
	close_pipes(w->pipes);
	run_done(&w->run);
	give_space(p, w->userns);
}

static void
drop(struct kept *k)
{
	struct pool *p = k->pool;

	if (k->frame == NULL)
		return;
	loop_forget(p->loop, k->template.process.ctl);
	loop_forget(p->loop, facts_fd(k->facts));
	template_done(&k->template);
	while (k->count > 0)
		end_waiting(p, &k->at[--k->count]);
	while (k->order_count > 0) {
		struct order *o = &k->orders[--k->order_count];

		(void)close(o->ctl);
		close_pipes(o->pipes);
		/* What was ordered may still come to life in it. */
		fd_closep(&o->userns);
		cgroup_remove(p->groups, &o->group);
	}
	facts_free(k->facts);
	arena_free(k->arena);
	free(k->frame);
	*k = (struct kept){ .pool = p };
}

static void
fail(struct kept *k, const struct err *e)
{
	log_warn("template-ended", "why=%s", e->msg);
	k->pool->not_before_ns = loop_now_ns() + (int64_t)BACK_OFF_MS * 1000000;
	drop(k);
}

static void
on_change(void *ctx, int fd, unsigned events)
{
	struct kept *k = ctx;

	(void)fd;
	(void)events;
	if (!facts_hold(k->facts))
		drop(k);
}

static int
ask_template(struct kept *k, struct order *o, const int theirs[static PIPES],
    struct err *e)
{
	const struct template_with with = {
		.stdio = { theirs[0], theirs[1], theirs[2] },
		.userns = o->userns,
		.group = &o->group,
	};

	run_give_pipes(k->plan, with.stdio);
	return template_order(&k->template, &with, &o->ctl, e);
}

static int
order(struct kept *k, struct err *e)
{
	struct pool *p = k->pool;
	struct order *o = &k->orders[k->order_count];
	int theirs[PIPES] = { -1, -1, -1 };
	int r;

	*o = (struct order){ .ctl = -1, .pipes = { -1, -1, -1 } };
	r = run_make_group(k->plan, p->groups, &o->group, e);
	if (r != 0)
		return r;
	o->userns = take_space(p, k->plan);
	r = run_open_pipes(theirs, o->pipes, e);
	if (r == 0)
		r = ask_template(k, o, theirs, e);
	close_pipes(theirs);
	if (r != 0) {
		close_pipes(o->pipes);
		give_space(p, o->userns);
		cgroup_remove(p->groups, &o->group);
		return r;
	}
	k->order_count++;
	return ERR_OK;
}

static int
collect(struct kept *k, struct err *e)
{
	struct waiting *w = &k->at[k->count];
	struct order o = k->orders[0];
	int r;

	k->order_count--;
	memmove(&k->orders[0], &k->orders[1],
	    k->order_count * sizeof(k->orders[0]));
	w->userns = o.userns;
	memcpy(w->pipes, o.pipes, sizeof(w->pipes));
	r = template_collect(&k->template, o.ctl, &w->run, &w->net, e);
	if (r != 0) {
		close_pipes(w->pipes);
		fd_closep(&w->userns);
		cgroup_remove(k->pool->groups, &o.group);
		return r;
	}
	w->served = 0;
	w->made_ns = loop_now_ns();
	w->run.group = o.group;
	w->run.groups = k->pool->groups;
	k->count++;
	return fdio_nonblock(w->run.ctl, e);
}

static void
fill(struct kept *k)
{
	struct err e = ERR_INIT;

	while (k->ready && k->count + k->order_count < WAITING_MAX) {
		if (order(k, &e) != 0) {
			fail(k, &e);
			return;
		}
	}
}

/* The template's word that it is ready, or the answer to an order. */
static void
on_link(void *ctx, int fd, unsigned events)
{
	struct kept *k = ctx;
	struct err e = ERR_INIT;
	int r;

	(void)fd;
	(void)events;
	if (!k->ready) {
		r = template_ready(&k->template, 0, &e);
		k->ready = r == 0;
	} else if (k->order_count > 0) {
		r = collect(k, &e);
	} else {
		r = err_set(&e, ERR_SYS, "it ended by itself");
	}
	if (r != 0)
		fail(k, &e);
}

static void
drop_idle(void *ctx)
{
	struct pool *p = ctx;
	const int64_t now = loop_now_ns();
	bool some = false;

	p->idle = NULL;
	for (size_t i = 0; i < TEMPLATES_MAX; i++) {
		struct kept *k = &p->kept[i];

		if (k->frame != NULL &&
		    now - k->used_ns >= (int64_t)IDLE_MS * 1000000)
			drop(k);
		some = some || k->frame != NULL;
	}
	if (now - p->fresh_ns >= (int64_t)IDLE_MS * 1000000)
		ahead_done(&p->ahead);
	some = some || p->ahead.blank.process.pid > 0;
	if (some)
		(void)loop_after(
		    p->loop, IDLE_MS / 4, drop_idle, p, &p->idle, NULL);
}

static struct kept *
find(struct pool *p, struct str record)
{
	for (size_t i = 0; i < TEMPLATES_MAX; i++) {
		struct kept *k = &p->kept[i];

		if (k->frame != NULL &&
		    str_starts(record, str_n(k->frame, k->frame_len)))
			return k;
	}
	return NULL;
}

/* The one that was not used for longest makes room. */
static struct kept *
free_slot(struct pool *p)
{
	struct kept *oldest = &p->kept[0];

	for (size_t i = 0; i < TEMPLATES_MAX; i++) {
		if (p->kept[i].frame == NULL)
			return &p->kept[i];
		if (p->kept[i].used_ns < oldest->used_ns)
			oldest = &p->kept[i];
	}
	drop(oldest);
	return oldest;
}

static int
watch(struct kept *k, struct err *e)
{
	struct loop *l = k->pool->loop;
	int r = loop_fd(l, k->template.process.ctl, LOOP_READ, on_link, k, e);

	if (r == 0)
		r = loop_fd(l, facts_fd(k->facts), LOOP_READ, on_change, k, e);
	if (r == 0 && k->pool->idle == NULL)
		r = loop_after(
		    l, IDLE_MS / 4, drop_idle, k->pool, &k->pool->idle, e);
	return r;
}

static void
make(struct pool *p, struct str record, struct str frame)
{
	AUTO(arena_freep) struct arena *a = arena_new(PLAN_ARENA);
	AUTO(facts_freep) struct facts *facts = NULL;
	AUTO_FREE char *copy = mem_strndup(frame.s, frame.len);
	struct plan *plan = NULL;
	struct tmpl t;
	struct err e = ERR_INIT;
	struct kept *k;
	int r = copy == NULL || a == NULL ? err_nomem(&e)
					  : plan_decode(record, a, &plan, &e);

	/* First, so that no change is missed while it is made. */
	if (r == 0)
		r = facts_take(plan, &facts, &e);
	if (r == 0)
		r = template_start(plan, str_n(copy, frame.len),
		    p->groups->controls, &p->maps, &t, &e);
	if (r != 0) {
		log_info("no-template", "why=%s", e.msg);
		p->not_before_ns =
		    loop_now_ns() + (int64_t)BACK_OFF_MS * 1000000;
		return;
	}
	k = free_slot(p);
	k->frame = TAKE_PTR(copy);
	k->frame_len = frame.len;
	k->arena = TAKE_PTR(a);
	k->plan = plan;
	k->facts = TAKE_PTR(facts);
	k->template = t;
	k->id = ++p->last_id;
	k->used_ns = loop_now_ns();
	if (watch(k, &e) != 0)
		fail(k, &e);
}

static bool
can_prepare(const struct plan *plan, struct str record)
{
	return plan->pin_count == 0 && plan->deny_count == 0 &&
	    !plan->overlay && !plan->unconfined && !plan->tty &&
	    record.len <= JOB_BYTES_MAX;
}

/* True the second time. */
static bool
seen_before(struct pool *p, struct str frame)
{
	uint8_t now[SHA256_LEN];

	if (plan_hash(frame, now, NULL) != 0)
		return false;
	for (size_t i = 0; i < SEEN_MAX; i++) {
		if (memcmp(p->seen[i], now, SHA256_LEN) == 0)
			return true;
	}
	memcpy(p->seen[p->seen_next++ % SEEN_MAX], now, SHA256_LEN);
	return false;
}

void
pool_used(struct pool *p, const struct plan *plan, struct str record)
{
	AUTO_BUF struct buf frame = BUF_INIT(JOB_BYTES_MAX);
	struct kept *k;

	if (plan != NULL && !can_prepare(plan, record))
		return;
	/* While one waits, the run that just began goes first. */
	k = find(p, record);
	if (k != NULL && k->count == 0)
		fill(k);
	if (k != NULL || plan == NULL)
		return;
	plan_template_key(plan, &frame);
	if (buf_done(&frame, NULL) == 0 && loop_now_ns() >= p->not_before_ns &&
	    seen_before(p, buf_str(&frame)))
		make(p, record, buf_str(&frame));
}

void
pool_ended(struct pool *p, struct str record)
{
	struct kept *k = find(p, record);

	if (k != NULL)
		fill(k);
}

/* One that waits already, or the next that comes. */
static bool
take(struct kept *k, struct waiting *ret)
{
	struct err e = ERR_INIT;
	int r = ERR_OK;

	if (k->count == 0 && k->order_count == 0)
		r = order(k, &e);
	if (r == 0 && k->count == 0)
		r = collect(k, &e);
	if (r != 0) {
		fail(k, &e);
		return false;
	}
	/* The oldest has been ready for longest. */
	*ret = k->at[0];
	k->count--;
	memmove(&k->at[0], &k->at[1], k->count * sizeof(k->at[0]));
	return true;
}

/* The template may be dropped before the run ends. */
static void
keep_own(struct plan *p, struct arena *a)
{
	p->profile = arena_strdup(a, p->profile);
	p->workspace = arena_strdup(a, p->workspace);
	p->home = p->home == NULL ? NULL : arena_strdup(a, p->home);
	p->who.name = p->who.name == NULL ? NULL : arena_strdup(a, p->who.name);
	p->ops = NULL;
	p->protect = p->deny = p->require = p->write_roots = p->sockets = NULL;
	p->ports = NULL;
	p->op_count = p->protect_count = p->deny_count = p->require_count = 0;
	p->write_root_count = p->port_count = p->socket_count = 0;
}

struct plan *
pool_plan(struct pool *p, struct str record, struct arena *a)
{
	const struct kept *k = find(p, record);
	struct plan *plan;

	if (k == NULL || !k->ready ||
	    plan_decode_run(record, str_n(k->frame, k->frame_len), k->plan, a,
		&plan, NULL) != 0 ||
	    !can_prepare(plan, record))
		return NULL;
	keep_own(plan, a);
	return arena_failed(a) ? NULL : plan;
}

bool
pool_start(struct pool *p, struct str record, struct pool_run *ret)
{
	struct kept *k = find(p, record);
	struct waiting w;

	if (k == NULL || !k->ready)
		return false;
	if (!facts_hold(k->facts)) {
		drop(k);
		return false;
	}
	k->used_ns = loop_now_ns();
	if (!take(k, &w))
		return false;
	if (job_send(w.run.ctl, record, NULL) != 0) {
		end_waiting(p, &w);
		return false;
	}
	ret->run = w.run;
	ret->lent = (struct lent){
		.template = k->id,
		.net = w.net,
		.userns = w.userns,
		.served = w.served,
		.made_ns = w.made_ns,
	};
	memcpy(ret->pipes, w.pipes, sizeof(ret->pipes));
	return true;
}

struct lent
pool_lend(struct pool *p, const struct plan *plan, struct run_with *with)
{
	const struct lent l = { .net = -1, .userns = take_space(p, plan) };

	with->userns = l.userns;
	with->maps = &p->maps;
	with->blank = &p->ahead.blank;
	p->fresh_ns = loop_now_ns();
	return l;
}

void
pool_ended_fresh(struct pool *p, const struct plan *plan, struct str record)
{
	ahead_make(&p->ahead, plan, record, &p->maps);
	if (p->idle == NULL)
		(void)loop_after(
		    p->loop, IDLE_MS / 4, drop_idle, p, &p->idle, NULL);
}

static struct kept *
of_template(struct pool *p, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < TEMPLATES_MAX; i++) {
		if (p->kept[i].frame != NULL && p->kept[i].id == id)
			return &p->kept[i];
	}
	return NULL;
}

bool
pool_may_take(struct pool *p, struct run *run, const struct lent *l)
{
	const struct kept *k = of_template(p, l->template);
	const int64_t age_ns = loop_now_ns() - l->made_ns;

	return k != NULL && k->ready && k->count < WAITING_MAX &&
	    l->served + 1 < SERVES_MAX &&
	    age_ns < (int64_t)SERVES_MS * 1000000 && facts_hold(k->facts) &&
	    cgroup_serves_on(p->groups, &run->group);
}

static int
begin_again(const struct kept *k, struct waiting *w, struct err *e)
{
	int theirs[PIPES];
	int r = run_open_pipes(theirs, w->pipes, e);

	if (r != 0)
		return r;
	run_give_pipes(k->plan, theirs);
	r = job_send_again(w->run.ctl, theirs, e);
	close_pipes(theirs);
	return r;
}

void
pool_take(struct pool *p, struct run *run, struct lent *l)
{
	struct kept *k = of_template(p, l->template);
	struct waiting w = {
		.run = *run,
		.userns = l->userns,
		.net = l->net,
		.pipes = { -1, -1, -1 },
		.served = l->served + 1,
		.made_ns = l->made_ns,
	};

	*run = (struct run){ .pid = -1, .pidfd = -1, .ctl = -1 };
	*l = (struct lent){ .net = -1, .userns = -1 };
	if (k == NULL || begin_again(k, &w, NULL) != 0) {
		if (k != NULL)
			template_return_net(&k->template, w.net, false);
		end_waiting(p, &w);
		return;
	}
	k->at[k->count++] = w;
}

void
pool_give_back(struct pool *p, struct lent *l, bool clean)
{
	struct kept *k = of_template(p, l->template);

	give_space(p, l->userns);
	if (k != NULL)
		template_return_net(&k->template, l->net, clean);
	*l = (struct lent){ .net = -1, .userns = -1 };
}

void
pool_failed(struct pool *p)
{
	const int64_t later = loop_now_ns() + (int64_t)BACK_OFF_MS * 1000000;

	p->not_before_ns = later;
	for (size_t i = 0; i < TEMPLATES_MAX; i++)
		drop(&p->kept[i]);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	loop_cancel(p->loop, p->idle);
	for (size_t i = 0; i < TEMPLATES_MAX; i++)
		drop(&p->kept[i]);
	while (p->space_count > 0)
		(void)close(p->spaces[--p->space_count]);
	ahead_done(&p->ahead);
	identity_maps_close(&p->maps);
	free(p);
}
