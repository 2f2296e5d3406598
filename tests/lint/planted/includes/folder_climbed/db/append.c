/*
 * A comment first.
 */
#include "../rules/load.h"
