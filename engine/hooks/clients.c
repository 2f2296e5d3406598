/*
 * The clients: what they call things, and what their tools do.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "codex_guardian.h"
#include "engines.h"
#include "hook_int.h"

#define TOOLS(t) .tools = t, .tool_count = ARRAY_LEN(t)
#define EVENTS(t) .events = t, .event_count = ARRAY_LEN(t)

/* "hook_event_name" and so on, which most of them use. */
static const struct client_names snake_names = {
	.event = "hook_event_name",
	.session = "session_id",
	.call = "tool_use_id",
	.tool = "tool_name",
	.input = "tool_input",
	.cwd = "cwd",
	.result = "tool_response",
	.mcp = "mcp_context",
};

/* ---- Claude Code -------------------------------------------------------- */

static const struct client_event claude_events[] = {
	{ "PreToolUse", HOOK_CALL },
	{ "PermissionRequest", HOOK_PERMISSION },
	{ "PostToolUse", HOOK_RESULT },
	{ "PostToolUseFailure", HOOK_RESULT },
	{ "UserPromptSubmit", HOOK_PROMPT },
	{ "SessionStart", HOOK_SESSION_START },
	{ "SessionEnd", HOOK_SESSION_END },
	{ "Notification", HOOK_NOTIFICATION },
	{ "Stop", HOOK_IGNORED },
	{ "SubagentStart", HOOK_IGNORED },
	{ "SubagentStop", HOOK_IGNORED },
	{ "PreCompact", HOOK_IGNORED },
	{ "PostCompact", HOOK_IGNORED },
};

static const struct client_tool claude_tools[] = {
	{ "Bash", KIND_SHELL, { "command" },
	    "description timeout run_in_background" },
	{ "Monitor", KIND_SHELL, { "command" },
	    "description timeout_ms persistent" },
	{ "Read", KIND_READ, { "file_path" }, "offset limit pages" },
	{ "NotebookRead", KIND_READ, { "notebook_path" }, "cell_id" },
	{ "LS", KIND_LIST, { "path" }, "ignore" },
	{ "Grep", KIND_GREP, { "pattern", "path" },
	    "glob type output_mode -A -B -C -n -i -o context head_limit offset "
	    "multiline" },
	{ "Glob", KIND_GLOB, { "pattern", "path" }, "" },
	{ "Write", KIND_WRITE, { "file_path", "content" }, "" },
	{ "Edit", KIND_EDIT, { "file_path", "old_string", "new_string" },
	    "replace_all" },
	{ "MultiEdit", KIND_MULTI_EDIT,
	    { "file_path", "edits", "old_string", "new_string" }, "" },
	{ "NotebookEdit", KIND_CELL, { "notebook_path", "new_source" },
	    "cell_id cell_type edit_mode" },
	{ "WebFetch", KIND_FETCH, { "url" }, "prompt" },
	{ "WebSearch", KIND_OWN, { NULL }, NULL },
	{ "Agent", KIND_OWN, { NULL }, NULL },
	{ "Task", KIND_OWN, { NULL }, NULL },
	{ "TaskCreate", KIND_OWN, { NULL }, NULL },
	{ "TaskGet", KIND_OWN, { NULL }, NULL },
	{ "TaskList", KIND_OWN, { NULL }, NULL },
	{ "TaskOutput", KIND_OWN, { NULL }, NULL },
	{ "TaskStop", KIND_OWN, { NULL }, NULL },
	{ "TaskUpdate", KIND_OWN, { NULL }, NULL },
	{ "TodoWrite", KIND_OWN, { NULL }, NULL },
	{ "BashOutput", KIND_OWN, { NULL }, NULL },
	{ "KillShell", KIND_OWN, { NULL }, NULL },
	{ "AskUserQuestion", KIND_OWN, { NULL }, NULL },
	{ "EnterPlanMode", KIND_OWN, { NULL }, NULL },
	{ "ExitPlanMode", KIND_OWN, { NULL }, NULL },
	{ "Skill", KIND_OWN, { NULL }, NULL },
	{ "ToolSearch", KIND_OWN, { NULL }, NULL },
	{ "ListMcpResourcesTool", KIND_OWN, { NULL }, NULL },
};

