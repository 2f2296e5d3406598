/*
 * Match the names of a workspace against patterns.
 * Runs in: assent-exec.  Trusts: nothing.  Owns: nothing.
 */
#include "glob.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct parts {
	char text[PATH_MAX];
	const char *at[GLOB_PARTS_MAX];
	size_t count;
};

/* Where in the pattern a match may stand. */
struct reach {
	uint64_t by_name; /* the last name was matched by a part of its own */
	uint64_t by_star; /* it was swallowed by ** */
};

static bool
split(const char *pattern, struct parts *ret)
{
	const size_t n = strlen(pattern);
	char *at = ret->text;

	if (n == 0 || n >= sizeof(ret->text))
		return false;
	memcpy(ret->text, pattern, n + 1);
	ret->count = 0;
	while (at != NULL) {
		if (ret->count == GLOB_PARTS_MAX)
			return false;
		ret->at[ret->count++] = at;
		at = strchr(at, '/');
		if (at != NULL)
			*at++ = '\0';
	}
	return true;
}

static bool
is_star(const struct parts *p, size_t i)
{
	return i < p->count && strcmp(p->at[i], "**") == 0;
}

/* ** may stand for nothing. */
static uint64_t
close_over(const struct parts *p, uint64_t set)
{
	for (size_t i = 0; i < p->count; i++) {
		if ((set >> i & 1) != 0 && is_star(p, i))
			set |= UINT64_C(1) << (i + 1);
	}
	return set;
}

static struct reach
step(const struct parts *p, struct reach from, const char *name)
{
	const uint64_t all = from.by_name | from.by_star;
	struct reach to = { 0 };

	for (size_t i = 0; i < p->count; i++) {
		if ((all >> i & 1) == 0)
			continue;
		if (is_star(p, i))
			to.by_star |= UINT64_C(1) << i;
		else if (fnmatch(p->at[i], name, FNM_CASEFOLD) == 0)
			to.by_name |= UINT64_C(1) << (i + 1);
	}
	to.by_name = close_over(p, to.by_name);
	to.by_star = close_over(p, to.by_star);
	return to;
}

/* A pattern without a slash means a name wherever it is. */
static bool
any_name_matches(const char *pattern, char *names)
{
	char *save = NULL;

	for (char *name = strtok_r(names, "/", &save); name != NULL;
	     name = strtok_r(NULL, "/", &save)) {
		if (fnmatch(pattern, name, FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

enum glob_answer
glob_match_name(const char *pattern, const char *rel)
{
	struct parts p;
	struct reach at = { .by_star = 1 };
	char names[PATH_MAX], *save = NULL;

	if (!split(pattern, &p) || strlen(rel) >= sizeof(names))
		return GLOB_MATCH;
	memcpy(names, rel, strlen(rel) + 1);
	if (p.count == 1 && !is_star(&p, 0))
		return any_name_matches(pattern, names) ? GLOB_MATCH : GLOB_NO;
	at.by_star = close_over(&p, at.by_star);
	for (char *name = strtok_r(names, "/", &save); name != NULL;
	     name = strtok_r(NULL, "/", &save)) {
		at = step(&p, at, name);
		/* All of the pattern: this, and whatever is below it. */
		if (((at.by_name | at.by_star) >> p.count & 1) != 0)
			return GLOB_MATCH;
	}
	return at.by_name != 0 ? GLOB_LEADS : GLOB_NO;
}

enum glob_answer
glob_match_any(const char *const *patterns, size_t count, const char *rel)
{
	enum glob_answer worst = GLOB_NO;

	for (size_t i = 0; i < count; i++) {
		const enum glob_answer a = glob_match_name(patterns[i], rel);

		if (a == GLOB_MATCH)
			return a;
		if (a < worst)
			worst = a;
	}
	return worst;
}
