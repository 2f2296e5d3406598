/*
 * assent status: is the daemon there, ready, and what does it do.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "base/mem.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "show.h"
#include "show_reviewer.h"

extern const struct command command_status;

enum status_option {
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
};

static void
put(struct buf *out, const char *label, const char *text)
{
	if (text == NULL)
		return;
	buf_printf(out, "%-9s", label);
	text_escape(out, str_of(text));
	buf_putc(out, '\n');
}

static int
get(struct client *c, const char *path, struct client_reply *ret, struct err *e)
{
	return client_call(c,
	    &(struct client_request){ .method = "GET", .path = path }, ret, e);
}

/* "export   siem: 1204 rows behind, 3 failed attempts" */
static void
put_exports(struct buf *out, const json_t *list)
{
	const json_t *to;
	size_t i;

	json_array_foreach(list, i, to)
	{
		const json_int_t lag =
		    json_integer_value(json_object_get(to, "lag"));
		const json_int_t failures =
		    json_integer_value(json_object_get(to, "failures"));

		buf_printf(out, "%-9s", "export");
		text_escape(out, str_of(client_text(to, "name")));
		buf_printf(out, ": %lld rows behind", (long long)lag);
		if (failures > 0)
			buf_printf(
			    out, ", %lld failed attempts", (long long)failures);
		buf_putc(out, '\n');
	}
}

static void
put_text(struct buf *out, const json_t *version, const json_t *ready)
{
	const json_t *reason;
	size_t i;

	put(out, "version", client_text(version, "version"));
	put(out, "policy", client_text(version, "policy_sha256"));
	put(out, "ready",
	    json_is_true(json_object_get(ready, "ready")) ? "yes" : "no");
	json_array_foreach(json_object_get(ready, "reasons"), i, reason)
	    put(out, "", json_string_value(reason));
	json_array_foreach(json_object_get(ready, "warnings"), i, reason)
	    put(out, "warning", json_string_value(reason));
	buf_printf(out, "%-9s%lld\n", "pending",
	    (long long)json_integer_value(json_object_get(ready, "pending")));
	show_reviewer(json_object_get(ready, "reviewer"), out);
	put_exports(out, json_object_get(ready, "export"));
}

static int
show(const json_t *version, const json_t *ready, bool json)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	json_auto_t *both = NULL;

	if (!json) {
		put_text(&out, version, ready);
		return show_print(&out);
	}
	both = json_pack("{s:O, s:O}", "version", version, "readiness", ready);
	return both == NULL ? EXIT_INTERNAL : show_json(both);
}

static int
status(const char *const *values, int *ret_status, struct err *e)
{
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply version = CLIENT_REPLY_INIT;
	AUTO(client_reply_done) struct client_reply ready = CLIENT_REPLY_INIT;
	int r = client_open(values[OPT_RUNTIME], CLIENT_AGENT, &c, e);

	if (r == 0)
		r = get(c, "/v1/version", &version, e);
	if (r == 0)
		r = client_expect(&version, e);
	/* 503 is an answer here: it says why */
	if (r == 0)
		r = get(c, "/readyz", &ready, e);
	if (r != 0)
		return r;
	*ret_status = show(version.json, ready.json, values[OPT_JSON] != NULL);
	if (*ret_status == EXIT_OK && ready.status != 200)
		*ret_status = EXIT_UNAVAILABLE;
	return ERR_OK;
}

static int
run_status(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int result = EXIT_OK;
	const int at = command_parse(
	    &command_status, argc, argv, values, NULL, NULL, &result);

	if (at < 0)
		return result;
	if (at != argc)
		return command_usage_error(
		    &command_status, "no operand is expected");
	if (status(values, &result, &e) != 0)
		return show_error(&command_status, &e, client_exit_status(&e));
	return result;
}

const struct command command_status = {
	.name = "status",
	.summary = "Tell whether the daemon is there and ready",
	.usage = "status [OPTIONS]",
	.details = "Exit status 0 when it is ready, 69 when it is not there "
		   "or not ready. Settings or rules that\nwere refused are a "
		   "warning: those from before are in force.",
	.example = "assent status --json",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_status,
};
