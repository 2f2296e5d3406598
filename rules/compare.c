/*
 * Two sets of rules on the same calls.
 * Runs in: assent.  Trusts: nothing in the calls.  Owns: what it remembers.
 */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decide.h"

#define SEEN_MAX ((size_t)1 << 22)

struct seen {
	uint8_t digest[16]; /* all zero: free */
	uint8_t from, to;
	uint32_t flip; /* index + 1; 0: none is remembered */
};

void
compare_done(struct compare *c)
{
	for (size_t i = 0; i < c->flip_count; i++)
		free(c->flips[i].text);
	free(c->flips);
	free(c->seen);
}

/* ---- calls seen before ------------------------------------------------- */

static bool
is_free(const struct seen *s)
{
	static const uint8_t zero[16];

	return memcmp(s->digest, zero, sizeof(zero)) == 0;
}

static struct seen *
slot_of(struct seen *table, size_t cap, const uint8_t *digest)
{
	uint64_t h;
	size_t i;

	memcpy(&h, digest, sizeof(h));
	for (i = (size_t)h & (cap - 1); !is_free(&table[i]);
	     i = (i + 1) & (cap - 1)) {
		if (memcmp(table[i].digest, digest, 16) == 0)
			break;
	}
	return &table[i];
}

/* Doubles the table; without memory nothing more is remembered. */
static bool
make_room(struct compare *c)
{
	const size_t cap = c->seen_cap == 0 ? 1024 : c->seen_cap * 2;
	struct seen *table;

	if (c->seen_count * 2 < c->seen_cap)
		return true;
	if (cap > SEEN_MAX)
		return false;
	table = mem_new(cap, sizeof(*table));
	if (table == NULL)
		return false;
	for (size_t i = 0; i < c->seen_cap; i++) {
		if (!is_free(&c->seen[i]))
			*slot_of(table, cap, c->seen[i].digest) = c->seen[i];
	}
	free(c->seen);
	c->seen = table;
	c->seen_cap = cap;
	return true;
}

static int
call_digest(
    const struct action *a, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(ACTION_BYTES_MAX * 2);
	int r;

	action_encode(a, &b);
	r = buf_done(&b, e);
	return r != 0 ? r : sha256_of(buf_cstr(&b), b.len, ret, e);
}

/* ---- one call ---------------------------------------------------------- */

static int
decide_by(const struct compare *c, struct classifier *by,
    const struct action *a, const struct effects *fx,
    struct classification *ret, struct err *e)
{
	const struct decide_options o = { .set = by->set,
		.runner = by->runner,
		.policy = c->policy,
		.reviewer = true,
		.scratch = by->scratch };

	return decide(&o, a, fx, a->arena, ret, e);
}

/* The id outlives the action: it is the set's own. */
static const char *
rule_id(const struct classifier *c, const struct classification *r)
{
	const struct rule *rule =
	    r->rule.id == NULL ? NULL : ruleset_find(c->set, r->rule.id);

	return rule == NULL ? NULL : rule->id;
}

static void
count(struct compare *c, enum decision from, enum decision to)
{
	c->calls++;
	c->matrix.n[from][to]++;
	c->loosened += to < from;
	c->tightened += to > from;
}

static void
remember_flip(struct compare *c, const struct classification *from,
    const struct classification *to)
{
	struct flip *f;

	if (from->decision == to->decision || c->flip_count >= FLIPS_MAX ||
	    mem_grow(&c->flips, &c->flip_cap, c->flip_count + 1, sizeof(*f)) !=
		0)
		return;
	f = &c->flips[c->flip_count];
	*f = (struct flip){
		.text = mem_strndup(to->display, strlen(to->display)),
		.from = from->decision,
		.to = to->decision,
		.from_rule = rule_id(c->from, from),
		.to_rule = rule_id(c->to, to),
	};
	if (f->text != NULL)
		c->flip_count++;
}

bool
compare_known(struct compare *c, const uint8_t key[static SHA256_LEN])
{
	const struct seen *s;

	if (c->seen_cap == 0)
		return false;
	s = slot_of(c->seen, c->seen_cap, key);
	if (is_free(s))
		return false;
	if (!c->once)
		count(c, s->from, s->to);
	return true;
}

int
compare_call_as(struct compare *c, const uint8_t key[static SHA256_LEN],
    struct action *a, struct err *e)
{
	struct classification from, to;
	struct effects fx;
	struct seen *s;
	int r;

