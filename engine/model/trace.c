/*
 * Trace context: read, derived, printed.
 * Runs in: engine, reporter.  Trusts: nothing of a caller.  Owns: nothing.
 */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#define VERSION_LEN 2
#define FLAGS_LEN 1
#define SAMPLED 1

static int
digest(const char *what, const char *id, uint8_t ret[static SHA256_LEN])
{
	AUTO(sha256_freep) struct sha256 *h = NULL;
	int r = sha256_new(&h, NULL);

	if (r == 0)
		r = sha256_add(h, what, strlen(what) + 1, NULL);
	if (r == 0)
		r = sha256_add(h, id, strlen(id), NULL);
	return r == 0 ? sha256_end(h, ret, NULL) : r;
}

/* Such an id is none. */
static bool
is_zero(const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

/* "00-<32 hex>-<16 hex>-<2 hex>" */
static bool
take(const char *text, struct trace_place *ret)
{
	struct str rest = str_of(text);
	struct str version, trace, parent, flags;

	if (text == NULL)
		return false;
	version = str_cut(&rest, '-');
	trace = str_cut(&rest, '-');
	parent = str_cut(&rest, '-');
	flags = str_cut(&rest, '-');
	return version.len == VERSION_LEN &&
	    text_unhex(trace, ret->trace_id, TRACE_ID_LEN) == 0 &&
	    text_unhex(parent, ret->parent_id, SPAN_ID_LEN) == 0 &&
	    text_unhex(flags, &ret->flags, FLAGS_LEN) == 0 &&
	    !is_zero(ret->trace_id, TRACE_ID_LEN) &&
	    !is_zero(ret->parent_id, SPAN_ID_LEN);
}

int
trace_place(const char *traceparent, const char *action_id, const char *span,
    struct trace_place *ret)
{
	struct trace_place p = { .known = true };
	uint8_t hash[SHA256_LEN];
	int r;

	p.has_parent = take(traceparent, &p);
	if (!p.has_parent) {
		r = digest("trace", action_id, hash);
		if (r != 0)
			return r;
		memcpy(p.trace_id, hash, TRACE_ID_LEN);
		p.flags = SAMPLED;
	}
	r = digest(span, action_id, hash);
	if (r != 0)
		return r;
	memcpy(p.span_id, hash, SPAN_ID_LEN);
	*ret = p;
	return 0;
}

void
trace_print(const struct trace_place *p, char ret[static TRACEPARENT_LEN + 1])
{
	AUTO_BUF struct buf out = BUF_INIT(TRACEPARENT_LEN + 1);

	buf_puts(&out, "00-");
	text_hex(&out, p->trace_id, TRACE_ID_LEN);
	buf_putc(&out, '-');
	text_hex(&out, p->span_id, SPAN_ID_LEN);
	buf_putc(&out, '-');
	text_hex(&out, &p->flags, FLAGS_LEN);
	(void)snprintf(ret, TRACEPARENT_LEN + 1, "%s", buf_cstr(&out));
}
