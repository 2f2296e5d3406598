/*
 * A proposal from JSON that somebody sent: one table of fields an object.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing; text goes into
 * the action's arena.
 */
#include "model/action_json.h"

#include <assert.h>
#include <string.h>

#include "model/field.h"

#define METHOD_BYTES_MAX 16

static int
read_timeout(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	int64_t v;

	if (r->d->nodes[node].kind != DOC_NUMBER)
		return field_wrong_type(r, node, where, "a whole number");
	if (doc_int(r->d, node, 1, TIMEOUT_MS_MAX, &v) != 0)
		return err_set(r->e, ERR_INVALID,
		    "field '%s' must be a whole number of milliseconds from 1 "
		    "to %d",
		    FIELD_WHERE(where), TIMEOUT_MS_MAX);
	memcpy(base + f->at, &v, sizeof(v));
	return ERR_OK;
}

static const char *
name_of_tool(unsigned v)
{
	return tool_name((enum tool)v);
}

static const char *
name_of_executor(unsigned v)
{
	return executor_name((enum executor_kind)v);
}

static const char *
name_of_edit_op(unsigned v)
{
	return edit_op_name((enum edit_op)v);
}

static int
read_executor(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	unsigned v;

	(void)f;
	if (field_choice(
		r, node, where, name_of_executor, EXECUTOR_CLIENT, &v) != 0)
		return ERR_INVALID;
	((struct proposal *)(void *)base)->executor = (enum executor_kind)v;
	return ERR_OK;
}

/* ---- the inputs of each tool ------------------------------------------- */

#define FIELD_TEXT(type, name_, member_, max_, flags_)                         \
	{                                                                      \
		.name = name_, .read = field_text,                             \
		.at = offsetof(type, member_), .max = max_, .flags = flags_    \
	}
#define FIELD_LIST(type, name_, read_, member_, count_, max_, flags_)          \
	{                                                                      \
		.name = name_, .read = read_, .at = offsetof(type, member_),   \
		.count_at = offsetof(type, count_), .max = max_,               \
		.flags = flags_                                                \
	}

static int
read_op(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	unsigned v;

	(void)f;
	if (field_choice(r, node, where, name_of_edit_op, EDIT_MOVE, &v) != 0)
		return ERR_INVALID;
	((struct edit *)(void *)base)->op = (enum edit_op)v;
	return ERR_OK;
}

static int
read_digest(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const int rc = field_text(r, f, node, where, base);
	const struct str s = doc_str(r->d, node);
	bool good = s.len == SHA256_HEX_LEN;

	if (rc != 0)
		return rc;
	for (size_t i = 0; good && i < s.len; i++)
		good = (s.s[i] >= '0' && s.s[i] <= '9') ||
		    (s.s[i] >= 'a' && s.s[i] <= 'f');
	if (!good)
		return err_set(r->e, ERR_INVALID,
		    "field '%s' must be 64 lower-case hexadecimal digits",
		    FIELD_WHERE(where));
	return ERR_OK;
}

static const struct field edit_fields[] = {
	FIELD_TEXT(struct edit, "path", path, PATH_BYTES_MAX,
	    FIELD_REQUIRED | FIELD_NONEMPTY),
	{ .name = "op", .read = read_op, .flags = FIELD_REQUIRED },
	FIELD_TEXT(struct edit, "content", content, HTTP_BODY_BYTES_MAX, 0),
	FIELD_TEXT(
	    struct edit, "patch", patch, HTTP_BODY_BYTES_MAX, FIELD_NONEMPTY),
	FIELD_TEXT(struct edit, "to", to, PATH_BYTES_MAX, FIELD_NONEMPTY),
	{ .name = "sha256",
	    .read = read_digest,
	    .at = offsetof(struct edit, sha256),
	    .max = SHA256_HEX_LEN },
};

