/*
 * Syslog's connection: connect, send, wait until it is acknowledged; each
 * with a limit of time, all of it on the loop.
 * Runs in: reporter.  Trusts: libcurl.  Owns: libcurl's handle, the bytes that
 * are under way.
 */
#include "syslog_stream.h"

#include <assert.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/mem.h"

#define URL_BYTES_MAX 1024
#define CONNECT_MS 3000L
#define SEND_MS 5000
#define ACKNOWLEDGE_MS 5000
/* A peer that has hung up says so at once. */
#define ACKNOWLEDGE_FIRST_MS 1
#define ACKNOWLEDGE_STEP_MS 20
#define NS_PER_MS INT64_C(1000000)

struct syslog_stream {
	struct syslog_stream_options o;
	CURL *easy; /* in o.curl as long as it is there */
	struct curl_transfer transfer;
	int fd; /* libcurl's; -1: not connected */
	bool watched;
	struct loop_timer *timer;
	int64_t deadline_ns; /* of what is waited for */
	struct buf out;
	size_t sent;
	syslog_stream_fn *done; /* NULL: nothing is under way */
	void *ctx;
};

static void push(struct syslog_stream *s);

/* ---- its end --------------------------------------------------------------- */

static void
clear_timer(struct syslog_stream *s)
{
	loop_cancel(s->o.loop, s->timer);
	s->timer = NULL;
}

static void
stop_watching(struct syslog_stream *s)
{
	if (s->watched)
		loop_forget(s->o.loop, s->fd);
	s->watched = false;
}

static void
hang_up(struct syslog_stream *s)
{
	clear_timer(s);
	stop_watching(s);
	if (s->easy != NULL) {
		curl_loop_remove(s->o.curl, s->easy);
		curl_easy_cleanup(s->easy);
	}
	s->easy = NULL;
	s->fd = -1;
}

static void
finish(struct syslog_stream *s, int r, const struct err *why)
{
	syslog_stream_fn *done = s->done;

	assert(done != NULL);
	clear_timer(s);
	stop_watching(s);
	if (r != 0)
		hang_up(s);
	buf_free(&s->out);
	s->sent = 0;
	s->done = NULL;
	done(s->ctx, r, why);
}

static void
fail(struct syslog_stream *s, const char *what, const char *why)
{
	struct err e = ERR_INIT;
	const int r = err_set(&e, ERR_SYS, "'%s' %s%s%s", s->o.name, what,
	    why == NULL ? "" : ": ", why == NULL ? "" : why);

	finish(s, r, &e);
}

/* ---- until the peer has it ---------------------------------------------------- */

