/*
 * A pattern as a record: what the store keeps of a grant.
 * Runs in: engine.  Trusts: nothing in the record.  Owns: nothing.
 */
#include <string.h>

#include "model/pattern.h"

#define PATTERN_VERSION 1

static void
put_part(struct buf *b, const struct pattern_part *p)
{
	rec_put_u8(b, (uint8_t)p->tool);
	rec_put_cstr(b, p->text);
	rec_put_cstr(b, p->before);
	rec_put_cstr(b, p->program);
	rec_put_cstr(b, p->subcommand);
	rec_put_cstr(b, p->method);
	rec_put_cstr(b, p->server);
	rec_put_cstr(b, p->mcp_tool);
	rec_put_u32(b, (uint32_t)p->option_count);
	for (size_t i = 0; i < p->option_count; i++) {
		rec_put_cstr(b, p->options[i].name);
		rec_put_cstr(b, p->options[i].value);
	}
	rec_put_cstrs(b, p->operands, p->operand_count);
	rec_put_u32(b, (uint32_t)p->effect_count);
	for (size_t i = 0; i < p->effect_count; i++) {
		const struct pattern_effect *f = &p->effects[i];

		rec_put_u8(b, (uint8_t)f->kind);
		rec_put_u8(b, (uint8_t)f->path_class);
		rec_put_u8(b, (uint8_t)f->code_class);
		rec_put_u8(b, (uint8_t)f->match);
		rec_put_u8(b, f->asked);
		rec_put_cstr(b, f->target);
	}
	rec_put_cstrs(b, p->rules, p->rule_count);
}

void
pattern_encode(const struct pattern *p, struct buf *out)
{
	rec_put_u8(out, PATTERN_VERSION);
	rec_put_u8(out, (uint8_t)p->tool);
	rec_put_u8(out, (uint8_t)p->executor);
	rec_put_cstr(out, p->agent);
	rec_put_cstr(out, p->workspace);
	rec_put_cstr(out, p->cwd);
	rec_put_cstr(out, p->profile);
	rec_put_u8(out, p->exact);
	buf_put(out, p->context_sha256, SHA256_LEN);
	rec_put_u32(out, (uint32_t)p->part_count);
	for (size_t i = 0; i < p->part_count; i++)
		put_part(out, &p->parts[i]);
	rec_put_cstrs(out, p->around, p->around_count);
}

/* ---- back ------------------------------------------------------------------ */

static const char **
get_texts(struct rec *r, struct arena *a, size_t *ret_count)
{
	const uint32_t count = rec_count(r, PATTERN_ITEMS_MAX);
	const char **v = arena_array(a, (size_t)count + 1, sizeof(*v));

	*ret_count = 0;
	for (uint32_t i = 0; v != NULL && i < count; i++)
		v[(*ret_count)++] = rec_cstr(r, a);
	return v;
}

static void
get_options(struct rec *r, struct arena *a, struct pattern_part *p)
{
	const uint32_t count = rec_count(r, PATTERN_ITEMS_MAX);

	p->options = arena_array(a, (size_t)count + 1, sizeof(*p->options));
	for (uint32_t i = 0; p->options != NULL && i < count; i++) {
		p->options[i].name = rec_cstr(r, a);
		p->options[i].value = rec_cstr(r, a);
		p->option_count++;
	}
}

static void
get_effects(struct rec *r, struct arena *a, struct pattern_part *p)
{
	const uint32_t count = rec_count(r, PATTERN_ITEMS_MAX);

	p->effects = arena_array(a, (size_t)count + 1, sizeof(*p->effects));
	for (uint32_t i = 0; p->effects != NULL && i < count; i++) {
		struct pattern_effect *f = &p->effects[i];

		f->kind = (enum effect_kind)rec_u8(r);
		f->path_class = (enum path_class)rec_u8(r);
		f->code_class = (enum code_class)rec_u8(r);
		f->match = (enum pattern_target_kind)rec_u8(r);
		f->asked = rec_u8(r) == 1;
		f->target = rec_cstr(r, a);
		p->effect_count++;
	}
}

static void
get_part(struct rec *r, struct arena *a, struct pattern_part *p)
{
	p->tool = (enum tool)rec_u8(r);
	p->text = rec_cstr(r, a);
	p->before = rec_cstr(r, a);
	p->program = rec_cstr(r, a);
	p->subcommand = rec_cstr(r, a);
	p->method = rec_cstr(r, a);
	p->server = rec_cstr(r, a);
	p->mcp_tool = rec_cstr(r, a);
	get_options(r, a, p);
	p->operands = get_texts(r, a, &p->operand_count);
	get_effects(r, a, p);
	p->rules = get_texts(r, a, &p->rule_count);
}

int
pattern_decode(
    struct str record, struct arena *arena, struct pattern *ret, struct err *e)
{
	struct rec r = rec_of(record);
	struct pattern p = { .tool = TOOL_INVALID };
	struct str context;
	uint32_t count;

	if (rec_u8(&r) != PATTERN_VERSION)
		return err_set(
		    e, ERR_INVALID, "a grant of another version of assent");
	p.tool = (enum tool)rec_u8(&r);
	p.executor = (enum executor_kind)rec_u8(&r);
	p.agent = rec_cstr(&r, arena);
	p.workspace = rec_cstr(&r, arena);
	p.cwd = rec_cstr(&r, arena);
	p.profile = rec_cstr(&r, arena);
	p.exact = rec_u8(&r) == 1;
	context = rec_bytes(&r, SHA256_LEN);
	count = rec_count(&r, PATTERN_PARTS_MAX);
	p.parts = arena_array(arena, (size_t)count + 1, sizeof(*p.parts));
	for (uint32_t i = 0; p.parts != NULL && i < count; i++)
		get_part(&r, arena, &p.parts[p.part_count++]);
	p.around = get_texts(&r, arena, &p.around_count);
	if (arena_failed(arena))
		return err_nomem(e);
	if (rec_done(&r, e) != 0 || p.part_count == 0)
		return err_set(e, ERR_INVALID, "the grant is ill-formed");
	memcpy(p.context_sha256, context.s, SHA256_LEN);
	*ret = p;
	return ERR_OK;
}
