/*
 * assent log backup and prune: keep a copy, keep less.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include <inttypes.h>

#include "backup.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "prune.h"
#include "sql.h"
#include "store.h"
#include "store_limits.h"

/* ---- backup ------------------------------------------------------------ */

enum backup_option {
	BACKUP_STATE,
	BACKUP_JSON,
	BACKUP_COUNT,
};

static const struct command_option backup_options[] = {
	[BACKUP_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[BACKUP_JSON] = { "--json", NULL, "for machines" },
};
_Static_assert(
    ARRAY_LEN(backup_options) == BACKUP_COUNT, "every option is described");

static void
say_rows(struct buf *out, bool json, const char *key, uint64_t rows,
    const char *words)
{
	struct jsonw w = jsonw_on(out);

	if (!json) {
		buf_printf(out, "ok: %" PRIu64 " %s\n", rows, words);
		return;
	}
	jsonw_object(&w);
	jsonw_key(&w, key);
	jsonw_uint(&w, rows);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

static int
run_backup(int argc, char **argv)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	const char *values[BACKUP_COUNT] = { NULL };
	struct err e = ERR_INIT;
	uint64_t rows = 0;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_backup, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (argc - at != 1)
		return command_usage_error(
		    &cmdlog_backup, "name one folder, which is not there yet");
	r = cmdlog_state_dir(values[BACKUP_STATE], &dir, &e);
	if (r == 0)
		r = backup_make(buf_cstr(&dir), argv[at], &rows, &e);
	if (r == 0) {
		say_rows(&out, values[BACKUP_JSON] != NULL, "rows", rows,
		    "rows copied and verified");
		r = cmdlog_flush(&out, &e);
	}
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_backup, &e);
}

const struct command cmdlog_backup = {
	.name = "log backup",
	.summary = "A verified copy, while the daemon runs",
	.usage = "log backup [OPTIONS] FOLDER",
	.details =
	    "Copies the log as it is at one moment, its checkpoints and the "
	    "first public key\ninto a new folder, and verifies the copy. The "
	    "signing key is never copied.\n'assent log ... --state FOLDER' "
	    "reads it.",
	.example = "assent log backup /media/usb/log-2026-11-25",
	.options = backup_options,
	.option_count = BACKUP_COUNT,
	.run = run_backup,
};

/* ---- prune ------------------------------------------------------------- */

enum prune_option {
	PRUNE_STATE,
	PRUNE_BEFORE,
	PRUNE_THROUGH,
	PRUNE_JSON,
	PRUNE_COUNT,
};

static const struct command_option prune_options[] = {
	[PRUNE_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[PRUNE_BEFORE] = { "--before", "TIME", "2026-01-01, or 90d ago" },
	[PRUNE_THROUGH] = { "--through", "ROW", "up to that row" },
	[PRUNE_JSON] = { "--json", NULL, "for machines" },
};
_Static_assert(
    ARRAY_LEN(prune_options) == PRUNE_COUNT, "every option is described");

/* The row before the first that is not older; clocks can jump, rows cannot. */
static int
row_before(const char *state, int64_t time_ns, uint64_t *ret, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO(reader_closep) struct reader *reader = NULL;
	AUTO(sql_finalizep) sqlite3_stmt *s = NULL;
	int r = cmdlog_open(state, &dir, &reader, e);

	if (r == 0)
		r = sql_prepare(reader_db(reader),
		    "SELECT coalesce((SELECT seq - 1 FROM log WHERE time >= ?1 "
		    "ORDER BY seq LIMIT 1), (SELECT max(seq) FROM log), 0)",
		    &s, e);
	if (r != 0)
		return r;
	(void)sqlite3_bind_int64(s, 1, time_ns);
	r = sql_step(s, e);
	if (r == SQL_ROW)
		*ret = (uint64_t)sqlite3_column_int64(s, 0);
	return r < 0 ? r : ERR_OK;
}

static int
through_of(const char **values, uint64_t *ret, struct err *e)
{
	struct cmdlog_filter_options o = { .until = values[PRUNE_BEFORE] };
	struct log_query q = { .limit = 0 };
	int r;

	if (values[PRUNE_THROUGH] != NULL)
		return cmdlog_parse_number(
		    "--through", values[PRUNE_THROUGH], ret, e);
	r = cmdlog_parse_filter(&o, &q, e);
	return r == 0 ? row_before(values[PRUNE_STATE], q.until_ns, ret, e) : r;
}

static int
prune(const char **values, uint64_t *ret_dropped, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf real = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	AUTO(store_closep) struct recorder *rec = NULL;
	uint64_t through = 0;
	int r = through_of(values, &through, e);

	if (r == 0)
		r = cmdlog_state_dir(values[PRUNE_STATE], &dir, e);
	if (r == 0)
		r = store_find(buf_cstr(&dir), &real, &path, e);
	if (r == 0)
		r = store_open(
		    &(struct store_options){ .state_dir = buf_cstr(&dir) },
		    &rec, e);
	*ret_dropped = 0;
	if (r != 0 || through == 0)
		return r;
	return store_prune(rec, through, ret_dropped, e);
}

static int
run_prune(int argc, char **argv)
{
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	const char *values[PRUNE_COUNT] = { NULL };
	struct err e = ERR_INIT;
	uint64_t dropped = 0;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_prune, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc ||
	    (values[PRUNE_BEFORE] == NULL) == (values[PRUNE_THROUGH] == NULL))
		return command_usage_error(
		    &cmdlog_prune, "say either --before TIME or --through ROW");
	r = prune(values, &dropped, &e);
	if (r == 0) {
		say_rows(&out, values[PRUNE_JSON] != NULL, "dropped", dropped,
		    "bodies dropped; their rows and hashes stay");
		r = cmdlog_flush(&out, &e);
	}
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_prune, &e);
}

const struct command cmdlog_prune = {
	.name = "log prune",
	.summary = "Drop the bodies of old rows that were exported",
	.usage = "log prune --before TIME|--through ROW [OPTIONS]",
	.details =
	    "Drops what old rows say beyond their columns. The rows, their "
	    "hashes and those of\ntheir bodies stay, so the log verifies as "
	    "before, and a row of its own tells what\nwas dropped. No body "
	    "goes that a destination of 'assent log export --cursor' does\n"
	    "not have. The daemon must not run.",
	.example = "assent log prune --before 90d",
	.options = prune_options,
	.option_count = PRUNE_COUNT,
	.run = run_prune,
};
