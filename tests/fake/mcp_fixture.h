#ifndef FAKE_MCP_FIXTURE_H
#define FAKE_MCP_FIXTURE_H
/*
 * What the conformance suite of the Model Context Protocol calls.
 */
#include "hooks/mcp_menu.h"

extern const struct mcp_menu mcp_fixture;

#endif