/* Each operation has exactly the one field that it needs. */
static int
check_edit(struct field_reader *r, const struct edit *edit,
    const struct field_place *where)
{
	static const char *const needs[] = {
		[EDIT_CREATE] = "content",
		[EDIT_REPLACE] = "content",
		[EDIT_PATCH] = "patch",
		[EDIT_DELETE] = NULL,
		[EDIT_MOVE] = "to",
	};
	const struct {
		const char *name;
		bool there;
	} has[] = {
		{ "content", edit->content != NULL },
		{ "patch", edit->patch != NULL },
		{ "to", edit->to != NULL },
	};
	const char *need = needs[edit->op];

	for (size_t i = 0; i < ARRAY_LEN(has); i++) {
		const bool wanted =
		    need != NULL && str_eqz(str_of(need), has[i].name);

		if (wanted && !has[i].there)
			return err_set(r->e, ERR_INVALID,
			    "field '%s.%s' is missing; op \"%s\" needs it",
			    FIELD_WHERE(where), has[i].name,
			    edit_op_name(edit->op));
		if (!wanted && has[i].there)
			return err_set(r->e, ERR_INVALID,
			    "field '%s.%s' does not belong to op \"%s\"; "
			    "remove it",
			    FIELD_WHERE(where), has[i].name,
			    edit_op_name(edit->op));
	}
	return ERR_OK;
}

static int
read_edits(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	struct field_list list = { .size = sizeof(struct edit) };
	size_t i = 0;
	int rc;

	rc = field_list_begin(r, f, node, where, &list);
	if (rc != 0)
		return rc;
	for (size_t n = doc_first(r->d, node); n < doc_end(r->d, node);
	     n = doc_next(r->d, n), i++) {
		struct edit *edit = &((struct edit *)list.items)[i];
		const struct field_place at = { .up = where, .index = i };

		rc = field_object(
		    r, n, &at, edit_fields, ARRAY_LEN(edit_fields), edit);
		if (rc == 0)
			rc = check_edit(r, edit, &at);
		if (rc != 0)
			return rc;
	}
	field_list_store(f, base, &list);
	return ERR_OK;
}

static int
read_method(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const int rc = field_text(r, f, node, where, base);
	const struct str s = doc_str(r->d, node);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] < 'A' || s.s[i] > 'Z')
			return err_set(r->e, ERR_INVALID,
			    "field '%s' must be an HTTP method in capital "
			    "letters, as \"GET\"",
			    FIELD_WHERE(where));
	}
	return ERR_OK;
}

static int
read_scope(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	const int rc = field_text(r, f, node, where, base);
	const struct str s = doc_str(r->d, node);

	if (rc != 0)
		return rc;
	if (!str_eqz(s, "once") && !str_eqz(s, "session") &&
	    !str_starts(s, STR("until ")))
		return err_set(r->e, ERR_INVALID,
		    "field '%s' must be \"once\", \"session\" or \"until "
		    "TIME\"",
		    FIELD_WHERE(where));
	return ERR_OK;
}

#define IN struct tool_input
#define RUN_FIELDS                                                             \
	FIELD_TEXT(IN, "stdin", stdin_text, SCRIPT_BYTES_MAX, 0),              \
	    { .name = "timeout_ms",                                            \
		    .read = read_timeout,                                      \
		    .at = offsetof(IN, timeout_ms) },                          \
	    FIELD_LIST(                                                        \
		IN, "env", field_pairs, env, env_count, ENV_VARS_MAX, 0)

