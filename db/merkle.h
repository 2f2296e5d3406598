#ifndef DB_MERKLE_H
#define DB_MERKLE_H
/*
 * The Merkle tree of RFC 6962 over the hashes of rows, built as they come.
 *
 *     struct merkle m = { 0 };
 *     r = merkle_add(&m, h, leaf, e);
 *     r = merkle_root(&m, h, root, e);
 *
 * Only the peaks are kept: the roots of the full subtrees, one for each bit
 * of the size.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"

#define MERKLE_LEVELS 64

struct merkle {
	uint64_t size;
	uint8_t peaks[MERKLE_LEVELS][SHA256_LEN]; /* level i: bit i of size */
};

int merkle_add(struct merkle *m, struct sha256 *h,
    const uint8_t leaf[static SHA256_LEN], struct err *e);
/* The root of the empty tree is the SHA-256 of nothing. */
int merkle_root(const struct merkle *m, struct sha256 *h,
    uint8_t ret[static SHA256_LEN], struct err *e);
/* Peaks from the highest level down; both ways. */
void merkle_put(const struct merkle *m, struct buf *out);
int merkle_get(
    uint64_t size, struct str peaks, struct merkle *ret, struct err *e);

/*
 * An inclusion proof, made in one pass over the leaves:
 *
 *     struct merkle_proof p;
 *     merkle_proof_init(&p, index, size);
 *     for (i = 0; i < size; i++) r = merkle_proof_leaf(&p, h, leaf[i], e);
 *     r = merkle_proof_end(&p, e);         p.path[0 .. p.count)
 */
struct merkle_proof {
	uint64_t index, size, at;
	size_t count;
	uint64_t end[MERKLE_LEVELS]; /* subtree i is [start, end) */
	uint64_t start[MERKLE_LEVELS];
	uint8_t path[MERKLE_LEVELS][SHA256_LEN]; /* nearest the leaf first */
	struct merkle subtree; /* of the range that is being read */
	size_t range;
};

/* index < size. */
void merkle_proof_init(struct merkle_proof *p, uint64_t index, uint64_t size);
int merkle_proof_leaf(struct merkle_proof *p, struct sha256 *h,
    const uint8_t leaf[static SHA256_LEN], struct err *e);
int merkle_proof_end(const struct merkle_proof *p, struct err *e);
/* The root that leaf at index of size leads to along a path (RFC 9162,
 * 2.1.3.2); ERR_INVALID when the path has not the right length. */
int merkle_root_by_path(const struct merkle_proof *p, struct sha256 *h,
    const uint8_t leaf[static SHA256_LEN], uint8_t ret[static SHA256_LEN],
    struct err *e);

#endif
