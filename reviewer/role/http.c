/*
 * The way to a provider and back, with every limit that libcurl has.
 * Runs in: reviewer.  Trusts: libcurl; nothing that comes from the network.
 * Owns: its calls.
 */
#include "http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "private_address.h"
#include "status.h"
#include "web/curl_loop.h"
#include "web/curl_set.h"

#define CONNECT_MS 15000
#define RECEIVE_BUFFER 1024L /* an answer is small, and many wait */
#define SEND_BUFFER 16384L
#define URL_MAX 8192
#define RETRY_HEADER_MAX 64

struct http {
	struct curl_loop *curl;
	struct http_call *calls;
};

struct http_call {
	struct http_call *next;
	struct http *h;
	struct provider *p;
	CURL *easy;
	struct curl_transfer transfer;
	struct curl_slist *headers;
	char *body; /* of the request; no larger than it has to be */
	size_t body_len;
	struct buf answer;
	size_t header_lines, header_bytes;
	const char *stopped; /* why we ended it */
	struct retry_headers retry;
	call_done_fn *done;
	void *ctx;
};

/* ---- what comes in ------------------------------------------------------ */

static size_t
on_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct http_call *c = ctx;

	(void)one;
	buf_put(&c->answer, bytes, len);
	if (c->answer.failed == 0)
		return len;
	c->stopped = "too_large";
	return 0;
}

static size_t
on_header(char *bytes, size_t one, size_t len, void *ctx)
{
	struct http_call *c = ctx;

	(void)one;
	c->header_lines++;
	c->header_bytes += len;
	if (c->header_lines > HTTP_HEADER_LINES_MAX ||
	    c->header_bytes > HTTP_HEADER_ALL_MAX) {
		c->stopped = "headers";
		return 0;
	}
	retry_headers_read(&c->retry, str_n(bytes, len));
	return len;
}

/* After the connection and TLS, before a byte of the request. */
static int
before_request(
    void *ctx, char *remote, char *local, int remote_port, int local_port)
{
	struct http_call *c = ctx;

	(void)local;
	(void)remote_port;
	(void)local_port;
	if (!c->p->c->public_only || !is_private_address(remote))
		return CURL_PREREQFUNC_OK;
	c->stopped = "private_address";
	return CURL_PREREQFUNC_ABORT;
}

/* ---- the end of a call -------------------------------------------------- */

static void
unlink_call(struct http_call *c)
{
	struct http_call **at = &c->h->calls;

	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at != NULL)
		*at = c->next;
}

static void
free_call(struct http_call *c)
{
	if (c->easy != NULL) {
		curl_loop_remove(c->h->curl, c->easy);
		curl_easy_cleanup(c->easy);
	}
	unlink_call(c);
	curl_headers_free(c->headers);
	mem_freep(&c->body);
	buf_free(&c->answer);
	mem_freep(&c);
}

static void
on_over(void *ctx, CURL *easy, CURLcode code)
{
	struct http_call *c = ctx;
	struct call_result r = { .wait_ms = -1 };
	char *type = NULL;
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	if (c->stopped != NULL)
		status_of_stopped(c->stopped, &r);
	else if (code != CURLE_OK)
		status_of_curl((int)code, &r);
	else
		status_of_http(
		    &(struct http_said){
			.status = status,
			.type = type,
			.body = buf_str(&c->answer),
			.retry = &c->retry,
		    },
		    &r);
	r.body = buf_str(&c->answer);
	c->done(c->ctx, &r);
	free_call(c);
}

/* ---- the start of a call ------------------------------------------------ */

static int
add_headers(struct http_call *c)
{
	const struct wire_format *f = c->p->format;
	size_t len = 0;
	const char *key =
	    c->p->key == NULL ? NULL : secret_bytes(c->p->key, &len);
	int r;

	r = curl_headers_add(
	    &c->headers, "Content-Type: application/json", STR(""));
	if (r == 0)
		r = curl_headers_add(
		    &c->headers, "Accept: application/json", STR(""));
	if (r == 0)
		r = curl_headers_add(&c->headers, "Expect:", STR(""));
	if (r == 0 && f->extra_header != NULL)
		r = curl_headers_add(&c->headers, f->extra_header, STR(""));
	if (r == 0 && key != NULL)
		r = curl_headers_add(
		    &c->headers, f->auth_header, str_n(key, len));
	return r;
}

