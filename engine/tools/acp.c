/*
 * assent acp: judge what an agent asks its editor.
 * Runs in: assent, started by the editor.  Trusts: nothing.  Owns: nothing.
 */
#include "hooks/acp.h"

#include "base/mem.h"
#include "bridge.h"

extern const struct command command_acp;

static int
run_acp(int argc, char **argv)
{
	static const struct bridge_program program = {
		.command = &command_acp,
		.protocol = &acp_protocol,
	};

	return bridge_main(&program, argc, argv);
}

const struct command command_acp = {
	.name = "acp",
	.summary = "Judge what an agent asks its editor",
	.usage = "acp [OPTIONS] -- AGENT...",
	.details =
	    "Give it to an editor in place of an agent that speaks the Agent "
	    "Client Protocol.\nPermissions that the agent asks for, files and "
	    "terminals that it wants from the editor\nare decided by rules. An "
	    "allow holds for one call; a denial is said to the agent and,\n"
	    "with its reason, in the editor. What an agent does without asking "
	    "is not seen here:\n'assent install' puts hooks into it.",
	.example = "assent acp -- gemini --acp",
	.options = bridge_options,
	.option_count = ARRAY_LEN(bridge_options),
	.run = run_acp,
};
