/*
 * A place in the text of a rule file of another program, and texts in quotes.
 * Runs in: assent.  Trusts: nothing in the text.  Owns: nothing.
 */
#include "import_reader.h"

#include "import.h"

char
reader_peek(const struct import_reader *r)
{
	return str_at(r->text, r->at);
}

bool
reader_at_quote(const struct import_reader *r)
{
	return reader_peek(r) == '"' || reader_peek(r) == '\'';
}

bool
reader_take(struct import_reader *r, char c)
{
	if (r->at >= r->text.len || reader_peek(r) != c)
		return false;
	r->at++;
	return true;
}

json_t *
reader_fail(struct import_reader *r, const char *what)
{
	(void)err_at(r->e, r->file, r->line, 0, "%s", what);
	return NULL;
}

/* Two more of them follow. */
static bool
two_more(const struct import_reader *r, char quote)
{
	return str_at(r->text, r->at) == quote &&
	    str_at(r->text, r->at + 1) == quote;
}

size_t
reader_quotes(struct import_reader *r)
{
	const char quote = reader_peek(r);

	r->at++;
	if (!two_more(r, quote))
		return 1;
	r->at += 2;
	return 3;
}

json_t *
reader_quoted(
    struct import_reader *r, char quote, size_t count, reader_escape_fn *escape)
{
	AUTO_BUF struct buf b = BUF_INIT(IMPORT_FILE_BYTES_MAX);

	while (r->at < r->text.len) {
		const char c = r->text.s[r->at++];

		if (c == quote && (count == 1 || two_more(r, quote))) {
			r->at += count - 1;
			return json_stringn(buf_cstr(&b), b.len);
		}
		if (c == '\n' && count == 1)
			break;
		r->line += c == '\n';
		if (c == '\\' && escape != NULL && r->at < r->text.len)
			escape(r, &b);
		else
			buf_putc(&b, c);
	}
	return reader_fail(r, "a text that does not end");
}
