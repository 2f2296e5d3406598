/*
 * No credential is put into any connection.
 * Runs in: assent-proxy.  Trusts: nothing.  Owns: nothing.
 */
#include "inject.h"

int
inject_begin(
    const struct inject_call *call, struct injection **ret, struct err *e)
{
	(void)ret;
	return err_set(e, ERR_DENIED,
	    "credential '%s' cannot be put into this connection",
	    call->credential);
}

void
inject_end(struct injection *i)
{
	(void)i;
}
