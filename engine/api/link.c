/*
 * Answers by libmicrohttpd. Each client that was answered has a pair of
 * sockets: the library holds one end and is asked, in words of our own, for
 * the answer that is ready; client.c carries what it writes to the client.
 * Runs in: front.  Trusts: the library.  Owns: links, responses, streams.
 */
#include "front.h"

#include <microhttpd.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The whole output of a run comes at once to who asks late. */
#define STREAM_QUEUE_MAX ((size_t)32 << 20)
#define LAST_WORDS_MAX 256
#define STREAM_BLOCK ((size_t)16 << 10)
#define CONNECTION_MEMORY ((size_t)8 << 10)
#define HEADER_VALUE_MAX 256
#define MHD_TURNS_MAX 16
#define TAKEN_STEP ((size_t)64 << 10) /* of a paced stream: one word */

struct link {
	struct front *front;
	struct client *client; /* NULL: gone */
	int fd; /* our end; -1: closed */
	bool watched;
	struct MHD_Connection *connection; /* NULL: the library closed it */
	struct MHD_Response *response;
	unsigned status;
	bool completed;
	size_t held; /* bytes, counted in the front */
	/* a stream */
	struct buf queue;
	size_t queue_at;
	size_t taken; /* of a paced one; the engine has not heard of it */
	bool streaming, ended, suspended;
};

/* What the library is asked for: nothing in it comes from outside. */
#define ASK(method, head, connection) method " / HTTP/" head connection "\r\n"
#define KEEP "Connection: keep-alive\r\n"
#define CLOSE "Connection: close\r\n"
#define HOST "1.1\r\nHost: a\r\n"

static const char *const asks[2][2][2] = {
	/* [head only][HTTP/1.1][close after] */
	{
	    { ASK("GET", "1.0\r\n", KEEP), ASK("GET", "1.0\r\n", CLOSE) },
	    { ASK("GET", HOST, ""), ASK("GET", HOST, CLOSE) },
	},
	{
	    { ASK("HEAD", "1.0\r\n", KEEP), ASK("HEAD", "1.0\r\n", CLOSE) },
	    { ASK("HEAD", HOST, ""), ASK("HEAD", HOST, CLOSE) },
	},
};

/* What this link holds in memory for its client. */
static void
hold(struct link *k, size_t bytes)
{
	k->front->held = k->front->held - k->held + bytes;
	k->held = bytes;
}

static void
link_free_if_over(struct link *k)
{
	if (k->client != NULL || k->connection != NULL)
		return;
	hold(k, 0);
	if (k->response != NULL)
		MHD_destroy_response(k->response);
	buf_free(&k->queue);
	free(k);
}

/* ---- called by the library --------------------------------------------- */

/* lint.size: the library's signature. */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **ctx)
{
	struct link *k = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			     ->socket_context;

	(void)cls;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	(void)len;
	/* Answering the first call would make 0.9.75 close the connection. */
	if (*ctx == NULL) {
		*ctx = k;
		return MHD_YES;
	}
	if (k->response == NULL)
		return MHD_NO;
	return MHD_queue_response(connection, k->status, k->response);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **ctx,
    enum MHD_RequestTerminationCode how)
{
	struct link *k = *ctx;

	(void)cls;
	(void)connection;
	(void)how;
	if (k == NULL)
		return;
	k->completed = true;
	k->streaming = false;
	hold(k, 0);
	*ctx = NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **ctx,
    enum MHD_ConnectionNotificationCode what)
{
	struct front *f = cls;
	struct link *k;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		assert(f->opening != NULL);
		f->opening->connection = connection;
		*ctx = f->opening;
		return;
	}
	k = *ctx;
	k->connection = NULL;
	link_free_if_over(k);
}

static void
count_taken(struct link *k, size_t n)
{
	if (k->client == NULL || !k->client->paced)
		return;
	k->taken += n;
	if (k->taken < TAKEN_STEP)
		return;
	front_taken(k->front, k->client, k->taken);
	k->taken = 0;
}

/* More of a stream; suspends the connection while there is nothing. */
static ssize_t
on_more(void *cls, uint64_t pos, char *to, size_t max)
{
	struct link *k = cls;
	const size_t have = k->queue.len - k->queue_at;
	const size_t n = have < max ? have : max;

	(void)pos;
	if (n > 0) {
		memcpy(to, k->queue.s + k->queue_at, n);
		k->queue_at += n;
		count_taken(k, n);
		return (ssize_t)n;
	}
	buf_reset(&k->queue);
	k->queue_at = 0;
	hold(k, 0);
	if (k->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	MHD_suspend_connection(k->connection);
	k->suspended = true;
	return 0;
}

/* ---- the daemon -------------------------------------------------------- */

/* The library says when it has more to do than descriptors tell. */
static bool
is_not_done(struct front *f)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(f->mhd, &ms) == MHD_YES && ms == 0;
}

