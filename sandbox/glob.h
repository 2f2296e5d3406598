#ifndef SANDBOX_GLOB_H
#define SANDBOX_GLOB_H
/*
 * Patterns of a profile's 'deny': which names in a workspace they mean. One
 * without a slash means a name at any depth, and what is below it; one with a
 * slash begins at the top, and a part "**" stands for any number of folders.
 * Case does not count. Pure.
 */
#include <stddef.h>

#define GLOB_PARTS_MAX 32

enum glob_answer {
	GLOB_MATCH, /* zero: the safe answer, also for what is too long */
	GLOB_LEADS, /* a folder whose name is part of the pattern */
	GLOB_NO,
};

/* rel: relative, normal form, not empty. */
enum glob_answer glob_match_name(const char *pattern, const char *rel);
/* The strictest answer of all patterns. */
enum glob_answer glob_match_any(
    const char *const *patterns, size_t count, const char *rel);

#endif
