/*
 * Actions as JSON: what is accepted, and the sentence for what is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "model/action_json.h"
#include "model/json_in.h"

#define ACT(rest) "{\"tool\":\"shell\",\"workspace\":\"/w\"," rest "}"
#define SH(rest) ACT("\"input\":{\"script\":\"ls\"}," rest)
#define IN(tool, input)                                                        \
	"{\"tool\":\"" tool "\",\"workspace\":\"/w\",\"input\":" input "}"
#define D8 "[[[[[[[["
#define U8 "]]]]]]]]"

static const struct bad {
	const char *json;
	const char *says; /* a piece of the sentence */
	int code;
} bad[] = {
	/* not JSON */
	{ "", "empty", ERR_INVALID },
	{ "  \n", "empty", ERR_INVALID },
	{ "{", "line 1, column 2", ERR_INVALID },
	{ "nul", "a value must stand here", ERR_INVALID },
	{ "{\"tool\"", "colon", ERR_INVALID },
	{ "{\"tool\":}", "a value must stand here", ERR_INVALID },
	{ "{\"tool\":\"shell\",}", "field name", ERR_INVALID },
	{ "{'tool':1}", "double quotes", ERR_INVALID },
	{ "{tool:1}", "double quotes", ERR_INVALID },
	{ SH("\"execute\":true") "x", "follows the end", ERR_INVALID },
	{ SH("\"execute\":true") "{}", "follows the end", ERR_INVALID },
	{ "\xef\xbb\xbf{}", "byte order mark", ERR_INVALID },
	{ SH("\"session\":\"a\nb\""), "line 1", ERR_INVALID },
	{ SH("\"session\":\"a\\u0000b\""), "NUL", ERR_INVALID },
	{ SH("\"session\":\"\\ud800\""), "surrogate", ERR_INVALID },
	{ SH("\"session\":\"\\udc00\""), "surrogate", ERR_INVALID },
	{ SH("\"session\":\"\\ud800\\u0041\""), "surrogate", ERR_INVALID },
	{ SH("\"session\":\"\\x41\""), "escape", ERR_INVALID },
	{ SH("\"session\":\"\\u12g4\""), "hexadecimal", ERR_INVALID },
	{ SH("\"session\":\"\xff\""), "UTF-8", ERR_INVALID },
	{ SH("\"session\":\"\xc0\xaf\""), "UTF-8", ERR_INVALID },
	{ SH("\"session\":\"\xed\xa0\x80\""), "UTF-8", ERR_INVALID },
	{ SH("\"session\":\"\xf4\x90\x80\x80\""), "UTF-8", ERR_INVALID },
	{ SH("\"session\":\"unclosed"), "not closed", ERR_INVALID },
	{ SH("\"execute\":tru"), "a value must stand here", ERR_INVALID },
	{ SH("\"execute\":NaN"), "a value must stand here", ERR_INVALID },
	{ SH("\"execute\":/*c*/true"), "a value must stand", ERR_INVALID },
	{ IN("exec", "{\"argv\":[\"a\",]}"), "a value must", ERR_INVALID },
	{ IN("exec", "{\"argv\":[\"a\" \"b\"]}"), "comma", ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":01}"), "leading zero",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":1.}"), "number ends",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":1e}"), "number ends",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":+1}"), "a value must",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":9223372036854775808}"),
	    "64 bits", ERR_INVALID },
	{ IN("mcp", "{\"server\":\"s\",\"tool\":\"t\",\"args\":{\"n\":1e999}}"),
	    "too large", ERR_LIMIT },
	{ IN("mcp",
	      "{\"server\":\"s\",\"tool\":\"t\",\"args\":"
	      "{\"a\":" D8 D8 D8 D8 "1" U8 U8 U8 U8 "}}"),
	    "deeper than 32", ERR_INVALID },
	/* duplicate fields, at every level, however they are written */
	{ SH("\"execute\":false,\"execute\":true"), "'execute' is there twice",
	    ERR_INVALID },
	{ SH("\"execute\":false,\"\\u0065xecute\":true"),
	    "'execute' is there twice", ERR_INVALID },
	{ IN("shell", "{\"script\":\"ls\",\"script\":\"rm -rf /\"}"),
	    "'script' is there twice", ERR_INVALID },
	{ IN("mcp",
	      "{\"server\":\"s\",\"tool\":\"t\",\"args\":{\"a\":{\"b\":1,"
	      "\"b\":2}}}"),
	    "'b' is there twice", ERR_INVALID },
	{ IN("shell",
	      "{\"script\":\"x\",\"env\":{\"A\":\"1\",\"B\":\"1\",\"C\":\"1\","
	      "\"D\":\"1\",\"E\":\"1\",\"F\":\"1\",\"G\":\"1\",\"H\":\"1\","
	      "\"I\":\"1\",\"C\":\"2\"}}"),
	    "'C' is there twice", ERR_INVALID },
	/* not an action */
	{ "null", "must be a JSON object", ERR_INVALID },
	{ "[]", "must be a JSON object", ERR_INVALID },
	{ "\"shell\"", "must be a JSON object", ERR_INVALID },
	{ "{}", "'tool' is missing", ERR_INVALID },
	{ "{\"tool\":\"bash\"}", "'tool' must be \"shell\", \"exec\"",
	    ERR_INVALID },
	{ "{\"tool\":7}", "'tool' must be", ERR_INVALID },
	{ "{\"tool\":\"Shell\"}", "'tool' must be", ERR_INVALID },
	{ "{\"tool\":\"invalid\"}", "'tool' must be", ERR_INVALID },
	{ "{\"tool\":\"shell\",\"workspace\":\"/w\"}", "'input' is missing",
	    ERR_INVALID },
	{ "{\"tool\":\"shell\",\"input\":{\"script\":\"ls\"}}",
	    "'workspace' is missing", ERR_INVALID },
	{ "{\"tool\":\"shell\",\"cwd\":\"/w\",\"input\":{\"script\":\"ls\"}}",
	    "'workspace' is missing", ERR_INVALID },
	/* unknown fields are never lost */
	{ SH("\"wrokspace\":\"/w\""), "did you mean 'workspace'", ERR_INVALID },
	{ SH("\"Execute\":false"), "did you mean 'execute'", ERR_INVALID },
	{ SH("\"sandbox\":true"), "unknown field 'sandbox'", ERR_INVALID },
	{ SH("\"\":true"), "unknown field ''", ERR_INVALID },
	{ IN("shell", "{\"script\":\"ls\",\"argv\":[\"ls\"]}"),
	    "unknown field 'input.argv'", ERR_INVALID },
	{ IN("shell", "{\"scrpt\":\"ls\"}"), "did you mean 'input.script'",
	    ERR_INVALID },
	{ SH("\"agent\":{\"name\":\"x\",\"role\":\"admin\"}"),
	    "unknown field 'agent.role'", ERR_INVALID },
	{ SH("\"\\u001b[2J\":1"), "unknown field '\\x1b[2J'", ERR_INVALID },
	/* wrong types */
	{ IN("shell", "\"ls\""), "'input' must be an object", ERR_INVALID },
	{ IN("shell", "null"), "'input' must be an object, but it is null",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":[\"ls\"]}"),
	    "'input.script' must be a string, but it is an array",
	    ERR_INVALID },
	{ IN("exec", "{\"argv\":\"ls\"}"), "'input.argv' must be an array",
	    ERR_INVALID },
	{ IN("exec", "{\"argv\":[\"ls\",1]}"),
	    "'input.argv[1]' must be a string", ERR_INVALID },
	{ SH("\"execute\":\"true\""), "'execute' must be true or false",
	    ERR_INVALID },
	{ SH("\"execute\":1"), "'execute' must be true or false", ERR_INVALID },
	{ SH("\"execute\":null"), "'execute' must be true or false",
	    ERR_INVALID },
	{ SH("\"agent\":\"codex\""), "'agent' must be an object", ERR_INVALID },
	{ SH("\"transcript\":{}"), "'transcript' must be an array",
	    ERR_INVALID },
	{ SH("\"transcript\":[{\"role\":\"user\"}]"),
	    "'transcript[0].text' is missing", ERR_INVALID },
	{ SH("\"session\":{}"), "'session' must be a string", ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":\"5\"}"),
	    "must be a whole number", ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":1.5}"),
	    "must be a whole number", ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":0}"), "from 1",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"timeout_ms\":-5}"), "from 1",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"env\":[\"A=1\"]}"),
	    "'input.env' must be an object", ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"env\":{\"A\":1}}"),
	    "'input.env.A' must be a string", ERR_INVALID },
	/* values that cannot be meant */
	{ IN("shell", "{\"script\":\"\"}"), "'input.script' is empty",
	    ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"env\":{\"A=B\":\"1\"}}"),
	    "letters, digits", ERR_INVALID },
	{ IN("shell", "{\"script\":\"x\",\"env\":{\"\":\"1\"}}"),
	    "letters, digits", ERR_INVALID },
	{ IN("exec", "{\"argv\":[]}"), "'input.argv' is empty", ERR_INVALID },
	{ IN("exec", "{\"argv\":[\"\"]}"), "name the program", ERR_INVALID },
	{ IN("file", "{\"edits\":[]}"), "'input.edits' is empty", ERR_INVALID },
	{ IN("file", "{\"edits\":[{\"path\":\"a\",\"op\":\"append\"}]}"),
	    "'input.edits[0].op' must be \"create\"", ERR_INVALID },
	{ IN("file", "{\"edits\":[{\"path\":\"a\",\"op\":\"create\"}]}"),
	    "'input.edits[0].content' is missing", ERR_INVALID },
	{ IN("file",
	      "{\"edits\":[{\"path\":\"a\",\"op\":\"delete\",\"content\":"
	      "\"\"}]}"),
	    "does not belong", ERR_INVALID },
	{ IN("file",
	      "{\"edits\":[{\"path\":\"a\",\"op\":\"delete\",\"sha256\":"
	      "\"ABC\"}]}"),
	    "64 lower-case", ERR_INVALID },
	{ IN("fetch", "{}"), "'input.url' is missing", ERR_INVALID },
	{ IN("fetch", "{\"url\":\"http://a/\\r\\nHost: b\"}"),
	    "control character", ERR_INVALID },
	{ IN("fetch", "{\"url\":\"http://a/\",\"method\":\"GET /x\"}"),
	    "capital letters", ERR_INVALID },
	{ IN("fetch",
	      "{\"url\":\"http://a/\",\"headers\":{\"a\":\"b\\r\\nc: d\"}}"),
	    "control character", ERR_INVALID },
	{ IN("fetch", "{\"url\":\"http://a/\",\"headers\":{\"a b\":\"c\"}}"),
	    "header name", ERR_INVALID },
	{ IN("mcp", "{\"server\":\"s\"}"), "'input.tool' is missing",
	    ERR_INVALID },
	{ IN("mcp", "{\"server\":\"s\",\"tool\":\"t\",\"args\":[]}"),
	    "'input.args' must be an object", ERR_INVALID },
	{ IN("permission", "{}"), "asks for nothing", ERR_INVALID },
	{ IN("permission", "{\"hosts\":[\"a\"],\"scope\":\"forever\"}"),
	    "\"once\"", ERR_INVALID },
	{ IN("stdin", "{\"text\":\"y\"}"), "'input.action' is missing",
	    ERR_INVALID },
	{ SH("\"session\":\"\""), "'session' is empty", ERR_INVALID },
	{ SH("\"session\":\"a\\u202eb\""), "invisible", ERR_INVALID },
	{ SH("\"session\":\"a\\u0007b\""), "invisible", ERR_INVALID },
	{ SH("\"cwd\":\"w\""), "absolute path", ERR_INVALID },
	{ SH("\"cwd\":\"/w/../etc\""), "'..'", ERR_INVALID },
	{ SH("\"home\":\"home\""), "absolute path", ERR_INVALID },
	{ "{\"tool\":\"shell\",\"workspace\":\"/\","
	  "\"input\":{\"script\":\"ls\"}}",
	    "must not be '/'", ERR_INVALID },
	{ "{\"tool\":\"shell\",\"workspace\":\"//./\","
	  "\"input\":{\"script\":\"ls\"}}",
	    "must not be '/'", ERR_INVALID },
	{ SH("\"executor\":\"both\""), "\"assent\" or \"client\"",
	    ERR_INVALID },
	{ SH("\"executor\":\"client\",\"execute\":true"), "drop one",
	    ERR_CONFLICT },
	{ "{\"tool\":\"mcp\",\"execute\":true,\"input\":{\"server\":\"s\","
	  "\"tool\":\"t\"}}",
	    "gateway", ERR_CONFLICT },
};

