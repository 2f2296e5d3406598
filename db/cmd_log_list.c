/*
 * assent log list: rows in a table, or as JSON; optionally as they come.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "store_limits.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000000
#define FOLLOW_NS (250 * 1000000L)
#define WIDTH_DEFAULT 0 /* not a terminal: lines as long as they are */
#define WIDTH_MIN 40
#define LINE_BYTES_MAX ((size_t)65536)

enum option {
	OPT_STATE,
	OPT_FILTER,
	OPT_LIMIT = OPT_FILTER + CMDLOG_FILTER_COUNT,
	OPT_FOLLOW,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	CMDLOG_FILTER_OPTIONS(OPT_FILTER),
	[OPT_LIMIT] = { "--limit", "N", "the newest N (50)" },
	[OPT_FOLLOW] = { "--follow", NULL, "go on with new rows as they come" },
	[OPT_JSON] = { "--json", NULL, "one object a line" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

struct list {
	struct reader *reader;
	struct log_query query;
	uint64_t *seqs; /* of the page, newest first */
	size_t count, cap;
	uint64_t last_seq;
	bool json;
	size_t width; /* 0: any */
	struct buf out, line;
};

/* Cuts s to the width; a character of several bytes stays whole. */
static struct str
fit(struct str s, size_t width)
{
	size_t at = 0, shown = 0;

	if (width == 0)
		return s;
	while (at < s.len && shown < width) {
		(void)text_decode(s, &at);
		shown++;
	}
	return str_head(s, at);
}

static int
print_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct list *l = ctx;

	buf_reset(&l->line);
	if (l->json) {
		row_json(v, &l->out);
	} else {
		buf_printf(
		    &l->line, "%6llu  ", (unsigned long long)v->row->seq);
		text_time(&l->line, v->row->time_real_ns);
		buf_puts(&l->line, "  ");
		cmdlog_tell(v, &l->line);
		buf_put_str(&l->out, fit(buf_str(&l->line), l->width));
	}
	buf_putc(&l->out, '\n');
	l->last_seq = v->row->seq;
	return cmdlog_flush_some(&l->out, e);
}

static int
note_seq(void *ctx, const struct row_view *v, struct err *e)
{
	struct list *l = ctx;

	if (mem_grow(&l->seqs, &l->cap, l->count + 1, sizeof(*l->seqs)) != 0)
		return err_nomem(e);
	l->seqs[l->count++] = v->row->seq;
	return ERR_OK;
}

/* The newest page is found backwards and shown forwards. */
static int
print_page(struct list *l, struct err *e)
{
	struct log_query q = l->query;
	int r;

	q.newest_first = true;
	r = reader_each(l->reader, &q, note_seq, l, e);
	if (r != 0 || l->count == 0)
		return r;
	q = l->query;
	q.from_seq = l->seqs[l->count - 1];
	q.to_seq = l->seqs[0];
	r = reader_each(l->reader, &q, print_row, l, e);
	return r == 0 ? cmdlog_flush(&l->out, e) : r;
}

static int
follow(struct list *l, struct err *e)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_NS };
	struct log_query q = l->query;
	int r = 0;

	q.limit = 0;
	if (l->last_seq == 0)
		r = reader_last(l->reader, &l->last_seq, e);
	while (r == 0) {
		q.from_seq = l->last_seq + 1;
		r = reader_each(l->reader, &q, print_row, l, e);
		if (r == 0)
			r = cmdlog_flush(&l->out, e);
		(void)nanosleep(&pause, NULL);
	}
	return r;
}

static size_t
terminal_width(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MIN ? WIDTH_DEFAULT : size.ws_col;
}

static int
set_up(struct list *l, const char **values, struct err *e)
{
	const struct cmdlog_filter_options o =
	    cmdlog_filter_of(values + OPT_FILTER);
	int r = cmdlog_parse_filter(&o, &l->query, e);

	l->query.limit = LIMIT_DEFAULT;
	if (r == 0 && values[OPT_LIMIT] != NULL)
		r = cmdlog_parse_number(
		    "--limit", values[OPT_LIMIT], &l->query.limit, e);
	if (r == 0 && l->query.limit > LIMIT_MAX)
		r = err_set(e, ERR_INVALID,
		    "--limit takes at most %d: 'assent log export' has no "
		    "limit",
		    LIMIT_MAX);
	l->json = values[OPT_JSON] != NULL;
	l->width = l->json ? WIDTH_DEFAULT : terminal_width();
	return r;
}

static int
run(int argc, char **argv)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	struct list l = {
		.out = BUF_INIT(LOG_OUT_BYTES_MAX),
		.line = BUF_INIT(LINE_BYTES_MAX),
	};
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_list, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(
		    &cmdlog_list, "unexpected '%s'", argv[at]);
	if (set_up(&l, values, &e) != 0)
		return command_usage_error(&cmdlog_list, "%s", e.msg);
	r = cmdlog_open(values[OPT_STATE], &dir, &l.reader, &e);
	if (r == 0)
		r = print_page(&l, &e);
	if (r == 0 && values[OPT_FOLLOW] != NULL)
		r = follow(&l, &e);
	reader_close(l.reader);
	buf_free(&l.out);
	buf_free(&l.line);
	mem_freep(&l.seqs);
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_list, &e);
}

const struct command cmdlog_list = {
	.name = "log list",
	.summary = "Rows of the log, newest last",
	.usage = "log list [OPTIONS]",
	.details = "Each row is checked against its hash before it is shown; "
		   "a row that was\nchanged is an error (exit 1). For all rows "
		   "see 'assent log export'.",
	.example = "assent log list --decision deny --since 2h",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
