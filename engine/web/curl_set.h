#ifndef WEB_CURL_SET_H
#define WEB_CURL_SET_H
/*
 * What every request of ours has in common: headers that may hold a key, and
 * TLS that is always verified.
 *
 *     r = curl_headers_add(&list, "Authorization: Bearer ", key);
 *     code = curl_set_tls(easy, &tls);
 *     curl_headers_free(list);
 */
#include <curl/curl.h>

#include "base/err.h"
#include "base/str.h"

#define CURL_HEADER_MAX 8192

/* 0, ERR_LIMIT or ERR_NOMEM. */
int curl_headers_add(
    struct curl_slist **list, const char *name, struct str value);
/* Wipes them first. */
void curl_headers_free(struct curl_slist *list);

struct web_tls {
	const char *ca_file; /* or NULL: the system's */
	/* Who we are, as PEM; both or none. */
	const char *cert, *key;
};

CURLcode curl_set_tls(CURL *easy, const struct web_tls *t);
/* A handle that only connects: for protocols of our own. No proxy, no
 * signals. */
CURLcode curl_set_connect(CURL *easy, const char *url, long within_ms);

#endif
