/*
 * The Merkle tree against its definition in RFC 6962, and proofs for every
 * leaf of every small tree.
 * Runs in: tests.
 */
#include "db_test.h"

#include "base/text.h"
#include "merkle.h"

#define LEAVES 70

struct tools {
	struct sha256 *sha;
	uint8_t leaves[LEAVES][SHA256_LEN];
};

static int
setup(void **state)
{
	struct tools *t = mem_new(1, sizeof(*t));
	struct err e = ERR_INIT;

	must(sha256_new(&t->sha, &e), &e);
	for (unsigned i = 0; i < LEAVES; i++) {
		const uint8_t leaf[] = { 0x00, (uint8_t)i };

		must(sha256_of(leaf, sizeof(leaf), t->leaves[i], &e), &e);
	}
	*state = t;
	return 0;
}

static int
teardown(void **state)
{
	struct tools *t = *state;

	sha256_free(t->sha);
	mem_freep(&t);
	return 0;
}

/* MTH of RFC 6962, 2.1, word for word. */
static void
naive_root(uint8_t (*leaves)[SHA256_LEN], size_t n, uint8_t ret[SHA256_LEN])
{
	uint8_t bytes[1 + 2 * SHA256_LEN] = { 0x01 };
	struct err e = ERR_INIT;
	size_t k = 1;

	if (n == 0) {
		must(sha256_of("", 0, ret, &e), &e);
		return;
	}
	if (n == 1) {
		memcpy(ret, leaves[0], SHA256_LEN);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	naive_root(leaves, k, bytes + 1);
	naive_root(leaves + k, n - k, bytes + 1 + SHA256_LEN);
	must(sha256_of(bytes, sizeof(bytes), ret, &e), &e);
}

static void
the_root_is_that_of_the_definition(void **state)
{
	struct tools *t = *state;
	struct merkle m = { 0 };
	struct err e = ERR_INIT;
	uint8_t got[SHA256_LEN], want[SHA256_LEN];

	for (size_t n = 0; n <= LEAVES; n++) {
		must(merkle_root(&m, t->sha, got, &e), &e);
		naive_root(t->leaves, n, want);
		assert_memory_equal(got, want, SHA256_LEN);
		if (n < LEAVES)
			must(merkle_add(&m, t->sha, t->leaves[n], &e), &e);
	}
}

/* The trees that certificate transparency publishes for its implementers. */
static void
the_root_is_that_of_known_trees(void **state)
{
	static const struct {
		const char *leaf, *root;
	} known[] = {
		{ "",
		    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30"
		    "617afa01d" },
		{ "00",
		    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d986"
		    "62f00e3c125" },
		{ "10",
		    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba15915"
		    "8f329e06e77" },
		{ "2021",
		    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b3"
		    "0cd95209614b7" },
		{ "3031",
		    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfc"
		    "e4c13a86264d4" },
		{ "40414243",
		    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce7527"
		    "7b5232a127f2087ef" },
		{ "5051525354555657",
		    "ddb89be403809e325750d3d263cd78929c2942b"
		    "7942a34b77e122c9594a74c8c" },
		{ "606162636465666768696a6b6c6d6e6f",
		    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff"
		    "4604328" },
	};
	struct tools *t = *state;
	struct merkle m = { 0 };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t bytes[1 + 16] = { 0x00 };
		uint8_t leaf[SHA256_LEN], got[SHA256_LEN], want[SHA256_LEN];
		const size_t len = strlen(known[i].leaf) / 2;

		if (len > 0)
			must(text_unhex(str_of(known[i].leaf), bytes + 1, len),
			    &e);
		must(sha256_of(bytes, 1 + len, leaf, &e), &e);
		must(merkle_add(&m, t->sha, leaf, &e), &e);
		must(merkle_root(&m, t->sha, got, &e), &e);
		must(text_unhex(str_of(known[i].root), want, SHA256_LEN), &e);
		assert_memory_equal(got, want, SHA256_LEN);
	}
}

