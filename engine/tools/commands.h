#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H
/*
 * The table of all subcommands. It is put together by the top CMakeLists.txt
 * (ASSENT_COMMANDS), for the commands live in the modules that know their
 * subject and those do not know each other.
 */
#include <stddef.h>

#include "model/command.h"

extern const struct command *const commands[];
extern const size_t command_count;
/* "rules shadow": verbs that live in another module than their command. */
extern const struct command *const command_verbs[];
extern const size_t command_verb_count;

#endif
