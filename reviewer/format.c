/*
 * Requests to LLM providers, and the one text in their answers.
 * Runs in: reviewer.  Trusts: nothing in an answer.  Owns: nothing.
 */
#include "format.h"

#include <string.h>

#include "base/jsonw.h"
#include "verdict.h"

#define SCHEMA_BYTES_MAX 4096
#define SCHEMA_NAME "verdict"

static int
fail(const char **ret_cause, const char *cause)
{
	*ret_cause = cause;
	return ERR_INVALID;
}

static void
put_schema(struct jsonw *w, const char *key)
{
	AUTO_BUF struct buf schema = BUF_INIT(SCHEMA_BYTES_MAX);

	verdict_schema(&schema);
	jsonw_key(w, key);
	jsonw_raw(w, buf_str(&schema));
}

static void
put_message(struct jsonw *w, const char *role, const char *text)
{
	jsonw_object(w);
	jsonw_kstr(w, "role", role);
	jsonw_kstr(w, "content", text);
	jsonw_end(w);
}

/* An array of messages; policy NULL: it stands elsewhere. */
static void
put_messages(
    struct jsonw *w, const char *key, const char *policy, const char *user)
{
	jsonw_key(w, key);
	jsonw_array(w);
	if (policy != NULL)
		put_message(w, "system", policy);
	put_message(w, "user", user);
	jsonw_end(w);
}

/* The answer's form as {"format": {...}} below the key. */
static void
put_format(struct jsonw *w, const char *key, bool named)
{
	jsonw_key(w, key);
	jsonw_object(w);
	jsonw_key(w, "format");
	jsonw_object(w);
	jsonw_kstr(w, "type", "json_schema");
	if (named) {
		jsonw_kstr(w, "name", SCHEMA_NAME);
		jsonw_kbool(w, "strict", true);
	}
	put_schema(w, "schema");
	jsonw_end(w);
	jsonw_end(w);
}

static bool
is_word(const json_t *v, const char *word)
{
	return json_is_string(v) && strcmp(json_string_value(v), word) == 0;
}

/* Missing or null. */
static bool
is_absent(const json_t *v)
{
	return v == NULL || json_is_null(v);
}

static bool
is_empty(const json_t *v)
{
	return is_absent(v) || (json_is_array(v) && json_array_size(v) == 0);
}

/* Where a format counts tokens: members of "usage". */
struct usage_names {
	const char *input, *output;
	const char *cached, *cached_inner; /* inner NULL: no object between */
};

static int64_t
tokens(const json_t *usage, const char *outer, const char *inner)
{
	const json_t *v = json_object_get(usage, outer);

	if (inner != NULL)
		v = json_object_get(v, inner);
	return json_is_integer(v) ? json_integer_value(v) : -1;
}

/* What the answer j says, for as long as the arena lives. */
static int
keep(struct arena *a, const json_t *j, const json_t *text,
    const struct usage_names *names, struct wire_answer *ret,
    const char **ret_cause)
{
	const json_t *usage = json_object_get(j, "usage");
	const json_t *model = json_object_get(j, "model");

	ret->input_tokens = tokens(usage, names->input, NULL);
	ret->output_tokens = tokens(usage, names->output, NULL);
	ret->cached_tokens = tokens(usage, names->cached, names->cached_inner);
	ret->text = arena_strdup(a, json_string_value(text));
	ret->model = json_is_string(model)
	    ? arena_strdup(a, json_string_value(model))
	    : NULL;
	if (ret->text == NULL)
		return fail(ret_cause, "memory");
	return ERR_OK;
}

static int
check_envelope(const json_t *j, const char **ret_cause)
{
	if (!json_is_object(j))
		return fail(ret_cause, "envelope");
	if (!is_absent(json_object_get(j, "error")))
		return fail(ret_cause, "error_body");
	return ERR_OK;
}

/* ---- Chat Completions --------------------------------------------------- */

