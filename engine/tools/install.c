/*
 * assent install: put the hook into a client's settings, or take it out.
 * Runs in: assent.  Trusts: the user's own files; the client's program, which
 * is asked for its version.  Owns: the plan.
 */
#include "install.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/program.h"
#include "base/text.h"
#include "capture.h"
#include "model/command.h"
#include "show.h"

#define VERSION_TIMEOUT_MS 20000
#define COMMAND_BYTES_MAX 8192
/* Another one would be the user's to choose, and to answer for. */
#define MACHINE_RUNTIME "/run/assent"
#define MARGIN_S 10 /* the hook answers that long before the client gives up */
#define ANSWER_BYTES 16
#define VERSION_PARTS 3
/* Most clients take a hook that is not there for a yes. */
#define NO_ANSWER                                                              \
	" || { echo 'assent: the hook failed; this was not run' >&2; exit 2; " \
	"}"

extern const struct command command_install;

enum install_option {
	OPT_MODE,
	OPT_CONTAIN,
	OPT_MANAGED,
	OPT_UNINSTALL,
	OPT_DRY_RUN,
	OPT_YES,
	OPT_RUNTIME,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_MODE] = { "--mode", "enforce|advise",
	    "enforce: assent decides; advise: it may only say no" },
	[OPT_CONTAIN] = { "--contain", NULL,
	    "commands that are allowed run in assent's sandbox" },
	[OPT_MANAGED] = { "--managed", NULL,
	    "for the whole machine, before a user's own; as root" },
	[OPT_UNINSTALL] = { "--uninstall", NULL, "take it out again" },
	[OPT_DRY_RUN] = { "--dry-run", NULL,
	    "show the changes, write nothing" },
	[OPT_YES] = { "--yes", NULL, "do not ask before writing" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
	[OPT_JSON] = { "--json", NULL, "show the changes as JSON" },
};

/* ---- versions ------------------------------------------------------------ */

static void
read_parts(struct str text, uint64_t parts[static VERSION_PARTS])
{
	for (size_t i = 0; i < VERSION_PARTS; i++) {
		const struct str part = str_cut(&text, '.');

		parts[i] = 0;
		(void)num_parse_u64(part, 0, UINT32_MAX, &parts[i]);
	}
}

bool
install_version_is(const struct install *in, const char *least)
{
	uint64_t have[VERSION_PARTS], want[VERSION_PARTS];

	if (in->version[0] == '\0')
		return false;
	read_parts(str_of(in->version), have);
	read_parts(str_of(least), want);
	for (size_t i = 0; i < VERSION_PARTS; i++) {
		if (have[i] != want[i])
			return have[i] > want[i];
	}
	return true;
}

/* The first "1.2.3" of what --version prints. */
static void
take_version(struct install *in, struct str text)
{
	static const char digits[] = "0123456789.";

	for (size_t i = 0; i < text.len; i++) {
		size_t n = 0;

		while (i + n < text.len &&
		    strchr(digits, text.s[i + n]) != NULL &&
		    text.s[i + n] != '\0')
			n++;
		while (n > 0 && text.s[i + n - 1] == '.')
			n--;
		if (n >= 5 && n < sizeof(in->version) && text.s[i] != '.') {
			memcpy(in->version, text.s + i, n);
			in->version[n] = '\0';
			return;
		}
		i += n > 0 ? n - 1 : 0;
	}
}

static void
find_client(struct install *in)
{
	AUTO_BUF struct buf out = BUF_INIT(COMMAND_BYTES_MAX);
	int status = 0;

	in->program = capture_find(in->client->program);
	if (in->program == NULL) {
		install_note(
		    in, "the client is not in PATH; its version is not known");
		return;
	}
	if (capture(&(struct capture){ .path = in->program,
			.argv = (char *[]){ in->program,
			    (char[]){ "--version" }, NULL },
			.timeout_ms = VERSION_TIMEOUT_MS },
		&out, &status, NULL) == 0)
		take_version(in, buf_str(&out));
}

