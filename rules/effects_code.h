#ifndef RULES_EFFECTS_CODE_H
#define RULES_EFFECTS_CODE_H
/*
 * The words and literals of code in any language, for effects_code.c alone.
 *
 *     struct scan x = { .j = j, .s = text };
 *     code_scan(&x);          x.found, x.literals[0 .. x.count)
 */
#include "effects_int.h"

#define LITERALS_MAX 256
#define IDENTIFIER_MAX 64

enum code_list {
	CODE_CONNECTS,
	CODE_RUNS,
	CODE_DELETES,
	CODE_REMOVES, /* files, or items of a list */
	CODE_WRITES,
	CODE_EVALUATES,
	CODE_DECODES,
	CODE_ENVIRONMENT,
	CODE_SHELLS, /* gives a terminal or a descriptor to a program */
	CODE_SIGNALS,
	CODE_FORKS,
	CODE_LOOPS,
	CODE_TEMPORARY, /* makes files of its own that go away */
	CODE_MOVES, /* files to other names */
	CODE_DATABASE_LOSSES,
};

struct literal {
	struct str text; /* escapes undone */
	unsigned before, after; /* bits of lists of the names around it */
	bool joined; /* only a comma and brackets since the one before */
	bool deleted; /* in a statement that deletes */
	bool bare; /* a path that stands there without quotes */
	bool command; /* in quotes that run it: perl, ruby, php */
	char mode; /* of an open() whose next literal this is: 'w', 'a', 'r' */
};

struct scan {
	struct judge *j;
	struct str s;
	size_t at;
	unsigned found; /* bits of lists */
	unsigned last; /* of the last identifier */
	struct str word; /* the last identifier, if a blank is behind it */
	bool only_commas, backticks_run;
	bool deleting; /* this statement deletes */
	bool exec_runs; /* exec starts a program: not so in python */
	struct literal literals[LITERALS_MAX];
	size_t count;
};

void code_scan(struct scan *x);
bool code_ident_char(char c);

#endif
