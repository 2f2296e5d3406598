/*
 * Read signed checkpoints and follow the keys that signed them.
 * Runs in: assent, engine.  Trusts: the first public key, nothing else.
 * Owns: the set.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "seal_int.h"
#include "store_limits.h"

void
seal_set_free(struct seal_set *s)
{
	mem_freep(&s->keys);
	mem_freep(&s->points);
	buf_free(&s->newest);
	buf_free(&s->handovers);
	*s = (struct seal_set)SEAL_SET_INIT;
}

int
seal_set_put_key(struct seal_set *s, const struct note_public *p, struct err *e)
{
	if (mem_grow(
		&s->keys, &s->key_cap, s->key_count + 1, sizeof(*s->keys)) != 0)
		return err_nomem(e);
	s->keys[s->key_count++] = *p;
	return ERR_OK;
}

int
seal_set_put_point(
    struct seal_set *s, const struct note *n, bool foreign, struct err *e)
{
	struct seal_point *p;

	if (mem_grow(&s->points, &s->cap, s->count + 1, sizeof(*s->points)) !=
	    0)
		return err_nomem(e);
	p = &s->points[s->count++];
	p->size = n->size;
	p->foreign = foreign;
	memcpy(p->root, n->root, SHA256_LEN);
	return ERR_OK;
}

/* Empty lines, and signatures of witnesses, which we do not judge. */
struct str
seal_skip_between(struct str rest)
{
	while (rest.len > 0) {
		const size_t end = str_find(rest, '\n');

		if (end != 0 && !str_starts(rest, STR("\xe2\x80\x94")))
			return rest;
		rest = str_from(rest, end + 1);
	}
	return rest;
}

int
seal_read_file(const char *path, struct buf *out, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0 && errno == ENOENT)
		return err_set(e, ERR_NOTFOUND, "there is no '%s'", path);
	return fdio_read_file(path, out, e);
}

/* What cannot be read as a note is as bad as one that is signed wrongly. */
int
seal_damaged(const char *path, size_t n, int code, struct err *e)
{
	if (code != ERR_INVALID && code != ERR_DENIED)
		return code;
	if (e != NULL)
		e->code = ERR_DENIED;
	return err_wrap(e, ERR_DENIED, "'%s', checkpoint %zu", path, n);
}

/* One note of our own file; the last key is the one that must have signed. */
static int
own_note(struct seal_set *s, const struct note *n, struct err *e)
{
	const uint64_t before =
	    s->count == 0 ? 0 : s->points[s->count - 1].size;
	int r = note_verify(n, &s->keys[s->key_count - 1], e);

	if (r != 0)
		return r;
	if (n->size < before)
		return err_set(e, ERR_DENIED,
		    "it signs %llu rows after one signed %llu: an older log "
		    "was put in place",
		    (unsigned long long)n->size, (unsigned long long)before);
	r = seal_set_put_point(s, n, false, e);
	if (r == 0 && n->has_next)
		r = seal_set_put_key(s, &n->next, e);
	return r;
}

/* What was the newest hands over: it is needed to trust what follows. */
static int
keep_text(
    struct seal_set *s, bool newest_hands_over, struct str note, struct err *e)
{
	int r;

	if (newest_hands_over) {
		buf_put_str(&s->handovers, buf_str(&s->newest));
		buf_putc(&s->handovers, '\n');
	}
	buf_reset(&s->newest);
	buf_put_str(&s->newest, note);
	r = buf_done(&s->handovers, e);
	return r == 0 ? buf_done(&s->newest, e) : r;
}

int
seal_set_parse(struct seal_set *s, const char *name, struct str text,
    const struct note_public *first, struct err *e)
{
	struct str rest = seal_skip_between(text);
	bool handed_over = false;
	struct note n;
	int r = seal_set_put_key(s, first, e);

	while (r == 0 && rest.len > 0) {
		r = note_parse(rest, &n, e);
		/* What was never finished holds no promise. */
		if (r != 0 && note_is_unfinished(rest)) {
			s->torn = true;
			return ERR_OK;
		}
		if (r == 0)
			r = own_note(s, &n, e);
		if (r != 0)
			return seal_damaged(name, s->count + 1, r, e);
		r = keep_text(s, handed_over, str_head(rest, n.len), e);
		handed_over = n.has_next;
		rest = seal_skip_between(str_from(rest, n.len));
	}
	return r;
}

int
seal_set_load(struct seal_set *s, const char *path,
    const struct note_public *first, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(SEAL_FILE_BYTES_MAX);
	const int r = seal_read_file(path, &text, e);

	return r == 0 ? seal_set_parse(s, path, buf_str(&text), first, e) : r;
}

static int
by_size(const void *a, const void *b)
{
	const struct seal_point *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

void
seal_set_sort(struct seal_set *s)
{
	if (s->count > 1)
		qsort(s->points, s->count, sizeof(*s->points), by_size);
}