static const struct field shell_fields[] = {
	FIELD_TEXT(IN, "script", script, SCRIPT_BYTES_MAX, FIELD_REQUIRED),
	FIELD_TEXT(
	    IN, "shell", shell, PATH_BYTES_MAX, FIELD_NONEMPTY | FIELD_VISIBLE),
	RUN_FIELDS,
};
static const struct field exec_fields[] = {
	FIELD_LIST(IN, "argv", field_texts, argv, argc, ARGV_WORDS_MAX,
	    FIELD_REQUIRED),
	RUN_FIELDS,
};
static const struct field stdin_fields[] = {
	FIELD_TEXT(IN, "action", target_action, ACTION_ID_MAX - 1,
	    FIELD_REQUIRED | FIELD_NONEMPTY | FIELD_VISIBLE),
	FIELD_TEXT(IN, "text", stdin_text, SCRIPT_BYTES_MAX,
	    FIELD_REQUIRED | FIELD_NONEMPTY),
};
static const struct field file_fields[] = {
	FIELD_LIST(IN, "edits", read_edits, edits, edit_count, EDITS_MAX,
	    FIELD_REQUIRED | FIELD_NONEMPTY),
};
static const struct field fetch_fields[] = {
	{ .name = "method",
	    .read = read_method,
	    .at = offsetof(IN, method),
	    .max = METHOD_BYTES_MAX,
	    .flags = FIELD_NONEMPTY },
	FIELD_TEXT(IN, "url", url, URL_BYTES_MAX,
	    FIELD_REQUIRED | FIELD_NONEMPTY | FIELD_LINE),
	FIELD_LIST(IN, "headers", field_pairs, headers, header_count,
	    ENV_VARS_MAX, FIELD_LINE),
	FIELD_TEXT(IN, "body", body, SCRIPT_BYTES_MAX, 0),
};
static const struct field mcp_fields[] = {
	FIELD_TEXT(IN, "server", server, NAME_BYTES_MAX,
	    FIELD_REQUIRED | FIELD_NONEMPTY | FIELD_VISIBLE),
	FIELD_TEXT(IN, "tool", mcp_tool, NAME_BYTES_MAX,
	    FIELD_REQUIRED | FIELD_NONEMPTY | FIELD_VISIBLE),
	{ .name = "args", .read = field_json, .at = offsetof(IN, mcp_args) },
	{ .name = "annotations",
	    .read = field_json,
	    .at = offsetof(IN, annotations) },
};
static const struct field permission_fields[] = {
	FIELD_LIST(IN, "write", field_texts, write, write_count,
	    PERMISSION_ITEMS_MAX, FIELD_VISIBLE),
	FIELD_LIST(IN, "read", field_texts, read, read_count,
	    PERMISSION_ITEMS_MAX, FIELD_VISIBLE),
	FIELD_LIST(IN, "hosts", field_texts, hosts, host_count,
	    PERMISSION_ITEMS_MAX, FIELD_VISIBLE),
	{ .name = "scope",
	    .read = read_scope,
	    .at = offsetof(IN, scope),
	    .max = NAME_BYTES_MAX,
	    .flags = FIELD_VISIBLE },
};

static const struct {
	const struct field *fields;
	size_t count;
} input_tables[] = {
	[TOOL_SHELL] = { shell_fields, ARRAY_LEN(shell_fields) },
	[TOOL_EXEC] = { exec_fields, ARRAY_LEN(exec_fields) },
	[TOOL_STDIN] = { stdin_fields, ARRAY_LEN(stdin_fields) },
	[TOOL_FILE] = { file_fields, ARRAY_LEN(file_fields) },
	[TOOL_FETCH] = { fetch_fields, ARRAY_LEN(fetch_fields) },
	[TOOL_MCP] = { mcp_fields, ARRAY_LEN(mcp_fields) },
	[TOOL_PERMISSION] = { permission_fields, ARRAY_LEN(permission_fields) },
};
_Static_assert(ARRAY_LEN(input_tables) == TOOL_PERMISSION + 1,
    "every tool has a table of its input");

/* ---- the whole --------------------------------------------------------- */

static int
read_tool(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	unsigned v;

	(void)f;
	if (field_choice(r, node, where, name_of_tool, TOOL_PERMISSION, &v) !=
	    0)
		return ERR_INVALID;
	((struct proposal *)(void *)base)->tool = (enum tool)v;
	return ERR_OK;
}

/* tool is known: action_from_json reads it before everything else. */
static int
read_input(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	struct proposal *p = (void *)base;

	(void)f;
	assert(p->tool != TOOL_INVALID);
	return field_object(r, node, where, input_tables[p->tool].fields,
	    input_tables[p->tool].count, &p->input);
}

