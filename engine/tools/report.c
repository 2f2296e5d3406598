/*
 * assent report answers: how well questions are asked and answered, for the
 * team. No person is named or counted by name.
 * Runs in: assent.  Trusts: nothing of the log's texts; they are escaped.
 * Owns: nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "model/json_in.h"
#include "show.h"

#define ROWS_AT_ONCE 1000
#define PATH_BYTES 128
#define QUICK_MS 1000 /* nobody reads a command in less */
#define GROUPS_MAX 20000
#define SUGGEST_MIN 3 /* times that the same was allowed */
#define SUGGESTIONS_SHOWN 10
#define SINCE_DEFAULT "30d"

extern const struct command command_report;

enum report_option {
	OPT_SINCE,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_SINCE] = { "--since", "TIME",
	    "how far back, as 30d or 12h (" SINCE_DEFAULT ")" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
};

/* Questions that begin alike: a rule, a program and its first word. */
struct group {
	char *name;
	size_t allowed, denied, same_text;
	bool risky;
};

struct report {
	int64_t from_ns;
	size_t rows; /* of the page */
	size_t answered, allowed, denied, quick, undone, expired, again;
	int64_t *waits;
	size_t wait_cap;
	json_t *texts; /* object: text -> how often it was allowed */
	json_t *places; /* object: name of a group -> its index */
	struct group *groups;
	size_t group_count, group_cap;
};

/* ---- reading ------------------------------------------------------------- */

static int64_t
time_of(const json_t *row)
{
	const char *text = client_text(row, "time_ns");
	uint64_t ns = 0;

	if (text == NULL || num_parse_u64(str_of(text), 0, INT64_MAX, &ns) != 0)
		return 0;
	return (int64_t)ns;
}

/* "default.connect: npm install": what a rule could speak about. */
static int
group_name(const json_t *row, const char *text, char **ret, struct err *e)
{
	AUTO_BUF struct buf name = BUF_INIT(SHOW_BYTES_MAX);
	struct str rest = str_of(text);
	const char *rule = client_text(row, "rule");

	buf_puts(&name, rule == NULL ? "no rule" : rule);
	buf_puts(&name, ": ");
	buf_put_str(&name, str_cut(&rest, ' '));
	if (rest.len > 0) {
		buf_putc(&name, ' ');
		buf_put_str(&name, str_cut(&rest, ' '));
	}
	return buf_take(&name, ret, e);
}

static int
find_group(struct report *r, const json_t *row, const char *text,
    struct group **ret, struct err *e)
{
	AUTO_FREE char *name = NULL;
	const json_t *at;
	int status = group_name(row, text, &name, e);

	if (status != 0)
		return status;
	at = json_object_get(r->places, name);
	if (at != NULL) {
		*ret = &r->groups[json_integer_value(at)];
		return ERR_OK;
	}
	if (r->group_count >= GROUPS_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d kinds of questions; take a shorter --since",
		    GROUPS_MAX);
	if (mem_grow(&r->groups, &r->group_cap, r->group_count + 1,
		sizeof(*r->groups)) != 0 ||
	    json_object_set_new(
		r->places, name, json_integer((json_int_t)r->group_count)) != 0)
		return err_nomem(e);
	r->groups[r->group_count] = (struct group){ .name = TAKE_PTR(name) };
	*ret = &r->groups[r->group_count++];
	return ERR_OK;
}

/* Was the very same allowed before? Then it was asked again. */
static int
count_text(struct report *r, struct group *g, const char *text, bool allow,
    struct err *e)
{
	const json_int_t before =
	    json_integer_value(json_object_get(r->texts, text));

	if (before > 0) {
		r->again++;
		g->same_text++;
	}
	if (allow &&
	    json_object_set_new(r->texts, text, json_integer(before + 1)) != 0)
		return err_nomem(e);
	return ERR_OK;
}

static int
count_wait(struct report *r, const json_t *body, struct err *e)
{
	const json_t *wait = json_object_get(body, "wait_ms");

	if (mem_grow(&r->waits, &r->wait_cap, r->answered + 1,
		sizeof(*r->waits)) != 0)
		return err_nomem(e);
	r->waits[r->answered] = json_integer_value(wait);
	if (json_is_integer(wait) && json_integer_value(wait) < QUICK_MS)
		r->quick++;
	r->answered++;
	return ERR_OK;
}

