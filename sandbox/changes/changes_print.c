/*
 * Changes for people and programs.
 * Runs in: assent-exec.  Trusts: nothing in names and contents.
 * Owns: nothing.
 */
#include "changes/changes_int.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/text.h"

#define DIFF_FILE_MAX ((size_t)64 << 10) /* larger ones are not shown */
#define DIFF_LINES_MAX 200 /* of one file */
#define CONTEXT 3

static const char *
type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "folder";
	case S_IFLNK:
		return "link";
	default:
		return "other";
	}
}

/* ---- what changed in a text ----------------------------------------------- */

struct lines {
	struct buf text;
	struct str *at; /* owned */
	size_t count;
};

static void
lines_done(struct lines *l)
{
	buf_free(&l->text);
	mem_freep(&l->at);
}

/* False when it is no short text. */
static bool
lines_read(struct lines *l, int folder, const char *rel)
{
	AUTO_FD int fd = changes_open(folder, rel, O_RDONLY);
	struct str rest;
	size_t cap = 0;

	l->text = (struct buf)BUF_INIT(DIFF_FILE_MAX);
	l->at = NULL;
	l->count = 0;
	if (fd < 0 || fdio_read_all(fd, &l->text, NULL) != 0)
		return false;
	rest = buf_str(&l->text);
	if (!text_is_utf8(rest) || str_find(rest, '\0') != rest.len)
		return false;
	while (rest.len > 0) {
		if (mem_grow(&l->at, &cap, l->count + 1, sizeof(*l->at)) != 0)
			return false;
		l->at[l->count++] = str_cut(&rest, '\n');
	}
	return true;
}

static void
put_lines(struct buf *out, char sign, const struct str *at, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i == DIFF_LINES_MAX) {
			buf_printf(
			    out, "%c... %zu more lines\n", sign, count - i);
			return;
		}
		buf_putc(out, sign);
		buf_put_str(out, at[i]);
		buf_putc(out, '\n');
	}
}

/* One hunk: from the first line that differs to the last. */
static void
diff_lines(const struct lines *a, const struct lines *b, struct buf *out)
{
	const size_t least = a->count < b->count ? a->count : b->count;
	size_t head = 0, tail = 0, before, after;

	while (head < least && str_eq(a->at[head], b->at[head]))
		head++;
	while (tail < least - head &&
	    str_eq(a->at[a->count - 1 - tail], b->at[b->count - 1 - tail]))
		tail++;
	before = head < CONTEXT ? head : CONTEXT;
	after = tail < CONTEXT ? tail : CONTEXT;
	if (head + tail == a->count && head + tail == b->count)
		return; /* at most the final newline differs */
	buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n",
	    a->count == 0 ? 0 : head - before + 1,
	    a->count - head - tail + before + after,
	    b->count == 0 ? 0 : head - before + 1,
	    b->count - head - tail + before + after);
	put_lines(out, ' ', a->at + (head - before), before);
	put_lines(out, '-', a->at + head, a->count - head - tail);
	put_lines(out, '+', b->at + head, b->count - head - tail);
	put_lines(out, ' ', a->at + (a->count - tail), after);
}

/* Empty where there is no text to show. */
static void
diff_of(const struct changes *c, const struct change *n, struct buf *out)
{
	struct lines old = { .at = NULL }, now = { .at = NULL };
	const bool had = n->was_there && S_ISREG(n->old_mode);
	const bool has = n->kind != CHANGE_DELETED && S_ISREG(n->mode);
	bool shown = has || had;

	if (had)
		shown = lines_read(&old, c->workspace, n->path);
	if (shown && has)
		shown = lines_read(&now, c->layer, n->path);
	if (shown)
		diff_lines(&old, &now, out);
	lines_done(&old);
	lines_done(&now);
}

/* ---- JSON ------------------------------------------------------------------- */

static void
mode_json(struct jsonw *w, const char *key, mode_t mode)
{
	AUTO_BUF struct buf b = BUF_INIT(16);

	buf_printf(&b, "%04o", (unsigned)mode & 07777);
	jsonw_kstr(w, key, buf_cstr(&b));
}

