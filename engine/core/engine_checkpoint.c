/*
 * Signed checkpoints on their way out: one word of the program's own log, a
 * record of every destination. Whoever replaces the files of the log later
 * cannot take back what was said there.
 * Runs in: engine.  Trusts: the recorder.  Owns: nothing.
 */
#include <stdio.h>

#include "base/log.h"
#include "engine_int.h"
#include "model/checkpoint_word.h"

#define WORD_BYTES_MAX ((size_t)8192)
#define NUMBER_BYTES_MAX 24
#define JSON_BYTES_MAX ((size_t)16384)

/* In the form of a row, without a place of its own in the log. */
static void
put_json(
    const struct engine *g, uint64_t rows, const char *word, struct buf *out)
{
	const int64_t now = g->o.env.real_ns();
	struct jsonw w = jsonw_on(out);
	char ns[NUMBER_BYTES_MAX];

	(void)snprintf(ns, sizeof(ns), "%lld", (long long)now);
	jsonw_object(&w);
	jsonw_key(&w, "time");
	jsonw_time(&w, now);
	jsonw_kstr(&w, "time_ns", ns);
	jsonw_kstr(&w, "kind", "checkpoint");
	jsonw_key(&w, "body");
	jsonw_object(&w);
	jsonw_key(&w, "rows");
	jsonw_uint(&w, rows);
	jsonw_kstr(&w, "checkpoint", word);
	jsonw_end(&w);
	jsonw_end(&w);
}

static bool
is_exported(const struct engine *g)
{
	return g->o.out.checkpoint != NULL && g->feeds[0].name[0] != '\0';
}

static void
send(struct engine *g, uint64_t rows, const char *word)
{
	AUTO_BUF struct buf json = BUF_INIT(JSON_BYTES_MAX);

	put_json(g, rows, word, &json);
	if (buf_done(&json, NULL) == 0 &&
	    g->o.out.checkpoint(g->o.out.ctx, rows, buf_str(&json)))
		g->checkpoint_sent = rows;
}

void
engine_checkpoint_tick(struct engine *g)
{
	AUTO_BUF struct buf word = BUF_INIT(WORD_BYTES_MAX);
	struct str note = STR_NONE;
	uint64_t rows;

	if (g->o.recorder_port->checkpoint == NULL)
		return;
	rows = g->o.recorder_port->checkpoint(g->o.recorder, &note);
	if (rows == 0 ||
	    (rows == g->checkpoint_said &&
		(rows == g->checkpoint_sent || !is_exported(g))))
		return;
	checkpoint_word_put(&word, note);
	if (buf_done(&word, NULL) != 0)
		return;
	if (rows != g->checkpoint_said)
		log_info("checkpoint", "rows=%llu note=%s",
		    (unsigned long long)rows, buf_cstr(&word));
	g->checkpoint_said = rows;
	if (rows != g->checkpoint_sent && is_exported(g))
		send(g, rows, buf_cstr(&word));
}

void
engine_checkpoint(struct engine *g, const struct call *c)
{
	struct str note = STR_NONE;

	if (g->o.recorder_port->checkpoint == NULL ||
	    g->o.recorder_port->checkpoint(g->o.recorder, &note) == 0) {
		engine_problem(g, c->id, 404, "not_found",
		    "no checkpoint is signed yet; the first is, about a minute "
		    "after the first row");
		return;
	}
	g->o.out.reply(g->o.out.ctx,
	    &(struct reply){
		.id = c->id,
		.status = 200,
		.type = BODY_TEXT,
		.body = note,
	    });
}