static bool
is_risky(const json_t *body)
{
	const char *risk = client_text(body, "risk");

	return risk == NULL ||
	    (strcmp(risk, "low") != 0 && strcmp(risk, "medium") != 0);
}

static int
count_answer(struct report *r, const json_t *row, struct err *e)
{
	const json_t *body = json_object_get(row, "body");
	const char *text = client_text(body, "text");
	const char *decision = client_text(row, "decision");
	const bool allow = decision != NULL && strcmp(decision, "allow") == 0;
	struct group *g = NULL;
	int status;

	*(allow ? &r->allowed : &r->denied) += 1;
	status = count_wait(r, body, e);
	if (status != 0 || text == NULL)
		return status;
	status = find_group(r, row, text, &g, e);
	if (status != 0)
		return status;
	*(allow ? &g->allowed : &g->denied) += 1;
	g->risky |= is_risky(body);
	return count_text(r, g, text, allow, e);
}

static int
count_row(struct report *r, const json_t *row, struct err *e)
{
	const char *kind = client_text(row, "kind");
	const char *by = client_text(row, "decided_by");

	if (kind == NULL || time_of(row) < r->from_ns)
		return ERR_OK;
	if (strcmp(kind, "undone") == 0)
		r->undone++;
	if (strcmp(kind, "decided") != 0 || by == NULL)
		return ERR_OK;
	if (strcmp(by, "timeout") == 0)
		r->expired++;
	return strcmp(by, "human") == 0 ? count_answer(r, row, e) : ERR_OK;
}

static int
on_line(void *ctx, struct str name, struct str line, struct err *e)
{
	struct report *r = ctx;
	json_auto_t *row = NULL;
	int status;

	(void)name;
	if (line.len == 0)
		return ERR_OK;
	r->rows++;
	status = json_in(line, &row, e);
	return status != 0 ? status : count_row(r, row, e);
}

static int
read_page(struct client *c, uint64_t from, struct report *r, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	char path[PATH_BYTES];
	int status;

	r->rows = 0;
	(void)snprintf(path, sizeof(path), "/v1/log?from_seq=%llu&limit=%d",
	    (unsigned long long)from, ROWS_AT_ONCE);
	status = client_call(c,
	    &(struct client_request){
		.method = "GET", .path = path, .on_event = on_line, .ctx = r },
	    &reply, e);
	return status != 0 ? status : client_expect(&reply, e);
}

/* ---- telling ------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
by_saved(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (y->allowed > x->allowed) - (y->allowed < x->allowed);
}

/* Always allowed, often, and of no high risk: a rule could say so. */
static bool
is_suggested(const struct group *g)
{
	return g->allowed >= SUGGEST_MIN && g->denied == 0 && !g->risky;
}

static int64_t
median_ms(struct report *r)
{
	if (r->answered == 0)
		return 0;
	qsort(r->waits, r->answered, sizeof(*r->waits), by_size);
	return r->waits[r->answered / 2];
}

static void
row(struct buf *out, const char *what, size_t count, size_t of)
{
	buf_printf(out, "  %6zu  %s", count, what);
	if (of > 0)
		buf_printf(out, "  (%zu %%)", (100 * count + of / 2) / of);
	buf_putc(out, '\n');
}

static void
put_suggestions(struct buf *out, const struct report *r)
{
	size_t shown = 0;

	for (size_t i = 0; i < r->group_count; i++) {
		const struct group *g = &r->groups[i];

		if (!is_suggested(g) || shown == SUGGESTIONS_SHOWN)
			continue;
		if (shown++ == 0)
			buf_puts(out,
			    "\nAlways allowed; a rule or a grant would have "
			    "saved these questions:\n");
		buf_printf(out, "  %6zu  ", g->allowed - 1);
		text_escape(out, str_of(g->name));
		buf_putc(out, '\n');
	}
	if (shown > 0)
		buf_puts(out,
		    "'assent rules suggest' writes such rules; 's' and 't' in "
		    "'assent tui' grant.\n");
}

