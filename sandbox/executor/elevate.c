/*
 * The account of a run.
 * Runs in: engine.  Trusts: the configuration; the kernel's word on the
 * proposer.  Owns: who of the pool is whose, in memory.
 */
#include "executor/elevate.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "model/requirements.h"

#define KEY_BYTES_MAX ((size_t)4096)

static void
take_account(struct elevate_account *to, const struct config_account *from)
{
	(void)snprintf(to->name, sizeof(to->name), "%s", from->name);
	to->uid = from->uid;
	to->gid = from->gid;
}

static void
take_permits(struct elevation *x, const struct config *c)
{
	const struct config_requirement *q =
	    requirement_find(&c->ceiling, "elevated", REQUIREMENT_FORCED);
	AUTO_BUF struct buf text = BUF_INIT(ELEVATE_TEXT_MAX - 1);

	if (q == NULL)
		q = requirement_find(
		    &c->ceiling, "elevated", REQUIREMENT_ALLOWED);
	x->permits[0] = '\0';
	if (q == NULL)
		return;
	requirement_put(q, &text);
	(void)snprintf(x->permits, sizeof(x->permits), "%s",
	    text.failed != 0 ? q->where : buf_cstr(&text));
}

void
elevation_set(struct elevation *x, const struct config *c)
{
	const struct config_elevated *s = &c->elevated_setup;

	x->mode = c->elevated;
	x->set_up = s->set_up;
	x->ready = s->ready;
	take_permits(x, c);
	(void)snprintf(x->why_not, sizeof(x->why_not), "%s",
	    s->why_not == NULL ? "" : s->why_not);
	if (!s->set_up)
		return;
	take_account(&x->offline, &s->offline);
	for (size_t i = 0; i < s->online_count; i++) {
		if (x->online[i].uid != s->online[i].uid)
			x->slots[i] = (struct elevate_slot){ .used = 0 };
		take_account(&x->online[i], &s->online[i]);
	}
	x->online_count = s->online_count;
}

static struct plan_who
own(const struct proposer *p)
{
	if (p->uid == 0)
		return (struct plan_who){
			.identity = IDENTITY_DEDICATED,
			.uid = PLAN_UID_DEDICATED,
			.gid = PLAN_UID_DEDICATED,
			.name = "assent",
		};
	return (struct plan_who){
		.identity = IDENTITY_SAME,
		.uid = p->uid,
		.gid = p->gid,
	};
}

static int
refuse(const struct elevation *x, const char *why, struct err *e)
{
	return err_set(e, ERR_DENIED, "elevated runs are required, and %s%s%s",
	    why, x->permits[0] == '\0' ? "" : ": ", x->permits);
}

/* As whoever proposed it, where that may be. */
static int
fall_back(const struct elevation *x, const struct elevate_asked *asked,
    const char *why, struct elevate_choice *ret, struct err *e)
{
	if (x->mode == ELEVATED_REQUIRED)
		return refuse(x, why, e);
	*ret = (struct elevate_choice){
		.who = own(asked->proposer),
		.why_not = why,
	};
	return ERR_OK;
}

static int
key_of(const struct elevate_asked *asked, uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(KEY_BYTES_MAX);
	int r;

	rec_put_u32(&b, asked->proposer->uid);
	rec_put_cstr(&b, asked->session);
	r = buf_done(&b, e);
	return r == 0 ? sha256_of(b.s, b.len, ret, e) : r;
}

/* Its own; else one that nobody has, else one that nobody uses now. */
static int
take_slot(struct elevation *x, const struct elevate_asked *asked, uint64_t busy,
    size_t *ret, struct err *e)
{
	uint8_t key[SHA256_LEN];
	size_t best = x->online_count;
	const int r = key_of(asked, key, e);

	if (r != 0)
		return r;
	for (size_t i = 0; i < x->online_count; i++) {
		const struct elevate_slot *s = &x->slots[i];

		if (s->used != 0 && memcmp(s->key, key, SHA256_LEN) == 0) {
			best = i;
			break;
		}
		if ((busy & UINT64_C(1) << i) == 0 &&
		    (best == x->online_count || s->used < x->slots[best].used))
			best = i;
	}
	if (best == x->online_count)
		return err_set(e, ERR_LIMIT,
		    "all %zu accounts for runs with network are in use by "
		    "other sessions; wait, or make more with assent setup "
		    "--elevated --pool",
		    x->online_count);
	memcpy(x->slots[best].key, key, SHA256_LEN);
	x->slots[best].used = ++x->calls;
	*ret = best;
	return ERR_OK;
}

static int
choose_account(struct elevation *x, const struct elevate_asked *asked,
    uint64_t busy, struct elevate_choice *ret, struct err *e)
{
	const struct profile *p = asked->profile;
	const bool online = p->identity == RUNS_ONLINE ||
	    (p->identity == RUNS_BY_DEFAULT && p->online);
	const struct elevate_account *a = &x->offline;
	const struct proposer *by = asked->proposer;
	size_t slot = 0;
	int r = ERR_OK;

	/* One account for all: no session has one to itself. */
	if (online && x->online_count > 1)
		r = take_slot(x, asked, busy, &slot, e);
	if (r != 0)
		return r;
	if (online)
		a = &x->online[slot];
	*ret = (struct elevate_choice){
		.who = {
			.identity = IDENTITY_DEDICATED,
			.uid = a->uid,
			.gid = a->gid,
			.owner = by->uid,
			.owner_gid = by->gid,
			.name = a->name,
		},
		.elevated = true,
	};
	return ERR_OK;
}

int
elevation_choose(struct elevation *x, const struct elevate_asked *asked,
    uint64_t busy, struct elevate_choice *ret, struct err *e)
{
	const bool required = x->mode == ELEVATED_REQUIRED;

	*ret = (struct elevate_choice){ .who = own(asked->proposer) };
	if (x->mode == ELEVATED_OFF || x->mode == ELEVATED_INVALID)
		return ERR_OK;
	if (asked->profile->identity == RUNS_AS_OWN)
		return required
		    ? refuse(x, "the profile runs as its proposer", e)
		    : ERR_OK;
	/* Nothing was set up, so nothing is missing. */
	if (!x->set_up)
		return required
		    ? refuse(x,
			  "nothing is set up: run assent setup --elevated", e)
		    : ERR_OK;
	if (!x->ready)
		return fall_back(x, asked,
		    x->why_not[0] == '\0' ? "its firewall was not looked at"
					  : x->why_not,
		    ret, e);
	return choose_account(x, asked, busy, ret, e);
}
