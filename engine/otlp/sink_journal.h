#ifndef OTLP_SINK_JOURNAL_H
#define OTLP_SINK_JOURNAL_H
/*
 * The sink for systemd's journal, by its native protocol: one entry a row,
 * with fields that journalctl can select by (ASSENT_DECISION=deny).
 *
 *     r = sink_journal_new(&(struct journal_options){ .path = path }, &s, e);
 */
#include "sink.h"

struct journal_options {
	const char *path; /* of its socket */
};

int sink_journal_new(
    const struct journal_options *o, struct sink **ret, struct err *e);

#endif
