#ifndef SANDBOX_RUN_BY_H
#define SANDBOX_RUN_BY_H
/*
 * Does the kernel, or the program that the first line names, run another file
 * instead of this one? Whoever swaps that decides what runs.
 */
#include <stdbool.h>

#include "base/str.h"

/*
 * head: how the file begins, all of it when it is shorter than that. True
 * where a file outside the folders of the system, or one that cannot be told,
 * runs: by the first line ("#!./tool", "#!/bin/sh x.sh", "#!/usr/bin/env -S")
 * or as the loader of a program.
 */
bool run_by_another(struct str head);

#endif
