/*
 * assent log: find the subcommand, open the log, print.
 * Runs in: assent.  Trusts: nothing in the log or the arguments; all that is
 * shown is escaped (I8).  Owns: nothing.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "model/config.h"
#include "store.h"
#include "store_limits.h"

#define ARENA_BYTES_MAX ((size_t)65536)
#define MESSAGE_BYTES_MAX ((size_t)8192)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static const struct command *const subcommands[] = {
	&cmdlog_list,
	&cmdlog_show,
	&cmdlog_verify,
	&cmdlog_export,
	&cmdlog_prove,
	&cmdlog_backup,
	&cmdlog_prune,
	&cmdlog_cursors,
	&cmdlog_find_secret,
	&cmdlog_report,
	&cmdlog_replay,
};

int
cmdlog_error(const struct command *c, const struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(MESSAGE_BYTES_MAX);

	buf_printf(&out, "assent %s: ", c->name);
	text_escape(&out, str_of(e->msg));
	buf_putc(&out, '\n');
	(void)fflush(stdout);
	(void)fwrite(buf_cstr(&out), 1, out.len, stderr);
	switch (e->code) {
	case ERR_DENIED:
	case ERR_NOTFOUND:
	case ERR_CONFLICT:
		return EXIT_DENIED;
	case ERR_INVALID:
	case ERR_SYS:
		return EXIT_CONFIG;
	case ERR_OK:
	case ERR_LIMIT:
	case ERR_NOMEM:
	case ERR_INTERNAL:
		break;
	}
	return EXIT_INTERNAL;
}

int
cmdlog_flush(struct buf *out, struct err *e)
{
	int r = buf_done(out, e);

	if (r == 0)
		r = fdio_write_all(STDOUT_FILENO, buf_cstr(out), out->len, e);
	buf_reset(out);
	return r;
}

int
cmdlog_flush_some(struct buf *out, struct err *e)
{
	if (out->len < LOG_FLUSH_BYTES && out->failed == 0)
		return ERR_OK;
	return cmdlog_flush(out, e);
}

int
cmdlog_state_dir(const char *state, struct buf *ret, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES_MAX);
	const char *dir = NULL;
	int r;

	if (a == NULL)
		return err_nomem(e);
	r = config_state_dir(state, a, &dir, e);
	if (r != 0)
		return r;
	buf_puts(ret, dir);
	return buf_done(ret, e);
}

int
cmdlog_open(
    const char *state, struct buf *ret_dir, struct reader **ret, struct err *e)
{
	AUTO_BUF struct buf real = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	int r = cmdlog_state_dir(state, ret_dir, e);

	if (r == 0)
		r = store_find(buf_cstr(ret_dir), &real, &path, e);
	if (r != 0)
		return r;
	return reader_open(buf_cstr(&path), NULL, ret, e);
}

/* ---- values of options ------------------------------------------------- */

int
cmdlog_parse_number(
    const char *option, const char *text, uint64_t *ret, struct err *e)
{
	if (num_parse_u64(str_of(text), 1, INT64_MAX, ret) != 0)
		return err_set(e, ERR_INVALID,
		    "%s takes a number from 1 on, not '%s'", option, text);
	return ERR_OK;
}

/* Reads with one of the forms; NULL or where it ended. */
static const char *
read_date(const char *text, struct tm *tm)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%d %H:%M:%S",
		"%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M",
		"%Y-%m-%d",
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const char *end;

		memset(tm, 0, sizeof(*tm));
		end = strptime(text, forms[i], tm);
		if (end == NULL)
			continue;
		if (*end == '.') {
			end++;
			end += strspn(end, "0123456789");
		}
		if (*end == 'Z')
			end++;
		if (*end == '\0')
			return end;
	}
	return NULL;
}

