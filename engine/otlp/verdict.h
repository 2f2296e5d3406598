#ifndef OTLP_VERDICT_H
#define OTLP_VERDICT_H
/*
 * What an answer over HTTP means for the rows that were sent.
 *
 * OTLP: 200 is success, with the number of rejected records, if any, in the
 * body; 429, 502, 503, 504 and no answer are tried again. A row is given up
 * only when the receiver says that what was sent is bad (400, 413, 422): any
 * other status is a matter of configuration, and rows wait in the log until a
 * person has seen to it. A 200 that is not what was asked for is no success:
 * something else than a collector answers there.
 */
#include "sink.h"
#include "web/post.h"
#include "wire.h"

#define VERDICT_WHY_MAX 256

/* why points into text. */
void verdict_of_http(const struct post_result *r,
    char text[static VERDICT_WHY_MAX], struct sink_result *ret);
/* The same, and the body of a success. rejected: the JSON name of the number
 * of rejected records, such as rejectedLogRecords. */
void verdict_of_otlp(const struct post_result *r, enum wire_form form,
    const char *rejected, char text[static VERDICT_WHY_MAX],
    struct sink_result *ret);

#endif
