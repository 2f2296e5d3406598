#ifndef RULES_BUNDLE_H
#define RULES_BUNDLE_H
/*
 * A folder of rules as one file with a name and a version, to be signed.
 *
 *     r = bundle_make(dir, &head, &out, e);
 *     r = bundle_read(bytes, arena, &b, e);       after its signature
 *     r = bundle_install(&b, bytes, dir, e);      newer ones only
 *
 * The file is text: a header, the list of files with their digests, an empty
 * line, and the files one after another.
 */
#include "rules_int.h"

#define BUNDLE_BYTES_MAX ((size_t)64 << 20)
#define BUNDLE_FILES_MAX 1000
#define BUNDLE_NAME_MAX 100
#define BUNDLE_RECORD ".bundle" /* in the folder: what is installed */

struct bundle_head {
	const char *name; /* "acme/base" */
	uint64_t version; /* grows */
	int64_t expires_real_ns; /* 0: never */
};

struct bundle_file {
	const char *name;
	struct str text;
};

struct bundle {
	struct bundle_head head;
	struct bundle_file *files;
	size_t count;
};

int bundle_make(const char *dir, const struct bundle_head *head,
    struct buf *out, struct err *e);
/* ERR_INVALID: cut, changed or no bundle at all. Texts borrow from bytes. */
int bundle_read(
    struct str bytes, struct arena *a, struct bundle *ret, struct err *e);
/* ERR_DENIED: expired, of another name, or older than what is there. The
 * folder is the bundle's alone; it changes at once. *ret_changed is false
 * when that very bundle was there. */
int bundle_install(const struct bundle *b, struct str bytes, const char *dir,
    int64_t now_real_ns, bool *ret_changed, struct err *e);

#endif
