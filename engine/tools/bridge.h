#ifndef TOOLS_BRIDGE_H
#define TOOLS_BRIDGE_H
/*
 * A command that stands between a client that people sit at and an agent that
 * it starts, and judges what the agent asks.
 *
 *     const struct bridge_program program = {
 *         .command = &command_acp, .protocol = &acp_protocol };
 *     .options = bridge_options, .option_count = BRIDGE_OPTION_COUNT,
 *     return bridge_main(&program, argc, argv);
 */
#include "hooks/bridge.h"
#include "model/command.h"

enum bridge_option {
	BRIDGE_OPT_MODE,
	BRIDGE_OPT_ASK,
	BRIDGE_OPT_TIMEOUT,
	BRIDGE_OPT_RUNTIME,
	BRIDGE_OPTION_COUNT,
};

struct bridge_program {
	const struct command *command;
	const struct bridge_protocol *protocol;
};

extern const struct command_option bridge_options[BRIDGE_OPTION_COUNT];

int bridge_main(const struct bridge_program *p, int argc, char **argv);

#endif
