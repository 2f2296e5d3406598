/*
 * What was asked for, in full.
 * Runs in: assent.  Trusts: nothing of the JSON.  Owns: nothing.
 */
#include "case_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "diff.h"
#include "tools/client.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define GUTTER_BYTES 24

static void
put(struct page *p, const char *text, enum style style)
{
	p->notes |= safe_cstr(&p->text, text,
	    &(struct safe_how){ .style = style, .utf8 = p->utf8 });
}

/* ---- commands ------------------------------------------------------------ */

static void
put_script(struct page *p, const char *script)
{
	struct str rest = str_of(script);
	size_t number = 1;
	char gutter[GUTTER_BYTES];

	if (str_ends(rest, STR("\n")))
		rest = str_head(rest, rest.len - 1);
	do {
		const size_t empty = page_empty_run(p, &rest);

		number += empty;
		if (empty > 0)
			continue;
		const struct str line = str_cut(&rest, '\n');

		(void)snprintf(gutter, sizeof(gutter), "%3zu | ", number++);
		page_code(p, gutter, line, STYLE_BOLD);
	} while (rest.len > 0);
}

static void
put_argv(struct page *p, const json_t *argv)
{
	const json_t *word;
	char gutter[GUTTER_BYTES];
	size_t i;

	json_array_foreach(argv, i, word)
	{
		(void)snprintf(gutter, sizeof(gutter), "%3zu | ", i);
		page_code(
		    p, gutter, str_of(json_string_value(word)), STYLE_BOLD);
	}
}

/* ---- edits --------------------------------------------------------------- */

struct edit_writer {
	struct page *p;
	size_t lines;
};

static void
put_change(void *ctx, char sign, struct str line)
{
	struct edit_writer *w = ctx;

	switch (sign) {
	case '+':
		page_code(w->p, " + ", line, STYLE_ADDED);
		break;
	case '-':
		page_code(w->p, " - ", line, STYLE_REMOVED);
		break;
	case '@':
		page_own(w->p, STYLE_DIM, " ~ unchanged lines");
		break;
	default:
		page_code(w->p, "   ", line, STYLE_PLAIN);
		break;
	}
	w->lines++;
}

static void
put_content(const struct case_how *how, struct page *p, const json_t *edit)
{
	AUTO_BUF struct buf old = BUF_INIT(FILE_BYTES_MAX);
	const char *path = client_text(edit, "path");
	const char *content = client_text(edit, "content");
	struct edit_writer w = { .p = p };
	bool have = false;

	if (how->file != NULL && path != NULL)
		have = how->file(how->ctx, path, &old);
	if (!have) {
		buf_reset(&old);
		page_own(p, STYLE_DIM, " ~ what is there now is not known");
	}
	if (diff_lines(buf_str(&old), str_of(content), put_change, &w) != 0)
		page_code(p, " + ", str_of(content), STYLE_ADDED);
	else if (w.lines == 0)
		page_own(p, STYLE_DIM,
		    content[0] == '\0' ? " ~ empty" : " ~ nothing changes");
}

static bool
put_edit(const struct case_how *how, struct page *p, const json_t *edit)
{
	const char *op = client_text(edit, "op");
	const char *content = client_text(edit, "content");
	const char *patch = client_text(edit, "patch");
	const char *to = client_text(edit, "to");

	if (op == NULL || client_text(edit, "path") == NULL)
		return false;
	safe_style(&p->text, STYLE_LABEL);
	buf_puts(&p->text, "  ");
	put(p, op, STYLE_LABEL);
	buf_puts(&p->text, " ");
	buf_putc(&p->text, PAGE_HANG);
	put(p, client_text(edit, "path"), STYLE_BOLD);
	if (to != NULL) {
		safe_style(&p->text, STYLE_LABEL);
		buf_puts(&p->text, " to ");
		put(p, to, STYLE_BOLD);
	}
	buf_putc(&p->text, '\n');
	page_field(p, "   of", client_text(edit, "sha256"), STYLE_DIM);
	if (content != NULL)
		put_content(how, p, edit);
	if (patch != NULL)
		page_patch(p, " | ", str_of(patch));
	return true;
}

