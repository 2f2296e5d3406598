/*
 * assent rules fmt: one layout for rule files, comments kept.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: the files it writes.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "cmd_rules.h"
#include "format.h"

enum {
	OPT_CHECK,
	OPT_STDOUT,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_CHECK] = { "--check", NULL,
	    "change nothing; exit 1 when a file would change" },
	[OPT_STDOUT] = { "--stdout", NULL, "print the result instead" },
	[OPT_JSON] = { "--json", NULL, "the names of changed files as JSON" },
};

static int run(int argc, char **argv);

const struct command rules_verb_fmt = {
	.name = "rules fmt",
	.summary = "Bring rule files into one layout, comments kept",
	.usage = "rules fmt [OPTIONS] FILE...",
	.details = "What a file means is compared before and after. Exit "
		   "status: 0 done, 1 with\n--check when a file would change, "
		   "78 a file that cannot be read.",
	.example = "assent rules fmt --check .assent/rules/*.yaml",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};

struct format_run {
	const char *values[OPT_COUNT];
	struct diags *d;
	struct buf out;
	struct jsonw w;
	bool changed;
};

static int
format_file(struct format_run *f, const char *path, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(RULE_FILE_BYTES_MAX);
	AUTO_BUF struct buf done = BUF_INIT(RULE_FILE_BYTES_MAX * 4);
	struct stat st;
	int r;

	r = fdio_read_file(path, &text, e);
	if (r == 0 && stat(path, &st) != 0)
		r = err_sys(e, "cannot stat '%s'", path);
	if (r == 0)
		r = rules_format(path, buf_str(&text), f->d, &done, e);
	if (r != 0)
		return r;
	if (f->values[OPT_STDOUT] != NULL) {
		buf_put_str(&f->out, buf_str(&done));
		return ERR_OK;
	}
	if (str_eq(buf_str(&text), buf_str(&done)))
		return ERR_OK;
	f->changed = true;
	if (f->values[OPT_JSON] != NULL)
		jsonw_cstr(&f->w, path);
	else
		buf_printf(&f->out, "%s\n", path);
	if (f->values[OPT_CHECK] != NULL)
		return ERR_OK;
	return fdio_write_file(
	    path, buf_cstr(&done), done.len, st.st_mode & 07777, e);
}

static int
format_all(struct format_run *f, char **paths, int count)
{
	int status = EXIT_OK;

	for (int i = 0; i < count; i++) {
		struct err e = ERR_INIT;
		const int r = format_file(f, paths[i], &e);

		if (r == ERR_INVALID && diags_errors(f->d) > 0)
			status = EXIT_CONFIG;
		else if (r != 0)
			status = cmd_fail("rules fmt", &e);
	}
	return status;
}

static int
report(struct format_run *f)
{
	AUTO_BUF struct buf errors = BUF_INIT(CMD_OUTPUT_MAX);

	diags_print(f->d, &errors);
	if (cmd_print(stderr, &errors) != EXIT_OK)
		return EXIT_INTERNAL;
	return cmd_print(stdout, &f->out);
}

static int
run(int argc, char **argv)
{
	struct format_run f = { .out = BUF_INIT(CMD_OUTPUT_MAX) };
	AUTO(diags_freep) struct diags *d = diags_new();
	int status = EXIT_OK, printed;
	const int first = command_parse(
	    &rules_verb_fmt, argc, argv, f.values, NULL, NULL, &status);

	if (first < 0)
		return status;
	if (first >= argc)
		return command_usage_error(&rules_verb_fmt, "a file is needed");
	if (d == NULL)
		return EXIT_INTERNAL;
	f.d = d;
	f.w = jsonw_on(&f.out);
	if (f.values[OPT_JSON] != NULL)
		jsonw_array(&f.w);
	status = format_all(&f, argv + first, argc - first);
	if (f.values[OPT_JSON] != NULL) {
		jsonw_end(&f.w);
		buf_putc(&f.out, '\n');
	}
	printed = report(&f);
	buf_free(&f.out);
	if (status != EXIT_OK || printed != EXIT_OK)
		return status != EXIT_OK ? status : printed;
	return f.changed && f.values[OPT_CHECK] != NULL ? EXIT_DENIED : EXIT_OK;
}