static const struct hook_client claude = {
	.name = "claude-code",
	.own = "client:claude-code",
	.undescribed = "undescribed:claude-code",
	.mcp_prefix = "mcp__",
	.rewrites = "command",
	.names = &snake_names,
	EVENTS(claude_events),
	TOOLS(claude_tools),
	.answer = answer_claude,
	.pass = pass_empty,
};

/* ---- Codex -------------------------------------------------------------- */

static const struct client_tool codex_tools[] = {
	{ "Bash", KIND_SHELL, { "command" }, "description" },
	{ "apply_patch", KIND_PATCH, { "command" }, "description" },
	{ "write_stdin", KIND_TYPE, { "chars" }, NULL },
	{ "view_image", KIND_READ, { "path" }, "detail" },
	{ "update_plan", KIND_OWN, { NULL }, NULL },
	{ "create_goal", KIND_OWN, { NULL }, NULL },
	{ "get_goal", KIND_OWN, { NULL }, NULL },
	{ "update_goal", KIND_OWN, { NULL }, NULL },
	{ "spawn_agent", KIND_OWN, { NULL }, NULL },
	{ "resume_agent", KIND_OWN, { NULL }, NULL },
	{ "close_agent", KIND_OWN, { NULL }, NULL },
	{ "wait_agent", KIND_OWN, { NULL }, NULL },
	{ "send_input", KIND_OWN, { NULL }, NULL },
	{ "request_user_input", KIND_OWN, { NULL }, NULL },
	{ "web_search", KIND_OWN, { NULL }, NULL },
};

static const struct hook_client codex = {
	.name = "codex",
	.own = "client:codex",
	.undescribed = "undescribed:codex",
	.mcp_prefix = "mcp__",
	.rewrites = "command",
	.names = &snake_names,
	EVENTS(claude_events),
	TOOLS(codex_tools),
	.answer = answer_codex,
	.pass = pass_silent,
};

/* ---- Gemini CLI --------------------------------------------------------- */

static const struct client_event gemini_events[] = {
	{ "BeforeTool", HOOK_CALL },
	{ "AfterTool", HOOK_RESULT },
	{ "BeforeAgent", HOOK_PROMPT },
	{ "SessionStart", HOOK_SESSION_START },
	{ "SessionEnd", HOOK_SESSION_END },
	{ "Notification", HOOK_NOTIFICATION },
	{ "AfterAgent", HOOK_IGNORED },
	{ "BeforeModel", HOOK_IGNORED },
	{ "AfterModel", HOOK_IGNORED },
	{ "BeforeToolSelection", HOOK_IGNORED },
	{ "PreCompress", HOOK_IGNORED },
};

static const struct client_tool gemini_tools[] = {
	{ "run_shell_command", KIND_SHELL, { "command", "dir_path" },
	    "description is_background" },
	{ "read_file", KIND_READ, { "file_path" },
	    "start_line end_line offset limit" },
	{ "list_directory", KIND_LIST, { "dir_path" },
	    "ignore file_filtering_options" },
	{ "grep_search", KIND_GREP, { "pattern", "dir_path" },
	    "include include_pattern exclude_pattern names_only case_sensitive "
	    "fixed_strings context after before no_ignore max_matches_per_file "
	    "total_max_matches" },
	{ "search_file_content", KIND_GREP, { "pattern", "dir_path" },
	    "include" },
	{ "glob", KIND_GLOB, { "pattern", "dir_path" },
	    "case_sensitive respect_git_ignore respect_gemini_ignore" },
	{ "write_file", KIND_WRITE, { "file_path", "content" }, "" },
	{ "replace", KIND_EDIT, { "file_path", "old_string", "new_string" },
	    "instruction expected_replacements allow_multiple" },
	{ "google_web_search", KIND_OWN, { NULL }, NULL },
	{ "write_todos", KIND_OWN, { NULL }, NULL },
	{ "ask_user", KIND_OWN, { NULL }, NULL },
	{ "enter_plan_mode", KIND_OWN, { NULL }, NULL },
	{ "exit_plan_mode", KIND_OWN, { NULL }, NULL },
	{ "activate_skill", KIND_OWN, { NULL }, NULL },
	{ "get_internal_docs", KIND_OWN, { NULL }, NULL },
	{ "invoke_agent", KIND_OWN, { NULL }, NULL },
	{ "complete_task", KIND_OWN, { NULL }, NULL },
	{ "update_topic", KIND_OWN, { NULL }, NULL },
};