static bool
put_edits(const struct case_how *how, struct page *p, const json_t *edits)
{
	const json_t *edit;
	bool whole = true;
	size_t i;

	json_array_foreach(edits, i, edit)
	{
		if (!put_edit(how, p, edit))
			whole = false;
	}
	return whole;
}

/* ---- whatever else ------------------------------------------------------- */

/* JSON of any shape, indented; the values are foreign all the same. */
static bool
put_json(struct page *p, const char *key, const json_t *value)
{
	AUTO_FREE char *text =
	    json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	if (text == NULL)
		return false;
	safe_style(&p->text, STYLE_LABEL);
	buf_puts(&p->text, "  ");
	put(p, key, STYLE_LABEL);
	buf_putc(&p->text, '\n');
	page_code(p, "    | ", str_of(text), STYLE_BOLD);
	return true;
}

/* "server   github"; what has lines of its own stands below its name. */
static void
put_string(struct page *p, const char *key, struct str value)
{
	const bool one_line = str_find(value, '\n') == value.len;

	safe_style(&p->text, STYLE_LABEL);
	buf_puts(&p->text, "  ");
	put(p, key, STYLE_LABEL);
	if (one_line) {
		buf_puts(&p->text, "  ");
		buf_putc(&p->text, PAGE_HANG);
		p->notes |= safe_text(&p->text, value,
		    &(struct safe_how){ .style = STYLE_BOLD, .utf8 = p->utf8 });
	}
	buf_putc(&p->text, '\n');
	if (!one_line)
		page_code(p, "    | ", value, STYLE_BOLD);
}

/* One member of the input; what is not known by name is shown as JSON. */
static bool
put_member(const struct case_how *how, struct page *p, const char *key,
    const json_t *value)
{
	if (strcmp(key, "script") == 0 && json_is_string(value)) {
		put_script(p, json_string_value(value));
		return true;
	}
	if (strcmp(key, "argv") == 0 && json_is_array(value)) {
		put_argv(p, value);
		return true;
	}
	if (strcmp(key, "edits") == 0 && json_is_array(value))
		return put_edits(how, p, value);
	if (json_is_string(value)) {
		put_string(p, key, str_of(json_string_value(value)));
		return true;
	}
	return put_json(p, key, value);
}

static const struct {
	const char *tool, *title;
} titles[] = {
	{ "shell", "a script for the shell" },
	{ "exec", "a program and its words" },
	{ "stdin", "text for something that runs" },
	{ "file", "changes of files" },
	{ "fetch", "a request to a server" },
	{ "mcp", "a call of a tool server" },
	{ "permission", "a wish for more rights" },
};

bool
case_input(const json_t *action, const struct case_how *how, struct page *p)
{
	const json_t *input = json_object_get(action, "input");
	const char *tool = client_text(action, "tool");
	const char *title = NULL, *key;
	const json_t *value;
	bool whole = tool != NULL && json_object_size(input) > 0;

	for (size_t i = 0; tool != NULL && i < ARRAY_LEN(titles); i++) {
		if (strcmp(titles[i].tool, tool) == 0)
			title = titles[i].title;
	}
	page_own(p, STYLE_LABEL, "ACTION   %s",
	    title != NULL ? title : "of an unknown kind");
	/* json_object_foreach casts const away */
	for (void *at = json_object_iter((json_t *)(uintptr_t)input);
	     at != NULL;
	     at = json_object_iter_next((json_t *)(uintptr_t)input, at)) {
		key = json_object_iter_key(at);
		value = json_object_iter_value(at);
		if (!put_member(how, p, key, value))
			whole = false;
	}
	return whole && title != NULL;
}