int
cmdlog_parse_time(const char *text, int64_t now_ns, int64_t *ret, struct err *e)
{
	int64_t ms = 0;
	struct tm tm;

	if (num_parse_duration_ms(str_of(text), &ms) == 0 &&
	    ms <= now_ns / NS_PER_MS) {
		*ret = now_ns - ms * NS_PER_MS;
		return ERR_OK;
	}
	if (read_date(text, &tm) == NULL)
		return err_set(e, ERR_INVALID,
		    "'%s' is no time: write 2026-11-25T18:07:00Z (UTC), "
		    "2026-11-25, or how long ago, as in 2h or 10m",
		    text);
	*ret = (int64_t)timegm(&tm) * NS_PER_S;
	return ERR_OK;
}

static int
parse_optional_time(
    const char *text, int64_t now_ns, int64_t *ret, struct err *e)
{
	return text == NULL ? ERR_OK : cmdlog_parse_time(text, now_ns, ret, e);
}

struct cmdlog_filter_options
cmdlog_filter_of(const char *const *values)
{
	return (struct cmdlog_filter_options){
		.session = values[CMDLOG_SESSION],
		.action = values[CMDLOG_ACTION],
		.decision = values[CMDLOG_DECISION],
		.kind = values[CMDLOG_KIND],
		.tool = values[CMDLOG_TOOL],
		.rule = values[CMDLOG_RULE],
		.since = values[CMDLOG_SINCE],
		.until = values[CMDLOG_UNTIL],
	};
}

int
cmdlog_parse_filter(
    const struct cmdlog_filter_options *o, struct log_query *ret, struct err *e)
{
	struct timespec now = { 0 };
	int64_t now_ns;
	int r;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	now_ns = now.tv_sec * NS_PER_S + now.tv_nsec;
	ret->session = o->session;
	ret->action_id = o->action;
	ret->decision = o->decision;
	ret->kind = o->kind;
	ret->tool = o->tool;
	ret->rule = o->rule;
	r = parse_optional_time(o->since, now_ns, &ret->since_ns, e);
	if (r == 0)
		r = parse_optional_time(o->until, now_ns, &ret->until_ns, e);
	return r;
}

/* ---- dispatch ---------------------------------------------------------- */

extern const struct command command_log;

static int
run(int argc, char **argv)
{
	const char *names[ARRAY_LEN(subcommands)];
	const char *nearest;
	int status = EXIT_OK;

	if (argc < 2)
		return command_usage_error(&command_log,
		    "say what to do: list, show, replay, report, verify, "
		    "find-secret, export, prove, backup, prune or cursors");
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
		/* "log list": the word after the blank. */
		names[i] = subcommands[i]->name + strlen("log ");
		if (strcmp(argv[1], names[i]) == 0)
			return subcommands[i]->run(argc - 1, argv + 1);
	}
	if (argv[1][0] == '-' &&
	    command_parse(&command_log, 2, argv, NULL, NULL, NULL, &status) < 0)
		return status;
	nearest = text_nearest(str_of(argv[1]), names, ARRAY_LEN(names));
	return command_usage_error(&command_log,
	    "unknown subcommand '%s'%s%s%s", argv[1],
	    nearest == NULL ? "" : "; did you mean '",
	    nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

/* For completion: what any of them takes. */
static const struct command_option options[] = {
	{ "--state", "DIR", "the daemon's state folder" },
	{ "--json", NULL, "for machines" },
};

const struct command command_log = {
	.name = "log",
	.summary = "Read, verify and export the decision log",
	.usage = "log list|show|replay|report|verify|find-secret|export|prove|"
		 "backup|prune|cursors [OPTIONS]",
	.details = "list         rows, newest last, with filters\n"
		   "show         the whole story of one action\n"
		   "replay       a session as a timeline\n"
		   "report       figures and charts as one page of HTML\n"
		   "verify       whether it is what was recorded\n"
		   "find-secret  where a secret that you know was seen\n"
		   "export       rows as jsonl, csv, cef, ecs or ocsf\n"
		   "prove        that one row is in the log, without the log\n"
		   "backup       a verified copy\n"
		   "prune        drop the bodies of old rows that were "
		   "exported\n"
		   "cursors      who has how much of it\n\n"
		   "All but prune only read, need no daemon and may run beside "
		   "one.\n'assent log list --help' tells more about one.",
	.example = "assent log verify",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run,
};
