/*
 * The state of rules beside their files.
 * Runs in: engine (reads, keeps sets), assent (the rest).
 * Trusts: the state folder, which nobody else may write.  Owns: nothing.
 */
#include "rule_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"
#include "model/limits.h"
#include "model/rule_file.h"

#define PIN_FILE "rules/pinned"
#define OFF_FILE "rules/off"
#define DIGEST_CHARS ((size_t)SHA256_LEN * 2)
#define OFF_BYTES_MAX ((size_t)256 << 10)
#define SETS_MAX 1024
#define FOLDER_MODE 0700
#define FILE_MODE 0600

static int
path_in(const char *state_dir, const char *name, struct buf *out, struct err *e)
{
	buf_reset(out);
	buf_printf(out, "%s/%s", state_dir, name);
	return buf_done(out, e);
}

/* ---- reading -------------------------------------------------------------- */

/* The file's text in the arena; *ret NULL when there is none. */
static int
read_text(const char *path, size_t max, struct arena *a, struct str *ret,
    struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(max);
	int r;

	*ret = STR_NONE;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return ERR_OK;
	r = fdio_read_file(path, &text, e);
	if (r != 0)
		return r;
	*ret = str_n(arena_strndup(a, buf_cstr(&text), text.len), text.len);
	return ret->s == NULL ? err_nomem(e) : ERR_OK;
}

static bool
is_digest(struct str s)
{
	if (s.len != DIGEST_CHARS)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (strchr("0123456789abcdef", s.s[i]) == NULL)
			return false;
	}
	return true;
}

static int
read_pin(const char *state_dir, struct arena *a, struct rule_state *ret,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct str text;
	int r = path_in(state_dir, PIN_FILE, &path, e);

	if (r == 0)
		r = read_text(buf_cstr(&path), PATH_BYTES_MAX, a, &text, e);
	if (r != 0 || text.s == NULL)
		return r;
	text = str_trim(text);
	if (!is_digest(text))
		return err_set(
		    e, ERR_INVALID, "'%s' holds no digest", buf_cstr(&path));
	ret->pinned = arena_strndup(a, text.s, text.len);
	buf_reset(&path);
	buf_printf(
	    &path, "%s/%s/%.*s", state_dir, RULE_SETS_DIR, STR_ARG(text));
	r = read_text(buf_cstr(&path), RULE_SET_BYTES_MAX, a, &ret->set, e);
	if (r == 0 && ret->set.len == 0)
		return err_set(e, ERR_NOTFOUND,
		    "the rules with the digest %.16s are not kept any more",
		    ret->pinned);
	return r;
}

