#ifndef DB_EXPORT_H
#define DB_EXPORT_H
/*
 * A row in the forms that others read. Each is one line.
 *
 *     const struct export_format *f = export_format_of("csv");
 *     f->head(&out);  f->row(&view, &out);
 */
#include "row.h"

struct export_format {
	const char *name;
	void (*head)(struct buf *out); /* or NULL */
	void (*row)(const struct row_view *v, struct buf *out);
};

/* NULL for a name that is not known. */
const struct export_format *export_format_of(const char *name);

#endif
