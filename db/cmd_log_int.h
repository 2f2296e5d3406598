#ifndef DB_CMD_LOG_INT_H
#define DB_CMD_LOG_INT_H
/*
 * What the subcommands of `assent log` share. Each has a descriptor of its
 * own; cmd_log.c finds it by its name.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/command.h"
#include "reader.h"

#define LOG_OUT_BYTES_MAX ((size_t)64 << 20)
#define LOG_FLUSH_BYTES ((size_t)64 << 10)

extern const struct command cmdlog_list, cmdlog_show, cmdlog_verify,
    cmdlog_export, cmdlog_prove, cmdlog_backup, cmdlog_prune, cmdlog_cursors,
    cmdlog_find_secret, cmdlog_report, cmdlog_replay;

/* "assent log NAME: message" on stderr, escaped; returns the exit status
 * that the contract gives to such an error. */
int cmdlog_error(const struct command *c, const struct err *e);
/* All of out to stdout, and forgets it. */
int cmdlog_flush(struct buf *out, struct err *e);
/* cmdlog_flush once there is enough to be worth it. */
int cmdlog_flush_some(struct buf *out, struct err *e);

/* The log in --state or the default folder; *ret_dir is that folder. */
int cmdlog_open(
    const char *state, struct buf *ret_dir, struct reader **ret, struct err *e);
/* The folder alone. */
int cmdlog_state_dir(const char *state, struct buf *ret, struct err *e);

/* "2026-11-25T18:07:00Z", "2026-11-25", or "2h" (ago), in nanoseconds. */
int cmdlog_parse_time(
    const char *text, int64_t now_ns, int64_t *ret, struct err *e);
/* Options that list and export have in common, by their names. */
struct cmdlog_filter_options {
	const char *session, *action, *decision, *kind, *tool, *rule, *since,
	    *until;
};
/* Their places in a table of options, from the first of them on. */
enum cmdlog_filter {
	CMDLOG_SESSION,
	CMDLOG_ACTION,
	CMDLOG_DECISION,
	CMDLOG_KIND,
	CMDLOG_TOOL,
	CMDLOG_RULE,
	CMDLOG_SINCE,
	CMDLOG_UNTIL,
	CMDLOG_FILTER_COUNT,
};
#define CMDLOG_FILTER_OPTIONS(first)                                           \
	[(first) +                                                             \
	    CMDLOG_SESSION] = { "--session", "ID", "only of that session" },   \
	    [(first) +                                                         \
		CMDLOG_ACTION] = { "--action", "ID", "only of that action" },  \
	    [(first) + CMDLOG_DECISION] = { "--decision",                      \
		    "allow|review|ask|deny", "only with that decision" },      \
	    [(first) + CMDLOG_KIND] = { "--kind", "KIND",                      \
		    "only of that kind (decided, intent)" },                   \
	    [(first) +                                                         \
		CMDLOG_TOOL] = { "--tool", "TOOL", "only of that tool" },      \
	    [(first) + CMDLOG_RULE] = { "--rule", "ID",                        \
		    "only decided by that rule" },                             \
	    [(first) + CMDLOG_SINCE] = { "--since", "TIME",                    \
		    "2026-11-25T18:00:00Z, or 2h ago" },                       \
	    [(first) +                                                         \
		CMDLOG_UNTIL] = { "--until", "TIME", "before that time" }
/* values: of these options, from the first of them on; borrows them. */
struct cmdlog_filter_options cmdlog_filter_of(const char *const *values);
int cmdlog_parse_filter(const struct cmdlog_filter_options *o,
    struct log_query *ret, struct err *e);
/* A number of an option; 0 and an error when it is none. */
int cmdlog_parse_number(
    const char *option, const char *text, uint64_t *ret, struct err *e);

/* One event for people, in one line without a newline: what happened. */
void cmdlog_tell(const struct row_view *v, struct buf *out);
/* The whole story of one action, row by row. */
struct cmdlog_story {
	struct buf *out;
	uint64_t rows, first_seq, last_seq;
	int64_t begin_ns;
	bool told; /* what was proposed, by whom */
};
void cmdlog_story_row(struct cmdlog_story *s, const struct row_view *v);

#endif
