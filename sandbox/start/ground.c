/*
 * Compare what plans begin with.
 * Runs in: assent, assent-exec, on the host's side.  Trusts: nothing.
 * Owns: nothing.
 */
#include "start/ground.h"

#include <string.h>
#include <sys/stat.h>

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_op(const struct op *a, const struct op *b)
{
	return a->kind == b->kind && a->flags == b->flags &&
	    a->size == b->size && same_text(a->path, b->path) &&
	    same_text(a->source, b->source);
}

static bool
same_who(const struct plan_who *a, const struct plan_who *b)
{
	return a->identity == b->identity && a->uid == b->uid &&
	    a->gid == b->gid && a->owner == b->owner &&
	    a->owner_gid == b->owner_gid && same_text(a->name, b->name);
}

/* What is shown in another place may be one run's own. */
static bool
is_ground(const struct op *op)
{
	switch (op->kind) {
	case OP_SAME:
	case OP_TOOL:
		return op->source == NULL;
	case OP_DIR:
	case OP_LINK:
	case OP_FILE:
	case OP_DEVICES:
	case OP_MASK:
	case OP_PROC:
	case OP_TMP:
	case OP_TMP_DIR:
		return true;
	case OP_INVALID:
	case OP_ROOTED:
	case OP_WORKSPACE:
	case OP_PROTECT:
	case OP_PIN_NAME:
	case OP_DENY:
		break;
	}
	return false;
}

size_t
ground_end(const struct plan *p)
{
	size_t n = 0;

	while (n < p->op_count && is_ground(&p->ops[n]))
		n++;
	return n;
}

size_t
ground_common(const struct plan *p, const struct plan *q)
{
	const size_t a = ground_end(p), b = ground_end(q);
	size_t n = 0;

	if (!same_who(&p->who, &q->who))
		return 0;
	while (n < a && n < b && same_op(&p->ops[n], &q->ops[n]))
		n++;
	return n;
}

static bool
same_map(int a, int b)
{
	struct stat x, y;

	if (a < 0 || b < 0)
		return a < 0 && b < 0;
	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

static bool
is_mapped(const struct ground *g)
{
	for (size_t i = 0; i < g->op_count; i++) {
		if (g->plan->ops[i].kind == OP_TOOL)
			return true;
	}
	return false;
}

bool
ground_fits(const struct ground *g, const struct plan *p, int idmap)
{
	if (g->plan->who.identity != p->who.identity)
		return false;
	return g->op_count == 0 ||
	    (ground_common(g->plan, p) >= g->op_count &&
		(!is_mapped(g) || same_map(g->idmap, idmap)));
}