static void
chat_put(const struct wire_request *r, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "model", r->model);
	put_messages(&w, "messages", r->policy, r->evidence);
	jsonw_kint(&w,
	    r->token_field != NULL ? r->token_field : "max_completion_tokens",
	    WIRE_OUTPUT_TOKENS);
	if (r->schema) {
		jsonw_key(&w, "response_format");
		jsonw_object(&w);
		jsonw_kstr(&w, "type", "json_schema");
		jsonw_key(&w, "json_schema");
		jsonw_object(&w);
		jsonw_kstr(&w, "name", SCHEMA_NAME);
		jsonw_kbool(&w, "strict", true);
		put_schema(&w, "schema");
		jsonw_end(&w);
		jsonw_end(&w);
	}
	jsonw_end(&w);
}

static int
chat_message(
    const json_t *choice, const json_t **ret_text, const char **ret_cause)
{
	const json_t *message = json_object_get(choice, "message");
	const json_t *text = json_object_get(message, "content");

	if (!is_word(json_object_get(choice, "finish_reason"), "stop"))
		return fail(ret_cause, "finish_reason");
	if (!is_absent(json_object_get(message, "refusal")))
		return fail(ret_cause, "refusal");
	if (!is_word(json_object_get(message, "role"), "assistant"))
		return fail(ret_cause, "role");
	if (!is_empty(json_object_get(message, "tool_calls")) ||
	    !is_absent(json_object_get(message, "function_call")))
		return fail(ret_cause, "tool_calls");
	if (!json_is_string(text))
		return fail(ret_cause, "content");
	*ret_text = text;
	return ERR_OK;
}

static int
chat_get(const json_t *j, struct arena *a, struct wire_answer *ret,
    const char **ret_cause)
{
	static const struct usage_names names = { "prompt_tokens",
		"completion_tokens", "prompt_tokens_details", "cached_tokens" };
	const json_t *choices, *text = NULL;
	int r = check_envelope(j, ret_cause);

	if (r != 0)
		return r;
	choices = json_object_get(j, "choices");
	if (!json_is_array(choices) || json_array_size(choices) != 1)
		return fail(ret_cause, "choices");
	r = chat_message(json_array_get(choices, 0), &text, ret_cause);
	if (r != 0)
		return r;
	return keep(a, j, text, &names, ret, ret_cause);
}

/* ---- Responses ----------------------------------------------------------- */

static void
responses_put(const struct wire_request *r, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "model", r->model);
	jsonw_kstr(&w, "instructions", r->policy);
	jsonw_kbool(&w, "store", false);
	jsonw_kint(&w, "max_output_tokens", WIRE_OUTPUT_TOKENS);
	jsonw_kstr(&w, "prompt_cache_key", r->cache_key);
	put_messages(&w, "input", NULL, r->evidence);
	if (r->schema)
		put_format(&w, "text", true);
	jsonw_end(&w);
}

/* The one text of a message; *ret stays when there is one already. */
static int
responses_content(
    const json_t *item, const json_t **ret, const char **ret_cause)
{
	const json_t *content = json_object_get(item, "content");
	const json_t *part;
	size_t i;

	if (!json_is_array(content) || json_array_size(content) == 0)
		return fail(ret_cause, "content");
	json_array_foreach(content, i, part)
	{
		if (is_word(json_object_get(part, "type"), "refusal"))
			return fail(ret_cause, "refusal");
		if (!is_word(json_object_get(part, "type"), "output_text") ||
		    !json_is_string(json_object_get(part, "text")))
			return fail(ret_cause, "content");
		if (*ret != NULL)
			return fail(ret_cause, "two_texts");
		*ret = json_object_get(part, "text");
	}
	return ERR_OK;
}

static int
responses_items(
    const json_t *output, const json_t **ret, const char **ret_cause)
{
	const json_t *item;
	size_t i;

	json_array_foreach(output, i, item)
	{
		const json_t *type = json_object_get(item, "type");
		int r;

		if (is_word(type, "reasoning") ||
		    (is_word(type, "message") &&
			is_word(json_object_get(item, "phase"), "commentary")))
			continue;
		if (!is_word(type, "message"))
			return fail(ret_cause, "output_item");
		r = responses_content(item, ret, ret_cause);
		if (r != 0)
			return r;
	}
	return *ret == NULL ? fail(ret_cause, "content") : ERR_OK;
}

