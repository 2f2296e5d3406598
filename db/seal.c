/*
 * Write signed checkpoints beside the store.
 * Runs in: engine.  Trusts: nothing in the file but what its key signed.
 * Owns: the checkpoints file, opened for appending.
 */
#include "seal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "seal_int.h"
#include "store_limits.h"

#define TAIL_BYTES ((off_t)(3 * NOTE_BYTES_MAX))

void
seal_path(const struct seal *s, const char *name, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%s/%s", s->dir, name);
}

/* ---- the file ---------------------------------------------------------- */

static int
file_open(struct seal *s, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct stat st;
	int r;

	seal_path(s, SEAL_FILE, &path);
	r = buf_done(&path, e);
	if (r != 0)
		return r;
	s->fd = open(buf_cstr(&path),
	    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return err_sys(e, "cannot open '%s'", buf_cstr(&path));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "'%s' is not a regular file",
		    buf_cstr(&path));
	s->len = st.st_size;
	return ERR_OK;
}

/* Where the first whole note of a tail of the file begins. */
static struct str
after_gap(struct str s)
{
	const size_t at = str_search(s, STR("\n\nassent/"));

	return str_from(s, at == s.len ? s.len : at + 2);
}

/*
 * The last whole note, which stays unchanged when there is none. *ret_rest is
 * what follows it: empty, or the beginning of a note that was being written
 * when the machine stopped.
 */
static int
last_note(
    struct str rest, struct note *ret, struct str *ret_rest, struct err *e)
{
	while (rest.len > 0) {
		struct note n;
		int r = note_parse(rest, &n, e);

		if (r != 0 && note_is_unfinished(rest))
			break;
		if (r != 0)
			return r;
		*ret = n;
		rest = str_from(rest, n.len);
		while (rest.len > 0 && rest.s[0] == '\n')
			rest = str_from(rest, 1);
	}
	*ret_rest = rest;
	return ERR_OK;
}

static int
file_read_end(struct seal *s, struct note *ret, struct buf *tail, struct err *e)
{
	const off_t from = s->len > TAIL_BYTES ? s->len - TAIL_BYTES : 0;
	struct str text, rest = STR_NONE;
	char *to = buf_reserve(tail, (size_t)(s->len - from));
	int r;

	if (to == NULL)
		return buf_done(tail, e);
	if (pread(s->fd, to, (size_t)(s->len - from), from) != s->len - from)
		return err_sys(e, "cannot read the checkpoints");
	buf_advance(tail, (size_t)(s->len - from));
	text = from == 0 ? buf_str(tail) : after_gap(buf_str(tail));
	r = last_note(text, ret, &rest, e);
	if (r == 0 && from > 0 && ret->text.len == 0)
		r = err_set(e, ERR_INVALID, "no whole checkpoint at its end");
	if (r == ERR_INVALID)
		return err_wrap(e, r,
		    "'%s/" SEAL_FILE "' is damaged (restore it from a copy)",
		    s->dir);
	if (r != 0)
		return r;
	if (rest.len == 0)
		return ERR_OK;
	/* Only what was never whole is taken away. */
	s->len -= (off_t)rest.len;
	if (ftruncate(s->fd, s->len) != 0)
		return err_sys(e, "cannot mend the checkpoints");
	return ERR_OK;
}

int
seal_open(const struct seal_options *o, struct seal **ret, struct err *e)
{
	AUTO_BUF struct buf tail = BUF_INIT((size_t)TAIL_BYTES + 1);
	AUTO(seal_closep) struct seal *s = mem_new(1, sizeof(*s));
	struct note last = { .size = 0 };
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->fd = -1;
	s->last = (struct buf)BUF_INIT(NOTE_BYTES_MAX);
	s->key_life_ns = o->key_life_ns != 0
	    ? o->key_life_ns
	    : SEAL_KEY_SECONDS * INT64_C(1000000000);
	s->dir = mem_strndup(o->dir, strlen(o->dir));
	if (s->dir == NULL)
		return err_nomem(e);
	r = file_open(s, e);
	if (r == 0)
		r = file_read_end(s, &last, &tail, e);
	if (r == 0)
		r = seal_key_open(s, o->origin, &last, e);
	if (r != 0)
		return r;
	s->size = last.size;
	memcpy(s->root, last.root, SHA256_LEN);
	if (last.text.s != NULL)
		buf_put(&s->last, last.text.s, last.len);
	*ret = TAKE_PTR(s);
	return ERR_OK;
}

void
seal_close(struct seal *s)
{
	if (s == NULL)
		return;
	note_key_free(s->key);
	fd_closep(&s->fd);
	mem_freep(&s->dir);
	buf_free(&s->last);
	mem_freep(&s);
}

void
seal_closep(struct seal **s)
{
	seal_close(*s);
	*s = NULL;
}

const char *
seal_origin(const struct seal *s)
{
	return note_key_public(s->key)->name;
}

const struct note_public *
seal_public(const struct seal *s)
{
	return note_key_public(s->key);
}

uint64_t
seal_size(const struct seal *s)
{
	return s->size;
}

const uint8_t *
seal_root(const struct seal *s)
{
	return s->root;
}

struct str
seal_note(const struct seal *s)
{
	return s->last.failed == 0 ? buf_str(&s->last) : STR_NONE;
}

/* ---- writing ----------------------------------------------------------- */

static int
append(struct seal *s, const struct buf *note, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(NOTE_BYTES_MAX + 1);
	int r;

	/* Half a note from a write that failed must not be in the way. */
	if (s->half && ftruncate(s->fd, s->len) != 0)
		return err_sys(e, "cannot mend the checkpoints");
	s->half = false;
	if (s->len > 0)
		buf_putc(&out, '\n');
	buf_put_str(&out, buf_str(note));
	r = buf_done(&out, e);
	if (r != 0)
		return r;
	s->half = true;
	r = fdio_write_all(s->fd, out.s, out.len, e);
	if (r == 0 && fdatasync(s->fd) != 0)
		r = err_sys(e, "cannot sync the checkpoints");
	if (r != 0)
		return r;
	s->half = false;
	s->len += (off_t)out.len;
	return ERR_OK;
}

int
seal_write(struct seal *s, uint64_t size, const uint8_t root[static SHA256_LEN],
    int64_t now_real_ns, struct err *e)
{
	AUTO(note_key_freep) struct note_key *next = NULL;
	AUTO_BUF struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint c = { .origin = seal_origin(s),
		.size = size,
		.time_real_ns = now_real_ns };
	int r = 0;

	memcpy(c.root, root, SHA256_LEN);
	if (now_real_ns - s->key_since_ns >= s->key_life_ns) {
		r = seal_key_next(s, &next, e);
		if (r == 0)
			c.next = note_key_public(next);
	}
	if (r == 0)
		r = note_sign(s->key, &c, &note, e);
	if (r == 0)
		r = append(s, &note, e);
	if (r != 0)
		return err_wrap(e, r, "cannot write a checkpoint");
	s->size = size;
	memcpy(s->root, root, SHA256_LEN);
	buf_reset(&s->last);
	buf_put_str(&s->last, buf_str(&note));
	if (next != NULL)
		seal_key_take_over(s, TAKE_PTR(next), now_real_ns);
	return ERR_OK;
}
