/*
 * From approved patterns to rules.
 * Runs in: assent.  Trusts: nothing in the actions.  Owns: the suggestions.
 */
#include "suggest.h"

#include <stdlib.h>
#include <string.h>

#include "emit.h"

#define BODY_BYTES_MAX ((size_t)64 << 10)
#define TITLE_BYTES_MAX ((size_t)200)
#define ARENA_BYTES_MAX ((size_t)4 << 20)
#define ID_HASH_BYTES 3

void
suggest_done(struct suggest *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct suggestion *g = &s->v[i];

		free(g->id);
		free(g->title);
		free(g->body);
		for (size_t k = 0; k < g->example_count; k++)
			free(g->examples[k]);
	}
	for (size_t i = 0; i < s->reason_count; i++) {
		free(s->reasons[i].text);
		free(s->reasons[i].example);
	}
	s->count = s->reason_count = 0;
}

static char *
copy(const char *s)
{
	return mem_strndup(s, strlen(s));
}

/* ---- why not ----------------------------------------------------------- */

static void
refuse(struct suggest *s, const char *why, const char *example)
{
	struct suggest_reason *r;

	for (size_t i = 0; i < s->reason_count; i++) {
		if (strcmp(s->reasons[i].text, why) == 0) {
			s->reasons[i].count++;
			return;
		}
	}
	if (s->reason_count == SUGGEST_REASONS_MAX)
		return;
	r = &s->reasons[s->reason_count];
	*r = (struct suggest_reason){
		.text = copy(why), .example = copy(example), .count = 1
	};
	if (r->text != NULL && r->example != NULL)
		s->reason_count++;
}

/* What a rule cannot say as narrowly as the approval was. */
static const char *
refuse_part(const struct pattern_part *p)
{
	if (p->tool != TOOL_SHELL && p->tool != TOOL_EXEC)
		return "only commands are suggested, not calls of this tool";
	if (p->program == NULL || p->before != NULL)
		return "it sets variables before the command";
	for (size_t i = 0; i < p->effect_count; i++) {
		const struct pattern_effect *f = &p->effects[i];

		if (f->asked && f->match == PATTERN_TARGET_NONE)
			return "what it would touch is not named";
		if (f->asked && f->kind == EFFECT_RUN_CODE &&
		    f->code_class != CODE_WORKSPACE)
			return "it runs code from outside of the workspace";
	}
	return NULL;
}

/* ---- the rule ---------------------------------------------------------- */

static void
put_options(struct buf *b, const struct pattern_part *p)
{
	struct str v[PATTERN_ITEMS_MAX];

	if (p->option_count == 0)
		return;
	for (size_t i = 0; i < p->option_count; i++)
		v[i] = str_of(p->options[i].name);
	buf_puts(b, ", options: ");
	emit_list(b, v, p->option_count);
}

static bool
names_places(const struct pattern_part *p)
{
	for (size_t i = 0; i < p->effect_count; i++) {
		if (p->effects[i].target != NULL ||
		    p->effects[i].match == PATTERN_TARGET_CLASS)
			return true;
	}
	return false;
}

/* Words that effects do not speak for stay as they were. */
static void
put_operands(struct buf *b, const struct pattern_part *p)
{
	struct str v[PATTERN_ITEMS_MAX];

	if (p->operand_count == 0) {
		if (!names_places(p))
			buf_puts(b, ", operands: none");
		return;
	}
	for (size_t i = 0; i < p->operand_count; i++)
		v[i] = str_of(p->operands[i]);
	buf_puts(b, names_places(p) ? ", any_operand: " : ", all_operands: ");
	emit_list(b, v, p->operand_count);
}

static void
put_target(struct buf *b, const struct pattern_effect *f)
{
	AUTO_BUF struct buf text = BUF_INIT(PATH_BYTES_MAX * 2);

	if (f->match == PATTERN_TARGET_CLASS)
		buf_puts(&text,
		    f->kind == EFFECT_RUN_CODE
			? code_class_name(f->code_class)
			: path_class_name(f->path_class));
	else
		buf_puts(&text, f->target);
	if (f->match == PATTERN_TARGET_CHILD)
		buf_puts(&text, "/*");
	emit_text(b, buf_str(&text));
}

static bool
came_before(const struct pattern_part *p, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (p->effects[k].asked &&
		    p->effects[k].kind == p->effects[i].kind)
			return true;
	}
	return false;
}

static void
put_covers(struct buf *b, const struct pattern_part *p)
{
	bool any = false;

	for (size_t i = 0; i < p->effect_count; i++) {
		bool more = false;

		if (!p->effects[i].asked || came_before(p, i))
			continue;
		buf_printf(b, "%s%s: [", any ? ", " : "    covers: {",
		    effect_kind_name(p->effects[i].kind));
		any = true;
		for (size_t k = i; k < p->effect_count; k++) {
			if (!p->effects[k].asked ||
			    p->effects[k].kind != p->effects[i].kind)
				continue;
			if (more)
				buf_puts(b, ", ");
			more = true;
			put_target(b, &p->effects[k]);
		}
		buf_putc(b, ']');
	}
	if (any)
		buf_puts(b, "}\n");
}

