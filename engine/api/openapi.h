#ifndef API_OPENAPI_H
#define API_OPENAPI_H
/*
 * docs/api/openapi.yaml as part of the program, given out as JSON.
 *
 *     r = openapi_json(&out, e);
 */
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct embedded_file {
	const char *name;
	struct str bytes;
};

/* Made by the build: one entry. */
extern const struct embedded_file openapi_files[];
extern const size_t openapi_files_count;

int openapi_json(struct buf *out, struct err *e);

#endif
