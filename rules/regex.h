#ifndef RULES_REGEX_H
#define RULES_REGEX_H
/*
 * PCRE2 made safe: anchored, bounded in time, and never silently wrong.
 *
 *     struct regex_error why;
 *     r = regex_new(&(struct regex_options){ .pattern = p, .whole = true },
 *         &re, &why);
 *     switch (regex_match(runner, re, subject)) ...
 *
 * A match begins at the start of the subject, so PCRE2's match limit, which
 * counts for each start offset, bounds the whole; the runner's budget of time
 * bounds all matches of one decision. Whatever is not a clear yes or no is
 * REGEX_ERROR: a match for a rule that tightens, none for one that allows.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define REGEX_PATTERN_MAX 4096
#define REGEX_SUBJECT_MAX 32768
#define REGEX_MATCH_LIMIT 20000
#define REGEX_DEPTH_LIMIT 1000
#define REGEX_HEAP_KIB 1024
#define REGEX_JIT_STACK ((size_t)1 << 20)
#define REGEX_DEADLINE_NS 2000000 /* of CPU time, for one decision */
#define REGEX_UNTIMED 16 /* matches of a decision before the clock is read */

struct regex;

struct regex_options {
	struct str pattern;
	bool whole; /* must match to the end of the subject */
	bool dotall; /* '.' matches a newline */
};

struct regex_error {
	size_t offset; /* into the pattern */
	char msg[160];
	const char *hint; /* static */
	bool refused; /* PCRE2 knows it, but it is not used here */
};

/* 0, ERR_INVALID (why is filled) or ERR_NOMEM. */
int regex_new(
    const struct regex_options *o, struct regex **ret, struct regex_error *why);
void regex_free(struct regex *re);
struct str regex_pattern(const struct regex *re);
bool regex_is_whole(const struct regex *re);

/* What one thread needs to match; made once. */
struct regex_runner;
typedef int64_t regex_clock_fn(void *ctx);

/* now NULL: the CPU time of the thread, so that a busy machine changes no
 * decision. */
int regex_runner_new(
    regex_clock_fn *now, void *ctx, struct regex_runner **ret, struct err *e);
void regex_runner_free(struct regex_runner *r);
void regex_runner_freep(struct regex_runner **r);
/* A new decision begins: the time budget is whole again. */
void regex_runner_begin(struct regex_runner *r);
/* Matches, and errors among them, since the runner was made. */
void regex_runner_counts(
    const struct regex_runner *r, uint64_t *ret_matches, uint64_t *ret_errors);

enum regex_result {
	REGEX_NO,
	REGEX_YES,
	REGEX_ERROR, /* over a limit, late, too long, not UTF-8 */
};

enum regex_result regex_match(
    struct regex_runner *r, const struct regex *re, struct str subject);

/* May a text that begins so match? Also true when that cannot be told. */
bool regex_may_go_on(
    struct regex_runner *r, const struct regex *re, struct str head);

/*
 * The longest text that every match certainly contains, in ret (of at least
 * REGEX_PATTERN_MAX bytes); its length, 0 when there is none.
 */
size_t regex_literal(struct str pattern, char *ret);
/* The text that every match certainly begins with; its length. */
size_t regex_prefix(struct str pattern, char *ret);
/* The offset behind the class whose '[' is at the offset. */
size_t regex_class_end(struct str pattern, size_t at);

#endif