static bool
has_hung_up(const struct syslog_stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

static void
on_look(void *ctx)
{
	struct syslog_stream *s = ctx;
	int queued = 0;

	s->timer = NULL;
	if (has_hung_up(s))
		fail(s, "has hung up", NULL);
	else if (ioctl(s->fd, SIOCOUTQ, &queued) != 0)
		fail(s, "cannot be asked what it has", NULL);
	else if (queued == 0)
		finish(s, ERR_OK, NULL);
	else if (loop_now_ns() >= s->deadline_ns)
		fail(s, "does not answer", NULL);
	else if (loop_after(s->o.loop, ACKNOWLEDGE_STEP_MS, on_look, s,
		     &s->timer, NULL) != 0)
		fail(s, "cannot be waited for: memory is short", NULL);
}

static void
wait_acknowledged(struct syslog_stream *s)
{
	clear_timer(s);
	stop_watching(s);
	s->deadline_ns = loop_now_ns() + ACKNOWLEDGE_MS * NS_PER_MS;
	if (loop_after(s->o.loop, ACKNOWLEDGE_FIRST_MS, on_look, s, &s->timer,
		NULL) != 0)
		fail(s, "cannot be waited for: memory is short", NULL);
}

/* ---- sending ------------------------------------------------------------------ */

static void
on_late(void *ctx)
{
	struct syslog_stream *s = ctx;

	s->timer = NULL;
	fail(s, "does not read", NULL);
}

static void
on_writable(void *ctx, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	push(ctx);
}

/* As long as something moves it may go on. */
static void
wait_writable(struct syslog_stream *s, bool moved)
{
	int r = ERR_OK;

	if (!s->watched)
		r = loop_fd(s->o.loop, s->fd, LOOP_WRITE, on_writable, s, NULL);
	s->watched = r == 0;
	if (moved)
		clear_timer(s);
	if (r == 0 && s->timer == NULL)
		r = loop_after(s->o.loop, SEND_MS, on_late, s, &s->timer, NULL);
	if (r != 0)
		fail(s, "cannot be waited for: memory is short", NULL);
}

static void
push(struct syslog_stream *s)
{
	bool moved = false;

	while (s->sent < s->out.len) {
		size_t n = 0;
		const CURLcode code = curl_easy_send(
		    s->easy, s->out.s + s->sent, s->out.len - s->sent, &n);

		s->sent += n;
		moved = moved || n > 0;
		if (code == CURLE_AGAIN) {
			wait_writable(s, moved);
			return;
		}
		if (code != CURLE_OK) {
			fail(s, "is not sent to", curl_easy_strerror(code));
			return;
		}
	}
	wait_acknowledged(s);
}

/* ---- connecting ---------------------------------------------------------------- */

static void
on_connected(void *ctx, CURL *easy, CURLcode code)
{
	struct syslog_stream *s = ctx;
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (code == CURLE_OK)
		code = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	if (code != CURLE_OK || fd == CURL_SOCKET_BAD) {
		fail(s, "cannot be connected to", curl_easy_strerror(code));
		return;
	}
	s->fd = fd;
	push(s);
}

static void
begin_connect(struct syslog_stream *s)
{
	char url[URL_BYTES_MAX];
	struct err e = ERR_INIT;
	CURLcode code;

	(void)snprintf(url, sizeof(url), "%s://%s",
	    s->o.encrypted ? "https" : "http", s->o.where);
	s->easy = curl_easy_init();
	if (s->easy == NULL) {
		fail(s, "cannot be connected to: memory is short", NULL);
		return;
	}
	code = curl_set_connect(s->easy, url, CONNECT_MS);
	if (code == CURLE_OK)
		code = curl_set_tls(s->easy, &s->o.tls);
	s->transfer = (struct curl_transfer){
		.done = on_connected,
		.ctx = s,
		.keeps = true,
	};
	if (code != CURLE_OK)
		fail(s, "cannot be connected to", curl_easy_strerror(code));
	else if (curl_loop_add(s->o.curl, s->easy, &s->transfer, &e) != 0)
		fail(s, "cannot be connected to", e.msg);
}

/* ---- the whole ------------------------------------------------------------------ */

int
syslog_stream_new(const struct syslog_stream_options *o,
    struct syslog_stream **ret, struct err *e)
{
	struct syslog_stream *s = mem_new(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->o = *o;
	s->fd = -1;
	*ret = s;
	return ERR_OK;
}

void
syslog_stream_send(struct syslog_stream *s, struct buf *bytes,
    syslog_stream_fn *done, void *ctx)
{
	assert(s->done == NULL);
	s->done = done;
	s->ctx = ctx;
	s->sent = 0;
	s->out = *bytes;
	*bytes = (struct buf)BUF_INIT(bytes->max);
	/* Meanwhile; what is sent to such a one is lost. */
	if (s->fd >= 0 && has_hung_up(s))
		hang_up(s);
	if (s->fd < 0)
		begin_connect(s);
	else
		push(s);
}

void
syslog_stream_free(struct syslog_stream *s)
{
	if (s == NULL)
		return;
	hang_up(s);
	buf_free(&s->out);
	mem_freep(&s);
}
