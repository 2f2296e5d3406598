/*
 * A strict subset of YAML as a tree with places, from libyaml's events.
 * Runs in: every program that reads configuration or rules.
 * Trusts: nothing in the text.  Owns: nothing; the tree is in the arena.
 *
 * What YAML can do and people do not expect (aliases, tags, merge keys,
 * hidden characters) is an error here, so that what a person reads in a file
 * is what it means.
 */
#include "yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "text.h"
#include "yaml_int.h"

#define HIDDEN_REPORTED_MAX 20
#define BOM "\xef\xbb\xbf"

/* The state of one parse. */
struct reader {
	yaml_parser_t parser;
	struct yaml_source *source;
	struct arena *arena;
	struct diags *diags;
	struct err *e;
	size_t nodes, errors;
	unsigned depth;
	int fatal; /* ERR_NOMEM and the like: stop at once */
};

/* One libyaml event, freed at the end of its scope. */
struct event {
	yaml_event_t y;
	bool held;
};

static void
event_done(struct event *ev)
{
	if (ev->held)
		yaml_event_delete(&ev->y);
	ev->held = false;
}

struct place {
	const char *code, *hint;
	unsigned line, col, width;
};

static void complain(struct reader *rd, const struct place *at, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

static void
complain(struct reader *rd, const struct place *at, const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (rd->errors++ == 0)
		(void)err_at(
		    rd->e, rd->source->file, at->line, at->col, "%s", message);
	diag_add(rd->diags,
	    &(struct diag){
		.severity = DIAG_ERROR,
		.code = at->code,
		.file = rd->source->file,
		.line = at->line,
		.col = at->col,
		.width = at->width,
		.hint = at->hint,
		.source = yaml_source_line(rd->source, at->line),
	    },
	    "%s", message);
}

static struct place
place_of(const char *code, const char *hint, yaml_mark_t start, yaml_mark_t end)
{
	const bool one_line = start.line == end.line;

	return (struct place){
		.code = code,
		.hint = hint,
		.line = (unsigned)start.line + 1,
		.col = (unsigned)start.column + 1,
		.width = one_line ? (unsigned)(end.column - start.column) : 1,
	};
}

/* ---- the text: lines, characters --------------------------------------- */

/* Copies the text and cuts it into lines. */
static int
split_lines(struct yaml_source *source, struct str text, struct arena *a)
{
	char *copy = arena_strndup(a, text.s == NULL ? "" : text.s, text.len);
	size_t count = 1, n = 0;

	if (copy == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < text.len; i++)
		count += copy[i] == '\n';
	source->lines = arena_array(a, count, sizeof(char *));
	if (source->lines == NULL)
		return ERR_NOMEM;
	source->lines[n++] = copy;
	for (size_t i = 0; i < text.len; i++) {
		if (copy[i] != '\n')
			continue;
		copy[i] = '\0';
		if (i > 0 && copy[i - 1] == '\r')
			copy[i - 1] = '\0';
		source->lines[n++] = copy + i + 1;
	}
	source->count = n;
	return ERR_OK;
}

static struct place
place_at_offset(const char *code, const char *hint, struct str text, size_t at)
{
	struct place p = { .code = code, .hint = hint, .line = 1, .col = 1 };
	size_t start = 0;

	for (size_t i = 0; i < at; i++) {
		if (text.s[i] == '\n') {
			p.line++;
			start = i + 1;
		}
	}
	while (start < at) {
		(void)text_decode(text, &start);
		p.col++;
	}
	return p;
}

static void
complain_hidden(struct reader *rd, struct str text, size_t at)
{
	struct place p = place_at_offset("E002", NULL, text, at);
	const int32_t cp = text_decode(text, &at);

	if (cp < 0) {
		p.hint = "save the file as UTF-8";
		complain(rd, &p, "this is not UTF-8 text");
		return;
	}
	p.hint = "delete it, or write it as an escape in double quotes";
	complain(rd, &p, "hidden character U+%04X", (unsigned)cp);
}

/* What a reader cannot see must not decide what a file means. */
static void
check_characters(struct reader *rd, struct str text)
{
	size_t from = 0;

	for (unsigned i = 0; i < HIDDEN_REPORTED_MAX && from < text.len; i++) {
		const struct str rest = str_from(text, from);
		const size_t at = text_find_hidden(rest, "\n\t\r");

		if (at == rest.len)
			break;
		complain_hidden(rd, text, from + at);
		from += at;
		if (text_decode(text, &from) < 0)
			break;
	}
	for (size_t i = 0; rd->errors == 0 && i < text.len; i++) {
		if (text.s[i] != '\r')
			continue;
		if (i + 1 < text.len && text.s[i + 1] == '\n')
			continue;
		complain_hidden(rd, text, i);
	}
}

/* ---- libyaml's complaints in our words --------------------------------- */

static bool
is_tab_at(const struct reader *rd, yaml_mark_t at)
{
	const char *line = yaml_source_line(rd->source, (unsigned)at.line + 1);

	if (line == NULL)
		return false;
	for (size_t i = 0; line[i] == ' ' || line[i] == '\t'; i++) {
		if (line[i] == '\t')
			return true;
	}
	return false;
}

static bool
is_unclosed(const yaml_parser_t *p)
{
	return p->context != NULL &&
	    (strstr(p->problem, "end of stream") != NULL ||
		strstr(p->problem, "document indicator") != NULL ||
		strstr(p->problem, "',' or") != NULL);
}

/* The parser stopped: report why, once, where the reader should look. */
static void
complain_syntax(struct reader *rd)
{
	const yaml_parser_t *p = &rd->parser;
	const char *problem = p->problem == NULL ? "syntax error" : p->problem;
	const yaml_mark_t mark = p->problem != NULL && is_unclosed(p)
	    ? p->context_mark
	    : p->problem_mark;
	struct place at = place_of("E001", NULL, mark, mark);
	const struct yaml_wording *w = yaml_wording_of(problem);

	if (p->error == YAML_MEMORY_ERROR) {
		rd->fatal = err_nomem(rd->e);
		return;
	}
	if (p->error == YAML_SCANNER_ERROR && is_tab_at(rd, mark)) {
		at.code = "E003";
		at.hint = "indent with spaces";
		complain(rd, &at, "a tab in the indentation");
		return;
	}
	at.hint = w == NULL ? NULL : w->hint;
	complain(rd, &at, "%s", w == NULL ? problem : w->ours);
}

/* ---- events to nodes --------------------------------------------------- */

/* False after an error that ends the parse (already reported). */
static bool
next_event(struct reader *rd, struct event *ret)
{
	if (rd->fatal != 0)
		return false;
	if (yaml_parser_parse(&rd->parser, &ret->y) != 1) {
		complain_syntax(rd);
		if (rd->fatal == 0)
			rd->fatal = ERR_INVALID;
		return false;
	}
	ret->held = true;
	return true;
}

static bool read_node(
    struct reader *rd, const yaml_event_t *ev, struct yaml *ret);

static bool
out_of_memory(struct reader *rd)
{
	rd->fatal = err_nomem(rd->e);
	return false;
}

static bool
over_limit(
    struct reader *rd, const yaml_event_t *ev, const char *what, size_t limit)
{
	const struct place at =
	    place_of("E009", NULL, ev->start_mark, ev->start_mark);

	complain(rd, &at, "more than %zu %s", limit, what);
	rd->fatal = ERR_INVALID;
	return false;
}

static void
complain_extras(struct reader *rd, const yaml_event_t *ev,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct place at = place_of("E004",
	    "write the value out; put text that begins with '&' or '!' in "
	    "quotes",
	    ev->start_mark, ev->start_mark);

	if (anchor != NULL)
		complain(rd, &at, "anchor '&%s': anchors are not used here",
		    (const char *)anchor);
	if (tag != NULL)
		complain(rd, &at, "tag '%s': tags are not used here",
		    (const char *)tag);
}

static void
check_indentation(struct reader *rd, const yaml_event_t *ev)
{
	const unsigned line = (unsigned)ev->start_mark.line + 1;
	const char *s = yaml_source_line(rd->source, line);
	const struct place at = place_of(
	    "E003", "indent with spaces", ev->start_mark, ev->start_mark);
	bool tab = false;

	if (s == NULL)
		return;
	for (size_t i = 0; i < ev->start_mark.column; i++) {
		if (s[i] != ' ' && s[i] != '\t')
			return;
		tab = tab || s[i] == '\t';
	}
	if (tab)
		complain(rd, &at, "a tab in the indentation");
}

static void
start_node(struct reader *rd, const yaml_event_t *ev, enum yaml_kind kind,
    struct yaml *ret)
{
	*ret = (struct yaml){
		.kind = kind,
		.line = (unsigned)ev->start_mark.line + 1,
		.col = (unsigned)ev->start_mark.column + 1,
		.end_line = (unsigned)ev->end_mark.line + 1,
		.end_col = (unsigned)ev->end_mark.column + 1,
		.file = rd->source->file,
		.source = rd->source,
	};
	check_indentation(rd, ev);
}

static bool
read_scalar(struct reader *rd, const yaml_event_t *ev, struct yaml *ret)
{
	const yaml_scalar_style_t style = ev->data.scalar.style;
	const size_t len = ev->data.scalar.length;
	const char *copy;

	start_node(rd, ev, YAML_SCALAR, ret);
	complain_extras(rd, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	copy =
	    arena_strndup(rd->arena, (const char *)ev->data.scalar.value, len);
	if (copy == NULL)
		return out_of_memory(rd);
	ret->quoted = style != YAML_PLAIN_SCALAR_STYLE;
	ret->block = style == YAML_LITERAL_SCALAR_STYLE ||
	    style == YAML_FOLDED_SCALAR_STYLE;
	ret->double_quoted = style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	ret->text = str_n(copy, len);
	return true;
}

/* The children of a list or map while their number is not known yet. */
struct children {
	struct yaml *items;
	size_t count, cap;
};

static void
children_done(struct children *c)
{
	free(c->items);
}

static struct yaml *
children_add(struct reader *rd, struct children *c)
{
	if (mem_grow(&c->items, &c->cap, c->count + 1, sizeof(*c->items)) !=
	    0) {
		(void)out_of_memory(rd);
		return NULL;
	}
	return &c->items[c->count++];
}

static bool
children_keep(struct reader *rd, const struct children *c, struct yaml **ret)
{
	if (c->count == 0)
		return true;
	*ret = arena_array(rd->arena, c->count, sizeof(**ret));
	if (*ret == NULL)
		return out_of_memory(rd);
	memcpy(*ret, c->items, c->count * sizeof(**ret));
	return true;
}

static bool
read_list(struct reader *rd, const yaml_event_t *ev, struct yaml *ret)
{
	AUTO(children_done) struct children items = { 0 };

	start_node(rd, ev, YAML_LIST, ret);
	complain_extras(rd, ev, ev->data.sequence_start.anchor,
	    ev->data.sequence_start.tag);
	for (;;) {
		AUTO(event_done) struct event next = { .held = false };
		struct yaml *item;

		if (!next_event(rd, &next))
			return false;
		if (next.y.type == YAML_SEQUENCE_END_EVENT)
			break;
		item = children_add(rd, &items);
		if (item == NULL || !read_node(rd, &next.y, item))
			return false;
	}
	ret->count = items.count;
	return children_keep(rd, &items, &ret->items);
}

static int
by_key(const void *a, const void *b)
{
	const struct yaml *const *x = a, *const *y = b;
	const int r = str_cmp((*x)->text, (*y)->text);

	return r != 0 ? r : (*x > *y) - (*x < *y);
}

static bool
check_duplicates(struct reader *rd, const struct yaml *map)
{
	AUTO_FREE struct yaml **order =
	    mem_new(map->count, sizeof(struct yaml *));

	if (order == NULL)
		return out_of_memory(rd);
	for (size_t i = 0; i < map->count; i++)
		order[i] = &map->keys[i];
	qsort(order, map->count, sizeof(struct yaml *), by_key);
	for (size_t i = 1; i < map->count; i++) {
		const struct yaml *a = order[i - 1], *b = order[i];
		const struct place at = {
			.code = "E007",
			.hint = "a key may stand once in a map",
			.line = b->line,
			.col = b->col,
			.width = b->end_col - b->col,
		};

		if (str_eq(a->text, b->text))
			complain(rd, &at,
			    "duplicate key '%.*s', already in line %u",
			    STR_ARG(b->text), a->line);
	}
	return true;
}

static void
check_key(struct reader *rd, const struct yaml *key)
{
	const struct place at = {
		.code = "E006",
		.line = key->line,
		.col = key->col,
	};

	if (key->kind != YAML_SCALAR)
		complain(rd, &at, "a key must be plain text");
	else if (!key->quoted && str_eqz(key->text, "<<"))
		complain(rd, &at, "merge keys are not used here");
}

static bool
read_map(struct reader *rd, const yaml_event_t *ev, struct yaml *ret)
{
	AUTO(children_done) struct children keys = { 0 }, values = { 0 };

	start_node(rd, ev, YAML_MAP, ret);
	complain_extras(
	    rd, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
	for (;;) {
		AUTO(event_done) struct event k = { .held = false };
		AUTO(event_done) struct event v = { .held = false };
		struct yaml *key = NULL, *value = NULL;

		if (!next_event(rd, &k))
			return false;
		if (k.y.type == YAML_MAPPING_END_EVENT)
			break;
		key = children_add(rd, &keys);
		if (key == NULL || !read_node(rd, &k.y, key))
			return false;
		check_key(rd, key);
		value = children_add(rd, &values);
		if (value == NULL || !next_event(rd, &v) ||
		    !read_node(rd, &v.y, value))
			return false;
	}
	ret->count = keys.count;
	return children_keep(rd, &keys, &ret->keys) &&
	    children_keep(rd, &values, &ret->items) &&
	    check_duplicates(rd, ret);
}

static bool
read_alias(struct reader *rd, const yaml_event_t *ev, struct yaml *ret)
{
	const struct place at =
	    place_of("E004", "put a value that begins with '*' in quotes",
		ev->start_mark, ev->end_mark);

	start_node(rd, ev, YAML_SCALAR, ret);
	complain(rd, &at, "alias '*%s': aliases are not used here",
	    (const char *)ev->data.alias.anchor);
	return true;
}

static bool
read_node(struct reader *rd, const yaml_event_t *ev, struct yaml *ret)
{
	bool ok;

	if (++rd->nodes > YAML_NODES_MAX)
		return over_limit(rd, ev, "values", YAML_NODES_MAX);
	if (rd->depth >= YAML_DEPTH_MAX)
		return over_limit(rd, ev, "levels", YAML_DEPTH_MAX);
	rd->depth++;
	if (ev->type == YAML_MAPPING_START_EVENT)
		ok = read_map(rd, ev, ret);
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		ok = read_list(rd, ev, ret);
	else if (ev->type == YAML_ALIAS_EVENT)
		ok = read_alias(rd, ev, ret);
	else
		ok = read_scalar(rd, ev, ret);
	rd->depth--;
	return ok;
}

static void
check_directives(struct reader *rd, const yaml_event_t *ev)
{
	const struct place at = {
		.code = "E008",
		.hint = "delete the lines that begin with '%'",
		.line = 1,
		.col = 1,
	};

	if (ev->data.document_start.version_directive != NULL ||
	    ev->data.document_start.tag_directives.start !=
		ev->data.document_start.tag_directives.end)
		complain(rd, &at, "YAML directives are not used here");
}

/* The events around the one document. */
static void
read_stream(struct reader *rd, struct yaml *ret)
{
	bool seen = false;

	for (;;) {
		AUTO(event_done) struct event ev = { .held = false };

		if (!next_event(rd, &ev) || ev.y.type == YAML_STREAM_END_EVENT)
			return;
		if (ev.y.type == YAML_STREAM_START_EVENT ||
		    ev.y.type == YAML_DOCUMENT_END_EVENT)
			continue;
		if (ev.y.type == YAML_DOCUMENT_START_EVENT && !seen) {
			check_directives(rd, &ev.y);
			continue;
		}
		if (seen) {
			const struct place at =
			    place_of("E008", "one file holds one document",
				ev.y.start_mark, ev.y.end_mark);

			complain(rd, &at, "a second document begins here");
			return;
		}
		seen = true;
		if (!read_node(rd, &ev.y, ret))
			return;
	}
}

static int
parse_text(struct reader *rd, struct str text, struct yaml *ret)
{
	if (yaml_parser_initialize(&rd->parser) != 1)
		return err_nomem(rd->e);
	yaml_parser_set_encoding(&rd->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &rd->parser, (const unsigned char *)text.s, text.len);
	read_stream(rd, ret);
	yaml_parser_delete(&rd->parser);
	return rd->fatal != ERR_INVALID ? rd->fatal : ERR_OK;
}

/* A file of comments only is an empty map; so is a lone "key-less" nothing. */
static bool
is_nothing(const struct yaml *root)
{
	return root->kind == YAML_INVALID ||
	    (root->kind == YAML_SCALAR && !root->quoted && root->text.len == 0);
}

int
yaml_parse(const char *file, struct str text, struct arena *a, struct diags *d,
    struct yaml *ret, struct err *e)
{
	struct yaml_source *source = arena_alloc(a, sizeof(*source));
	struct reader rd = { .source = source, .arena = a, .diags = d, .e = e };
	struct yaml root = { .kind = YAML_INVALID };
	int r;

	if (source == NULL)
		return err_nomem(e);
	if (str_starts(text, STR(BOM)))
		text = str_from(text, sizeof(BOM) - 1);
	source->file = arena_strdup(a, file);
	if (source->file == NULL || split_lines(source, text, a) != 0)
		return err_nomem(e);
	check_characters(&rd, text);
	if (rd.errors == 0 && text.len > 0) {
		r = parse_text(&rd, text, &root);
		if (r != 0)
			return r;
	}
	if (rd.errors > 0)
		return ERR_INVALID;
	if (is_nothing(&root))
		root = (struct yaml){ .kind = YAML_MAP,
			.line = 1,
			.col = 1,
			.end_line = 1,
			.end_col = 1,
			.file = source->file,
			.source = source };
	*ret = root;
	return ERR_OK;
}
