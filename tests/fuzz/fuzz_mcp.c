/*
 * Any lines of a client to the MCP server, and any words of the daemon: what
 * is proposed is an action of the caller's, and nothing but a plain allow is
 * told as one.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "mcp_menu.h"
#include "model/action_json.h"

#define TEXT_MAX ((size_t)32 << 20)

static bool
has(struct str text, struct str word)
{
	return str_search(text, word) < text.len;
}

static void
check_told(struct mcp *m)
{
	struct str told = mcp_told(m);

	while (told.len > 0) {
		AUTO(rpc_done) struct rpc r = RPC_INIT;

		/* a message a line, whatever it holds */
		assert(rpc_read(&r, str_cut(&told, '\n'), NULL) == 0);
		assert(r.kind == RPC_NOTIFICATION || r.kind == RPC_REQUEST);
	}
	mcp_told_done(m, 0);
}

static void
check_question(const struct mcp *m)
{
	const struct mcp_question *q = mcp_question(m);
	AUTO(action_freep) struct action *a = NULL;

	if (q->route == MCP_LOOK || q->route == MCP_EXPLAIN)
		assert(str_starts(str_of(q->id), STR("act_")) &&
		    !has(str_of(q->id), STR("/")));
	if (q->route == MCP_EVALUATE && action_new(&a, NULL) == 0 &&
	    action_from_json(q->body, true, a, NULL) == 0)
		assert(!a->proposal.execute);
}

static void
follow(struct mcp *m, enum mcp_next next, struct str words)
{
	static const struct hook_ruling waits = {
		.pending = true, .id = "act_1", .message = "it waits"
	};
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);

	check_told(m);
	if (next != MCP_ASK)
		return;
	check_question(m);
	mcp_hear_wait(m, &waits);
	check_told(m);
	next = mcp_hear_daemon(m, 200, words, &out);
	assert(next == MCP_SAY);
	if (!has(words, STR("allow")))
		assert(!has(buf_str(&out), STR("\\\"behavior\\\":\\\"allow")));
	check_told(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct str rest = str_n((const char *)bytes, len);
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);
	AUTO(mcp_session_freep) struct mcp_session *s = NULL;

	if (mcp_session_new(&mcp_assent, "/w", &s, NULL) != 0)
		return 0;
	while (rest.len > 0) {
		AUTO(mcp_freep) struct mcp *m = NULL;
		const struct str line = str_cut(&rest, '\n');

		if (mcp_new(s, &m, NULL) != 0)
			return 0;
		buf_reset(&out);
		follow(m, mcp_take(m, line, &out), str_cut(&rest, '\n'));
	}
	return 0;
}
