#ifndef SANDBOX_AUDIT_RECORD_H
#define SANDBOX_AUDIT_RECORD_H
/*
 * One record of the kernel's about Landlock, from its text to a value.
 *
 *     if (audit_record_parse(AUDIT_RECORD_ACCESS, text, &record))
 *             ... record.domain, record.rights, record.object
 *
 * The kernel writes the fields; what they hold - names of files, of programs -
 * is the choice of whoever was denied. It quotes them, or writes them in
 * hexadecimal where they have quotes, spaces or anything unprintable, so that
 * no name looks like a field.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Types of messages; later than the headers of Debian 12. */
#define AUDIT_RECORD_ACCESS 1423 /* something was denied */
#define AUDIT_RECORD_DOMAIN 1424 /* whose domain that was, or its end */

#define AUDIT_OBJECT_MAX 192

enum audit_kind {
	AUDIT_KIND_INVALID,
	AUDIT_KIND_DENIED,
	AUDIT_KIND_ALLOCATED,
	AUDIT_KIND_ENDED,
};

struct audit_record {
	enum audit_kind kind;
	uint64_t domain;
	/* DENIED: bits of audit_right_name; what it was about, printable, the
	 * end of a long one; or empty. */
	uint32_t rights;
	char object[AUDIT_OBJECT_MAX];
	/* ALLOCATED: who entered the domain. */
	uint32_t pid, uid;
	uint64_t denials; /* ENDED: all that there were */
};

/* False for what is no such record. */
bool audit_record_parse(
    unsigned type, struct str text, struct audit_record *ret);
/* "fs.write_file"; NULL beyond the last. The last, "unknown", is for what a
 * later kernel may say. */
const char *audit_right_name(unsigned bit);

#endif
