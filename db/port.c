/*
 * The store as the recorder of core/ports.h.
 * Runs in: engine.  Trusts: its caller is the only thread.  Owns: nothing.
 */
#include <string.h>

#include "cursor.h"
#include "mask_key.h"
#include "retain.h"
#include "store_int.h"
#include "verify.h"

static int
port_open(const char *state_dir, struct recorder **ret, struct err *e)
{
	const struct store_options o = {
		.state_dir = state_dir,
		.lock_wait_ms = LOCK_WAIT_MS,
	};

	return store_open(&o, ret, e);
}

/* A second connection that only reads: it sees what is durable. */
int
store_need_reader(struct recorder *r, struct err *e)
{
	if (r->reader != NULL)
		return ERR_OK;
	return reader_open(buf_cstr(&r->path), r->o.vfs, &r->reader, e);
}

struct lister {
	log_row_fn *fn;
	void *ctx;
	struct buf json;
};

static int
list_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct lister *l = ctx;
	int done;

	buf_reset(&l->json);
	row_json(v, &l->json);
	done = buf_done(&l->json, e);
	return done == 0 ? l->fn(l->ctx, v->row->seq, buf_str(&l->json), e)
			 : done;
}

static int
port_list(struct recorder *r, const struct log_filter *f, log_row_fn *fn,
    void *ctx, struct err *e)
{
	const struct log_query q = {
		.from_seq = f->from_seq,
		.limit = f->limit,
		.action_id = f->action_id,
		.session = f->session,
	};
	struct lister l = {
		.fn = fn,
		.ctx = ctx,
		.json = BUF_INIT(LOG_JSON_BYTES_MAX),
	};
	int done = store_need_reader(r, e);

	if (done == 0)
		done = reader_each(r->reader, &q, list_row, &l, e);
	buf_free(&l.json);
	return done;
}

static int
port_verify(struct recorder *r, uint64_t *ret_seq, struct err *e)
{
	const struct verify_options o = { .state_dir = buf_cstr(&r->dir) };
	struct verify_result v;
	const int done = verify_log(&o, &v, e);

	*ret_seq = v.rows;
	return done;
}

static void
port_head(
    struct recorder *r, uint64_t *ret_seq, uint8_t ret_hash[static SHA256_LEN])
{
	*ret_seq = r->durable.seq;
	memcpy(ret_hash, r->durable.hash, SHA256_LEN);
}

static int
port_cursor_get(
    struct recorder *r, const char *name, uint64_t *ret, struct err *e)
{
	return cursor_read(buf_cstr(&r->dir), name, ret, e);
}

static int
port_cursor_put(
    struct recorder *r, const char *name, uint64_t seq, struct err *e)
{
	return cursor_write(buf_cstr(&r->dir), name, seq, e);
}

static int
port_mask_key(struct recorder *r, uint8_t ret[static SHA256_LEN], struct err *e)
{
	return mask_key_load(buf_cstr(&r->dir), true, ret, e);
}

static uint64_t
port_checkpoint(struct recorder *r, struct str *ret_note)
{
	*ret_note = seal_note(r->seal);
	return ret_note->len > 0 ? seal_size(r->seal) : 0;
}

static void
port_seal(struct recorder *r)
{
	if (r->trouble == TROUBLE_NONE && !r->in_transaction)
		store_seal(r);
}

const struct recorder_port db_recorder = {
	.open = port_open,
	.close = store_close,
	.append = store_append,
	.put_open = store_put_open,
	.commit = store_commit,
	.healthy = store_healthy,
	.recover = store_recover,
	.each_open = store_each_open,
	.find_idempotent = store_find_idempotent,
	.get_open = store_get_open,
	.list = port_list,
	.verify = port_verify,
	.head = port_head,
	.cursor_get = port_cursor_get,
	.cursor_put = port_cursor_put,
	.memo_put = store_memo_put,
	.memo_get = store_memo_get,
	.mask_key = port_mask_key,
	.checkpoint = port_checkpoint,
	.seal = port_seal,
	.retain = store_retain,
	.idle = store_idle,
};
