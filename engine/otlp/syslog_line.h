#ifndef OTLP_SYSLOG_LINE_H
#define OTLP_SYSLOG_LINE_H
/*
 * A row as a message of RFC 5424, one line whatever the row holds:
 *
 *     <86>1 2026-11-25T12:00:00.123456Z host assent 4711 DECIDED
 *         [assent@32473 seq="41" decision="allow" ...] BOM allow: git status
 *
 * Facility authpriv. The enterprise number is the one for documentation; a
 * site that has its own maps it.
 */
#include <jansson.h>

#include "base/buf.h"

#define SYSLOG_FACILITY 10 /* authpriv */

struct syslog_origin {
	const char *host;
	int64_t pid;
};

void syslog_line(
    const struct syslog_origin *from, const json_t *row, struct buf *out);
/* Its message alone, and its level: 3 error, 4 warning, 6 info. */
void syslog_message(const json_t *row, struct buf *out);
int syslog_level(const json_t *row);

#endif
