/*
 * Options and help of the subcommands of assent, by their descriptors.
 * Runs in: assent.  Trusts: the descriptors; never the arguments, which are
 * escaped before they are shown.  Owns: nothing.
 */
#include "model/command.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"

#define HELP_BYTES_MAX 65536
#define OPTIONS_MAX 64
#define OPTION_COLUMN 26

/* Broken pipes and full disks are the reader's own affair: nothing to do. */
static void
print(FILE *to, const struct buf *b)
{
	(void)fwrite(buf_cstr(b), 1, b->len, to);
	(void)fflush(to);
}

static void
help_option(
    struct buf *out, const char *name, const char *arg, const char *help)
{
	const size_t before = out->len;

	buf_printf(out, "  %s", name);
	if (arg != NULL)
		buf_printf(out, " %s", arg);
	if (out->len - before + 2 > OPTION_COLUMN)
		buf_printf(out, "\n%*s", OPTION_COLUMN, "");
	else
		buf_printf(
		    out, "%*s", (int)(OPTION_COLUMN - (out->len - before)), "");
	buf_printf(out, "%s\n", help);
}

void
command_help(const struct command *c)
{
	AUTO_BUF struct buf out = BUF_INIT(HELP_BYTES_MAX);

	buf_printf(&out, "Usage: assent %s\n\n%s.\n\n", c->usage, c->summary);
	if (c->details != NULL)
		buf_printf(&out, "%s\n\n", c->details);
	buf_puts(&out, "Options:\n");
	for (size_t i = 0; i < c->option_count; i++)
		help_option(&out, c->options[i].name, c->options[i].arg,
		    c->options[i].help);
	help_option(&out, "--help", NULL, "show this text");
	if (c->example != NULL)
		buf_printf(&out, "\nExample:\n  %s\n", c->example);
	print(stdout, &out);
}

int
command_usage_error(const struct command *c, const char *fmt, ...)
{
	AUTO_BUF struct buf message = BUF_INIT(HELP_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(HELP_BYTES_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	buf_printf(&out, "assent %s: ", c->name);
	text_escape(&out, buf_str(&message));
	buf_printf(&out, "\nTry 'assent %s --help'.\n", c->name);
	print(stderr, &out);
	return EXIT_USAGE;
}

/* The one table option that the word names, or option_count. */
static size_t
find_option(const struct command *c, struct str name)
{
	for (size_t i = 0; i < c->option_count; i++) {
		if (str_eqz(name, c->options[i].name))
			return i;
	}
	return c->option_count;
}

static int
unknown_option(const struct command *c, struct str name)
{
	const char *names[OPTIONS_MAX] = { NULL };
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < c->option_count && count < OPTIONS_MAX; i++)
		names[count++] = c->options[i].name;
	nearest = text_nearest(name, names, count);
	if (nearest != NULL)
		return command_usage_error(c,
		    "unknown option '%.*s'; did you mean '%s'?", STR_ARG(name),
		    nearest);
	return command_usage_error(c, "unknown option '%.*s'", STR_ARG(name));
}

static bool
is_enumeration(const char *arg)
{
	if (strchr(arg, '|') == NULL)
		return false;
	for (const char *p = arg; *p != '\0'; p++) {
		if (isupper((unsigned char)*p))
			return false;
	}
	return true;
}

static bool
value_is_listed(const char *arg, const char *value)
{
	struct str rest = str_of(arg);

	while (rest.len > 0) {
		if (str_eqz(str_cut(&rest, '|'), value))
			return true;
	}
	return false;
}

/* One parse: where it stands, and where what it finds goes. */
struct parse {
	const struct command *c;
	int argc;
	char **argv;
	const char **values;
	command_value_fn *on_value;
	void *ctx;
	bool seen[OPTIONS_MAX];
	int at;
	int status;
};

/* The value of the option at argv[at], whose name ends at name_len. */
static int
take_value(struct parse *p, size_t i, size_t name_len, const char **ret)
{
	const struct command_option *o = &p->c->options[i];
	const char *word = p->argv[p->at];
	const bool joined = word[name_len] == '=';

	if (o->arg == NULL) {
		*ret = o->name;
		if (joined)
			return command_usage_error(
			    p->c, "option '%s' takes no value", o->name);
		return EXIT_OK;
	}
	if (!joined && p->at + 1 >= p->argc)
		return command_usage_error(
		    p->c, "option '%s' needs a value: %s", o->name, o->arg);
	*ret = joined ? word + name_len + 1 : p->argv[++p->at];
	if (is_enumeration(o->arg) && !value_is_listed(o->arg, *ret))
		return command_usage_error(p->c,
		    "option '%s' takes one of %s, not '%s'", o->name, o->arg,
		    *ret);
	return EXIT_OK;
}

static int
take_option(struct parse *p)
{
	struct str rest = str_of(p->argv[p->at]);
	const struct str name = str_cut(&rest, '=');
	const size_t i = find_option(p->c, name);
	const char *value = NULL;
	int status;

	if (i == p->c->option_count || i >= OPTIONS_MAX)
		return unknown_option(p->c, name);
	status = take_value(p, i, name.len, &value);
	if (status != EXIT_OK)
		return status;
	if (p->seen[i] && p->on_value == NULL)
		return command_usage_error(
		    p->c, "option '%s' is given twice", p->c->options[i].name);
	p->seen[i] = true;
	p->values[i] = value;
	if (p->on_value != NULL)
		p->on_value(p->ctx, i, value);
	return EXIT_OK;
}

/* lint.size: the seventh parameter is argv's other half. */
int
command_parse(const struct command *c, int argc, char **argv,
    const char **values, command_value_fn *on_value, void *ctx, int *ret_status)
{
	struct parse p = { .c = c,
		.argc = argc,
		.argv = argv,
		.values = values,
		.on_value = on_value,
		.ctx = ctx };

	for (p.at = 1; p.at < argc; p.at++) {
		const char *word = argv[p.at];

		if (strcmp(word, "--") == 0)
			return p.at + 1;
		if (word[0] != '-' || word[1] == '\0')
			return p.at;
		if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			command_help(c);
			*ret_status = EXIT_OK;
			return -1;
		}
		*ret_status = take_option(&p);
		if (*ret_status != EXIT_OK)
			return -1;
	}
	return p.at;
}

int
command_parse_words(const struct command *c, int argc, char **argv,
    const char **values, const struct command_words *to, int *ret_status)
{
	bool literal = false;
	int count = 0, i = 0;

	for (;;) {
		if (!literal) {
			const int at = command_parse(c, argc - i, argv + i,
			    values, NULL, NULL, ret_status);

			if (at < 0)
				return -1;
			i += at;
			literal = at > 1 && strcmp(argv[i - 1], "--") == 0;
		}
		if (i >= argc)
			return count;
		if (count == to->max) {
			*ret_status = command_usage_error(c,
			    "nothing is expected behind '%s': '%s'",
			    count == 0 ? c->name : to->words[count - 1],
			    argv[i]);
			return -1;
		}
		to->words[count++] = argv[i];
		i += literal ? 1 : 0;
	}
}
