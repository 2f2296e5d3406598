/*
 * Headers and TLS of requests.
 * Runs in: reporter, reviewer.  Trusts: libcurl.  Owns: nothing.
 */
#include "curl_set.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

int
curl_headers_add(struct curl_slist **list, const char *name, struct str value)
{
	AUTO_BUF struct buf line = BUF_INIT(CURL_HEADER_MAX);
	struct curl_slist *more;
	int r;

	buf_puts(&line, name);
	buf_put_str(&line, value);
	r = buf_done(&line, NULL);
	more = r == 0 ? curl_slist_append(*list, buf_cstr(&line)) : NULL;
	if (line.s != NULL)
		explicit_bzero(line.s, line.len);
	if (r != 0)
		return r;
	if (more == NULL)
		return ERR_NOMEM;
	*list = more;
	return ERR_OK;
}

void
curl_headers_free(struct curl_slist *list)
{
	for (struct curl_slist *at = list; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(list);
}

/* The first failure of many. */
#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = curl_easy_setopt(easy, option, value);          \
	} while (0)

/* libcurl keeps a copy for as long as the handle lives. */
static struct curl_blob
blob_of(const char *text)
{
	return (struct curl_blob){
		.data = (void *)(uintptr_t)text,
		.len = strlen(text),
		.flags = CURL_BLOB_COPY,
	};
}

CURLcode
curl_set_tls(CURL *easy, const struct web_tls *t)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (t->ca_file != NULL)
		SET(CURLOPT_CAINFO, t->ca_file);
	if (t->cert != NULL && t->key != NULL) {
		struct curl_blob cert = blob_of(t->cert);
		struct curl_blob key = blob_of(t->key);

		SET(CURLOPT_SSLCERT_BLOB, &cert);
		SET(CURLOPT_SSLKEY_BLOB, &key);
	}
	return code;
}

CURLcode
curl_set_connect(CURL *easy, const char *url, long within_ms)
{
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, within_ms);
	return code;
}