static void
run_mhd(void *ctx)
{
	struct front *f = ctx;
	struct client *c;
	unsigned turns = 0;

	do {
		(void)MHD_run(f->mhd);
	} while (is_not_done(f) && ++turns < MHD_TURNS_MAX);
	while ((c = f->answering) != NULL) {
		f->answering = c->next_answering;
		c->in_answering = false;
		client_pump(c);
	}
	if (turns == MHD_TURNS_MAX)
		(void)loop_after(f->loop, 0, run_mhd, f, NULL, NULL);
}

static void
on_mhd(void *ctx, int fd, unsigned events)
{
	struct front *f = ctx;

	(void)fd;
	(void)events;
	loop_defer(f->loop, &f->run_mhd);
}

int
link_daemon(struct front *f, struct err *e)
{
	const union MHD_DaemonInfo *info;

	f->mhd = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME,
	    0, NULL, NULL, on_request, f, MHD_OPTION_NOTIFY_COMPLETED,
	    on_completed, f, MHD_OPTION_NOTIFY_CONNECTION, on_connection, f,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)HTTP_CONNECTIONS_MAX + TOLD_MAX, MHD_OPTION_END);
	if (f->mhd == NULL)
		return err_sys(e, "cannot start the HTTP library");
	info = MHD_get_daemon_info(f->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		return err_set(
		    e, ERR_INTERNAL, "the HTTP library has no epoll");
	f->mhd_fd = info->epoll_fd;
	f->run_mhd = (struct loop_task){ .fn = run_mhd, .ctx = f };
	return loop_fd(f->loop, f->mhd_fd, LOOP_READ, on_mhd, f, e);
}

void
link_daemon_stop(struct front *f)
{
	if (f->mhd == NULL)
		return;
	loop_undefer(f->loop, &f->run_mhd);
	loop_forget(f->loop, f->mhd_fd);
	MHD_stop_daemon(f->mhd);
	f->mhd = NULL;
}

/* ---- links ------------------------------------------------------------- */

static void
on_link(void *ctx, int fd, unsigned events)
{
	struct link *k = ctx;

	(void)fd;
	(void)events;
	client_pump(k->client);
}

void
link_watch(struct link *k, bool on)
{
	if (on == k->watched || k->fd < 0)
		return;
	if (!on)
		loop_forget(k->front->loop, k->fd);
	else if (loop_fd(k->front->loop, k->fd, LOOP_READ, on_link, k, NULL) !=
	    0)
		return;
	k->watched = on;
}

static int
link_open(struct client *c, struct err *e)
{
	const struct sockaddr nobody = { .sa_family = AF_UNIX };
	AUTO_FREE struct link *k = mem_new(1, sizeof(*k));
	AUTO_FD int ours = -1;
	int pair[2];

	if (k == NULL)
		return err_nomem(e);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		pair) != 0)
		return err_sys(e, "cannot create a pair of sockets");
	ours = pair[0];
	*k = (struct link){
		.front = c->front,
		.client = c,
		.fd = -1,
		.queue = BUF_INIT(STREAM_QUEUE_MAX + LAST_WORDS_MAX),
	};
	c->front->opening = k;
	/* takes its end, also on failure */
	if (MHD_add_connection(c->front->mhd, pair[1], &nobody,
		sizeof(nobody.sa_family)) != MHD_YES ||
	    k->connection == NULL)
		return err_set(
		    e, ERR_INTERNAL, "the HTTP library takes no connection");
	c->front->opening = NULL;
	k->fd = TAKE_FD(ours);
	c->link = TAKE_PTR(k);
	return ERR_OK;
}

void
link_drop(struct link *k)
{
	if (k == NULL)
		return;
	link_watch(k, false);
	fd_closep(&k->fd);
	k->client = NULL;
	k->ended = true;
	if (k->suspended && k->connection != NULL) {
		k->suspended = false;
		MHD_resume_connection(k->connection);
	}
	/* It sees that our end is closed, and lets go of the link. */
	loop_defer(k->front->loop, &k->front->run_mhd);
	link_free_if_over(k);
}

