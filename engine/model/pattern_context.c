/*
 * What surrounds those parts of an action that need an answer: all of it is
 * the same, or it is another action.
 * Runs in: engine, assent.  Trusts: the classification; nothing in the action.
 * Owns: nothing.
 */
#include <string.h>

#include "model/json_doc.h"
#include "model/pattern.h"

#define ARGS_ARENA_MAX ((size_t)64 << 20)
#define CONTEXT_BYTES_MAX ((size_t)8 << 20)

static void
put_pairs(struct buf *b, const struct env_var *v, size_t count)
{
	rec_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		rec_put_cstr(b, v[i].name);
		rec_put_cstr(b, v[i].value);
	}
}

/*
 * What stands around those parts that need an answer, in its order: a guard
 * or a setting that went with the approved one is not left out, nor put
 * behind it, nor made to say the contrary.
 */
static void
put_frame(struct buf *b, const struct action *a)
{
	static const char joints[] = "|&;!(){}\n";
	const struct classification *c = &a->classification;
	const char *s = c->part_count > 1 ? a->proposal.input.script : NULL;

	rec_put_u32(b, (uint32_t)c->part_count);
	for (size_t i = 0; i < c->part_count; i++) {
		rec_put_cstr(b, c->parts[i].context);
		rec_put_cstr(b,
		    c->parts[i].decision == DECISION_ALLOW ? c->parts[i].text
							   : NULL);
	}
	for (; s != NULL && *s != '\0'; s++) {
		if (strchr(joints, *s) != NULL)
			buf_putc(b, *s);
	}
}

/*
 * What a call of an MCP tool is like: its members, by name and kind, and its
 * switches by their value. What a text or a number says may differ, since
 * what it would do was judged, and is compared as an effect.
 */
static void
put_shape(struct buf *b, const struct json_doc *d, size_t node)
{
	const enum doc_kind kind = d->nodes[node].kind;
	const bool object = kind == DOC_OBJECT;
	size_t i = doc_first(d, node);

	rec_put_u8(b, (uint8_t)kind);
	if (!object && kind != DOC_ARRAY)
		return;
	while (i < doc_end(d, node)) {
		if (object) {
			rec_put_str(b, doc_str(d, i));
			i = doc_next(d, i);
		}
		put_shape(b, d, i);
		i = doc_next(d, i);
	}
	rec_put_u8(b, DOC_INVALID);
}

static int
put_mcp_args(struct buf *b, const char *args, bool exact, struct err *e)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARGS_ARENA_MAX);
	AUTO(json_doc_done) struct json_doc d = JSON_DOC_INIT;
	int r;

	if (exact || args == NULL) {
		rec_put_cstr(b, args);
		return ERR_OK;
	}
	if (arena == NULL)
		return err_nomem(e);
	r = json_doc_parse(&d, str_of(args), arena, e);
	if (r == 0)
		put_shape(b, &d, 0);
	return r;
}

int
pattern_context(const struct action *a, bool exact,
    uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(CONTEXT_BYTES_MAX);
	const struct tool_input *in = &a->proposal.input;
	int r;

	rec_put_u8(&b, exact);
	/* On a copy of the workspace is not in it. */
	rec_put_u8(&b, a->proposal.overlay);
	rec_put_u8(&b, a->proposal.tty);
	rec_put_cstr(&b, in->shell);
	rec_put_cstr(&b, in->stdin_text);
	put_pairs(&b, in->env, in->env_count);
	put_pairs(&b, in->headers, in->header_count);
	rec_put_cstr(&b, in->body);
	r = put_mcp_args(&b, in->mcp_args, exact, e);
	if (r != 0)
		return r;
	put_frame(&b, a);
	if (exact) {
		rec_put_cstr(&b, in->script);
		rec_put_u32(&b, (uint32_t)in->argc);
		for (size_t i = 0; i < in->argc; i++)
			rec_put_cstr(&b, in->argv[i]);
	}
	r = buf_done(&b, e);
	return r != 0 ? r : sha256_of(b.s, b.len, ret, e);
}
