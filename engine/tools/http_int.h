#ifndef TOOLS_HTTP_INT_H
#define TOOLS_HTTP_INT_H
/*
 * Between http.c, which waits, and http_loop.c, which a loop calls: one
 * exchange and what is known of its answer.
 *
 *     http_begin(&x, call);
 *     r = http_connect(call, true, &x.fd, e);
 *     r = http_feed(&x, bytes, len, e);      until x.is_whole
 */
#include <http_parser.h>

#include "http.h"

#define HTTP_READ_BYTES 65536
#define HTTP_FIELD_NAME_MAX 16 /* longer than any name that is looked for */
#define HTTP_NS_PER_MS 1000000

struct exchange {
	const struct http_call *call;
	http_parser parser;
	struct http_head head;
	char name[HTTP_FIELD_NAME_MAX];
	size_t name_len, value_len;
	char *value; /* where the current header's value goes, or NULL */
	int64_t deadline_ns;
	int fd;
	bool in_value, is_whole;
	struct err why; /* of a function that ended it */
};

/* x is used in place: it must not move. */
void http_begin(struct exchange *x, const struct http_call *call);
/* waits: for a full queue, some seconds; the descriptor never blocks. */
int http_connect(
    const struct http_call *call, bool waits, int *ret, struct err *e);
/* len 0: the other side closed. */
int http_feed(struct exchange *x, const char *bytes, size_t len, struct err *e);
int http_late(const struct exchange *x, struct err *e);
int http_broken(const struct exchange *x, struct err *e);

#endif
