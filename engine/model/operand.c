/*
 * Operands as a record: what a launcher says of files, and what is stored.
 * Runs in: engine, assent-exec.  Trusts: nothing that it reads.
 * Owns: nothing.
 */
#include <string.h>

#include "model/action.h"

#define IS_FROZEN 1
#define IS_TREE 2

void
operands_encode(const struct operand *list, size_t count, struct buf *out)
{
	rec_put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		rec_put_cstr(out, list[i].named);
		rec_put_cstr(out, list[i].path);
		rec_put_u8(out, (uint8_t)list[i].state);
		rec_put_u8(out, list[i].edited);
		rec_put_u8(out,
		    (uint8_t)((list[i].frozen ? IS_FROZEN : 0) |
			(list[i].tree ? IS_TREE : 0)));
		buf_put(out, list[i].sha256, SHA256_LEN);
		rec_put_cstr(out, list[i].why);
	}
}

static void
decode_one(struct rec *r, struct arena *a, struct operand *to)
{
	struct str sha256;
	uint8_t is;

	to->named = rec_cstr(r, a);
	to->path = rec_cstr(r, a);
	to->state = (enum operand_state)rec_u8(r);
	to->edited = rec_u8(r) != 0;
	is = rec_u8(r);
	to->frozen = (is & IS_FROZEN) != 0;
	to->tree = (is & IS_TREE) != 0;
	sha256 = rec_bytes(r, SHA256_LEN);
	to->why = rec_cstr(r, a);
	if (r->failed || to->named == NULL || to->state > OPERAND_TREE) {
		r->failed = 1;
		return;
	}
	memcpy(to->sha256, sha256.s, SHA256_LEN);
}

void
operands_decode(
    struct rec *r, struct arena *a, struct operand **ret, size_t *ret_count)
{
	const size_t count = rec_count(r, ACTION_FILES_MAX);
	struct operand *list = arena_array(a, count + 1, sizeof(*list));

	if (list == NULL) {
		r->failed = 1;
		return;
	}
	for (size_t i = 0; !r->failed && i < count; i++)
		decode_one(r, a, &list[i]);
	*ret = list;
	*ret_count = count;
}
