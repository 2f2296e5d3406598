#ifndef OTLP_SINK_OTLP_H
#define OTLP_SINK_OTLP_H
/*
 * OTLP/HTTP: logs first, they are the record; then spans, then metrics.
 */
#include "otlp.h"
#include "sink.h"
#include "web/curl_loop.h"

struct otlp_options {
	struct curl_loop *curl;
	const char *url; /* the base, to which v1/logs and others are added */
	enum wire_form form;
	const char *const *headers; /* "Name: value" */
	size_t header_count;
	const char *ca_file; /* or NULL */
	bool gzip;
	int64_t timeout_ms;
	struct otlp_resource who;
	int64_t (*real_ns)(void);
};

/* Options are borrowed for the life of the sink. */
int sink_otlp_new(
    const struct otlp_options *o, struct sink **ret, struct err *e);

#endif
