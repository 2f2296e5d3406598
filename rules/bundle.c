/*
 * Bundles of rule files: make, read, install.
 * Runs in: assent.  Trusts: a bundle only after its signature was checked;
 * even then names and digests are.  Owns: nothing.
 */
#include "bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/num.h"
#include "base/text.h"
#include "model/rule_file.h"

#define MAGIC "assent rules bundle 1"
#define FOLDER_MODE 0755
#define FILE_MODE 0644

/* One whose name can stand in a bundle's list. */
static bool
is_rule_file(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		const char c = name.s[i];

		if (c <= ' ' || c == '/' || c == 0x7f)
			return false;
	}
	return name.len < RULE_ID_MAX && rule_file_named(name);
}

/* ---- making ---------------------------------------------------------------- */

static int
is_rule_entry(const struct dirent *entry)
{
	return is_rule_file(str_of(entry->d_name));
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
add_file(const char *dir, const char *name, struct buf *list,
    struct buf *content, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf text = BUF_INIT(RULE_FILE_BYTES_MAX);
	uint8_t digest[SHA256_LEN];
	int r;

	buf_printf(&path, "%s/%s", dir, name);
	r = fdio_read_file(buf_cstr(&path), &text, e);
	if (r == 0)
		r = sha256_of(buf_cstr(&text), text.len, digest, e);
	if (r != 0)
		return r;
	buf_puts(list, "file: ");
	text_hex(list, digest, SHA256_LEN);
	buf_printf(list, " %zu %s\n", text.len, name);
	buf_put_str(content, buf_str(&text));
	return ERR_OK;
}

int
bundle_make(const char *dir, const struct bundle_head *head, struct buf *out,
    struct err *e)
{
	AUTO_BUF struct buf content = BUF_INIT(BUNDLE_BYTES_MAX);
	struct dirent **names = NULL;
	const int count = scandir(dir, &names, is_rule_entry, by_bytes);
	int r = ERR_OK;

	if (count < 0)
		return err_sys(e, "cannot list '%s'", dir);
	if (count == 0 || count > BUNDLE_FILES_MAX)
		r = err_set(
		    e, ERR_INVALID, "'%s' has %d rule files", dir, count);
	buf_printf(out, MAGIC "\nname: %s\nversion: %llu\n", head->name,
	    (unsigned long long)head->version);
	if (head->expires_real_ns != 0)
		buf_printf(out, "expires: %lld\n",
		    (long long)(head->expires_real_ns / 1000000000));
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = add_file(dir, names[i]->d_name, out, &content, e);
		free(names[i]);
	}
	free(names);
	buf_putc(out, '\n');
	buf_put_str(out, buf_str(&content));
	if (r == 0)
		r = buf_done(&content, e);
	return r != 0 ? r : buf_done(out, e);
}

/* ---- reading --------------------------------------------------------------- */

static int
cut_short(struct err *e)
{
	return err_set(e, ERR_INVALID, "the bundle is cut or damaged");
}

static bool
is_hex_of(struct str hex, struct str text)
{
	AUTO_BUF struct buf want = BUF_INIT(SHA256_LEN * 2 + 1);
	uint8_t digest[SHA256_LEN];

	if (sha256_of(text.s == NULL ? "" : text.s, text.len, digest, NULL) !=
	    0)
		return false;
	text_hex(&want, digest, SHA256_LEN);
	return str_eq(hex, buf_str(&want));
}

/* "file: DIGEST SIZE NAME" and its part of the content. */
static int
read_one(struct str line, struct str *content, struct arena *a,
    struct bundle *b, struct err *e)
{
	struct bundle_file *f = &b->files[b->count];
	const struct str hex = str_cut(&line, ' ');
	uint64_t size = 0;

