#ifndef REVIEWER_ROLE_STATUS_H
#define REVIEWER_ROLE_STATUS_H
/*
 * What the end of a call means: is there an answer, may it be tried again,
 * is the provider to blame. Pure.
 */
#include "provider.h"

/* What a server says about trying again; the last one of each counts. */
struct retry_headers {
	int64_t after_ms; /* -1: nothing */
	int should; /* 1, 0, or -1: nothing */
};

struct http_said {
	long status;
	const char *type; /* of the content, or NULL */
	struct str body;
	const struct retry_headers *retry;
};

void retry_headers_init(struct retry_headers *r);
/* One line of a head, as it came. */
void retry_headers_read(struct retry_headers *r, struct str line);
void status_of_http(const struct http_said *s, struct call_result *ret);
/* code: CURLcode */
void status_of_curl(int code, struct call_result *ret);
/* cause: what we ended it for. */
void status_of_stopped(const char *cause, struct call_result *ret);

#endif
