/*
 * Keep what runs wrote to copies of their workspaces, show it, apply it.
 * Runs in: assent-exec --launcher, under the identity of who proposed.
 * Trusts: the engine's word on what to apply; nothing in the copies.
 * Owns: the copies.
 */
#include "launcher/held.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fdio.h"
#include "changes/changes.h"
#include "core/ports.h"
#include "root/identity.h"
#include "model/limits.h"
#include "proto.h"
#include "root/tree.h"

#define LAYER_ENTRIES_MAX ((size_t)1000000)
#define HELD_ARENA ((size_t)64 << 20)

struct request {
	uint64_t number, ticket;
	enum changes_what what;
	const char **paths;
	size_t path_count;
};

struct answer {
	struct err why; /* code 0: it worked */
	size_t applied;
	struct buf json;
};

static void
held_free(struct held *h)
{
	(void)close(h->layer);
	if (h->workspace >= 0)
		(void)close(h->workspace);
	arena_free(h->arena);
	free(h);
}

void
held_free_all(struct held **list)
{
	while (*list != NULL) {
		struct held *h = *list;

		*list = h->next;
		held_free(h);
	}
}

static void
drop_oldest(struct held **list)
{
	size_t count = 0;

	for (struct held **at = list; *at != NULL; at = &(*at)->next) {
		if (++count < HELD_MAX || (*at)->next == NULL)
			continue;
		held_free_all(&(*at)->next);
		return;
	}
}

void
held_add(struct held **list, const struct held *from)
{
	struct held *h = mem_new(1, sizeof(*h));

	if (h == NULL) {
		(void)close(from->layer);
		if (from->workspace >= 0)
			(void)close(from->workspace);
		arena_free(from->arena);
		return;
	}
	*h = *from;
	h->next = *list;
	*list = h;
	drop_oldest(list);
}

static void
forget(struct held **list, struct held *gone)
{
	for (struct held **at = list; *at != NULL; at = &(*at)->next) {
		if (*at != gone)
			continue;
		*at = gone->next;
		held_free(gone);
		return;
	}
}

static int
read_request(
    struct str bytes, struct arena *a, struct request *ret, struct err *e)
{
	struct rec r = rec_of(bytes);

	ret->number = rec_u64(&r);
	ret->ticket = rec_u64(&r);
	ret->what = (enum changes_what)rec_u8(&r);
	ret->path_count = rec_count(&r, CHANGES_PATHS_MAX);
	ret->paths = arena_array(a, ret->path_count + 1, sizeof(*ret->paths));
	if (ret->paths == NULL)
		return err_nomem(e);
	for (size_t i = 0; !r.failed && i < ret->path_count; i++) {
		ret->paths[i] = rec_cstr(&r, a);
		r.failed |= ret->paths[i] == NULL;
	}
	if (ret->what < CHANGES_LIST || ret->what > CHANGES_SOME)
		r.failed = 1;
	return rec_done(&r, e);
}

static int
give_entry(void *ctx, const struct tree_entry *t, struct err *e)
{
	const struct plan_who *who = ctx;

	return fchownat(t->dirfd, t->name, who->owner, who->owner_gid,
		   AT_SYMLINK_NOFOLLOW) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot take over what the run wrote");
}

/* What an account of ours wrote becomes the owner's of the workspace: from
 * here on nothing is done with root's rights. Nothing of the run is alive. */
static int
give_layer(struct held *h, struct err *e)
{
	struct plan_who who = h->plan->who;
	int r;

	if (who.owner == 0 || h->given)
		return ERR_OK;
	r = tree_walk(h->layer, LAYER_ENTRIES_MAX, give_entry, &who, e);
	if (r == 0 && fchown(h->layer, who.owner, who.owner_gid) != 0)
		r = err_sys(e, "cannot take over what the run wrote");
	h->given = r == 0;
	return r;
}

/* With the rights of the workspace's owner. */
static int
work(struct held *h, const struct request *q, struct arena *a,
    struct answer *ret, struct err *e)
{
	const struct changes_from from = {
		.layer = h->layer,
		.workspace = h->workspace,
		.plan = h->plan,
		.began = h->began,
	};
	struct changes *c = NULL;
	int r = changes_scan(&from, a, &c, e);

	if (r != 0)
		return r;
	changes_json(c, true, &ret->json);
	if (ret->json.failed == ERR_LIMIT) {
		buf_free(&ret->json);
		ret->json = (struct buf)BUF_INIT(PROTO_CHANGES_BYTES);
		changes_json(c, false, &ret->json);
	}
	if (q->what == CHANGES_ALL)
		return changes_apply(c, NULL, 0, &ret->applied, e);
	if (q->what == CHANGES_SOME)
		return changes_apply(
		    c, q->paths, q->path_count, &ret->applied, e);
	return ERR_OK;
}

static void
put_answer(const struct request *q, const struct answer *a, struct buf *ret)
{
	rec_put_u64(ret, q->ticket);
	rec_put_u32(ret, (uint32_t)-a->why.code);
	rec_put_cstr(ret, a->why.code == 0 ? NULL : a->why.msg);
	rec_put_u64(ret, a->applied);
	rec_put_str(ret,
	    a->json.failed == 0 && a->json.len > 0 ? buf_str(&a->json)
						   : STR("[]"));
}

int
held_answer(
    struct held **list, struct str request, struct buf *ret, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(HELD_ARENA);
	struct answer answer = { .json = BUF_INIT(PROTO_CHANGES_BYTES) };
	struct held *h = *list;
	struct request q;
	int r = a == NULL ? err_nomem(e) : read_request(request, a, &q, e);

	if (r != 0)
		return r;
	while (h != NULL && h->number != q.number)
		h = h->next;
	if (h == NULL) {
		(void)err_set(&answer.why, ERR_NOTFOUND,
		    "its copy of the workspace is gone");
	} else {
		r = give_layer(h, &answer.why);
		identity_look_as(&h->plan->who);
		if (r == 0)
			r = work(h, &q, a, &answer, &answer.why);
		identity_look_as_us(&h->plan->who);
	}
	if (h != NULL && r == 0 && q.what != CHANGES_LIST)
		forget(list, h);
	put_answer(&q, &answer, ret);
	buf_free(&answer.json);
	return buf_done(ret, e);
}
