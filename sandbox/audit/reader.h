#ifndef SANDBOX_AUDIT_READER_H
#define SANDBOX_AUDIT_READER_H
/*
 * The process that reads the kernel's records for its parent, who has rights
 * that no parser of hostile names should have. It has none: no capability, no
 * user's identity, no file, no system call but to read, answer and wait.
 *
 * What the two say to each other, one struct a message on a SOCK_SEQPACKET
 * pair; see link.h for the other end.
 */
#include "audit/table.h"

enum audit_ask_kind {
	AUDIT_ASK_INVALID,
	AUDIT_ASK_WATCH, /* uid: whose domains are kept */
	AUDIT_ASK_TAKE, /* domain: all that there is of it */
};

struct audit_ask {
	uint32_t kind, uid;
	uint64_t domain;
};

enum audit_tell_kind {
	AUDIT_TELL_INVALID,
	AUDIT_TELL_OWNER, /* there are denials in the domain of pid and uid */
	AUDIT_TELL_TAKEN, /* the answer */
	AUDIT_TELL_LOST,
};

struct audit_tell {
	uint32_t kind, pid, uid;
	uint64_t domain;
	uint64_t losses; /* how often records were lost or unreadable */
	struct audit_denials denials;
};

/* In a child of its own, which has nothing else open. */
_Noreturn void audit_reader_main(int link, int feed);

#endif
