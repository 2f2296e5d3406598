#ifndef SANDBOX_FILTER_H
#define SANDBOX_FILTER_H
/*
 * Which system calls a run may make: a deny-list whose entries look at
 * arguments where that is enough, and ask the supervisor (gate.h) where the
 * answer depends on a path.
 */
#include <stdbool.h>

#include "bpf.h"

/* supervised: a supervisor answers; without one its calls are allowed where
 * other walls hold, and denied where none does. */
int filter_build(bool supervised, struct bpf_program *ret);
/* The name of a call that the table denies, or NULL. */
const char *filter_denied_name(int nr);
/* The listener when supervised (CLOEXEC), else 0; -1 and errno. */
int filter_install(const struct bpf_program *p, bool supervised);

#endif
