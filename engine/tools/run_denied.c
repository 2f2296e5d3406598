/*
 * assent run: what the sandbox denied, after the program's own output.
 * Runs in: assent.  Trusts: nothing of the texts.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "run.h"
#include "show.h"

#define CHANGES "'assent changes'"

static bool
is_of_this_run(const char *note)
{
	static const char *const begins[] = { "note: hidden from it",
		"note: closed to it", "note: set-id programs" };

	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		if (str_starts(str_of(note), str_of(begins[i])))
			return true;
	}
	return strstr(note, CHANGES) != NULL;
}

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

		if (text == NULL || (note && !is_of_this_run(text)))
			continue;
		buf_puts(&out,
		    note || hint ? "assent run: " : "assent run: denied: ");
		text_escape(&out, str_of(text));
		buf_putc(&out, '\n');
		if (note && strstr(text, CHANGES) != NULL)
			buf_printf(&out, "  assent changes %s\n", r->now.id);
	}
	(void)fputs(buf_cstr(&out), stderr);
}
