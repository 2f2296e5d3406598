#ifndef TUI_FEED_H
#define TUI_FEED_H
/*
 * Between the daemon and the model: what the model wants is asked for, what
 * the daemon tells is put into the model.
 *
 *     r = feed_open(runtime, &m, &feed, e);
 *     feed_wake_by(feed, fd, on_ready, ctx);    fd readable: on_ready
 *     while (!m.quit)
 *             feed_follow(feed, &why);          until the line breaks
 *
 * The list of what waits is read whole whenever the line is new; the events
 * only say where to look again. So nothing is missed, and nobody who comes
 * late sees less.
 */
#include "model.h"
#include "tools/client.h"

struct feed;

/* Called whenever the descriptor is readable, also while the daemon is asked
 * something; non-zero ends what is under way (and feed_follow). */
typedef int feed_wake_fn(void *ctx, struct err *e);
/* What the model cannot do by itself: copy text. */
typedef void feed_copy_fn(void *ctx, const char *text);

/* A person edits text, in place; non-zero: it did not work. */
typedef int feed_edit_fn(
    void *ctx, const char *name, struct buf *text, struct err *e);

int feed_open(
    const char *runtime, struct tui *m, struct feed **ret, struct err *e);
void feed_free(struct feed *f);
void feed_freep(struct feed **f);
void feed_wake_by(struct feed *f, int fd, feed_wake_fn *fn, void *ctx);
void feed_copy_by(struct feed *f, feed_copy_fn *fn, void *ctx);
void feed_edit_by(struct feed *f, feed_edit_fn *fn, void *ctx);
/* Follows the events; returns what ended it, which is never 0. */
int feed_follow(struct feed *f, struct err *e);
/* What the model ordered, and what events made stale. Nothing is done while
 * a call is under way. */
void feed_work(struct feed *f);
/* Ages, health, output: called a few times a second. */
void feed_tick(struct feed *f);

/* ---- shared by its parts ------------------------------------------------- */

#define FEED_DIRTY_MAX 64
#define FEED_PATH_BYTES 512

struct feed {
	struct client *calls, *events;
	struct tui *m;
	bool in_call; /* the client of calls is in use */
	bool sync; /* read the list of what waits whole */
	bool history_read;
	char dirty[FEED_DIRTY_MAX][TUI_FIELD_MAX];
	size_t dirty_count;
	uint64_t last_seq;
	int64_t health_ns, output_ns, output_every_ns, look_ns;
	feed_copy_fn *copy;
	void *copy_ctx;
	char *rule, rule_id[TUI_FIELD_MAX]; /* as it was shown */
	feed_edit_fn *edit;
	void *edit_ctx;
};

/* A call on f->calls; the screen lives on meanwhile. */
int feed_call(struct feed *f, const struct client_request *q,
    struct client_reply *ret, struct err *e);
/* "/v1/actions/ID" and more; ERR_INVALID for what is no id. */
int feed_path(
    const char *id, const char *rest, char ret[static 256], struct err *e);
/* GET of that path: a reply with a status of success, or why not. */
int feed_get(struct feed *f, const char *id, const char *rest,
    struct client_reply *ret, struct err *e);
/* The decision of one action into an entry of the view. */
void feed_entry(const json_t *decision, struct tui_entry *ret);
/* One row of the log: where to look again, and history. */
void feed_row(struct feed *f, struct str json);
void feed_sync(struct feed *f);
void feed_look_again(struct feed *f);
void feed_look_at(struct feed *f, const char *id);
void feed_history(struct feed *f);
void feed_view(struct feed *f, enum tui_view view);
void feed_health(struct feed *f);
/* What a row of the log says about its session. */
void feed_session(struct feed *f, const json_t *row, const char *kind);
/* The case of id as it is now. */
void feed_case(struct feed *f, const struct tui_order *o);
/* What an answer that lasts would match. */
void feed_preview(struct feed *f, const struct tui_order *o);
/* Where the preview of an answer that lasts is: "until 2h" in a query. */
int feed_preview_path(
    const struct tui_order *o, char ret[static FEED_PATH_BYTES]);
void feed_put_counts(struct page *p, const json_t *history);
/* The rule that would allow its kind; and then: writes what was shown. */
void feed_rule(struct feed *f, const struct tui_order *o);
void feed_save_rule(struct feed *f, const struct tui_order *o);
/* What a run on a copy changed; and puts it into the workspace, or not. */
void feed_changes(struct feed *f, const struct tui_order *o);
void feed_apply(struct feed *f, const struct tui_order *o);
/* That this person has it open, and who else has. */
void feed_presence(struct feed *f);
/* Lets a person edit it: what comes back is another action, that waits. */
void feed_edit(struct feed *f, const struct tui_order *o);
void feed_answer(struct feed *f, const struct tui_order *o);
int64_t feed_time(const char *rfc3339);

#endif
