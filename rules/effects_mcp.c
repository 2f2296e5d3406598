/*
 * Calls of MCP tools: what their names and arguments give away.
 * Runs in: engine, assent.  Trusts: nothing; annotations are claims.
 * Owns: nothing.
 */
#include "effects_tools.h"
#include "model/json_doc.h"

#define VERB_MAX 40
#define SCHEME_MAX 11

enum mcp_kind {
	MCP_UNCLEAR,
	MCP_READS,
	MCP_CHANGES,
	MCP_DESTROYS,
	MCP_RUNS,
};

/* "createPullRequest", "create_pull_request", "repo.delete": the words. */
static bool
next_name_word(struct str *rest, char *ret)
{
	size_t i = 0, n = 0;

	while (i < rest->len &&
	    (rest->s[i] == '_' || rest->s[i] == '-' || rest->s[i] == '.' ||
		rest->s[i] == '/' || rest->s[i] == ':'))
		i++;
	while (i < rest->len && n + 1 < VERB_MAX) {
		const char c = rest->s[i];
		const bool upper = c >= 'A' && c <= 'Z';

		if (c == '_' || c == '-' || c == '.' || c == '/' || c == ':' ||
		    (upper && n > 0 &&
			!(rest->s[i - 1] >= 'A' && rest->s[i - 1] <= 'Z')))
			break;
		ret[n++] = upper ? (char)(c - 'A' + 'a') : c;
		i++;
	}
	ret[n] = '\0';
	*rest = str_from(*rest, i);
	return n > 0;
}

static enum mcp_kind
kind_of_name(const struct programs *p, struct str name)
{
	enum mcp_kind kind = MCP_UNCLEAR;
	char word[VERB_MAX];

	while (next_name_word(&name, word)) {
		enum mcp_kind k = MCP_UNCLEAR;

		if (programs_word(p, "mcp_destroys", str_of(word)))
			k = MCP_DESTROYS;
		else if (programs_word(p, "mcp_runs", str_of(word)))
			k = MCP_RUNS;
		else if (programs_word(p, "mcp_changes", str_of(word)))
			k = MCP_CHANGES;
		else if (programs_word(p, "mcp_reads", str_of(word)))
			k = MCP_READS;
		/* The verb is said first: "get_deployment" reads; but nothing
		 * is harmless that says "delete". */
		if (kind == MCP_UNCLEAR)
			kind = k;
		if (programs_word(p, "mcp_destroys_anywhere", str_of(word)))
			kind = MCP_DESTROYS;
	}
	return kind;
}

struct mcp {
	struct judge *j;
	enum mcp_kind kind;
	bool placed; /* some argument says what it does, fully */
	bool files; /* the server's name says that it serves files */
};

static bool
key_is(const struct programs *p, const char *list, struct str key)
{
	char word[VERB_MAX];
	struct str rest = key;

	while (next_name_word(&rest, word)) {
		if (programs_word(p, list, str_of(word)))
			return true;
	}
	return false;
}

static void
judge_path(struct mcp *m, const struct arg *a)
{
	if (m->kind == MCP_READS) {
		effect_read(m->j, a, true);
		m->placed = m->files;
	} else if (m->kind == MCP_DESTROYS) {
		effect_delete(m->j, a, true);
	} else {
		effect_write(m->j, a, "may write");
	}
}

static bool
begins_as_url(struct str text)
{
	const size_t at = str_search(text, STR("://"));

	return at < text.len && at <= SCHEME_MAX;
}

static void
judge_string(struct mcp *m, struct str key, struct str text)
{
	struct judge *j = m->j;
	const struct programs *p = j->programs;
	const struct arg a = arg_text(j->arena, text);

	if (secrets_found(text))
		effect_remote(j, "send secret");
	if (key_is(p, "mcp_path_keys", key)) {
		judge_path(m, &a);
	} else if (key_is(p, "mcp_url_keys", key) || begins_as_url(text)) {
		url_connect(j, &a, PATH_NONE);
	} else if (key_is(p, "mcp_sql_keys", key) && text.len > 5) {
		as_sql(j, &a, STR_NONE);
	} else if (key_is(p, "mcp_command_keys", key)) {
		judge_shell_text(j, &a, "an argument");
	}
}

static void
judge_node(struct mcp *m, const struct json_doc *d, size_t node, struct str key)
{
	size_t i = doc_first(d, node);
	const size_t end = doc_end(d, node);

	switch (d->nodes[node].kind) {
	case DOC_STRING:
		judge_string(m, key, doc_str(d, node));
		break;
	case DOC_OBJECT:
		while (i < end) {
			const struct str k = doc_str(d, i);

			i = doc_next(d, i);
			judge_node(m, d, i, k);
			i = doc_next(d, i);
		}
		break;
	case DOC_ARRAY:
		for (; i < end; i = doc_next(d, i))
			judge_node(m, d, i, key);
		break;
	case DOC_INVALID:
	case DOC_NUMBER:
	case DOC_TRUE:
	case DOC_FALSE:
	case DOC_NULL:
		break;
	}
}

