#ifndef OTLP_SINK_WEBHOOK_H
#define OTLP_SINK_WEBHOOK_H
/*
 * A POST of JSON lines, signed as Standard Webhooks has it:
 *
 *     webhook-id: assent-41-57             rows 41 to 57: the same again is
 *                                          the same id
 *     webhook-timestamp: 1795000000        seconds
 *     webhook-signature: v1,BASE64         HMAC-SHA-256 with the key over
 *                                          "id.timestamp.body"
 */
#include "base/str.h"
#include "sink.h"
#include "web/curl_set.h"
#include "web/curl_loop.h"

struct webhook_options {
	struct curl_loop *curl;
	const char *url;
	struct str key;
	struct web_tls tls;
	int64_t timeout_ms;
	int64_t (*real_ns)(void);
};

/* Options are borrowed for the life of the sink. */
int sink_webhook_new(
    const struct webhook_options *o, struct sink **ret, struct err *e);

#endif
