/*
 * Requests to a remote MCP server, by libcurl.
 * Runs in: assent-mcp-remote.  Trusts: libcurl; nothing that comes.
 * Owns: the requests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "remote_int.h"

#define CONNECT_MS 10000L
#define END_MS 1000L
#define SESSION_HEADER "Mcp-Session-Id"
#define EVENTS "text/event-stream"

/* ---- what comes in ------------------------------------------------------- */

static bool
is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < 0x21 || s.s[i] > 0x7e)
			return false;
	}
	return s.len > 0 && s.len < REMOTE_SESSION_MAX;
}

static size_t
on_header(char *bytes, size_t one, size_t len, void *ctx)
{
	struct exchange *x = ctx;
	struct str value = str_n(bytes, len);
	const struct str name = str_cut(&value, ':');

	(void)one;
	value = str_trim(value);
	if (x->initialize && name.len == strlen(SESSION_HEADER) &&
	    strncasecmp(name.s, SESSION_HEADER, name.len) == 0 &&
	    is_visible(value))
		(void)snprintf(x->remote->session, sizeof(x->remote->session),
		    "%.*s", STR_ARG(value));
	return len;
}

static bool
is_events(CURL *easy)
{
	char *type = NULL;

	return curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type) ==
	    CURLE_OK &&
	    type != NULL && strncasecmp(type, EVENTS, strlen(EVENTS)) == 0;
}

static size_t
on_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct exchange *x = ctx;

	(void)one;
	if (x->status == 0) {
		(void)curl_easy_getinfo(
		    x->easy, CURLINFO_RESPONSE_CODE, &x->status);
		x->events = is_events(x->easy);
	}
	if (x->events)
		return sse_feed(&x->sse, bytes, len, &x->failed) == 0 ? len : 0;
	buf_put(&x->answer, bytes, len);
	return buf_done(&x->answer, &x->failed) == 0 ? len : 0;
}

static void
on_event(void *ctx, struct str data)
{
	struct exchange *x = ctx;

	x->heard = true;
	if (data.len > 0)
		remote_deliver(x, data);
}

/* ---- what goes out ------------------------------------------------------- */

static void
drop_request(struct exchange *x)
{
	CURL *easy = TAKE_PTR(x->easy);

	if (easy != NULL) {
		curl_loop_remove(x->remote->curl, easy);
		curl_easy_cleanup(easy);
	}
	curl_headers_free(x->headers);
	x->headers = NULL;
}

static void
on_done(void *ctx, CURL *easy, CURLcode code)
{
	struct exchange *x = ctx;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &x->status);
	if (code == CURLE_OK && x->status != 0)
		x->events = x->events || is_events(easy);
	x->easy = NULL;
	curl_easy_cleanup(easy);
	curl_headers_free(x->headers);
	x->headers = NULL;
	remote_over(x, code);
}

static int
add_own_headers(struct exchange *x, struct str lines)
{
	int r = ERR_OK;

	while (lines.len > 0 && r == ERR_OK) {
		const struct str line = str_trim(str_cut(&lines, '\n'));

		if (line.len > 0)
			r = curl_headers_add(&x->headers, "", line);
	}
	return r;
}

static int
add_headers(struct exchange *x, bool post)
{
	const struct remote *r = x->remote;
	struct curl_slist **list = &x->headers;
	int rc = curl_headers_add(list,
	    "Accept: ", post ? STR("application/json, " EVENTS) : STR(EVENTS));

	if (rc == 0 && post)
		rc = curl_headers_add(
		    list, "Content-Type: application/json", STR(""));
	if (rc == 0)
		rc = curl_headers_add(list, "Expect:", STR(""));
	if (rc == 0 && r->session[0] != '\0' && !x->initialize)
		rc = curl_headers_add(
		    list, SESSION_HEADER ": ", str_of(r->session));
	if (rc == 0 && r->version[0] != '\0' && !x->initialize)
		rc = curl_headers_add(
		    list, "MCP-Protocol-Version: ", str_of(r->version));
	if (rc == 0 && x->sse.id[0] != '\0' && !post)
		rc = curl_headers_add(
		    list, "Last-Event-ID: ", str_of(x->sse.id));
	return rc != 0 ? rc : add_own_headers(x, r->o.headers);
}

