/*
 * What stood in a settings file before assent: kept beside, compared with.
 * Runs in: assent.  Trusts: the user's own files.  Owns: nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "install.h"

#define PATH_BYTES 4096
#define BACKUPS_MAX 100

bool
install_was_here(const struct install *in, const char *text)
{
	AUTO_BUF struct buf mark = BUF_INIT(INSTALL_VERSION_MAX);

	if (text == NULL)
		return false;
	buf_printf(&mark, "'assent install %s'", in->client->name);
	return install_is_ours(in, text) ||
	    strstr(text, buf_cstr(&mark)) != NULL ||
	    strstr(text, "/plugin/assent.js\"") != NULL;
}

static void
put_name(struct buf *out, const char *path, unsigned n)
{
	buf_reset(out);
	buf_printf(out, "%s.before-assent", path);
	if (n > 0)
		buf_printf(out, ".%u", n);
}

/* How many there are: the last one is what the latest install found. */
static unsigned
count_backups(const char *path)
{
	AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES);
	struct stat st;
	unsigned n = 0;

	for (; n < BACKUPS_MAX; n++) {
		put_name(&name, path, n);
		if (lstat(buf_cstr(&name), &st) != 0)
			break;
	}
	return n;
}

/* The file that holds what was there first; false: nothing was kept. */
static bool
find_kept(const char *path, struct buf *name)
{
	AUTO_FREE char *real = realpath(path, NULL);
	const char *at = real == NULL ? path : real;
	const unsigned n = count_backups(at);

	if (n > 0)
		put_name(name, at, n - 1);
	return n > 0;
}

int
install_original(const char *path, char **ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES);

	*ret = NULL;
	return find_kept(path, &name) ? install_read(buf_cstr(&name), ret, e)
				      : ERR_OK;
}

char *
install_kept(const char *path)
{
	AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES);

	return find_kept(path, &name) ? strdup(buf_cstr(&name)) : NULL;
}

int
install_take_out(struct install *in, char *path, struct err *e)
{
	AUTO_FREE char *old = NULL;
	char *new = NULL, *kept = NULL;
	int r = path == NULL ? err_nomem(e) : install_read(path, &old, e);

	if (r == 0 && install_was_here(in, old)) {
		kept = install_kept(path);
		r = install_original(path, &new, e);
	} else if (r == 0) {
		new = TAKE_PTR(old);
	}
	if (r != 0) {
		free(path);
		free(kept);
		return r;
	}
	r = install_add(in, path, new, e);
	if (r == 0)
		in->files[in->file_count - 1].kept = TAKE_PTR(kept);
	free(kept);
	return r;
}

int
install_original_json(const char *path, json_t **ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES);

	*ret = NULL;
	return find_kept(path, &name)
	    ? install_read_json(buf_cstr(&name), ret, e)
	    : ERR_OK;
}

int
install_keep(const struct install_file *f, const char *path, unsigned mode,
    struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(PATH_BYTES);
	AUTO_FREE char *last = NULL;
	const unsigned n = count_backups(path);
	int r;

	/* what holds our hooks is no original; that was kept before */
	if (f->old == NULL || f->ours)
		return ERR_OK;
	r = install_original(path, &last, e);
	if (r != 0 || (last != NULL && strcmp(last, f->old) == 0))
		return r;
	if (n == BACKUPS_MAX)
		return err_set(e, ERR_LIMIT,
		    "there are %d files '%s.before-assent*'; remove some",
		    BACKUPS_MAX, path);
	put_name(&name, path, n);
	return fdio_write_file(
	    buf_cstr(&name), f->old, strlen(f->old), (mode_t)mode, e);
}

/* ---- single keys --------------------------------------------------------- */

int
install_set(json_t *root, const char *table, const char *key, json_t *value,
    struct err *e)
{
	json_t *at = table == NULL ? root : json_object_get(root, table);

	if (at == NULL) {
		at = json_object();
		if (json_object_set_new(root, table, at) != 0) {
			json_decref(value);
			return err_nomem(e);
		}
	}
	if (!json_is_object(at)) {
		json_decref(value);
		return err_set(e, ERR_INVALID,
		    "'%s' of the settings is no object; mend it first", table);
	}
	return json_object_set_new(at, key, value) == 0 ? ERR_OK : err_nomem(e);
}

static void
take_back(json_t *at, const json_t *was, const char *key, const json_t *value)
{
	json_t *before = json_object_get(was, key);

	/* somebody changed it since: it is his */
	if (!json_equal(json_object_get(at, key), value))
		return;
	if (before != NULL)
		(void)json_object_set_new(at, key, json_deep_copy(before));
	else
		(void)json_object_del(at, key);
}

void
install_unset(json_t *root, const json_t *original, const char *table,
    const char *key, json_t *value)
{
	json_auto_t *own = value;

	if (table == NULL) {
		take_back(root, original, key, own);
		return;
	}
	take_back(json_object_get(root, table),
	    json_object_get(original, table), key, own);
	install_drop_empty(root, original, table);
}

void
install_drop_empty(json_t *root, const json_t *original, const char *key)
{
	const json_t *at = json_object_get(root, key);
	const size_t count =
	    json_is_array(at) ? json_array_size(at) : json_object_size(at);

	if ((json_is_array(at) || json_is_object(at)) && count == 0 &&
	    json_object_get(original, key) == NULL)
		(void)json_object_del(root, key);
}
