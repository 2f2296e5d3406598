/*
 * A hash of actions by id, threaded oldest to newest.
 * Runs in: engine.  Trusts: nothing.  Owns: the actions in it.
 */
#include "live.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/limits.h"
#include "stage.h"

#define BUCKETS ((size_t)4096)

struct uid_count {
	uid_t uid;
	size_t pending;
	size_t kept, kept_ended; /* bytes of output */
};

struct live_table {
	struct live *buckets[BUCKETS];
	struct live *oldest, *newest;
	struct live *ended_first, *ended_last; /* those that may be over */
	size_t ended, pending;
	size_t kept, kept_ended; /* bytes of output */
	struct uid_count *uids;
	size_t uid_count, uid_cap;
};

static size_t
bucket_of(const char *id)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211u;
	return (size_t)(h % BUCKETS);
}

static size_t
live_output(const struct live *l)
{
	return outflow_size(&l->output);
}

/* The entry of a uid, made when it is new; NULL without memory. */
static struct uid_count *
uid_entry(struct live_table *t, uid_t uid)
{
	for (size_t i = 0; i < t->uid_count; i++) {
		if (t->uids[i].uid == uid)
			return &t->uids[i];
	}
	if (mem_grow(
		&t->uids, &t->uid_cap, t->uid_count + 1, sizeof(*t->uids)) != 0)
		return NULL;
	t->uids[t->uid_count].uid = uid;
	return &t->uids[t->uid_count++];
}

static void
count_ended(struct live_table *t, const struct live *l, bool more)
{
	const size_t n = live_output(l);
	struct uid_count *entry =
	    n == 0 ? NULL : uid_entry(t, l->a->proposer.uid);

	t->kept_ended = more ? t->kept_ended + n : t->kept_ended - n;
	if (entry != NULL)
		entry->kept_ended =
		    more ? entry->kept_ended + n : entry->kept_ended - n;
}

int
live_table_new(struct live_table **ret, struct err *e)
{
	*ret = mem_new(1, sizeof(**ret));
	return *ret == NULL ? err_nomem(e) : ERR_OK;
}

static void
live_free(struct live *l)
{
	struct waiter *w;

	while ((w = l->waiters) != NULL) {
		l->waiters = w->next;
		free(w);
	}
	receipt_free(l->intent);
	free(l->net_sums);
	outflow_free(&l->output);
	action_free(l->a);
	free(l);
}

void
live_table_free(struct live_table *t)
{
	struct live *l, *next;

	if (t == NULL)
		return;
	for (l = t->oldest; l != NULL; l = next) {
		next = l->newer;
		live_free(l);
	}
	free(t->uids);
	free(t);
}

void
live_table_freep(struct live_table **t)
{
	live_table_free(*t);
	*t = NULL;
}

int
live_add(
    struct live_table *t, struct action **a, struct live **ret, struct err *e)
{
	struct live *l = mem_new(1, sizeof(*l));
	size_t b;

	if (l == NULL)
		return err_nomem(e);
	l->a = TAKE_PTR(*a);
	outflow_init(&l->output, LIVE_OUTPUT_MAX);
	b = bucket_of(l->a->id);
	l->hash_next = t->buckets[b];
	t->buckets[b] = l;
	l->older = t->newest;
	if (t->newest != NULL)
		t->newest->newer = l;
	else
		t->oldest = l;
	t->newest = l;
	*ret = l;
	return ERR_OK;
}

struct live *
live_find(struct live_table *t, const char *id)
{
	struct live *l;

	for (l = t->buckets[bucket_of(id)]; l != NULL; l = l->hash_next) {
		if (strcmp(l->a->id, id) == 0)
			return l;
	}
	return NULL;
}

void
live_kept(struct live_table *t, const struct live *l, size_t bytes)
{
	/* There is one: it was asked how much it may keep. */
	struct uid_count *entry =
	    bytes == 0 ? NULL : uid_entry(t, l->a->proposer.uid);

	if (entry == NULL)
		return;
	t->kept += bytes;
	entry->kept += bytes;
	if (!l->in_ended)
		return;
	t->kept_ended += bytes;
	entry->kept_ended += bytes;
}

static void
forget_kept(struct live_table *t, const struct live *l)
{
	const size_t n = live_output(l);
	struct uid_count *entry =
	    n == 0 ? NULL : uid_entry(t, l->a->proposer.uid);

	if (entry == NULL)
		return;
	t->kept -= n;
	entry->kept -= n;
}

static void
ended_unlink(struct live_table *t, struct live *l)
{
	struct live **link = &t->ended_first, *before = NULL;

	while (*link != l) {
		before = *link;
		link = &before->ended_next;
	}
	*link = l->ended_next;
	if (t->ended_last == l)
		t->ended_last = before;
	t->ended--;
	l->in_ended = false;
	count_ended(t, l, false);
}

