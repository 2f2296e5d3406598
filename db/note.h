#ifndef DB_NOTE_H
#define DB_NOTE_H
/*
 * Signed notes and checkpoints as transparency logs write them (C2SP
 * signed-note, tlog-checkpoint), so that their tools verify ours.
 *
 *     r = note_key_new("assent/5f3a...", &key, e);
 *     r = note_sign(key, &checkpoint, &out, e);
 *     r = note_parse(text, &n, e);
 *     r = note_verify(&n, &public, e);
 *
 * A checkpoint says: this log had size rows and this root at that time. One
 * that also says "next KEY" hands over to another key: what comes after it is
 * signed by that one, and the key before is erased.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "base/str.h"

#define NOTE_NAME_MAX 64
#define NOTE_PUBLIC_LEN 32
#define NOTE_SIGNATURE_LEN 64

/* A public key: "<name>+<hash>+<base64>" in text. */
struct note_public {
	char name[NOTE_NAME_MAX];
	uint8_t bytes[NOTE_PUBLIC_LEN];
};

struct note_key; /* private: seed in locked memory */

int note_key_new(const char *name, struct note_key **ret, struct err *e);
/* "PRIVATE+KEY+<name>+<hash>+<base64>", the form of its file. */
int note_key_parse(struct str text, struct note_key **ret, struct err *e);
int note_key_print(const struct note_key *k, struct buf *out, struct err *e);
const struct note_public *note_key_public(const struct note_key *k);
void note_key_free(struct note_key *k);
void note_key_freep(struct note_key **k);

void note_public_print(const struct note_public *p, struct buf *out);
int note_public_parse(struct str text, struct note_public *ret, struct err *e);
/* The file that note_public_print wrote; an error names it. */
int note_public_read(const char *path, struct note_public *ret, struct err *e);

struct checkpoint {
	const char *origin;
	uint64_t size;
	uint8_t root[SHA256_LEN];
	int64_t time_real_ns;
	const struct note_public *next; /* or NULL */
};

int note_sign(const struct note_key *k, const struct checkpoint *c,
    struct buf *out, struct err *e);

/* A parsed checkpoint; text borrows from what was parsed. */
struct note {
	struct str text; /* what is signed, with its last newline */
	struct str origin, time;
	uint64_t size;
	uint8_t root[SHA256_LEN];
	bool has_next;
	struct note_public next;
	/* The one signature line of ours. */
	struct str signer;
	uint8_t key_id[4];
	uint8_t signature[NOTE_SIGNATURE_LEN];
	size_t len; /* of the whole note in the parsed text */
};

/* The first note of text, which may go on after it. */
int note_parse(struct str text, struct note *ret, struct err *e);
/* Whether text can be the beginning of a note whose rest was not written. */
bool note_is_unfinished(struct str text);
/* ERR_DENIED when the signature is not that key's. */
int note_verify(
    const struct note *n, const struct note_public *p, struct err *e);

void note_base64(struct buf *out, const void *bytes, size_t len);
/* Canonical form only. 0 or ERR_INVALID; len is the number wanted. */
int note_unbase64(struct str text, void *ret, size_t len);

#endif
