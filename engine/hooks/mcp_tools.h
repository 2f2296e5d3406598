#ifndef HOOKS_MCP_TOOLS_H
#define HOOKS_MCP_TOOLS_H
/*
 * What the MCP server says of itself, as JSON and text.
 *
 *     jsonw_raw(&w, str_of(mcp_tool_list));
 */

extern const char mcp_instructions[];
/* The result of tools/list. */
extern const char mcp_tool_list[];

#endif
