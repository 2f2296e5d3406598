#ifndef WEB_POST_H
#define WEB_POST_H
/*
 * One POST and its answer, with every limit that libcurl has.
 *
 *     r = post_start(curl_loop, &options, &body, &post, e);
 *     post_cancel(post);              on_done is not called then
 *
 * Certificates are verified, redirects are not followed, no proxy of the
 * environment is used, an answer above POST_ANSWER_MAX is none. on_done runs
 * once, from the loop, never from post_start; the post is gone after it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "curl_loop.h"
#include "curl_set.h"

#define POST_ANSWER_MAX ((size_t)4 << 20)
#define POST_HEADERS_MAX 16

struct post;

struct post_result {
	long status; /* 0: there was no answer, and why says so */
	struct str body;
	const char *content_type; /* or NULL */
	int64_t retry_after_ms; /* 0: not stated */
	const char *why;
};

typedef void post_done_fn(void *ctx, const struct post_result *r);

struct post_options {
	const char *url;
	const char *content_type;
	const char *const *headers; /* "Name: value", or NULL */
	size_t header_count;
	struct web_tls tls;
	bool gzip;
	int64_t timeout_ms;
	post_done_fn *done;
	void *ctx;
};

/* Takes the bytes of body, also on failure; options are not kept. */
int post_start(struct curl_loop *c, const struct post_options *o,
    struct buf *body, struct post **ret, struct err *e);
void post_cancel(struct post *p);

#endif