static int
read_agent(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	static const struct field fields[] = {
		FIELD_TEXT(struct proposal, "name", agent_name, NAME_BYTES_MAX,
		    FIELD_REQUIRED | FIELD_NONEMPTY | FIELD_VISIBLE),
		FIELD_TEXT(struct proposal, "version", agent_version,
		    NAME_BYTES_MAX, FIELD_VISIBLE),
	};

	(void)f;
	return field_object(r, node, where, fields, ARRAY_LEN(fields), base);
}

static int
read_transcript(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	static const struct field fields[] = {
		FIELD_TEXT(struct turn, "role", role, NAME_BYTES_MAX,
		    FIELD_REQUIRED | FIELD_NONEMPTY | FIELD_VISIBLE),
		FIELD_TEXT(struct turn, "text", text, HTTP_BODY_BYTES_MAX,
		    FIELD_REQUIRED),
	};
	struct field_list list = { .size = sizeof(struct turn) };
	size_t i = 0;
	int rc;

	rc = field_list_begin(r, f, node, where, &list);
	if (rc != 0)
		return rc;
	for (size_t n = doc_first(r->d, node); n < doc_end(r->d, node);
	     n = doc_next(r->d, n), i++) {

		rc = field_object(r, n,
		    &(struct field_place){ .up = where, .index = i }, fields,
		    ARRAY_LEN(fields), &((struct turn *)list.items)[i]);
		if (rc != 0)
			return rc;
	}
	field_list_store(f, base, &list);
	return ERR_OK;
}

/* A stated home counts in check and evaluate only; elsewhere it must have
 * the right form and is then dropped: the password file tells. */
static int
read_home(struct field_reader *r, const struct field *f, size_t node,
    const struct field_place *where, char *base)
{
	struct action *a;
	char *home = NULL;
	const struct field as_path = { .max = f->max, .flags = f->flags };
	const int rc = field_path(r, &as_path, node, where, (char *)&home);

	if (rc != 0 || !r->lenient)
		return rc;
	a = (struct action *)(void *)(base - offsetof(struct action, proposal));
	a->proposer.home = home;
	return ERR_OK;
}

#define PATH(name_, member_)                                                   \
	{                                                                      \
		.name = name_, .read = field_path,                             \
		.at = offsetof(struct proposal, member_),                      \
		.max = PATH_BYTES_MAX - 1, .flags = FIELD_NONEMPTY             \
	}

static const struct field action_fields[] = {
	{ .name = "tool", .read = read_tool, .flags = FIELD_REQUIRED },
	{ .name = "input", .read = read_input, .flags = FIELD_REQUIRED },
	PATH("cwd", cwd),
	PATH("workspace", workspace),
	{ .name = "home",
	    .read = read_home,
	    .max = PATH_BYTES_MAX - 1,
	    .flags = FIELD_NONEMPTY },
	FIELD_TEXT(struct proposal, "session", session, NAME_BYTES_MAX,
	    FIELD_NONEMPTY | FIELD_VISIBLE),
	{ .name = "agent", .read = read_agent },
	FIELD_TEXT(struct proposal, "justification", justification,
	    REASON_BYTES_MAX, 0),
	FIELD_LIST(struct proposal, "transcript", read_transcript, transcript,
	    transcript_count, TRANSCRIPT_ITEMS_MAX, 0),
	FIELD_TEXT(struct proposal, "profile", profile, NAME_BYTES_MAX,
	    FIELD_NONEMPTY | FIELD_VISIBLE),
	{ .name = "executor", .read = read_executor },
	{ .name = "execute",
	    .read = field_bool,
	    .at = offsetof(struct proposal, execute) },
	{ .name = "overlay",
	    .read = field_bool,
	    .at = offsetof(struct proposal, overlay) },
	{ .name = "tty",
	    .read = field_bool,
	    .at = offsetof(struct proposal, tty) },
};

static bool
is_root(const char *path)
{
	return strspn(path, "/.") == strlen(path) && path[0] == '/';
}

