/*
 * assent doctor: missing protection is a reported fact (I10).
 * Runs in: assent.  Trusts: nothing; texts are escaped.  Owns: nothing.
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "model/command.h"
#include "show.h"

extern const struct command command_doctor;

enum doctor_option {
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "print JSON" },
};

static const char *const state_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_MISSING] = "missing",
	[FINDING_NOTE] = "note",
};

void
finding_add(struct findings *f, enum finding_state state, const char *area,
    const char *name, const char *remedy, const char *fmt, ...)
{
	struct finding *to;
	va_list ap;

	if (f->count == FINDINGS_MAX)
		return;
	to = &f->list[f->count++];
	to->state = state;
	to->area = area;
	(void)snprintf(to->name, sizeof(to->name), "%s", name);
	to->remedy = state == FINDING_MISSING ? remedy : NULL;
	va_start(ap, fmt);
	(void)vsnprintf(to->detail, sizeof(to->detail), fmt, ap);
	va_end(ap);
}

static size_t
count_missing(const struct findings *f)
{
	size_t missing = 0;

	for (size_t i = 0; i < f->count; i++)
		missing += f->list[i].state == FINDING_MISSING;
	return missing;
}

static void
put_text(const struct findings *f, struct buf *out)
{
	const size_t missing = count_missing(f);

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->list[i];

		buf_printf(
		    out, "%-8s %-8s ", state_names[one->state], one->area);
		text_escape(out, str_of(one->name));
		buf_puts(out, ": ");
		text_escape(out, str_of(one->detail));
		buf_putc(out, '\n');
		if (one->remedy != NULL)
			buf_printf(out, "%-18sremedy: %s\n", "", one->remedy);
	}
	if (missing == 0)
		buf_puts(out, "everything that was looked for is there\n");
	else
		buf_printf(out, "%zu missing\n", missing);
}

static void
put_json(const struct findings *f, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kint(&w, "missing", (int64_t)count_missing(f));
	jsonw_key(&w, "findings");
	jsonw_array(&w);
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->list[i];

		jsonw_object(&w);
		jsonw_kstr(&w, "state", state_names[one->state]);
		jsonw_kstr(&w, "area", one->area);
		jsonw_kstr(&w, "name", one->name);
		jsonw_kstr(&w, "detail", one->detail);
		jsonw_kstr(&w, "remedy", one->remedy);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

static int
run_doctor(int argc, char **argv)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const char *values[OPT_COUNT] = { NULL };
	struct findings f = { .count = 0 };
	int status = EXIT_OK;
	char *client = NULL;

	if (command_parse_words(&command_doctor, argc, argv, values,
		&(struct command_words){ .words = &client, .max = 1 },
		&status) < 0)
		return status;
	if (client != NULL) {
		doctor_client(&f, client);
	} else {
		doctor_kernel(&f);
		doctor_sandbox(&f);
		doctor_daemon(&f, values[OPT_RUNTIME]);
	}
	if (values[OPT_JSON] != NULL)
		put_json(&f, &out);
	else
		put_text(&f, &out);
	status = show_print(&out);
	if (status == EXIT_OK && count_missing(&f) > 0)
		status = EXIT_DENIED;
	return status;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Try what is enforced here, and tell what is missing",
	.usage = "doctor [CLIENT] [OPTIONS]",
	.details = "Looks at the kernel, runs a probe in the sandbox, and asks "
		   "the daemon (if one runs)\nwhat each of its roles gave up. "
		   "With a client's name it\nstarts that client's hook as the "
		   "client would, with a call that is denied, and\nonce more "
		   "without a daemon. "
		   "Exit status 1 when a protection is missing.",
	.example = "assent doctor --json",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_doctor,
};
