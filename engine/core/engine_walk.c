/*
 * Recorded calls once more, for what asks "what if".
 * Runs in: engine.  Trusts: the store.  Owns: nothing beyond the call.
 */
#include "engine_walk.h"

#include <string.h>

#include "base/num.h"
#include "model/json_in.h"

#define DAY_NS (24 * 3600 * SECOND_NS)
#define WALK_DAYS 30
#define WALK_ROWS_MAX 10000 /* of the log, the newest */
#define WALK_TIME_NS (SECOND_NS / 4) /* the engine waits no longer */
#define WALK_STEP 200 /* rows of one read of the store */

static int
on_record(void *ctx, const struct open_action *o, struct err *e)
{
	AUTO(action_freep) struct action *a = NULL;
	struct walk *walk = ctx;
	int r = action_new(&a, e);

	if (r == 0)
		r = action_decode(o->record, a, e);
	if (r != 0)
		return r;
	if (strlen(o->id) < sizeof(a->id))
		memcpy(a->id, o->id, strlen(o->id) + 1);
	/* Rules that ended since are not of today. */
	a->proposed_real_ns = walk->now_ns;
	return walk->fn(walk->ctx, a, walk->row_ns, e);
}

bool
walk_row_is(const json_t *row, const char *key, const char *word)
{
	const char *value = json_string_value(json_object_get(row, key));

	return value != NULL && strcmp(value, word) == 0;
}

static bool
is_recent(struct walk *walk, const json_t *row)
{
	const char *ns = json_string_value(json_object_get(row, "time_ns"));
	uint64_t v;

	if (ns == NULL || num_parse_u64(str_of(ns), 0, INT64_MAX, &v) != 0)
		return false;
	walk->row_ns = (int64_t)v;
	return walk->row_ns >= walk->since_ns;
}

static bool
is_call(const struct walk *walk, const json_t *row)
{
	return walk_row_is(row, "kind", row_kind_name(ROW_DECIDED)) ||
	    (walk->questions &&
		walk_row_is(row, "kind", row_kind_name(ROW_PROPOSED)));
}

static bool
is_late(const struct walk *walk)
{
	return walk->g->o.env.boot_ns() >= walk->deadline_ns;
}

static int
on_row(void *ctx, uint64_t seq, struct str json, struct err *e)
{
	struct walk *walk = ctx;
	json_auto_t *row = NULL;
	const char *id;

	(void)seq;
	if (is_late(walk))
		return err_set(e, ERR_LIMIT, "there is no time left");
	if (json_in(json, &row, NULL) != 0 || !is_call(walk, row) ||
	    !is_recent(walk, row) ||
	    (walk->wants != NULL && !walk->wants(walk->ctx, row)))
		return ERR_OK;
	id = json_string_value(json_object_get(row, "action_id"));
	if (id == NULL || json_object_get(walk->seen, id) != NULL)
		return ERR_OK;
	if (json_object_set_new(walk->seen, id, json_true()) != 0)
		return err_nomem(e);
	/* What was dropped from the store cannot be judged again. */
	if (walk->g->o.recorder_port->get_open(
		walk->g->o.recorder, id, on_record, walk, NULL) != 0)
		walk->cut = true;
	return ERR_OK;
}

static void
look_back(struct walk *walk)
{
	const struct recorder_port *port = walk->g->o.recorder_port;
	uint8_t hash[SHA256_LEN];
	uint64_t end, rows = 0;

	port->head(walk->g->o.recorder, &end, hash);
	while (end > 0) {
		const uint64_t from = end > WALK_STEP ? end - WALK_STEP + 1 : 1;
		const struct log_filter f = {
			.from_seq = from,
			.limit = (uint32_t)(end - from + 1),
		};

		if (rows >= WALK_ROWS_MAX || is_late(walk) ||
		    port->list(walk->g->o.recorder, &f, on_row, walk, NULL) !=
			0) {
			walk->cut = true;
			return;
		}
		rows += end - from + 1;
		end = from - 1;
	}
}

void
engine_walk(struct walk *walk)
{
	json_auto_t *seen = json_object();

	walk->now_ns = walk->g->o.env.real_ns();
	walk->since_ns = walk->now_ns - WALK_DAYS * DAY_NS;
	walk->deadline_ns = walk->g->o.env.boot_ns() + WALK_TIME_NS;
	walk->seen = seen;
	look_back(walk);
	walk->seen = NULL;
}

void
engine_walk_json(const struct walk *walk, struct jsonw *w)
{
	jsonw_kint(w, "days", WALK_DAYS);
	jsonw_kbool(w, "complete", !walk->cut);
}
