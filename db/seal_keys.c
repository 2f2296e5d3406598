/*
 * The keys that sign checkpoints: made, handed over, erased.
 * Runs in: engine.  Trusts: the state folder as far as the keys in it do not
 * contradict the last checkpoint.  Owns: the key files.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/text.h"
#include "seal_int.h"
#include "store_limits.h"

#define NEXT_KEY_FILE SEAL_KEY_FILE ".next"
#define KEY_FILE_BYTES_MAX ((size_t)1024)
#define ORIGIN_RANDOM_LEN 8

/* ERR_NOTFOUND when there is no such file. */
static int
key_read(const struct seal *s, const char *name, struct note_key **ret,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(KEY_FILE_BYTES_MAX);
	struct stat st;
	int r;

	seal_path(s, name, &path);
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

	seal_path(s, name, &path);
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
	seal_path(s, SEAL_PUBLIC_FILE, &path);
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

/* log.key.next becomes log.key. Best effort: both are read at a start. */
static void
replace_key_file(const struct seal *s)
{
	AUTO_BUF struct buf from = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf to = BUF_INIT(PATH_BYTES_MAX);

	seal_path(s, NEXT_KEY_FILE, &from);
	seal_path(s, SEAL_KEY_FILE, &to);
	if (from.failed != 0 || to.failed != 0)
		return;
	key_erase(buf_cstr(&to));
	if (rename(buf_cstr(&from), buf_cstr(&to)) != 0)
		return;
}

void
seal_key_take_over(struct seal *s, struct note_key *next, int64_t now_real_ns)
{
	replace_key_file(s);
	note_key_free(s->key);
	s->key = next;
	s->key_since_ns = now_real_ns;
}

int
seal_key_next(const struct seal *s, struct note_key **ret, struct err *e)
{
	AUTO(note_key_freep) struct note_key *k = NULL;
	int r = note_key_new(seal_origin(s), &k, e);

	if (r == 0)
		r = key_write(s, NEXT_KEY_FILE, k, e);
	if (r == 0)
		*ret = TAKE_PTR(k);
	return r;
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

/* Whether k is the one that may sign what follows last. */
static int
continues(const struct note_key *k, const struct note *last, struct err *e)
{
	if (last->text.len == 0)
		return ERR_OK;
	if (!last->has_next)
		return note_verify(last, note_key_public(k), e);
	return same_public(note_key_public(k), &last->next)
	    ? ERR_OK
	    : err_set(e, ERR_DENIED, "another key was announced");
}

/* Reads one of the key files; takes it when it is the right one. */
static int
try_key(
    struct seal *s, const char *name, const struct note *last, struct err *e)
{
	AUTO(note_key_freep) struct note_key *k = NULL;
	int r = key_read(s, name, &k, e);

	if (r == 0)
		r = continues(k, last, e);
	if (r == 0)
		s->key = TAKE_PTR(k);
	return r;
}

/* log.key, or log.key.next where the machine stopped in a handover: then
 * log.key is the old key, or was erased already. */
static int
key_again(
    struct seal *s, const char *origin, const struct note *last, struct err *e)
{
	struct err first = ERR_INIT;
	int r = try_key(s, SEAL_KEY_FILE, last, &first);

	if (r == ERR_DENIED || r == ERR_INVALID || r == ERR_NOTFOUND) {
		if (last->has_next &&
		    try_key(s, NEXT_KEY_FILE, last, NULL) == 0)
			replace_key_file(s);
	} else if (r != 0) {
		if (e != NULL)
			*e = first;
		return r;
	}
	if (s->key == NULL)
		return lost(s,
		    r == ERR_NOTFOUND ? "there is no '" SEAL_KEY_FILE "'"
				      : first.msg,
		    e);
	if (!str_eqz(str_of(seal_origin(s)), origin))
		return lost(s, "the key belongs to another log", e);
	return ERR_OK;
}

int
seal_key_open(
    struct seal *s, const char *origin, const struct note *last, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct stat st;
	const int r =
	    origin == NULL ? key_first(s, e) : key_again(s, origin, last, e);

	if (r != 0)
		return r;
	seal_path(s, SEAL_KEY_FILE, &path);
	if (stat(buf_cstr(&path), &st) != 0)
		return err_sys(e, "cannot stat '%s'", buf_cstr(&path));
	s->key_since_ns =
	    st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	return ERR_OK;
}
