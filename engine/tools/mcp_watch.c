/*
 * Subscriptions of assent mcp: one long poll for each action.
 * Runs in: assent.  Trusts: of the daemon that an entity tag changed.
 * Owns: the polls.
 */
#include "mcp_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client.h"
#include "model/action.h"

#define WAIT_S 60
#define NS_PER_S ((int64_t)1000000000)
#define PATH_BYTES 128
#define ACTION_PREFIX "assent://actions/"

struct watch {
	struct watches *all;
	struct client *client;
	struct client_running *running;
	char *uri;
	char id[ACTION_ID_MAX], etag[CLIENT_ETAG_MAX];
	int64_t asked_ns;
	bool wanted;
};

struct watches {
	struct loop *loop;
	const char *runtime;
	watch_fn *on_change;
	void *ctx;
	struct watch *items[MCP_SUBSCRIPTIONS_MAX]; /* NULL: free */
};

int
watches_new(struct loop *l, const char *runtime, watch_fn *on_change, void *ctx,
    struct watches **ret, struct err *e)
{
	struct watches *w = mem_new(1, sizeof(*w));

	if (w == NULL)
		return err_nomem(e);
	w->loop = l;
	w->runtime = runtime;
	w->on_change = on_change;
	w->ctx = ctx;
	*ret = w;
	return ERR_OK;
}

static void
drop(struct watches *all, size_t i)
{
	struct watch *w = TAKE_PTR(all->items[i]);

	if (w == NULL)
		return;
	client_stop(w->running);
	client_free(w->client);
	free(w->uri);
	free(w);
}

void
watches_free(struct watches *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++)
		drop(w, i);
	free(w);
}

static void
end(const struct watch *w)
{
	for (size_t i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++) {
		if (w->all->items[i] == w)
			drop(w->all, i);
	}
}

static int look(struct watch *w);

static void
on_reply(
    void *ctx, int r, const struct client_reply *reply, const struct err *why)
{
	struct watch *w = ctx;
	const bool first = w->etag[0] == '\0';

	(void)why;
	w->running = NULL;
	/* 202: it is open. Unchanged and at once: it will not change any more */
	if (r != 0 || reply->status >= 400 ||
	    (reply->status == 304 && loop_now_ns() - w->asked_ns < NS_PER_S)) {
		end(w);
		return;
	}
	if (reply->status != 304) {
		(void)snprintf(w->etag, sizeof(w->etag), "%s", reply->etag);
		if (!first)
			w->all->on_change(w->all->ctx, w->uri);
	}
	if (w->etag[0] == '\0' || look(w) != 0)
		end(w);
}

static int
look(struct watch *w)
{
	char path[PATH_BYTES];

	w->asked_ns = loop_now_ns();
	(void)snprintf(path, sizeof(path), "/v1/actions/%s", w->id);
	return client_start(w->client, w->all->loop,
	    &(struct client_begin){
		.request = { .method = "GET",
		    .path = path,
		    .wait_s = w->etag[0] == '\0' ? 0 : WAIT_S,
		    .if_none_match = w->etag[0] == '\0' ? NULL : w->etag },
		.on_done = on_reply,
		.ctx = w },
	    &w->running, NULL);
}

static void
begin(struct watches *all, const char *uri)
{
	const char *id = uri + strlen(ACTION_PREFIX);
	size_t i = 0;
	struct watch *w;

	while (i < MCP_SUBSCRIPTIONS_MAX && all->items[i] != NULL)
		i++;
	if (i == MCP_SUBSCRIPTIONS_MAX || strlen(id) >= ACTION_ID_MAX ||
	    strchr(id, '/') != NULL)
		return;
	w = mem_new(1, sizeof(*w));
	if (w == NULL)
		return;
	all->items[i] = w;
	w->all = all;
	w->wanted = true;
	w->uri = mem_strndup(uri, strlen(uri));
	(void)snprintf(w->id, sizeof(w->id), "%s", id);
	if (w->uri == NULL ||
	    client_open(all->runtime, CLIENT_AGENT, &w->client, NULL) != 0 ||
	    look(w) != 0)
		drop(all, i);
}

static bool
is_watched(struct watches *all, const char *uri)
{
	for (size_t i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++) {
		struct watch *w = all->items[i];

		if (w != NULL && strcmp(w->uri, uri) == 0) {
			w->wanted = true;
			return true;
		}
	}
	return false;
}

void
watches_follow(struct watches *all, const struct mcp_session *s)
{
	const char *uri;

	for (size_t i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++) {
		if (all->items[i] != NULL)
			all->items[i]->wanted = false;
	}
	for (size_t i = 0; (uri = mcp_session_watches(s, i)) != NULL; i++) {
		if (str_starts(str_of(uri), STR(ACTION_PREFIX)) &&
		    !is_watched(all, uri))
			begin(all, uri);
	}
	for (size_t i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++) {
		if (all->items[i] != NULL && !all->items[i]->wanted)
			drop(all, i);
	}
}
