/*
 * assent log report: a page of figures and charts about the log.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include "base/loop.h"
#include "base/mem.h"
#include "cmd_log_int.h"
#include "report.h"
#include "store_limits.h"

#define SINCE_DEFAULT "7d"

enum option {
	OPT_STATE,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OPT_SINCE] = { "--since", "TIME",
	    "2026-11-25T18:00:00Z, or 2h ago (7d)" },
	[OPT_UNTIL] = { "--until", "TIME", "before that time (now)" },
	[OPT_JSON] = { "--json", NULL, "the figures, for machines" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

static int
range_of(const char *const *values, struct report_range *ret, struct err *e)
{
	const int64_t now = loop_realtime_ns();
	const char *since =
	    values[OPT_SINCE] == NULL ? SINCE_DEFAULT : values[OPT_SINCE];
	int r = cmdlog_parse_time(since, now, &ret->since_ns, e);

	ret->until_ns = now + 1;
	if (r == 0 && values[OPT_UNTIL] != NULL)
		r = cmdlog_parse_time(
		    values[OPT_UNTIL], now, &ret->until_ns, e);
	if (r == 0 && ret->since_ns >= ret->until_ns)
		r = err_set(e, ERR_INVALID, "--since is not before --until");
	return r;
}

static int
report(const char *const *values, struct err *e)
{
	AUTO(reader_closep) struct reader *reader = NULL;
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	AUTO_FREE struct report *figures = mem_new(1, sizeof(*figures));
	struct report_range range;
	int r;

	if (figures == NULL)
		return err_nomem(e);
	r = range_of(values, &range, e);
	if (r == 0)
		r = cmdlog_open(values[OPT_STATE], &dir, &reader, e);
	if (r == 0)
		r = reader_hold(reader, e);
	if (r == 0)
		r = report_gather(reader_db(reader), &range, figures, e);
	if (r != 0)
		return r;
	if (values[OPT_JSON] != NULL)
		report_json(figures, &out);
	else
		report_page(figures, &out);
	return cmdlog_flush(&out, e);
}

static int
run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &cmdlog_report, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(
		    &cmdlog_report, "unexpected '%s'", argv[at]);
	return report(values, &e) == 0 ? EXIT_OK
				       : cmdlog_error(&cmdlog_report, &e);
}

const struct command cmdlog_report = {
	.name = "log report",
	.summary = "Figures and charts as one page of HTML",
	.usage = "log report [OPTIONS] > FILE",
	.details =
	    "Decisions over time, questions and how they were answered, rules "
	    "that decided,\nthe last denials. The page fetches nothing and "
	    "runs "
	    "no script. Figures come from\nthe columns of rows; 'assent log "
	    "verify' says whether they are what was recorded.",
	.example = "assent log report --since 30d > report.html",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
