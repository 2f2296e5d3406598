#ifndef OTLP_SINK_SYSLOG_H
#define OTLP_SINK_SYSLOG_H
/*
 * Syslog (RFC 5424):
 *
 *     unix:/dev/log            the local daemon's socket
 *     udp://127.0.0.1:514      RFC 5426; nobody says whether it came
 *     tcp://host:601           RFC 6587, octet counting
 *     tls://host:6514          RFC 5425; the certificate is verified
 *
 * Over TCP and TLS rows count as safe when the peer's kernel has acknowledged
 * them: the protocol has no better word. Nothing waits for a peer that hangs.
 */
#include "sink.h"
#include "web/curl_loop.h"
#include "web/curl_set.h"
#include "syslog_line.h"

struct syslog_options {
	struct loop *loop;
	struct curl_loop *curl;
	const char *url;
	struct web_tls tls;
	struct syslog_origin from;
};

/* Options are borrowed for the life of the sink. ERR_INVALID: url is of none
 * of the forms above. Nothing is connected yet. */
int sink_syslog_new(
    const struct syslog_options *o, struct sink **ret, struct err *e);

#endif
