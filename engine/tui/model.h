#ifndef TUI_MODEL_H
#define TUI_MODEL_H
/*
 * The state of the screen, and what changes it. No I/O, no clock of its own:
 * every event comes with the time it happened (boot clock, nanoseconds).
 *
 *     tui_init(&m, utf8);
 *     tui_resize(&m, rows, columns, now);
 *     tui_key(&m, 'j', now);
 *     while (tui_order(&m, &order)) ...     what it wants done
 *     draw_screen(&m, &grid, now, wall);
 *     flush = tui_drawn(&m, now);           the frame is on the screen
 *
 * What a key means depends on what had been drawn when it was pressed, never
 * on what came in since: an answer names the id, the hash and the ETag of the
 * case that was shown (answer.c).
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/action.h"
#include "page.h"

#define TUI_ARM_NS ((int64_t)600 * 1000000)
#define TUI_BURST_NS ((int64_t)300 * 1000000)
#define TUI_UNDO_NS ((int64_t)60 * 1000000000)
#define TUI_NOTE_NS ((int64_t)8 * 1000000000)
/* A refused key, a success: the line is needed for what is possible now. */
#define TUI_NOTE_WARN_NS ((int64_t)1500 * 1000000)
#define TUI_NOTE_GOOD_NS ((int64_t)3 * 1000000000)
#define TUI_GAP_NS ((int64_t)5 * 1000000000)
#define TUI_ORDERS_MAX 32
#define TUI_INPUT_MAX 512
#define TUI_NOTE_MAX 240
#define TUI_ETAG_MAX 128
#define TUI_HASH_MAX (2 * SHA256_LEN + 1)
#define TUI_ENTRIES_MAX 12000
#define TUI_WORD_LEN 4
#define TUI_FIELD_MAX 64
#define TUI_SCOPE_MAX 64
#define TUI_MARKS_MAX 20 /* fewer than TUI_ORDERS_MAX */

/* Keys beyond those that are characters. */
enum tui_key {
	KEY_UP_ = 0x110000,
	KEY_DOWN_,
	KEY_LEFT_,
	KEY_RIGHT_,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_FIRST,
	KEY_LAST,
	KEY_RETURN,
	KEY_ESCAPE,
	KEY_TAB_,
	KEY_RUBOUT,
	KEY_HELP_,
	KEY_FIND_,
	KEY_QUIT_,
	KEY_CTRL_C,
	KEY_CTRL_L,
	KEY_NOTHING, /* of no meaning here, but pressed */
};

enum tui_view {
	VIEW_WAITING,
	VIEW_RUNNING,
	VIEW_HISTORY,
	VIEW_SESSIONS,
	VIEW_GRANTS,
	VIEW_HEALTH,
	VIEW_COUNT,
};

enum tui_mode {
	MODE_NORMAL,
	MODE_HELP,
	MODE_FILTER,
	MODE_MESSAGE, /* a deny with words for the agent */
	MODE_WORD, /* the word that a critical risk wants typed */
	MODE_UNTIL, /* for how long to allow */
	MODE_GRANT, /* what an answer that lasts would match: yes or no */
	MODE_RAISE, /* to whom */
	MODE_RULE, /* a rule, before it is written: yes or no */
	MODE_BATCH, /* all that are marked: yes or no */
	MODE_CHANGES, /* what a run on a copy changed */
	MODE_APPLY, /* some or all of that, into the workspace: yes or no */
};

/* One row of a list. The texts are foreign, as they came. */
struct tui_entry {
	char id[TUI_FIELD_MAX];
	char sha256[TUI_HASH_MAX];
	char etag[TUI_ETAG_MAX]; /* "" where a list does not tell it */
	char risk[16], decision[16], state[16];
	char approvals[16];
	char looking[TUI_FIELD_MAX]; /* who else has it open */
	char tool[16];
	char shown_etag[TUI_ETAG_MAX]; /* of what was read to its end */
	char *title; /* what it is, the first line or so */
	char *failed; /* why an answer to several did not reach it */
	char *agent, *place, *rule;
	int64_t since_ns, until_ns; /* wall clock; 0: not known */
	unsigned asked, allowed, denied; /* of a session */
	bool marked, stale; /* stale: not in the list that is coming in */
	bool copy; /* it ended, and what it changed waits in a copy */
};

