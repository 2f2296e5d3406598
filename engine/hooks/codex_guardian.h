#ifndef HOOKS_CODEX_GUARDIAN_H
#define HOOKS_CODEX_GUARDIAN_H
/*
 * assent as the model that Codex asks for its reviews of actions.
 *
 *     POST .../responses, a review      {"outcome": "allow"} in a stream
 *     any other request                 no answer; assent is no model
 *
 * Source: what Codex 0.169 sends to a provider of its configuration.
 */
#include "hook_int.h"

extern const struct hook_client codex_guardian;

#endif
