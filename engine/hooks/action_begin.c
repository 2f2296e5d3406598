/*
 * The beginning of every action that an adapter writes.
 * Runs in: front, assent.  Trusts: its caller.  Owns: nothing.
 */
#include "action_begin.h"

void
action_begin(struct jsonw *w, const char *tool)
{
	jsonw_kstr(w, "tool", tool);
	jsonw_key(w, "input");
	jsonw_object(w);
}
