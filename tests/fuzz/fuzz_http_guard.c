/*
 * Any bytes as requests on one connection: read at once or in two pieces,
 * the guard says the same, and what it gives out has the right form.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "http_guard.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "model/limits.h"
#include "request.h"

#define ARENA_BYTES ((size_t)32 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum guard_result
read_in(struct str bytes, size_t first, struct buf *b, struct guard *g)
{
	enum guard_result r;

	*g = (struct guard)GUARD_INIT;
	buf_reset(b);
	buf_put_str(b, str_head(bytes, first));
	if (b->s == NULL)
		return GUARD_MORE;
	r = guard_feed(g, b->s, &b->len);
	if (r != GUARD_MORE)
		return r;
	buf_put_str(b, str_from(bytes, first));
	return guard_feed(g, b->s, &b->len);
}

static void
check_done(const struct guard *g, const struct buf *b)
{
	const struct str head = str_head(buf_str(b), g->head_len);

	assert(g->end <= b->len);
	assert(g->head_len <= HTTP_HEAD_BYTES_MAX);
	assert(g->body_len <= HTTP_BODY_BYTES_MAX);
	assert(str_find(head, '\0') == head.len);
	assert(str_ends(head, STR("\r\n\r\n")));
	assert(guard_span(b->s, g->head.path).s[0] == '/');
}

static void
to_a_call(const struct guard *g, const struct buf *b)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES);
	AUTO_BUF struct buf record = BUF_INIT(ARENA_BYTES);
	const struct auth_peer peer = {
		.kind = LISTENER_APPROVER, .owner = true, .pid = 1
	};
	struct auth_peer agent = peer;
	struct request rq = { .guard = g, .bytes = b->s, .peer = &peer };
	struct refusal why;
	struct call call;

	agent.kind = LISTENER_AGENT;
	for (int i = 0; i < 2; i++) {
		if (request_check(&rq, &why) == 0 && !rq.options &&
		    (rq.match.route->flags & ROUTE_LOCAL) == 0) {
			assert(i == 0 || rq.role == CALLER_AGENT);
			(void)request_call(&rq, a, &record, &call, &why);
		}
		rq = (struct request){
			.guard = g, .bytes = b->s, .peer = &agent
		};
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = str_n((const char *)data + 1, size - 1);
	AUTO_BUF struct buf one = BUF_INIT((size_t)8 << 20);
	AUTO_BUF struct buf two = BUF_INIT((size_t)8 << 20);
	enum guard_result r;
	struct guard g, h;

	if (size < 3)
		return 0;
	r = read_in(bytes, bytes.len, &one, &g);
	assert(r == read_in(bytes, 1 + data[0] % bytes.len, &two, &h));
	if (r == GUARD_BAD) {
		assert(g.status >= 400 && h.status >= 400);
		return 0;
	}
	if (r == GUARD_MORE)
		return 0;
	check_done(&g, &one);
	assert(str_eq(guard_body(&g, one.s), guard_body(&h, two.s)));
	assert(one.len - g.end + (bytes.len - one.len) == bytes.len - g.end);
	to_a_call(&g, &one);
	return 0;
}
