/*
 * The files of a set in one piece.
 * Runs in: engine, assent.  Trusts: the state folder.  Owns: nothing.
 */
#include "archive.h"

void
archive_put(
    struct buf *out, const char *name, enum rule_layer layer, struct str text)
{
	rec_put_u8(out, (uint8_t)layer);
	rec_put_cstr(out, name);
	rec_put_str(out, text);
}

int
archive_read(struct str bytes, struct arena *a, struct rule_text **ret,
    size_t *ret_count, struct err *e)
{
	struct rec in = rec_of(bytes);
	AUTO_FREE struct rule_text *v = NULL;
	size_t count = 0, cap = 0;
	int r;

	while (in.rest.len > 0 && in.failed == 0) {
		if (count == RULE_FILES_MAX)
			return err_set(e, ERR_LIMIT, "too many files in a set");
		if (mem_grow(&v, &cap, count + 1, sizeof(*v)) != 0)
			return err_nomem(e);
		const uint8_t layer = rec_u8(&in);

		v[count] = (struct rule_text){
			.layer = (enum rule_layer)layer,
			.name = rec_cstr(&in, a),
			.text = rec_str(&in),
		};
		if (layer == LAYER_PACK || layer > LAYER_USER ||
		    v[count].name == NULL)
			return err_set(e, ERR_INVALID, "a kept set is damaged");
		count++;
	}
	r = rec_done(&in, e);
	if (r != 0)
		return r;
	*ret = TAKE_PTR(v);
	*ret_count = count;
	return ERR_OK;
}
