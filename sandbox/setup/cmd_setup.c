/*
 * assent setup: what an administrator does once on a machine.
 * Runs in: assent.  Trusts: its command line.  Owns: nothing.
 */
#include "model/command.h"

#include <stdio.h>
#include <string.h>

#include "base/fdio.h"
#include "base/jsonw.h"
#include "base/num.h"
#include "base/text.h"
#include "setup/setup.h"

#define OUT_BYTES_MAX ((size_t)1 << 20)

extern const struct command command_setup;

enum setup_option {
	OPT_ELEVATED,
	OPT_WORKSPACE,
	OPT_POOL,
	OPT_PORT,
	OPT_REMOVE,
	OPT_DRY,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_ELEVATED] = { "--elevated", NULL,
	    "accounts of their own for runs, behind a firewall" },
	[OPT_WORKSPACE] = { "--workspace", "DIR",
	    "rights by ACL on this folder, where its file system cannot map "
	    "owners" },
	[OPT_POOL] = { "--pool", "N",
	    "so many accounts for runs with network, for sessions of their "
	    "own" },
	[OPT_PORT] = { "--proxy-port", "PORT",
	    "a proxy on this machine that they may reach; repeatable" },
	[OPT_REMOVE] = { "--remove", NULL,
	    "undo it; with --workspace, those rights alone" },
	[OPT_DRY] = { "--dry-run", NULL, "show what would be done" },
	[OPT_JSON] = { "--json", NULL, "print the steps as JSON" },
};

struct given {
	uint16_t ports[ELEVATED_PORTS_MAX];
	size_t port_count;
	bool wrong;
};

static void
on_value(void *ctx, size_t option, const char *value)
{
	struct given *g = ctx;
	uint64_t port;

	if (option != OPT_PORT)
		return;
	if (g->port_count == ELEVATED_PORTS_MAX ||
	    num_parse_u64(str_of(value), 1, 65535, &port) != 0)
		g->wrong = true;
	else
		g->ports[g->port_count++] = (uint16_t)port;
}

/* {"dry_run": false, "done": true, "steps": ["..."]} */
static int
print_json(const struct buf *out, bool dry, bool done)
{
	AUTO_BUF struct buf text = BUF_INIT(4 * OUT_BYTES_MAX);
	struct str rest = buf_str(out);
	struct jsonw w = jsonw_on(&text);

	jsonw_object(&w);
	jsonw_kbool(&w, "dry_run", dry);
	jsonw_kbool(&w, "done", done && !dry);
	jsonw_key(&w, "steps");
	jsonw_array(&w);
	while (rest.len > 0)
		jsonw_str(&w, str_cut(&rest, '\n'));
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&text, '\n');
	return fdio_write_all(1, text.s, text.len, NULL) == 0 ? EXIT_OK
							      : EXIT_INTERNAL;
}

static int
print(const struct buf *out, bool dry)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * OUT_BYTES_MAX);

	if (out->len == 0)
		buf_puts(&text, "nothing is to be done\n");
	else if (dry)
		buf_puts(&text, "would be done:\n");
	buf_put_str(&text, buf_str(out));
	if (out->len > 0 && !dry)
		buf_puts(&text,
		    "a daemon that runs takes it over at its next start or "
		    "reload\n");
	return fdio_write_all(1, text.s, text.len, NULL) == 0 ? EXIT_OK
							      : EXIT_INTERNAL;
}

static int
perform(const char *const *values, const struct given *g)
{
	AUTO_BUF struct buf out = BUF_INIT(OUT_BYTES_MAX);
	struct setup_options o = {
		.workspace = values[OPT_WORKSPACE],
		.ports = g->ports,
		.port_count = g->port_count,
		.dry = values[OPT_DRY] != NULL,
	};
	struct err e = ERR_INIT;
	uint64_t pool = 0;
	int r;

	if (values[OPT_POOL] != NULL &&
	    num_parse_u64(
		str_of(values[OPT_POOL]), 1, ELEVATED_POOL_MAX, &pool) != 0)
		return command_usage_error(
		    &command_setup, "--pool is a number from 1 to 64");
	o.pool = (size_t)pool;
	r = values[OPT_REMOVE] != NULL ? setup_remove(&o, &out, &e)
				       : setup_make(&o, &out, &e);
	if (values[OPT_JSON] != NULL)
		(void)print_json(&out, o.dry, r == 0);
	else if (out.len > 0 || r == 0)
		(void)print(&out, o.dry);
	if (r == 0)
		return EXIT_OK;
	(void)fprintf(stderr, "assent setup: %s\n", e.msg);
	return r == ERR_DENIED ? EXIT_DENIED : EXIT_CONFIG;
}

static int
run_setup(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct given g = { .port_count = 0 };
	int result = EXIT_OK;
	const int at = command_parse(
	    &command_setup, argc, argv, values, on_value, &g, &result);

	if (at < 0)
		return result;
	if (at != argc || g.wrong || values[OPT_ELEVATED] == NULL)
		return command_usage_error(&command_setup,
		    g.wrong ? "--proxy-port is a port, at most 16 times"
			: at != argc ? "no operand is expected"
				     : "say what to set up: --elevated");
	return perform(values, &g);
}

const struct command command_setup = {
	.name = "setup",
	.summary = "Set up accounts of their own for runs (root, once)",
	.usage = "setup --elevated [OPTIONS]",
	.details =
	    "Makes the group assent-runs and the accounts assent-offline and "
	    "assent-online,\nloads the firewall that holds them, and writes "
	    "/etc/assent/elevated.yaml last.\nTwice is once. Root's daemon "
	    "then runs what is proposed as one of them; a\ndaemon of a user "
	    "cannot. --remove takes it all back.",
	.example = "assent setup --elevated --dry-run",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_setup,
};
