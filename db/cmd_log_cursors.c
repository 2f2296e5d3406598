/*
 * assent log cursors: who has how much of the log, and who is not waited for
 * any more.
 * Runs in: assent.  Trusts: nothing in the folder.  Owns: nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "cursor.h"
#include "model/config.h"
#include "sql.h"
#include "store_limits.h"

enum cursors_option {
	CURSORS_STATE,
	CURSORS_FORGET,
	CURSORS_JSON,
	CURSORS_COUNT,
};

static const struct command_option options[] = {
	[CURSORS_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[CURSORS_FORGET] = { "--forget", "NAME",
	    "that one is no destination any more: nothing waits for it" },
	[CURSORS_JSON] = { "--json", NULL, "for machines" },
};
_Static_assert(
    ARRAY_LEN(options) == CURSORS_COUNT, "every option is described");

struct listing {
	struct buf *out;
	struct jsonw *w; /* NULL: for people */
	uint64_t rows; /* of the log */
	size_t count;
};

static const char *
kind_of(const char *name)
{
	return config_is_destination(name) ? "daemon" : "export";
}

static int
list_one(void *ctx, const char *name, uint64_t seq, struct err *e)
{
	struct listing *l = ctx;
	const uint64_t behind = l->rows > seq ? l->rows - seq : 0;

	(void)e;
	l->count++;
	if (l->w == NULL) {
		buf_printf(l->out,
		    "%-20s has %" PRIu64 " rows, %" PRIu64 " behind", name, seq,
		    behind);
		buf_puts(l->out,
		    config_is_destination(name)
			? "  (of the daemon; counts while it is set)\n"
			: "  (assent log export --cursor)\n");
		return ERR_OK;
	}
	jsonw_object(l->w);
	jsonw_kstr(l->w, "name", name);
	jsonw_kstr(l->w, "of", kind_of(name));
	jsonw_key(l->w, "rows");
	jsonw_uint(l->w, seq);
	jsonw_key(l->w, "behind");
	jsonw_uint(l->w, behind);
	jsonw_end(l->w);
	return ERR_OK;
}

static int
count_rows(const char *state, struct buf *dir, uint64_t *ret, struct err *e)
{
	AUTO(reader_closep) struct reader *reader = NULL;
	int64_t rows = 0;
	int r = cmdlog_open(state, dir, &reader, e);

	if (r == 0)
		r = sql_int(reader_db(reader),
		    "SELECT coalesce(max(seq), 0) FROM log", &rows, e);
	if (r == 0)
		*ret = (uint64_t)rows;
	return r;
}

static int
list_all(const char *const *values, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	struct jsonw w = jsonw_on(out);
	const bool json = values[CURSORS_JSON] != NULL;
	struct listing l = { .out = out, .w = json ? &w : NULL };
	int r = count_rows(values[CURSORS_STATE], &dir, &l.rows, e);

	if (r != 0)
		return r;
	if (json) {
		jsonw_object(&w);
		jsonw_key(&w, "cursors");
		jsonw_array(&w);
	}
	r = cursor_each(buf_cstr(&dir), list_one, &l, e);
	if (json) {
		jsonw_end(&w);
		jsonw_end(&w);
		buf_putc(out, '\n');
	} else if (l.count == 0) {
		buf_puts(out, "nothing was exported yet\n");
	}
	return r;
}

static int
forget(const char *const *values, struct buf *out, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	const char *name = values[CURSORS_FORGET];
	struct jsonw w = jsonw_on(out);
	int r = cmdlog_state_dir(values[CURSORS_STATE], &dir, e);

	if (r == 0)
		r = cursor_forget(buf_cstr(&dir), name, e);
	if (r != 0)
		return r;
	if (values[CURSORS_JSON] == NULL) {
		buf_puts(out, "forgot ");
		text_escape(out, str_of(name));
		buf_puts(out, "; bodies of the log do not wait for it\n");
		return ERR_OK;
	}
	jsonw_object(&w);
	jsonw_kstr(&w, "forgot", name);
	jsonw_end(&w);
	buf_putc(out, '\n');
	return ERR_OK;
}

static int
run_cursors(int argc, char **argv)
{
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	const char *values[CURSORS_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_cursors, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(
		    &cmdlog_cursors, "'%s' is too much", argv[at]);
	r = values[CURSORS_FORGET] != NULL ? forget(values, &out, &e)
					   : list_all(values, &out, &e);
	if (r == 0)
		r = cmdlog_flush(&out, &e);
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_cursors, &e);
}

const struct command cmdlog_cursors = {
	.name = "log cursors",
	.summary = "Who has how much of the log; forget one that is no more",
	.usage = "log cursors [--forget NAME] [OPTIONS]",
	.details =
	    "Retention and 'assent log prune' drop no body that a destination "
	    "does not have. Those\nthat the daemon sends to count for it while "
	    "they are set; for 'log prune', and one\nof 'assent log export "
	    "--cursor', until they are forgotten here.",
	.example = "assent log cursors --forget old-siem",
	.options = options,
	.option_count = CURSORS_COUNT,
	.run = run_cursors,
};
