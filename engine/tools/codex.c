/*
 * assent codex: answer what Codex asks its editor for approval.
 * Runs in: assent, started by the editor.  Trusts: nothing.  Owns: nothing.
 */
#include "hooks/codex_app.h"

#include "base/mem.h"
#include "bridge.h"

extern const struct command command_codex;

static int
run_codex(int argc, char **argv)
{
	static const struct bridge_program program = {
		.command = &command_codex,
		.protocol = &codex_app_protocol,
	};

	return bridge_main(&program, argc, argv);
}

const struct command command_codex = {
	.name = "codex",
	.summary = "Answer what 'codex app-server' asks for approval",
	.usage = "codex [OPTIONS] -- codex app-server [ARG...]",
	.details =
	    "Give it to an editor or another client of Codex's app-server in "
	    "place of 'codex\napp-server'. Commands, changes of files, hosts, "
	    "permissions and tools of MCP servers\nthat Codex asks about are "
	    "decided by rules; everything else passes as it came. An\nallow "
	    "holds once; a denial is told to the model and, as a warning, to "
	    "the client. What\nCodex does without asking is not seen here: "
	    "start threads with approvalPolicy\n\"untrusted\", or use "
	    "'assent install codex' for its hooks.",
	.example = "assent codex -- codex app-server",
	.options = bridge_options,
	.option_count = ARRAY_LEN(bridge_options),
	.run = run_codex,
};
