/*
 * Requests that get a secret: whatever comes, in whatever pieces, the header
 * is put in only after a head that names the one host.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "credentials/http_inject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_inject_options options = {
	.host = "a.b",
	.port = 443,
	.tls = true,
	.header = "Authorization",
};

/* The same bytes in pieces of any size give the same. */
static int
feed(struct str in, size_t step, struct buf *out)
{
	struct http_inject h;
	size_t at = 0;
	int r = 0;

	http_inject_init(&h, &options);
	while (r >= 0 && at < in.len) {
		r = http_inject_feed(
		    &h, str_head(str_from(in, at), step), out, NULL);
		at += r > 0 ? (size_t)r : 0;
		if (r >= 0 && h.waits)
			r = http_inject_go(&h, STR("s3cret"), out, NULL);
	}
	http_inject_done(&h);
	return r < 0 ? r : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str in = str_n((const char *)data, size);
	AUTO_BUF struct buf whole = BUF_INIT(1 << 20);
	AUTO_BUF struct buf bits = BUF_INIT(1 << 20);
	const int a = feed(in, size + 1, &whole);
	const int b = feed(in, 1 + size % 7, &bits);

	if (a != b || (a == 0 && !str_eq(buf_str(&whole), buf_str(&bits))))
		abort();
	return 0;
}
