/*
 * What libyaml complains of, in words that say what to change.
 * Runs in: every program that reads configuration or rules.
 * Trusts: its callers.  Owns: nothing.
 */
#include <string.h>

#include "yaml_int.h"

static const struct yaml_wording wordings[] = {
	{
	    "mapping values are not allowed in this context",
	    "a second ':' in this place",
	    "put a value that holds ': ' in quotes, or check the indentation",
	},
	{
	    "found unexpected end of stream",
	    "this quote is never closed",
	    "end the text with the same quote",
	},
	{
	    "found unexpected document indicator",
	    "this quote is never closed",
	    "end the text with the same quote",
	},
	{
	    "did not find expected alphabetic or numeric character",
	    "this looks like an anchor or an alias, which are not used here",
	    "put a value that begins with '*' or '&' in quotes",
	},
	{
	    "found unknown escape character",
	    "unknown escape in double quotes",
	    "put regular expressions in single quotes",
	},
	{
	    "did not find expected key",
	    "a key was expected here",
	    "check the indentation; a value with quotes in it is quoted whole",
	},
	{
	    "did not find expected '-' indicator",
	    "an item ('- ') was expected here",
	    "give all items of a list, and all keys of an item, the same "
	    "indentation",
	},
	{
	    "did not find expected ',' or ']'",
	    "this '[' list is not closed or lacks a comma",
	    "put a value that begins with '[' in quotes",
	},
	{
	    "did not find expected ',' or '}'",
	    "this '{' map is not closed or lacks a comma",
	    "put a value that begins with '{' in quotes",
	},
	{
	    "could not find expected ':'",
	    "this line is neither 'key: value' nor an item",
	    "put ': ' between key and value",
	},
	{
	    "block sequence entries are not allowed in this context",
	    "an item ('- ') is not allowed here",
	    "begin a list on the line below its key",
	},
	{
	    "found character that cannot start any token",
	    "a value cannot begin with this character",
	    "put the value in quotes",
	},
	{
	    "did not find expected tag URI",
	    "tags are not used here",
	    "put a value that begins with '!' in quotes",
	},
	{
	    "did not find expected '!'",
	    "tags are not used here",
	    "put a value that begins with '!' in quotes",
	},
	{
	    "did not find expected whitespace or line break",
	    "tags are not used here",
	    "put a value that begins with '!' in quotes",
	},
};

const struct yaml_wording *
yaml_wording_of(const char *theirs)
{
	for (size_t i = 0; i < ARRAY_LEN(wordings); i++) {
		if (strcmp(wordings[i].theirs, theirs) == 0)
			return &wordings[i];
	}
	return NULL;
}
