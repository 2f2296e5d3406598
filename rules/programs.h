#ifndef RULES_PROGRAMS_H
#define RULES_PROGRAMS_H
/*
 * Programs as data: what each option and operand does (docs/programs.md).
 *
 *     struct data_file files[] = { { "git.yaml", text }, ... };
 *     r = programs_new(files, count, diags, &programs, e);
 *     ... effects_of(programs, ...);
 *     programs_free(programs);
 *
 * Immutable after programs_new; no partial load.
 */
#include <stddef.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"

struct programs;

/* A file of rules/programs/, by name and content. */
struct programs_file {
	const char *name;
	struct str text;
};

/* All findings go to d (may be NULL); ERR_INVALID when there are any. The
 * texts are only borrowed for the call. */
int programs_new(const struct programs_file *files, size_t count,
    struct diags *d, struct programs **ret, struct err *e);
void programs_free(struct programs *p);
void programs_freep(struct programs **p);
/* Over the names and contents of the files. */
void programs_digest(const struct programs *p, uint8_t ret[static SHA256_LEN]);
/* How many names are described. */
size_t programs_count(const struct programs *p);
/* Bytes that the tables hold. */
size_t programs_bytes(const struct programs *p);

#endif