/* ---- the command --------------------------------------------------------- */

void
install_note(struct install *in, const char *note)
{
	if (in->note_count < INSTALL_NOTES_MAX)
		in->notes[in->note_count++] = note;
}

bool
install_is_ours(const struct install *in, const char *command)
{
	char mark[64];

	(void)snprintf(mark, sizeof(mark), " hook %s", in->client->name);
	return command != NULL && strstr(command, "assent") != NULL &&
	    strstr(command, mark) != NULL;
}

/* A word of a shell, quoted where it has to be. */
static void
put_word(struct buf *out, const char *word)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./:";

	if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
		buf_puts(out, word);
		return;
	}
	buf_putc(out, '\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *word);
	}
	buf_putc(out, '\'');
}

static int
make_command(struct install *in, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(COMMAND_BYTES_MAX);
	char path[PROGRAM_PATH_MAX];
	const int r = program_beside("assent", path, e);

	if (r != 0)
		return r;
	put_word(&out, path);
	buf_printf(&out, " hook %s --timeout %llds", in->client->name,
	    (long long)(in->client->timeout_s - MARGIN_S));
	if (in->options.advise)
		buf_puts(&out, " --mode advise");
	if (in->options.contain)
		buf_puts(&out, " --contain");
	if (in->version[0] != '\0')
		buf_printf(&out, " --client-version %s", in->version);
	if (in->options.runtime != NULL) {
		buf_puts(&out, " --runtime ");
		put_word(&out, in->options.runtime);
	}
	in->report = strdup(buf_cstr(&out));
	if (strcmp(in->client->name, "opencode") != 0)
		buf_puts(&out, NO_ANSWER);
	return in->report == NULL ? err_nomem(e)
				  : buf_take(&out, &in->command, e);
}

int
install_plan(struct install *in, struct err *e)
{
	int r;

	in->client = install_client_of(in->options.client);
	if (in->client == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no client '%.64s'; name one of claude-code, "
		    "codex, gemini, copilot, cursor, opencode",
		    in->options.client);
	find_client(in);
	if (in->options.managed && in->options.runtime == NULL)
		in->options.runtime = MACHINE_RUNTIME;
	r = make_command(in, e);
	if (r != 0 || !in->options.managed)
		return r != 0 ? r : in->client->plan(in, e);
	return install_plan_managed(in, e);
}

/* ---- doing it ------------------------------------------------------------ */

static bool
is_agreed(void)
{
	char answer[ANSWER_BYTES] = { 0 };

	(void)fputs("write this? [yes/no] ", stderr);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return false;
	return str_eqz(str_trim(str_of(answer)), "yes");
}

static int
show(const struct install *in, bool json)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	if (json) {
		install_json(in, &out);
		return show_print(&out);
	}
	buf_printf(&out, "%s %s\n", in->client->name,
	    in->version[0] == '\0' ? "(version not known)" : in->version);
	install_show(in, &out);
	if (!install_changes(in))
		buf_puts(&out, "nothing to change\n");
	return show_print(&out);
}

/* What can only be planned once the rest is there. */
static int
finish(struct install *in, bool is_json, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);
	const size_t before = in->file_count;
	int r = ERR_OK;

	if (in->client->plan_after == NULL || in->options.managed)
		return ERR_OK;
	in->note_count = 0;
	r = in->client->plan_after(in, e);
	for (size_t i = 0; i < before && r == 0; i++) {
		free(in->files[i].old);
		in->files[i].old =
		    in->files[i].new == NULL ? NULL : strdup(in->files[i].new);
	}
	if (r == 0)
		install_show(in, &out);
	/* one document on stdout: what is found out later is told beside */
	if (r == 0 && is_json)
		(void)fputs(buf_cstr(&out), stderr);
	if (r == 0 && (is_json || show_print(&out) == EXIT_OK))
		r = install_write(in, e);
	return r;
}