static void
judge_kind(struct mcp *m)
{
	struct judge *j = m->j;

	switch (m->kind) {
	case MCP_READS:
		if (!m->placed)
			effect_add(j,
			    &(struct effect){ .kind = EFFECT_UNKNOWN,
				.by_server = true,
				.why = "a server that is not assent's answers "
				       "it" });
		break;
	case MCP_CHANGES:
		effect_remote(j, "mcp change");
		break;
	case MCP_DESTROYS:
		effect_remote(j, "mcp deletion");
		break;
	case MCP_RUNS:
		effect_remote(j, "mcp command");
		break;
	case MCP_UNCLEAR:
		effect_remote(j, "mcp unclear");
		break;
	}
}

/* ---- what its adapter says of the call ----------------------------------- */

#define READINGS_MAX 16 /* of one name */

/* The member "assent" of the annotations: it can only tighten. */
struct adapter_note {
	struct str name; /* server and tool in one, when it has readings */
	bool unlisted, changed, unclear;
};

static size_t
member(const struct json_doc *d, size_t object, const char *name)
{
	return d->count > 0 && d->nodes[object].kind == DOC_OBJECT
	    ? doc_get(d, object, str_of(name))
	    : 0;
}

static void
note_definition(const struct json_doc *d, size_t node, struct adapter_note *n)
{
	const size_t state = member(d, node, "state");
	const struct str word = state == 0 ? STR_NONE : doc_str(d, state);

	if (str_eqz(word, "unlisted"))
		n->unlisted = true;
	else if (!str_eqz(word, "same") && !str_eqz(word, "new"))
		n->changed = true;
}

static struct adapter_note
read_note(struct run *run)
{
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	const char *text = run->action->proposal.input.annotations;
	struct adapter_note n = { .unclear = false };
	size_t own, node;

	if (text == NULL)
		return n;
	if (json_doc_parse(&d, str_of(text), run->arena, NULL) != 0)
		return (struct adapter_note){ .unclear = true };
	own = member(&d, 0, "assent");
	node = own == 0 ? 0 : member(&d, own, "definition");
	if (node != 0)
		note_definition(&d, node, &n);
	node = own == 0 ? 0 : member(&d, own, "name");
	if (node != 0 && d.nodes[node].kind == DOC_STRING)
		n.name = doc_str(&d, node);
	else if (node != 0)
		n.unclear = true;
	return n;
}

static void
judge_note(struct judge *j, const struct adapter_note *n)
{
	if (n->unlisted)
		effect_unknown(j, "its server has not described this tool");
	if (n->changed)
		effect_remote(j, "mcp changed");
	if (n->unclear)
		effect_unknown(j, "what is said of the call is not understood");
}

/* ---- the call ------------------------------------------------------------ */

/* get_secret, or whatever a vault is asked for: the answer is a credential. */
static void
judge_secrets(struct mcp *m, struct str server, struct str tool)
{
	if (!secret_name(tool) &&
	    !key_is(m->j->programs, "mcp_secret_servers", server))
		return;
	effect_add(m->j,
	    &(struct effect){ .kind = EFFECT_READ,
		.path_class = PATH_SECRET,
		.target = "credentials",
		.why = "the tool deals in credentials" });
}

static int
judge_reading(struct run *run, const struct adapter_note *note,
    struct str server, struct str tool)
{
	const struct tool_input *in = &run->action->proposal.input;
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	struct shell_part shell;
	struct part_command command;
	struct judge j;
	struct mcp m = { .j = &j };
	int r = ERR_OK;

	tools_begin(run, &j, &shell, &command, "the call");
	command.server = server;
	command.mcp_tool = tool;
	m.kind = kind_of_name(run->programs, tool);
	m.files = key_is(run->programs, "mcp_file_servers", server);
	if (in->mcp_args != NULL)
		r = json_doc_parse(&d, str_of(in->mcp_args), run->arena, NULL);
	if (r == ERR_OK && d.count > 0)
		judge_node(&m, &d, 0, STR_NONE);
	else if (r != ERR_OK)
		effect_unknown(&j, "its arguments are not understood");
	judge_kind(&m);
	judge_secrets(&m, server, tool);
	judge_note(&j, note);
	return tools_finish(&j, "%.*s/%.*s %s", STR_ARG(server), STR_ARG(tool),
	    in->mcp_args == NULL ? "" : in->mcp_args);
}

/*
 * "a__b__c" is the tool b__c of a, or c of a__b: a client that joins names so
 * does not say. Each reading is a part of its own: the strictest one counts.
 */
static int
judge_others(struct run *run, const struct adapter_note *note)
{
	const struct tool_input *in = &run->action->proposal.input;
	const struct str name = note->name;
	struct adapter_note rest = *note;
	int r = ERR_OK;
	size_t count = 0;

	for (size_t i = 1; i + 2 < name.len && r == ERR_OK; i++) {
		const struct str server = str_head(name, i);
		const struct str tool = str_from(name, i + 2);

		if (!str_starts(str_from(name, i), STR("__")) ||
		    (str_eqz(server, in->server) &&
			str_eqz(tool, in->mcp_tool)))
			continue;
		rest.unclear = ++count == READINGS_MAX;
		r = judge_reading(run, &rest, server, tool);
		if (count == READINGS_MAX)
			break;
	}
	return r;
}

int
tools_mcp(struct run *run)
{
	const struct tool_input *in = &run->action->proposal.input;
	const struct adapter_note note = read_note(run);
	const int r =
	    judge_reading(run, &note, str_of(in->server), str_of(in->mcp_tool));

	return r != ERR_OK ? r : judge_others(run, &note);
}