struct tui_list {
	struct tui_entry *at;
	size_t count, cap;
	char focus[TUI_FIELD_MAX]; /* by id, never by place */
	size_t top; /* of what is shown */
};

/* The case that is open: what would be answered. */
struct tui_case {
	char id[TUI_FIELD_MAX];
	char sha256[TUI_HASH_MAX], etag[TUI_ETAG_MAX];
	char risk[16], state[16];
	struct page page;
	struct page_rows rows;
	bool whole; /* everything of it is on the page */
	bool live; /* it runs: its output is followed */
	size_t top, seen; /* rows; seen: from the first on, without a gap */
	char why_not[TUI_NOTE_MAX]; /* it could not be loaded */
};

/* What an answer that lasts would match, before it is given. */
struct tui_preview {
	char id[TUI_FIELD_MAX];
	struct page page;
	struct page_rows rows;
	size_t top, seen;
	bool possible, drawn;
	int64_t since_ns;
};

/* One change of a run on a copy of its workspace. */
struct tui_change {
	char *path;
	size_t from; /* in the page's text */
	size_t row, end, seen; /* rows; seen: from row on, without a gap */
	bool possible; /* it can be applied */
	bool marked;
};

/* All of them: a page of which each has a part of its own. */
struct tui_changes {
	char id[TUI_FIELD_MAX];
	struct page page;
	struct page_rows rows;
	struct tui_change *at;
	size_t count, cursor, top;
	bool all, drawn; /* what is asked about, and that it is asked */
	int64_t since_ns;
};

enum tui_order_kind {
	ORDER_LOAD, /* id: fetch the case */
	ORDER_LIST, /* view: fetch the list */
	ORDER_ALLOW,
	ORDER_DENY,
	ORDER_UNDO,
	ORDER_STOP,
	ORDER_RAISE,
	ORDER_REVOKE,
	ORDER_COPY,
	ORDER_PREVIEW, /* scope: what would it match */
	ORDER_RULE, /* the rule that would allow its kind */
	ORDER_SAVE_RULE, /* what was shown of it */
	ORDER_EDIT, /* a person edits it; it is another one then */
	ORDER_CHANGES, /* what its run on a copy changed */
	ORDER_APPLY, /* scope: "all", "some" (the marked ones), "none" */
};

struct tui_order {
	enum tui_order_kind kind;
	enum tui_view view;
	char id[TUI_FIELD_MAX];
	char sha256[TUI_HASH_MAX], etag[TUI_ETAG_MAX];
	char scope[TUI_SCOPE_MAX]; /* "once", "session", "until 2h" */
	char text[TUI_INPUT_MAX]; /* a message, or to whom */
	bool batch; /* one of the marked ones */
};

/* What the daemon can do: keys of what it cannot are not shown. */
enum tui_skill {
	SKILL_SCOPE = 1,
	SKILL_UNDO = 2,
	SKILL_RAISE = 4,
	SKILL_GRANTS = 8,
	SKILL_STOP = 16,
	SKILL_EDIT = 32,
};

struct tui_health {
	bool ready, known;
	char rules[16]; /* digest of the rules, short */
	char reviewer[24];
	char reasons[TUI_NOTE_MAX];
	char export[24]; /* rows that the slowest destination lacks, or "" */
	bool rules_bad, settings_bad, export_bad;
	uint64_t log_seq;
	uint64_t restarts;
	char *detail; /* owned, safe text of the page, or NULL */
};

struct tui {
	bool utf8, quit, paste, unfocused;
	int rows, columns;
	enum tui_view view;
	enum tui_mode mode;
	bool in_case; /* the keys move in the case, not in the list */
	bool full; /* the case has the whole screen */
	struct tui_list lists[VIEW_COUNT];
	struct tui_case open;
	struct tui_preview preview;
	struct tui_changes changes;
	char filter[TUI_INPUT_MAX];
	char input[TUI_INPUT_MAX];
	char input_id[TUI_FIELD_MAX]; /* whom the input is about */
	char input_scope[TUI_SCOPE_MAX];
	size_t help_top;