static int
parse(struct str json, bool lenient, struct action **ret, struct err *e)
{
	assert_int_equal(action_new(ret, NULL), 0);
	return action_from_json(json, lenient, *ret, e);
}

static void
every_bad_body_is_refused_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(action_freep) struct action *a = NULL;
		struct err e = ERR_INIT;
		const int r = parse(str_of(bad[i].json), false, &a, &e);

		if (r != bad[i].code || strstr(e.msg, bad[i].says) == NULL)
			fail_msg("%s\n  gave %d: %s\n  not %d: %s", bad[i].json,
			    r, e.msg, bad[i].code, bad[i].says);
	}
	assert_true(ARRAY_LEN(bad) >= 60);
}

static void
jansson_refuses_the_same_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;
		json_t *j = NULL;
		const bool syntax = strstr(bad[i].says, "twice") != NULL ||
		    strstr(bad[i].says, "deeper") != NULL ||
		    strstr(bad[i].says, "UTF-8") != NULL ||
		    strstr(bad[i].says, "surrogate") != NULL;

		if (!syntax)
			continue;
		assert_int_not_equal(json_in(str_of(bad[i].json), &j, &e), 0);
		assert_null(j);
	}
}

static void
a_nul_byte_in_the_body_is_refused(void **state)
{
	static const char raw[] = SH("\"session\":\"a\0b\"");
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(
	    parse(str_n(raw, sizeof(raw) - 1), false, &a, &e), ERR_INVALID);
	assert_non_null(strstr(e.msg, "control character"));
}

