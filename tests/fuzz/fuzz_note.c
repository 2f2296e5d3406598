/*
 * Any bytes as checkpoints, as a record of the log and as a proof: nothing of
 * it is believed, and what can be read is read back the same.
 * Runs in: the fuzzer and its replay.  Trusts: nothing.  Owns: nothing.
 */
#include "proof.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "chain.h"
#include "seal.h"
#include "store_limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
as_record(struct str bytes)
{
	AUTO_BUF struct buf again = BUF_INIT(LOG_RECORD_BYTES_MAX);
	struct log_row row;
	const uint8_t *prev;

	if (bytes.len > LOG_RECORD_BYTES_MAX ||
	    chain_decode(bytes, &row, &prev, NULL) != 0)
		return;
	/* One row has one record. */
	chain_encode(&row, prev, &again);
	assert(str_eq(buf_str(&again), bytes));
}

/* The key of nobody: no input can be signed by it. */
static void
as_proof(struct str bytes)
{
	static const struct note_public nobody = { .name = "assent/nobody",
		.bytes = { 7 } };
	AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 20);
	struct seal_set seals = SEAL_SET_INIT;

	assert(proof_check(bytes, &nobody, &out, NULL) != 0);
	assert(seal_set_parse(&seals, "fuzz", bytes, &nobody, NULL) != 0 ||
	    seals.count == 0);
	seal_set_free(&seals);
}

static void
as_keys(struct str bytes)
{
	AUTO(note_key_freep) struct note_key *k = NULL;
	AUTO_BUF struct buf out = BUF_INIT(NOTE_BYTES_MAX);
	struct note_public p, again;

	(void)note_key_parse(bytes, &k, NULL);
	if (note_public_parse(bytes, &p, NULL) != 0)
		return;
	note_public_print(&p, &out);
	assert(note_public_parse(buf_str(&out), &again, NULL) == 0);
	assert(memcmp(p.bytes, again.bytes, sizeof(p.bytes)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = str_n((const char *)data, size);
	struct note n;

	if (note_parse(bytes, &n, NULL) == 0)
		assert(n.len <= size && !note_is_unfinished(bytes));
	as_record(bytes);
	as_proof(bytes);
	as_keys(bytes);
	return 0;
}