/* What a user could replace is nothing that he cannot take out. */
static int
check_managed(const struct install *in, struct err *e)
{
	static const char *const programs[] = { "assent", "assent-cli" };
	char path[PROGRAM_PATH_MAX];
	int r = ERR_OK;

	if (geteuid() != 0)
		return err_set(e, ERR_DENIED,
		    "--managed writes below /etc: run it as root, or look at "
		    "it with --dry-run");
	for (size_t i = 0;
	     r == 0 && !in->options.uninstall && i < ARRAY_LEN(programs); i++) {
		r = program_beside(programs[i], path, e);
		if (r == 0)
			r = install_check_roots(path, e);
	}
	return r;
}

static int
install(struct install *in, const char *const *values)
{
	const bool is_json = values[OPT_JSON] != NULL;
	struct err e = ERR_INIT;
	int status;

	if (install_plan(in, &e) != 0) {
		status = show_error(&command_install, &e,
		    e.code == ERR_NOTFOUND ? EXIT_USAGE : EXIT_CONFIG);
		if (in->by_hand != NULL)
			(void)fputs(in->by_hand, is_json ? stderr : stdout);
		return status;
	}
	status = show(in, is_json);
	if (status != EXIT_OK || values[OPT_DRY_RUN] != NULL)
		return status;
	if (in->options.managed && check_managed(in, &e) != 0)
		return show_error(&command_install, &e, EXIT_CONFIG);
	if (install_changes(in) && values[OPT_YES] == NULL && !is_agreed()) {
		(void)fputs("nothing was written\n", stderr);
		return EXIT_DENIED;
	}
	if (install_write(in, &e) != 0)
		return show_error(&command_install, &e, EXIT_CONFIG);
	if (finish(in, is_json, &e) != 0) {
		(void)fputs("assent install: the hook is written, but the "
			    "client does not trust it yet and SKIPS it; "
			    "trust it there (in Codex: /hooks)\n",
		    stderr);
		return show_error(&command_install, &e, EXIT_CONFIG);
	}
	if (!in->options.uninstall && !is_json)
		(void)printf("now try: assent doctor %s\n", in->client->name);
	return EXIT_OK;
}

static int
run_install(int argc, char **argv)
{
	AUTO(install_done) struct install in = { .client = NULL };
	const char *values[OPT_COUNT] = { NULL };
	int status = EXIT_OK;
	char *client = NULL;
	const int count =
	    command_parse_words(&command_install, argc, argv, values,
		&(struct command_words){ .words = &client, .max = 1 }, &status);

	if (count < 0)
		return status;
	if (count == 0)
		return command_usage_error(&command_install,
		    "name a client: "
		    "claude-code, codex, gemini, copilot, cursor or opencode");
	in.options = (struct install_options){
		.client = client,
		.runtime = values[OPT_RUNTIME],
		.advise = values[OPT_MODE] != NULL &&
		    strcmp(values[OPT_MODE], "advise") == 0,
		.contain = values[OPT_CONTAIN] != NULL,
		.managed = values[OPT_MANAGED] != NULL,
		.uninstall = values[OPT_UNINSTALL] != NULL,
	};
	return install(&in, values);
}

const struct command command_install = {
	.name = "install",
	.summary = "Put assent into a client's settings, or take it out",
	.usage = "install claude-code|codex|gemini|copilot|cursor|opencode "
		 "[OPTIONS]",
	.details =
	    "Shows what would change and asks before it writes. A file that "
	    "was there is kept\nbeside as NAME.before-assent. Says where the "
	    "client goes on although a hook failed,\nand closes that by the "
	    "client's own settings where it has some. With --managed the "
	    "settings\nof the machine are written, which count before a user's "
	    "own; its hooks ask the\ndaemon of the machine, and what "
	    "/etc/assent/requirements.yaml forbids is forbidden to\nthe "
	    "client, where it has a setting for it.",
	.example = "assent install claude-code --contain --dry-run",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_install,
};
