/*
 * Write rule files that read back as what was meant.
 * Runs in: assent.  Trusts: nothing in the texts.  Owns: nothing.
 */
#include "emit.h"

#include <ctype.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/text.h"

/* Words that YAML takes for something else than text. */
static const char *const not_text[] = { "true", "false", "null", "yes", "no",
	"on", "off", "y", "n", "~" };

static bool
is_plain(struct str s)
{
	if (s.len == 0 || !isalpha((unsigned char)s.s[0]))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const char c = s.s[i];

		if (!isalnum((unsigned char)c) && strchr("-_./", c) == NULL)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(not_text); i++) {
		if (strlen(not_text[i]) == s.len &&
		    strncasecmp(not_text[i], s.s, s.len) == 0)
			return false;
	}
	return true;
}

void
emit_text(struct buf *out, struct str s)
{
	struct jsonw w = jsonw_on(out);

	if (is_plain(s))
		buf_put_str(out, s);
	else
		jsonw_str(&w, s); /* JSON's strings are YAML's, too */
}

void
emit_list(struct buf *out, const struct str *v, size_t count)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_puts(out, ", ");
		emit_text(out, v[i]);
	}
	buf_putc(out, ']');
}

void
emit_regex_literal(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (strchr("\\^$.[]|()?*+{}-", s.s[i]) != NULL)
			buf_putc(out, '\\');
		buf_putc(out, s.s[i]);
	}
}

void
emit_id_word(struct buf *out, struct str s)
{
	bool any = false;

	for (size_t i = 0; i < s.len && i < 40; i++) {
		const char c = s.s[i];

		if (isalnum((unsigned char)c) || c == '_') {
			buf_putc(out, c);
			any = true;
		} else if (any && i + 1 < s.len &&
		    isalnum((unsigned char)s.s[i + 1])) {
			buf_putc(out, '-');
		}
	}
	if (!any)
		buf_putc(out, 'x');
}

void
emit_comment(struct buf *out, const char *indent, struct str s)
{
	buf_printf(out, "%s# ", indent);
	text_escape(out, s);
	buf_putc(out, '\n');
}
