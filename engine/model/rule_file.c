/*
 * Names of files that hold rules.
 * Runs in: every program that reads rules.  Trusts: nothing in a name.
 * Owns: nothing.
 */
#include "model/rule_file.h"

bool
rule_file_named(struct str name)
{
	return str_at(name, 0) != '.' &&
	    (str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")));
}