static void
make_proof(
    struct tools *t, uint64_t index, uint64_t size, struct merkle_proof *p)
{
	struct err e = ERR_INIT;

	merkle_proof_init(p, index, size);
	for (uint64_t i = 0; i < size; i++)
		must(merkle_proof_leaf(p, t->sha, t->leaves[i], &e), &e);
	must(merkle_proof_end(p, &e), &e);
}

static void
every_leaf_of_every_tree_is_proved(void **state)
{
	struct tools *t = *state;
	struct err e = ERR_INIT;
	uint8_t got[SHA256_LEN], want[SHA256_LEN];

	for (uint64_t size = 1; size <= LEAVES; size++) {
		naive_root(t->leaves, size, want);
		for (uint64_t index = 0; index < size; index++) {
			struct merkle_proof p;

			make_proof(t, index, size, &p);
			must(merkle_root_by_path(
				 &p, t->sha, t->leaves[index], got, &e),
			    &e);
			assert_memory_equal(got, want, SHA256_LEN);
		}
	}
}

/* The root that a proof leads to, or all zeros where it is refused. */
static void
root_or_zero(struct tools *t, const struct merkle_proof *p,
    const uint8_t leaf[SHA256_LEN], uint8_t ret[SHA256_LEN])
{
	if (merkle_root_by_path(p, t->sha, leaf, ret, NULL) != 0)
		memset(ret, 0, SHA256_LEN);
}

static void
a_changed_proof_leads_elsewhere(void **state)
{
	struct tools *t = *state;
	uint8_t got[SHA256_LEN], want[SHA256_LEN];
	struct merkle_proof p, q;

	naive_root(t->leaves, 37, want);
	make_proof(t, 20, 37, &p);
	for (size_t i = 0; i < p.count; i++) {
		q = p;
		q.path[i][i] ^= 1;
		root_or_zero(t, &q, t->leaves[20], got);
		assert_memory_not_equal(got, want, SHA256_LEN);
	}
	root_or_zero(t, &p, t->leaves[21], got);
	assert_memory_not_equal(got, want, SHA256_LEN);
	q = p;
	q.index = 21;
	root_or_zero(t, &q, t->leaves[20], got);
	assert_memory_not_equal(got, want, SHA256_LEN);
	q = p;
	q.count--;
	root_or_zero(t, &q, t->leaves[20], got);
	assert_memory_not_equal(got, want, SHA256_LEN);
	q = p;
	q.count++;
	root_or_zero(t, &q, t->leaves[20], got);
	assert_memory_not_equal(got, want, SHA256_LEN);
}

static void
peaks_are_kept_and_taken_up_again(void **state)
{
	struct tools *t = *state;
	struct err e = ERR_INIT;

	for (size_t cut = 0; cut <= LEAVES; cut++) {
		AUTO_BUF struct buf b = BUF_INIT(4096);
		struct merkle m = { 0 }, again;
		uint8_t got[SHA256_LEN], want[SHA256_LEN];

		for (size_t i = 0; i < cut; i++)
			must(merkle_add(&m, t->sha, t->leaves[i], &e), &e);
		merkle_put(&m, &b);
		must(merkle_get(cut, buf_str(&b), &again, &e), &e);
		for (size_t i = cut; i < LEAVES; i++)
			must(merkle_add(&again, t->sha, t->leaves[i], &e), &e);
		must(merkle_root(&again, t->sha, got, &e), &e);
		naive_root(t->leaves, LEAVES, want);
		assert_memory_equal(got, want, SHA256_LEN);
		assert_int_equal(
		    merkle_get(cut + 1, buf_str(&b), &again, &e) == 0,
		    __builtin_popcountll(cut) == __builtin_popcountll(cut + 1));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_that_of_the_definition),
		cmocka_unit_test(the_root_is_that_of_known_trees),
		cmocka_unit_test(every_leaf_of_every_tree_is_proved),
		cmocka_unit_test(a_changed_proof_leads_elsewhere),
		cmocka_unit_test(peaks_are_kept_and_taken_up_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
