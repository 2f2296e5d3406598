/*
 * assent rules shadow, rollback, off: an administrator's word about rules that
 * are in force, beside the files of rules.
 * Runs in: assent.  Trusts: nothing of the daemon's texts.  Owns: nothing.
 */
#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "client.h"
#include "model/command.h"
#include "model/config.h"
#include "model/rule_state.h"
#include "show.h"

#define ARENA_BYTES_MAX ((size_t)65536)

extern const struct command command_rules_shadow, command_rules_rollback,
    command_rules_off;

/* ---- shadow ---------------------------------------------------------------- */

enum shadow_option {
	SHADOW_RUNTIME,
	SHADOW_STATE,
	SHADOW_TRY,
	SHADOW_STOP,
	SHADOW_JSON,
	SHADOW_COUNT,
};

static const struct command_option shadow_options[] = {
	[SHADOW_RUNTIME] = { "--runtime", "DIR",
	    "the daemon's runtime folder" },
	[SHADOW_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[SHADOW_TRY] = { "--try", "DIR",
	    "judge by the rules of DIR, too, from now on; they decide "
	    "nothing" },
	[SHADOW_STOP] = { "--stop", NULL, "no longer" },
	[SHADOW_JSON] = { "--json", NULL, "print JSON" },
};

static int
find_state(const char *given, struct arena *a, const char **ret, struct err *e)
{
	return a == NULL ? err_nomem(e) : config_state_dir(given, a, ret, e);
}

static void
put_matrix(const json_t *matrix, struct buf *out)
{
	static const char *const names[] = { "allow", "review", "ask", "deny" };

	buf_printf(out, "%10s", "");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		buf_printf(out, "%10s", names[i]);
	buf_putc(out, '\n');
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *row = json_object_get(matrix, names[i]);

		buf_printf(out, "%10s", names[i]);
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			buf_printf(out, "%10lld",
			    (long long)json_integer_value(
				json_object_get(row, names[k])));
		buf_putc(out, '\n');
	}
}

static void
put_examples(const json_t *list, struct buf *out)
{
	const json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
	{
		const char *rule = client_text(x, "rule");

		buf_puts(out, "  ");
		text_escape(out, str_of(client_text(x, "is")));
		buf_puts(out, " -> ");
		text_escape(out, str_of(client_text(x, "would_be")));
		buf_puts(out, ": ");
		text_escape(out, str_of(client_text(x, "call")));
		buf_puts(out, "  (");
		text_escape(out, str_of(rule == NULL ? "default" : rule));
		buf_puts(out, ")\n");
	}
}

static void
put_shadow(const char *title, const json_t *s, struct buf *out)
{
	if (!json_is_object(s)) {
		buf_printf(out, "%s: none\n", title);
		return;
	}
	buf_printf(out,
	    "%s: %lld calls judged, %lld would be looser, %lld stricter\n",
	    title, (long long)json_integer_value(json_object_get(s, "calls")),
	    (long long)json_integer_value(json_object_get(s, "loosened")),
	    (long long)json_integer_value(json_object_get(s, "tightened")));
	if (client_text(s, "problem") != NULL) {
		buf_puts(out, "  it does not load: ");
		text_escape(out, str_of(client_text(s, "problem")));
		buf_putc(out, '\n');
		return;
	}
	put_examples(json_object_get(s, "examples"), out);
	put_matrix(json_object_get(s, "matrix"), out);
}

static int
show_shadow(const char *runtime, bool json, int *ret_status, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	AUTO(client_freep) struct client *c = NULL;
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	const json_t *s;
	int r = client_open(runtime, CLIENT_APPROVER, &c, e);

	if (r == 0)
		r = client_call(c,
		    &(struct client_request){
			.method = "GET", .path = "/v1/rules" },
		    &reply, e);
	if (r == 0)
		r = client_expect(&reply, e);
	if (r != 0)
		return r;
	s = json_object_get(reply.json, "shadow");
	if (json) {
		*ret_status = show_json(s);
		return ERR_OK;
	}
	put_shadow("rules in shadow mode", json_object_get(s, "rules"), &out);
	put_shadow("candidate", json_object_get(s, "candidate"), &out);
	*ret_status = show_print(&out);
	return ERR_OK;
}

static int
run_shadow(int argc, char **argv)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES_MAX);
	const char *values[SHADOW_COUNT] = { NULL };
	const char *state = NULL;
	struct err e = ERR_INIT;
	int status = EXIT_OK, r = ERR_OK;
	const int at = command_parse(
	    &command_rules_shadow, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at != argc ||
	    (values[SHADOW_TRY] != NULL && values[SHADOW_STOP] != NULL))
		return command_usage_error(&command_rules_shadow,
		    "give --try DIR, --stop, or neither");
	if (values[SHADOW_TRY] != NULL || values[SHADOW_STOP] != NULL) {
		r = find_state(values[SHADOW_STATE], a, &state, &e);
		if (r == 0)
			r = rule_state_try(state, values[SHADOW_TRY], &e);
	} else {
		r = show_shadow(values[SHADOW_RUNTIME],
		    values[SHADOW_JSON] != NULL, &status, &e);
	}
	return r == 0
	    ? status
	    : show_error(&command_rules_shadow, &e, client_exit_status(&e));
}

const struct command command_rules_shadow = {
	.name = "rules shadow",
	.summary = "Tell what rules that are only tried would decide",
	.usage = "rules shadow [--try DIR | --stop] [OPTIONS]",
	.details =
	    "Rules with 'mode: shadow', and the candidate of --try, judge "
	    "every call beside the\nrules in force, from the start of the "
	    "daemon or their last change on. They decide\nnothing. The "
	    "candidate stands in for the organisation's folders; its files "
	    "are\ncopied into the state folder.",
	.example = "assent rules shadow --try ./rules.d",
	.options = shadow_options,
	.option_count = SHADOW_COUNT,
	.run = run_shadow,
};

