/*
 * Receipts: what proves to the executor that a row is durable (I1).
 * Runs in: engine.  Trusts: store_tx.c, which settles them.  Owns: nothing;
 * receipts are the caller's, the recorder only knows those not yet settled.
 */
#include <string.h>

#include "base/mem.h"
#include "store_int.h"

struct receipt {
	bool durable;
	enum row_kind kind;
	uint64_t seq;
	uint8_t action_sha256[SHA256_LEN];
	char action_id[ACTION_ID_MAX];
	/* Among those of the open transaction; then both NULL. */
	struct recorder *recorder;
	struct receipt *next, *prev;
};

/* Until the commit has returned a receipt says nothing at all. */
const char *
receipt_action_id(const struct receipt *r)
{
	return r->durable ? r->action_id : "";
}

const uint8_t *
receipt_action_sha256(const struct receipt *r)
{
	static const uint8_t none[SHA256_LEN] = { 0 };

	return r->durable ? r->action_sha256 : none;
}

enum row_kind
receipt_kind(const struct receipt *r)
{
	return r->durable ? r->kind : ROW_INVALID;
}

uint64_t
receipt_seq(const struct receipt *r)
{
	return r->durable ? r->seq : 0;
}

static void
forget(struct receipt *r)
{
	if (r->recorder == NULL)
		return;
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		r->recorder->pending = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	r->recorder = NULL;
	r->next = NULL;
	r->prev = NULL;
}

void
receipt_free(struct receipt *r)
{
	if (r == NULL)
		return;
	forget(r);
	mem_freep(&r);
}

void
receipt_freep(struct receipt **r)
{
	receipt_free(*r);
	*r = NULL;
}

int
receipt_new(struct recorder *rec, const struct row *row, uint64_t seq,
    struct receipt **ret, struct err *e)
{
	struct receipt *r = mem_new(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->kind = row->kind;
	r->seq = seq;
	if (row->action_sha256 != NULL)
		memcpy(r->action_sha256, row->action_sha256, SHA256_LEN);
	if (row->action_id != NULL)
		memcpy(r->action_id, row->action_id, strlen(row->action_id));
	r->recorder = rec;
	r->next = rec->pending;
	if (r->next != NULL)
		r->next->prev = r;
	rec->pending = r;
	*ret = r;
	return ERR_OK;
}

void
receipts_settle(struct recorder *r, bool durable)
{
	while (r->pending != NULL) {
		r->pending->durable = durable;
		forget(r->pending);
	}
}