static int
check_places(struct field_reader *r, struct proposal *p)
{
	const bool needed = p->tool == TOOL_SHELL || p->tool == TOOL_EXEC ||
	    p->tool == TOOL_FILE;

	if (p->workspace == NULL && r->lenient)
		p->workspace = p->cwd;
	if (p->cwd == NULL)
		p->cwd = p->workspace;
	if (p->workspace == NULL && needed)
		return err_set(r->e, ERR_INVALID,
		    "field 'workspace' is missing; name the absolute path of "
		    "the project's directory");
	if (!r->lenient && p->workspace != NULL && is_root(p->workspace))
		return err_set(r->e, ERR_INVALID,
		    "field 'workspace' must not be '/'; name the project's "
		    "own directory");
	return ERR_OK;
}

/* What would run nothing can be judged, but not proposed. */
static int
check_command(
    struct field_reader *r, const struct tool_input *in, enum tool tool)
{
	if (r->lenient)
		return ERR_OK;
	if (tool == TOOL_SHELL && in->script[0] == '\0')
		return err_set(r->e, ERR_INVALID,
		    "field 'input.script' is empty; give it a value");
	if (tool == TOOL_EXEC && in->argc == 0)
		return err_set(r->e, ERR_INVALID,
		    "field 'input.argv' is empty; give it at least one item");
	if (tool == TOOL_EXEC && in->argv[0][0] == '\0')
		return err_set(r->e, ERR_INVALID,
		    "field 'input.argv[0]' is empty; name the program");
	return ERR_OK;
}

static int
check_input(struct field_reader *r, const struct tool_input *in, enum tool tool)
{
	const int refused = check_command(r, in, tool);

	if (refused != 0)
		return refused;
	if (tool == TOOL_PERMISSION && in->write_count == 0 &&
	    in->read_count == 0 && in->host_count == 0)
		return err_set(r->e, ERR_INVALID,
		    "field 'input' asks for nothing; add 'write', 'read' or "
		    "'hosts'");
	return ERR_OK;
}

static int
check_execution(struct field_reader *r, const struct proposal *p)
{
	if (!p->execute)
		return ERR_OK;
	if (p->executor == EXECUTOR_CLIENT)
		return err_set(r->e, ERR_CONFLICT,
		    "field 'execute' is true, but executor \"client\" runs "
		    "the call itself; drop one of them");
	if (p->tool == TOOL_MCP)
		return err_set(r->e, ERR_CONFLICT,
		    "field 'execute' is true, but an mcp call goes through "
		    "the gateway; set it to false");
	return ERR_OK;
}

int
action_from_json(
    struct str json, bool allow_home, struct action *a, struct err *e)
{
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	struct field_reader r = {
		.d = &d,
		.arena = a->arena,
		.lenient = allow_home,
		.e = e,
	};
	struct proposal *p = &a->proposal;
	size_t tool;
	int rc;

	rc = json_doc_parse(&d, json, a->arena, e);
	if (rc != 0)
		return rc;
	if (d.nodes[0].kind != DOC_OBJECT)
		return err_set(e, ERR_INVALID,
		    "the body must be a JSON object, but it is %s",
		    doc_kind_phrase(d.nodes[0].kind));
	*p = (struct proposal){ .executor = EXECUTOR_ASSENT };
	tool = doc_get(&d, 0, STR("tool"));
	if (tool == 0)
		return err_set(e, ERR_INVALID,
		    "field 'tool' is missing; add \"tool\": \"shell\", "
		    "\"exec\", \"file\", \"fetch\", \"mcp\", \"stdin\" or "
		    "\"permission\"");
	rc = read_tool(
	    &r, NULL, tool, &(struct field_place){ .name = "tool" }, (char *)p);
	if (rc == 0)
		rc = field_members(
		    &r, 0, NULL, action_fields, ARRAY_LEN(action_fields), p);
	if (rc == 0)
		rc = check_places(&r, p);
	if (rc == 0)
		rc = check_input(&r, &p->input, p->tool);
	if (rc == 0)
		rc = check_execution(&r, p);
	return rc;
}
