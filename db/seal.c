/*
 * Write signed checkpoints; make, hand over and erase the signing keys.
 * Runs in: engine.  Trusts: the state folder as far as the key in it does
 * not contradict the store.  Owns: the key, the checkpoints file.
 */
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/text.h"
#include "store_limits.h"

#define NEXT_KEY_FILE SEAL_KEY_FILE ".next"
#define KEY_FILE_BYTES_MAX ((size_t)1024)
#define ORIGIN_RANDOM_LEN 8
#define TAIL_BYTES ((off_t)(3 * NOTE_BYTES_MAX))

struct seal {
	char *dir;
	struct note_key *key;
	int64_t key_since_ns, key_life_ns;
	int fd; /* checkpoints, for appending */
	off_t len;
	bool half; /* the file may go on after len */
	uint64_t size;
	uint8_t root[SHA256_LEN];
};

static void
path_of(const struct seal *s, const char *name, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%s/%s", s->dir, name);
}

/* ---- keys -------------------------------------------------------------- */

/* ERR_NOTFOUND when there is no such file. */
static int
key_read(const struct seal *s, const char *name, struct note_key **ret,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(KEY_FILE_BYTES_MAX);
	struct stat st;
	int r;

	path_of(s, name, &path);
	r = buf_done(&path, e);
	if (r != 0)
		return r;
	if (lstat(buf_cstr(&path), &st) != 0)
		return errno == ENOENT
		    ? ERR_NOTFOUND
		    : err_sys(e, "cannot stat '%s'", buf_cstr(&path));
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' can be read by others: chmod 600 it, and treat the "
		    "key as known",
		    buf_cstr(&path));
	r = fdio_read_file(buf_cstr(&path), &text, e);
	if (r == 0)
		r = note_key_parse(buf_str(&text), ret, e);
	if (text.s != NULL)
		explicit_bzero(text.s, text.cap);
	return r == 0 ? ERR_OK : err_wrap(e, r, "'%s'", buf_cstr(&path));
}

static int
key_write(const struct seal *s, const char *name, const struct note_key *k,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(KEY_FILE_BYTES_MAX);
	int r = note_key_print(k, &text, e);

	path_of(s, name, &path);
	if (r == 0)
		r = buf_done(&path, e);
	if (r == 0)
		r = fdio_write_file(
		    buf_cstr(&path), text.s, text.len, S_IRUSR | S_IWUSR, e);
	if (text.s != NULL)
		explicit_bzero(text.s, text.cap);
	return r;
}

static int
public_write(const struct seal *s, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(KEY_FILE_BYTES_MAX);
	int r;

	note_public_print(note_key_public(s->key), &text);
	buf_putc(&text, '\n');
	path_of(s, SEAL_PUBLIC_FILE, &path);
	r = buf_done(&text, e);
	if (r == 0)
		r = buf_done(&path, e);
	if (r == 0)
		r = fdio_write_file(buf_cstr(&path), text.s, text.len, 0644, e);
	return r;
}

/* Best effort: a journal or a snapshot of the file system may remember. */
static void
key_erase(const char *path)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	char zeros[256] = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(zeros)) {
		const off_t left = st.st_size - at;
		const size_t n =
		    left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);

		if (pwrite(fd, zeros, n, at) < 0)
			return;
	}
	(void)fdatasync(fd);
}

/* The announcement is durable: the next key is the key. */
static int
key_take_over(struct seal *s, struct err *e)
{
	AUTO_BUF struct buf from = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf to = BUF_INIT(PATH_BYTES_MAX);
	int r;

	path_of(s, NEXT_KEY_FILE, &from);
	path_of(s, SEAL_KEY_FILE, &to);
	r = buf_done(&from, e);
	if (r == 0)
		r = buf_done(&to, e);
	if (r != 0)
		return r;
	key_erase(buf_cstr(&to));
	if (rename(buf_cstr(&from), buf_cstr(&to)) != 0)
		return err_sys(e, "cannot rename '%s'", buf_cstr(&from));
	return ERR_OK;
}