static int
read_off(const char *state_dir, struct arena *a, struct rule_state *ret,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct str text;
	int r = path_in(state_dir, OFF_FILE, &path, e);

	if (r == 0)
		r = read_text(buf_cstr(&path), OFF_BYTES_MAX, a, &text, e);
	if (r != 0 || text.s == NULL)
		return r;
	ret->off = arena_array(a, RULES_OFF_MAX, sizeof(*ret->off));
	if (ret->off == NULL)
		return err_nomem(e);
	while (text.len > 0) {
		const struct str id = str_trim(str_cut(&text, '\n'));

		if (id.len == 0)
			continue;
		if (ret->off_count == RULES_OFF_MAX)
			return err_set(e, ERR_LIMIT,
			    "more than %d rules are off", RULES_OFF_MAX);
		ret->off[ret->off_count++] = arena_strndup(a, id.s, id.len);
	}
	return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

int
rule_state_read(const char *state_dir, struct arena *a, struct rule_state *ret,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct rule_state s = { .pinned = NULL };
	int r = read_pin(state_dir, a, &s, e);

	if (r == 0)
		r = read_off(state_dir, a, &s, e);
	if (r == 0)
		r = path_in(state_dir, RULE_CANDIDATE_DIR, &path, e);
	if (r != 0)
		return r;
	if (access(buf_cstr(&path), F_OK) == 0)
		s.candidate = arena_strdup(a, buf_cstr(&path));
	*ret = s;
	return ERR_OK;
}

/* ---- keeping -------------------------------------------------------------- */

int
rule_state_make(const char *state_dir, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	const int r = path_in(state_dir, RULE_SETS_DIR, &path, e);

	return r != 0 ? r : fdio_make_dir(buf_cstr(&path), FOLDER_MODE, e);
}

struct kept {
	char name[DIGEST_CHARS + 1];
	struct timespec time;
};

static int
by_time(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->time.tv_sec != y->time.tv_sec)
		return x->time.tv_sec < y->time.tv_sec ? 1 : -1;
	if (x->time.tv_nsec != y->time.tv_nsec)
		return x->time.tv_nsec < y->time.tv_nsec ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void
dir_closep(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

/* Newest first; free() gives them back. */
static int
list_kept(const char *path, struct kept **ret, size_t *ret_count, struct err *e)
{
	AUTO_FREE struct kept *v = mem_new(SETS_MAX, sizeof(*v));
	AUTO(dir_closep) DIR *dir = opendir(path);
	const struct dirent *entry;
	struct stat st;
	size_t n = 0;

	if (v == NULL)
		return err_nomem(e);
	if (dir == NULL)
		return err_sys(e, "cannot list '%s'", path);
	while ((entry = readdir(dir)) != NULL && n < SETS_MAX) {
		if (!is_digest(str_of(entry->d_name)) ||
		    fstatat(dirfd(dir), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		memcpy(v[n].name, entry->d_name, DIGEST_CHARS + 1);
		v[n++].time = st.st_mtim;
	}
	if (n > 0)
		qsort(v, n, sizeof(*v), by_time);
	*ret = TAKE_PTR(v);
	*ret_count = n;
	return ERR_OK;
}

static void
prune(const char *folder)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_FREE struct kept *v = NULL;
	size_t n = 0;

	if (list_kept(folder, &v, &n, NULL) != 0)
		return;
	for (size_t i = RULE_SETS_KEPT; i < n; i++) {
		if (path_in(folder, v[i].name, &path, NULL) == 0)
			(void)unlink(buf_cstr(&path));
	}
}

int
rule_state_save(const char *state_dir, const uint8_t digest[SHA256_LEN],
    struct str set, struct err *e)
{
	AUTO_BUF struct buf folder = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r = path_in(state_dir, RULE_SETS_DIR, &folder, e);

	buf_printf(&path, "%s/", buf_cstr(&folder));
	text_hex(&path, digest, SHA256_LEN);
	if (r == 0)
		r = buf_done(&path, e);
	if (r == 0)
		r = fdio_write_file(
		    buf_cstr(&path), set.s, set.len, FILE_MODE, e);
	if (r == 0)
		prune(buf_cstr(&folder));
	return r;
}

int
rule_state_list(const char *state_dir, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf folder = BUF_INIT(PATH_BYTES_MAX);
	AUTO_FREE struct kept *v = NULL;
	size_t n = 0;
	int r = path_in(state_dir, RULE_SETS_DIR, &folder, e);

	if (r == 0)
		r = list_kept(buf_cstr(&folder), &v, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		buf_printf(out, "%s  ", v[i].name);
		text_time(out,
		    (int64_t)v[i].time.tv_sec * 1000000000 + v[i].time.tv_nsec);
		buf_putc(out, '\n');
	}
	return r != 0 ? r : buf_done(out, e);
}

/* ---- what is said --------------------------------------------------------- */

static int
remove_file(const char *path, struct err *e)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return err_sys(e, "cannot remove '%s'", path);
	return ERR_OK;
}

static int
find_digest(
    const char *state_dir, const char *begin, struct buf *ret, struct err *e)
{
	AUTO_BUF struct buf folder = BUF_INIT(PATH_BYTES_MAX);
	AUTO_FREE struct kept *v = NULL;
	size_t n = 0, found = 0;
	int r = path_in(state_dir, RULE_SETS_DIR, &folder, e);

	if (r == 0)
		r = list_kept(buf_cstr(&folder), &v, &n, e);
	if (r != 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!str_starts(str_of(v[i].name), str_of(begin)))
			continue;
		if (found++ > 0)
			return err_set(e, ERR_CONFLICT,
			    "several sets begin with '%s'", begin);
		buf_puts(ret, v[i].name);
	}
	return found == 0 ? err_set(e, ERR_NOTFOUND,
				"no set with the digest '%s' is kept", begin)
			  : buf_done(ret, e);
}

int
rule_state_pin(const char *state_dir, const char *digest,
    struct buf *ret_digest, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r = path_in(state_dir, PIN_FILE, &path, e);

	if (r != 0)
		return r;
	if (digest == NULL)
		return remove_file(buf_cstr(&path), e);
	r = find_digest(state_dir, digest, ret_digest, e);
	return r != 0 ? r
		      : fdio_write_file(buf_cstr(&path), ret_digest->s,
			    ret_digest->len, FILE_MODE, e);
}

int
rule_state_switch(const char *state_dir, const char *id, bool on, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(OFF_BYTES_MAX);
	AUTO(arena_freep) struct arena *a = arena_new(OFF_BYTES_MAX * 4);
	struct rule_state s = { .off_count = 0 };
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = read_off(state_dir, a, &s, e);
	if (r == 0)
		r = path_in(state_dir, OFF_FILE, &path, e);
	for (size_t i = 0; r == 0 && i < s.off_count; i++) {
		if (strcmp(s.off[i], id) != 0)
			buf_printf(&text, "%s\n", s.off[i]);
	}
	if (!on)
		buf_printf(&text, "%s\n", id);
	if (r == 0)
		r = buf_done(&text, e);
	if (r != 0)
		return r;
	return text.len == 0
	    ? remove_file(buf_cstr(&path), e)
	    : fdio_write_file(buf_cstr(&path), text.s, text.len, FILE_MODE, e);
}

typedef int each_fn(void *ctx, int dir, const char *name, struct err *e);

static int
each_rule_file(const char *folder, each_fn *fn, void *ctx, struct err *e)
{
	AUTO(dir_closep) DIR *dir = opendir(folder);
	const struct dirent *entry;
	int r = ERR_OK;

	if (dir == NULL)
		return errno == ENOENT
		    ? err_set(e, ERR_NOTFOUND, "there is no '%s'", folder)
		    : err_sys(e, "cannot list '%s'", folder);
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (rule_file_named(str_of(entry->d_name)))
			r = fn(ctx, dirfd(dir), entry->d_name, e);
	}
	return r;
}

