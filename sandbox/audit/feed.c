/*
 * Of the kernel's audit records those about Landlock.
 * Runs in: assent-exec, as root, and the reader of these records.
 * Trusts: the kernel.  Owns: nothing.
 */
#include "audit/feed.h"

#include <errno.h>

#include "base/audit.h"

int
audit_feed_open(int *ret, struct err *e)
{
	return audit_join(AUDIT_RECORD_ACCESS, AUDIT_RECORD_DOMAIN, ret, e);
}

enum audit_feed_result
audit_feed_read(int fd, struct audit_record *ret)
{
	char bytes[AUDIT_TEXT_MAX];
	size_t len;
	const int type = audit_read(fd, bytes, &len);
	struct str text = str_n(bytes, len);

	if (type == -ENOBUFS)
		return AUDIT_FEED_LOST;
	if (type < 0)
		return type == -EAGAIN ? AUDIT_FEED_EMPTY : AUDIT_FEED_ENDED;
	text = str_trim(str_head(text, str_find(text, '\0')));
	return audit_record_parse((unsigned)type, text, ret) ? AUDIT_FEED_RECORD
							     : AUDIT_FEED_OTHER;
}
