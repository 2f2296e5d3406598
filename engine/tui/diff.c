/*
 * The shortest edit between two texts (Myers), bounded.
 * Runs in: assent.  Trusts: nothing.  Owns: its tables, for the call.
 */
#include "diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

struct lines {
	struct str *at;
	size_t count, cap;
};

struct diff {
	struct lines old, now;
	diff_fn *fn;
	void *ctx;
	/* furthest[d] is the table after d edits, 2 * d + 3 entries used */
	int32_t *furthest;
	int edits;
};

static int
split(struct lines *l, struct str text)
{
	while (text.len > 0 && l->count <= DIFF_LINES_MAX) {
		if (mem_grow(&l->at, &l->cap, l->count + 1, sizeof(*l->at)) !=
		    0)
			return ERR_NOMEM;
		l->at[l->count++] = str_cut(&text, '\n');
	}
	return ERR_OK;
}

/* ---- the search ---------------------------------------------------------- */

#define SIDE (DIFF_EDITS_MAX + 1)
#define ROW (2 * SIDE + 1)

static int32_t *
row_of(const struct diff *d, int edits)
{
	return d->furthest + (size_t)edits * ROW + SIDE;
}

static bool
same(const struct diff *d, int32_t x, int32_t y)
{
	return str_eq(d->old.at[x], d->now.at[y]);
}

/* The end of diagonal k after one edit more than in last. */
static int32_t
step(const struct diff *d, const int32_t *last, int k, int edits)
{
	const int32_t old = (int32_t)d->old.count, now = (int32_t)d->now.count;
	int32_t x, y;

	if (k == -edits || (k != edits && last[k - 1] < last[k + 1]))
		x = last[k + 1];
	else
		x = last[k - 1] + 1;
	y = x - k;
	while (x < old && y < now && y >= 0 && same(d, x, y)) {
		x++;
		y++;
	}
	return x;
}

/* True when found within DIFF_EDITS_MAX. */
static bool
search(struct diff *d)
{
	const int32_t old = (int32_t)d->old.count, now = (int32_t)d->now.count;
	int32_t none[3] = { 0, 0, 0 };

	for (int edits = 0; edits <= DIFF_EDITS_MAX; edits++) {
		const int32_t *last =
		    edits == 0 ? none + 1 : row_of(d, edits - 1);
		int32_t *to = row_of(d, edits);

		for (int k = -edits; k <= edits; k += 2) {
			to[k] = step(d, last, k, edits);
			if (to[k] >= old && to[k] - k >= now) {
				d->edits = edits;
				return true;
			}
		}
	}
	return false;
}

/* ---- the script, from its end -------------------------------------------- */

/* Marks removed lines of old and added lines of now. */
static void
trace(const struct diff *d, bool *removed, bool *added)
{
	int32_t x = (int32_t)d->old.count, y = (int32_t)d->now.count;

	for (int edits = d->edits; edits > 0; edits--) {
		const int32_t *last = row_of(d, edits - 1);
		const int k = x - y;
		const bool down =
		    k == -edits || (k != edits && last[k - 1] < last[k + 1]);
		const int from = down ? k + 1 : k - 1;

		x = last[from];
		y = x - from;
		if (down)
			added[y] = true;
		else
			removed[x] = true;
	}
}

/* ---- telling it ---------------------------------------------------------- */

/* How far the nearest change is, so that context is shown around it. */
static bool
near_change(const struct diff *d, const bool *removed, const bool *added,
    size_t x, size_t y)
{
	for (size_t i = 0; i <= DIFF_CONTEXT; i++) {
		if ((x + i < d->old.count && removed[x + i]) ||
		    (y + i < d->now.count && added[y + i]) ||
		    (i > 0 && x >= i && removed[x - i]) ||
		    (i > 0 && y >= i && added[y - i]))
			return true;
	}
	return false;
}

static void
tell(const struct diff *d, const bool *removed, const bool *added)
{
	size_t x = 0, y = 0;
	bool skipping = false;

	while (x < d->old.count || y < d->now.count) {
		if (x < d->old.count && removed[x]) {
			d->fn(d->ctx, '-', d->old.at[x++]);
		} else if (y < d->now.count && added[y]) {
			d->fn(d->ctx, '+', d->now.at[y++]);
		} else if (x < d->old.count && y < d->now.count) {
			const bool shown = near_change(d, removed, added, x, y);

			if (shown)
				d->fn(d->ctx, ' ', d->old.at[x]);
			else if (!skipping)
				d->fn(d->ctx, '@', STR(""));
			skipping = !shown;
			x++;
			y++;
			continue;
		} else {
			return;
		}
		skipping = false;
	}
}

static void
tell_whole(const struct diff *d)
{
	for (size_t i = 0; i < d->old.count; i++)
		d->fn(d->ctx, '-', d->old.at[i]);
	for (size_t i = 0; i < d->now.count; i++)
		d->fn(d->ctx, '+', d->now.at[i]);
}

int
diff_lines(struct str old, struct str now, diff_fn *fn, void *ctx)
{
	struct diff d = { .fn = fn, .ctx = ctx };
	bool *removed = NULL, *added = NULL;
	int r = split(&d.old, old);

	if (r == 0)
		r = split(&d.now, now);
	d.furthest =
	    mem_new((size_t)(DIFF_EDITS_MAX + 1) * ROW, sizeof(*d.furthest));
	removed = mem_new(d.old.count + 1, sizeof(*removed));
	added = mem_new(d.now.count + 1, sizeof(*added));
	if (r == 0 && (d.furthest == NULL || removed == NULL || added == NULL))
		r = ERR_NOMEM;
	if (r == 0 && d.old.count <= DIFF_LINES_MAX &&
	    d.now.count <= DIFF_LINES_MAX && search(&d)) {
		trace(&d, removed, added);
		tell(&d, removed, added);
	} else if (r == 0) {
		tell_whole(&d);
	}
	mem_freep(&d.old.at);
	mem_freep(&d.now.at);
	mem_freep(&d.furthest);
	mem_freep(&removed);
	mem_freep(&added);
	return r;
}