void
live_remove(struct live_table *t, struct live *l)
{
	struct live **link = &t->buckets[bucket_of(l->a->id)];

	while (*link != l)
		link = &(*link)->hash_next;
	*link = l->hash_next;
	if (l->older != NULL)
		l->older->newer = l->newer;
	else
		t->oldest = l->newer;
	if (l->newer != NULL)
		l->newer->older = l->older;
	else
		t->newest = l->older;
	if (l->in_ended)
		ended_unlink(t, l);
	forget_kept(t, l);
	live_free(l);
}

size_t
live_may_keep(struct live_table *t, const struct live *l)
{
	const struct uid_count *entry = uid_entry(t, l->a->proposer.uid);
	const size_t left =
	    t->kept < RUN_KEPT_BYTES_MAX ? RUN_KEPT_BYTES_MAX - t->kept : 0;

	/* As much as is then still left for others, whatever their number. */
	return entry == NULL || entry->kept >= left ? 0
						    : (left - entry->kept) / 2;
}

struct live *
live_next(struct live_table *t, struct live *from)
{
	return from == NULL ? t->oldest : from->newer;
}

/* Decided and never to be run, or over: the store has all of it. */
static bool
is_over(const struct live *l)
{
	if (l->busy || l->waiters != NULL || l->output.readers != NULL)
		return false;
	if (stage_is_final(l->a->stage))
		return true;
	return l->a->stage == STAGE_DECIDED && l->deadline_ns == 0 &&
	    !l->run_requested;
}

static void
ended_push(struct live_table *t, struct live *l)
{
	l->in_ended = true;
	count_ended(t, l, true);
	l->ended_next = NULL;
	if (t->ended_last != NULL)
		t->ended_last->ended_next = l;
	else
		t->ended_first = l;
	t->ended_last = l;
	t->ended++;
}

static struct live *
ended_pop(struct live_table *t)
{
	struct live *l = t->ended_first;

	ended_unlink(t, l);
	return l;
}

bool
live_is_greedy(const struct live_table *t, const struct live *l)
{
	size_t uids = 0, own = 0;

	if (t->kept_ended <= RUN_KEPT_ENDED_BYTES_MAX)
		return false;
	for (size_t i = 0; i < t->uid_count; i++) {
		uids += t->uids[i].kept_ended > 0;
		if (t->uids[i].uid == l->a->proposer.uid)
			own = t->uids[i].kept_ended;
	}
	return own > RUN_KEPT_ENDED_BYTES_MAX / (uids > 0 ? uids : 1);
}

void
live_trim(struct live_table *t)
{
	if (t->ended <= LIVE_ENDED_MAX &&
	    t->kept_ended <= RUN_KEPT_ENDED_BYTES_MAX)
		return;
	/* All of them once, so that they stay in their order. */
	for (size_t n = t->ended; n > 0; n--) {
		const bool too_much = t->ended > LIVE_ENDED_MAX ||
		    live_is_greedy(t, t->ended_first);
		struct live *l = ended_pop(t);

		if (too_much && is_over(l))
			live_remove(t, l);
		else if (stage_is_final(l->a->stage) ||
		    l->a->stage == STAGE_DECIDED)
			ended_push(t, l);
	}
}

static void
count_pending(struct live_table *t, const struct live *l, bool more)
{
	struct uid_count *entry = uid_entry(t, l->a->proposer.uid);

	t->pending = more ? t->pending + 1 : t->pending - 1;
	if (entry == NULL)
		return;
	if (more)
		entry->pending++;
	else if (entry->pending > 0)
		entry->pending--;
}

void
live_set_stage(struct live_table *t, struct live *l, enum stage to)
{
	assert(stage_may_follow(l->a->stage, to));
	if (l->a->stage == STAGE_PENDING)
		count_pending(t, l, false);
	if (to == STAGE_PENDING)
		count_pending(t, l, true);
	l->a->stage = to;
	if ((stage_is_final(to) || to == STAGE_DECIDED) && !l->in_ended)
		ended_push(t, l);
}

size_t
live_pending(const struct live_table *t)
{
	return t->pending;
}

size_t
live_pending_of(const struct live_table *t, uid_t uid)
{
	for (size_t i = 0; i < t->uid_count; i++) {
		if (t->uids[i].uid == uid)
			return t->uids[i].pending;
	}
	return 0;
}

int
live_wait(struct live *l, const struct waiter *w, struct err *e)
{
	struct waiter *copy = mem_new(1, sizeof(*copy));

	if (copy == NULL)
		return err_nomem(e);
	*copy = *w;
	copy->next = l->waiters;
	l->waiters = copy;
	return ERR_OK;
}

void
live_gone(struct live *l, uint64_t call_id)
{
	struct waiter **w = &l->waiters;

	while (*w != NULL) {
		struct waiter *at = *w;

		if (at->call_id != call_id) {
			w = &at->next;
			continue;
		}
		*w = at->next;
		free(at);
	}
}