	if (b->count == BUNDLE_FILES_MAX ||
	    num_parse_u64(str_cut(&line, ' '), 0, RULE_FILE_BYTES_MAX, &size) !=
		0 ||
	    size > content->len || !is_rule_file(line))
		return cut_short(e);
	f->text = str_head(*content, (size_t)size);
	f->name = arena_strndup(a, line.s, line.len);
	*content = str_from(*content, (size_t)size);
	if (!is_hex_of(hex, f->text))
		return err_set(e, ERR_INVALID,
		    "the content of '%.*s' is not what the bundle lists",
		    STR_ARG(line));
	b->count++;
	return f->name == NULL ? err_nomem(e) : ERR_OK;
}

static int
read_line(struct str line, struct str *content, struct arena *a,
    struct bundle *b, struct err *e)
{
	const size_t colon = str_search(line, STR(": "));
	const struct str key = str_head(line, colon);
	const struct str value = str_from(line, colon + 2);
	uint64_t n = 0;

	if (str_eqz(key, "file"))
		return read_one(value, content, a, b, e);
	if (str_eqz(key, "name") && value.len > 0 &&
	    value.len <= BUNDLE_NAME_MAX) {
		b->head.name = arena_strndup(a, value.s, value.len);
		return ERR_OK;
	}
	if (str_eqz(key, "version"))
		return num_parse_u64(value, 1, INT64_MAX, &b->head.version) != 0
		    ? cut_short(e)
		    : ERR_OK;
	if (str_eqz(key, "expires") &&
	    num_parse_u64(value, 1, INT64_MAX / 1000000000, &n) == 0) {
		b->head.expires_real_ns = (int64_t)n * 1000000000;
		return ERR_OK;
	}
	/* What is not known could be what matters. */
	return err_set(e, ERR_INVALID,
	    "the bundle says '%.*s', which this version does not know",
	    STR_ARG(key));
}

int
bundle_read(
    struct str bytes, struct arena *a, struct bundle *ret, struct err *e)
{
	const size_t end = str_search(bytes, STR("\n\n"));
	struct str head = str_head(bytes, end);
	struct str content = str_from(bytes, end + 2);
	struct bundle b = { .count = 0 };
	int r = ERR_OK;

	if (end == bytes.len || !str_eqz(str_cut(&head, '\n'), MAGIC))
		return err_set(e, ERR_INVALID, "this is no bundle of rules");
	b.files = arena_array(a, BUNDLE_FILES_MAX, sizeof(*b.files));
	if (b.files == NULL)
		return err_nomem(e);
	while (r == 0 && head.len > 0)
		r = read_line(str_cut(&head, '\n'), &content, a, &b, e);
	if (r != 0)
		return r;
	if (content.len > 0 || b.head.name == NULL || b.head.version == 0 ||
	    b.count == 0)
		return cut_short(e);
	*ret = b;
	return ERR_OK;
}

/* ---- installing ------------------------------------------------------------ */

static int
path_in(const char *dir, const char *name, struct buf *out, struct err *e)
{
	buf_reset(out);
	buf_printf(out, "%s/%s", dir, name);
	return buf_done(out, e);
}

/* "NAME VERSION DIGEST" of what is there; ERR_NOTFOUND. */
static int
read_record(const char *dir, struct buf *ret, struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	const int r = path_in(dir, BUNDLE_RECORD, &path, e);

	if (r != 0)
		return r;
	if (access(buf_cstr(&path), F_OK) != 0)
		return ERR_NOTFOUND;
	return fdio_read_file(buf_cstr(&path), ret, e);
}

static void
put_record(const struct bundle *b, const uint8_t *digest, struct buf *out)
{
	buf_printf(
	    out, "%s %llu ", b->head.name, (unsigned long long)b->head.version);
	text_hex(out, digest, SHA256_LEN);
	buf_putc(out, '\n');
}