/* Its names of MCP tools cannot be taken apart; it tells them beside. */
static int
read_gemini(struct hook *h, struct err *e)
{
	const size_t mcp = hook_node(h, 0, h->names->mcp);

	(void)e;
	if (mcp == 0)
		return ERR_OK;
	h->server = str_of(hook_text(h, mcp, "server_name"));
	h->mcp_tool = str_of(hook_text(h, mcp, "tool_name"));
	return ERR_OK;
}

static const struct hook_client gemini = {
	.name = "gemini",
	.own = "client:gemini",
	.undescribed = "undescribed:gemini",
	.rewrites = "command",
	.names = &snake_names,
	EVENTS(gemini_events),
	TOOLS(gemini_tools),
	.read = read_gemini,
	.answer = answer_gemini,
	.pass = pass_empty,
};

/* ---- Copilot CLI -------------------------------------------------------- */

static const struct client_names copilot_names = {
	.event = "hookName",
	.session = "sessionId",
	.tool = "toolName",
	.input = "toolArgs",
	.cwd = "cwd",
	.result = "toolResult",
};

static const struct client_event copilot_events[] = {
	{ "preToolUse", HOOK_CALL },
	{ "PreToolUse", HOOK_CALL },
	{ "permissionRequest", HOOK_PERMISSION },
	{ "PermissionRequest", HOOK_PERMISSION },
	{ "postToolUse", HOOK_RESULT },
	{ "PostToolUse", HOOK_RESULT },
	{ "userPromptSubmitted", HOOK_PROMPT },
	{ "UserPromptSubmit", HOOK_PROMPT },
	{ "sessionStart", HOOK_SESSION_START },
	{ "SessionStart", HOOK_SESSION_START },
	{ "sessionEnd", HOOK_SESSION_END },
	{ "SessionEnd", HOOK_SESSION_END },
	{ "notification", HOOK_NOTIFICATION },
};

static const struct client_tool copilot_tools[] = {
	{ "bash", KIND_SHELL, { "command" },
	    "description mode initial_wait timeout async detach sessionId "
	    "shellId" },
	{ "Bash", KIND_SHELL, { "command" },
	    "description mode initial_wait timeout async detach sessionId "
	    "shellId" },
	{ "write_bash", KIND_TYPE, { "input" }, NULL },
	{ "read_bash", KIND_OWN, { NULL }, NULL },
	{ "stop_bash", KIND_OWN, { NULL }, NULL },
	{ "list_bash", KIND_OWN, { NULL }, NULL },
	{ "view", KIND_READ, { "path" }, "view_range forceReadLargeFiles" },
	{ "create", KIND_WRITE, { "path", "file_text" }, "" },
	{ "edit", KIND_EDIT, { "path", "old_str", "new_str" }, "" },
	{ "grep", KIND_GREP, { "pattern", "path" },
	    "glob type output_mode -A -B -C -n -i multiline head_limit" },
	{ "glob", KIND_GLOB, { "pattern", "path" }, "" },
	{ "web_fetch", KIND_FETCH, { "url" }, "max_length start_index raw" },
	{ "apply_patch", KIND_PATCH, { "input" }, "" },
	{ "task", KIND_OWN, { NULL }, NULL },
	{ "report_intent", KIND_OWN, { NULL }, NULL },
	{ "update_todo", KIND_OWN, { NULL }, NULL },
	{ "ask_user", KIND_OWN, { NULL }, NULL },
	{ "skill", KIND_OWN, { NULL }, NULL },
	{ "read_agent", KIND_OWN, { NULL }, NULL },
	{ "list_agents", KIND_OWN, { NULL }, NULL },
};

/* Its own form names no event; the form of others names it. */
static int
read_copilot(struct hook *h, struct err *e)
{
	if (hook_text(h, 0, snake_names.event) != NULL) {
		h->names = &snake_names;
		hook_read_names(h);
		return hook_unpack_input(h, e);
	}
	if (!h->has_input) {
		h->input = hook_node(h, 0, "toolInput");
		h->has_input = h->input != 0;
	}
	if (h->has_input && h->doc.nodes[h->input].kind == DOC_STRING) {
		const int r = hook_unpack_input(h, e);

		if (r != 0)
			return r;
	}
	if (h->event_name != NULL)
		return ERR_OK;
	if (hook_node(h, 0, "toolResult") != 0)
		h->event_name = "postToolUse";
	else if (h->tool_name != NULL)
		h->event_name = "preToolUse";
	else if (hook_node(h, 0, "prompt") != 0)
		h->event_name = "userPromptSubmitted";
	else if (hook_node(h, 0, "source") != 0)
		h->event_name = "sessionStart";
	else if (hook_node(h, 0, "reason") != 0)
		h->event_name = "sessionEnd";
	return ERR_OK;
}

