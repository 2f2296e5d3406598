/*
 * Files of a plan: read, compared, shown, written.
 * Runs in: assent.  Trusts: the user's own files.  Owns: their texts.
 */
#include "install.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/json_in.h"

#define PATH_BYTES 4096
#define NEW_FILE_MODE 0600
#define NEW_FOLDER_MODE 0700
#define MANAGED_FILE_MODE 0644 /* every user's client reads it */
#define MANAGED_FOLDER_MODE 0755
#define CONTEXT_LINES 3

char *
install_path(const char *variable, const char *folder, const char *rest)
{
	const char *base = variable == NULL ? NULL : secure_getenv(variable);
	const char *home = secure_getenv("HOME");
	char path[PATH_BYTES];
	int n;

	if (base != NULL && base[0] == '/')
		n = snprintf(path, sizeof(path), "%s/%s", base, rest);
	else
		n = snprintf(path, sizeof(path), "%s/%s/%s",
		    home == NULL ? "" : home, folder, rest);
	return n < 0 || (size_t)n >= sizeof(path) ? NULL : strdup(path);
}

int
install_read(const char *path, char **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	AUTO_FREE char *real = realpath(path, NULL);
	int r;

	*ret = NULL;
	if (real == NULL)
		return errno == ENOENT
		    ? ERR_OK
		    : err_sys(e, "cannot look at '%s'", path);
	r = fdio_read_file(real, &text, e);
	if (r == 0 &&
	    (!text_is_utf8(buf_str(&text)) ||
		str_find(buf_str(&text), '\0') < text.len))
		r = err_set(e, ERR_INVALID,
		    "'%s' is not UTF-8 text; it is left as it is", path);
	if (r == 0 && text.len == 0)
		buf_puts(&text, "");
	return r != 0 ? r : buf_take(&text, ret, e);
}

int
install_read_json(const char *path, json_t **ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = install_read(path, &text, e);

	if (r != 0)
		return r;
	if (text == NULL || str_trim(str_of(text)).len == 0) {
		*ret = json_object();
		return *ret == NULL ? err_nomem(e) : ERR_OK;
	}
	r = json_in(str_of(text), ret, e);
	if (r == 0 && !json_is_object(*ret))
		r = err_set(e, ERR_INVALID, "it is no JSON object");
	return r == 0
	    ? r
	    : err_wrap(e, r, "'%s' is left as it is; mend it first", path);
}

int
install_add(struct install *in, char *path, char *text, struct err *e)
{
	struct install_file *f = &in->files[in->file_count];
	int r;

	if (path == NULL) {
		free(text);
		return err_nomem(e);
	}
	*f = (struct install_file){ .path = path, .new = text };
	in->file_count++;
	r = install_read(path, &f->old, e);
	f->ours = install_was_here(in, f->old);
	return r;
}

/* The text for a value: as it was written where that says the same; NULL when
 * nothing is left of a file that we made. */
static int
text_of(const struct install *in, const char *path, const json_t *value,
    char **ret, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(INSTALL_FILE_BYTES_MAX);
	AUTO_FREE char *dump = json_dumps(value, JSON_INDENT(2));
	json_auto_t *now = NULL, *was = NULL;
	int r = dump == NULL ? err_nomem(e) : install_read_json(path, &now, e);

	if (r != 0 || json_equal(value, now))
		return r != 0 ? r : install_read(path, ret, e);
	if (in->options.uninstall) {
		r = install_original_json(path, &was, e);
		if (r != 0 || (was == NULL && json_object_size(value) == 0))
			return r;
		if (json_equal(value, was))
			return install_original(path, ret, e);
	}
	buf_printf(&text, "%s\n", dump);
	return buf_take(&text, ret, e);
}

int
install_add_json(
    struct install *in, char *path, const json_t *value, struct err *e)
{
	char *whole = NULL;
	const int r =
	    path == NULL ? err_nomem(e) : text_of(in, path, value, &whole, e);

	if (r == 0)
		return install_add(in, path, whole, e);
	free(path);
	return r;
}

static bool
differs(const struct install_file *f)
{
	if (f->old == NULL || f->new == NULL)
		return f->old != f->new;
	return strcmp(f->old, f->new) != 0;
}

bool
install_changes(const struct install *in)
{
	for (size_t i = 0; i < in->file_count; i++) {
		if (differs(&in->files[i]))
			return true;
	}
	return false;
}

/* ---- the diff ----------------------------------------------------------- */

static void
put_lines(struct buf *out, char mark, struct str text)
{
	while (text.len > 0) {
		buf_putc(out, mark);
		text_escape(out, str_cut(&text, '\n'));
		buf_putc(out, '\n');
	}
}