ssize_t
link_read(struct link *k, void *to, size_t len)
{
	ssize_t n;

	do {
		n = recv(k->fd, to, len, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n;
}

bool
link_completed(const struct link *k)
{
	return k->completed;
}

bool
link_ended(const struct link *k)
{
	return k->ended;
}

/* ---- answers ----------------------------------------------------------- */

static const char *
media_type(enum body_type t)
{
	static const char *const types[] = {
		[BODY_JSON] = "application/json",
		[BODY_PROBLEM] = "application/problem+json",
		[BODY_EVENTS] = "text/event-stream",
		[BODY_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
		[BODY_TEXT] = "text/plain; charset=utf-8",
		[BODY_JSONL] = "application/jsonl",
	};

	return (size_t)t < ARRAY_LEN(types) ? types[t] : types[BODY_TEXT];
}

static bool
header(struct MHD_Response *r, const char *name, const char *value)
{
	return MHD_add_response_header(r, name, value) == MHD_YES;
}

static bool
number_header(
    struct MHD_Response *r, const char *name, const char *prefix, int64_t v)
{
	char value[HEADER_VALUE_MAX];

	(void)snprintf(value, sizeof(value), "%s%lld", prefix, (long long)v);
	return header(r, name, value);
}

static bool
allow_header(struct MHD_Response *r, unsigned methods)
{
	AUTO_BUF struct buf value = BUF_INIT(HEADER_VALUE_MAX);

	route_allow(methods, &value);
	return header(r, MHD_HTTP_HEADER_ALLOW, buf_cstr(&value));
}

static bool
put_headers(
    struct MHD_Response *r, const struct client *c, const struct answer *a)
{
	bool good = header(r, "X-Request-Id", c->request_id) &&
	    header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
	    header(r, "X-Content-Type-Options", "nosniff");

	if (a->body.len > 0 || a->chunks)
		good = good &&
		    header(
			r, MHD_HTTP_HEADER_CONTENT_TYPE, media_type(a->type));
	if (a->etag != NULL)
		good = good && header(r, MHD_HTTP_HEADER_ETAG, a->etag);
	if (a->location != NULL)
		good = good && header(r, MHD_HTTP_HEADER_LOCATION, a->location);
	if (a->session != NULL)
		good = good && header(r, "Mcp-Session-Id", a->session);
	if (a->retry_after_s != 0)
		good = good &&
		    number_header(
			r, MHD_HTTP_HEADER_RETRY_AFTER, "", a->retry_after_s);
	if (a->allow != 0)
		good = good && allow_header(r, a->allow);
	if (a->status == MHD_HTTP_UNAUTHORIZED)
		good = good &&
		    header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (c->wait_ms >= 0)
		good = good &&
		    number_header(
			r, "Preference-Applied", "wait=", c->wait_ms / 1000);
	return good;
}

static struct MHD_Response *
response_new(struct link *k, const struct answer *a)
{
	union {
		const char *in;
		void *out;
	} body = { .in = a->body.s };

	if (a->chunks)
		return MHD_create_response_from_callback(
		    MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_more, k, NULL);
	return MHD_create_response_from_buffer(a->body.len,
	    a->body.len == 0 ? NULL : body.out, MHD_RESPMEM_MUST_COPY);
}

int
link_answer(struct client *c, const struct answer *a, struct err *e)
{
	const struct str ask =
	    str_of(asks[c->head_only][c->minor == 1][c->close_after]);
	struct link *k;
	int r = c->link == NULL ? link_open(c, e) : ERR_OK;

	if (r != 0)
		return r;
	k = c->link;
	assert(k != NULL);
	if (k->response != NULL)
		MHD_destroy_response(k->response);
	k->response = response_new(k, a);
	if (k->response == NULL || !put_headers(k->response, c, a))
		return err_nomem(e);
	hold(k, a->body.len);
	k->status = a->status;
	k->completed = false;
	k->streaming = a->chunks;
	k->ended = false;
	buf_reset(&k->queue);
	k->queue_at = 0;
	k->taken = 0;
	if (a->chunks)
		buf_put_str(&k->queue, a->body);
	if (send(k->fd, ask.s, ask.len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)ask.len)
		return err_sys(e, "the HTTP library takes no request");
	loop_defer(c->front->loop, &c->front->run_mhd);
	return ERR_OK;
}

/* ---- streams ----------------------------------------------------------- */

static void
wake(struct link *k)
{
	if (k->suspended && k->connection != NULL) {
		k->suspended = false;
		MHD_resume_connection(k->connection);
	}
	loop_defer(k->front->loop, &k->front->run_mhd);
}

bool
link_chunk(struct link *k, struct str bytes)
{
	const size_t waiting = k->queue.len - k->queue_at;

	if (!k->streaming || k->ended)
		return true;
	if (bytes.len > STREAM_QUEUE_MAX - waiting ||
	    (waiting > 0 && !front_may_hold(k->front, bytes.len)))
		return false;
	/* What was sent is let go of now and then, not at every chunk. */
	if (k->queue_at > STREAM_QUEUE_MAX / 2 ||
	    bytes.len > STREAM_QUEUE_MAX - k->queue.len) {
		buf_consume(&k->queue, k->queue_at);
		k->queue_at = 0;
	}
	buf_put_str(&k->queue, bytes);
	hold(k, k->queue.len);
	wake(k);
	return true;
}

void
link_end(struct link *k, struct str last_words)
{
	if (!k->streaming || k->ended)
		return;
	if (last_words.len <= LAST_WORDS_MAX)
		buf_put_str(&k->queue, last_words);
	k->ended = true;
	wake(k);
}
