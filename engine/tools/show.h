#ifndef TOOLS_SHOW_H
#define TOOLS_SHOW_H
/*
 * What people see of an action. Everything that came from outside is escaped
 * (I8): the result is inert on every terminal.
 *
 *     show_question(&out, decision, explanation);
 *     return show_print(&out);
 */
#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/command.h"

#define SHOW_BYTES_MAX ((size_t)16 << 20)

/* A pending decision in full; explanation (GET .../explain) may be NULL. */
void show_question(
    struct buf *out, const json_t *decision, const json_t *explanation);
/* Edits, bodies, variables: all of the input that show_question's first lines
 * do not show. */
void show_input(struct buf *out, const json_t *explanation);
/* One line of a list. */
void show_question_line(struct buf *out, const json_t *decision);
/* "denied by rule git.push (git.yaml:12): reason". */
void show_ruling(struct buf *out, const json_t *decision);
/* To stdout, whole: EXIT_OK or EXIT_INTERNAL. */
int show_print(const struct buf *out);
/* A JSON value in one line on stdout. */
int show_json(const json_t *value);
/* "assent NAME: message", escaped, on stderr; returns status. */
int show_error(const struct command *c, const struct err *e, int status);

#endif
