#ifndef HOOKS_RPC_SKIM_H
#define HOOKS_RPC_SKIM_H
/*
 * What kind of message a line is that cannot be read in full: too deep, too
 * long, or with a text that we do not take. Only the names of its outermost
 * members are looked at.
 *
 *     switch (rpc_skim(line, &id)) case RPC_SKIM_REQUEST: refuse id
 *
 * Whoever may be a request to some reader is one.
 */
#include "base/str.h"

enum rpc_skim {
	RPC_SKIM_NONE, /* no JSON object, or one with names in disguise */
	RPC_SKIM_REQUEST,
	RPC_SKIM_NOTIFICATION,
	RPC_SKIM_RESPONSE,
};

/* ret_id: of a request, as it is written; empty: it is none to answer. */
enum rpc_skim rpc_skim(struct str line, struct str *ret_id);

#endif