static int
remove_one(void *ctx, int dir, const char *name, struct err *e)
{
	(void)ctx;
	return unlinkat(dir, name, 0) != 0
	    ? err_sys(e, "cannot remove '%s'", name)
	    : ERR_OK;
}

static int
copy_one(void *ctx, int dir, const char *name, struct err *e)
{
	AUTO_BUF struct buf to = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(RULE_SET_BYTES_MAX);
	AUTO_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r;

	if (fd < 0)
		return err_sys(e, "cannot open '%s'", name);
	r = fdio_read_all(fd, &text, e);
	if (r == 0)
		r = path_in(ctx, name, &to, e);
	return r != 0 ? r
		      : fdio_write_file(buf_cstr(&to), buf_cstr(&text),
			    text.len, FILE_MODE, e);
}

static int
stop_trying(const char *folder, struct err *e)
{
	int r = each_rule_file(folder, remove_one, NULL, e);

	if (r == ERR_NOTFOUND)
		return ERR_OK;
	if (r == 0 && rmdir(folder) != 0)
		r = err_sys(e, "cannot remove '%s'", folder);
	return r;
}

int
rule_state_try(const char *state_dir, const char *dir, struct err *e)
{
	AUTO_BUF struct buf folder = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf fresh = BUF_INIT(PATH_BYTES_MAX);
	int r = path_in(state_dir, RULE_CANDIDATE_DIR, &folder, e);

	if (r == 0)
		r = path_in(state_dir, RULE_CANDIDATE_DIR ".new", &fresh, e);
	if (r == 0)
		r = stop_trying(buf_cstr(&folder), e);
	if (r != 0 || dir == NULL)
		return r;
	r = stop_trying(buf_cstr(&fresh), e);
	if (r == 0)
		r = fdio_make_dir(buf_cstr(&fresh), FOLDER_MODE, e);
	if (r == 0)
		r = each_rule_file(dir, copy_one, fresh.s, e);
	/* Whole, or not at all: it appears under its name at once. */
	if (r == 0 && rename(buf_cstr(&fresh), buf_cstr(&folder)) != 0)
		r = err_sys(e, "cannot make '%s'", buf_cstr(&folder));
	return r;
}
