#ifndef MODEL_SIEM_INT_H
#define MODEL_SIEM_INT_H
/*
 * What the forms have in common: the facts of a row, once.
 */
#include <stdbool.h>
#include <stdint.h>

#include "siem.h"

enum siem_severity {
	SIEM_INFO = 1, /* OCSF's numbers */
	SIEM_LOW,
	SIEM_MEDIUM,
	SIEM_HIGH,
	SIEM_CRITICAL,
};

/* All borrowed from the row; NULL where it has none. */
struct siem_facts {
	const char *kind, *action_id, *session, *tool, *decision, *decided_by,
	    *rule, *action_sha256, *policy_sha256, *log_hash, *prev_hash, *time;
	const char *text, *reason, *agent, *approver, *risk, *message, *cwd;
	json_int_t seq;
	char uid_text[24];
	int64_t time_ms;
	bool allowed, denied; /* final; neither while it waits */
	enum siem_severity severity;
};

struct siem_facts siem_facts_of(const json_t *row);

#endif
