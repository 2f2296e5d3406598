/*
 * assent changes: what a run on a copy of the workspace changed; apply it.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include <string.h>

#include "act.h"
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/limits.h"
#include "show.h"

#define BODY_BYTES_MAX ((size_t)2 << 20)
#define PATH_BYTES 256

extern const struct command command_changes;

enum changes_option {
	OPT_APPLY,
	OPT_ALL,
	OPT_NONE,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_APPLY] = { "--apply", "PATH",
	    "apply what is at or below this path; drop the rest" },
	[OPT_ALL] = { "--all", NULL, "apply everything" },
	[OPT_NONE] = { "--none", NULL, "drop everything" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
};

static void
put_change(struct buf *out, const json_t *change)
{
	const char *kind = client_text(change, "change");
	const char *problem = client_text(change, "problem");
	const char *link = client_text(change, "link");

	buf_printf(out, "%c  ",
	    kind == NULL                       ? '?'
		: strcmp(kind, "added") == 0   ? 'A'
		: strcmp(kind, "deleted") == 0 ? 'D'
					       : 'M');
	text_escape(out, str_of(client_text(change, "path")));
	if (link != NULL) {
		buf_puts(out, " -> ");
		text_escape(out, str_of(link));
	}
	if (problem != NULL) {
		buf_puts(out, "  [not applied: ");
		text_escape(out, str_of(problem));
		buf_putc(out, ']');
	}
	buf_putc(out, '\n');
}

static void
put_diff(struct buf *out, const json_t *change)
{
	struct str rest = str_of(client_text(change, "diff"));

	if (rest.len == 0)
		return;
	buf_puts(out, "--- ");
	text_escape(out, str_of(client_text(change, "path")));
	buf_putc(out, '\n');
	while (rest.len > 0) {
		text_escape(out, str_cut(&rest, '\n'));
		buf_putc(out, '\n');
	}
}

static int
show(const json_t *answer, bool applied)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const json_t *changes = json_object_get(answer, "changes");
	const json_t *change;
	size_t i;

	if (applied) {
		buf_printf(&out, "applied: %lld of %zu\n",
		    (long long)json_integer_value(
			json_object_get(answer, "applied")),
		    json_array_size(changes));
		return show_print(&out);
	}
	json_array_foreach(changes, i, change) put_change(&out, change);
	json_array_foreach(changes, i, change) put_diff(&out, change);
	if (json_array_size(changes) == 0)
		buf_puts(&out, "nothing was changed\n");
	return show_print(&out);
}

static int
send(const char *const *values, const char *id, struct client_reply *ret,
    struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO_BUF struct buf body = BUF_INIT(BODY_BYTES_MAX);
	struct jsonw w = jsonw_on(&body);
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES);
	int r = client_open(values[OPT_RUNTIME], CLIENT_APPROVER, &c, e);

	jsonw_object(&w);
	jsonw_kstr(&w, "apply",
	    values[OPT_APPLY] != NULL      ? "some"
		: values[OPT_ALL] != NULL  ? "all"
		: values[OPT_NONE] != NULL ? "none"
					   : "list");
	if (values[OPT_APPLY] != NULL)
		jsonw_kstr(&w, "paths", values[OPT_APPLY]);
	jsonw_end(&w);
	if (r == 0)
		r = buf_done(&body, e);
	if (r == 0)
		r = act_path(id, "/changes", &path, e);
	if (r == 0)
		r = client_call(c,
		    &(struct client_request){ .method = "POST",
			.path = buf_cstr(&path),
			.body = buf_str(&body) },
		    ret, e);
	return r == 0 ? client_expect(ret, e) : r;
}

static int
run_changes(int argc, char **argv)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const char *values[OPT_COUNT] = { NULL };
	const char *id = NULL;
	struct err e = ERR_INIT;
	const int status = act_parse(&command_changes, argc, argv, values, &id);

	if (status != EXIT_OK || id == NULL)
		return status;
	if ((values[OPT_APPLY] != NULL) + (values[OPT_ALL] != NULL) +
		(values[OPT_NONE] != NULL) >
	    1)
		return command_usage_error(
		    &command_changes, "give one of --apply, --all and --none");
	if (send(values, id, &reply, &e) != 0)
		return show_error(&command_changes, &e, client_exit_status(&e));
	if (values[OPT_JSON] != NULL)
		return show_json(reply.json);
	return show(reply.json,
	    values[OPT_APPLY] != NULL || values[OPT_ALL] != NULL ||
		values[OPT_NONE] != NULL);
}

const struct command command_changes = {
	.name = "changes",
	.summary = "What a run on a copy changed; apply all, some or none",
	.usage = "changes ID [--apply PATH | --all | --none] [OPTIONS]",
	.details = "Without an option the changes are shown and kept. Nothing "
		   "is applied over what\nchanged in the workspace since the "
		   "run began, and protected names never are.",
	.example = "assent changes act_01JD0X9T5W3V --all",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_changes,
};