static int
responses_get(const json_t *j, struct arena *a, struct wire_answer *ret,
    const char **ret_cause)
{
	static const struct usage_names names = { "input_tokens",
		"output_tokens", "input_tokens_details", "cached_tokens" };
	const json_t *output, *text = NULL;
	int r = check_envelope(j, ret_cause);

	if (r != 0)
		return r;
	if (!is_word(json_object_get(j, "status"), "completed") ||
	    !is_absent(json_object_get(j, "incomplete_details")))
		return fail(ret_cause, "status_field");
	output = json_object_get(j, "output");
	if (!json_is_array(output))
		return fail(ret_cause, "output");
	r = responses_items(output, &text, ret_cause);
	if (r != 0)
		return r;
	return keep(a, j, text, &names, ret, ret_cause);
}

/* ---- Anthropic Messages -------------------------------------------------- */

static void
messages_put(const struct wire_request *r, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "model", r->model);
	jsonw_kint(&w, "max_tokens", WIRE_OUTPUT_TOKENS);
	jsonw_key(&w, "system");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "text");
	jsonw_kstr(&w, "text", r->policy);
	jsonw_key(&w, "cache_control");
	jsonw_object(&w);
	jsonw_kstr(&w, "type", "ephemeral");
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	put_messages(&w, "messages", NULL, r->evidence);
	if (r->schema)
		put_format(&w, "output_config", false);
	jsonw_end(&w);
}

static int
messages_blocks(
    const json_t *content, const json_t **ret, const char **ret_cause)
{
	const json_t *block;
	size_t i;

	if (!json_is_array(content))
		return fail(ret_cause, "content");
	json_array_foreach(content, i, block)
	{
		const json_t *type = json_object_get(block, "type");

		if (*ret == NULL &&
		    (is_word(type, "thinking") ||
			is_word(type, "redacted_thinking")))
			continue;
		if (!is_word(type, "text") || *ret != NULL ||
		    !json_is_string(json_object_get(block, "text")))
			return fail(ret_cause, "block");
		*ret = json_object_get(block, "text");
	}
	return *ret == NULL ? fail(ret_cause, "content") : ERR_OK;
}

static int
messages_get(const json_t *j, struct arena *a, struct wire_answer *ret,
    const char **ret_cause)
{
	static const struct usage_names names = { "input_tokens",
		"output_tokens", "cache_read_input_tokens", NULL };
	const json_t *stop, *text = NULL;
	int r = check_envelope(j, ret_cause);

	if (r != 0)
		return r;
	stop = json_object_get(j, "stop_reason");
	if (is_word(stop, "refusal"))
		return fail(ret_cause, "refusal");
	if (!is_word(stop, "end_turn"))
		return fail(ret_cause, "stop_reason");
	if (!is_word(json_object_get(j, "role"), "assistant"))
		return fail(ret_cause, "role");
	r = messages_blocks(json_object_get(j, "content"), &text, ret_cause);
	if (r != 0)
		return r;
	return keep(a, j, text, &names, ret, ret_cause);
}

/* ---- a program of the site's own ------------------------------------------ */

static void
command_put(const struct wire_request *r, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kint(&w, "version", 1);
	jsonw_kstr(&w, "model", r->model);
	jsonw_kstr(&w, "policy", r->policy);
	jsonw_kstr(&w, "evidence", r->evidence);
	put_schema(&w, "schema");
	jsonw_end(&w);
	buf_putc(out, '\n');
}

static const struct wire_format formats[] = {
	{
	    .name = "responses",
	    .path = "/v1/responses",
	    .auth_header = "Authorization: Bearer ",
	    .put = responses_put,
	    .get = responses_get,
	},
	{
	    .name = "chat",
	    .path = "/v1/chat/completions",
	    .auth_header = "Authorization: Bearer ",
	    .put = chat_put,
	    .get = chat_get,
	},
	{
	    .name = "messages",
	    .path = "/v1/messages",
	    .auth_header = "x-api-key: ",
	    .extra_header = "anthropic-version: 2023-06-01",
	    .put = messages_put,
	    .get = messages_get,
	},
	{
	    .name = "azure",
	    .path = "/openai/v1/responses",
	    .auth_header = "api-key: ",
	    .put = responses_put,
	    .get = responses_get,
	},
	{
	    .name = "command",
	    .put = command_put,
	},
};

const struct wire_format *
wire_format_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (str_eqz(name, formats[i].name))
			return &formats[i];
	}
	return NULL;
}
