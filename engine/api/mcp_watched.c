/*
 * Actions to which a session subscribed: one question to the engine for each,
 * answered when something changes.
 * Runs in: front.  Trusts: of the engine that an entity tag changed.
 * Owns: nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp_work.h"

#define WAIT_MS 60000
#define NS_PER_S ((int64_t)1000000000)
#define ACTION_PREFIX "assent://actions/"

static void
look(struct mcp_work *w)
{
	struct call call = { .route = ROUTE_GET,
		.wait_ms = w->etag[0] == '\0' ? 0 : WAIT_MS,
		.if_none_match = w->etag[0] == '\0' ? NULL : w->etag,
		.target = w->id };

	w->asked_ns = loop_now_ns();
	if (mcp_work_call(w, &call) != 0)
		mcp_work_free(w);
}

static void
tell(struct mcp_work *w)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);
	struct mcp_stream *own = mcp_stream_find(w->session, 0);

	mcp_put_updated(&out, w->uri);
	if (own != NULL && buf_done(&out, NULL) == 0)
		mcp_stream_put(own, buf_str(&out));
}

void
mcp_watched_reply(struct mcp_work *w, const struct reply *reply)
{
	const bool first = w->etag[0] == '\0';

	/* 202: it is open. Unchanged and at once: it will not change any more */
	if (reply->status >= 400 ||
	    (reply->status == 304 && loop_now_ns() - w->asked_ns < NS_PER_S)) {
		mcp_work_free(w);
		return;
	}
	if (reply->status != 304 && reply->etag != NULL) {
		(void)snprintf(w->etag, sizeof(w->etag), "%s", reply->etag);
		if (!first)
			tell(w);
	}
	if (w->etag[0] == '\0')
		mcp_work_free(w);
	else
		look(w);
}

static void
begin(struct mcp_http *s, const struct mcp_caller *who, const char *uri)
{
	const char *id = uri + strlen(ACTION_PREFIX);
	struct mcp_work *w;

	if (strlen(id) >= ACTION_ID_MAX || strchr(id, '/') != NULL ||
	    mcp_work_new(s->hub, who, &w, NULL) != 0)
		return;
	w->session = s;
	w->wanted = true;
	(void)snprintf(w->id, sizeof(w->id), "%s", id);
	w->uri = mem_strndup(uri, strlen(uri));
	if (w->uri == NULL)
		mcp_work_free(w);
	else
		look(w);
}

static bool
is_watched(const struct mcp_http *s, const char *uri)
{
	struct mcp_work *w;
	size_t at = 0;

	while ((w = mcp_work_next(s->hub, &at)) != NULL) {
		if (w->session == s && w->mcp == NULL &&
		    strcmp(w->uri, uri) == 0) {
			w->wanted = true;
			return true;
		}
	}
	return false;
}

static void
drop_unwanted(const struct mcp_http *s)
{
	struct mcp_work *w;
	size_t at = 0;

	while ((w = mcp_work_next(s->hub, &at)) != NULL) {
		if (w->session != s || w->mcp != NULL)
			continue;
		if (!w->wanted)
			mcp_work_free(w);
		else
			w->wanted = false;
	}
}

void
mcp_work_watch(struct mcp_http *s, const struct mcp_caller *who)
{
	const char *uri;

	for (size_t i = 0; (uri = mcp_session_watches(s->said, i)) != NULL;
	     i++) {
		if (str_starts(str_of(uri), STR(ACTION_PREFIX)) &&
		    !is_watched(s, uri))
			begin(s, who, uri);
	}
	drop_unwanted(s);
}
