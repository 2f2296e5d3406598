/*
 * Tools, resources and prompts that @modelcontextprotocol/conformance expects
 * of a server that is tested with it.
 */
#include "mcp_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define PNG                                                                    \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAE" \
	"hQGAhKmMIQAAAABJRU5ErkJggg=="
#define WAV "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
#define TEXT(t) "{\"type\":\"text\",\"text\":\"" t "\"}"
#define IMAGE                                                                  \
	"{\"type\":\"image\",\"mimeType\":\"image/png\",\"data\":\"" PNG "\"}"
#define EMBEDDED(uri, media, text)                                             \
	"{\"type\":\"resource\",\"resource\":{\"uri\":\"" uri                  \
	"\",\"mimeType\":\"" media "\",\"text\":\"" text "\"}}"
#define USER(content) "{\"role\":\"user\",\"content\":" content "}"
#define NO_INPUT "\"inputSchema\":{\"type\":\"object\",\"properties\":{}}"
#define TOOL(name)                                                             \
	"{\"name\":\"" name "\",\"description\":\"" name "\"," NO_INPUT "}"
#define TOOL_WITH(name, argument)                                              \
	"{\"name\":\"" name "\",\"description\":\"" name                       \
	"\",\"inputSchema\":{\"type\":\"object\",\"required\":[\"" argument    \
	"\"],\"properties\":{\"" argument "\":{\"type\":\"string\"}}}}"
#define STEP_MS 50
#define SAY_MAX 65536

/* ---- answers that never differ ------------------------------------------- */

enum fixed {
	FIXED_TEXT,
	FIXED_IMAGE,
	FIXED_AUDIO,
	FIXED_RESOURCE,
	FIXED_MIXED,
	FIXED_ERROR,
	FIXED_SCHEMA,
	FIXED_TEXT_RESOURCE,
	FIXED_BINARY_RESOURCE,
	FIXED_WATCHED_RESOURCE,
	FIXED_SIMPLE_PROMPT,
	FIXED_IMAGE_PROMPT,
};

static const char *const fixed[] = {
	[FIXED_TEXT] = "{\"content\":[" TEXT(
	    "This is a simple text response for testing.") "]}",
	[FIXED_IMAGE] = "{\"content\":[" IMAGE "]}",
	[FIXED_AUDIO] = "{\"content\":[{\"type\":\"audio\",\"mimeType\":"
			"\"audio/wav\",\"data\":\"" WAV "\"}]}",
	[FIXED_RESOURCE] = "{\"content\":[" EMBEDDED("test://embedded-resource",
	    "text/plain", "This is an embedded resource content.") "]}",
	[FIXED_MIXED] = "{\"content\":[" TEXT(
	    "Multiple content types test:") "," IMAGE
					    "," EMBEDDED(
						"test://mixed-content-resource",
						"application/json",
						"{\\\"test\\\":\\\"data\\\","
						"\\\"value\\\":123}") "]}",
	[FIXED_ERROR] =
	    "{\"content\":[" TEXT("This tool intentionally returns an error "
				  "for testing") "],"
						 "\"isError\":true}",
	[FIXED_SCHEMA] = "{\"content\":[" TEXT("It was read.") "]}",
	[FIXED_TEXT_RESOURCE] =
	    "{\"contents\":[{\"uri\":\"test://static-text\",\"mimeType\":"
	    "\"text/plain\",\"text\":\"This is the content of the static text "
	    "resource.\"}]}",
	[FIXED_BINARY_RESOURCE] =
	    "{\"contents\":[{\"uri\":\"test://static-binary\",\"mimeType\":"
	    "\"image/png\",\"blob\":\"" PNG "\"}]}",
	[FIXED_WATCHED_RESOURCE] =
	    "{\"contents\":[{\"uri\":\"test://watched-resource\",\"mimeType\":"
	    "\"text/plain\",\"text\":\"It may change.\"}]}",
	[FIXED_SIMPLE_PROMPT] = "{\"messages\":[" USER(
	    TEXT("This is a simple prompt for testing.")) "]}",
	[FIXED_IMAGE_PROMPT] = "{\"messages\":[" USER(IMAGE) "," USER(
	    TEXT("Please analyze the image above.")) "]}",
};

static enum mcp_next
say_fixed(struct mcp *m, struct buf *out)
{
	return mcp_say(m, str_of(fixed[mcp_offer(m)->tag]), out);
}