static const struct hook_client copilot = {
	.name = "copilot",
	.own = "client:copilot",
	.undescribed = "undescribed:copilot",
	.rewrites = "command",
	.names = &copilot_names,
	EVENTS(copilot_events),
	TOOLS(copilot_tools),
	.read = read_copilot,
	.answer = answer_copilot,
	.pass = pass_empty,
};

/* ---- Cursor ------------------------------------------------------------- */

static const struct client_names cursor_names = {
	.event = "hook_event_name",
	.session = "conversation_id",
	.call = "tool_use_id",
	.tool = "tool_name",
	.input = "tool_input",
	.cwd = "cwd",
	.result = "tool_output",
};

static const struct client_event cursor_events[] = {
	{ "preToolUse", HOOK_CALL },
	{ "beforeShellExecution", HOOK_CALL },
	{ "beforeMCPExecution", HOOK_CALL },
	{ "beforeReadFile", HOOK_CALL },
	{ "beforeTabFileRead", HOOK_CALL },
	{ "postToolUse", HOOK_RESULT },
	{ "afterShellExecution", HOOK_IGNORED },
	{ "afterMCPExecution", HOOK_IGNORED },
	{ "afterFileEdit", HOOK_IGNORED },
	{ "beforeSubmitPrompt", HOOK_PROMPT },
	{ "sessionStart", HOOK_SESSION_START },
	{ "sessionEnd", HOOK_SESSION_END },
	{ "stop", HOOK_IGNORED },
};

static const struct client_tool cursor_tools[] = {
	{ "beforeShellExecution", KIND_SHELL, { "command" }, NULL },
	{ "beforeReadFile", KIND_READ, { "file_path" }, NULL },
	{ "beforeTabFileRead", KIND_READ, { "file_path" }, NULL },
	{ "Shell", KIND_SHELL, { "command", "working_directory" },
	    "description timeout is_background block_until_ms" },
	{ "Read", KIND_READ, { "file_path" }, "offset limit" },
	{ "Write", KIND_WRITE, { "file_path", "content" }, "" },
	{ "Delete", KIND_DELETE, { "file_path" }, "" },
	{ "Grep", KIND_GREP, { "pattern", "path" }, NULL },
	{ "Glob", KIND_GLOB, { "pattern", "path" }, "" },
	{ "Task", KIND_OWN, { NULL }, NULL },
	{ "TodoWrite", KIND_OWN, { NULL }, NULL },
};

static void
take_root(struct hook *h)
{
	const size_t roots = hook_node(h, 0, "workspace_roots");
	size_t first;

	if (roots == 0 || h->doc.nodes[roots].kind != DOC_ARRAY)
		return;
	first = doc_first(&h->doc, roots);
	if (first >= doc_end(&h->doc, roots) ||
	    h->doc.nodes[first].kind != DOC_STRING)
		return;
	if (h->cwd == NULL || h->cwd[0] == '\0')
		h->cwd = h->doc.nodes[first].s;
	if (h->o.workspace == NULL)
		h->o.workspace = h->doc.nodes[first].s;
}

static int
read_cursor(struct hook *h, struct err *e)
{
	int r = hook_unpack_input(h, e);

	if (r != 0)
		return r;
	take_root(h);
	if (h->event_name == NULL)
		return ERR_OK;
	if (strcmp(h->event_name, "beforeMCPExecution") == 0) {
		/* which server it is, it does not say */
		h->server = STR("cursor-mcp");
		h->mcp_tool = str_of(h->tool_name);
	} else if (!h->has_input && h->tool_name == NULL &&
	    strncmp(h->event_name, "before", 6) == 0) {
		h->tool_name = h->event_name;
		h->input = 0;
		h->has_input = true;
	}
	return ERR_OK;
}

