#ifndef MODEL_PATTERN_H
#define MODEL_PATTERN_H
/*
 * What an approved action stands for when it is approved for more than once:
 * the same programs with the same options, on the same kinds of places and
 * hosts. A grant keeps one; a suggested rule is written from one.
 *
 *     r = pattern_of(action, arena, &pattern, e);   ERR_DENIED: says why not
 *     if (pattern_matches(&pattern, later)) ...
 *     pattern_text(&pattern, &out);                 what a person is shown
 *
 * A pattern is never wider than the effects of the action that it was made
 * from: whoever matches it has, in each part that needs an answer, the same
 * program and options, only effects of kinds, places and hosts that were in
 * that action, and was asked about for the same rules. Pure functions; all
 * texts are in the caller's arena.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/action.h"

#define PATTERN_PARTS_MAX 32
#define PATTERN_ITEMS_MAX 64 /* options, operands, effects, rules of a part */
#define PATTERN_BYTES_MAX ((size_t)256 << 10)

struct pattern_option {
	const char *name;
	const char *value; /* NULL: none */
};

enum pattern_target_kind {
	PATTERN_TARGET_INVALID,
	PATTERN_TARGET_NONE, /* the effect names nothing */
	PATTERN_TARGET_EXACT,
	PATTERN_TARGET_CHILD, /* a file that lies directly in that folder */
	PATTERN_TARGET_CLASS, /* any of its path class: the workspace */
};

struct pattern_effect {
	enum effect_kind kind;
	enum path_class path_class;
	enum code_class code_class;
	enum pattern_target_kind match;
	const char *target; /* or NULL */
	bool asked; /* rules did not allow it */
};

struct pattern_part {
	enum tool tool;
	const char *text; /* as it was approved, secrets masked */
	const char *before; /* assignments and the like before it, or NULL */
	const char *program; /* as written; NULL: no command */
	const char *subcommand; /* or NULL */
	const char *method, *server, *mcp_tool; /* or NULL */
	struct pattern_option *options; /* exactly these */
	size_t option_count;
	const char **operands; /* beside those that name places and hosts */
	size_t operand_count;
	struct pattern_effect *effects;
	size_t effect_count;
	const char **rules; /* that asked */
	size_t rule_count;
};

struct pattern {
	enum tool tool;
	enum executor_kind executor;
	const char *agent, *workspace, *cwd; /* or NULL */
	const char *profile; /* that a run would have */
	bool exact; /* inline or downloaded code: the very same text only */
	/* Of environment, standard input, shell, headers, body, arguments,
	 * whether it is on a copy, and what stands around its parts; with
	 * exact also of the script or argument list. */
	uint8_t context_sha256[SHA256_LEN];
	struct pattern_part *parts; /* those that needed an answer */
	size_t part_count;
	const char **around; /* texts of the parts that rules allow */
	size_t around_count;
};

/* ERR_DENIED: it cannot be approved for more than once, and why. */
int pattern_of(const struct action *a, struct arena *arena, struct pattern *ret,
    struct err *e);
/* The action waits for an answer, and this one is the same in kind. */
bool pattern_matches(const struct pattern *p, const struct action *a);
/* Is some part of the action the same command? For finding near misses. */
bool pattern_resembles(const struct pattern *p, const struct action *a);

/* ---- pattern_context.c -------------------------------------------------- */

/* The hash in a pattern: of what is the same, or it is another action. */
int pattern_context(const struct action *a, bool exact,
    uint8_t ret[static SHA256_LEN], struct err *e);

/* ---- pattern_record.c --------------------------------------------------- */

void pattern_encode(const struct pattern *p, struct buf *out);
int pattern_decode(
    struct str record, struct arena *arena, struct pattern *ret, struct err *e);

/* ---- pattern_text.c: shown ---------------------------------------------- */

/* One line: "curl: connects to intranet.example.com". Escaped. */
void pattern_text(const struct pattern *p, struct buf *out);
/* The same as a JSON object, with every field. */
void pattern_json(const struct pattern *p, struct buf *out);
/* A JSON array of sentences: what it does not match. */
void pattern_never_json(const struct pattern *p, struct buf *out);

#endif
