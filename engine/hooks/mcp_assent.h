#ifndef HOOKS_MCP_ASSENT_H
#define HOOKS_MCP_ASSENT_H
/*
 * The parts of assent's own menu: tools here, all else in mcp_reading.c.
 */
#include "mcp_menu.h"

extern const struct mcp_table mcp_assent_tools;

/* A question about the action of that id; MCP_SAY: it is none's. */
enum mcp_next mcp_ask_about(
    struct mcp *m, enum mcp_route route, const char *id, struct buf *out);
/* What the daemon refused, or why it did not answer, as a no. */
void mcp_ruling_of_failure(
    const struct mcp_news *news, struct hook_ruling *ret);

#endif
