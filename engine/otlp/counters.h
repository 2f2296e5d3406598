#ifndef OTLP_COUNTERS_H
#define OTLP_COUNTERS_H
/*
 * What is counted from rows, by labels of few values. Cumulative since the
 * reporter started; a row that comes twice after a crash is counted by the
 * new process alone.
 */
#include "event.h"

#define COUNTER_LABELS_MAX 2
#define COUNTER_VALUE_LEN_MAX 32
#define COUNTERS_MAX 128

enum counter_kind {
	COUNT_DECISIONS, /* decision, source */
	COUNT_EXECUTIONS, /* result */
	COUNT_REVIEWS, /* outcome of those that did not decide */
	COUNT_KINDS,
};

struct counter {
	enum counter_kind kind;
	char values[COUNTER_LABELS_MAX][COUNTER_VALUE_LEN_MAX];
	int64_t count;
};

struct counters {
	int64_t start_ns;
	struct counter items[COUNTERS_MAX];
	size_t count;
};

struct counter_name {
	const char *name, *unit, *help;
	const char *labels[COUNTER_LABELS_MAX];
};

extern const struct counter_name counter_names[COUNT_KINDS];
void counters_add(struct counters *n, const json_t *row);

#endif
