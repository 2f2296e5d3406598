/*
 * Changes of files: the text form of apply_patch, and pieces replaced.
 * Runs in: front, assent.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "hook_int.h"

#define BEGIN "*** Begin Patch"
#define END "*** End Patch"
#define ADD "*** Add File: "
#define UPDATE "*** Update File: "
#define DELETE "*** Delete File: "
#define MOVE "*** Move to: "
#define END_OF_FILE "*** End of File"

enum section {
	SECTION_NONE,
	SECTION_ADD,
	SECTION_UPDATE,
	SECTION_DELETE,
};

struct patch {
	struct jsonw *w;
	enum section section;
	struct str path, moved_to;
	struct buf body; /* lines of the section */
	size_t edits;
};

static void
put_edit(struct patch *p, struct str path, const char *op)
{
	jsonw_object(p->w);
	jsonw_key(p->w, "path");
	jsonw_str(p->w, path);
	jsonw_kstr(p->w, "op", op);
	p->edits++;
}

/* A section is over: an edit or two. */
static int
end_section(struct patch *p, struct err *e)
{
	switch (p->section) {
	case SECTION_NONE:
		return ERR_OK;
	case SECTION_ADD:
		put_edit(p, p->path, "create");
		jsonw_key(p->w, "content");
		jsonw_str(p->w, buf_str(&p->body));
		jsonw_end(p->w);
		break;
	case SECTION_DELETE:
		put_edit(p, p->path, "delete");
		jsonw_end(p->w);
		break;
	case SECTION_UPDATE:
		if (p->body.len > 0) {
			put_edit(p, p->path, "patch");
			jsonw_key(p->w, "patch");
			jsonw_str(p->w, buf_str(&p->body));
			jsonw_end(p->w);
		}
		if (p->moved_to.len > 0) {
			put_edit(p, p->path, "move");
			jsonw_key(p->w, "to");
			jsonw_str(p->w, p->moved_to);
			jsonw_end(p->w);
		}
		break;
	}
	p->section = SECTION_NONE;
	p->moved_to = STR_NONE;
	buf_reset(&p->body);
	return p->edits > EDITS_MAX
	    ? err_set(e, ERR_LIMIT, "the patch changes more than %d files",
		  EDITS_MAX)
	    : ERR_OK;
}

static bool
begins(struct str line, const char *mark, struct str *ret_rest)
{
	if (!str_starts(line, str_of(mark)))
		return false;
	*ret_rest = str_trim(str_from(line, strlen(mark)));
	return true;
}

static int
take_head(struct patch *p, struct str line, bool *ret_taken, struct err *e)
{
	static const struct {
		const char *mark;
		enum section section;
	} heads[] = {
		{ ADD, SECTION_ADD },
		{ UPDATE, SECTION_UPDATE },
		{ DELETE, SECTION_DELETE },
	};
	struct str path;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		if (!begins(line, heads[i].mark, &path))
			continue;
		r = end_section(p, e);
		if (r == 0 && path.len == 0)
			r = err_set(e, ERR_INVALID, "the patch names no file");
		p->section = heads[i].section;
		p->path = path;
		*ret_taken = true;
		return r;
	}
	*ret_taken = false;
	return ERR_OK;
}

static int
take_line(struct patch *p, struct str line, struct err *e)
{
	struct str rest;

	switch (p->section) {
	case SECTION_ADD:
		if (!str_starts(line, STR("+")))
			break;
		buf_put_str(&p->body, str_from(line, 1));
		buf_putc(&p->body, '\n');
		return ERR_OK;
	case SECTION_UPDATE:
		if (begins(line, MOVE, &rest) && rest.len > 0) {
			p->moved_to = rest;
			return ERR_OK;
		}
		if (str_eqz(str_trim(line), END_OF_FILE))
			return ERR_OK;
		if (line.len > 0 && strchr("+- @", line.s[0]) == NULL)
			break;
		buf_put_str(&p->body, line);
		buf_putc(&p->body, '\n');
		return ERR_OK;
	case SECTION_DELETE:
	case SECTION_NONE:
		if (str_trim(line).len == 0)
			return ERR_OK;
		break;
	}
	return err_set(e, ERR_INVALID,
	    "a line of the patch is not understood: '%.60s'",
	    line.len == 0 ? "" : "it belongs to no file");
}

static int
take_lines(struct patch *p, struct str text, struct err *e)
{
	bool begun = false, taken;
	int r = ERR_OK;

	while (r == 0 && text.len > 0) {
		struct str line = str_cut(&text, '\n');

		if (str_ends(line, STR("\r")))
			line = str_head(line, line.len - 1);
		if (!begun) {
			begun = str_eqz(str_trim(line), BEGIN);
			if (!begun && str_trim(line).len > 0)
				break;
			continue;
		}
		if (str_eqz(str_trim(line), END))
			return str_trim(text).len == 0
			    ? end_section(p, e)
			    : err_set(e, ERR_INVALID,
				  "something follows the patch's end");
		r = take_head(p, line, &taken, e);
		if (r == 0 && !taken)
			r = take_line(p, line, e);
	}
	return r != 0
	    ? r
	    : err_set(e, ERR_INVALID,
		  "the patch does not lie between '" BEGIN "' and '" END "'");
}

int
patch_put_edits(struct jsonw *w, struct str text, struct err *e)
{
	struct patch p = {
		.w = w,
		.body = BUF_INIT(HTTP_BODY_BYTES_MAX),
	};
	int r = take_lines(&p, text, e);

	if (r == 0 && p.edits == 0)
		r = err_set(e, ERR_INVALID, "the patch changes nothing");
	if (r == 0)
		r = buf_done(&p.body, e);
	buf_free(&p.body);
	return r;
}

static void
put_marked(struct buf *out, char mark, struct str text)
{
	while (text.len > 0) {
		buf_putc(out, mark);
		buf_put_str(out, str_cut(&text, '\n'));
		buf_putc(out, '\n');
	}
}

void
patch_put_replaced(struct buf *out, const char *path, struct str where,
    struct str old, struct str new)
{
	/* where in the file it is, the client does not say exactly */
	buf_printf(out, "--- %s\n+++ %s\n@@", path, path);
	buf_put_str(out, where);
	buf_puts(out, where.len > 0 ? " @@\n" : "\n");
	put_marked(out, '-', old);
	put_marked(out, '+', new);
}
