/*
 * Read the end of a call. Only what nobody could have said is tried again: an
 * answer, a refusal, a malformed body never is, for asking until the answer
 * pleases is an attack.
 * Runs in: reviewer.  Trusts: nothing.  Owns: nothing.
 */
#include "status.h"

#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "model/json_in.h"

#define RETRY_MS_MAX ((uint64_t)7 * 24 * 3600 * 1000)

void
retry_headers_init(struct retry_headers *r)
{
	*r = (struct retry_headers){ .after_ms = -1, .should = -1 };
}

static bool
cut_name(struct str *line, const char *name)
{
	const size_t len = strlen(name);

	if (line->len < len || strncasecmp(line->s, name, len) != 0)
		return false;
	*line = str_trim(str_from(*line, len));
	return true;
}

static int64_t
seconds_to_ms(struct str v)
{
	uint64_t n;
	char date[64];
	time_t at;

	if (num_parse_u64(v, 0, RETRY_MS_MAX / 1000, &n) == 0)
		return (int64_t)n * 1000;
	if (v.len >= sizeof(date) || v.len == 0)
		return (int64_t)RETRY_MS_MAX;
	memcpy(date, v.s, v.len);
	date[v.len] = '\0';
	at = curl_getdate(date, NULL);
	if (at < 0)
		return (int64_t)RETRY_MS_MAX;
	at -= time(NULL);
	return at <= 0 ? 0 : (int64_t)at * 1000;
}

void
retry_headers_read(struct retry_headers *r, struct str line)
{
	uint64_t n;

	if (cut_name(&line, "retry-after-ms:")) {
		r->after_ms = num_parse_u64(line, 0, RETRY_MS_MAX, &n) == 0
		    ? (int64_t)n
		    : (int64_t)RETRY_MS_MAX;
	} else if (cut_name(&line, "retry-after:")) {
		if (r->after_ms < 0)
			r->after_ms = seconds_to_ms(line);
	} else if (cut_name(&line, "x-should-retry:")) {
		r->should = str_eqz(line, "true") ? 1 : 0;
	}
}

/* ---- statuses ----------------------------------------------------------- */

static const struct {
	long status;
	const char *cause;
} causes[] = {
	{ 201, "status_201" },
	{ 202, "status_202" },
	{ 204, "status_204" },
	{ 206, "status_206" },
	{ 301, "status_301" },
	{ 302, "status_302" },
	{ 303, "status_303" },
	{ 307, "status_307" },
	{ 308, "status_308" },
	{ 400, "status_400" },
	{ 401, "status_401" },
	{ 402, "status_402" },
	{ 403, "status_403" },
	{ 404, "status_404" },
	{ 405, "status_405" },
	{ 407, "status_407" },
	{ 408, "status_408" },
	{ 409, "status_409" },
	{ 410, "status_410" },
	{ 413, "status_413" },
	{ 415, "status_415" },
	{ 422, "status_422" },
	{ 429, "status_429" },
	{ 451, "status_451" },
	{ 500, "status_500" },
	{ 502, "status_502" },
	{ 503, "status_503" },
	{ 504, "status_504" },
	{ 524, "status_524" },
	{ 529, "status_529" },
};

static const char *
cause_of(long status)
{
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		if (causes[i].status == status)
			return causes[i].cause;
	}
	return status >= 500 ? "status_5xx" : "status_other";
}

static bool
is_word_in(const json_t *error, const char *key, const char *part)
{
	const char *word = json_string_value(json_object_get(error, key));

	return word != NULL && strstr(word, part) != NULL;
}

static const json_t *
error_of(const json_t *j)
{
	return json_object_get(j, "error");
}

/* No money is not better in a second; and only people can help. */
static bool
is_quota(const json_t *error)
{
	static const char *const words[] = {
		"insufficient_quota",
		"credit_balance",
		"spend_limit",
		"billing",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (is_word_in(error, "type", words[i]) ||
		    is_word_in(error, "code", words[i]) ||
		    is_word_in(json_object_get(error, "details"), "error_code",
			words[i]))
			return true;
	}
	return false;
}

/* The evidence tripped a filter, which whoever wrote it may have wanted. */
static bool
is_filter(const json_t *error)
{
	return is_word_in(error, "code", "content_filter") ||
	    is_word_in(error, "code", "content_policy") ||
	    is_word_in(error, "type", "content_filter");
}

static bool
is_transient(const struct http_said *s)
{
	if (s->retry->should >= 0 && s->status >= 400)
		return s->retry->should == 1;
	return s->status == 408 || s->status == 409 || s->status == 429 ||
	    s->status >= 500;
}

/* "application/json", whatever parameters. */
static bool
is_json_type(const char *type)
{
	struct str rest = str_of(type);
	const struct str name = str_trim(str_cut(&rest, ';'));

	return name.len == strlen("application/json") &&
	    strncasecmp(name.s, "application/json", name.len) == 0;
}

static void
read_failure(const struct http_said *s, struct call_result *ret)
{
	json_auto_t *j = NULL;
	const json_t *error = NULL;

	if (json_in(s->body, &j, NULL) == 0)
		error = error_of(j);
	ret->cause = cause_of(s->status);
	if (is_filter(error)) {
		ret->cause = "content_filter";
		ret->ours = true;
		return;
	}
	if (is_quota(error) || s->status == 402) {
		ret->cause = "quota";
		ret->hard = true;
		return;
	}
	ret->transport = is_transient(s);
	ret->wait_ms = s->retry->after_ms;
	ret->hard = s->status == 401 || s->status == 403 || s->status == 404;
	/* What we sent was not to its liking; the next may be. */
	ret->ours = s->status == 400 || s->status == 413 || s->status == 422;
}

void
status_of_http(const struct http_said *s, struct call_result *ret)
{
	*ret = (struct call_result){ .wait_ms = -1 };
	if (s->status != 200)
		read_failure(s, ret);
	else if (!is_json_type(s->type))
		ret->cause = "content_type";
}

/* ---- libcurl's own words ------------------------------------------------ */

void
status_of_curl(int code, struct call_result *ret)
{
	*ret = (struct call_result){ .wait_ms = -1, .transport = true };
	switch ((unsigned)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		ret->cause = "resolve";
		break;
	case CURLE_COULDNT_CONNECT:
		ret->cause = "connect";
		break;
	case CURLE_GOT_NOTHING:
		ret->cause = "empty";
		break;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		ret->cause = "partial";
		break;
	case CURLE_OPERATION_TIMEDOUT:
		ret->cause = "timeout";
		break;
	case CURLE_FILESIZE_EXCEEDED:
		ret->cause = "too_large";
		ret->transport = false;
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		ret->cause = "certificate";
		ret->transport = false;
		ret->hard = true;
		break;
	case CURLE_SSL_CONNECT_ERROR:
		ret->cause = "tls";
		break;
	default:
		ret->cause = "transport";
		ret->transport = false;
		break;
	}
}

void
status_of_stopped(const char *cause, struct call_result *ret)
{
	*ret = (struct call_result){ .wait_ms = -1, .cause = cause };
	ret->hard = strcmp(cause, "private_address") == 0;
}