static void
put_text(struct buf *out, struct report *r, const char *since)
{
	buf_printf(
	    out, "Answers of people in the last %s: %zu\n", since, r->answered);
	if (r->answered == 0 && r->expired == 0)
		return;
	row(out, "allowed", r->allowed, r->answered);
	row(out, "denied", r->denied, r->answered);
	row(out, "answered in under a second", r->quick, r->answered);
	row(out, "taken back", r->undone, r->answered);
	row(out, "asked again for the very same", r->again, r->answered);
	row(out, "nobody answered in time", r->expired, 0);
	buf_printf(out, "  median %lld.%lld s from question to answer\n",
	    (long long)(median_ms(r) / 1000),
	    (long long)(median_ms(r) / 100 % 10));
	put_suggestions(out, r);
}

static void
put_json(struct buf *out, struct report *r)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kint(&w, "answered", (int64_t)r->answered);
	jsonw_kint(&w, "allowed", (int64_t)r->allowed);
	jsonw_kint(&w, "denied", (int64_t)r->denied);
	jsonw_kint(&w, "under_a_second", (int64_t)r->quick);
	jsonw_kint(&w, "taken_back", (int64_t)r->undone);
	jsonw_kint(&w, "asked_again", (int64_t)r->again);
	jsonw_kint(&w, "timed_out", (int64_t)r->expired);
	jsonw_kint(&w, "median_ms", median_ms(r));
	jsonw_key(&w, "suggestions");
	jsonw_array(&w);
	for (size_t i = 0; i < r->group_count; i++) {
		const struct group *g = &r->groups[i];

		if (!is_suggested(g))
			continue;
		jsonw_object(&w);
		jsonw_kstr(&w, "what", g->name);
		jsonw_kint(&w, "allowed", (int64_t)g->allowed);
		jsonw_kint(&w, "saves", (int64_t)g->allowed - 1);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

/* ---- the command --------------------------------------------------------- */

static void
report_done(struct report *r)
{
	for (size_t i = 0; i < r->group_count; i++)
		mem_freep(&r->groups[i].name);
	mem_freep(&r->groups);
	mem_freep(&r->waits);
	json_decref(r->texts);
	json_decref(r->places);
}

static int
read_all(const char *runtime, struct report *r, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	uint64_t from = 1;
	int status = client_open(runtime, CLIENT_APPROVER, &c, e);

	if (status == 0 && (r->texts == NULL || r->places == NULL))
		status = err_nomem(e);
	while (status == 0) {
		status = read_page(c, from, r, e);
		if (status != 0 || r->rows == 0)
			break;
		from += r->rows;
	}
	if (r->group_count > 0)
		qsort(r->groups, r->group_count, sizeof(*r->groups), by_saved);
	return status;
}

static int
answers(const char *const *values, struct buf *out, struct err *e)
{
	AUTO(report_done)
	struct report r = {
		.texts = json_object(),
		.places = json_object(),
	};
	const char *since =
	    values[OPT_SINCE] == NULL ? SINCE_DEFAULT : values[OPT_SINCE];
	int64_t ms;
	int status;

	if (num_parse_duration_ms(str_of(since), &ms) != 0)
		return err_set(e, ERR_INVALID,
		    "--since '%.40s' is no time: write 30d or 12h", since);
	r.from_ns = loop_realtime_ns() - ms * 1000000;
	status = read_all(values[OPT_RUNTIME], &r, e);
	if (status != 0)
		return status;
	if (values[OPT_JSON] != NULL)
		put_json(out, &r);
	else
		put_text(out, &r, since);
	return buf_done(out, e);
}

static int
run_report(int argc, char **argv)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	int at = command_parse(
	    &command_report, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at >= argc || strcmp(argv[at], "answers") != 0)
		return command_usage_error(
		    &command_report, "there is one report: 'answers'");
	argc -= at;
	argv += at;
	at = command_parse(
	    &command_report, argc, argv, values, NULL, NULL, &status);
	if (at < 0)
		return status;
	if (at != argc)
		return command_usage_error(
		    &command_report, "nothing follows 'answers'");
	if (answers(values, &out, &e) != 0)
		return show_error(&command_report, &e, client_exit_status(&e));
	return show_print(&out);
}

const struct command command_report = {
	.name = "report",
	.summary = "How well questions are asked and answered",
	.usage = "report answers [--since TIME] [OPTIONS]",
	.details =
	    "Reads the log. Tells how many questions were answered in under a "
	    "second, denied,\ntaken back, or asked again, and which rules "
	    "would have saved some. Names no person.",
	.example = "assent report answers --since 7d",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_report,
};
