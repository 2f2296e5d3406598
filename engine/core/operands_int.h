#ifndef CORE_OPERANDS_INT_H
#define CORE_OPERANDS_INT_H
/*
 * What the searches for files that an approval holds on to share. Only for
 * operands_*.c.
 */
#include "model/action.h"
#include "model/part_command.h"
#include "operands_implied.h"

#define OPERANDS_NAMES_MAX 5

/* Programs, apart by spaces, and files that mean something to them. */
struct operands_names {
	const char *programs;
	const char *names[OPERANDS_NAMES_MAX];
};

struct operands_table {
	const struct operands_names *rows;
	size_t count;
	bool soft; /* see operands_say_everywhere */
};

#define OPERANDS_FOLDERS_MAX 24 /* beyond: nobody can say where it ends up */

struct operands_walk {
	const struct action *a;
	operand_implied_fn *fn;
	void *ctx;
	struct arena *arena;
	/* Where it may stand, absolute; the first is the start. */
	const char *folders[OPERANDS_FOLDERS_MAX];
	size_t folder_count;
	bool folders_open; /* there are more */
	bool searches; /* programs may be others than their names say */
};

/* Is it one of the words, which stand apart by spaces? */
bool operands_has_word(const char *words, struct str word);
/* Tells of name, from folder on where it is relative. */
int operands_say(const struct operands_walk *w, const char *folder,
    struct str name, bool soft, struct err *e);
/* The same from each folder where it may stand. A soft one is left out where
 * that cannot be told; for others it is ERR_LIMIT. */
int operands_say_everywhere(
    const struct operands_walk *w, struct str name, bool soft, struct err *e);
/* The names in each row that has the program: below folder, or everywhere
 * when that is NULL. */
int operands_say_table(const struct operands_walk *w,
    const struct operands_table *t, struct str program, const char *folder,
    struct err *e);
/* Is it where the action begins, or its workspace? */
bool operands_is_start(const struct action *a, const char *path);

/* operands_loose.c: what is code by the way it is used. */
int operands_loose(const struct operands_walk *w, struct err *e);

#endif
