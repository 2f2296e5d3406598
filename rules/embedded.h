#ifndef RULES_EMBEDDED_H
#define RULES_EMBEDDED_H
/*
 * The shipped rules and programs, built into the binary: nothing has to be
 * found at run time, and nobody can change them without changing it.
 */
#include <stddef.h>

#include "base/str.h"

struct embedded_file {
	const char *name;
	struct str text;
};

/* Sorted by name; from rules/packs/ and rules/programs/. */
extern const struct embedded_file embedded_packs[];
extern const size_t embedded_packs_count;
extern const struct embedded_file embedded_programs[];
extern const size_t embedded_programs_count;

#endif
