/*
 * assent log export: all rows, in the form of one's choice.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd_log_int.h"
#include "cursor.h"
#include "export.h"
#include "store_limits.h"

enum option {
	OPT_STATE,
	OPT_FORMAT,
	OPT_FROM,
	OPT_TO,
	OPT_FILTER,
	OPT_CURSOR = OPT_FILTER + CMDLOG_FILTER_COUNT,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OPT_FORMAT] = { "--format", "jsonl|csv|cef|ecs|ocsf",
	    "jsonl unless given" },
	[OPT_FROM] = { "--from", "ROW", "from that row on" },
	[OPT_TO] = { "--to", "ROW", "up to that row" },
	CMDLOG_FILTER_OPTIONS(OPT_FILTER),
	[OPT_CURSOR] = { "--cursor", "NAME",
	    "what that destination does not have yet" },
	[OPT_JSON] = { "--json", NULL, "the same as --format jsonl" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

struct export
{
	const struct export_format *format;
	struct log_query query;
	const char *cursor; /* or NULL */
	uint64_t last_seq;
	struct buf out;
};

static int
export_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct export *x = ctx;

	x->format->row(v, &x->out);
	x->last_seq = v->row->seq;
	return cmdlog_flush_some(&x->out, e);
}

static int
set_up(struct export *x, const char **values, struct err *e)
{
	const struct cmdlog_filter_options o =
	    cmdlog_filter_of(values + OPT_FILTER);
	int r = cmdlog_parse_filter(&o, &x->query, e);

	if (r == 0 && values[OPT_FROM] != NULL)
		r = cmdlog_parse_number(
		    "--from", values[OPT_FROM], &x->query.from_seq, e);
	if (r == 0 && values[OPT_TO] != NULL)
		r = cmdlog_parse_number(
		    "--to", values[OPT_TO], &x->query.to_seq, e);
	x->format = export_format_of(
	    values[OPT_FORMAT] == NULL ? "jsonl" : values[OPT_FORMAT]);
	if (r == 0 && x->format == NULL)
		r = err_set(e, ERR_INVALID, "no such format");
	return r;
}

/* A destination has all rows up to its cursor: it takes no filters. */
static int
set_up_cursor(struct export *x, const char **values, struct err *e)
{
	x->cursor = values[OPT_CURSOR];
	for (size_t i = OPT_FROM; x->cursor != NULL && i < OPT_CURSOR; i++) {
		if (values[i] != NULL)
			return err_set(e, ERR_INVALID,
			    "--cursor exports all rows: leave %s away",
			    options[i].name);
	}
	return ERR_OK;
}

/* After the rows are out: a crash between gives them twice, never not. */
static int
move_cursor(const struct export *x, const char *dir, struct err *e)
{
	if (x->cursor == NULL || x->last_seq == 0)
		return ERR_OK;
	/* A pipe cannot be synced; whoever reads it answers for it. */
	if (fdatasync(STDOUT_FILENO) != 0 && errno != EINVAL &&
	    errno != EROFS && errno != ENOSYS)
		return err_sys(e, "cannot sync what was exported");
	return cursor_write(dir, x->cursor, x->last_seq, e);
}

static int
export_all(
    struct reader *reader, struct export *x, const char *dir, struct err *e)
{
	int r = 0;

	if (x->cursor != NULL) {
		r = cursor_read(dir, x->cursor, &x->query.from_seq, e);
		x->query.from_seq++;
	}
	/* One moment of the log, however long it takes. */
	if (r == 0)
		r = reader_hold(reader, e);
	if (r == 0 && x->format->head != NULL)
		x->format->head(&x->out);
	if (r == 0)
		r = reader_each(reader, &x->query, export_row, x, e);
	reader_release(reader);
	if (r == 0)
		r = cmdlog_flush(&x->out, e);
	return r == 0 ? move_cursor(x, dir, e) : r;
}

static int
run(int argc, char **argv)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO(reader_closep) struct reader *reader = NULL;
	struct export x = { .out = BUF_INIT(LOG_OUT_BYTES_MAX) };
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_export, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(
		    &cmdlog_export, "unexpected '%s'", argv[at]);
	if (set_up(&x, values, &e) != 0 || set_up_cursor(&x, values, &e) != 0)
		return command_usage_error(&cmdlog_export, "%s", e.msg);
	r = cmdlog_open(values[OPT_STATE], &dir, &reader, &e);
	if (r == 0)
		r = export_all(reader, &x, buf_cstr(&dir), &e);
	buf_free(&x.out);
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_export, &e);
}

const struct command cmdlog_export = {
	.name = "log export",
	.summary = "All rows, as JSON lines, CSV, CEF, ECS or OCSF",
	.usage = "log export [OPTIONS]",
	.details = "Each row is checked against its hash on its way out. Text "
		   "from outside cannot\nend a line or a field, nor begin a "
		   "formula. With --cursor NAME only what\nNAME does not have "
		   "yet; once it is out this is written down. A crash between "
		   "the two\ngives rows twice, never not: seq tells.",
	.example = "assent log export --format csv --since 2026-11-01",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
