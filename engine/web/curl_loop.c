/*
 * libcurl's sockets and timer on the loop of a role.
 * Runs in: reviewer, reporter.  Trusts: libcurl.  Owns: the multi handle.
 */
#include "curl_loop.h"

#include "base/log.h"
#include "base/mem.h"

#define CONNECTIONS_KEPT 16L

struct curl_loop {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct loop_task finish;
};

static void
kick(struct curl_loop *c, int fd, int what)
{
	int running;

	(void)curl_multi_socket_action(c->multi, fd, what, &running);
	loop_defer(c->loop, &c->finish);
}

static void
on_socket(void *ctx, int fd, unsigned events)
{
	int what = 0;

	if ((events & (LOOP_READ | LOOP_HUP)) != 0)
		what |= CURL_CSELECT_IN;
	if ((events & LOOP_WRITE) != 0)
		what |= CURL_CSELECT_OUT;
	kick(ctx, fd, what);
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct curl_loop *c = ctx;
	unsigned events = 0;
	struct err e = ERR_INIT;
	int r;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (known != NULL)
			loop_forget(c->loop, fd);
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= LOOP_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= LOOP_WRITE;
	if (known != NULL)
		r = loop_change(c->loop, fd, events, &e);
	else
		r = loop_fd(c->loop, fd, events, on_socket, c, &e);
	if (r != 0)
		log_err("http", "why=%s", e.msg);
	else
		(void)curl_multi_assign(c->multi, fd, c);
	return 0;
}

static void
on_timer(void *ctx)
{
	struct curl_loop *c = ctx;

	c->timer = NULL;
	kick(c, CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long ms, void *ctx)
{
	struct curl_loop *c = ctx;
	struct err e = ERR_INIT;

	(void)multi;
	loop_cancel(c->loop, c->timer);
	c->timer = NULL;
	if (ms >= 0 && loop_after(c->loop, ms, on_timer, c, &c->timer, &e) != 0)
		log_err("http", "why=%s", e.msg);
	return 0;
}

static void
finish_all(void *ctx)
{
	struct curl_loop *c = ctx;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		CURL *easy = m->easy_handle;
		const CURLcode code = m->data.result;
		struct curl_transfer *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
		if (!t->keeps)
			(void)curl_multi_remove_handle(c->multi, easy);
		t->done(t->ctx, easy, code);
	}
}

int
curl_loop_add(
    struct curl_loop *c, CURL *easy, struct curl_transfer *t, struct err *e)
{
	if (curl_easy_setopt(easy, CURLOPT_PRIVATE, t) != CURLE_OK ||
	    curl_multi_add_handle(c->multi, easy) != CURLM_OK)
		return err_nomem(e);
	return ERR_OK;
}

void
curl_loop_remove(struct curl_loop *c, CURL *easy)
{
	(void)curl_multi_remove_handle(c->multi, easy);
}

int
curl_loop_new(struct loop *l, struct curl_loop **ret, struct err *e)
{
	struct curl_loop *c = mem_new(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->loop = l;
	c->finish = (struct loop_task){ .fn = finish_all, .ctx = c };
	c->multi = curl_multi_init();
	if (c->multi == NULL) {
		mem_freep(&c);
		return err_nomem(e);
	}
	(void)curl_multi_setopt(
	    c->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(
	    c->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
	*ret = c;
	return ERR_OK;
}

void
curl_loop_free(struct curl_loop *c)
{
	if (c == NULL)
		return;
	(void)curl_multi_cleanup(c->multi);
	loop_cancel(c->loop, c->timer);
	loop_undefer(c->loop, &c->finish);
	mem_freep(&c);
}
