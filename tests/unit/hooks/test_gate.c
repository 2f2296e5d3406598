/*
 * The gateway's reading of messages: what could be a call is one, or goes
 * nowhere; what changed in a description is shown by line.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gate.h"
#include "line_diff.h"
#include "rpc.h"

#define TEXT_MAX ((size_t)1 << 20)

struct world {
	struct gate *gate;
	struct gate_definition definition;
	struct buf tools, out;
	struct gate_call call;
};

static struct gate_definition
definition(void *ctx, const char *tool)
{
	const struct world *w = ctx;

	(void)tool;
	return w->definition;
}

static void
on_tool(void *ctx, const char *tool, struct str json)
{
	struct world *w = ctx;

	buf_printf(&w->tools, "%s=%.*s;", tool, STR_ARG(json));
}

static int
begin(void **state)
{
	static struct world w;
	const struct gate_options o = { .server = "notes",
		.workspace = "/proj",
		.session = "s",
		.definition = definition,
		.on_tool = on_tool,
		.ctx = &w };

	w = (struct world){ .tools = BUF_INIT(TEXT_MAX),
		.out = BUF_INIT(TEXT_MAX) };
	*state = &w;
	return gate_new(&o, &w.gate, NULL);
}

static int
end(void **state)
{
	struct world *w = *state;

	gate_free(w->gate);
	buf_free(&w->tools);
	buf_free(&w->out);
	return 0;
}

static enum gate_next
client(struct world *w, const char *line)
{
	buf_reset(&w->out);
	return gate_client(w->gate, str_of(line), &w->call, &w->out);
}

static struct gate_reply
server(struct world *w, const char *line)
{
	struct gate_reply r;

	gate_server(w->gate, str_of(line), &r);
	return r;
}

static bool
body_has(const struct world *w, const char *text)
{
	return str_search(w->call.body, str_of(text)) < w->call.body.len;
}

static void
only_what_is_plainly_no_call_passes(void **state)
{
	static const char *const bad[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/Call\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"toolſ/call\"}",
		("{\"jsonrpc\":\"2.0\",\"id\":1,\"METHOD\":\"tools/call\","
		 "\"result\":1}"),
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}",
		"[]",
		"1",
		"",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(client(w, bad[i]), GATE_ANSWER);
	assert_int_equal(
	    client(w, "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\"}"),
	    GATE_DROP);
	assert_int_equal(
	    client(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"),
	    GATE_PASS);
	assert_int_equal(
	    client(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}"),
	    GATE_PASS);
}

static void
a_call_is_proposed_with_all_that_is_known_of_it(void **state)
{
	struct world *w = *state;

	(void)client(w,
	    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\","
	    "\"params\":"
	    "{\"clientInfo\":{\"name\":\"some client\",\"version\":\"1.2\"}}}");
	w->definition = (struct gate_definition){ .state = GATE_CHANGED,
		.annotations = STR("{\"readOnlyHint\":true,\"assent\":{}}"),
		.was = STR("a\nb\n"),
		.is = STR("a\nc\n") };
	assert_int_equal(
	    client(w,
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"tools/call\","
		"\"params\":{\"name\":\"get\",\"arguments\":{\"n\":1.0},"
		"\"_meta\":{\"progressToken\":7}}}"),
	    GATE_HOLD);
	assert_true(str_eqz(w->call.id, "\"x\""));
	assert_true(str_eqz(w->call.progress, "7"));
	assert_true(body_has(w,
	    "\"server\":\"notes\",\"tool\":\"get\",\"args\":{\"n\":1.0},"
	    "\"annotations\":{\"readOnlyHint\":true,\"assent\":{\"definition\":"
	    "{\"state\":\"changed\",\"change\":[\" a\",\"-b\",\"+c\"]}}}"));
	assert_true(body_has(
	    w, "\"agent\":{\"name\":\"some client\",\"version\":\"1.2\"}"));
	assert_true(body_has(w, "\"executor\":\"client\""));
}

static void
only_the_answer_to_a_list_describes_tools(void **state)
{
	static const char answer[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":"
	    "\"get\"},{\"no\":1}]}}";
	struct world *w = *state;

	assert_true(server(w, answer).outcome.len > 0);
	assert_int_equal(w->tools.len, 0);
	(void)client(
	    w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
	assert_int_equal(server(w, answer).id.len, 0);
	assert_string_equal(buf_cstr(&w->tools), "get={\"name\":\"get\"};");
	(void)server(w, answer);
	assert_string_equal(buf_cstr(&w->tools), "get={\"name\":\"get\"};");
}

static void
what_a_server_gave_becomes_an_outcome(void **state)
{
	struct world *w = *state;
	struct gate_reply r = server(w,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"text\":"
	    "\"a\"},{\"text\":\"b\"}],\"isError\":true}}");

	assert_true(str_eqz(r.outcome, "{\"exit\":1,\"stderr\":\"a\\nb\\n\"}"));
	r = server(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1}}");
	assert_true(str_eqz(
	    r.outcome, "{\"exit\":1,\"stderr\":\"{\\\"code\\\":-1}\"}"));
	r = server(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":1}}");
	assert_true(
	    str_eqz(r.outcome, "{\"exit\":0,\"stdout\":\"{\\\"x\\\":1}\"}"));
	assert_true(server(w, "log line").unread);
	assert_false(
	    server(w, "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}").unread);
}

static void
diff(const char *was, const char *is, const char *want)
{
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);
	struct jsonw w = jsonw_on(&out);

	line_diff_put(&w, str_of(was), str_of(is));
	assert_string_equal(buf_cstr(&out), want);
}

static void
a_change_is_shown_by_its_lines(void **state)
{
	(void)state;
	diff("a\n", "a\n", "[\" a\"]");
	diff("a\n", "b\n", "[\"-a\",\"+b\"]");
	diff("1\n2\n3\n4\n", "1\n2\n3\nx\n4\n", "[\" 2\",\" 3\",\"+x\"]");
	diff("1\nx\nx\n2\n", "1\nx\n2\n", "[\" 1\",\" x\",\"-x\"]");
	diff("", "a\n", "[\"+a\"]");
	diff("ab\n", "b\n", "[\"-ab\",\"+b\"]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    only_what_is_plainly_no_call_passes, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_call_is_proposed_with_all_that_is_known_of_it, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    only_the_answer_to_a_list_describes_tools, begin, end),
		cmocka_unit_test_setup_teardown(
		    what_a_server_gave_becomes_an_outcome, begin, end),
		cmocka_unit_test(a_change_is_shown_by_its_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
