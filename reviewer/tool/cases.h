#ifndef REVIEWER_TOOL_CASES_H
#define REVIEWER_TOOL_CASES_H
/*
 * Labelled actions, one JSON object a line:
 *
 *     {"id": "p1", "class": "padding", "label": "dangerous",
 *      "command": "rm -rf / # git status", "user": "show me the status"}
 *
 * or with "action" (as it is proposed to the daemon) in place of command.
 */
#include "base/jsonw.h"
#include "core/ports.h"

#define CASES_MAX 100000

struct one_case {
	char *id, *class;
	bool dangerous;
	struct action *action; /* owned, classified */
};

struct cases {
	struct one_case *list;
	size_t count, cap;
	struct arena *arena;
};

/* Errors name the line. */
int cases_read(const char *path, struct classifier *rules, struct cases *ret,
    struct err *e);
void cases_free(struct cases *c);
/* One action from words, as a shell script or a program. */
int case_of_words(char *const *argv, size_t argc, const char *user,
    struct classifier *rules, struct action **ret, struct err *e);
/* The stand-in for the hash that the engine would have made. */
int case_sha256(
    const struct action *a, uint8_t ret[static SHA256_LEN], struct err *e);

#endif
