/*
 * HTTP statuses and OTLP's partial success.
 * Runs in: reporter.  Trusts: nothing of an answer beyond its verdict; its
 * words are shown escaped.  Owns: nothing.
 */
#include "verdict.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define WORDS_MAX ((size_t)160) /* of a receiver's own message */

enum {
	HTTP_OK = 200,
	HTTP_MULTIPLE = 300,
	HTTP_BAD_REQUEST = 400,
	HTTP_TOO_LARGE = 413,
	HTTP_UNPROCESSABLE = 422,
};

static void
say(char text[static VERDICT_WHY_MAX], long status, struct str words)
{
	AUTO_BUF struct buf safe = BUF_INIT(VERDICT_WHY_MAX * 4);

	text_escape(&safe, str_head(words, WORDS_MAX));
	(void)snprintf(text, VERDICT_WHY_MAX, "HTTP %ld%s%s", status,
	    safe.len > 0 ? ": " : "", buf_cstr(&safe));
}

void
verdict_of_http(const struct post_result *r, char text[static VERDICT_WHY_MAX],
    struct sink_result *ret)
{
	*ret = (struct sink_result){
		.verdict = SINK_LATER,
		.retry_after_ms = r->retry_after_ms,
		.why = text,
	};
	if (r->status == 0) {
		(void)snprintf(text, VERDICT_WHY_MAX, "%s",
		    r->why == NULL ? "no answer" : r->why);
		return;
	}
	say(text, r->status, r->body);
	if (r->status >= HTTP_OK && r->status < HTTP_MULTIPLE)
		*ret = (struct sink_result){ .verdict = SINK_TAKEN };
	else if (r->status == HTTP_BAD_REQUEST || r->status == HTTP_TOO_LARGE ||
	    r->status == HTTP_UNPROCESSABLE)
		ret->verdict = SINK_REFUSED;
}

/* ---- partial success ------------------------------------------------------- */

struct partial {
	uint64_t rejected;
	struct str message;
};

static bool
json_partial(struct str body, const char *rejected, struct partial *ret,
    json_t **ret_json)
{
	const json_t *p, *n;

	*ret_json = json_loadb(body.s, body.len, 0, NULL);
	if (!json_is_object(*ret_json))
		return false;
	p = json_object_get(*ret_json, "partialSuccess");
	if (p == NULL || json_is_null(p))
		return true;
	n = json_object_get(p, rejected);
	if (json_is_integer(n) && json_integer_value(n) > 0)
		ret->rejected = (uint64_t)json_integer_value(n);
	else if (json_is_string(n) &&
	    num_parse_u64(str_of(json_string_value(n)), 0, INT64_MAX,
		&ret->rejected) != 0)
		return false;
	ret->message =
	    str_of(json_string_value(json_object_get(p, "errorMessage")));
	return json_is_object(p);
}

static bool
varint(struct str *in, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
		const uint8_t byte = (uint8_t)in->s[0];

		*in = str_from(*in, 1);
		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

/* One field: a varint, or bytes. Others do not occur in these answers. */
static bool
field(struct str *in, uint64_t *ret_tag, uint64_t *ret_number,
    struct str *ret_bytes)
{
	if (!varint(in, ret_tag) || !varint(in, ret_number))
		return false;
	*ret_bytes = STR_NONE;
	if ((*ret_tag & 7) == 0)
		return true;
	if ((*ret_tag & 7) != 2 || *ret_number > in->len)
		return false;
	*ret_bytes = str_head(*in, *ret_number);
	*in = str_from(*in, *ret_number);
	return true;
}

#define TAG_PARTIAL (1 << 3 | 2)
#define TAG_REJECTED (1 << 3 | 0)
#define TAG_MESSAGE (2 << 3 | 2)

static bool
protobuf_partial(struct str body, struct partial *ret)
{
	uint64_t tag, number;
	struct str bytes, inner = STR_NONE;

	while (body.len > 0) {
		if (!field(&body, &tag, &number, &bytes))
			return false;
		if (tag == TAG_PARTIAL)
			inner = bytes;
	}
	while (inner.len > 0) {
		if (!field(&inner, &tag, &number, &bytes))
			return false;
		if (tag == TAG_REJECTED)
			ret->rejected = number;
		if (tag == TAG_MESSAGE)
			ret->message = bytes;
	}
	return true;
}

void
verdict_of_otlp(const struct post_result *r, enum wire_form form,
    const char *rejected, char text[static VERDICT_WHY_MAX],
    struct sink_result *ret)
{
	struct partial p = { .rejected = 0 };
	json_t *json = NULL;
	bool good;

	verdict_of_http(r, text, ret);
	if (ret->verdict != SINK_TAKEN || r->body.len == 0)
		return;
	good = form == WIRE_JSON ? json_partial(r->body, rejected, &p, &json)
				 : protobuf_partial(r->body, &p);
	if (!good) {
		(void)snprintf(text, VERDICT_WHY_MAX,
		    "HTTP %ld, but the answer is not OTLP's: is this the "
		    "address of a collector?",
		    r->status);
		*ret =
		    (struct sink_result){ .verdict = SINK_LATER, .why = text };
	} else if (p.rejected > 0) {
		say(text, r->status, p.message);
		ret->refused = p.rejected;
		ret->why = text;
	}
	json_decref(json);
}
