/*
 * A POST by libcurl.
 * Runs in: reporter.  Trusts: libcurl; nothing that comes from the network.
 * Owns: the request's bytes, the answer's.
 */
#include "post.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "curl_set.h"

#define CONNECT_MS 5000L
#define HEADER_MAX 8192
#define RETRY_AFTER "Retry-After"
#define RETRY_AFTER_SECONDS_MAX 86400
#define MS_PER_SECOND 1000
#define GZIP_WINDOW (15 + 16) /* the largest, with gzip's head and tail */
#define GZIP_MEMORY 8

struct post {
	struct curl_loop *loop;
	CURL *easy;
	struct curl_transfer transfer;
	struct curl_slist *headers;
	struct buf body, answer;
	int64_t retry_after_ms;
	post_done_fn *done;
	void *ctx;
};

/* ---- what comes in ------------------------------------------------------- */

static size_t
on_body(char *bytes, size_t one, size_t len, void *ctx)
{
	struct post *p = ctx;

	(void)one;
	buf_put(&p->answer, bytes, len);
	return p->answer.failed == 0 ? len : 0;
}

/* RFC 9110: seconds, or a date. */
static int64_t
retry_after(struct str value)
{
	AUTO_BUF struct buf text = BUF_INIT(HEADER_MAX);
	uint64_t seconds = 0;
	time_t at, now;

	value = str_trim(value);
	if (num_parse_u64(value, 0, RETRY_AFTER_SECONDS_MAX, &seconds) == 0)
		return (int64_t)seconds * MS_PER_SECOND;
	buf_put_str(&text, value);
	at = curl_getdate(buf_cstr(&text), NULL);
	now = time(NULL);
	if (at <= now || at - now > RETRY_AFTER_SECONDS_MAX)
		return 0;
	return (int64_t)(at - now) * MS_PER_SECOND;
}

static size_t
on_header(char *bytes, size_t one, size_t len, void *ctx)
{
	struct str value = str_n(bytes, len);
	const struct str name = str_cut(&value, ':');
	struct post *p = ctx;

	(void)one;
	if (name.len == strlen(RETRY_AFTER) &&
	    strncasecmp(name.s, RETRY_AFTER, name.len) == 0)
		p->retry_after_ms = retry_after(value);
	return len;
}

/* ---- the end ------------------------------------------------------------- */

static void
free_post(struct post *p)
{
	if (p->easy != NULL)
		curl_easy_cleanup(p->easy);
	curl_headers_free(p->headers);
	buf_free(&p->body);
	buf_free(&p->answer);
	mem_freep(&p);
}

void
post_cancel(struct post *p)
{
	if (p == NULL)
		return;
	curl_loop_remove(p->loop, p->easy);
	free_post(p);
}

static void
on_over(void *ctx, CURL *easy, CURLcode code)
{
	struct post *p = ctx;
	struct post_result r = { .status = 0 };
	char *type = NULL;

	if (code == CURLE_OK) {
		(void)curl_easy_getinfo(
		    easy, CURLINFO_RESPONSE_CODE, &r.status);
		(void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
		r.content_type = type;
		r.body = buf_str(&p->answer);
		r.retry_after_ms = p->retry_after_ms;
	} else {
		r.why = p->answer.failed != 0 ? "the answer is too long"
					      : curl_easy_strerror(code);
	}
	p->done(p->ctx, &r);
	free_post(p);
}

/* ---- the start ----------------------------------------------------------- */

static int
add_headers(struct post *p, const struct post_options *o)
{
	struct curl_slist **list = &p->headers;
	int r =
	    curl_headers_add(list, "Content-Type: ", str_of(o->content_type));

	if (r == 0)
		r = curl_headers_add(list, "Expect:", STR(""));
	if (r == 0 && o->gzip)
		r = curl_headers_add(list, "Content-Encoding: gzip", STR(""));
	for (size_t i = 0; r == 0 && i < o->header_count; i++)
		r = curl_headers_add(list, o->headers[i], STR(""));
	return r;
}

/* In place of the body; quickly: decisions are worth more than bytes. */
static int
compress_body(struct post *p, struct err *e)
{
	struct buf out = BUF_INIT(p->body.max);
	z_stream z = { .next_in = (Bytef *)p->body.s,
		.avail_in = (uInt)p->body.len };
	char *room;
	uLong bound;
	int r;

	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
		Z_DEFAULT_STRATEGY) != Z_OK)
		return err_nomem(e);
	bound = deflateBound(&z, (uLong)p->body.len);
	room = buf_reserve(&out, bound);
	if (room == NULL) {
		(void)deflateEnd(&z);
		return buf_done(&out, e);
	}
	z.next_out = (Bytef *)room;
	z.avail_out = (uInt)bound;
	r = deflate(&z, Z_FINISH);
	buf_advance(&out, z.total_out);
	(void)deflateEnd(&z);
	buf_free(&p->body);
	p->body = out;
	return r == Z_STREAM_END
	    ? ERR_OK
	    : err_set(e, ERR_INTERNAL, "zlib cannot compress");
}

/* The first failure of many. */
#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(p->easy, option, value);       \
	} while (0)

static CURLcode
set_place(struct post *p, const struct post_options *o)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, o->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (code == CURLE_OK)
		code = curl_set_tls(p->easy, &o->tls);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(CURLOPT_USERAGENT, "assent/" ASSENT_VERSION);
	return code;
}

static CURLcode
set_work(struct post *p)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, buf_cstr(&p->body));
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.len);
	SET(CURLOPT_HTTPHEADER, p->headers);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, p);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, p);
	return code;
}

static int
set_up(struct post *p, const struct post_options *o, struct err *e)
{
	CURLcode code;
	int r;

	if (p->easy == NULL)
		return err_nomem(e);
	r = buf_done(&p->body, e);
	if (r == 0 && o->gzip)
		r = compress_body(p, e);
	if (r != 0)
		return r;
	if (add_headers(p, o) != 0)
		return err_set(e, ERR_LIMIT, "a header is too long");
	code = set_place(p, o);
	if (code == CURLE_OK)
		code = set_work(p);
	if (code != CURLE_OK)
		return err_set(e, ERR_SYS, "cannot post to '%s': %s", o->url,
		    curl_easy_strerror(code));
	return curl_loop_add(p->loop, p->easy, &p->transfer, e);
}

int
post_start(struct curl_loop *c, const struct post_options *o, struct buf *body,
    struct post **ret, struct err *e)
{
	struct post *p = mem_new(1, sizeof(*p));
	int r;

	if (p == NULL) {
		buf_free(body);
		return err_nomem(e);
	}
	*p = (struct post){
		.loop = c,
		.easy = curl_easy_init(),
		.body = *body,
		.answer = BUF_INIT(POST_ANSWER_MAX),
		.done = o->done,
		.ctx = o->ctx,
	};
	p->transfer = (struct curl_transfer){ .done = on_over, .ctx = p };
	*body = (struct buf)BUF_INIT(body->max);
	r = set_up(p, o, e);
	if (r != 0) {
		free_post(p);
		return r;
	}
	*ret = p;
	return ERR_OK;
}