static const struct hook_client cursor = {
	.name = "cursor",
	.own = "client:cursor",
	.undescribed = "undescribed:cursor",
	.names = &cursor_names,
	EVENTS(cursor_events),
	TOOLS(cursor_tools),
	.read = read_cursor,
	.answer = answer_cursor,
	.pass = pass_empty,
};

/* ---- opencode, by our own plugin ---------------------------------------- */

static const struct client_names opencode_names = {
	.event = "hook",
	.session = "session",
	.call = "call",
	.tool = "tool",
	.input = "args",
	.cwd = "directory",
	.result = "output",
};

static const struct client_event opencode_events[] = {
	{ "tool.execute.before", HOOK_CALL },
	{ "permission.asked", HOOK_PERMISSION },
	{ "tool.execute.after", HOOK_RESULT },
	{ "chat.message", HOOK_PROMPT },
	{ "session.created", HOOK_SESSION_START },
	{ "session.deleted", HOOK_SESSION_END },
};

static const struct client_tool opencode_tools[] = {
	{ "bash", KIND_SHELL, { "command", "workdir" }, "description timeout" },
	{ "read", KIND_READ, { "filePath" }, "offset limit" },
	{ "list", KIND_LIST, { "path" }, "ignore" },
	{ "grep", KIND_GREP, { "pattern", "path" }, "include" },
	{ "glob", KIND_GLOB, { "pattern", "path" }, "" },
	{ "write", KIND_WRITE, { "filePath", "content" }, "" },
	{ "edit", KIND_EDIT, { "filePath", "oldString", "newString" },
	    "replaceAll" },
	{ "multiedit", KIND_MULTI_EDIT,
	    { "filePath", "edits", "oldString", "newString" }, "" },
	{ "apply_patch", KIND_PATCH, { "patchText" }, "" },
	{ "patch", KIND_PATCH, { "patchText" }, "" },
	{ "webfetch", KIND_FETCH, { "url" }, "format timeout" },
	{ "websearch", KIND_OWN, { NULL }, NULL },
	{ "task", KIND_OWN, { NULL }, NULL },
	{ "todowrite", KIND_OWN, { NULL }, NULL },
	{ "todoread", KIND_OWN, { NULL }, NULL },
	{ "skill", KIND_OWN, { NULL }, NULL },
	{ "question", KIND_OWN, { NULL }, NULL },
};

static const struct hook_client opencode = {
	.name = "opencode",
	.own = "client:opencode",
	.undescribed = "undescribed:opencode",
	.rewrites = "command",
	.names = &opencode_names,
	EVENTS(opencode_events),
	TOOLS(opencode_tools),
	.answer = answer_plain,
	.pass = pass_empty,
};

/* ---- anybody else ------------------------------------------------------- */

static const struct client_names generic_names = {
	.event = "event",
	.session = "session",
	.call = "call",
	.tool = "tool",
	.input = "input",
	.cwd = "cwd",
	.result = "result",
};

static const struct client_event generic_events[] = {
	{ "call", HOOK_CALL },
	{ "result", HOOK_RESULT },
	{ "prompt", HOOK_PROMPT },
	{ "session_start", HOOK_SESSION_START },
	{ "session_end", HOOK_SESSION_END },
	{ "notification", HOOK_NOTIFICATION },
};

static int
read_generic(struct hook *h, struct err *e)
{
	(void)e;
	if (hook_node(h, 0, "event") == 0)
		h->event_name = "call";
	hook_place_action(h);
	return ERR_OK;
}

static const struct hook_client generic = {
	.name = "generic",
	.names = &generic_names,
	EVENTS(generic_events),
	.read = read_generic,
	.answer = answer_plain,
	.pass = pass_empty,
};

const struct hook_client *const hook_client_table[] = {
	&claude,
	&codex,
	&gemini,
	&copilot,
	&cursor,
	&opencode,
	&codex_guardian,
	&engine_opa,
	&engine_kubernetes,
	&generic,
	NULL,
};

const char *const *
hook_clients(void)
{
	static const char *const names[] = {
		"claude-code",
		"codex",
		"gemini",
		"copilot",
		"cursor",
		"opencode",
		"codex-guardian",
		"opa",
		"kubernetes",
		"generic",
		NULL,
	};

	return names;
}