/* Lines as they are, or their first words as a list in JSON. */
static int
show_lines(const struct buf *lines, bool json)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	struct jsonw w = jsonw_on(&out);
	struct str rest = buf_str(lines);

	if (!json)
		return lines->len == 0 ? EXIT_OK : show_print(lines);
	jsonw_array(&w);
	while (rest.len > 0) {
		struct str line = str_cut(&rest, '\n');

		jsonw_str(&w, str_cut(&line, ' '));
	}
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return show_print(&out);
}

/* ---- rollback -------------------------------------------------------------- */

enum rollback_option {
	ROLLBACK_STATE,
	ROLLBACK_LIST,
	ROLLBACK_END,
	ROLLBACK_JSON,
	ROLLBACK_COUNT,
};

static const struct command_option rollback_options[] = {
	[ROLLBACK_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[ROLLBACK_LIST] = { "--list", NULL,
	    "the sets that were in force, newest first" },
	[ROLLBACK_END] = { "--end", NULL, "by the files again" },
	[ROLLBACK_JSON] = { "--json", NULL, "print JSON" },
};

static int
roll_back(const char *const *values, const char *digest, int *ret_status,
    struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const bool json = values[ROLLBACK_JSON] != NULL;
	const char *state = NULL;
	int r = find_state(values[ROLLBACK_STATE], a, &state, e);

	if (r != 0)
		return r;
	if (values[ROLLBACK_LIST] != NULL)
		r = rule_state_list(state, &out, e);
	else
		r = rule_state_pin(state, digest, &out, e);
	if (r != 0)
		return r;
	if (digest != NULL)
		buf_puts(&out, " is in force until --end\n");
	*ret_status = show_lines(&out, json);
	return ERR_OK;
}

static int
run_rollback(int argc, char **argv)
{
	const char *values[ROLLBACK_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_rules_rollback, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	const int given = (argc - at == 1) + (values[ROLLBACK_LIST] != NULL) +
	    (values[ROLLBACK_END] != NULL);

	if (given != 1 || argc - at > 1)
		return command_usage_error(
		    &command_rules_rollback, "give a digest, --list or --end");
	return roll_back(values, argc > at ? argv[at] : NULL, &status, &e) == 0
	    ? status
	    : show_error(&command_rules_rollback, &e, client_exit_status(&e));
}

const struct command command_rules_rollback = {
	.name = "rules rollback",
	.summary = "Put a set of rules into force again that was before",
	.usage = "rules rollback DIGEST | --list | --end",
	.details =
	    "DIGEST is the policy_sha256 of a row of the log, or its "
	    "beginning. The daemon\nkeeps the last 32 sets. The shipped rules "
	    "are those of the program. A running\ndaemon notices it at once, "
	    "one that starts obeys it, too.",
	.example = "assent rules rollback 4c9c597d",
	.options = rollback_options,
	.option_count = ROLLBACK_COUNT,
	.run = run_rollback,
};

/* ---- off ------------------------------------------------------------------- */

enum off_option {
	OFF_STATE,
	OFF_ON,
	OFF_LIST,
	OFF_JSON,
	OFF_COUNT,
};

static const struct command_option off_options[] = {
	[OFF_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OFF_ON] = { "--on", NULL, "it counts again" },
	[OFF_LIST] = { "--list", NULL, "those that are off" },
	[OFF_JSON] = { "--json", NULL, "print JSON" },
};

static int
list_off(const char *state, bool json, int *ret_status, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(RULE_SET_BYTES_MAX * 2);
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	struct rule_state s;
	const int r =
	    a == NULL ? err_nomem(e) : rule_state_read(state, a, &s, e);

	if (r != 0)
		return r;
	for (size_t i = 0; i < s.off_count; i++) {
		text_escape(&out, str_of(s.off[i]));
		buf_putc(&out, '\n');
	}
	*ret_status = show_lines(&out, json);
	return ERR_OK;
}

static int
run_off(int argc, char **argv)
{
	AUTO(arena_freep) struct arena *a = arena_new(ARENA_BYTES_MAX);
	const char *values[OFF_COUNT] = { NULL };
	const char *state = NULL;
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &command_rules_off, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if ((values[OFF_LIST] != NULL) == (at < argc))
		return command_usage_error(
		    &command_rules_off, "give ids of rules, or --list");
	r = find_state(values[OFF_STATE], a, &state, &e);
	if (r == 0 && values[OFF_LIST] != NULL)
		r = list_off(state, values[OFF_JSON] != NULL, &status, &e);
	for (int i = at; r == 0 && i < argc; i++)
		r = rule_state_switch(
		    state, argv[i], values[OFF_ON] != NULL, &e);
	return r == 0
	    ? EXIT_OK
	    : show_error(&command_rules_off, &e, client_exit_status(&e));
}

const struct command command_rules_off = {
	.name = "rules off",
	.summary = "Switch single rules off at once, or on again",
	.usage = "rules off [--on] ID... | --list",
	.details =
	    "For a rule that does harm: the daemon notices it at once, and "
	    "keeps to it when it\nstarts, until --on. Shipped floors stay. "
	    "The digest of the policy tells of it.",
	.example = "assent rules off site.curl.internal",
	.options = off_options,
	.option_count = OFF_COUNT,
	.run = run_off,
};
