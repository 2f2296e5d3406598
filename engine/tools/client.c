/*
 * HTTP over the daemon's unix sockets, by libcurl.
 * Runs in: assent.  Trusts: the owner of the socket's folder; of an answer
 * only what was checked.  Owns: a curl handle.
 */
#include "client.h"

#include <assert.h>
#include <curl/curl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/command.h"
#include "model/config.h"
#include "model/json_in.h"
#include "events.h"

#define CLIENT_BODY_MAX ((size_t)64 << 20)
#define CLIENT_PATH_MAX 4096
#define CONNECT_TIMEOUT_MS 5000L
#define REPLY_TIMEOUT_S 30 /* beyond what the request itself waits for */
#define POLL_MS 1000
#define ARENA_BYTES 65536

static const char *const socket_names[] = {
	[CLIENT_AGENT] = "agent.sock",
	[CLIENT_APPROVER] = "approver.sock",
};

struct client {
	CURL *curl;
	CURLM *multi;
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
	struct curl_slist *headers;
	struct err why; /* of a callback that failed */
	bool is_json, is_stream;
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
	c->curl = curl_easy_init();
	c->multi = curl_multi_init();
	if (c->curl == NULL || c->multi == NULL)
		return err_nomem(e);
	*ret = TAKE_PTR(c);
	return ERR_OK;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->curl);
	(void)curl_multi_cleanup(c->multi);
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

/* The value of a header line, when it is the one called name. */
static bool
header_is(struct str line, const char *name, struct str *ret)
{
	struct str rest = line;
	const struct str found = str_cut(&rest, ':');

	if (found.len != strlen(name) ||
	    strncasecmp(found.s, name, found.len) != 0)
		return false;
	*ret = str_trim(rest);
	return true;
}

/* From the end of its head on, a stream misses nothing. */
static int
head_ended(struct transfer *t)
{
	const struct client_request *q = t->request;

	if (!t->is_stream || q->on_event == NULL)
		return ERR_OK;
	return q->on_event(q->ctx, STR(CLIENT_EVENT_OPEN), STR(""), &t->why);
}

static size_t
on_header(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	const struct str line = str_n(bytes, size * count);
	struct str value;

	if (str_trim(line).len == 0) {
		if (head_ended(t) != 0)
			return 0;
	} else if (header_is(line, "Content-Type", &value)) {
		const struct str type = str_trim(str_cut(&value, ';'));

		t->is_json = str_eqz(type, "application/json") ||
		    str_eqz(type, "application/problem+json");
		t->is_stream = str_eqz(type, "text/event-stream");
	} else if (header_is(line, "ETag", &value) &&
	    value.len < sizeof(t->reply->etag)) {
		memcpy(t->reply->etag, value.s, value.len);
		t->reply->etag[value.len] = '\0';
	}
	return line.len;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	const struct str chunk = str_n(bytes, size * count);

	if (t->is_stream && t->request->on_event != NULL) {
		if (events_feed(&t->events, chunk, &t->why) != 0)
			return 0;
		return chunk.len;
	}
	buf_put_str(&t->body, chunk);
	return buf_done(&t->body, &t->why) == 0 ? chunk.len : 0;
}

