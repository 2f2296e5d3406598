/*
 * The command line of assentd.
 * Runs in: supervisor.  Trusts: whoever started it.  Owns: nothing.
 */
#include <getopt.h>
#include <stdio.h>

#include "base/mem.h"
#include "model/command.h"
#include "supervisor_int.h"

enum option_value {
	OPTION_CONFIG = 1000,
	OPTION_REQUIREMENTS,
	OPTION_STATE,
	OPTION_RUNTIME,
	OPTION_RULES,
	OPTION_FOREGROUND,
	OPTION_CHECK,
	OPTION_SETTINGS,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "requirements", required_argument, NULL, OPTION_REQUIREMENTS },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "runtime", required_argument, NULL, OPTION_RUNTIME },
	{ "rules", required_argument, NULL, OPTION_RULES },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "settings", no_argument, NULL, OPTION_SETTINGS },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help_text[] =
    "Usage: assentd [OPTIONS]\n"
    "Decide on the tool calls of coding agents, record, and run what was\n"
    "approved in a sandbox.\n"
    "\n"
    "  --config FILE        settings (default: ~/.config/assent/config.yaml,\n"
    "                       as root /etc/assent/config.yaml)\n"
    "  --requirements FILE  the administrator's limits on settings\n"
    "                       (default: /etc/assent/requirements.yaml)\n"
    "  --state DIR          the decision log and keys (default:\n"
    "                       ~/.local/state/assent, as root "
    "/var/lib/assent)\n"
    "  --runtime DIR        the sockets (default: $XDG_RUNTIME_DIR/assent,\n"
    "                       without it /tmp/assent-UID, as root\n"
    "                       /run/assent)\n"
    "  --rules DIR          more rules, in place of the user's own; may be\n"
    "                       repeated\n"
    "  --foreground         stay in the foreground (it always does)\n"
    "  --check              read the settings, say what is wrong, and exit\n"
    "  --settings           list all settings with their defaults, and exit\n"
    "  --version, --help\n"
    "\n"
    "SIGTERM ends it in order; SIGHUP reads settings and rules again.\n"
    "Exit status: 0 ended in order, 64 usage, 70 internal, 78 settings.\n";

static int
usage_error(const char *what, int *ret_status)
{
	(void)fprintf(
	    stderr, "assentd: %s; assentd --help lists the options\n", what);
	*ret_status = EXIT_USAGE;
	return ERR_INVALID;
}

static int
answered(int *ret_status)
{
	*ret_status = EXIT_SUCCESS;
	return ERR_INVALID;
}

static int
print_settings(int *ret_status)
{
	AUTO_BUF struct buf out = BUF_INIT((size_t)1 << 16);

	config_describe(&out);
	(void)fputs(buf_cstr(&out), stdout);
	return answered(ret_status);
}

static int
add_rules(struct supervisor_options *o, const char *dir, int *ret_status)
{
	if (o->sources.rule_dir_count == SUPERVISOR_RULE_DIRS_MAX)
		return usage_error("too many --rules", ret_status);
	o->rule_dirs[o->sources.rule_dir_count++] = dir;
	return ERR_OK;
}

static int
take(struct supervisor_options *o, int value, int *ret_status)
{
	switch (value) {
	case OPTION_CONFIG:
		o->sources.file = optarg;
		return ERR_OK;
	case OPTION_REQUIREMENTS:
		o->sources.requirements = optarg;
		return ERR_OK;
	case OPTION_STATE:
		o->sources.state_dir = optarg;
		return ERR_OK;
	case OPTION_RUNTIME:
		o->sources.runtime_dir = optarg;
		return ERR_OK;
	case OPTION_RULES:
		return add_rules(o, optarg, ret_status);
	case OPTION_FOREGROUND:
		return ERR_OK;
	case OPTION_CHECK:
		o->check_only = true;
		return ERR_OK;
	case OPTION_SETTINGS:
		return print_settings(ret_status);
	case OPTION_VERSION:
		(void)puts("assentd " ASSENT_VERSION);
		return answered(ret_status);
	case OPTION_HELP:
		(void)fputs(help_text, stdout);
		return answered(ret_status);
	default:
		/* getopt has said what it is. */
		return usage_error("wrong option", ret_status);
	}
}

static int
next_option(int argc, char **argv)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no role has threads. */
	return getopt_long(argc, argv, "", long_options, NULL);
}

int
supervisor_args(
    int argc, char **argv, struct supervisor_options *o, int *ret_status)
{
	int value;

	while ((value = next_option(argc, argv)) != -1) {
		const int r = take(o, value, ret_status);

		if (r != 0)
			return r;
	}
	if (optind != argc)
		return usage_error("it takes options only", ret_status);
	o->sources.rule_dirs = o->rule_dirs;
	return ERR_OK;
}
