/*
 * The list of parts: adding, and what surrounds each of them.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: nothing.
 */
#include "shell/norm.h"

#include <string.h>

struct shell_part *
part_at(struct norm *n, uint32_t i)
{
	return &n->result->parts[i];
}

static bool
parts_grow(struct norm *n)
{
	const uint32_t count = (uint32_t)n->result->part_count;
	uint32_t cap = n->part_cap == 0 ? n->parts_expected : n->part_cap * 2;
	struct shell_part *parts;
	struct part_meta *meta;

	if (count < n->part_cap)
		return true;
	if (count >= NORM_PARTS_MAX) {
		norm_refuse(n, "too many commands", n->place);
		return false;
	}
	cap = cap < 8 ? 8 : cap > NORM_PARTS_MAX ? NORM_PARTS_MAX : cap;
	parts = norm_alloc(n, cap, sizeof(*parts));
	meta = norm_alloc(n, cap, sizeof(*meta));
	if (parts == NULL || meta == NULL)
		return false;
	if (count > 0) {
		memcpy(parts, n->result->parts, count * sizeof(*parts));
		memcpy(meta, n->meta, count * sizeof(*meta));
	}
	n->result->parts = parts;
	n->meta = meta;
	n->part_cap = cap;
	return true;
}

uint32_t
part_add(struct norm *n, const struct shell_part *part)
{
	const struct frame *const f = &n->frame;
	const struct dirs *const d = n->dirs;
	struct shell_part *p;
	uint32_t i;

	if (norm_stopped(n) || !parts_grow(n))
		return SHELL_NO_PART;
	i = (uint32_t)n->result->part_count++;
	p = part_at(n, i);
	*p = *part;
	p->context |= f->context;
	p->before = f->before;
	p->after = f->after;
	p->negated = f->negated;
	p->parent = f->parent;
	p->via = f->via;
	if (d != NULL) {
		p->cwds = d->dir;
		p->cwd_count = d->count;
		p->cwd_below = d->below;
	}
	p->cwd_unknown = d == NULL || d->unknown;
	p->stdout_part = SHELL_NO_PART;
	if (p->stdin_kind == STDIN_INHERIT) {
		p->stdin_kind = f->input.kind;
		p->stdin_text = f->input.text;
	}
	p->stdin_part = SHELL_NO_PART;
	p->stdin_first = SHELL_NO_PART;
	if (p->stdin_kind == f->input.kind && p->stdin_kind != STDIN_INHERIT) {
		p->stdin_part = f->input.part;
		p->stdin_first = f->input.first;
	}
	p->start = n->place;
	p->end = n->place_end;
	n->meta[i] = (struct part_meta){ .subst_depth = f->subst_depth };
	return i;
}

void
part_doubt(struct norm *n, const char *why, const struct shell_word *text)
{
	struct shell_part p = {
		.kind = PART_CODE,
		.language = "bash",
		.not_understood = why,
	};

	if (text != NULL)
		p.code = *text;
	(void)part_add(n, &p);
}
