/*
 * The other lists: what runs, sessions, grants, health.
 * Runs in: assent.  Trusts: nothing of what the daemon says.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/mem.h"
#include "feed.h"

#define TEXT_BYTES 400

static void
set(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text == NULL ? "" : text);
}

static char *
copy(const char *text)
{
	if (text == NULL || text[0] == '\0')
		return NULL;
	return mem_strndup(text, strnlen(text, TEXT_BYTES));
}

static int
get(struct feed *f, const char *path, struct client_reply *ret, struct err *e)
{
	int r = feed_call(f,
	    &(struct client_request){ .method = "GET", .path = path }, ret, e);

	return r != 0 ? r : client_expect(ret, e);
}

/* ---- what runs ----------------------------------------------------------- */

static void
view_running(struct feed *f)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	struct err e = ERR_INIT;
	const int64_t now = loop_now_ns();
	const json_t *item;
	size_t i;

	if (get(f, "/v1/actions?state=running&limit=500", &reply, &e) != 0) {
		tui_note(f->m, STYLE_BAD, now, "%s", e.msg);
		return;
	}
	tui_sync_begin(f->m, VIEW_RUNNING);
	json_array_foreach(json_object_get(reply.json, "items"), i, item)
	{
		const char *id = client_text(item, "id");
		struct tui_entry *was =
		    id == NULL ? NULL : tui_find(f->m, VIEW_RUNNING, id);
		struct tui_entry e_;

		/* the list does not say what was asked: the events did */
		if (was != NULL) {
			was->stale = false;
			continue;
		}
		feed_entry(item, &e_);
		if (e_.title == NULL)
			e_.title = copy(id);
		tui_put(f->m, VIEW_RUNNING, &e_, now);
	}
	tui_sync_end(f->m, VIEW_RUNNING, now);
}

/* ---- sessions ------------------------------------------------------------ */

void
feed_session(struct feed *f, const json_t *row, const char *kind)
{
	const char *session = client_text(row, "session");
	const char *decision = client_text(row, "decision");
	const json_t *body = json_object_get(row, "body");
	const bool proposed = strcmp(kind, "proposed") == 0;
	const bool decided = strcmp(kind, "decided") == 0;
	const struct tui_entry *was;
	struct tui_entry e = { 0 };
	char title[TEXT_BYTES];

	if (session == NULL || session[0] == '\0' || (!proposed && !decided))
		return;
	was = tui_find(f->m, VIEW_SESSIONS, session);
	if (was != NULL) {
		e.asked = was->asked;
		e.allowed = was->allowed;
		e.denied = was->denied;
	}
	e.asked += proposed ? 1 : 0;
	if (decided && decision != NULL)
		*(strcmp(decision, "allow") == 0 ? &e.allowed : &e.denied) += 1;
	set(e.id, sizeof(e.id), session);
	(void)snprintf(title, sizeof(title),
	    "%s: %u allowed, %u denied, %u asked a person", session, e.allowed,
	    e.denied, e.asked);
	e.title = copy(title);
	e.agent = copy(client_text(body, "agent"));
	e.place = copy(client_text(body, "workspace"));
	e.since_ns = feed_time(client_text(row, "time"));
	tui_put(f->m, VIEW_SESSIONS, &e, loop_now_ns());
}

/* ---- grants -------------------------------------------------------------- */

static void
put_grant(struct feed *f, const json_t *grant, int64_t now)
{
	struct tui_entry e = { 0 };
	char more[TEXT_BYTES];

	set(e.id, sizeof(e.id), client_text(grant, "id"));
	set(e.decision, sizeof(e.decision), client_text(grant, "scope"));
	e.title = copy(client_text(grant, "what"));
	e.agent = copy(client_text(grant, "agent"));
	e.place = copy(client_text(grant, "workspace"));
	(void)snprintf(more, sizeof(more), "by %s, until %s",
	    client_text(grant, "approver") == NULL
		? "?"
		: client_text(grant, "approver"),
	    client_text(grant, "expires_at") == NULL
		? "its session ends"
		: client_text(grant, "expires_at"));
	e.rule = copy(more);
	e.since_ns = feed_time(client_text(grant, "granted_at"));
	tui_put(f->m, VIEW_GRANTS, &e, now);
}

static void
view_grants(struct feed *f)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const int64_t now = loop_now_ns();
	const json_t *grant;
	size_t i;

	if (get(f, "/v1/grants", &reply, NULL) != 0) {
		if (f->m->view == VIEW_GRANTS)
			tui_note(f->m, STYLE_WARN, now,
			    "This daemon has no grants.");
		return;
	}
	f->m->skills |= SKILL_GRANTS | SKILL_SCOPE;
	tui_sync_begin(f->m, VIEW_GRANTS);
	json_array_foreach(json_object_get(reply.json, "items"), i, grant)
	    put_grant(f, grant, now);
	tui_sync_end(f->m, VIEW_GRANTS, now);
}

void
feed_view(struct feed *f, enum tui_view view)
{
	switch (view) {
	case VIEW_RUNNING:
		view_running(f);
		break;
	case VIEW_GRANTS:
		view_grants(f);
		break;
	case VIEW_HEALTH:
		feed_health(f);
		break;
	case VIEW_WAITING:
		f->sync = true;
		break;
	case VIEW_HISTORY:
	case VIEW_SESSIONS:
	case VIEW_COUNT:
		break; /* the events keep them */
	}
}
