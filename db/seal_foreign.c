/*
 * Checkpoints that were kept elsewhere: a copy of the file, or an export of
 * the log in which they are words among others.
 * Runs in: assent.  Trusts: the keys of the set, nothing else.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "model/checkpoint_word.h"
#include "seal_int.h"
#include "store_limits.h"

static bool
knows_key(const struct seal_set *s, const struct note_public *p)
{
	for (size_t k = 0; k < s->key_count; k++) {
		if (memcmp(s->keys[k].bytes, p->bytes, NOTE_PUBLIC_LEN) == 0)
			return true;
	}
	return false;
}

/* By whichever key of this log; one that it hands over to is known then. */
static int
add_note(struct seal_set *s, const struct note *n, struct err *e)
{
	int r = ERR_DENIED;

	for (size_t k = 0; r == ERR_DENIED && k < s->key_count; k++)
		r = note_verify(n, &s->keys[k], e);
	if (r == ERR_DENIED)
		return err_set(e, r,
		    "it is not signed by a key that this log knows: it is "
		    "forged, or an older copy of the log was put in place");
	if (r == 0)
		r = seal_set_put_point(s, n, true, e);
	if (r == 0 && n->has_next && !knows_key(s, &n->next))
		r = seal_set_put_key(s, &n->next, e);
	return r;
}

/* ---- a copy of the file --------------------------------------------------- */

static int
add_file(struct seal_set *s, const char *path, struct str rest, struct err *e)
{
	for (size_t count = 1; rest.len > 0; count++) {
		struct note n;
		int r = note_parse(rest, &n, e);

		if (r == 0)
			r = add_note(s, &n, e);
		if (r != 0)
			return seal_damaged(path, count, r, e);
		rest = seal_skip_between(str_from(rest, n.len));
	}
	return ERR_OK;
}

/* ---- words of an export --------------------------------------------------- */

/* Of this log? A central collector holds those of many. */
static bool
is_ours(const struct seal_set *s, struct str text, struct note *ret)
{
	return note_parse(text, ret, NULL) == 0 &&
	    str_eqz(ret->origin, s->keys[0].name);
}

static int
add_words(struct seal_set *s, const char *path, struct str text, struct err *e)
{
	AUTO_BUF struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	size_t count = 0;

	while (checkpoint_word_next(&text, &note)) {
		struct note n;
		int r;

		if (!is_ours(s, buf_str(&note), &n))
			continue;
		count++;
		r = add_note(s, &n, e);
		if (r != 0)
			return seal_damaged(path, count, r, e);
	}
	return count > 0 ? ERR_OK
			 : err_set(e, ERR_INVALID,
			       "'%s' holds no checkpoint of this log", path);
}

int
seal_set_add(struct seal_set *s, const char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SEAL_FILE_BYTES_MAX);
	struct str rest;
	const int r = seal_read_file(path, &text, e);

	if (r != 0)
		return r;
	rest = seal_skip_between(buf_str(&text));
	return str_search(rest, STR(CHECKPOINT_WORD)) == rest.len &&
		rest.len > 0
	    ? add_file(s, path, rest, e)
	    : add_words(s, path, rest, e);
}
