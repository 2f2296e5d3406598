/*
 * Answers of providers: one complete answer of the expected form, or a cause.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"
#include "model/json_in.h"

#define BYTES_MAX ((size_t)1 << 20)

#define CHAT(message, finish)                                                  \
	"{\"model\":\"m\",\"choices\":[{\"message\":" message                  \
	",\"finish_reason\":" finish "}],\"usage\":{\"prompt_tokens\":9}}"
#define RESPONSES(status, output)                                              \
	"{\"model\":\"m\",\"status\":\"" status "\",\"error\":null,"           \
	"\"incomplete_details\":null,\"output\":[" output "]}"
#define MESSAGE(content) "{\"type\":\"message\",\"content\":[" content "]}"
#define TEXT "{\"type\":\"output_text\",\"text\":\"T\"}"
#define ANTHROPIC(stop, content)                                               \
	"{\"role\":\"assistant\",\"model\":\"m\",\"stop_reason\":\"" stop      \
	"\",\"content\":[" content "]}"
#define BLOCK "{\"type\":\"text\",\"text\":\"T\"}"
#define OK_MESSAGE "{\"role\":\"assistant\",\"content\":\"T\"}"

static const struct {
	const char *format, *json, *cause;
} answers[] = {
	{ "chat", CHAT(OK_MESSAGE, "\"stop\""), "" },
	{ "chat",
	    CHAT("{\"role\":\"assistant\",\"content\":\"T\",\"refusal\":null,"
		 "\"tool_calls\":[]}",
		"\"stop\""),
	    "" },
	{ "chat", CHAT(OK_MESSAGE, "\"length\""), "finish_reason" },
	{ "chat", CHAT(OK_MESSAGE, "\"content_filter\""), "finish_reason" },
	{ "chat", CHAT(OK_MESSAGE, "null"), "finish_reason" },
	{ "chat",
	    CHAT("{\"role\":\"assistant\",\"content\":\"T\",\"refusal\":"
		 "\"no\"}",
		"\"stop\""),
	    "refusal" },
	{ "chat", CHAT("{\"role\":\"user\",\"content\":\"T\"}", "\"stop\""),
	    "role" },
	{ "chat",
	    CHAT("{\"role\":\"assistant\",\"content\":\"T\",\"tool_calls\":"
		 "[{}]}",
		"\"stop\""),
	    "tool_calls" },
	{ "chat", CHAT("{\"role\":\"assistant\",\"content\":null}", "\"stop\""),
	    "content" },
	{ "chat", CHAT("{\"role\":\"assistant\",\"content\":[]}", "\"stop\""),
	    "content" },
	{ "chat",
	    CHAT("{\"role\":\"assistant\",\"reasoning\":\"T\"}", "\"stop\""),
	    "content" },
	{ "chat", "{}", "choices" },
	{ "chat", "{\"choices\":[]}", "choices" },
	{ "chat", "{\"choices\":{}}", "choices" },
	{ "chat", "{\"choices\":[{},{}]}", "choices" },
	{ "chat", "{\"choices\":[1]}", "finish_reason" },
	{ "chat", "[]", "envelope" },
	{ "chat", "{\"error\":{\"code\":402},\"choices\":[]}", "error_body" },
	{ "responses", RESPONSES("completed", MESSAGE(TEXT)), "" },
	{ "responses",
	    RESPONSES("completed", "{\"type\":\"reasoning\"}," MESSAGE(TEXT)),
	    "" },
	{ "responses",
	    RESPONSES("completed",
		"{\"type\":\"message\",\"phase\":\"commentary\",\"content\":"
		"[" TEXT "]}," MESSAGE(TEXT)),
	    "" },
	{ "responses", RESPONSES("incomplete", MESSAGE(TEXT)), "status_field" },
	{ "responses", RESPONSES("failed", MESSAGE(TEXT)), "status_field" },
	{ "responses", RESPONSES("completed", MESSAGE(TEXT "," TEXT)),
	    "two_texts" },
	{ "responses", RESPONSES("completed", MESSAGE(TEXT) "," MESSAGE(TEXT)),
	    "two_texts" },
	{ "responses",
	    RESPONSES("completed",
		MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")),
	    "refusal" },
	{ "responses",
	    RESPONSES(
		"completed", "{\"type\":\"function_call\"}," MESSAGE(TEXT)),
	    "output_item" },
	{ "responses", RESPONSES("completed", ""), "content" },
	{ "responses", "{\"status\":\"completed\",\"output\":3}", "output" },
	{ "responses", "{\"error\":{\"code\":\"server_error\"}}",
	    "error_body" },
	{ "messages", ANTHROPIC("end_turn", BLOCK), "" },
	{ "messages", ANTHROPIC("end_turn", "{\"type\":\"thinking\"}," BLOCK),
	    "" },
	{ "messages", ANTHROPIC("max_tokens", BLOCK), "stop_reason" },
	{ "messages", ANTHROPIC("tool_use", BLOCK), "stop_reason" },
	{ "messages", ANTHROPIC("pause_turn", BLOCK), "stop_reason" },
	{ "messages", ANTHROPIC("refusal", BLOCK), "refusal" },
	{ "messages", ANTHROPIC("end_turn", BLOCK "," BLOCK), "block" },
	{ "messages", ANTHROPIC("end_turn", BLOCK ",{\"type\":\"tool_use\"}"),
	    "block" },
	{ "messages", ANTHROPIC("end_turn", ""), "content" },
	{ "messages", "{\"stop_reason\":\"end_turn\",\"content\":[]}", "role" },
	{ "azure", RESPONSES("completed", MESSAGE(TEXT)), "" },
};

static void
one_complete_answer_or_a_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		AUTO(arena_freep) struct arena *a = arena_new(BYTES_MAX);
		const struct wire_format *f =
		    wire_format_of(str_of(answers[i].format));
		struct wire_answer answer = { 0 };
		const char *cause = "";
		json_auto_t *j = NULL;

		assert_non_null(f);
		assert_int_equal(json_in(str_of(answers[i].json), &j, NULL), 0);
		if (f->get(j, a, &answer, &cause) == 0) {
			cause = "";
			assert_string_equal(answer.text, "T");
			assert_string_equal(answer.model, "m");
		}
		assert_string_equal(cause, answers[i].cause);
	}
}

/* The bytes that leave are fixed: a change here is a change of the prompt. */
static void
requests_are_these_bytes(void **state)
{
	static const struct {
		const char *format, *bytes;
	} golden[] = {
		{ "chat",
		    "{\"model\":\"m\",\"messages\":[{\"role\":\"system\","
		    "\"content\":\"P\"},{\"role\":\"user\",\"content\":\"E\"}"
		    "],\"max_completion_tokens\":2000}" },
		{ "responses",
		    "{\"model\":\"m\",\"instructions\":\"P\",\"store\":false,"
		    "\"max_output_tokens\":2000,\"prompt_cache_key\":\"k\","
		    "\"input\":[{\"role\":\"user\",\"content\":\"E\"}]}" },
		{ "messages",
		    "{\"model\":\"m\",\"max_tokens\":2000,\"system\":[{"
		    "\"type\":\"text\",\"text\":\"P\",\"cache_control\":{"
		    "\"type\":\"ephemeral\"}}],\"messages\":[{\"role\":"
		    "\"user\",\"content\":\"E\"}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
		AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
		const struct wire_request r = {
			.model = "m",
			.policy = "P",
			.evidence = "E",
			.cache_key = "k",
		};

		wire_format_of(str_of(golden[i].format))->put(&r, &out);
		assert_string_equal(buf_cstr(&out), golden[i].bytes);
	}
}

static void
a_request_with_a_schema_is_json(void **state)
{
	static const char *const names[] = { "chat", "responses", "messages",
		"azure" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
		const struct wire_request r = {
			.model = "m",
			.policy = "a \"quoted\"\npolicy",
			.evidence = "E",
			.cache_key = "k",
			.schema = true,
		};
		json_auto_t *j = NULL;

		wire_format_of(str_of(names[i]))->put(&r, &out);
		assert_int_equal(json_in(buf_str(&out), &j, NULL), 0);
		assert_non_null(strstr(out.s, "additionalProperties"));
	}
	assert_null(wire_format_of(STR("grpc")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_complete_answer_or_a_cause),
		cmocka_unit_test(requests_are_these_bytes),
		cmocka_unit_test(a_request_with_a_schema_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
