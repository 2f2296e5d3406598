/*
 * What an action holds besides its command: edits, bodies, variables, all of
 * it, for those who answer without a screen.
 * Runs in: assent.  Trusts: nothing; every text is escaped.  Owns: nothing.
 */
#include "show.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "client.h"

/* Each line behind a mark, so that none passes for ours. */
static void
put_lines(struct buf *out, const char *mark, struct str text)
{
	do {
		buf_puts(out, mark);
		text_escape(out, str_cut(&text, '\n'));
		buf_putc(out, '\n');
	} while (text.len > 0);
}

static void
put_name(struct buf *out, const char *name)
{
	buf_puts(out, "  ");
	text_escape(out, str_of(name));
	buf_putc(out, '\n');
}

static void
put_edit(struct buf *out, const json_t *edit)
{
	const char *content = client_text(edit, "content");
	const char *patch = client_text(edit, "patch");
	const char *to = client_text(edit, "to");

	buf_printf(out, "  %-9s", "edit");
	text_escape(out, str_of(client_text(edit, "op")));
	buf_putc(out, ' ');
	text_escape(out, str_of(client_text(edit, "path")));
	if (to != NULL) {
		buf_puts(out, " to ");
		text_escape(out, str_of(to));
	}
	buf_putc(out, '\n');
	if (content != NULL)
		put_lines(out, "  + ", str_of(content));
	if (patch != NULL)
		put_lines(out, "  | ", str_of(patch));
}

static void
put_member(struct buf *out, const char *name, const json_t *value)
{
	AUTO_FREE char *text = NULL;
	const json_t *edit;
	size_t i;

	if (strcmp(name, "edits") == 0) {
		json_array_foreach(value, i, edit) put_edit(out, edit);
		return;
	}
	put_name(out, name);
	if (json_is_string(value)) {
		put_lines(out, "  | ", str_of(json_string_value(value)));
		return;
	}
	text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
	put_lines(out, "  | ", str_of(text == NULL ? "(no memory)" : text));
}

/* What the command's own line shows already. */
static bool
is_shown(const char *name)
{
	return strcmp(name, "script") == 0 || strcmp(name, "argv") == 0;
}

void
show_input(struct buf *out, const json_t *explanation)
{
	const json_t *action = json_object_get(explanation, "action");
	json_auto_t *input = json_deep_copy(json_object_get(action, "input"));
	const char *name;
	json_t *value;

	json_object_foreach(input, name, value)
	{
		if (!is_shown(name))
			put_member(out, name, value);
	}
}