/* ---- over time ----------------------------------------------------------- */

static enum mcp_next
tell_log(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	static const char *const words[] = { "Tool execution started",
		"Tool processing data", "Tool execution completed" };
	int *step = mcp_step(m);

	(void)news;
	mcp_tell_log(m, MCP_LEVEL_INFO, words[*step]);
	if (++*step < (int)ARRAY_LEN(words))
		return mcp_pause(m, STEP_MS, false);
	return mcp_say_text(m, STR("It was logged."), false, out);
}

static enum mcp_next
begin_log(struct mcp *m, struct buf *out)
{
	return tell_log(m, NULL, out);
}

static enum mcp_next
tell_progress(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	static const unsigned done[] = { 0, 50, 100 };
	int *step = mcp_step(m);

	(void)news;
	mcp_tell_progress(m, done[*step], 100, "on its way");
	if (++*step < (int)ARRAY_LEN(done))
		return mcp_pause(m, STEP_MS, false);
	return mcp_say_text(m, STR("It is done."), false, out);
}

static enum mcp_next
begin_progress(struct mcp *m, struct buf *out)
{
	return tell_progress(m, NULL, out);
}

/* The client is cut off, and comes back for the answer. */
static enum mcp_next
begin_reconnection(struct mcp *m, struct buf *out)
{
	(void)out;
	return mcp_pause(m, 2 * STEP_MS, true);
}

static enum mcp_next
end_reconnection(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	(void)news;
	return mcp_say_text(m, STR("It came back."), false, out);
}

/* ---- questions to the client --------------------------------------------- */

#define ELICIT(message, schema)                                                \
	"{\"message\":\"" message "\",\"requestedSchema\":" schema "}"
#define OBJECT(members) "{\"type\":\"object\",\"properties\":{" members "}}"

static const char defaults[] = ELICIT("Check these values",
    OBJECT("\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
	   "\"age\":{\"type\":\"integer\",\"default\":30},"
	   "\"score\":{\"type\":\"number\",\"default\":95.5},"
	   "\"status\":{\"type\":\"string\",\"enum\":[\"active\","
	   "\"inactive\",\"pending\"],\"default\":\"active\"},"
	   "\"verified\":{\"type\":\"boolean\",\"default\":true}"));

static const char enums[] = ELICIT("Choose",
    OBJECT("\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\","
	   "\"option2\",\"option3\"]},"
	   "\"titledSingle\":{\"type\":\"string\",\"oneOf\":[{\"const\":"
	   "\"value1\",\"title\":\"First Option\"},{\"const\":\"value2\","
	   "\"title\":\"Second Option\"}]},"
	   "\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\","
	   "\"opt3\"],\"enumNames\":[\"Option One\",\"Option Two\",\"Option "
	   "Three\"]},"
	   "\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":"
	   "\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]}},"
	   "\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":[{"
	   "\"const\":\"value1\",\"title\":\"First Choice\"},{\"const\":"
	   "\"value2\",\"title\":\"Second Choice\"}]}}"));

static enum mcp_next
begin_sampling(struct mcp *m, struct buf *out)
{
	AUTO_BUF struct buf params = BUF_INIT(SAY_MAX);
	struct jsonw w = jsonw_on(&params);

	if (!mcp_can_sample(m))
		return mcp_say_text(m,
		    STR("This client has no model for a server."), true, out);
	jsonw_object(&w);
	jsonw_key(&w, "messages");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "role", "user");
	jsonw_key(&w, "content");
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_kstr(&w, "text", mcp_arg(m, "prompt"));
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_kint(&w, "maxTokens", 100);
	jsonw_end(&w);
	mcp_ask_client(m, "sampling/createMessage", buf_str(&params));
	return MCP_WAIT;
}

static enum mcp_next
begin_elicitation(struct mcp *m, struct buf *out)
{
	static const char *const questions[] = { NULL, defaults, enums };
	AUTO_BUF struct buf params = BUF_INIT(SAY_MAX);
	const char *question = questions[mcp_offer(m)->tag];
	struct jsonw w = jsonw_on(&params);

	if (!mcp_can_elicit(m))
		return mcp_say_text(
		    m, STR("This client has nobody to ask."), true, out);
	jsonw_object(&w);
	jsonw_kstr(&w, "message", mcp_arg(m, "message"));
	jsonw_key(&w, "requestedSchema");
	jsonw_raw(&w,
	    STR("{\"type\":\"object\",\"properties\":{\"username\":{\"type\":"
		"\"string\",\"description\":\"User's response\"},\"email\":{"
		"\"type\":\"string\",\"description\":\"User's email "
		"address\"}},\"required\":[\"username\",\"email\"]}"));
	jsonw_end(&w);
	mcp_ask_client(m, "elicitation/create",
	    question == NULL ? buf_str(&params) : str_of(question));
	return MCP_WAIT;
}

static enum mcp_next
say_client(struct mcp *m, const struct mcp_news *news, struct buf *out)
{
	AUTO_BUF struct buf words = BUF_INIT(SAY_MAX);

	buf_printf(&words, "The client said: %.*s", STR_ARG(news->json));
	return mcp_say_text(m, buf_str(&words), news->status == 0, out);
}

/* ---- with what is asked for ---------------------------------------------- */

static enum mcp_next
read_template(struct mcp *m, struct buf *out)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_MAX);

	buf_printf(&text,
	    "{\"id\":\"%s\",\"templateTest\":true,\"data\":\"Data for ID: "
	    "%s\"}",
	    mcp_captured(m), mcp_captured(m));
	return mcp_say_resource(m, "application/json", buf_str(&text), out);
}