/* May it follow what is there? */
static int
check_successor(const struct bundle *b, struct str there, struct str record,
    bool *ret_same, struct err *e)
{
	struct str rest = there;
	const struct str name = str_cut(&rest, ' ');
	uint64_t version = 0;

	*ret_same = str_eq(there, record);
	if (*ret_same)
		return ERR_OK;
	if (num_parse_u64(str_cut(&rest, ' '), 1, INT64_MAX, &version) != 0)
		return err_set(e, ERR_INVALID, "'%s' in the folder is damaged",
		    BUNDLE_RECORD);
	if (!str_eqz(name, b->head.name))
		return err_set(e, ERR_DENIED,
		    "the folder holds '%.*s', not '%s'", STR_ARG(name),
		    b->head.name);
	if (b->head.version <= version)
		return err_set(e, ERR_DENIED,
		    "version %llu is there already; version %llu is %s",
		    (unsigned long long)version,
		    (unsigned long long)b->head.version,
		    b->head.version == version ? "another of that number"
					       : "older");
	return ERR_OK;
}

/* A folder that somebody's own files are in is not the bundle's. */
static int
check_empty(const char *dir, struct err *e)
{
	struct dirent **names = NULL;
	const int count = scandir(dir, &names, is_rule_entry, by_bytes);

	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return count > 0 ? err_set(e, ERR_DENIED,
			       "'%s' holds rule files that came from no "
			       "bundle; give a folder of its own",
			       dir)
			 : ERR_OK;
}

static void
remove_tree(const char *dir)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    path_in(dir, entry->d_name, &path, NULL) == 0)
			(void)unlink(buf_cstr(&path));
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

static int
write_all(const struct bundle *b, const char *dir, const struct buf *record,
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r;

	remove_tree(dir);
	if (mkdir(dir, FOLDER_MODE) != 0)
		return err_sys(e, "cannot make '%s'", dir);
	r = path_in(dir, BUNDLE_RECORD, &path, e);
	if (r == 0)
		r = fdio_write_file(
		    buf_cstr(&path), record->s, record->len, FILE_MODE, e);
	for (size_t i = 0; r == 0 && i < b->count; i++) {
		const struct bundle_file *f = &b->files[i];

		r = path_in(dir, f->name, &path, e);
		if (r == 0)
			r = fdio_write_file(buf_cstr(&path), f->text.s,
			    f->text.len, FILE_MODE, e);
	}
	return r;
}

/* The new folder takes the place of the old one in one step. */
static int
swap(const char *fresh, const char *dir, struct err *e)
{
	if (access(dir, F_OK) != 0)
		return rename(fresh, dir) == 0
		    ? ERR_OK
		    : err_sys(e, "cannot make '%s'", dir);
	if (renameat2(AT_FDCWD, fresh, AT_FDCWD, dir, RENAME_EXCHANGE) != 0)
		return err_sys(e, "cannot replace '%s'", dir);
	remove_tree(fresh);
	return ERR_OK;
}

int
bundle_install(const struct bundle *b, struct str bytes, const char *dir,
    int64_t now_real_ns, bool *ret_changed, struct err *e)
{
	AUTO_BUF struct buf there = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf record = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf fresh = BUF_INIT(PATH_BYTES_MAX);
	uint8_t digest[SHA256_LEN];
	bool same = false;
	int r;

	if (b->head.expires_real_ns != 0 &&
	    now_real_ns >= b->head.expires_real_ns)
		return err_set(e, ERR_DENIED, "the bundle has expired");
	r = sha256_of(bytes.s, bytes.len, digest, e);
	if (r != 0)
		return r;
	put_record(b, digest, &record);
	r = read_record(dir, &there, e);
	if (r == ERR_NOTFOUND)
		r = check_empty(dir, e);
	else if (r == 0)
		r = check_successor(
		    b, buf_str(&there), buf_str(&record), &same, e);
	*ret_changed = r == 0 && !same;
	if (r != 0 || same)
		return r;
	buf_printf(&fresh, "%s.new", dir);
	r = write_all(b, buf_cstr(&fresh), &record, e);
	return r == 0 ? swap(buf_cstr(&fresh), dir, e) : r;
}