static void
the_contracts_example_is_read_whole(void **state)
{
	static const char json[] =
	    "{\"tool\": \"shell\", \"input\": {\"script\": \"git status && "
	    "make test\"}, \"cwd\": \"/home/dev/proj\", \"workspace\": "
	    "\"/home/dev/proj\", \"home\": \"/home/dev\", \"session\": "
	    "\"s-1\", \"agent\": {\"name\": \"codex\", \"version\": "
	    "\"0.169.0\"}, \"justification\": \"run the tests\", "
	    "\"transcript\": [{\"role\": \"user\", \"text\": \"fix the "
	    "build\"}], \"profile\": \"workspace-write\", \"executor\": "
	    "\"assent\", \"execute\": true}";
	AUTO(action_freep) struct action *a = NULL;
	struct err e = ERR_INIT;
	const struct proposal *p;

	(void)state;
	if (parse(str_of(json), false, &a, &e) != 0)
		fail_msg("%s", e.msg);
	p = &a->proposal;
	assert_int_equal(p->tool, TOOL_SHELL);
	assert_string_equal(p->input.script, "git status && make test");
	assert_string_equal(p->cwd, "/home/dev/proj");
	assert_string_equal(p->workspace, "/home/dev/proj");
	assert_string_equal(p->session, "s-1");
	assert_string_equal(p->agent_name, "codex");
	assert_string_equal(p->agent_version, "0.169.0");
	assert_string_equal(p->justification, "run the tests");
	assert_int_equal(p->transcript_count, 1);
	assert_string_equal(p->transcript[0].role, "user");
	assert_string_equal(p->transcript[0].text, "fix the build");
	assert_string_equal(p->profile, "workspace-write");
	assert_int_equal(p->executor, EXECUTOR_ASSENT);
	assert_true(p->execute);
}