/* The first failure of many. */
#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(c->easy, option, value);       \
	} while (0)

static CURLcode
set_place(struct http_call *c)
{
	const struct provider *p = c->p;
	AUTO_BUF struct buf url = BUF_INIT(URL_MAX);
	AUTO_BUF struct buf socket = BUF_INIT(256);
	CURLcode code = CURLE_OK;

	if (p->url.is_unix) {
		buf_put_str(&socket, p->url.socket);
		buf_printf(&url, "http://localhost%s", p->format->path);
		SET(CURLOPT_UNIX_SOCKET_PATH, buf_cstr(&socket));
	} else {
		buf_puts(&url, p->c->url);
		if (p->url.path.len <= 1)
			buf_puts(&url,
			    p->format->path + (p->url.path.len == 1 ? 1 : 0));
	}
	if (buf_done(&url, NULL) != 0 || buf_done(&socket, NULL) != 0)
		return CURLE_URL_MALFORMAT;
	SET(CURLOPT_URL, buf_cstr(&url));
	SET(CURLOPT_PROTOCOLS_STR, p->url.https ? "https" : "http");
	SET(CURLOPT_PROXY, p->c->proxy != NULL ? p->c->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	/* Without a folder of certificates libcurl reads them once for all
	 * connections; with one it would hold a copy for each. */
	SET(CURLOPT_CAPATH, NULL);
	if (code == CURLE_OK)
		code = curl_set_tls(
		    c->easy, &(struct web_tls){ .ca_file = p->c->ca_file });
	if (p->fresh)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	return code;
}

static CURLcode
set_limits(struct http_call *c, int64_t timeout_ms)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_ANSWER_MAX);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_USERAGENT, "assent/" ASSENT_VERSION);
	return code;
}

static CURLcode
set_work(struct http_call *c)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, c->body);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
	SET(CURLOPT_HTTPHEADER, c->headers);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, c);
	SET(CURLOPT_PREREQFUNCTION, before_request);
	SET(CURLOPT_PREREQDATA, c);
	return code;
}

static int
set_all(struct http_call *c, int64_t timeout_ms, struct err *e)
{
	CURLcode code;

	if (add_headers(c) != 0)
		return err_set(e, ERR_LIMIT, "cannot make the headers");
	code = set_place(c);
	if (code == CURLE_OK)
		code = set_limits(c, timeout_ms);
	if (code == CURLE_OK)
		code = set_work(c);
	c->transfer = (struct curl_transfer){ .done = on_over, .ctx = c };
	if (code == CURLE_OK)
		return curl_loop_add(c->h->curl, c->easy, &c->transfer, e);
	return err_set(e, ERR_SYS, "cannot call '%s': %s", c->p->c->name,
	    curl_easy_strerror(code));
}

int
http_start(struct http *h, const struct call_order *o, struct http_call **ret,
    struct err *e)
{
	struct http_call *c = mem_new(1, sizeof(*c));
	int r;

	if (c == NULL) {
		buf_free(o->body);
		return err_nomem(e);
	}
	*c = (struct http_call){
		.h = h,
		.p = o->provider,
		.easy = curl_easy_init(),
		.body = mem_strndup(buf_cstr(o->body), o->body->len),
		.body_len = o->body->len,
		.answer = BUF_INIT(HTTP_ANSWER_MAX),
		.done = o->done,
		.ctx = o->ctx,
	};
	buf_free(o->body);
	retry_headers_init(&c->retry);
	r = c->easy == NULL || c->body == NULL ? err_nomem(e)
					       : set_all(c, o->timeout_ms, e);
	if (r != 0) {
		free_call(c);
		return r;
	}
	c->next = h->calls;
	h->calls = c;
	*ret = c;
	return ERR_OK;
}

void
http_cancel(struct http_call *c)
{
	if (c != NULL)
		free_call(c);
}

int
http_new(struct loop *l, struct http **ret, struct err *e)
{
	struct http *h = mem_new(1, sizeof(*h));
	int r;

	if (h == NULL)
		return err_nomem(e);
	r = curl_loop_new(l, &h->curl, e);
	if (r != 0) {
		mem_freep(&h);
		return r;
	}
	*ret = h;
	return ERR_OK;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	while (h->calls != NULL)
		free_call(h->calls);
	curl_loop_free(h->curl);
	mem_freep(&h);
}
