/*
 * A.
 * Runs in: db.  Trusts: it.  Owns: it.
 */
#include <stdio.h>
#include "a.h"
