#ifndef OTLP_SINK_OTLP_H
#define OTLP_SINK_OTLP_H
/*
 * OTLP/HTTP: logs first, they are the record; then spans, then metrics.
 */
#include "model/config.h"
#include "otlp.h"
#include "sink.h"
#include "web/post.h"

struct otlp_way {
	const char *url; /* NULL: this signal is not sent */
	enum wire_form form;
	const char *const *headers; /* "Name: value" */
	size_t header_count;
	struct web_tls tls;
	bool gzip;
	int64_t timeout_ms;
};

struct otlp_options {
	struct curl_loop *curl;
	struct otlp_way ways[OTLP_SIGNALS];
	struct otlp_resource who;
	int64_t (*real_ns)(void);
};

/* Options are borrowed for the life of the sink. */
int sink_otlp_new(
    const struct otlp_options *o, struct sink **ret, struct err *e);

#endif
