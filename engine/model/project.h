#ifndef MODEL_PROJECT_H
#define MODEL_PROJECT_H
/*
 * The rules that a repository brings along, as bytes: read by a process under
 * the identity of who works there, judged by another.
 *
 *     r = project_read(workspace, &record, e);     in the reader
 *     r = project_decode(record, arena, &files, e);
 *
 * They belong to whoever wrote the repository. So everything is bounded, a
 * link is not followed, and what cannot be read is a problem that is told,
 * never a set of fewer rules.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"

#define PROJECT_DIR ".assent/rules"
#define PROJECT_FILES_MAX 64
#define PROJECT_BYTES_MAX ((size_t)256 << 10) /* of all files */
#define PROJECT_RECORD_MAX (PROJECT_BYTES_MAX + ((size_t)32 << 10))
#define PROJECT_READER_OPTION "--read-rules" /* of assentd */
#define PROJECT_READ_S 2 /* then the reader ends itself */

struct project_file {
	const char *name; /* ".assent/rules/a.yaml" */
	struct str text;
};

struct project_files {
	const char *problem; /* why they are not all here, or NULL */
	struct project_file *v; /* sorted by name */
	size_t count;
	struct str stamp; /* as project_stamp gives it; empty: a problem */
};

/* Fails only for lack of memory: a problem is in the record. */
int project_read(const char *workspace, struct buf *ret_record, struct err *e);
/* The reader: the record to standard output; the exit status. */
int project_reader_main(const char *workspace);
/* A record that holds nothing but a problem. */
void project_put_problem(struct buf *out, const char *why);
/* Texts borrow from the record, names are in the arena. */
int project_decode(struct str record, struct arena *a,
    struct project_files *ret, struct err *e);
/*
 * What changes when somebody changes the files named: their inodes, sizes and
 * times, and the folder's. ERR_NOTFOUND: there is no folder of rules.
 */
int project_stamp(const char *workspace, const char *const *names, size_t count,
    uint8_t ret[static SHA256_LEN], struct err *e);

#endif
