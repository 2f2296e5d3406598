/*
 * assent log replay: what happened in a session, as a timeline.
 * Runs in: assent.  Trusts: nothing in the log; what is shown is escaped.
 * Owns: nothing.
 */
#include <inttypes.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "store_limits.h"

#define NS_PER_MS INT64_C(1000000)
#define MS_PER_S 1000
#define S_PER_MIN 60
#define MIN_PER_H 60
#define PACE_MAX 1000
#define PAUSE_MAX_MS 3000 /* nobody watches a person think */

enum option {
	OPT_STATE,
	OPT_PACE,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OPT_PACE] = { "--pace", "N",
	    "N times as fast as it was, with pauses of at most 3 s" },
	[OPT_JSON] = { "--json", NULL, "the rows, one object a line" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

struct replay {
	bool json;
	uint64_t pace; /* 0: all at once */
	uint64_t rows;
	int64_t begin_ns, last_ns;
	struct buf out;
};

static void
put_offset(struct buf *out, int64_t ns)
{
	const int64_t ms = ns > 0 ? ns / NS_PER_MS : 0;
	const int64_t s = ms / MS_PER_S;

	buf_printf(out, "+%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64,
	    s / S_PER_MIN / MIN_PER_H, s / S_PER_MIN % MIN_PER_H, s % S_PER_MIN,
	    ms % MS_PER_S);
}

static int
wait_as_it_was(struct replay *p, int64_t now_ns, struct err *e)
{
	const int64_t gap = (now_ns - p->last_ns) / NS_PER_MS;
	const int64_t ms = p->pace == 0 ? 0 : gap / (int64_t)p->pace;
	const int64_t pause = ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
	const struct timespec t = {
		.tv_sec = pause / MS_PER_S,
		.tv_nsec = pause % MS_PER_S * NS_PER_MS,
	};
	int r;

	if (p->rows == 0 || pause <= 0)
		return ERR_OK;
	r = cmdlog_flush(&p->out, e);
	(void)nanosleep(&t, NULL);
	return r;
}

static int
on_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct replay *p = ctx;
	const int64_t now = v->row->time_real_ns;
	const int r = wait_as_it_was(p, now, e);

	if (r != 0)
		return r;
	if (p->rows++ == 0)
		p->begin_ns = now;
	p->last_ns = now;
	if (p->json) {
		row_json(v, &p->out);
	} else {
		put_offset(&p->out, now - p->begin_ns);
		buf_puts(&p->out, "  ");
		cmdlog_tell(v, &p->out);
	}
	buf_putc(&p->out, '\n');
	return cmdlog_flush_some(&p->out, e);
}

static int
replay(struct replay *p, const char *state, const char *session, struct err *e)
{
	AUTO(reader_closep) struct reader *reader = NULL;
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	const struct log_query q = { .session = session };
	int r = cmdlog_open(state, &dir, &reader, e);

	if (r == 0)
		r = reader_each(reader, &q, on_row, p, e);
	if (r == 0)
		r = cmdlog_flush(&p->out, e);
	if (r == 0 && p->rows == 0)
		r = err_set(e, ERR_NOTFOUND,
		    "there is no session '%s'; 'assent log list --json' names "
		    "them",
		    session);
	return r;
}

static int
run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct replay p = { .out = BUF_INIT(LOG_OUT_BYTES_MAX) };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r = 0;
	const int at = command_parse(
	    &cmdlog_replay, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at + 1 != argc)
		return command_usage_error(&cmdlog_replay, "name one session");
	p.json = values[OPT_JSON] != NULL;
	if (values[OPT_PACE] != NULL)
		r = cmdlog_parse_number(
		    "--pace", values[OPT_PACE], &p.pace, &e);
	if (r == 0 && p.pace > PACE_MAX)
		r = err_set(&e, ERR_INVALID, "--pace is at most %d", PACE_MAX);
	if (r == 0)
		r = replay(&p, values[OPT_STATE], argv[at], &e);
	buf_free(&p.out);
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_replay, &e);
}

const struct command cmdlog_replay = {
	.name = "log replay",
	.summary = "A session as a timeline",
	.usage = "log replay [OPTIONS] SESSION",
	.details =
	    "What was proposed, decided, run and reported in a session, "
	    "with the time since\nits beginning. With --pace it comes as "
	    "it came then, only faster.",
	.example = "assent log replay --pace 10 s-1",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