static void
change_json(struct jsonw *w, const struct changes *c, const struct change *n,
    bool diffs)
{
	AUTO_BUF struct buf diff = BUF_INIT(4 * DIFF_FILE_MAX);

	jsonw_object(w);
	jsonw_kstr(w, "change", change_kind_name(n->kind));
	jsonw_kstr(w, "path", n->path);
	jsonw_kstr(w, "type",
	    type_name(n->kind == CHANGE_DELETED ? n->old_mode : n->mode));
	if (n->kind != CHANGE_DELETED) {
		mode_json(w, "mode", n->mode);
		jsonw_kint(w, "size", (int64_t)n->size);
	}
	if (n->was_there) {
		mode_json(w, "old_mode", n->old_mode);
		jsonw_kint(w, "old_size", (int64_t)n->old_size);
	}
	if (n->link != NULL)
		jsonw_kstr(w, "link", n->link);
	if (n->kind != CHANGE_DELETED && S_ISREG(n->mode)) {
		jsonw_key(w, "sha256");
		jsonw_hex(w, n->sha256, SHA256_LEN);
	}
	if (n->problem != NULL)
		jsonw_kstr(w, "problem", n->problem);
	if (diffs)
		diff_of(c, n, &diff);
	if (diff.len > 0 && diff.failed == 0)
		jsonw_kstr(w, "diff", buf_cstr(&diff));
	jsonw_end(w);
}

void
changes_json(const struct changes *c, bool diffs, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_array(&w);
	for (size_t i = 0; i < c->count; i++)
		change_json(&w, c, &c->at[i], diffs);
	jsonw_end(&w);
}

/* ---- text ------------------------------------------------------------------- */

static void
esc(struct buf *out, const char *text)
{
	text_escape(out, str_of(text));
}

static void
change_line(const struct change *n, struct buf *out)
{
	static const char signs[] = {
		[CHANGE_INVALID] = '?',
		[CHANGE_ADDED] = 'A',
		[CHANGE_MODIFIED] = 'M',
		[CHANGE_DELETED] = 'D',
	};

	buf_printf(out, "%c  ", signs[n->kind]);
	esc(out, n->path);
	if (n->kind != CHANGE_DELETED && S_ISDIR(n->mode))
		buf_puts(out, "/");
	if (n->link != NULL) {
		buf_puts(out, " -> ");
		esc(out, n->link);
	} else if (n->kind == CHANGE_ADDED && S_ISREG(n->mode)) {
		buf_printf(out, " (%llu bytes%s)", (unsigned long long)n->size,
		    (n->mode & 0111) != 0 ? ", executable" : "");
	} else if (n->kind == CHANGE_MODIFIED && S_ISREG(n->mode)) {
		buf_printf(out, " (%llu -> %llu bytes)",
		    (unsigned long long)n->old_size,
		    (unsigned long long)n->size);
	}
	if (n->kind == CHANGE_MODIFIED &&
	    (n->mode & 07777) != (n->old_mode & 07777))
		buf_printf(out, " (mode %03o -> %03o)",
		    (unsigned)n->old_mode & 07777, (unsigned)n->mode & 07777);
	if (n->problem != NULL)
		buf_printf(out, "  [not applied: %s]", n->problem);
	buf_putc(out, '\n');
}

void
changes_text(const struct changes *c, struct buf *out)
{
	for (size_t i = 0; i < c->count; i++)
		change_line(&c->at[i], out);
	for (size_t i = 0; i < c->count; i++) {
		AUTO_BUF struct buf diff = BUF_INIT(4 * DIFF_FILE_MAX);
		struct str rest;

		diff_of(c, &c->at[i], &diff);
		rest = buf_str(&diff);
		if (rest.len == 0)
			continue;
		buf_puts(out, "--- ");
		esc(out, c->at[i].path);
		buf_putc(out, '\n');
		while (rest.len > 0) {
			text_escape(out, str_cut(&rest, '\n'));
			buf_putc(out, '\n');
		}
	}
}
