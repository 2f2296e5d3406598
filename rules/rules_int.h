#ifndef RULES_RULES_INT_H
#define RULES_RULES_INT_H
/*
 * The rule language as data: what a rule file becomes once it is loaded.
 *
 *     struct ruleset *set;
 *     r = ruleset_load(&options, diags, &set, e);     load.c
 *     ruleset_index(set);                             index.c
 *     decide(set, &input, arena, &classification);    decide.c
 *
 * A ruleset is immutable after loading; everything in it lives in its arena.
 * How rules combine is in docs/rules.md and in decide.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/yaml.h"
#include "core/ports.h"
#include "glob.h"
#include "model/action.h"
#include "regex.h"

#define RULE_LANGUAGE_VERSION 1
#define RULE_FILES_MAX 10000
#define RULE_ID_MAX 128
#define RULE_TEXT_MAX 2000
#define RULE_LIST_MAX 10000
#define RULE_COND_DEPTH 2 /* a condition, and the unless of a rule */
#define RULESET_BYTES_MAX ((size_t)256 << 20)

/* "Cannot tell" is an answer of its own. */
enum tri {
	TRI_NO,
	TRI_MAYBE,
	TRI_YES,
};

enum rule_mode {
	MODE_UNSET, /* while reading; enforced */
	MODE_ENFORCE,
	MODE_SHADOW, /* judged and shown, without effect */
	MODE_OFF,
};

/* ---- conditions -------------------------------------------------------- */

struct globs {
	struct glob *v;
	size_t count;
};

/* An option that must be there or not: any of the spellings. */
struct option_want {
	struct str *names;
	size_t count;
	struct glob value; /* of "--name=GLOB"; text.s NULL: any */
};

struct options_want {
	struct option_want *v;
	size_t count;
};

/* command: {program, subcommand, ...} */
struct command_cond {
	struct globs programs;
	struct globs subcommands;
	struct options_want options; /* all of them */
	struct options_want any_option; /* one of them */
	struct options_want no_option; /* none of them */
	struct globs any_operand; /* some operand matches one */
	struct globs all_operands; /* every operand matches one */
	struct globs no_operand; /* no operand matches any */
	enum {
		OPERANDS_ANY,
		OPERANDS_NONE,
		OPERANDS_SOME,
	} operands;
};

enum target_kind {
	TARGET_ANY,
	TARGET_PATH_CLASS,
	TARGET_CODE_CLASS,
	TARGET_PATH, /* a glob; relative ones are below the workspace */
	TARGET_HOST,
	TARGET_TEXT, /* signal, privilege, remote_state: glob on the target */
	TARGET_UNKNOWN_HOST,
};

struct target {
	enum target_kind kind;
	enum path_class path_class;
	enum code_class code_class;
	struct glob glob;
};

/* The kinds of effects.h, and two that exist for rules only. */
#define EFFECT_START ((unsigned)EFFECT_UNKNOWN + 1) /* to begin the program */
#define EFFECT_ANY ((unsigned)EFFECT_UNKNOWN + 2)

/* {write: [workspace, "src/a.c"], connect: [example.com]}: one entry a kind. */
struct effect_want {
	unsigned kind;
	struct target *targets;
	size_t count;
};

struct effects_want {
	struct effect_want *v;
	size_t count;
};

struct arg_want {
	struct str pointer; /* RFC 6901 */
	struct globs values;
	struct regex *regex; /* or NULL */
	bool absent; /* it must not be there */
};

struct args_want {
	struct arg_want *v;
	size_t count;
};

struct mcp_cond {
	struct globs servers, tools;
	struct args_want args;
};

struct users {
	uid_t *v;
	size_t count;
};

/* All that is given must hold. Zero fields do not restrict. */
struct cond {
	unsigned tools; /* bits 1 << enum tool */
	unsigned policies; /* bits 1 << enum approval_policy */
	unsigned executors; /* bits 1 << enum executor_kind */
	struct command_cond *command;
	struct regex *regex;
	struct effects_want effects;
	struct globs paths, hosts;
	struct mcp_cond *mcp;
	struct globs agents, sessions;
	struct users users;
	enum {
		UNDERSTOOD_ANY,
		UNDERSTOOD_ONLY, /* not_understood: false */
		UNDERSTOOD_NOT, /* not_understood: true */
	} not_understood;
};

