#ifndef TOOLS_PINS_H
#define TOOLS_PINS_H
/*
 * How an MCP server described its tools when each was seen first, in a file
 * of the user's state folder; and what it says now.
 *
 *     r = pins_open(state, "notes", &p, e);
 *     pins_take(p, "get_note", json);           as tools/list gives it
 *     d = pins_definition(p, "get_note");
 *     pins_accept(p, "get_note", digest);       a person has read the change
 *
 * What cannot be remembered counts as not described.
 */
#include "base/sha256.h"
#include "hooks/gate.h"

struct pins;

/* state: --state or NULL. ERR_INVALID: the file is there and is none. */
int pins_open(
    const char *state, const char *server, struct pins **ret, struct err *e);
void pins_free(struct pins *p);
void pins_freep(struct pins **p);
void pins_take(struct pins *p, const char *tool, struct str json);
struct gate_definition pins_definition(const struct pins *p, const char *tool);
/* Of what it says now; 0, or ERR_NOTFOUND. */
int pins_digest(
    const struct pins *p, const char *tool, uint8_t ret[static SHA256_LEN]);
/* From now on that is how it is described, if it still is. */
void pins_accept(
    struct pins *p, const char *tool, const uint8_t digest[static SHA256_LEN]);
/* Removes what is remembered of a server; 0 also when there was nothing. */
int pins_forget(const char *state, const char *server, struct err *e);

#endif
