/*
 * assent log prove: a proof of one row, for somebody without the log.
 * Runs in: assent.  Trusts: nothing in the log.  Owns: nothing.
 */
#include "base/jsonw.h"
#include "base/mem.h"
#include "cmd_log_int.h"
#include "proof.h"
#include "store_limits.h"

enum option {
	OPT_STATE,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the daemon's state folder" },
	[OPT_JSON] = { "--json", NULL, "the proof as a JSON string" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

static int
prove(const char *state, const char *operand, bool json, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf proof = BUF_INIT(LOG_OUT_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	struct jsonw w = jsonw_on(&out);
	uint64_t seq = 0;
	int r = cmdlog_parse_number("the row", operand, &seq, e);

	if (r == 0)
		r = cmdlog_state_dir(state, &dir, e);
	if (r == 0)
		r = proof_make(buf_cstr(&dir), seq, &proof, e);
	if (r != 0 || !json)
		return r == 0 ? cmdlog_flush(&proof, e) : r;
	jsonw_object(&w);
	jsonw_key(&w, "seq");
	jsonw_uint(&w, seq);
	jsonw_key(&w, "proof");
	jsonw_str(&w, buf_str(&proof));
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmdlog_flush(&out, e);
}

static int
run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &cmdlog_prove, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (argc - at != 1)
		return command_usage_error(
		    &cmdlog_prove, "name the number of one row");
	if (prove(values[OPT_STATE], argv[at], values[OPT_JSON] != NULL, &e) !=
	    0)
		return cmdlog_error(&cmdlog_prove, &e);
	return EXIT_OK;
}

const struct command cmdlog_prove = {
	.name = "log prove",
	.summary = "A proof that one row is in the log",
	.usage = "log prove [OPTIONS] ROW",
	.details = "Prints the row's record, its path to a signed root and "
		   "the root. It is checked with\n'assent log verify --proof "
		   "FILE --public-key FILE', by somebody who needs neither\n"
		   "the log nor trust in this machine.",
	.example = "assent log prove 41 > row41.proof",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
