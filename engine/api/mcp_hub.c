/*
 * Sessions of MCP clients over HTTP.
 * Runs in: front.  Trusts: nothing.  Owns: sessions.
 */
#include "mcp_hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/text.h"

#define NS_PER_MS ((int64_t)1000000)
#define SWEEP_MS 60000
#define ID_BYTES 16

/* ---- the list ------------------------------------------------------------ */

static void
unlink_session(struct mcp_http *s)
{
	struct mcp_hub *hub = s->hub;

	*(s->prev == NULL ? &hub->first : &s->prev->next) = s->next;
	*(s->next == NULL ? &hub->last : &s->next->prev) = s->prev;
	s->prev = s->next = NULL;
}

static void
link_first(struct mcp_http *s)
{
	struct mcp_hub *hub = s->hub;

	s->used_ns = loop_now_ns();
	s->next = hub->first;
	*(hub->first == NULL ? &hub->last : &hub->first->prev) = s;
	hub->first = s;
}

void
mcp_http_end(struct mcp_http *s)
{
	mcp_works_end(s);
	mcp_streams_free(s);
	unlink_session(s);
	s->hub->session_count--;
	mcp_session_free(s->said);
	free(s);
}

static bool
is_same(const struct mcp_caller *a, const struct mcp_caller *b)
{
	return a->kind == b->kind && a->role == b->role && a->uid == b->uid;
}

struct mcp_http *
mcp_http_find(struct mcp_hub *hub, const struct mcp_caller *who, struct str id)
{
	struct mcp_http *s = hub->first;

	while (s != NULL && (!str_eqz(id, s->id) || !is_same(&s->owner, who)))
		s = s->next;
	if (s != NULL) {
		unlink_session(s);
		link_first(s);
	}
	return s;
}

/* ---- room ---------------------------------------------------------------- */

/* The longest unused one that does nothing; of a uid, or of anybody. */
static struct mcp_http *
oldest_idle(const struct mcp_hub *hub, const struct mcp_caller *who)
{
	struct mcp_http *s = hub->last;

	while (s != NULL &&
	    (s->work_count > 0 || (who != NULL && s->owner.uid != who->uid)))
		s = s->prev;
	return s;
}

static size_t
count_of(const struct mcp_hub *hub, const struct mcp_caller *who)
{
	size_t n = 0;

	for (const struct mcp_http *s = hub->first; s != NULL; s = s->next)
		n += s->owner.uid == who->uid;
	return n;
}

static int
make_room(struct mcp_hub *hub, const struct mcp_caller *who, struct err *e)
{
	const bool own = count_of(hub, who) >= MCP_SESSIONS_PER_UID_MAX;
	struct mcp_http *victim;

	if (!own && hub->session_count < MCP_SESSIONS_MAX)
		return ERR_OK;
	victim = oldest_idle(hub, own ? who : NULL);
	if (victim == NULL)
		return err_set(e, ERR_LIMIT,
		    "too many MCP sessions are at work; end some with DELETE, "
		    "or try again later");
	log_debug("mcp_session_ended", "reason=room uid=%u", victim->owner.uid);
	mcp_http_end(victim);
	return ERR_OK;
}

int
mcp_http_new(struct mcp_hub *hub, const struct mcp_caller *who,
    struct mcp_http **ret, struct err *e)
{
	AUTO_BUF struct buf hex = BUF_INIT(MCP_SESSION_ID_MAX);
	unsigned char random[ID_BYTES];
	struct mcp_stream *own;
	struct mcp_http *s;
	int r = make_room(hub, who, e);

	if (r != 0)
		return r;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "no random bytes");
	s = mem_new(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	s->hub = hub;
	s->owner = *who;
	text_hex(&hex, random, sizeof(random));
	(void)snprintf(s->id, sizeof(s->id), "%s", buf_cstr(&hex));
	link_first(s);
	hub->session_count++;
	r = mcp_session_new(hub->menu, NULL, &s->said, e);
	if (r == 0 && mcp_stream_new(s, STR_NONE, &own) != 0)
		r = err_nomem(e);
	if (r != 0) {
		mcp_http_end(s);
		return r;
	}
	*ret = s;
	return ERR_OK;
}

/* ---- life ---------------------------------------------------------------- */

static void
on_sweep(void *ctx)
{
	struct mcp_hub *hub = ctx;
	const int64_t before = loop_now_ns() - MCP_IDLE_MS * NS_PER_MS;
	struct mcp_http *prev;

	hub->sweep = NULL;
	for (struct mcp_http *s = hub->last; s != NULL && s->used_ns < before;
	     s = prev) {
		prev = s->prev;
		if (s->work_count == 0)
			mcp_http_end(s);
	}
	(void)loop_after(
	    hub->front->loop, SWEEP_MS, on_sweep, hub, &hub->sweep, NULL);
}

int
mcp_hub_new(struct front *f, const struct mcp_menu *menu, struct mcp_hub **ret,
    struct err *e)
{
	struct mcp_hub *hub = mem_new(1, sizeof(*hub));

	if (hub == NULL)
		return err_nomem(e);
	hub->front = f;
	hub->menu = menu;
	*ret = hub;
	return loop_after(f->loop, SWEEP_MS, on_sweep, hub, &hub->sweep, e);
}

void
mcp_hub_free(struct mcp_hub *hub)
{
	if (hub == NULL)
		return;
	while (hub->first != NULL)
		mcp_http_end(hub->first);
	mcp_works_free(hub);
	loop_cancel(hub->front->loop, hub->sweep);
	free(hub->works);
	free(hub);
}