	/* what may be answered, and from when on */
	int64_t quiet_ns; /* the last key, change of focus, of the screen */
	int64_t typed_ns; /* the last key that was not for moving */
	int64_t mode_ns; /* since when a prompt is there */
	int64_t tick_ns;
	bool opened; /* a person chose this entry */
	char drawn[TUI_FIELD_MAX]; /* the entry that the last frame shows */
	char drawn_case[TUI_FIELD_MAX];
	uint64_t stamp, drawn_stamp; /* of the open case */
	char busy[TUI_FIELD_MAX]; /* an answer is on its way */
	size_t batch_count; /* that the question named */
	size_t batch_left, batch_done, batch_failed;
	bool batch_drawn;

	char own[TUI_FIELD_MAX]; /* the last that was answered here */
	char undo_ids[TUI_MARKS_MAX][TUI_FIELD_MAX]; /* the last answer's */
	size_t undo_count;
	int64_t undo_ns;
	bool link;
	unsigned skills;
	struct tui_health health;
	char note[TUI_NOTE_MAX];
	enum style note_style;
	int64_t note_ns;
	uint64_t arrived; /* how many came to wait: for the bell */

	struct tui_order orders[TUI_ORDERS_MAX];
	size_t order_count;
};

/* ---- the model ----------------------------------------------------------- */

void tui_init(struct tui *m, bool utf8, int64_t now);
void tui_done(struct tui *m);
void tui_key(struct tui *m, int key, int64_t now);
/* A click chooses; it never decides. */
void tui_click(struct tui *m, int y, int x, int64_t now);
void tui_wheel(struct tui *m, int rows, int64_t now);
void tui_paste(struct tui *m, bool begins, int64_t now);
void tui_focus(struct tui *m, bool has_it, int64_t now);
void tui_resize(struct tui *m, int rows, int columns, int64_t now);
void tui_tick(struct tui *m, int64_t now);
/* The frame is on the screen. True: forget what was typed before it. */
bool tui_drawn(struct tui *m, int64_t now);
/* The next thing to do, or false. */
bool tui_order(struct tui *m, struct tui_order *ret);
void tui_want(struct tui *m, const struct tui_order *order);
void tui_note(struct tui *m, enum style style, int64_t now, const char *fmt,
    ...) PRINTF_LIKE(4, 5);
/* Is the screen's case a preview, or changes, in place of the open case? */
bool tui_shows_preview(const struct tui *m);
bool tui_shows_changes(const struct tui *m);

/* ---- what comes from the daemon ------------------------------------------ */

/* Takes the texts of e over, always. */
void tui_put(
    struct tui *m, enum tui_view view, struct tui_entry *e, int64_t now);
/* how: "denied by uid:1000", or NULL where nobody need hear of it. */
void tui_gone(struct tui *m, enum tui_view view, const char *id,
    const char *how, int64_t now);
/* A whole list comes: what is not put until tui_sync_end is gone. */
void tui_sync_begin(struct tui *m, enum tui_view view);
void tui_sync_end(struct tui *m, enum tui_view view, int64_t now);
void tui_link(struct tui *m, bool up, const char *why, int64_t now);
/* The case of id: page is taken over (and left empty). */
void tui_show(
    struct tui *m, const struct tui_case *c, struct page *page, int64_t now);
/* The page is taken over (and left empty); possible: it may be given so. */
void tui_show_preview(struct tui *m, const char *id, bool possible,
    struct page *page, int64_t now);
void tui_cannot_show(
    struct tui *m, const char *id, const char *why, int64_t now);
void tui_answered(
    struct tui *m, const struct tui_order *o, const char *why_not, int64_t now);

/* ---- answers (answer.c) -------------------------------------------------- */

enum tui_may {
	MAY_YES,
	MAY_TYPE_WORD, /* yes, after the word */
	MAY_ARMING,
	MAY_NOTHING_FOCUSED,
	MAY_NOT_OPENED,
	MAY_LOADING,
	MAY_NOT_WHOLE,
	MAY_PART_HIDDEN,
	MAY_UNFOCUSED,
	MAY_NO_LINK,
	MAY_BUSY,
	MAY_TYPING, /* for a deny: in the middle of other keys */
	MAY_NOT_DRAWN,
};