struct number {
	CURLoption option;
	long value;
};

struct text {
	CURLoption option;
	const char *value;
};

static CURLcode
set_numbers(CURL *easy, const struct number *all, size_t count)
{
	CURLcode code = CURLE_OK;

	for (size_t i = 0; i < count && code == CURLE_OK; i++)
		code = curl_easy_setopt(easy, all[i].option, all[i].value);
	return code;
}

static CURLcode
set_texts(CURL *easy, const struct text *all, size_t count)
{
	CURLcode code = CURLE_OK;

	for (size_t i = 0; i < count && code == CURLE_OK; i++)
		code = curl_easy_setopt(easy, all[i].option, all[i].value);
	return code;
}

static CURLcode
set_place(struct exchange *x)
{
	static const struct number numbers[] = {
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_HTTP09_ALLOWED, 0 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS },
	};
	const struct text texts[] = {
		{ CURLOPT_URL, x->remote->o.url },
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_PROXY, "" },
		{ CURLOPT_USERAGENT, "assent/" ASSENT_VERSION },
	};
	const struct web_tls tls = { .ca_file = x->remote->o.ca_file };
	CURLcode code = set_numbers(x->easy, numbers, ARRAY_LEN(numbers));

	if (code == CURLE_OK)
		code = set_texts(x->easy, texts, ARRAY_LEN(texts));
	return code == CURLE_OK ? curl_set_tls(x->easy, &tls) : code;
}

static CURLcode
set_message(struct exchange *x)
{
	CURLcode code = curl_easy_setopt(x->easy, CURLOPT_POST, 1L);

	if (code == CURLE_OK)
		code = curl_easy_setopt(
		    x->easy, CURLOPT_POSTFIELDS, buf_cstr(&x->body));
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)x->body.len);
	return code;
}

static CURLcode
set_farewell(struct exchange *x)
{
	const CURLcode code =
	    curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, "DELETE");

	return code != CURLE_OK
	    ? code
	    : curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, END_MS);
}

static CURLcode
set_ears(struct exchange *x)
{
	CURLcode code =
	    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);

	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	if (code == CURLE_OK)
		code = curl_easy_setopt(
		    x->easy, CURLOPT_HEADERFUNCTION, on_header);
	if (code == CURLE_OK)
		code = curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
	return code;
}

static CURLcode
set_work(struct exchange *x, bool post)
{
	CURLcode code = set_ears(x);

	if (code == CURLE_OK)
		code =
		    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
	if (code == CURLE_OK && post)
		code = set_message(x);
	if (code == CURLE_OK && x->kind == EXCHANGE_END)
		code = set_farewell(x);
	return code;
}

int
exchange_start(struct exchange *x, struct err *e)
{
	const bool post = x->kind == EXCHANGE_POST && !x->resumes;
	CURLcode code;

	x->sse.on_event = on_event;
	x->sse.ctx = x;
	sse_restart(&x->sse);
	buf_reset(&x->answer);
	x->status = 0;
	x->events = false;
	x->session_was_known = x->remote->session[0] != '\0';
	x->failed = (struct err)ERR_INIT;
	x->transfer = (struct curl_transfer){ .done = on_done, .ctx = x };
	x->easy = curl_easy_init();
	if (x->easy == NULL || add_headers(x, post) != 0) {
		drop_request(x);
		return err_nomem(e);
	}
	code = set_place(x);
	if (code == CURLE_OK)
		code = set_work(x, post);
	if (code != CURLE_OK) {
		drop_request(x);
		return err_set(
		    e, ERR_SYS, "libcurl: %s", curl_easy_strerror(code));
	}
	return curl_loop_add(x->remote->curl, x->easy, &x->transfer, e);
}

void
exchange_free(struct exchange *x)
{
	struct remote *r = x->remote;

	for (struct exchange **at = &r->exchanges; *at != NULL;
	     at = &(*at)->next) {
		if (*at == x) {
			*at = x->next;
			r->exchange_count--;
			break;
		}
	}
	drop_request(x);
	loop_cancel(r->o.loop, x->timer);
	sse_done(&x->sse);
	buf_free(&x->body);
	buf_free(&x->answer);
	free(x);
}
