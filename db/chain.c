/*
 * The canonical record of a row and its hash.
 * Runs in: engine, assent.  Trusts: nothing in records.  Owns: nothing.
 */
#include "chain.h"

#include <assert.h>
#include <string.h>

#include "store_limits.h"

#define LEAF 0x00 /* RFC 6962, 2.1: leaves and nodes differ */

/* A missing text is not an empty one. */
static void
put_text(struct buf *out, struct str s)
{
	rec_put_u8(out, s.s != NULL);
	if (s.s != NULL)
		rec_put_str(out, s);
}

static void
put_hash(struct buf *out, const uint8_t *hash)
{
	rec_put_u8(out, hash != NULL);
	if (hash != NULL)
		buf_put(out, hash, SHA256_LEN);
}

void
chain_encode(const struct log_row *row, const uint8_t prev[static SHA256_LEN],
    struct buf *out)
{
	rec_put_u8(out, CHAIN_RECORD_VERSION);
	rec_put_u64(out, row->seq);
	rec_put_i64(out, row->time_real_ns);
	put_text(out, row->kind);
	put_text(out, row->action_id);
	put_text(out, row->session);
	rec_put_u64(out, row->uid);
	put_text(out, row->tool);
	put_text(out, row->decision);
	put_text(out, row->decided_by);
	put_text(out, row->rule);
	put_hash(out, row->action_sha256);
	put_hash(out, row->policy_sha256);
	put_hash(out, row->body_sha256);
	buf_put(out, prev, SHA256_LEN);
}

/* One byte that says whether there is something; anything else is an error. */
static bool
get_present(struct rec *r)
{
	const uint8_t flag = rec_u8(r);

	if (flag > 1)
		r->failed = 1;
	return flag == 1 && !r->failed;
}

static struct str
get_text(struct rec *r)
{
	return get_present(r) ? rec_str(r) : STR_NONE;
}

static const uint8_t *
get_hash(struct rec *r)
{
	return get_present(r) ? (const uint8_t *)rec_bytes(r, SHA256_LEN).s
			      : NULL;
}

int
chain_decode(struct str record, struct log_row *ret, const uint8_t **ret_prev,
    struct err *e)
{
	struct rec r = rec_of(record);
	struct log_row row = { 0 };

	if (rec_u8(&r) != CHAIN_RECORD_VERSION)
		return err_set(e, ERR_INVALID, "not a record of version %d",
		    CHAIN_RECORD_VERSION);
	row.seq = rec_u64(&r);
	row.time_real_ns = rec_i64(&r);
	row.kind = get_text(&r);
	row.action_id = get_text(&r);
	row.session = get_text(&r);
	row.uid = rec_u64(&r);
	row.tool = get_text(&r);
	row.decision = get_text(&r);
	row.decided_by = get_text(&r);
	row.rule = get_text(&r);
	row.action_sha256 = get_hash(&r);
	row.policy_sha256 = get_hash(&r);
	row.body_sha256 = get_hash(&r);
	*ret_prev = (const uint8_t *)rec_bytes(&r, SHA256_LEN).s;
	if (rec_done(&r, e) != 0 || row.body_sha256 == NULL)
		return err_set(e, ERR_INVALID, "the record is damaged");
	*ret = row;
	return ERR_OK;
}

int
chain_hash(struct sha256 *h, struct str record, uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	static const uint8_t leaf = LEAF;
	int r = sha256_add(h, &leaf, 1, e);

	if (r == 0)
		r = sha256_add(h, record.s, record.len, e);
	if (r == 0)
		r = sha256_end(h, ret, e);
	return r;
}

int
chain_tools_init(struct chain_tools *t, struct err *e)
{
	t->record = (struct buf)BUF_INIT(LOG_RECORD_BYTES_MAX);
	return sha256_new(&t->sha, e);
}

void
chain_tools_done(struct chain_tools *t)
{
	sha256_freep(&t->sha);
	buf_free(&t->record);
}

int
chain_next(struct chain *c, struct chain_tools *t, const struct log_row *row,
    struct err *e)
{
	uint8_t hash[SHA256_LEN];
	int r;

	assert(row->seq == c->seq + 1);
	assert(c->tree.size == c->seq);
	buf_reset(&t->record);
	chain_encode(row, c->hash, &t->record);
	r = buf_done(&t->record, e);
	if (r == 0)
		r = chain_hash(t->sha, buf_str(&t->record), hash, e);
	if (r == 0)
		r = merkle_add(&c->tree, t->sha, hash, e);
	if (r != 0)
		return r;
	memcpy(c->hash, hash, SHA256_LEN);
	c->seq = row->seq;
	return ERR_OK;
}