static enum mcp_next
begin_arguments(struct mcp *m, struct buf *out)
{
	AUTO_BUF struct buf words = BUF_INIT(SAY_MAX);
	AUTO_BUF struct buf json = BUF_INIT(SAY_MAX);
	const char *one = mcp_arg(m, "arg1"), *two = mcp_arg(m, "arg2");
	struct jsonw w = jsonw_on(&json);

	if (one == NULL || two == NULL)
		return mcp_fail(
		    m, RPC_BAD_PARAMS, "'arg1' and 'arg2' are required", out);
	buf_printf(
	    &words, "Prompt with arguments: arg1='%s', arg2='%s'", one, two);
	jsonw_object(&w);
	jsonw_key(&w, "messages");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "role", "user");
	jsonw_key(&w, "content");
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_kstr(&w, "text", buf_cstr(&words));
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	return mcp_say(m, buf_str(&json), out);
}

static enum mcp_next
begin_embedded(struct mcp *m, struct buf *out)
{
	AUTO_BUF struct buf json = BUF_INIT(SAY_MAX);
	const char *uri = mcp_arg(m, "resourceUri");
	struct jsonw w = jsonw_on(&json);

	if (uri == NULL)
		return mcp_fail(
		    m, RPC_BAD_PARAMS, "'resourceUri' is required", out);
	jsonw_object(&w);
	jsonw_key(&w, "messages");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "role", "user");
	jsonw_key(&w, "content");
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "resource");
	jsonw_key(&w, "resource");
	jsonw_object(&w);
	jsonw_kstr(&w, "uri", uri);
	jsonw_kstr(&w, "mimeType", "text/plain");
	jsonw_kstr(&w, "text", "Embedded resource content for testing.");
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_raw(
	    &w, STR(USER(TEXT("Please process the embedded resource above."))));
	jsonw_end(&w);
	jsonw_end(&w);
	return mcp_say(m, buf_str(&json), out);
}

/* ---- the tables ---------------------------------------------------------- */

#define FIXED(name_, tag_)                                                     \
	{                                                                      \
		.name = name_, .json = TOOL(name_), .tag = tag_,               \
		.begin = say_fixed                                             \
	}

