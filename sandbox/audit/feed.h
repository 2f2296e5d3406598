#ifndef SANDBOX_AUDIT_FEED_H
#define SANDBOX_AUDIT_FEED_H
/*
 * The kernel's records about Landlock, as they come: a socket that takes
 * nothing else, which only root can open.
 *
 *     fd = audit_feed_open(&e)             -1: and why
 *     n = audit_feed_read(fd, &record)     until AUDIT_FEED_EMPTY
 *
 * Reading changes nothing: who reads beside the audit daemon takes nothing
 * away from it.
 */
#include <stdbool.h>

#include "audit/record.h"
#include "base/err.h"

enum audit_feed_result {
	AUDIT_FEED_EMPTY, /* nothing now */
	AUDIT_FEED_RECORD,
	AUDIT_FEED_OTHER, /* one that cannot be read */
	AUDIT_FEED_LOST, /* more came than there was room for */
	AUDIT_FEED_ENDED,
};

enum audit_feed_state {
	AUDIT_FEED_UNKNOWN, /* we may not ask */
	AUDIT_FEED_OFF, /* the kernel makes no records now */
	AUDIT_FEED_ON,
};

/* Does not block. */
int audit_feed_open(int *ret, struct err *e);
enum audit_feed_result audit_feed_read(int fd, struct audit_record *ret);
/* Is auditing switched on in the kernel? */
enum audit_feed_state audit_feed_state(void);
/* Switches it on, for the whole machine, until somebody else does
 * otherwise. */
int audit_feed_switch_on(struct err *e);

#endif
