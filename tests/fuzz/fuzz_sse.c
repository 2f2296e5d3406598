/*
 * Any bytes as an event stream: cut anywhere, they are the same events.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sse.h"

#define EVENT_MAX 4096
#define SEEN_MAX ((size_t)4 << 20)

static void
on_event(void *ctx, struct str data)
{
	struct buf *seen = ctx;

	assert(data.len <= EVENT_MAX);
	buf_put_str(seen, data);
	buf_putc(seen, '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	AUTO_BUF struct buf whole = BUF_INIT(SEEN_MAX);
	AUTO_BUF struct buf parts = BUF_INIT(SEEN_MAX);
	struct sse a = SSE_INIT(EVENT_MAX, on_event, &whole);
	struct sse b = SSE_INIT(EVENT_MAX, on_event, &parts);
	const int at_once = sse_feed(&a, text, len, NULL);
	int one_by_one = 0;

	for (size_t i = 0; i < len && one_by_one == 0; i++)
		one_by_one = sse_feed(&b, text + i, 1, NULL);
	assert((at_once == 0) == (one_by_one == 0));
	assert(str_eq(buf_str(&whole), buf_str(&parts)));
	assert(strcmp(a.id, b.id) == 0 && a.retry_ms == b.retry_ms);
	assert(strlen(a.id) < SSE_ID_MAX && a.retry_ms <= SSE_RETRY_MS_MAX);
	sse_done(&a);
	sse_done(&b);
	return 0;
}
