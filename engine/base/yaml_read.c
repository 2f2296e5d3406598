/*
 * Read a parsed YAML tree: values by key, and where each thing stands.
 * Runs in: every program that reads configuration or rules.
 * Trusts: the tree.  Owns: nothing.
 */
#include "yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "yaml_int.h"

const char *
yaml_source_line(const struct yaml_source *source, unsigned line)
{
	return source != NULL && line >= 1 && line <= source->count
	    ? source->lines[line - 1]
	    : NULL;
}

const struct yaml *
yaml_get(const struct yaml *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++) {
		if (str_eqz(map->keys[i].text, key))
			return &map->items[i];
	}
	return NULL;
}

/* How many characters of the file one character in double quotes takes. */
static size_t
escape_len(struct str at)
{
	if (at.len < 2 || at.s[0] != '\\')
		return 1;
	switch (at.s[1]) {
	case 'x':
		return 4;
	case 'u':
		return 6;
	case 'U':
		return 10;
	default:
		return 2;
	}
}

/* A literal block: its lines follow, each indented alike. */
static void
place_in_literal(
    const struct yaml *at, size_t offset, unsigned *line, unsigned *col)
{
	const struct str before = str_head(at->text, offset);
	size_t start = 0, indent = 0, pos;
	const char *first = yaml_source_line(at->source, at->line + 1);

	while (first != NULL && first[indent] == ' ')
		indent++;
	*line = at->line + 1;
	for (size_t i = 0; i < before.len; i++) {
		if (before.s[i] != '\n')
			continue;
		(*line)++;
		start = i + 1;
	}
	*col = (unsigned)indent + 1;
	for (pos = start; pos < before.len; (*col)++)
		(void)text_decode(before, &pos);
}

/* A scalar on one line: walk its text and its source side by side. */
static unsigned
column_in_line(const struct yaml *at, struct str source, size_t offset)
{
	const bool single = at->quoted && !at->double_quoted;
	size_t text_at = 0, source_at = 0;
	unsigned col = 1;

	while (source_at < source.len && col < at->col + (at->quoted ? 1 : 0)) {
		(void)text_decode(source, &source_at);
		col++;
	}
	while (text_at < offset && text_at < at->text.len &&
	    source_at < source.len) {
		const struct str rest = str_from(source, source_at);
		size_t n = at->double_quoted ? escape_len(rest) : 1;

		if (single && str_starts(rest, STR("''")))
			n = 2;
		(void)text_decode(at->text, &text_at);
		col += (unsigned)n;
		for (; n > 0 && source_at < source.len; n--)
			(void)text_decode(source, &source_at);
	}
	return col;
}

struct diag
yaml_place(const struct yaml *at, size_t offset)
{
	struct diag place = {
		.file = at->file,
		.line = at->line,
		.col = at->col,
	};
	const char *source = yaml_source_line(at->source, at->line);
	const struct str rest = str_of(source);

	if (at->kind != YAML_SCALAR || source == NULL) {
		place.source = source;
		return place;
	}
	if (at->block && rest.len >= at->col && rest.s[at->col - 1] == '|')
		place_in_literal(at, offset, &place.line, &place.col);
	else if (!at->block && at->line == at->end_line)
		place.col = column_in_line(at, rest, offset);
	place.source = yaml_source_line(at->source, place.line);
	return place;
}

void
yaml_diag(struct diags *d, const struct yaml *at, enum diag_severity severity,
    const char *code, const char *hint, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	const bool one_line = at->line == at->end_line;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	diag_add(d,
	    &(struct diag){
		.severity = severity,
		.code = code,
		.file = at->file,
		.line = at->line,
		.col = at->col,
		.width = one_line && at->kind == YAML_SCALAR
		    ? at->end_col - at->col
		    : 1,
		.hint = hint,
		.source = yaml_source_line(at->source, at->line),
	    },
	    "%s", message);
}
