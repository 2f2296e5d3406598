/*
 * What assent asks the daemon, and what it believes of the answer.
 * Runs in: assent.  Trusts: the owner of the socket's folder; of an answer
 * only what was checked.  Owns: nothing else.
 */
#include "client.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/command.h"
#include "model/config.h"
#include "model/json_in.h"
#include "events.h"
#include "http_loop.h"

#define CLIENT_BODY_MAX ((size_t)64 << 20)
#define CLIENT_PATH_MAX 4096
#define MACHINE_RUNTIME "/run/assent"
#define REPLY_TIMEOUT_S 30 /* beyond what the request itself waits for */
#define ARENA_BYTES 65536

_Static_assert(CLIENT_ETAG_MAX == HTTP_FIELD_MAX, "an ETag fits");

static const char *const socket_names[] = {
	[CLIENT_AGENT] = "agent.sock",
	[CLIENT_APPROVER] = "approver.sock",
};

struct client {
	int interrupt_fd;
	client_interrupt_fn *interrupt;
	void *interrupt_ctx;
	char socket[CLIENT_PATH_MAX];
};

/* What one call collects. */
struct transfer {
	const struct client_request *request;
	struct client_reply *reply;
	struct buf body;
	struct events events;
	bool is_json, is_stream, is_lines;
};

/* ---- opening ------------------------------------------------------------ */

