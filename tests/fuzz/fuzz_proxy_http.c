/*
 * Any bytes as a request and as an answer: what is written anew is read as the
 * same message, and a body cut anywhere ends at the same byte.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stdint.h>

#include "http_frame.h"
#include "http_head.h"

#define BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read_again(const struct http_head *h)
{
	AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
	struct http_where to;
	struct http_head again;

	/* two fields are added: then it may be one too many to read */
	if (h->field_count > HTTP_FIELDS_MAX - 2 ||
	    http_absolute_parse(h->target, &to, NULL) != 0)
		return;
	http_request_write(&out, h, &to);
	assert(http_request_parse(buf_str(&out), &again, NULL) == 1);
	assert(again.bytes == out.len);
	assert(again.body == h->body && again.length == h->length);
	assert(str_eq(again.method, h->method));
}

static size_t
end_of(const struct http_head *h, struct str body, size_t step)
{
	struct http_frame f = http_frame_of(h);
	size_t total = 0, n = 0;

	for (size_t at = 0; at < body.len && !f.done; at += step) {
		const struct str part = str_head(str_from(body, at), step);

		if (http_frame_take(&f, part, &n, NULL) != 0)
			return SIZE_MAX;
		assert(n <= part.len);
		total += n;
	}
	return total;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str in = str_n((const char *)data, size);
	struct http_head h;

	if (http_request_parse(in, &h, NULL) == 1) {
		const struct str body = str_from(in, h.bytes);

		write_and_read_again(&h);
		assert(end_of(&h, body, 1) == end_of(&h, body, BYTES_MAX));
	}
	if (http_response_parse(in, false, &h, NULL) == 1 &&
	    h.field_count < HTTP_FIELDS_MAX) {
		AUTO_BUF struct buf out = BUF_INIT(BYTES_MAX);
		struct http_head again;

		http_response_write(&out, &h);
		assert(http_response_parse(
			   buf_str(&out), false, &again, NULL) == 1);
		assert(again.body == h.body && again.status == h.status);
	}
	return 0;
}
