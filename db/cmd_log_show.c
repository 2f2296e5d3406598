/*
 * assent log show: the whole story of one action, as a person would tell it.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "cmd_log_int.h"
#include "store_limits.h"

enum option {
	OPT_STATE,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OPT_JSON] = { "--json", NULL, "the rows, one object a line" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

struct show {
	struct cmdlog_story story;
	struct buf out, id;
	bool json;
	uint64_t rows;
};

static int
show_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct show *s = ctx;

	if (s->json) {
		row_json(v, &s->out);
		buf_putc(&s->out, '\n');
	} else {
		cmdlog_story_row(&s->story, v);
	}
	s->rows++;
	return cmdlog_flush_some(&s->out, e);
}

/* The action of a row that is named by its number. */
static int
note_id(void *ctx, const struct row_view *v, struct err *e)
{
	struct show *s = ctx;

	if (v->row->action_id.s == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "row %" PRIu64 " belongs to no action: "
		    "'assent log list' shows it",
		    v->row->seq);
	buf_put_str(&s->id, v->row->action_id);
	return buf_done(&s->id, e);
}

static int
find_action(
    struct reader *r, const char *operand, struct show *s, struct err *e)
{
	uint64_t seq = 0;
	int done;

	if (num_parse_u64(str_of(operand), 1, INT64_MAX, &seq) != 0) {
		buf_puts(&s->id, operand);
		return buf_done(&s->id, e);
	}
	done = reader_each(r,
	    &(struct log_query){ .from_seq = seq, .to_seq = seq }, note_id, s,
	    e);
	if (done == 0 && s->id.len == 0)
		return err_set(
		    e, ERR_NOTFOUND, "there is no row %" PRIu64, seq);
	return done;
}

static int
show(struct reader *r, const char *operand, struct show *s, struct err *e)
{
	int done = find_action(r, operand, s, e);

	if (done == 0)
		done = reader_each(r,
		    &(struct log_query){ .action_id = buf_cstr(&s->id) },
		    show_row, s, e);
	if (done == 0 && s->rows == 0)
		return err_set(e, ERR_NOTFOUND,
		    "there is no action '%s' in this log", operand);
	return done == 0 ? cmdlog_flush(&s->out, e) : done;
}

static int
run(int argc, char **argv)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO(reader_closep) struct reader *reader = NULL;
	struct show s = {
		.out = BUF_INIT(LOG_OUT_BYTES_MAX),
		.id = BUF_INIT(PATH_BYTES_MAX),
	};
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_show, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (argc - at != 1)
		return command_usage_error(
		    &cmdlog_show, "name one action, or the number of a row");
	s.story.out = &s.out;
	s.json = values[OPT_JSON] != NULL;
	r = cmdlog_open(values[OPT_STATE], &dir, &reader, &e);
	if (r == 0)
		r = show(reader, argv[at], &s, &e);
	buf_free(&s.out);
	buf_free(&s.id);
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_show, &e);
}

const struct command cmdlog_show = {
	.name = "log show",
	.summary = "The whole story of one action",
	.usage = "log show [OPTIONS] ID|ROW",
	.details = "Every row is checked against its hash before it is shown. "
		   "Exit 1 when there is\nno such action, or a row of it was "
		   "changed.",
	.example = "assent log show act_01JQ3ZK5V7",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