/* The last lines of what is the same before. */
static struct str
last_lines(struct str text)
{
	size_t at = text.len, lines = 0;

	while (at > 0) {
		if (text.s[at - 1] == '\n' && lines++ == CONTEXT_LINES)
			break;
		at--;
	}
	return str_from(text, at);
}

static struct str
first_lines(struct str text)
{
	struct str rest = text;

	for (size_t i = 0; i < CONTEXT_LINES && rest.len > 0; i++)
		(void)str_cut(&rest, '\n');
	return str_head(text, text.len - rest.len);
}

static void
show_file(const struct install_file *f, struct buf *out)
{
	const struct str old = str_of(f->old), new = str_of(f->new);
	const size_t head = str_same_head_lines(old, new);
	const size_t tail =
	    str_same_tail_lines(str_from(old, head), str_from(new, head));

	buf_puts(out, "--- ");
	text_escape(out, str_of(f->old == NULL ? "/dev/null" : f->path));
	buf_puts(out, "\n+++ ");
	text_escape(out, str_of(f->new == NULL ? "/dev/null" : f->path));
	buf_putc(out, '\n');
	put_lines(out, ' ', last_lines(str_head(old, head)));
	put_lines(
	    out, '-', str_head(str_from(old, head), old.len - head - tail));
	put_lines(
	    out, '+', str_head(str_from(new, head), new.len - head - tail));
	put_lines(out, ' ', first_lines(str_from(old, old.len - tail)));
}

void
install_show(const struct install *in, struct buf *out)
{
	for (size_t i = 0; i < in->file_count; i++) {
		if (differs(&in->files[i]))
			show_file(&in->files[i], out);
	}
	for (size_t i = 0; i < in->note_count; i++)
		buf_printf(out, "note: %s\n", in->notes[i]);
}

void
install_json(const struct install *in, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "client", in->client->name);
	jsonw_kstr(&w, "version", in->version[0] == '\0' ? NULL : in->version);
	jsonw_key(&w, "files");
	jsonw_array(&w);
	for (size_t i = 0; i < in->file_count; i++) {
		const struct install_file *f = &in->files[i];

		if (!differs(f))
			continue;
		jsonw_object(&w);
		jsonw_kstr(&w, "path", f->path);
		jsonw_kstr(&w, "old", f->old);
		jsonw_kstr(&w, "new", f->new);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_key(&w, "notes");
	jsonw_array(&w);
	for (size_t i = 0; i < in->note_count; i++)
		jsonw_cstr(&w, in->notes[i]);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

/* ---- writing ------------------------------------------------------------ */

static int
make_folder(const char *path, mode_t mode, struct err *e)
{
	AUTO_FREE char *folder = strdup(path);
	char *slash = folder == NULL ? NULL : strrchr(folder, '/');

	if (slash == NULL)
		return err_set(e, ERR_INVALID, "'%s' has no folder", path);
	*slash = '\0';
	return fdio_make_dir(folder, mode, e);
}

static int
write_one(const struct install_file *f, bool managed, struct err *e)
{
	/* a link to a file elsewhere stays a link */
	AUTO_FREE char *real = realpath(f->path, NULL);
	const char *path = real == NULL ? f->path : real;
	mode_t mode = managed ? MANAGED_FILE_MODE : NEW_FILE_MODE;
	struct stat st;
	int r = ERR_OK;

	if (real != NULL && stat(real, &st) == 0)
		mode = st.st_mode & 07777;
	else
		r = make_folder(
		    path, managed ? MANAGED_FOLDER_MODE : NEW_FOLDER_MODE, e);
	if (r == 0)
		r = install_keep(f, path, mode, e);
	if (r != 0)
		return r;
	if (f->new != NULL) {
		r = fdio_write_file(path, f->new, strlen(f->new), mode, e);
		/* it is back: kept once more it would come back once more */
		if (r == 0 && f->kept != NULL)
			(void)unlink(f->kept);
		return r;
	}
	return unlink(path) == 0 ? ERR_OK
				 : err_sys(e, "cannot remove '%s'", path);
}

int
install_write(struct install *in, struct err *e)
{
	for (size_t i = 0; i < in->file_count; i++) {
		const int r = differs(&in->files[i])
		    ? write_one(&in->files[i], in->options.managed, e)
		    : 0;

		if (r != 0)
			return r;
	}
	return ERR_OK;
}

static void
forget_files(struct install *in)
{
	for (size_t i = 0; i < in->file_count; i++) {
		free(in->files[i].path);
		free(in->files[i].old);
		free(in->files[i].new);
		free(in->files[i].kept);
	}
	in->file_count = 0;
}

void
install_done(struct install *in)
{
	forget_files(in);
	free(in->program);
	free(in->command);
	free(in->report);
	free(in->by_hand);
	in->program = in->command = in->report = in->by_hand = NULL;
}
