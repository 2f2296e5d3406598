/*
 * assent requirements: what the administrator permits, with its places.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "model/requirements.h"

#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "show.h"

extern const struct command command_requirements;

enum requirements_option {
	OPT_RUNTIME,
	OPT_OFFLINE,
	OPT_FILE,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_OFFLINE] = { "--offline", NULL,
	    "read the file, and ask no daemon" },
	[OPT_FILE] = { "--requirements", "FILE",
	    "check this file instead; implies --offline" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
};

/* ---- as the daemon has them -------------------------------------------- */

static void
put_line(const json_t *line, struct buf *out)
{
	const json_t *value;
	const char *sep = "";
	size_t i;

	buf_printf(out, "%-24s %-8s ",
	    client_text(line, "key") == NULL ? "?" : client_text(line, "key"),
	    client_text(line, "kind") == NULL ? "?"
					      : client_text(line, "kind"));
	json_array_foreach(json_object_get(line, "values"), i, value)
	{
		buf_puts(out, sep);
		text_escape(out, str_of(json_string_value(value)));
		sep = ", ";
	}
	buf_puts(out, "  (");
	text_escape(out, str_of(client_text(line, "where")));
	buf_puts(out, ")\n");
}

static void
put_text(const json_t *all, struct buf *out)
{
	const json_t *line;
	size_t i;

	if (client_text(all, "file") == NULL) {
		buf_puts(out, "no requirements: every setting is free\n");
		return;
	}
	json_array_foreach(json_object_get(all, "requirements"), i, line)
	    put_line(line, out);
}

static int
ask(const char *const *values, int *ret_status, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	int r = client_open(values[OPT_RUNTIME], CLIENT_AGENT, &c, e);

	if (r == 0)
		r = client_call(c,
		    &(struct client_request){
			.method = "GET", .path = "/v1/requirements" },
		    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	if (r != 0)
		return r;
	if (values[OPT_JSON] != NULL) {
		*ret_status = show_json(reply.json);
		return ERR_OK;
	}
	put_text(reply.json, &out);
	*ret_status = show_print(&out);
	return ERR_OK;
}

/* ---- as the file has them ---------------------------------------------- */

static int
read_file(const char *const *values, int *ret_status, struct err *e)
{
	AUTO(diags_freep) struct diags *d = diags_new();
	AUTO(config_freep) struct config *c = NULL;
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	/* Only the requirements are of interest, not somebody's settings. */
	const struct config_sources from = {
		.requirements = values[OPT_FILE],
		.state_dir = "/",
		.runtime_dir = "/",
		.no_file = true,
	};
	int r = d == NULL ? err_nomem(e) : config_load(&from, d, &c, e);

	if (r != 0) {
		diags_print(d, &out);
		(void)fdio_write_all(STDERR_FILENO, out.s, out.len, NULL);
		return r;
	}
	if (values[OPT_JSON] != NULL) {
		requirements_to_json(&c->ceiling, &out);
		buf_putc(&out, '\n');
	} else {
		requirements_to_text(&c->ceiling, &out);
	}
	*ret_status = show_print(&out);
	return ERR_OK;
}

static int
run_requirements(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int result = EXIT_OK;
	const int at = command_parse(
	    &command_requirements, argc, argv, values, NULL, NULL, &result);
	bool offline;

	if (at < 0)
		return result;
	if (at != argc)
		return command_usage_error(
		    &command_requirements, "no operand is expected");
	offline = values[OPT_OFFLINE] != NULL || values[OPT_FILE] != NULL;
	if (offline && read_file(values, &result, &e) != 0)
		return show_error(&command_requirements, &e, EXIT_CONFIG);
	if (!offline && ask(values, &result, &e) != 0)
		return show_error(
		    &command_requirements, &e, client_exit_status(&e));
	return result;
}

const struct command command_requirements = {
	.name = "requirements",
	.summary = "Tell what the administrator permits, and where it says so",
	.usage = "requirements [OPTIONS]",
	.details =
	    "Asks the daemon for what it holds to; with --offline reads "
	    "\n/etc/assent/requirements.yaml itself. Exit status 78 when "
	    "that file is not good:\na daemon would not start with it.",
	.example = "assent requirements --offline --json",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_requirements,
};