enum tui_may tui_may_allow(const struct tui *m, int64_t now);
enum tui_may tui_may_deny(const struct tui *m, int64_t now);
/* 0 where it is armed, else nanoseconds to wait. */
int64_t tui_arming(const struct tui *m, int64_t now);
const char *tui_may_text(enum tui_may may);
void tui_word(const struct tui *m, char ret[static TUI_WORD_LEN + 1]);
/* May the answer that lasts be given? It was shown whole, and for a while. */
enum tui_may tui_may_grant(const struct tui *m, int64_t now);
/* Did the key belong to an answer? */
bool tui_answer_key(struct tui *m, int key, int64_t now);
void tui_answer_input(struct tui *m, int key, int64_t now);
bool tui_can_undo(const struct tui *m, int64_t now);
/* The answer to id can be taken back, with those since tui_undo_begin. */
void tui_undo_begin(struct tui *m);
void tui_undo_add(struct tui *m, const char *id, int64_t now);
/* What holds for an answer of any kind. */
enum tui_may tui_may_at_all(const struct tui *m);
/* A risk that is not known by name is none to take lightly. */
bool tui_is_critical(const struct tui_entry *e);

/* What would come of it is shown first, in this mode. */
void tui_look_first(struct tui *m, enum tui_mode mode, enum tui_order_kind kind,
    const char *scope, int64_t now);
void tui_scroll_preview(struct tui *m, int key);

/* ---- rules (rule_key.c) --------------------------------------------------- */

bool tui_rule_key(struct tui *m, int64_t now);
enum tui_may tui_may_rule(const struct tui *m, int64_t now);
void tui_rule_input(struct tui *m, int key, int64_t now);

/* ---- what a run on a copy changed (changes.c) ----------------------------- */

bool tui_changes_key(struct tui *m, int64_t now);
void tui_changes_input(struct tui *m, int key, int64_t now);
/* page and the list (with its texts) are taken over. */
void tui_show_changes(struct tui *m, const char *id, struct tui_change *list,
    size_t count, struct page *page, int64_t now);
void tui_changes_lay_out(struct tui *m);
/* The frame showed them. */
void tui_changes_drawn(struct tui *m);
size_t tui_changes_marked(const struct tui *m);
/* How many of those (all, or the marked ones) were not read to their end. */
size_t tui_changes_unread(const struct tui *m, bool all);
enum tui_may tui_may_apply(const struct tui *m, bool all, int64_t now);
void tui_changes_done(struct tui_changes *c);

/* ---- several of the same kind (batch.c) ---------------------------------- */

size_t tui_marked(const struct tui *m);
void tui_mark(struct tui *m, int64_t now);
void tui_mark_keep(struct tui_entry *was, struct tui_entry *e);
void tui_mark_shown(struct tui *m);
void tui_unmark_all(struct tui *m);
void tui_unsee_all(struct tui *m);
enum tui_may tui_may_batch(const struct tui *m, int64_t now);
bool tui_batch_key(struct tui *m, int key, int64_t now);
void tui_batch_input(struct tui *m, int key, int64_t now);
/* So many orders go out as one. */
void tui_batch_begin(struct tui *m, size_t count);
void tui_batch_answered(
    struct tui *m, const struct tui_order *o, const char *why_not, int64_t now);
void tui_batch_drop(struct tui *m);

/* ---- shared by the parts ------------------------------------------------- */

struct tui_list *tui_list(struct tui *m);
struct tui_entry *tui_find(struct tui *m, enum tui_view view, const char *id);
const struct tui_entry *tui_focused(const struct tui *m);
bool tui_matches(const struct tui *m, const struct tui_entry *e);
void tui_choose(struct tui *m, const char *id, bool by_person, int64_t now);
void tui_disturb(struct tui *m, int64_t now);
/* The case of id is to be fetched; the newest wish counts. */
void tui_want_case(struct tui *m, const char *id);
void tui_entry_done(struct tui_entry *e);
void tui_close_case(struct tui *m);
/* Rows for the width that the screen has now; what was seen counts no more. */
void tui_lay_out(struct tui *m);
void tui_lay_out_preview(struct tui *m);
/* The open case is not what it was: it is loaded and read anew. */
void tui_look_again(struct tui *m);
/* Rows and columns of the panes on a screen of this size. */
struct tui_layout {
	int list_width; /* 0: not shown */
	int case_x, case_width; /* 0: not shown */
	int top, height; /* of both */
	bool bars; /* two lines at the bottom, not one */
	int entry_rows; /* that an entry of the list takes */
};
struct tui_layout tui_layout(const struct tui *m);
/* Rows of text that the pane of the case has. */
size_t tui_case_rows(const struct tui *m);

#endif
