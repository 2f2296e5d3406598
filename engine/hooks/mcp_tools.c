/*
 * The tools of the MCP server and their schemas.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "mcp_tools.h"

const char mcp_instructions[] =
    "assent decides by rules whether a command may run, asks a person where "
    "rules say so, and runs it in a sandbox. Use run for commands. A denial "
    "says why: choose another way instead of other words.";

const char mcp_tool_list[] =
    "{\"tools\":["
    "{\"name\":\"run\",\"title\":\"Run a command in the sandbox\","
    "\"description\":\"Proposes a shell command, waits for the decision, runs "
    "it in assent's sandbox and gives its output.\","
    "\"inputSchema\":{\"type\":\"object\",\"required\":[\"command\"],"
    "\"properties\":{"
    "\"command\":{\"type\":\"string\",\"description\":\"for bash -c\"},"
    "\"cwd\":{\"type\":\"string\",\"description\":\"an absolute path\"},"
    "\"justification\":{\"type\":\"string\",\"description\":\"why, for the "
    "person who is asked\"},"
    "\"profile\":{\"type\":\"string\",\"description\":\"read-only, "
    "workspace-write or workspace-write-online\"}}},"
    "\"annotations\":{\"readOnlyHint\":false,\"openWorldHint\":false}},"
    "{\"name\":\"request_approval\",\"title\":\"Ask before doing it "
    "yourself\","
    "\"description\":\"Decides about an action that the caller runs itself. "
    "Give action as POST /v1/actions takes it; or, as Claude Code's "
    "permission prompt, tool_name and input.\","
    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
    "\"action\":{\"type\":\"object\"},"
    "\"tool_name\":{\"type\":\"string\"},\"input\":{\"type\":\"object\"},"
    "\"tool_use_id\":{\"type\":\"string\"}}},"
    "\"annotations\":{\"readOnlyHint\":true}},"
    "{\"name\":\"check_approval\",\"title\":\"See what became of an action\","
    "\"description\":\"The decision about an action that waited, by its id.\","
    "\"inputSchema\":{\"type\":\"object\",\"required\":[\"id\"],"
    "\"properties\":{\"id\":{\"type\":\"string\"}}},"
    "\"annotations\":{\"readOnlyHint\":true}},"
    "{\"name\":\"explain\",\"title\":\"Why it is decided so\","
    "\"description\":\"The parts, effects and rules of an action (id), or of "
    "a command that is only asked about (command).\","
    "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":\"string\"},\"command\":{\"type\":\"string\"},"
    "\"cwd\":{\"type\":\"string\"}}},"
    "\"annotations\":{\"readOnlyHint\":true}}"
    "]}";
