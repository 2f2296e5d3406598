#ifndef MODEL_SIEM_H
#define MODEL_SIEM_H
/*
 * A row of the decision log in the forms of others: one line each, without
 * the newline, whatever the row holds.
 *
 *     siem_cef(row, &out);      CEF:0|assent|assent|...
 *     siem_ecs(row, &out);      Elastic Common Schema, JSON
 *     siem_ocsf(row, &out);     OCSF API Activity (6003), JSON
 *
 * row is the object that the log exports (seq, time, kind, ..., body).
 */
#include <jansson.h>

#include "base/buf.h"

void siem_cef(const json_t *row, struct buf *out);
void siem_ecs(const json_t *row, struct buf *out);
void siem_ocsf(const json_t *row, struct buf *out);

#endif
