/*
 * Figures of a report: grouped by SQLite, over columns alone.
 * Runs in: assent.  Trusts: nothing in text.  Owns: nothing.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"

#define IN_RANGE " FROM log WHERE time >= ?1 AND time < ?2 "
#define DECIDED IN_RANGE "AND kind = 'decided' "

struct gathering {
	sqlite3 *db;
	struct report *r;
};

typedef void row_fn(struct gathering *g, sqlite3_stmt *s);

static int
each(struct gathering *g, const char *sql, row_fn *fn, struct err *e)
{
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int r = sql_prepare(g->db, sql, &s, e);

	if (r != 0)
		return r;
	(void)sqlite3_bind_int64(s, 1, g->r->range.since_ns);
	(void)sqlite3_bind_int64(s, 2, g->r->range.until_ns);
	while ((r = sql_step(s, e)) == SQL_ROW)
		fn(g, s);
	return r;
}

static uint64_t
number(sqlite3_stmt *s, int column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

static void
text(sqlite3_stmt *s, int column, char ret[static REPORT_NAME_MAX])
{
	const struct str v = sql_str(s, column);

	(void)snprintf(ret, REPORT_NAME_MAX, "%.*s", STR_ARG(v));
}

/* ---- totals --------------------------------------------------------------- */

static void
on_source(struct gathering *g, sqlite3_stmt *s)
{
	const struct {
		const char *by;
		uint64_t *count;
	} sources[] = {
		{ "rule", &g->r->by_rule },
		{ "default", &g->r->by_rule },
		{ "policy", &g->r->by_rule },
		{ "ceiling", &g->r->by_rule },
		{ "grant", &g->r->by_grant },
		{ "reviewer", &g->r->by_reviewer },
		{ "human", &g->r->by_human },
		{ "timeout", &g->r->by_nobody },
	};
	const uint64_t allowed = number(s, 1), denied = number(s, 2);

	g->r->allowed += allowed;
	g->r->denied += denied;
	g->r->decisions += allowed + denied;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		if (str_eqz(sql_str(s, 0), sources[i].by))
			*sources[i].count += allowed + denied;
	}
}

/* A question that was taken back was one. */
#define TO_A_PERSON                                                            \
	"((kind = 'proposed' AND decision = 'ask') OR "                        \
	"(kind = 'decided' AND decided_by IN ('human', 'timeout')))"
#define QUESTIONS                                                              \
	"SELECT count(DISTINCT CASE WHEN " TO_A_PERSON " THEN action_id END)," \
	" count(DISTINCT action_id)" IN_RANGE                                  \
	"AND (kind = 'decided' OR " TO_A_PERSON ")"

static void
on_questions(struct gathering *g, sqlite3_stmt *s)
{
	g->r->asked = number(s, 0);
	g->r->unasked = number(s, 1) - g->r->asked;
}

static void
on_kind(struct gathering *g, sqlite3_stmt *s)
{
	const struct {
		const char *kind;
		uint64_t *count;
	} kinds[] = {
		{ "intent", &g->r->runs },
		{ "unknown", &g->r->lost },
		{ "undone", &g->r->undone },
		{ "reviewed", &g->r->left_to_person },
	};

	g->r->rows += number(s, 1);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_eqz(sql_str(s, 0), kinds[i].kind))
			*kinds[i].count += number(s, 1);
	}
}

/* ---- over time ------------------------------------------------------------- */

static void
on_bar(struct gathering *g, sqlite3_stmt *s)
{
	const uint64_t i = number(s, 0);

	if (i >= REPORT_BARS)
		return;
	g->r->bars[i].allowed = number(s, 1);
	g->r->bars[i].denied = number(s, 2);
	g->r->bars[i].asked = number(s, 3);
}

static int
gather_bars(struct gathering *g, struct err *e)
{
	const struct report_range *range = &g->r->range;
	const int64_t width =
	    (range->until_ns - range->since_ns) / REPORT_BARS + 1;
	char sql[512];

	for (size_t i = 0; i < REPORT_BARS; i++)
		g->r->bars[i].from_ns = range->since_ns + (int64_t)i * width;
	(void)snprintf(sql, sizeof(sql),
	    "SELECT (time - ?1) / %lld, sum(decision = 'allow'), "
	    "sum(decision = 'deny'), "
	    "sum(decided_by IN ('human', 'timeout'))" DECIDED "GROUP BY 1",
	    (long long)width);
	return each(g, sql, on_bar, e);
}

/* ---- lists ------------------------------------------------------------------ */

static void
add(struct report_list *l, sqlite3_stmt *s)
{
	struct report_count *c;

	if (l->count == REPORT_TOP)
		return;
	c = &l->items[l->count++];
	text(s, 0, c->name);
	c->allowed = number(s, 1);
	c->denied = number(s, 2);
}

static void
on_rule(struct gathering *g, sqlite3_stmt *s)
{
	add(&g->r->rules, s);
}

static void
on_tool(struct gathering *g, sqlite3_stmt *s)
{
	add(&g->r->tools, s);
}

static void
on_session(struct gathering *g, sqlite3_stmt *s)
{
	add(&g->r->sessions, s);
}

static void
on_by(struct gathering *g, sqlite3_stmt *s)
{
	add(&g->r->sources, s);
	on_source(g, s);
}

static void
on_host(struct gathering *g, sqlite3_stmt *s)
{
	add(&g->r->hosts, s);
}

