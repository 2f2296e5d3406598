#ifndef WEB_CURL_LOOP_H
#define WEB_CURL_LOOP_H
/*
 * libcurl's transfers on a role's loop.
 *
 *     r = curl_loop_new(loop, &cl, e);
 *     r = curl_loop_add(cl, easy, on_done, ctx, e);
 *     curl_loop_remove(cl, easy);     before it is over; on_done is not called
 *     curl_loop_free(cl);             after all were removed or are over
 *
 * on_done runs once, from the loop, never from curl_loop_add. The handle is
 * then the caller's again. CURLOPT_PRIVATE belongs to this.
 */
#include <curl/curl.h>
#include <stdbool.h>

#include "base/loop.h"

struct curl_loop;

typedef void curl_loop_done_fn(void *ctx, CURL *easy, CURLcode code);

struct curl_transfer {
	curl_loop_done_fn *done;
	void *ctx;
	/* The handle stays here when it is done, for what it is connected to,
	 * until curl_loop_remove. */
	bool keeps;
};

int curl_loop_new(struct loop *l, struct curl_loop **ret, struct err *e);
void curl_loop_free(struct curl_loop *c);
/* t lives until it is done or removed. */
int curl_loop_add(
    struct curl_loop *c, CURL *easy, struct curl_transfer *t, struct err *e);
void curl_loop_remove(struct curl_loop *c, CURL *easy);

#endif