	r = effects_of(c->to->programs, a, a->arena, &fx, e);
	if (r == 0)
		r = decide_by(c, c->from, a, &fx, &from, e);
	if (r == 0)
		r = decide_by(c, c->to, a, &fx, &to, e);
	if (r != 0)
		return r;
	if (make_room(c)) {
		s = slot_of(c->seen, c->seen_cap, key);
		memcpy(s->digest, key, sizeof(s->digest));
		s->from = (uint8_t)from.decision;
		s->to = (uint8_t)to.decision;
		c->seen_count++;
	}
	count(c, from.decision, to.decision);
	remember_flip(c, &from, &to);
	return ERR_OK;
}

int
compare_call(struct compare *c, struct action *a, struct err *e)
{
	uint8_t digest[SHA256_LEN] = { 0 };
	const int r = call_digest(a, digest, e);

	if (r != 0 || compare_known(c, digest))
		return r;
	return compare_call_as(c, digest, a, e);
}

/* ---- report ------------------------------------------------------------ */

/* From deny to allow first, then less and less. */
static int
by_loosening(const void *a, const void *b)
{
	const struct flip *const *x = a, *const *y = b;
	const int dx = (int)(*x)->to - (int)(*x)->from;
	const int dy = (int)(*y)->to - (int)(*y)->from;

	if (dx != dy)
		return dx < dy ? -1 : 1;
	if ((*x)->from != (*y)->from)
		return (*x)->from > (*y)->from ? -1 : 1;
	return strcmp((*x)->text, (*y)->text);
}

static const struct flip **
sorted(const struct compare *c)
{
	const struct flip **v = mem_new(c->flip_count, sizeof(struct flip *));

	if (v == NULL)
		return NULL;
	for (size_t i = 0; i < c->flip_count; i++)
		v[i] = &c->flips[i];
	qsort(v, c->flip_count, sizeof(struct flip *), by_loosening);
	return v;
}

static void
put_flip(struct buf *out, const struct flip *f)
{
	buf_printf(
	    out, "  %s -> %s: ", decision_name(f->from), decision_name(f->to));
	text_escape(out, str_of(f->text));
	buf_printf(out, "  (%s -> %s)\n",
	    f->from_rule == NULL ? "default" : f->from_rule,
	    f->to_rule == NULL ? "default" : f->to_rule);
}

static void
put_matrix(const struct compare *c, struct buf *out)
{
	buf_printf(out, "%10s", "");
	for (int k = DECISION_ALLOW; k <= DECISION_DENY; k++)
		buf_printf(out, "%10s", decision_name((enum decision)k));
	buf_putc(out, '\n');
	for (int i = DECISION_ALLOW; i <= DECISION_DENY; i++) {
		buf_printf(out, "%10s", decision_name((enum decision)i));
		for (int k = DECISION_ALLOW; k <= DECISION_DENY; k++)
			buf_printf(out, "%10llu",
			    (unsigned long long)c->matrix.n[i][k]);
		buf_putc(out, '\n');
	}
}

void
compare_print(const struct compare *c, size_t shown, struct buf *out)
{
	AUTO_FREE const struct flip **v = sorted(c);

	for (size_t i = 0; v != NULL && i < c->flip_count && i < shown; i++)
		put_flip(out, v[i]);
	if (c->flip_count > shown)
		buf_printf(out, "  and %zu more\n", c->flip_count - shown);
	buf_printf(out,
	    "%zu calls: %zu loosened, %zu tightened, %zu as before\n", c->calls,
	    c->loosened, c->tightened, c->calls - c->loosened - c->tightened);
	if (c->refused > 0)
		buf_printf(out, "%zu lines were no actions\n", c->refused);
	if (c->calls > 0)
		put_matrix(c, out);
}

void
compare_json(const struct compare *c, struct jsonw *w)
{
	AUTO_FREE const struct flip **v = sorted(c);

	jsonw_kint(w, "refused", (int64_t)c->refused);
	decision_matrix_json(&c->matrix, w);
	jsonw_key(w, "changes");
	jsonw_array(w);
	for (size_t i = 0; v != NULL && i < c->flip_count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "call", v[i]->text);
		jsonw_kstr(w, "from", decision_name(v[i]->from));
		jsonw_kstr(w, "to", decision_name(v[i]->to));
		jsonw_kstr(w, "from_rule", v[i]->from_rule);
		jsonw_kstr(w, "to_rule", v[i]->to_rule);
		jsonw_end(w);
	}
	jsonw_end(w);
}