static void
a_stated_home_counts_in_check_only(void **state)
{
	const struct str json = STR(SH("\"home\":\"/home/root\""));
	AUTO(action_freep) struct action *strict = NULL;
	AUTO(action_freep) struct action *lenient = NULL;

	(void)state;
	assert_int_equal(parse(json, false, &strict, NULL), 0);
	assert_null(strict->proposer.home);
	assert_int_equal(parse(json, true, &lenient, NULL), 0);
	assert_string_equal(lenient->proposer.home, "/home/root");
}

static void
what_is_not_stated_has_the_safe_default(void **state)
{
	AUTO(action_freep) struct action *a = NULL;

	(void)state;
	assert_int_equal(
	    parse(STR(IN("shell", "{\"script\":\"ls\"}")), false, &a, NULL), 0);
	assert_int_equal(a->proposal.executor, EXECUTOR_ASSENT);
	assert_false(a->proposal.execute);
	assert_string_equal(a->proposal.cwd, "/w");
	assert_null(a->proposal.profile);
	assert_int_equal(a->proposal.input.timeout_ms, 0);
}

static void
check_takes_the_cwd_as_workspace(void **state)
{
	AUTO(action_freep) struct action *a = NULL;

	(void)state;
	assert_int_equal(parse(STR("{\"input\":{\"script\":\"ls\"},"
				   "\"tool\":\"shell\",\"cwd\":\"/\"}"),
			     true, &a, NULL),
	    0);
	assert_string_equal(a->proposal.workspace, "/");
}

