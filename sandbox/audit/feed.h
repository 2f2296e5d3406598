#ifndef SANDBOX_AUDIT_FEED_H
#define SANDBOX_AUDIT_FEED_H
/*
 * The kernel's records about Landlock, as they come.
 *
 *     r = audit_feed_open(&fd, e);
 *     r = audit_feed_read(fd, &record)     until AUDIT_FEED_EMPTY
 */
#include "audit/record.h"
#include "base/err.h"

enum audit_feed_result {
	AUDIT_FEED_EMPTY, /* nothing now */
	AUDIT_FEED_RECORD,
	AUDIT_FEED_OTHER, /* one that cannot be read */
	AUDIT_FEED_LOST, /* more came than there was room for */
	AUDIT_FEED_ENDED,
};

/* As root; does not block. */
int audit_feed_open(int *ret, struct err *e);
enum audit_feed_result audit_feed_read(int fd, struct audit_record *ret);

#endif