static const struct mcp_offer tools[] = {
	FIXED("test_simple_text", FIXED_TEXT),
	FIXED("test_image_content", FIXED_IMAGE),
	FIXED("test_audio_content", FIXED_AUDIO),
	FIXED("test_embedded_resource", FIXED_RESOURCE),
	FIXED("test_multiple_content_types", FIXED_MIXED),
	FIXED("test_error_handling", FIXED_ERROR),
	{ .name = "json_schema_2020_12_tool",
	    .json = "{\"name\":\"json_schema_2020_12_tool\",\"description\":"
		    "\"Tool with JSON Schema 2020-12 features\","
		    "\"inputSchema\":{\"$schema\":\"https://json-schema.org/"
		    "draft/2020-12/schema\",\"type\":\"object\",\"$defs\":{"
		    "\"address\":{\"type\":\"object\",\"properties\":{"
		    "\"street\":{\"type\":\"string\"},\"city\":{\"type\":"
		    "\"string\"}}}},\"properties\":{\"name\":{\"type\":"
		    "\"string\"},\"address\":{\"$ref\":\"#/$defs/address\"}},"
		    "\"additionalProperties\":false}}",
	    .tag = FIXED_SCHEMA,
	    .begin = say_fixed },
	{ .name = "test_tool_with_logging",
	    .json = TOOL("test_tool_with_logging"),
	    .begin = begin_log,
	    .heard = tell_log },
	{ .name = "test_tool_with_progress",
	    .json = TOOL("test_tool_with_progress"),
	    .begin = begin_progress,
	    .heard = tell_progress },
	{ .name = "test_reconnection",
	    .json = TOOL("test_reconnection"),
	    .begin = begin_reconnection,
	    .heard = end_reconnection },
	{ .name = "test_sampling",
	    .json = TOOL_WITH("test_sampling", "prompt"),
	    .begin = begin_sampling,
	    .heard = say_client },
	{ .name = "test_elicitation",
	    .json = TOOL_WITH("test_elicitation", "message"),
	    .begin = begin_elicitation,
	    .heard = say_client },
	{ .name = "test_elicitation_sep1034_defaults",
	    .json = TOOL("test_elicitation_sep1034_defaults"),
	    .tag = 1,
	    .begin = begin_elicitation,
	    .heard = say_client },
	{ .name = "test_elicitation_sep1330_enums",
	    .json = TOOL("test_elicitation_sep1330_enums"),
	    .tag = 2,
	    .begin = begin_elicitation,
	    .heard = say_client },
};

#define RESOURCE(uri, name, media)                                             \
	"{\"uri\":\"" uri "\",\"name\":\"" name "\",\"description\":\"" name   \
	"\",\"mimeType\":\"" media "\"}"

static const struct mcp_offer resources[] = {
	{ .name = "test://static-text",
	    .json = RESOURCE("test://static-text", "text", "text/plain"),
	    .tag = FIXED_TEXT_RESOURCE,
	    .begin = say_fixed },
	{ .name = "test://static-binary",
	    .json = RESOURCE("test://static-binary", "binary", "image/png"),
	    .tag = FIXED_BINARY_RESOURCE,
	    .begin = say_fixed },
	{ .name = "test://watched-resource",
	    .json =
		RESOURCE("test://watched-resource", "watched", "text/plain"),
	    .tag = FIXED_WATCHED_RESOURCE,
	    .begin = say_fixed },
	{ .name = "test://template/{id}/data",
	    .json = "{\"uriTemplate\":\"test://template/{id}/data\",\"name\":"
		    "\"template\",\"description\":\"template\",\"mimeType\":"
		    "\"application/json\"}",
	    .begin = read_template },
};

#define PROMPT(name, arguments)                                                \
	"{\"name\":\"" name "\",\"description\":\"" name                       \
	"\",\"arguments\":[" arguments "]}"
#define ARGUMENT(name) "{\"name\":\"" name "\",\"required\":true}"

static const struct mcp_offer prompts[] = {
	{ .name = "test_simple_prompt",
	    .json = PROMPT("test_simple_prompt", ""),
	    .tag = FIXED_SIMPLE_PROMPT,
	    .begin = say_fixed },
	{ .name = "test_prompt_with_arguments",
	    .json = PROMPT("test_prompt_with_arguments",
		ARGUMENT("arg1") "," ARGUMENT("arg2")),
	    .begin = begin_arguments },
	{ .name = "test_prompt_with_embedded_resource",
	    .json = PROMPT(
		"test_prompt_with_embedded_resource", ARGUMENT("resourceUri")),
	    .begin = begin_embedded },
	{ .name = "test_prompt_with_image",
	    .json = PROMPT("test_prompt_with_image", ""),
	    .tag = FIXED_IMAGE_PROMPT,
	    .begin = say_fixed },
};

static const struct mcp_table tool_table = { tools, ARRAY_LEN(tools) };
static const struct mcp_table resource_table = { resources,
	ARRAY_LEN(resources) };
static const struct mcp_table prompt_table = { prompts, ARRAY_LEN(prompts) };

const struct mcp_menu mcp_fixture = {
	.name = "fixture",
	.title = "What the conformance suite calls",
	.instructions = "For tests.",
	.tools = &tool_table,
	.resources = &resource_table,
	.prompts = &prompt_table,
};