struct conds {
	struct cond *v;
	size_t count;
};

/* ---- rules ------------------------------------------------------------- */

enum rollout_key {
	ROLLOUT_UNSET, /* session */
	ROLLOUT_SESSION,
	ROLLOUT_AGENT,
	ROLLOUT_WORKSPACE,
	ROLLOUT_USER,
};

struct rollout {
	unsigned percent; /* 0..100 */
	enum rollout_key key;
};

/* An example of an inline test: a script, or an action as YAML. */
struct example {
	struct str script; /* s NULL: action */
	const char *action; /* JSON */
	const char *file;
	unsigned line, col, width;
	const char *source;
};

struct examples {
	struct example *v;
	size_t count;
};

struct texts {
	struct str *v;
	size_t count;
};

struct rule {
	const char *id, *title;
	enum rule_layer layer;
	const char *file; /* as shown */
	unsigned line;
	struct cond when;
	struct conds unless; /* any of them takes the call out */
	bool floor;
	enum decision decision;
	struct effects_want covers;
	enum risk risk; /* RISK_INVALID: by decision */
	const char *profile;
	struct globs hosts; /* that the run may reach, besides its effects' */
	const char *reason, *suggest, *owner;
	unsigned severity; /* 0: none; info, low, medium, high, critical */
	struct texts tags;
	int64_t expires_real_ns; /* 0: never */
	enum rule_mode mode;
	struct rollout *rollout; /* NULL: everywhere */
	struct examples match, nomatch;
	bool disabled; /* by id, from the organisation's layer up */
	const struct yaml *at; /* while loading only */
	bool broken; /* while loading only */
	uint64_t meaning; /* hash of what is written, layout aside */
	uint32_t order; /* its place in the sorted set */
};

/* A scenario test: a call and what becomes of it. */
struct scenario {
	struct example call;
	enum decision decision;
	enum approval_policy policy;
	enum executor_kind executor;
	const char *rule; /* that decides, or NULL */
};

struct rule_list {
	struct str name; /* of a list or a pattern */
	const struct yaml *items;
	bool used, broken;
	unsigned line, col;
	const struct yaml *at; /* while loading only */
};

struct rule_file {
	const char *name; /* as shown: DIR/FILE */
	enum rule_layer layer;
	struct rule_list *lists, *patterns;
	size_t list_count, pattern_count;
	struct scenario *scenarios;
	size_t scenario_count;
	uint8_t digest[SHA256_LEN]; /* of its canonical form */
	size_t rule_count;
};

struct rules_index;

struct ruleset {
	struct arena *arena;
	struct rule_file *files;
	size_t file_count;
	struct rule *rules; /* sorted by id: no order of files matters */
	size_t rule_count;
	bool may_cover[LAYER_USER + 1];
	struct regex **regexes; /* owned: PCRE2 has its own memory */
	size_t regex_count;
	uint8_t digest[SHA256_LEN];
	struct rules_index *index; /* NULL: every rule is tried */
};

/* A file that is not on disk: tests, previews, candidate rules. */
struct rule_text {
	const char *name;
	enum rule_layer layer;
	struct str text;
};

struct ruleset_options {
	const struct rule_text *texts; /* besides the folders */
	size_t text_count;
	struct buf *archive; /* gets the files that were read, or NULL */
	const struct rule_dir *dirs;
	size_t dir_count;
	bool no_packs;
	const char *data_dir; /* NULL: the packs that are built in */
	bool check_owner;
};

/* No partial load: ERR_INVALID and every finding in d. */
int ruleset_load(const struct ruleset_options *o, struct diags *d,
    struct ruleset **ret, struct err *e);
/* The same from texts alone. */
int ruleset_parse(const struct rule_text *texts, size_t count, struct diags *d,
    struct ruleset **ret, struct err *e);
void ruleset_free(struct ruleset *set);
void ruleset_freep(struct ruleset **set);
/* NULL when there is none. */
const struct rule *ruleset_find(const struct ruleset *set, const char *id);

const char *rule_layer_name(enum rule_layer l);
const char *rule_mode_name(enum rule_mode m);
/* Explicit rules decide; the others are the defaults beneath them. */
static inline bool
rule_is_default(const struct rule *r)
{
	return r->layer == LAYER_PACK && !r->floor;
}

#endif
