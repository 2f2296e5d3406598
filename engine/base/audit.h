#ifndef BASE_AUDIT_H
#define BASE_AUDIT_H
/*
 * The kernel's audit records as they come, for root.
 *
 *     r = audit_join(1423, 1424, &fd, e);     of two types; does not block
 *     type = audit_read(fd, text, &len);      until -EAGAIN
 *
 * Reading changes nothing: who reads beside the audit daemon takes nothing
 * away from it. What was lost because nobody read is said once, as -ENOBUFS.
 */
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define AUDIT_TEXT_MAX ((size_t)8970) /* the kernel's own limit */

enum audit_state {
	AUDIT_STATE_UNKNOWN, /* we may not ask */
	AUDIT_STATE_OFF, /* the kernel makes no records now */
	AUDIT_STATE_ON,
};

int audit_join(uint16_t first, uint16_t second, int *ret, struct err *e);
/* The type of a record and its text; 0 for what is none; -errno. */
int audit_read(int fd, char text[static AUDIT_TEXT_MAX], size_t *ret_len);
/* Is auditing switched on in the kernel? */
enum audit_state audit_ask_state(void);
/* Switches it on, for the whole machine, until somebody else does
 * otherwise. */
int audit_switch_on(struct err *e);

#endif
