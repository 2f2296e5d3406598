#ifndef REVIEWER_ROLE_HTTP_H
#define REVIEWER_ROLE_HTTP_H
/*
 * One POST to a provider, by libcurl on the role's loop.
 *
 *     r = http_new(loop, &h, e);
 *     r = http_start(h, &(struct call_order){ ... }, &call, e);
 *     http_cancel(call);              on_done is not called then
 *
 * https only (http to loopback or a unix socket), certificates verified, no
 * redirects, no proxy but a configured one, no more bytes than
 * HTTP_ANSWER_MAX and HTTP_HEADER_LINES_MAX. on_done runs once, from the loop,
 * never from http_start.
 */
#include "base/loop.h"
#include "provider.h"

#define HTTP_ANSWER_MAX ((size_t)256 << 10)
#define HTTP_HEADER_LINES_MAX 200
#define HTTP_HEADER_ALL_MAX ((size_t)64 << 10)

struct http;
struct http_call;

int http_new(struct loop *l, struct http **ret, struct err *e);
void http_free(struct http *h);
/* The call is good until done. */
int http_start(struct http *h, const struct call_order *o,
    struct http_call **ret, struct err *e);
void http_cancel(struct http_call *c);

#endif
