/*
 * What all imports share: what was found, what was lost, helpers.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: the arena.
 */
#include "import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/json_in.h"

#define ARENA_BYTES_MAX ((size_t)64 << 20)

int
import_new(const char *file, struct import *ret, struct err *e)
{
	*ret = (struct import){ .file = file,
		.arena = arena_new(ARENA_BYTES_MAX) };
	return ret->arena == NULL ? err_nomem(e) : ERR_OK;
}

void
import_done(struct import *im)
{
	arena_freep(&im->arena);
	mem_freep(&im->rules);
	mem_freep(&im->notes);
}

struct str
import_keep(struct import *im, struct str s)
{
	char *copy = arena_strndup(im->arena, s.s == NULL ? "" : s.s, s.len);

	if (copy == NULL)
		im->fatal = ERR_NOMEM;
	return str_n(copy, copy == NULL ? 0 : s.len);
}

struct imported *
import_add(struct import *im, enum decision d, unsigned line, struct str source)
{
	struct imported *r;

	if (im->rule_count == IMPORT_RULES_MAX) {
		import_note(im, true, line, source, "more than %d rules",
		    IMPORT_RULES_MAX);
		return NULL;
	}
	if (mem_grow(&im->rules, &im->rule_cap, im->rule_count + 1,
		sizeof(*im->rules)) != 0) {
		im->fatal = ERR_NOMEM;
		return NULL;
	}
	r = &im->rules[im->rule_count++];
	*r = (struct imported){
		.decision = d, .line = line, .source = import_keep(im, source)
	};
	return r;
}

void
import_note(struct import *im, bool lost, unsigned line, struct str source,
    const char *fmt, ...)
{
	char why[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (mem_grow(&im->notes, &im->note_cap, im->note_count + 1,
		sizeof(*im->notes)) != 0) {
		im->fatal = ERR_NOMEM;
		return;
	}
	im->notes[im->note_count++] = (struct import_note){
		.line = line,
		.lost = lost,
		.source = import_keep(im, source),
		.why = import_keep(im, str_of(why)),
	};
}

/* Quotes and the like make another word of it: not for a plain prefix. */
static bool
is_plain_word(struct str w)
{
	for (size_t i = 0; i < w.len; i++) {
		if (strchr("'\"\\$`;&|<>(){}*?[]!#", w.s[i]) != NULL)
			return false;
	}
	return true;
}

bool
import_words(struct import *im, struct str text, struct imported *r)
{
	struct str rest = str_trim(text);

	while (rest.len > 0) {
		const struct str w = str_cut(&rest, ' ');
		struct import_word *to = &r->words[r->word_count];

		if (w.len == 0)
			continue;
		if (r->word_count == IMPORT_WORDS_MAX || !is_plain_word(w))
			return false;
		to->v = arena_array(im->arena, 1, sizeof(*to->v));
		if (to->v == NULL) {
			im->fatal = ERR_NOMEM;
			return false;
		}
		to->v[0] = import_keep(im, w);
		to->count = 1;
		r->word_count++;
	}
	return r->word_count > 0;
}

struct str
import_json_str(const json_t *v)
{
	return json_is_string(v)
	    ? str_n(json_string_value(v), json_string_length(v))
	    : STR_NONE;
}

unsigned
import_line_of(const json_t *v)
{
	return (unsigned)json_integer_value(json_object_get(v, IMPORT_LINE));
}

static struct str
joined(struct import *im, const json_t *words)
{
	AUTO_BUF struct buf b = BUF_INIT(RULE_TEXT_MAX * 4);
	const json_t *w;
	size_t i;

	json_array_foreach(words, i, w)
	{
		if (i > 0)
			buf_putc(&b, ' ');
		buf_put_str(&b, import_json_str(w));
	}
	return import_keep(im, buf_str(&b));
}

void
import_examples(
    struct import *im, const json_t *list, struct str **ret, size_t *ret_count)
{
	const json_t *v;
	size_t i;

	*ret = arena_array(im->arena, json_array_size(list) + 1, sizeof(**ret));
	if (*ret == NULL) {
		im->fatal = ERR_NOMEM;
		return;
	}
	json_array_foreach(list, i, v)(*ret)[(*ret_count)++] = json_is_array(v)
	    ? joined(im, v)
	    : import_keep(im, import_json_str(v));
}

int
import_read(
    struct import *im, enum import_format f, struct str text, struct err *e)
{
	json_auto_t *root = NULL;
	int r = ERR_OK;

	switch (f) {
	case IMPORT_CODEX:
		r = starlark_parse(im->file, text, &root, e);
		break;
	case IMPORT_GEMINI:
		r = toml_parse(im->file, text, &root, e);
		break;
	case IMPORT_CLAUDE:
		r = json_in(text, &root, e);
		break;
	case IMPORT_INVALID:
		return err_set(e, ERR_INVALID, "no such format");
	}
	if (r != 0)
		return r;
	if (f == IMPORT_CODEX)
		import_codex(im, root);
	else if (f == IMPORT_GEMINI)
		import_gemini(im, root);
	else
		import_claude(im, root, text);
	return im->fatal != 0 || arena_failed(im->arena) ? err_nomem(e)
							 : ERR_OK;
}
