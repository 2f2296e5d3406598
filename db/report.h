#ifndef DB_REPORT_H
#define DB_REPORT_H
/*
 * What the log tells about a stretch of time, in figures; and as a page.
 *
 *     r = report_gather(db, &range, &report, e);
 *     report_page(&report, &out);        HTML, nothing is fetched, no script
 *     report_json(&report, &out);
 *
 * Figures come from the columns of rows. Whether the log is what was recorded
 * is for `assent log verify` to say.
 */
#include "base/buf.h"
#include "sql.h"

#define REPORT_BARS 48
#define REPORT_TOP 15
#define REPORT_NAME_MAX 128
#define REPORT_DENIALS 25

struct report_range {
	int64_t since_ns, until_ns; /* until: not included */
};

struct report_bar {
	int64_t from_ns;
	uint64_t allowed, denied;
	uint64_t asked; /* of both: a person answered, or nobody did */
};

struct report_count {
	char name[REPORT_NAME_MAX];
	uint64_t allowed, denied;
};

struct report_list {
	struct report_count items[REPORT_TOP];
	size_t count;
};

struct report_denial {
	char id[REPORT_NAME_MAX], rule[REPORT_NAME_MAX], by[REPORT_NAME_MAX];
	int64_t time_ns;
	uint64_t seq;
};

struct report {
	struct report_range range;
	uint64_t rows, decisions, allowed, denied;
	uint64_t by_rule, by_grant, by_reviewer, by_human, by_nobody;
	/* Actions that a person was asked about, answered or taken back, and
	 * those that were decided without. */
	uint64_t asked, unasked;
	uint64_t runs, lost, undone, left_to_person;
	struct report_bar bars[REPORT_BARS];
	struct report_list rules, tools, sources, sessions;
	struct report_list hosts; /* by connections of runs; refused first */
	struct report_denial denials[REPORT_DENIALS]; /* newest first */
	size_t denial_count;
};

int report_gather(sqlite3 *db, const struct report_range *range,
    struct report *ret, struct err *e);
void report_page(const struct report *r, struct buf *out);
void report_json(const struct report *r, struct buf *out);

#endif