static int
read_body(struct transfer *t, struct err *e)
{
	const long status = t->reply->status;
	int r;

	if (t->is_stream && t->request->on_event != NULL)
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

static int
add_header(
    struct transfer *t, const char *name, const char *value, struct err *e)
{
	AUTO_BUF struct buf line = BUF_INIT(CLIENT_PATH_MAX);
	struct curl_slist *longer;
	int r;

	if (value == NULL)
		return ERR_OK;
	buf_printf(&line, "%s: %s", name, value);
	r = buf_done(&line, e);
	if (r != 0)
		return r;
	longer = curl_slist_append(t->headers, line.s);
	if (longer == NULL)
		return err_nomem(e);
	t->headers = longer;
	return ERR_OK;
}

static int
add_headers(struct transfer *t, struct err *e)
{
	const struct client_request *q = t->request;
	char wait[48];
	int r = 0;

	if (q->body.len > 0)
		r = add_header(t, "Content-Type", "application/json", e);
	if (r == 0 && q->wait_s > 0) {
		(void)snprintf(
		    wait, sizeof(wait), "wait=%lld", (long long)q->wait_s);
		r = add_header(t, "Prefer", wait, e);
	}
	if (r == 0)
		r = add_header(t, "If-Match", q->if_match, e);
	if (r == 0)
		r = add_header(t, "If-None-Match", q->if_none_match, e);
	if (r == 0)
		r = add_header(t, "Idempotency-Key", q->idempotency_key, e);
	if (r == 0)
		r = add_header(t, "Accept",
		    q->on_event != NULL ? "text/event-stream" : NULL, e);
	/* curl would wait a second for a 100 that nobody sends */
	return r != 0 ? r : add_header(t, "Expect", "", e);
}

/* A stream may be silent for long; any other answer comes in time. */
static void
set_timeouts(CURL *curl, const struct client_request *q)
{
	(void)curl_easy_setopt(
	    curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	if (q->on_event == NULL)
		(void)curl_easy_setopt(
		    curl, CURLOPT_TIMEOUT, (long)(q->wait_s + REPLY_TIMEOUT_S));
}

static int
set_up(struct client *c, struct transfer *t, struct err *e)
{
	const struct client_request *q = t->request;
	char url[CLIENT_PATH_MAX];
	const int n = snprintf(url, sizeof(url), "http://assent%s", q->path);
	int r;

	if (n < 0 || (size_t)n >= sizeof(url))
		return err_set(e, ERR_LIMIT, "the request's path is too long");
	r = add_headers(t, e);
	if (r != 0)
		return r;
	curl_easy_reset(c->curl);
	(void)curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	(void)curl_easy_setopt(c->curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, q->method);
	/* nothing of the environment decides where this goes */
	(void)curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, t->headers);
	(void)curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, t);
	if (q->body.len > 0) {
		(void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, q->body.s);
		(void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)q->body.len);
	}
	set_timeouts(c->curl, q);
	return ERR_OK;
}

static int
transfer_failed(const struct client *c, const struct transfer *t, CURLcode code,
    struct err *e)
{
	if (t->why.code != ERR_OK) {
		if (e != NULL)
			*e = t->why;
		return t->why.code;
	}
	if (code == CURLE_COULDNT_CONNECT)
		return err_set(e, ERR_SYS,
		    "no daemon answers at '%s'; start assentd, or name its "
		    "folder with --runtime",
		    c->socket);
	return err_set(e, ERR_SYS, "talking to the daemon at '%s': %s",
	    c->socket, curl_easy_strerror(code));
}

/* Waits for the network or the interrupt descriptor. */
static int
wait_for_more(struct client *c, struct err *e)
{
	struct curl_waitfd extra = {
		.fd = c->interrupt_fd,
		.events = CURL_WAIT_POLLIN,
	};
	const unsigned extras = c->interrupt_fd >= 0 ? 1 : 0;

	if (curl_multi_poll(c->multi, &extra, extras, POLL_MS, NULL) !=
	    CURLM_OK)
		return err_set(e, ERR_INTERNAL, "libcurl cannot wait");
	if (extras != 0 && extra.revents != 0)
		return c->interrupt(c->interrupt_ctx, e);
	return ERR_OK;
}

/* Until the transfer is over or an interrupt ends it. */
static int
drive(struct client *c, CURLcode *ret, struct err *e)
{
	for (;;) {
		int running = 0, messages = 0;
		const CURLMsg *m;
		int r;

		if (curl_multi_perform(c->multi, &running) != CURLM_OK)
			return err_set(e, ERR_INTERNAL, "libcurl cannot go on");
		m = curl_multi_info_read(c->multi, &messages);
		if (m != NULL && m->msg == CURLMSG_DONE) {
			*ret = m->data.result;
			return ERR_OK;
		}
		r = wait_for_more(c, e);
		if (r != 0)
			return r;
	}
}

static int
perform(struct client *c, struct transfer *t, struct err *e)
{
	CURLcode code = CURLE_OK;
	int r = set_up(c, t, e);

	if (r != 0)
		return r;
	if (curl_multi_add_handle(c->multi, c->curl) != CURLM_OK)
		return err_nomem(e);
	r = drive(c, &code, e);
	(void)curl_multi_remove_handle(c->multi, c->curl);
	if (r != 0)
		return r;
	if (code != CURLE_OK)
		return transfer_failed(c, t, code, e);
	(void)curl_easy_getinfo(
	    c->curl, CURLINFO_RESPONSE_CODE, &t->reply->status);
	return read_body(t, e);
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
	curl_slist_free_all(t.headers);
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
