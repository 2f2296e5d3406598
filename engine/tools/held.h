#ifndef TOOLS_HELD_H
#define TOOLS_HELD_H
/*
 * Messages that wait for a decision, by their ids. A gateway puts struct held
 * first into a struct of its own.
 *
 *     if (held_add(&list, &x->held, id, line) == 0) ...
 *     x = (struct x *)held_find(&list, id);
 *     held_remove(&list, &x->held);          and frees x itself
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

#define HELD_MAX 256 /* messages */
#define HELD_BYTES_MAX ((size_t)64 << 20)

struct question;

struct held {
	struct held *next;
	struct question *question; /* while it is asked */
	char *id, *line; /* line: NULL once it was passed on */
	size_t len; /* of line */
};

struct held_list {
	struct held *first;
	size_t count, bytes;
};

bool held_has_room(const struct held_list *l, size_t len);
/* Both are copied. After ERR_NOMEM it is not in the list. */
int held_add(
    struct held_list *l, struct held *h, struct str id, struct str line);
struct held *held_find(const struct held_list *l, struct str id);
struct str held_line(const struct held *h);
/* Its line is not needed any more. */
void held_let_go(struct held_list *l, struct held *h);
void held_remove(struct held_list *l, struct held *h);
/* A C string; NULL: no memory. */
char *held_copy(struct str s);

#endif
