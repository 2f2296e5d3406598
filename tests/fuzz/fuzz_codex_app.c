/*
 * Any lines of Codex's app-server and of its client: what passes to the client
 * asks for no approval, what is held is an action that runs nothing, and no
 * answer to a zeroed verdict allows.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "codex_app.h"
#include "model/action_json.h"
#include "rpc.h"

#define TEXT_MAX ((size_t)32 << 20)

static const char *
project(void *ctx, const char *folder)
{
	(void)ctx;
	return folder;
}

static bool
has(struct str text, const char *word)
{
	return str_search(text, str_of(word)) < text.len;
}

/* As a strict reader of JSON sees it. */
static bool
asks(struct str line)
{
	AUTO(rpc_done) struct rpc m = RPC_INIT;

	return rpc_read_bare(&m, line, NULL) == 0 && m.kind == RPC_REQUEST &&
	    (rpc_is(&m, "item/commandExecution/requestApproval") ||
		rpc_is(&m, "item/fileChange/requestApproval") ||
		rpc_is(&m, "item/permissions/requestApproval") ||
		rpc_is(&m, "execCommandApproval") ||
		rpc_is(&m, "applyPatchApproval") ||
		rpc_is(&m, "item/tool/call"));
}

static void
check(enum bridge_next next, struct str line, const struct bridge_question *q)
{
	const struct bridge_protocol *p = &codex_app_protocol;
	AUTO(action_freep) struct action *a = NULL;
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);

	if (next == BRIDGE_PASS || next == BRIDGE_CANCEL)
		assert(!asks(line));
	if (next != BRIDGE_HOLD)
		return;
	if (action_new(&a, NULL) == 0 &&
	    action_from_json(q->body, false, a, NULL) == 0)
		assert(!a->proposal.execute);
	if (p->put_answer(line, HOOK_DENY, "no", &out, NULL) == 0)
		assert(!has(buf_str(&out), "\"accept\"") &&
		    !has(buf_str(&out), "\"approved\""));
	buf_reset(&out);
	(void)p->put_question(line, &out, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct bridge_options o = { .cwd = "/w", .project = project };
	const struct bridge_protocol *p = &codex_app_protocol;
	struct str rest = str_n((const char *)bytes, len);
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);
	struct bridge_question q;
	struct bridge_result result;
	struct bridge_news news;
	void *x = NULL;

	if (p->open(&o, &x, NULL) != 0)
		return 0;
	while (rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		check(p->agent(x, line, &q, &result, &out), line, &q);
		p->client(x, line, &news);
	}
	p->close(x);
	return 0;
}