/* Of connections, the host is in the body, which may have been dropped. */
#define MANY "coalesce(json_extract(CAST(body AS TEXT), '$.count'), 1)"
#define HOSTS                                                                  \
	"SELECT json_extract(CAST(body AS TEXT), '$.host'), "                  \
	"sum((decision = 'allow') * " MANY                                     \
	"), sum((decision = 'deny') * " MANY                                   \
	") FROM log JOIN payload USING (seq) WHERE time >= ?1 AND time < ?2 "  \
	"AND kind = "                                                          \
	"'network' AND json_valid(CAST(body AS TEXT)) AND "                    \
	"json_extract(CAST(body AS TEXT), '$.host') IS NOT NULL "              \
	"GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1 LIMIT 15"

#define TOP(column)                                                            \
	"SELECT " column                                                       \
	", sum(decision = 'allow'), sum(decision = 'deny')" DECIDED            \
	"AND " column " IS NOT NULL "                                          \
	"GROUP BY 1 ORDER BY count(*) DESC, 1"

static void
on_denial(struct gathering *g, sqlite3_stmt *s)
{
	struct report_denial *d;

	if (g->r->denial_count == REPORT_DENIALS)
		return;
	d = &g->r->denials[g->r->denial_count++];
	d->seq = number(s, 0);
	d->time_ns = sqlite3_column_int64(s, 1);
	text(s, 2, d->id);
	text(s, 3, d->rule);
	text(s, 4, d->by);
}

/* A young log fills the chart. */
static int
begin_with_the_log(struct gathering *g, struct err *e)
{
	int64_t first = 0;
	const int r = sql_int(
	    g->db, "SELECT time FROM log ORDER BY seq LIMIT 1", &first, e);

	if (r == ERR_NOTFOUND)
		return ERR_OK;
	if (r == 0 && first > g->r->range.since_ns &&
	    first < g->r->range.until_ns)
		g->r->range.since_ns = first;
	return r;
}

int
report_gather(sqlite3 *db, const struct report_range *range, struct report *ret,
    struct err *e)
{
	static const struct {
		const char *sql;
		row_fn *fn;
	} parts[] = {
		{ TOP("decided_by"), on_by },
		{ "SELECT kind, count(*)" IN_RANGE "GROUP BY 1", on_kind },
		{ QUESTIONS, on_questions },
		{ TOP("rule") " LIMIT 15", on_rule },
		{ TOP("tool") " LIMIT 15", on_tool },
		{ TOP("session") " LIMIT 15", on_session },
		{ HOSTS, on_host },
		{ "SELECT seq, time, action_id, rule, decided_by" DECIDED
		  "AND decision = 'deny' ORDER BY seq DESC LIMIT 25",
		    on_denial },
	};
	struct gathering g = { .db = db, .r = ret };
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->range = *range;
	r = begin_with_the_log(&g, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
		r = each(&g, parts[i].sql, parts[i].fn, e);
	return r == 0 ? gather_bars(&g, e) : r;
}

/* ---- JSON ------------------------------------------------------------------- */

static void
put_number(struct jsonw *w, const char *key, uint64_t v)
{
	jsonw_key(w, key);
	jsonw_uint(w, v);
}

static void
put_time(struct jsonw *w, const char *key, int64_t ns)
{
	jsonw_key(w, key);
	jsonw_time(w, ns);
}

static void
put_list(struct jsonw *w, const char *key, const struct report_list *l)
{
	jsonw_key(w, key);
	jsonw_array(w);
	for (size_t i = 0; i < l->count; i++) {
		jsonw_object(w);
		jsonw_kstr(w, "name", l->items[i].name);
		put_number(w, "allowed", l->items[i].allowed);
		put_number(w, "denied", l->items[i].denied);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
put_totals(struct jsonw *w, const struct report *r)
{
	const struct {
		const char *key;
		uint64_t value;
	} totals[] = {
		{ "rows", r->rows },
		{ "decisions", r->decisions },
		{ "allowed", r->allowed },
		{ "denied", r->denied },
		{ "by_rule", r->by_rule },
		{ "by_grant", r->by_grant },
		{ "by_reviewer", r->by_reviewer },
		{ "by_human", r->by_human },
		{ "asked_a_person", r->asked },
		{ "unanswered", r->by_nobody },
		{ "runs", r->runs },
		{ "runs_lost", r->lost },
		{ "undone", r->undone },
		{ "reviews_left_to_a_person", r->left_to_person },
	};

	for (size_t i = 0; i < ARRAY_LEN(totals); i++)
		put_number(w, totals[i].key, totals[i].value);
}

static void
put_bars(struct jsonw *w, const struct report *r)
{
	jsonw_key(w, "over_time");
	jsonw_array(w);
	for (size_t i = 0; i < REPORT_BARS; i++) {
		jsonw_object(w);
		put_time(w, "from", r->bars[i].from_ns);
		put_number(w, "allowed", r->bars[i].allowed);
		put_number(w, "denied", r->bars[i].denied);
		put_number(w, "asked", r->bars[i].asked);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
report_json(const struct report *r, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	put_time(&w, "since", r->range.since_ns);
	put_time(&w, "until", r->range.until_ns);
	put_totals(&w, r);
	put_list(&w, "sources", &r->sources);
	put_list(&w, "rules", &r->rules);
	put_list(&w, "tools", &r->tools);
	put_list(&w, "sessions", &r->sessions);
	put_list(&w, "hosts", &r->hosts);
	put_bars(&w, r);
	jsonw_end(&w);
	buf_putc(out, '\n');
}