static void
mcp_arguments_keep_their_own_text(void **state)
{
	AUTO(action_freep) struct action *a = NULL;

	(void)state;
	assert_int_equal(
	    parse(STR("{\"tool\":\"mcp\",\"input\":{\"server\":\"s\","
		      "\"tool\":\"t\",\"args\":{ \"n\" : 1.50 , \"s\":\"a "
		      "\\\" b\\\\\" ,\"big\":9.2233720368547758e18}}}"),
		false, &a, NULL),
	    0);
	assert_string_equal(a->proposal.input.mcp_args,
	    "{\"n\":1.50,\"s\":\"a \\\" "
	    "b\\\\\",\"big\":9.2233720368547758e18}");
}

static void
an_action_survives_the_way_out_and_in_again(void **state)
{
	static const char *const bodies[] = {
		SH("\"execute\":true"),
		SH("\"session\":\"s\",\"agent\":{\"name\":\"n\"}"),
		IN("shell",
		    "{\"script\":\"a\\n\\u00e9\\ud83d\\ude00\",\"stdin\":\"\","
		    "\"timeout_ms\":5,\"env\":{\"A\":\"\",\"B\":\"x\"}}"),
		IN("exec", "{\"argv\":[\"ls\",\"\",\"-la\"]}"),
		IN("stdin", "{\"action\":\"act_1\",\"text\":\"y\\n\"}"),
		IN("file",
		    "{\"edits\":[{\"path\":\"a\",\"op\":\"create\","
		    "\"content\":\"\"},{\"path\":\"b\",\"op\":\"move\","
		    "\"to\":\"c\"},{\"path\":\"d\",\"op\":\"delete\"},"
		    "{\"path\":\"e\",\"op\":\"patch\",\"patch\":\"@@\"}]}"),
		IN("fetch",
		    "{\"url\":\"https://a/\",\"method\":\"PUT\",\"headers\":"
		    "{\"X-A\":\"b\"},\"body\":\"c\"}"),
		IN("mcp",
		    "{\"server\":\"s\",\"tool\":\"t\",\"args\":{\"a\":[1]},"
		    "\"annotations\":{}}"),
		IN("permission",
		    "{\"write\":[\"/a\"],\"read\":[\"/b\"],\"hosts\":[\"c\"],"
		    "\"scope\":\"session\"}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(action_freep) struct action *a = NULL;
		AUTO(action_freep) struct action *b = NULL;
		AUTO_BUF struct buf json = BUF_INIT(65536);
		AUTO_BUF struct buf one = BUF_INIT(65536);
		AUTO_BUF struct buf two = BUF_INIT(65536);
		struct err e = ERR_INIT;

		if (parse(str_of(bodies[i]), false, &a, &e) != 0)
			fail_msg("%s: %s", bodies[i], e.msg);
		action_to_json(a, &json);
		if (parse(buf_str(&json), false, &b, &e) != 0)
			fail_msg("%s: %s", buf_cstr(&json), e.msg);
		action_encode(a, &one);
		action_encode(b, &two);
		assert_int_equal(one.len, two.len);
		assert_memory_equal(one.s, two.s, one.len);
	}
}

static void
long_and_many_things_meet_their_limits(void **state)
{
	AUTO_BUF struct buf b = BUF_INIT((size_t)8 << 20);
	AUTO(action_freep) struct action *a = NULL;
	AUTO(action_freep) struct action *c = NULL;
	struct err e = ERR_INIT;

	(void)state;
	buf_puts(&b,
	    "{\"tool\":\"exec\",\"workspace\":\"/w\",\"input\":"
	    "{\"argv\":[\"a\"");
	for (int i = 0; i < ARGV_WORDS_MAX; i++)
		buf_puts(&b, ",\"b\"");
	buf_puts(&b, "]}}");
	assert_int_equal(parse(buf_str(&b), false, &a, &e), ERR_LIMIT);
	assert_non_null(strstr(e.msg, "'input.argv' has 4097 items"));
	buf_reset(&b);
	buf_putc(&b, '[');
	for (int i = 0; i < JSON_NODES_MAX; i++)
		buf_puts(&b, "1,");
	buf_puts(&b, "1]");
	assert_int_equal(parse(buf_str(&b), false, &c, &e), ERR_LIMIT);
	assert_non_null(strstr(e.msg, "more than 200000 values"));
}

static void
every_prefix_of_a_good_body_is_refused(void **state)
{
	const struct str json = STR(IN("shell",
	    "{\"script\":\"a\\u00e9\",\"env\":{\"A\":\"b\"},"
	    "\"timeout_ms\":12}"));

	(void)state;
	for (size_t n = 0; n < json.len; n++) {
		AUTO(action_freep) struct action *a = NULL;

		assert_int_not_equal(
		    parse(str_head(json, n), false, &a, NULL), 0);
	}
}

/* ---- decisions --------------------------------------------------------- */

static struct action *
decided(void)
{
	static struct rule_ref rule = { .id = "git.read",
		.decision = DECISION_ALLOW,
		.file = "git.yaml",
		.line = 12 };
	static struct part part = { .text = "git status",
		.decision = DECISION_ALLOW,
		.rules = &rule,
		.rule_count = 1 };
	struct action *a;

	assert_int_equal(action_new(&a, NULL), 0);
	(void)snprintf(a->id, sizeof(a->id), "act_01J");
	a->classification = (struct classification){
		.decision = DECISION_ALLOW,
		.by = BY_RULE,
		.risk = RISK_LOW,
		.reason = "Reads the state of the repository.",
		.display = "git status",
		.parts = &part,
		.part_count = 1,
		.profile = { .name = "workspace-write" },
	};
	a->stage = STAGE_DECIDED;
	a->ruling.decision = DECISION_ALLOW;
	a->ruling.by = BY_RULE;
	a->sha256[0] = 0xab;
	a->seq = 18204;
	return a;
}

static json_t *
as_json(const struct action *a)
{
	AUTO_BUF struct buf out = BUF_INIT(65536);
	struct err e = ERR_INIT;
	json_t *j = NULL;

	decision_to_json(a, &out);
	if (json_in(buf_str(&out), &j, &e) != 0)
		fail_msg("%s: %s", buf_cstr(&out), e.msg);
	return j;
}

static const char *
text_at(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void
a_decision_has_the_fields_of_the_contract(void **state)
{
	static const char *const keys[] = { "id", "state", "approvals",
		"decision", "decided_by", "risk", "reason", "profile", "rules",
		"action_sha256", "policy_sha256", "expires_at", "seq",
		"log_hash", "outcome" };
	AUTO(action_freep) struct action *a = decided();
	json_auto_t *j = as_json(a);
	const json_t *rule;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_non_null(json_object_get(j, keys[i]));
	assert_int_equal(json_object_size(j), ARRAY_LEN(keys));
	assert_string_equal(text_at(j, "state"), "decided");
	assert_string_equal(text_at(j, "decision"), "allow");
	assert_string_equal(text_at(j, "decided_by"), "rule");
	assert_int_equal(json_integer_value(json_object_get(j, "seq")), 18204);
	assert_true(json_is_null(json_object_get(j, "outcome")));
	rule = json_array_get(json_object_get(j, "rules"), 0);
	assert_string_equal(text_at(rule, "id"), "git.read");
	assert_string_equal(text_at(rule, "part"), "git status");
}

static void
an_empty_case_file_never_reads_as_allow(void **state)
{
	AUTO(action_freep) struct action *a = NULL;
	json_auto_t *j = NULL;

	(void)state;
	assert_int_equal(action_new(&a, NULL), 0);
	j = as_json(a);
	assert_string_equal(text_at(j, "decision"), "invalid");
	assert_true(json_is_null(json_object_get(j, "seq")));
}

static void
the_ruling_hides_what_the_rules_said_before(void **state)
{
	AUTO(action_freep) struct action *a = decided();
	json_auto_t *j = NULL;

	(void)state;
	a->classification.decision = DECISION_ASK;
	a->ruling.decision = DECISION_DENY;
	a->ruling.by = BY_HUMAN;
	a->ruling.message = "use a branch";
	j = as_json(a);
	assert_string_equal(text_at(j, "decision"), "deny");
	assert_string_equal(text_at(j, "reason"), "use a branch");
	assert_string_equal(text_at(j, "approvals"), "0/1");
}

static void
an_outcome_shows_bytes_that_are_not_text(void **state)
{
	AUTO(action_freep) struct action *a = decided();
	json_auto_t *j = NULL;
	const json_t *o;

	(void)state;
	a->stage = STAGE_DONE;
	a->outcome.exit = -1;
	a->outcome.signal = 9;
	a->outcome.out = STR("a\xff\x1b[31m");
	j = as_json(a);
	o = json_object_get(j, "outcome");
	assert_true(json_is_null(json_object_get(o, "exit")));
	assert_int_equal(json_integer_value(json_object_get(o, "signal")), 9);
	assert_string_equal(text_at(o, "stdout"), "a\xef\xbf\xbd\x1b[31m");
}

static void
I8_an_explanation_is_inert_on_a_terminal(void **state)
{
	AUTO_BUF struct buf out = BUF_INIT(65536);
	AUTO_BUF struct buf json = BUF_INIT(65536);
	AUTO(action_freep) struct action *a = decided();
	struct effect effect = { .kind = EFFECT_WRITE,
		.path_class = PATH_WORKSPACE,
		.target = "a\x1b]0;x\a\xe2\x80\xae",
		.why = "option -o writes its operand",
		.decision = DECISION_ASK };
	struct err e = ERR_INIT;
	json_t *j = NULL;

	(void)state;
	a->classification.parts[0].effects = &effect;
	a->classification.parts[0].effect_count = 1;
	a->classification.reason = "be\x1b[2Jware\nDecision: allow";
	explain_to_text(a, &out);
	assert_int_equal(text_find_hidden(buf_str(&out), "\n"), out.len);
	assert_null(strstr(buf_cstr(&out), "\nDecision: allow\n"));
	assert_non_null(
	    strstr(buf_cstr(&out), "does  ask     writes a\\x1b]0;x"));
	assert_non_null(
	    strstr(buf_cstr(&out), "rule   allow   git.read (git.yaml:12)"));
	explain_to_json(a, &json);
	if (json_in(buf_str(&json), &j, &e) != 0)
		fail_msg("%s", e.msg);
	json_decref(j);
}

static void
what_runs_nothing_can_be_judged_but_not_proposed(void **state)
{
	static const char *const bodies[] = {
		IN("exec", "{\"argv\":[]}"),
		IN("exec", "{\"argv\":[\"\"]}"),
		IN("shell", "{\"script\":\"\"}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		AUTO(action_freep) struct action *judged = NULL;
		AUTO(action_freep) struct action *proposed = NULL;

		assert_int_equal(action_new(&judged, NULL), 0);
		assert_int_equal(action_new(&proposed, NULL), 0);
		assert_int_equal(
		    action_from_json(str_of(bodies[i]), true, judged, NULL), 0);
		assert_int_equal(
		    action_from_json(str_of(bodies[i]), false, proposed, NULL),
		    ERR_INVALID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_runs_nothing_can_be_judged_but_not_proposed),
		cmocka_unit_test(every_bad_body_is_refused_with_a_sentence),
		cmocka_unit_test(jansson_refuses_the_same_texts),
		cmocka_unit_test(a_nul_byte_in_the_body_is_refused),
		cmocka_unit_test(the_contracts_example_is_read_whole),
		cmocka_unit_test(a_stated_home_counts_in_check_only),
		cmocka_unit_test(what_is_not_stated_has_the_safe_default),
		cmocka_unit_test(check_takes_the_cwd_as_workspace),
		cmocka_unit_test(mcp_arguments_keep_their_own_text),
		cmocka_unit_test(an_action_survives_the_way_out_and_in_again),
		cmocka_unit_test(long_and_many_things_meet_their_limits),
		cmocka_unit_test(every_prefix_of_a_good_body_is_refused),
		cmocka_unit_test(a_decision_has_the_fields_of_the_contract),
		cmocka_unit_test(an_empty_case_file_never_reads_as_allow),
		cmocka_unit_test(the_ruling_hides_what_the_rules_said_before),
		cmocka_unit_test(an_outcome_shows_bytes_that_are_not_text),
		cmocka_unit_test(I8_an_explanation_is_inert_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
