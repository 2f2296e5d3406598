#ifndef RULES_IMPORT_H
#define RULES_IMPORT_H
/*
 * Rules of other programs as rules of ours.
 *
 *     r = import_read(&im, IMPORT_CODEX, "default.rules", text, e);
 *     import_write(&im, &out);          the rule file
 *
 * What they allow becomes an allow for the start of that very command and the
 * reading of ordinary files; whatever else it does keeps its default, for
 * their languages do not say what it may do. What they deny or ask becomes
 * something that matches no less. What cannot be carried over is told.
 */
#include <jansson.h>

#include "rules_int.h"

#define IMPORT_RULES_MAX 5000
#define IMPORT_WORDS_MAX 64
#define IMPORT_FILE_BYTES_MAX ((size_t)4 << 20)
#define IMPORT_LINE "__line" /* of an object, as its reader found it */

enum import_format {
	IMPORT_INVALID,
	IMPORT_CODEX, /* *.rules: prefix_rule(...) */
	IMPORT_GEMINI, /* *.toml: [[rule]] */
	IMPORT_CLAUDE, /* settings.json: permissions */
};

/* A word of a command; several: one of them. */
struct import_word {
	struct str *v;
	size_t count;
};

enum imported_kind {
	IMPORTED_INVALID,
	IMPORTED_COMMAND, /* begins with words, or is them */
	IMPORTED_PATTERN, /* regex, or text with '*' (glob) */
	IMPORTED_TOOL, /* all of the calls of a tool */
	IMPORTED_READ, /* path */
	IMPORTED_WRITE,
	IMPORTED_HOST,
	IMPORTED_MCP,
};

struct imported {
	enum imported_kind kind;
	enum decision decision;
	unsigned line;
	struct str source; /* as it was written, for the comment */
	struct import_word words[IMPORT_WORDS_MAX];
	size_t word_count;
	bool exact; /* nothing may follow the words */
	struct str regex; /* IMPORTED_PATTERN */
	struct str tools; /* IMPORTED_TOOL: "shell", "[file]" */
	struct str target; /* path, host */
	struct str server, mcp_tool;
	struct str reason;
	struct str *match, *nomatch; /* examples */
	size_t match_count, nomatch_count;
	int64_t priority;
	/* How it is written: the next one when it does not match what it was
	 * made from. */
	enum imported_form {
		FORM_SUBCOMMAND,
		FORM_OPERAND,
		FORM_REGEX,
		FORM_NONE, /* lost */
	} form;
};

/* What did not come over, or not whole. */
struct import_note {
	unsigned line;
	bool lost; /* nothing of it is there */
	struct str source, why;
};

struct import {
	struct arena *arena;
	const char *file;
	struct imported *rules;
	size_t rule_count, rule_cap;
	struct import_note *notes;
	size_t note_count, note_cap;
	int fatal; /* ERR_NOMEM */
};

int import_new(const char *file, struct import *ret, struct err *e);
void import_done(struct import *im);
/* ERR_INVALID with file and line: it is no such file at all. */
int import_read(
    struct import *im, enum import_format f, struct str text, struct err *e);
/* The rule file; ids begin with prefix. */
void import_write(const struct import *im, const char *prefix, struct buf *out);
void import_id(
    const struct import *im, size_t i, const char *prefix, struct buf *out);
/* A call that the rule was made to match; false: there is none as text. */
bool import_example(const struct imported *r, struct buf *out);

/* ---- between import_*.c ------------------------------------------------- */

struct imported *import_add(
    struct import *im, enum decision d, unsigned line, struct str source);
void import_note(struct import *im, bool lost, unsigned line, struct str source,
    const char *fmt, ...) PRINTF_LIKE(5, 6);
struct str import_keep(struct import *im, struct str s);
/* Words of a text, at blanks; false when there are too many or it is quoted. */
bool import_words(struct import *im, struct str text, struct imported *r);
/* A list of texts in JSON (lists of words are joined). */
void import_examples(
    struct import *im, const json_t *list, struct str **ret, size_t *ret_count);
struct str import_json_str(const json_t *v);
unsigned import_line_of(const json_t *v);

/* Calls as an array of objects {"__call": name, "__line": n, ...}. */
int starlark_parse(
    const char *file, struct str text, json_t **ret, struct err *e);
/* Tables; an array of tables is an array; each with its line. */
int toml_parse(const char *file, struct str text, json_t **ret, struct err *e);

void import_codex(struct import *im, const json_t *calls);
void import_gemini(struct import *im, const json_t *root);
void import_claude(struct import *im, const json_t *root, struct str text);

#endif