static int
key_create(struct seal *s, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(NOTE_NAME_MAX);
	uint8_t random[ORIGIN_RANDOM_LEN];
	int r;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, "cannot get random bytes for a name");
	buf_puts(&name, "assent/");
	text_hex(&name, random, sizeof(random));
	r = buf_done(&name, e);
	if (r == 0)
		r = note_key_new(buf_cstr(&name), &s->key, e);
	if (r == 0)
		r = key_write(s, SEAL_KEY_FILE, s->key, e);
	return r;
}

static bool
same_public(const struct note_public *a, const struct note_public *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 &&
	    str_eqz(str_of(a->name), b->name);
}

/* ---- the file ---------------------------------------------------------- */

static int
file_open(struct seal *s, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct stat st;
	int r;

	path_of(s, SEAL_FILE, &path);
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

/* ---- opening ----------------------------------------------------------- */

static int
lost(const struct seal *s, const char *what, struct err *e)
{
	return err_set(e, ERR_DENIED,
	    "%s: the log in '%s' was signed by a key that is not there any "
	    "more. Restore '" SEAL_KEY_FILE "' and '" SEAL_FILE
	    "' from a copy, or keep this folder as evidence and start with "
	    "an empty one",
	    what, s->dir);
}

/* The key that continues the file: log.key, or log.key.next when the last
 * note announces that one (the machine stopped before the rename). */
static int
key_settle(struct seal *s, const struct note *last, struct err *e)
{
	AUTO(note_key_freep) struct note_key *next = NULL;
	int r = key_read(s, NEXT_KEY_FILE, &next, e);

	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	if (last->size == 0 && last->text.len == 0)
		return ERR_OK;
	if (last->has_next) {
		if (next != NULL &&
		    same_public(note_key_public(next), &last->next)) {
			r = key_take_over(s, e);
			if (r != 0)
				return r;
			note_key_free(s->key);
			s->key = TAKE_PTR(next);
		}
		if (!same_public(note_key_public(s->key), &last->next))
			return lost(s, "the key was replaced", e);
		return ERR_OK;
	}
	r = note_verify(last, note_key_public(s->key), e);
	return r == ERR_DENIED ? lost(s, "the last checkpoint is not ours", e)
			       : r;
}

/* A log without a name has no rows: take the key that a start before may
 * have left, or make one. */
static int
key_first(struct seal *s, struct err *e)
{
	int r = key_read(s, SEAL_KEY_FILE, &s->key, e);

	if (r == ERR_NOTFOUND)
		r = key_create(s, e);
	if (r == 0)
		r = public_write(s, e);
	return r;
}

static int
key_open(struct seal *s, const char *origin, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct stat st;
	int r;

	if (origin == NULL) {
		r = key_first(s, e);
	} else {
		r = key_read(s, SEAL_KEY_FILE, &s->key, e);
		if (r == ERR_NOTFOUND)
			return lost(s, "there is no '" SEAL_KEY_FILE "'", e);
		if (r == 0 && !str_eqz(str_of(seal_origin(s)), origin))
			return lost(s, "the key belongs to another log", e);
	}
	if (r != 0)
		return r;
	path_of(s, SEAL_KEY_FILE, &path);
	if (stat(buf_cstr(&path), &st) != 0)
		return err_sys(e, "cannot stat '%s'", buf_cstr(&path));
	s->key_since_ns =
	    st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
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
	s->key_life_ns = o->key_life_ns != 0
	    ? o->key_life_ns
	    : SEAL_KEY_SECONDS * INT64_C(1000000000);
	s->dir = mem_strndup(o->dir, strlen(o->dir));
	if (s->dir == NULL)
		return err_nomem(e);
	r = key_open(s, o->origin, e);
	if (r == 0)
		r = file_open(s, e);
	if (r == 0)
		r = file_read_end(s, &last, &tail, e);
	if (r == 0)
		r = key_settle(s, &last, e);
	if (r != 0)
		return r;
	s->size = last.size;
	memcpy(s->root, last.root, SHA256_LEN);
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
		r = note_key_new(seal_origin(s), &next, e);
		if (r == 0)
			r = key_write(s, NEXT_KEY_FILE, next, e);
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
	if (next == NULL)
		return ERR_OK;
	r = key_take_over(s, e);
	if (r != 0)
		return r;
	note_key_free(s->key);
	s->key = TAKE_PTR(next);
	s->key_since_ns = now_real_ns;
	return ERR_OK;
}
