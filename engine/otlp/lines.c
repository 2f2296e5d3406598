/*
 * JSON lines.
 * Runs in: reporter.  Trusts: jansson.  Owns: nothing.
 */
#include "lines.h"

#include <stdlib.h>

int
rows_as_lines(json_t *const *rows, size_t count, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		char *line =
		    json_dumps(rows[i], JSON_COMPACT | JSON_ENSURE_ASCII);

		if (line == NULL)
			return err_nomem(e);
		buf_puts(out, line);
		buf_putc(out, '\n');
		free(line);
	}
	return buf_done(out, e);
}
