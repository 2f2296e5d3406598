#ifndef REVIEWER_POLICY_FILES_H
#define REVIEWER_POLICY_FILES_H
/*
 * The files of reviewer/policy, as they were when this was built.
 */
#include "base/str.h"

struct embedded_file {
	const char *name;
	struct str text;
};

extern const struct embedded_file policy_files[];
extern const size_t policy_files_count;

#endif
