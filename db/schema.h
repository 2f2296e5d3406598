#ifndef DB_SCHEMA_H
#define DB_SCHEMA_H
/*
 * db/schema.sql as part of the program: one entry, made by the build.
 */
#include <stddef.h>

#include "base/str.h"

struct embedded_file {
	const char *name;
	struct str bytes;
};

extern const struct embedded_file schema_files[];
extern const size_t schema_files_count;

#endif
