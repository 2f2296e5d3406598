/*
 * The lines in which two texts differ: all between what they begin with alike
 * and what they end with alike.
 * Runs in: assent.  Trusts: nothing.  Owns: nothing.
 */
#include "line_diff.h"

#include <stdbool.h>

#include "base/buf.h"
#include "base/mem.h"

#define AROUND 2 /* equal lines that are shown before it */
#define LINE_BYTES_MAX 4096

struct side {
	struct str rest;
	size_t head; /* bytes in which both begin */
};

static void
put_line(struct jsonw *w, char sign, struct str line)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * LINE_BYTES_MAX);

	buf_putc(&text, sign);
	buf_put_str(&text, str_head(line, LINE_BYTES_MAX));
	if (line.len > LINE_BYTES_MAX)
		buf_printf(
		    &text, " (and %zu bytes)", line.len - LINE_BYTES_MAX);
	jsonw_str(w, buf_str(&text));
}

static void
put_lines(struct jsonw *w, char sign, struct str text)
{
	size_t count = 0;

	while (text.len > 0) {
		const struct str line = str_cut(&text, '\n');

		if (count++ == LINE_DIFF_LINES_MAX) {
			put_line(w, sign, STR("(more lines are not shown)"));
			return;
		}
		put_line(w, sign, line);
	}
}

/* The last lines of what is equal. */
static struct str
last_lines(struct str text)
{
	size_t lines = 0, i = text.len;

	while (i > 0 && lines < AROUND) {
		i--;
		if (text.s[i] == '\n' && i + 1 < text.len)
			lines++;
	}
	if (lines == AROUND)
		i++;
	return str_from(text, i);
}

void
line_diff_put(struct jsonw *w, struct str was, struct str is)
{
	const size_t head = str_same_head_lines(was, is);
	const struct str a = str_from(was, head), b = str_from(is, head);
	const size_t tail = str_same_tail_lines(a, b);

	jsonw_array(w);
	put_lines(w, ' ', last_lines(str_head(was, head)));
	put_lines(w, '-', str_head(a, a.len - tail));
	put_lines(w, '+', str_head(b, b.len - tail));
	jsonw_end(w);
}
