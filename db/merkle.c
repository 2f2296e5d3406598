/*
 * Merkle tree over row hashes: peaks, root, inclusion proofs.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "merkle.h"

#include <assert.h>
#include <string.h>

#define NODE 0x01

/* ret may be one of the inputs. */
static int
node(struct sha256 *h, const uint8_t left[static SHA256_LEN],
    const uint8_t right[static SHA256_LEN], uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	uint8_t bytes[1 + 2 * SHA256_LEN] = { NODE };
	int r;

	memcpy(bytes + 1, left, SHA256_LEN);
	memcpy(bytes + 1 + SHA256_LEN, right, SHA256_LEN);
	r = sha256_add(h, bytes, sizeof(bytes), e);
	if (r == 0)
		r = sha256_end(h, ret, e);
	return r;
}

int
merkle_add(struct merkle *m, struct sha256 *h,
    const uint8_t leaf[static SHA256_LEN], struct err *e)
{
	uint8_t sum[SHA256_LEN];
	size_t level = 0;

	memcpy(sum, leaf, SHA256_LEN);
	/* As in binary addition: full subtrees carry. */
	for (; (m->size >> level & 1) != 0; level++) {
		const int r = node(h, m->peaks[level], sum, sum, e);

		if (r != 0)
			return r;
	}
	assert(level < MERKLE_LEVELS);
	memcpy(m->peaks[level], sum, SHA256_LEN);
	m->size++;
	return ERR_OK;
}

int
merkle_root(const struct merkle *m, struct sha256 *h,
    uint8_t ret[static SHA256_LEN], struct err *e)
{
	bool any = false;

	if (m->size == 0)
		return sha256_end(h, ret, e);
	for (size_t level = 0; level < MERKLE_LEVELS; level++) {
		if ((m->size >> level & 1) == 0)
			continue;
		if (any) {
			const int r = node(h, m->peaks[level], ret, ret, e);

			if (r != 0)
				return r;
		} else {
			memcpy(ret, m->peaks[level], SHA256_LEN);
		}
		any = true;
	}
	return ERR_OK;
}

void
merkle_put(const struct merkle *m, struct buf *out)
{
	for (size_t level = MERKLE_LEVELS; level > 0; level--) {
		if ((m->size >> (level - 1) & 1) != 0)
			buf_put(out, m->peaks[level - 1], SHA256_LEN);
	}
}

int
merkle_get(uint64_t size, struct str peaks, struct merkle *ret, struct err *e)
{
	const size_t count = (size_t)__builtin_popcountll(size);

	if (peaks.len != count * SHA256_LEN)
		return err_set(e, ERR_INVALID,
		    "the tree of %llu rows has %zu peaks, not %zu bytes",
		    (unsigned long long)size, count, peaks.len);
	memset(ret, 0, sizeof(*ret));
	ret->size = size;
	for (size_t level = MERKLE_LEVELS; level > 0; level--) {
		if ((size >> (level - 1) & 1) == 0)
			continue;
		memcpy(ret->peaks[level - 1], peaks.s, SHA256_LEN);
		peaks = str_from(peaks, SHA256_LEN);
	}
	return ERR_OK;
}

/* ---- proofs ------------------------------------------------------------ */

/* The largest power of two below n; n > 1. */
static uint64_t
split_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

void
merkle_proof_init(struct merkle_proof *p, uint64_t index, uint64_t size)
{
	uint64_t start = 0, end = size;
	size_t n = 0;

	assert(index < size);
	memset(p, 0, sizeof(*p));
	p->index = index;
	p->size = size;
	/* From the root down, each step leaves one sibling aside. */
	while (end - start > 1) {
		const uint64_t middle = start + split_of(end - start);

		assert(n < MERKLE_LEVELS);
		if (index < middle) {
			p->start[n] = middle;
			p->end[n++] = end;
			end = middle;
		} else {
			p->start[n] = start;
			p->end[n++] = middle;
			start = middle;
		}
	}
	p->count = n;
	p->range = n;
}

/* The sibling that holds leaf at, or count when it is the proved leaf. */
static size_t
range_of(const struct merkle_proof *p, uint64_t at)
{
	size_t i = 0;

	while (i < p->count && (at < p->start[i] || at >= p->end[i]))
		i++;
	return i;
}

int
merkle_proof_leaf(struct merkle_proof *p, struct sha256 *h,
    const uint8_t leaf[static SHA256_LEN], struct err *e)
{
	const uint64_t at = p->at++;
	int r;

	assert(at < p->size);
	if (at == p->index)
		return ERR_OK;
	if (p->range == p->count || at >= p->end[p->range] ||
	    at < p->start[p->range]) {
		p->range = range_of(p, at);
		assert(p->range < p->count);
		memset(&p->subtree, 0, sizeof(p->subtree));
	}
	r = merkle_add(&p->subtree, h, leaf, e);
	if (r == 0 && at + 1 == p->end[p->range])
		/* The root was met first, the leaf's neighbour comes last. */
		r = merkle_root(
		    &p->subtree, h, p->path[p->count - 1 - p->range], e);
	return r;
}

int
merkle_proof_end(const struct merkle_proof *p, struct err *e)
{
	if (p->at != p->size)
		return err_set(e, ERR_INVALID, "only %llu of %llu rows",
		    (unsigned long long)p->at, (unsigned long long)p->size);
	return ERR_OK;
}

int
merkle_root_by_path(const struct merkle_proof *p, struct sha256 *h,
    const uint8_t leaf[static SHA256_LEN], uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	uint64_t fn = p->index, sn = p->size - 1;
	int r = 0;

	if (p->index >= p->size)
		return err_set(e, ERR_INVALID, "the index is beyond the tree");
	memcpy(ret, leaf, SHA256_LEN);
	for (size_t i = 0; r == 0 && i < p->count; i++) {
		if (sn == 0)
			return err_set(e, ERR_INVALID, "the proof is too long");
		if ((fn & 1) == 0 && fn != sn) {
			r = node(h, ret, p->path[i], ret, e);
			fn >>= 1;
			sn >>= 1;
			continue;
		}
		r = node(h, p->path[i], ret, ret, e);
		while ((fn & 1) == 0 && fn != 0) {
			fn >>= 1;
			sn >>= 1;
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r == 0 && sn != 0)
		return err_set(e, ERR_INVALID, "the proof is too short");
	return r;
}
