/*
 * A report counts what is in the log, and no text of a row is HTML in it.
 */
#include "db_test.h"

#include "reader.h"
#include "report.h"

#define PAGE_BYTES_MAX ((size_t)1 << 20)
#define BEGIN_NS INT64_C(1795000000000000000)

struct sample {
	const char *session, *rule;
	enum decision decision;
	enum decided_by by;
};

static const struct sample samples[] = {
	{ "s-1", "git.read", DECISION_ALLOW, BY_RULE },
	{ "s-1", "git.read", DECISION_ALLOW, BY_RULE },
	{ "s-1", "floor.x", DECISION_DENY, BY_RULE },
	{ "<script>alert(1)</script>", "a&\"b'", DECISION_DENY, BY_HUMAN },
	{ "s-2", NULL, DECISION_ALLOW, BY_HUMAN },
	{ "s-2", NULL, DECISION_DENY, BY_TIMEOUT },
	{ "s-2", NULL, DECISION_ALLOW, BY_REVIEWER },
};

/* Asked, and taken back before anybody answered. */
static void
add_taken_back(struct recorder *r)
{
	static const struct {
		enum row_kind kind;
		enum decision decision;
	} rows[] = {
		{ ROW_PROPOSED, DECISION_ASK },
		{ ROW_CANCELLED, DECISION_ASK },
	};
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row row = {
			.kind = rows[i].kind,
			.action_id = "act_taken_back",
			.tool = TOOL_SHELL,
			.decision = rows[i].decision,
			.time_real_ns = BEGIN_NS + 500,
			.body = STR("{}"),
		};

		must(db_recorder.append(r, &row, &seq, hash, NULL, &e), &e);
	}
}

static void
add_sample(struct recorder *r, size_t i)
{
	char id[ACTION_ID_MAX];
	uint8_t hash[SHA256_LEN];
	uint64_t seq = 0;
	struct err e = ERR_INIT;

	(void)snprintf(id, sizeof(id), "act_%zu", i);
	const struct row row = {
		.kind = ROW_DECIDED,
		.action_id = id,
		.session = samples[i].session,
		.tool = TOOL_SHELL,
		.decision = samples[i].decision,
		.by = samples[i].by,
		.rule_id = samples[i].rule,
		.time_real_ns = BEGIN_NS + (int64_t)i,
		.body = STR("{}"),
	};

	must(db_recorder.append(r, &row, &seq, hash, NULL, &e), &e);
}

static void
gather(int64_t since, int64_t until, struct report *ret)
{
	AUTO(reader_closep) struct reader *rd = NULL;
	const struct report_range range = { .since_ns = since,
		.until_ns = until };
	struct err e = ERR_INIT;
	struct recorder *r;
	struct place p;

	place_make(&p);
	r = store_at(&p);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		add_sample(r, i);
	add_taken_back(r);
	must(db_recorder.commit(r, &e), &e);
	store_close(r);
	must(reader_open(p.db, NULL, &rd, &e), &e);
	must(report_gather(reader_db(rd), &range, ret, &e), &e);
	reader_closep(&rd);
	place_remove(&p);
}

static void
decisions_are_counted_by_who_made_them(void **state)
{
	static struct report r;
	uint64_t in_bars = 0;

	(void)state;
	gather(BEGIN_NS, BEGIN_NS + 1000, &r);
	assert_int_equal(r.decisions, 7);
	assert_int_equal(r.allowed, 4);
	assert_int_equal(r.denied, 3);
	assert_int_equal(r.by_rule, 3);
	assert_int_equal(r.by_human, 2);
	assert_int_equal(r.by_nobody, 1);
	assert_int_equal(r.by_reviewer, 1);
	assert_int_equal(r.denial_count, 3);
	assert_string_equal(r.denials[0].id, "act_5");
	assert_string_equal(r.rules.items[0].name, "git.read");
	assert_int_equal(r.rules.items[0].allowed, 2);
	for (size_t i = 0; i < REPORT_BARS; i++)
		in_bars += r.bars[i].allowed + r.bars[i].denied;
	assert_int_equal(in_bars, 7);
}

static void
a_question_that_was_taken_back_is_one(void **state)
{
	AUTO_BUF struct buf page = BUF_INIT(PAGE_BYTES_MAX);
	static struct report r;

	(void)state;
	gather(BEGIN_NS, BEGIN_NS + 1000, &r);
	assert_int_equal(r.asked, 4);
	assert_int_equal(r.unasked, 4);
	report_page(&r, &page);
	assert_non_null(
	    strstr(buf_cstr(&page), "<b>50 %</b>made without asking a person"));
	assert_non_null(
	    strstr(buf_cstr(&page), "<b>4</b>questions to a person"));
	gather(BEGIN_NS + 500, BEGIN_NS + 1000, &r);
	assert_int_equal(r.asked, 1);
	assert_int_equal(r.unasked, 0);
}

static void
only_the_stretch_that_was_asked_for_counts(void **state)
{
	static struct report r;

	(void)state;
	gather(BEGIN_NS + 2, BEGIN_NS + 4, &r);
	assert_int_equal(r.decisions, 2);
	assert_int_equal(r.denied, 2);
}

static void
no_text_of_a_row_is_html(void **state)
{
	AUTO_BUF struct buf page = BUF_INIT(PAGE_BYTES_MAX);
	static struct report r;

	(void)state;
	gather(BEGIN_NS, BEGIN_NS + 1000, &r);
	report_page(&r, &page);
	assert_int_equal(buf_done(&page, NULL), 0);
	assert_null(strstr(buf_cstr(&page), "<script"));
	assert_non_null(strstr(buf_cstr(&page), "&lt;script&gt;"));
	assert_non_null(strstr(buf_cstr(&page), "a&amp;&quot;b&#39;"));
	/* nothing is fetched, nothing runs */
	assert_non_null(strstr(buf_cstr(&page), "default-src 'none'"));
	assert_null(strstr(buf_cstr(&page), "http://"));
	assert_null(strstr(buf_cstr(&page), "https://"));
}

static void
an_empty_log_is_a_page_too(void **state)
{
	AUTO_BUF struct buf page = BUF_INIT(PAGE_BYTES_MAX);
	static struct report r;

	(void)state;
	gather(0, 1, &r);
	report_page(&r, &page);
	assert_int_equal(buf_done(&page, NULL), 0);
	assert_non_null(strstr(buf_cstr(&page), "</html>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_are_counted_by_who_made_them),
		cmocka_unit_test(a_question_that_was_taken_back_is_one),
		cmocka_unit_test(only_the_stretch_that_was_asked_for_counts),
		cmocka_unit_test(no_text_of_a_row_is_html),
		cmocka_unit_test(an_empty_log_is_a_page_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
