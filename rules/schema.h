#ifndef RULES_SCHEMA_H
#define RULES_SCHEMA_H
/*
 * One table says which keys a rule file has, what each takes and what it
 * means. The loader, its hints, the reference in docs/rules.md and the JSON
 * Schema for editors all come from it.
 *
 *     r = schema_read_map(ld, SCOPE_RULE, node, &rule);
 *
 * A reader stores into the struct of its scope at the key's offset. It
 * reports every finding and goes on; ld->errors tells how many.
 */
#include "rules_int.h"

enum scope {
	SCOPE_FILE, /* struct file_draft */
	SCOPE_RULE, /* struct rule */
	SCOPE_COND, /* struct cond */
	SCOPE_COMMAND, /* struct command_cond */
	SCOPE_MCP, /* struct mcp_cond */
	SCOPE_ARG, /* struct arg_want */
	SCOPE_ROLLOUT, /* struct rollout */
	SCOPE_TESTS, /* struct rule: its match and nomatch */
	SCOPE_SCENARIO, /* struct scenario */
	SCOPE_EXPECT, /* struct scenario */
	SCOPE_COUNT,
};

enum value_kind {
	VALUE_VERSION,
	VALUE_ID,
	VALUE_TEXT,
	VALUE_BOOL,
	VALUE_WORD, /* one of the words: the index + 1 in an enum */
	VALUE_MASK, /* one or several of the words, as bits */
	VALUE_PERCENT,
	VALUE_DATE,
	VALUE_TAGS,
	VALUE_IDS,
	VALUE_REGEX,
	VALUE_GLOBS_TEXT,
	VALUE_GLOBS_PATH,
	VALUE_GLOBS_HOST,
	VALUE_PROGRAMS,
	VALUE_OPTIONS,
	VALUE_USERS,
	VALUE_EFFECTS,
	VALUE_MAP, /* of the key's inner scope */
	VALUE_COND, /* a pointer to a struct of the inner scope */
	VALUE_CONDS,
	VALUE_ARGS,
	VALUE_EXAMPLES,
	VALUE_EXAMPLE,
	VALUE_LISTS,
	VALUE_PATTERNS,
	VALUE_RULES,
	VALUE_SCENARIOS,
	VALUE_EXPECT,
	VALUE_LAYERS,
};

struct words {
	const char *const *v; /* v[0] is NULL: the invalid value */
	size_t count;
};

struct key {
	const char *name;
	enum value_kind kind;
	size_t offset;
	const struct words *words; /* VALUE_WORD, VALUE_MASK */
	enum scope inner; /* VALUE_MAP, VALUE_COND */
	bool required;
	const char *help;
};

struct scope_info {
	const char *id; /* "rule", in the reference and the JSON Schema */
	const char *name; /* "a rule", as messages say it */
	const char *help;
	const struct key *keys;
	size_t count;
	size_t size; /* of its struct */
	/* Another scope whose keys may stand here too, its struct at the
	 * offset: a rule has its condition's keys. */
	bool has_also;
	enum scope also;
	size_t also_offset;
};

const struct scope_info *schema_scope(enum scope s);
const struct words *schema_effect_kinds(void);

/* What SCOPE_FILE fills besides struct rule_file. */
struct file_draft {
	unsigned version;
	const struct yaml *lists, *patterns, *rules, *scenarios, *disable;
	const struct yaml *may_cover;
};

/* The set while its files are read. */
struct set_draft {
	struct rule *rules;
	size_t rule_count, rule_cap;
	struct rule_file *files;
	size_t file_count, file_cap;
	/* ids to disable, and where that is said */
	struct disable {
		struct str id;
		const struct yaml *at;
	} * disables;
	size_t disable_count, disable_cap;
	struct regex **regexes;
	size_t regex_count, regex_cap;
	bool may_cover_given;
	bool may_cover[LAYER_USER + 1];
};

/* One file being loaded. */
struct loader {
	struct arena *arena;
	struct diags *diags;
	struct rule_file *file;
	struct set_draft *set;
	struct err *e;
	/* Matching more of this condition makes decisions looser: then be
	 * exact. Set by the rule around it. */
	bool loosens;
	size_t errors;
	bool skipped; /* something was left out, for an error said before */
	int fatal; /* ERR_NOMEM */
};

/* A finding at the node; counts it. */
void ld_error(struct loader *ld, const struct yaml *at, const char *code,
    const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);
void ld_warn(struct loader *ld, const struct yaml *at, const char *code,
    const char *hint, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Memory from the loader's arena; NULL sets ld->fatal. */
void *ld_alloc(struct loader *ld, size_t count, size_t size);
const char *ld_strdup(struct loader *ld, struct str s);
/* Where the word is among the names, some of which may be NULL; else count. */
size_t word_index(struct str word, const char *const *names, size_t count);
/* "did you mean 'x'?" in the arena, or NULL. */
const char *ld_nearest(
    struct loader *ld, struct str word, const char *const *names, size_t count);

/* Reads every key of a map into to; unknown and missing ones are findings. */
void schema_read_map(
    struct loader *ld, enum scope s, const struct yaml *map, void *to);

/* ---- readers by kind (read_*.c) ---------------------------------------- */

typedef void read_fn(
    struct loader *ld, const struct key *k, const struct yaml *v, void *to);

read_fn read_version, read_id, read_text, read_bool, read_word, read_mask,
    read_percent, read_date, read_tags, read_ids, read_regex, read_globs,
    read_options, read_users, read_effects, read_map, read_cond, read_conds,
    read_args, read_examples, read_example, read_node, read_expect;

/* A scalar that is not empty, or a finding that names the key. */
bool ld_is_text(struct loader *ld, const char *name, const struct yaml *v);
/*
 * The items of a value that is one scalar or a list of them, with $lists
 * spliced in. Findings for anything else.
 */
struct nodes {
	const struct yaml **v;
	size_t count;
};
bool ld_items(struct loader *ld, const char *name, const struct yaml *v,
    struct nodes *ret);
bool ld_glob(struct loader *ld, const struct yaml *v, enum glob_style style,
    struct glob *ret);
/* Index of the word, 0 when it is none of them (then reported). */
unsigned ld_word(struct loader *ld, const char *name, const struct words *w,
    const struct yaml *v);

/* Adds what the file says to the set. Findings in ld. */
void read_file(struct loader *ld, const struct yaml *root);
/* Checks of the whole set: ids, disabled rules. */
void check_set(struct loader *ld);
/* Checks a named piece of regexes by itself. */
void ld_pattern(struct loader *ld, struct rule_list *p);

#endif
