/*
 * What surrounds those parts of an action that need an answer: all of it is
 * the same, or it is another action.
 * Runs in: engine, assent.  Trusts: the classification; nothing in the action.
 * Owns: nothing.
 */
#include <string.h>

#include "model/pattern.h"

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
	rec_put_cstr(&b, in->shell);
	rec_put_cstr(&b, in->stdin_text);
	put_pairs(&b, in->env, in->env_count);
	put_pairs(&b, in->headers, in->header_count);
	rec_put_cstr(&b, in->body);
	rec_put_cstr(&b, in->mcp_args);
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