static void
put_body(struct buf *b, const struct pattern_part *p)
{
	buf_puts(b, "    command: {program: ");
	emit_text(b, str_of(p->program));
	if (p->subcommand != NULL) {
		buf_puts(b, ", subcommand: ");
		emit_text(b, str_of(p->subcommand));
	}
	put_options(b, p);
	put_operands(b, p);
	buf_puts(b, "}\n    not_understood: false\n    decision: allow\n");
	put_covers(b, p);
}

static char *
make_id(const struct pattern_part *p, const struct buf *body)
{
	AUTO_BUF struct buf id = BUF_INIT(RULE_ID_MAX);
	uint8_t digest[SHA256_LEN];
	char *ret = NULL;

	if (sha256_of(buf_cstr(body), body->len, digest, NULL) != 0)
		return NULL;
	buf_puts(&id, "suggested.");
	emit_id_word(&id, str_of(p->program));
	if (p->subcommand != NULL) {
		buf_putc(&id, '.');
		emit_id_word(&id, str_of(p->subcommand));
	}
	buf_putc(&id, '.');
	for (size_t i = 0; i < ID_HASH_BYTES; i++)
		buf_printf(&id, "%02x", digest[i]);
	return buf_take(&id, &ret, NULL) == 0 ? ret : NULL;
}

/* ---- learning ---------------------------------------------------------- */

static struct suggestion *
find_body(struct suggest *s, const char *body)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->v[i].body, body) == 0)
			return &s->v[i];
	}
	return NULL;
}

struct suggestion *
suggest_find(struct suggest *s, const char *id)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->v[i].id, id) == 0)
			return &s->v[i];
	}
	return NULL;
}

static void
add_example(struct suggestion *g, const struct action *a)
{
	const char *script = a->proposal.input.script;

	if (a->proposal.tool != TOOL_SHELL || script == NULL ||
	    g->example_count == SUGGEST_EXAMPLES)
		return;
	for (size_t i = 0; i < g->example_count; i++) {
		if (strcmp(g->examples[i], script) == 0)
			return;
	}
	g->examples[g->example_count] = copy(script);
	if (g->examples[g->example_count] != NULL)
		g->example_count++;
}

static int
learn_part(struct suggest *s, const struct action *a,
    const struct pattern_part *p, struct err *e)
{
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct suggestion *g;
	int r;

	put_body(&body, p);
	r = buf_done(&body, e);
	if (r != 0)
		return r;
	g = find_body(s, buf_cstr(&body));
	if (g == NULL && s->count == SUGGESTIONS_MAX) {
		refuse(s, "there are too many different ones", p->text);
		return ERR_OK;
	}
	if (g == NULL) {
		g = &s->v[s->count];
		*g = (struct suggestion){
			.id = make_id(p, &body),
			.title = mem_strndup(p->text,
			    str_head(str_of(p->text), TITLE_BYTES_MAX).len),
			.body = copy(buf_cstr(&body)),
		};
		s->count++;
		if (g->id == NULL || g->title == NULL || g->body == NULL)
			return err_nomem(e);
	}
	g->approvals++;
	add_example(g, a);
	return ERR_OK;
}

int
suggest_learn(struct suggest *s, const struct action *a, struct err *e)
{
	AUTO(arena_freep) struct arena *arena = arena_new(ARENA_BYTES_MAX);
	struct err why = ERR_INIT;
	struct pattern p;
	int r;

	if (arena == NULL)
		return err_nomem(e);
	r = pattern_of(a, arena, &p, &why);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0 || p.exact) {
		refuse(s, r != 0 ? why.msg : "it brings its own code along",
		    a->classification.display);
		return ERR_OK;
	}
	for (size_t i = 0; i < p.part_count; i++) {
		const char *not = refuse_part(&p.parts[i]);

		if (not != NULL) {
			refuse(s, not, a->classification.display);
			return ERR_OK;
		}
	}
	for (size_t i = 0; i < p.part_count && r == 0; i++)
		r = learn_part(s, a, &p.parts[i], e);
	return r;
}

/* ---- the file ---------------------------------------------------------- */

bool
suggest_is_kept(const struct suggest *s, const struct suggestion *g)
{
	return g->dropped == NULL && g->approvals >= s->min;
}

static void
put_rule(struct buf *out, const struct suggestion *g)
{
	buf_printf(out, "  - id: %s\n    title: ", g->id);
	emit_text(out, str_of(g->title));
	buf_printf(out, "\n%s", g->body);
	buf_printf(
	    out, "    reason: Approved by people %zu times.\n", g->approvals);
	if (g->example_count == 0)
		return;
	buf_puts(out, "    tests:\n      match:\n");
	for (size_t i = 0; i < g->example_count; i++) {
		buf_puts(out, "        - ");
		emit_text(out, str_of(g->examples[i]));
		buf_putc(out, '\n');
	}
}

void
suggest_text(const struct suggest *s, struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < s->count; i++)
		any = any || suggest_is_kept(s, &s->v[i]);
	buf_printf(out, "assent: 1\nrules:%s\n", any ? "" : " []");
	for (size_t i = 0; i < s->count; i++) {
		if (suggest_is_kept(s, &s->v[i]))
			put_rule(out, &s->v[i]);
	}
}