/* Who may put a socket there could answer in the daemon's name. */
static int
check_folder(const char *folder, struct err *e)
{
	struct stat st;

	if (lstat(folder, &st) != 0)
		return err_sys(e,
		    "no daemon: start assentd, or name its folder with "
		    "--runtime: cannot look into '%s'",
		    folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is not a folder", folder);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, ERR_DENIED,
		    "'%s' belongs to uid %u, neither root nor you; a daemon "
		    "there is not believed",
		    folder, (unsigned)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(e, ERR_DENIED,
		    "others may write '%s'; a daemon there is not believed",
		    folder);
	return ERR_OK;
}

/* Who has no daemon of his own asks the machine's. */
static const char *
folder_there(const char *folder)
{
	struct stat st;

	return lstat(folder, &st) != 0 && errno == ENOENT &&
		lstat(MACHINE_RUNTIME, &st) == 0
	    ? MACHINE_RUNTIME
	    : folder;
}

static int
find_socket(
    struct client *c, const char *runtime, enum client_door door, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	const char *folder = NULL;
	int r, n;

	if (a == NULL)
		return err_nomem(e);
	r = config_runtime_dir(runtime, a, &folder, e);
	if (r == 0 && runtime == NULL)
		folder = folder_there(folder);
	if (r == 0)
		r = check_folder(folder, e);
	if (r != 0)
		return r;
	n = snprintf(
	    c->socket, sizeof(c->socket), "%s/%s", folder, socket_names[door]);
	if (n < 0 || (size_t)n >= sizeof(c->socket))
		return err_set(
		    e, ERR_LIMIT, "the path '%.80s...' is too long", folder);
	return ERR_OK;
}

int
client_open(const char *runtime, enum client_door door, struct client **ret,
    struct err *e)
{
	AUTO(client_freep) struct client *c = mem_new(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_nomem(e);
	c->interrupt_fd = -1;
	r = find_socket(c, runtime, door, e);
	if (r != 0)
		return r;
	*ret = TAKE_PTR(c);
	return ERR_OK;
}

void
client_free(struct client *c)
{
	free(c);
}

void
client_freep(struct client **c)
{
	client_free(*c);
	*c = NULL;
}

void
client_interrupt_by(
    struct client *c, int fd, client_interrupt_fn *fn, void *ctx)
{
	c->interrupt_fd = fd;
	c->interrupt = fn;
	c->interrupt_ctx = ctx;
}

/* ---- what comes back ---------------------------------------------------- */

/* From the end of its head on, a stream misses nothing. */
static int
on_head(void *ctx, const struct http_head *head, struct err *e)
{
	struct transfer *t = ctx;
	const struct client_request *q = t->request;
	struct str rest = str_of(head->content_type);
	const struct str type = str_trim(str_cut(&rest, ';'));

	t->reply->status = (long)head->status;
	t->is_json = str_eqz(type, "application/json") ||
	    str_eqz(type, "application/problem+json");
	t->is_lines = q->on_event != NULL && str_eqz(type, "application/jsonl");
	t->is_stream =
	    q->on_event != NULL && str_eqz(type, "text/event-stream");
	memcpy(t->reply->etag, head->etag, sizeof(head->etag));
	if (!t->is_stream)
		return ERR_OK;
	return q->on_event(q->ctx, STR(CLIENT_EVENT_OPEN), STR(""), e);
}

static int
on_body(void *ctx, struct str bytes, struct err *e)
{
	struct transfer *t = ctx;

	if (t->is_stream)
		return events_feed(&t->events, bytes, e);
	buf_put_str(&t->body, bytes);
	return buf_done(&t->body, e);
}

/* Line by line, once the whole has come: a list that was cut is none. */
static int
read_lines(struct transfer *t, struct err *e)
{
	const struct client_request *q = t->request;
	struct str rest = buf_str(&t->body);
	int r = 0;

	while (r == 0 && rest.len > 0)
		r = q->on_event(
		    q->ctx, STR(CLIENT_EVENT_LINE), str_cut(&rest, '\n'), e);
	return r;
}

static int
read_body(struct transfer *t, struct err *e)
{
	const long status = t->reply->status;
	int r;

	if (t->is_stream)
		return ERR_OK;
	if (t->is_lines)
		return read_lines(t, e);
	/* no lines have no type */
	if (t->request->on_event != NULL && status == 200 && t->body.len == 0)
		return ERR_OK;
	if (status == 204 || status == 304)
		return ERR_OK;
	if (!t->is_json)
		return err_set(e, ERR_INTERNAL,
		    "the daemon's answer (status %ld) is not JSON", status);
	r = json_in(buf_str(&t->body), &t->reply->json, e);
	if (r != 0)
		return err_wrap(e, ERR_INTERNAL, "the daemon's answer");
	if (!json_is_object(t->reply->json))
		return err_set(
		    e, ERR_INTERNAL, "the daemon's answer is no JSON object");
	return ERR_OK;
}

/* ---- one call ----------------------------------------------------------- */

/* Nothing that a caller gives can end its line and begin another. */
static int
put_header(struct buf *out, const char *name, const char *value, struct err *e)
{
	if (value == NULL)
		return ERR_OK;
	for (const char *c = value; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(e, ERR_INVALID,
			    "the request's %s has a control character", name);
	}
	buf_printf(out, "%s: %s\r\n", name, value);
	return ERR_OK;
}

static int
put_headers(struct buf *out, const struct client_request *q, struct err *e)
{
	int r = 0;

	buf_puts(out, "Host: assent\r\nConnection: close\r\n");
	buf_printf(out, "Accept: %s\r\n",
	    q->on_event != NULL ? "text/event-stream" : "*/*");
	if (q->body.len > 0)
		buf_printf(out,
		    "Content-Type: application/json\r\n"
		    "Content-Length: %zu\r\n",
		    q->body.len);
	if (q->wait_s > 0)
		buf_printf(out, "Prefer: wait=%lld\r\n", (long long)q->wait_s);
	r = put_header(out, "If-Match", q->if_match, e);
	if (r == 0)
		r = put_header(out, "If-None-Match", q->if_none_match, e);
	if (r == 0)
		r = put_header(out, "Idempotency-Key", q->idempotency_key, e);
	return r;
}

static int
put_request(struct buf *out, const struct client_request *q, struct err *e)
{
	int r;

	if (strpbrk(q->path, " \r\n") != NULL ||
	    strlen(q->path) > CLIENT_PATH_MAX)
		return err_set(e, ERR_INVALID, "no path: '%.80s'", q->path);
	buf_printf(out, "%s %s HTTP/1.1\r\n", q->method, q->path);
	r = put_headers(out, q, e);
	if (r != 0)
		return r;
	buf_puts(out, "\r\n");
	buf_put_str(out, q->body);
	return buf_done(out, e);
}

/* A stream may be silent for long; any other answer comes in time. */
static int64_t
timeout_ms_of(const struct client_request *q)
{
	if (q->timeout_ms > 0)
		return q->timeout_ms;
	return q->on_event != NULL ? 0 : (q->wait_s + REPLY_TIMEOUT_S) * 1000;
}

static struct http_call
call_of(const struct client *c, struct transfer *t, const struct buf *request)
{
	return (struct http_call){ .socket = c->socket,
		.request = buf_str(request),
		.on_head = on_head,
		.on_body = on_body,
		.ctx = t,
		.timeout_ms = timeout_ms_of(t->request),
		.interrupt_fd = c->interrupt_fd,
		.interrupt = c->interrupt,
		.interrupt_ctx = c->interrupt_ctx };
}

static int
perform(struct client *c, struct transfer *t, struct err *e)
{
	AUTO_BUF struct buf request = BUF_INIT(CLIENT_BODY_MAX);
	int r = put_request(&request, t->request, e);

	if (r == 0) {
		const struct http_call call = call_of(c, t, &request);

		r = http_exchange(&call, e);
	}
	return r != 0 ? r : read_body(t, e);
}

int
client_call(struct client *c, const struct client_request *request,
    struct client_reply *ret, struct err *e)
{
	struct client_reply reply = CLIENT_REPLY_INIT;
	struct transfer t = { .request = request,
		.reply = &reply,
		.body = BUF_INIT(CLIENT_BODY_MAX),
		.events = EVENTS_INIT(request->on_event, request->ctx) };
	int r;

	assert(request->path[0] == '/');
	r = perform(c, &t, e);
	events_done(&t.events);
	buf_free(&t.body);
	if (r != 0) {
		client_reply_done(&reply);
		return r;
	}
	client_reply_done(ret);
	*ret = reply;
	return ERR_OK;
}

/* ---- on a loop ---------------------------------------------------------- */

struct client_running {
	struct client_request request;
	struct client_reply reply;
	struct transfer t;
	struct http_running *http;
	client_done_fn *on_done;
	void *ctx;
};

void
client_stop(struct client_running *k)
{
	if (k == NULL)
		return;
	http_stop(k->http);
	events_done(&k->t.events);
	buf_free(&k->t.body);
	client_reply_done(&k->reply);
	free(k);
}

static void
on_done(void *ctx, int r, const struct err *why)
{
	struct client_running *k = ctx;
	struct err e = *why;

	k->http = NULL;
	if (r == 0)
		r = read_body(&k->t, &e);
	k->on_done(k->ctx, r, r == 0 ? &k->reply : NULL, &e);
	client_stop(k);
}

int
client_start(struct client *c, struct loop *l, const struct client_begin *b,
    struct client_running **ret, struct err *e)
{
	AUTO_BUF struct buf request = BUF_INIT(CLIENT_BODY_MAX);
	struct client_running *k = mem_new(1, sizeof(*k));
	int r;

	if (k == NULL)
		return err_nomem(e);
	k->request = b->request;
	k->on_done = b->on_done;
	k->ctx = b->ctx;
	k->t = (struct transfer){ .request = &k->request,
		.reply = &k->reply,
		.body = BUF_INIT(CLIENT_BODY_MAX),
		.events = EVENTS_INIT(b->request.on_event, b->request.ctx) };
	r = put_request(&request, &b->request, e);
	if (r == 0) {
		const struct http_call call = call_of(c, &k->t, &request);

		r = http_start(l, &call, on_done, k, &k->http, e);
	}
	if (r != 0)
		client_stop(k);
	else
		*ret = k;
	return r;
}

/* ---- reading replies ---------------------------------------------------- */

void
client_reply_done(struct client_reply *r)
{
	json_decref(r->json);
	*r = (struct client_reply)CLIENT_REPLY_INIT;
}

const char *
client_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static enum err_code
code_of_status(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOTFOUND;
	case 409:
	case 412:
	case 428:
		return ERR_CONFLICT;
	case 413:
	case 429:
		return ERR_LIMIT;
	case 503:
		return ERR_SYS;
	default:
		return status < 500 ? ERR_INVALID : ERR_INTERNAL;
	}
}

int
client_expect(const struct client_reply *r, struct err *e)
{
	const char *detail = client_text(r->json, "detail");

	if (r->status >= 200 && r->status < 400)
		return ERR_OK;
	if (detail == NULL)
		detail = "the daemon gives no reason";
	return err_set(
	    e, code_of_status(r->status), "%s (%ld)", detail, r->status);
}

int
client_exit_status(const struct err *e)
{
	switch (e->code) {
	case ERR_SYS:
		return EXIT_UNAVAILABLE;
	case ERR_INVALID:
	case ERR_LIMIT:
		return EXIT_USAGE;
	case ERR_DENIED:
	case ERR_NOTFOUND:
	case ERR_CONFLICT:
		return EXIT_DENIED;
	case ERR_OK:
	case ERR_NOMEM:
	case ERR_INTERNAL:
		return EXIT_INTERNAL;
	}
	return EXIT_INTERNAL;
}
