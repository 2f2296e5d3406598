/*
 * assent run: what the sandbox denied, after the program's own output.
 * Runs in: assent.  Trusts: nothing of the texts.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "run.h"
#include "show.h"

/*
 * What the sandbox denied, and that changes wait on a copy. Other notes hold
 * for every run on this machine: the outcome and the log have them.
 */
void
run_say_denied(const struct run *r)
{
	const json_t *outcome = json_object_get(r->now.json, "outcome");
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(outcome, "violations"), i, item)
	{
		const char *text = json_string_value(item);
		const bool note =
		    text != NULL && str_starts(str_of(text), STR("note: "));
		const bool hint =
		    text != NULL && str_starts(str_of(text), STR("hint: "));

		if (text == NULL ||
		    (note && strstr(text, "'assent changes'") == NULL))
			continue;
		buf_puts(&out,
		    note || hint ? "assent run: " : "assent run: denied: ");
		text_escape(&out, str_of(text));
		buf_putc(&out, '\n');
		if (note)
			buf_printf(&out, "  assent changes %s\n", r->now.id);
	}
	(void)fputs(buf_cstr(&out), stderr);
}
