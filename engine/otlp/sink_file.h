#ifndef OTLP_SINK_FILE_H
#define OTLP_SINK_FILE_H
/*
 * JSON lines in a file, a row a line as the log exports it. At FILE_BYTES the
 * file is renamed to NAME.1, NAME.1 to NAME.2 and so on; the last is dropped.
 * Rows are safe when fdatasync has returned.
 */
#include "sink.h"

#define SINK_FILES_KEPT 8

struct file_options {
	const char *path;
	uint64_t bytes_max; /* 0: SINK_FILE_BYTES */
};

#define SINK_FILE_BYTES ((uint64_t)64 << 20)

/* Options are borrowed for the life of the sink. */
int sink_file_new(
    const struct file_options *o, struct sink **ret, struct err *e);

#endif
