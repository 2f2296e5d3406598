#ifndef RULES_PROGRAMS_INT_H
#define RULES_PROGRAMS_INT_H
/*
 * The compiled form of rules/programs/: what the evaluator walks.
 *
 *     const struct entry *en = programs_find(p, STR("git"));
 *     const struct option *o = entry_option(en, STR("--amend"), true, &n);
 *
 * Private to rules/. Everything is immutable after programs_new.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/action.h"
#include "paths.h"
#include "programs.h"

struct judge;
struct arg;
struct entry;

/* What is done with a value or an operand. */
typedef void role_fn(struct judge *j, const struct arg *a, struct str param);

struct role {
	const char *name;
	role_fn *apply;
	/* Running, writing, connecting: a word that may turn out to be such an
	 * option is not harmless. */
	bool harmful;
};

/* By name, NULL when there is none (effects_roles.c). */
const struct role *role_find(struct str name);

/* One act: a role for the word, or (role NULL) an effect that always is. */
struct act {
	const struct role *role;
	struct str param;
	struct effect fixed;
};

struct acts {
	struct act *items;
	size_t count;
};

enum option_value {
	VALUE_NONE,
	VALUE_OPTIONAL, /* only attached: -iSUFFIX, --color=auto */
	VALUE_REQUIRED,
};

struct option {
	struct str canonical; /* the last long name, else the last name */
	enum option_value value;
	struct acts acts;
};

struct option_name {
	struct str name;
	bool prefix; /* "-W*": all that start so */
	uint16_t option;
};

/* Operands in order; at most one of them repeats. */
struct operand_spec {
	struct acts roles; /* one act an operand */
	size_t repeat; /* index of the one with '*', SIZE_MAX: none */
	size_t optional; /* the last so many may be missing */
	bool set;
};

/* Conditions on which options are there. */
struct when {
	uint16_t *options; /* any of these */
	size_t option_count;
	bool all; /* "-i & -e": all of them */
	struct operand_spec operands;
	struct acts does, also;
	bool replaces; /* does replaces what the entry does */
	bool never_bare; /* what "bare" says does not hold */
};

enum style_flag {
	STYLE_WORD = 1, /* -name is one option; --name the same */
	STYLE_STOP = 2, /* the first operand ends the options */
	STYLE_EXACT = 4, /* long options cannot be abbreviated */
	STYLE_BUNDLE = 8, /* the first operand is a bundle of letters */
	STYLE_KEYVALUE = 16, /* operands are name=value */
	STYLE_NO_DASHES = 32, /* "--" is an ordinary word */
	STYLE_OTHERS = 64, /* options that are not listed are harmless */
	STYLE_OTHER_SUBS = 128, /* so are subcommands */
	STYLE_OWN = 256, /* subcommands do not take its options */
};

struct sub_name {
	struct str name;
	bool glob;
	struct entry *entry;
};

/* Extra work of one program, before its operands are judged. */
typedef void handler_fn(struct judge *j);

struct entry {
	struct str name;
	unsigned style;
	const struct entry *parent;
	struct option_name *names; /* sorted */
	size_t name_count;
	struct option *options;
	size_t option_count;
	struct operand_spec operands;
	struct when *whens;
	size_t when_count;
	struct acts does;
	struct acts bare; /* without operands */
	struct acts alone; /* without any word */
	struct sub_name *subs; /* exact ones sorted first, then globs */
	size_t sub_count, sub_exact;
	handler_fn *handler;
	bool harmful; /* some option runs, writes or connects */
};

const struct entry *programs_find(const struct programs *p, struct str name);
const struct paths *programs_paths(const struct programs *p);
/* What an assignment of this variable means; NULL: nothing is known. */
const struct acts *programs_env(const struct programs *p, struct str name);
/* A word list of words.yaml, matched whole; false when there is none. */
bool programs_word(const struct programs *p, const char *list, struct str word);
/* The words of a list, or NULL; *count is 0 then. */
const struct str *programs_words(
    const struct programs *p, const char *list, size_t *count);

/*
 * The option of a word "-x", "--name" (without "=value"). Tried: as it is,
 * as an abbreviation unless exact; then the parents'. *ambiguous: an
 * abbreviation of several.
 */
const struct option *entry_option(
    const struct entry *en, struct str name, bool *ambiguous);
/* The entry "-I*" for "-I/usr/include": *ret_len is what it covers. */
const struct option *entry_prefix(
    const struct entry *en, struct str text, size_t *ret_len);
const struct entry *entry_sub(const struct entry *en, struct str name);
handler_fn *handler_find(struct str name);

/* ---- the text of the entries (programs_text.c) ------------------------- */

struct text_ctx {
	struct arena *arena;
	struct diags *d;
	const struct yaml *at; /* for places */
	struct err *e;
};

int acts_parse(
    struct text_ctx *t, struct str text, bool fixed, struct acts *ret);
int operands_parse(
    struct text_ctx *t, struct str text, struct operand_spec *ret);
/* Fills en->options and en->names. */
int options_parse(struct text_ctx *t, struct str text, struct entry *en);

#endif
