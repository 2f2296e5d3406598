/*
 * The page of what a run on a copy of its workspace changed.
 * Runs in: assent.  Trusts: nothing of the JSON.  Owns: nothing.
 */
#include "changes_page.h"

#include <string.h>

#include "base/mem.h"
#include "tools/client.h"

static void
put(struct page *p, const char *text, enum style style)
{
	p->notes |= safe_cstr(&p->text, text,
	    &(struct safe_how){ .style = style, .utf8 = p->utf8 });
}

static char
sign_of(const json_t *change)
{
	const char *kind = client_text(change, "change");

	if (kind == NULL)
		return '?';
	return strcmp(kind, "added") == 0   ? 'A'
	    : strcmp(kind, "deleted") == 0  ? 'D'
	    : strcmp(kind, "modified") == 0 ? 'M'
					    : '?';
}

static bool
is_text_of(const json_t *change, const char *key, const char *word)
{
	const char *text = client_text(change, key);

	return text != NULL && strcmp(text, word) == 0;
}

/* "M  src/a.c  0644 -> 0755", the line that the cursor stands on. */
static void
put_head(struct page *p, const json_t *change)
{
	const char *mode = client_text(change, "mode");
	const char *was = client_text(change, "old_mode");
	const char sign = sign_of(change);

	safe_style(&p->text,
	    sign == 'D'       ? STYLE_REMOVED
		: sign == 'A' ? STYLE_ADDED
			      : STYLE_LABEL);
	buf_printf(&p->text, "   %c  ", sign);
	buf_putc(&p->text, PAGE_HANG);
	put(p, client_text(change, "path"), STYLE_BOLD);
	if (is_text_of(change, "type", "folder"))
		buf_putc(&p->text, '/');
	safe_style(&p->text, STYLE_PLAIN);
	if (client_text(change, "link") != NULL) {
		buf_puts(&p->text, " -> ");
		put(p, client_text(change, "link"), STYLE_BOLD);
	}
	if (mode != NULL && was != NULL && strcmp(mode, was) != 0) {
		buf_puts(&p->text, "  mode ");
		put(p, was, STYLE_PLAIN);
		buf_puts(&p->text, " -> ");
		put(p, mode, STYLE_WARN);
	} else if (mode != NULL && was == NULL &&
	    client_text(change, "link") == NULL) {
		buf_puts(&p->text, "  mode ");
		put(p, mode, STYLE_PLAIN);
	}
	buf_putc(&p->text, '\n');
}

/* A file whose text is not told: how large it is, and its hash. */
static void
put_size(struct page *p, const json_t *change)
{
	const json_int_t size =
	    json_integer_value(json_object_get(change, "size"));
	const char *sha256 = client_text(change, "sha256");

	if (sha256 == NULL)
		return;
	if (size == 0) {
		page_own(p, STYLE_DIM, "     it is empty");
		return;
	}
	page_own(p, STYLE_WARN, "   ! not shown: %lld bytes, no short text",
	    (long long)size);
	page_field(p, "  sha256", sha256, STYLE_DIM);
}

static bool
put_change(struct page *p, const json_t *change, struct tui_change *ret)
{
	const char *path = client_text(change, "path");
	const char *problem = client_text(change, "problem");
	const char *diff = client_text(change, "diff");

	if (path == NULL || path[0] == '\0')
		return false;
	*ret = (struct tui_change){
		.path = mem_strndup(path, strlen(path)),
		.from = p->text.len,
		.possible = problem == NULL,
	};
	put_head(p, change);
	page_field(p, "   NOT", problem, STYLE_BAD);
	if (diff != NULL)
		page_patch(p, "   | ", str_of(diff));
	else if (sign_of(change) != 'D')
		put_size(p, change);
	return ret->path != NULL;
}

int
changes_page(const json_t *list, struct page *p, struct tui_change *at,
    size_t *ret_count, struct err *e)
{
	const json_t *change;
	size_t i;

	page_own(p, STYLE_LABEL,
	    "CHANGES  in a copy of the workspace: %zu, none of them applied "
	    "yet",
	    json_array_size(list));
	json_array_foreach(list, i, change)
	{
		if (!put_change(p, change, &at[i]))
			return err_set(e, ERR_INTERNAL,
			    "the daemon tells a change without a name");
		*ret_count = i + 1;
	}
	return buf_done(&p->text, e);
}
