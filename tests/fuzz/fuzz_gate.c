/*
 * Any lines of a client and a server through the gateway: what passes to the
 * server holds no call, and what is held is an action that says the tool.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "model/action_json.h"

#define TEXT_MAX ((size_t)32 << 20)

static struct gate_definition
definition(void *ctx, const char *tool)
{
	(void)ctx;
	return (struct gate_definition){ .state = GATE_CHANGED,
		.annotations = str_of(tool),
		.was = str_of(tool),
		.is = STR("x\n") };
}

static void
on_tool(void *ctx, const char *tool, struct str json)
{
	(void)ctx;
	assert(tool != NULL && json.len > 0);
}

static void
check(enum gate_next next, struct str line, const struct gate_call *call)
{
	AUTO(action_freep) struct action *a = NULL;

	if (next == GATE_PASS)
		assert(str_search(line, STR("\"method\":\"tools/call\"")) ==
		    line.len);
	if (next == GATE_HOLD && action_new(&a, NULL) == 0 &&
	    action_from_json(call->body, false, a, NULL) == 0)
		assert(!a->proposal.execute &&
		    str_eqz(str_of(call->tool), a->proposal.input.mcp_tool));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct gate_options o = { .server = "s",
		.workspace = "/w",
		.session = "x",
		.definition = definition,
		.on_tool = on_tool };
	struct str rest = str_n((const char *)bytes, len);
	AUTO_BUF struct buf out = BUF_INIT(TEXT_MAX);
	AUTO(gate_freep) struct gate *g = NULL;
	struct gate_call call;
	struct gate_reply reply;

	if (gate_new(&o, &g, NULL) != 0)
		return 0;
	while (rest.len > 0) {
		const struct str line = str_cut(&rest, '\n');

		check(gate_client(g, line, &call, &out), line, &call);
		gate_server(g, line, &reply);
	}
	return 0;
}
