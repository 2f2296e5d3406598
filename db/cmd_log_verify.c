/*
 * assent log verify: whether the log is what was recorded.
 * Runs in: assent.  Trusts: the first public key.  Owns: nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "proof.h"
#include "store_limits.h"
#include "verify.h"

#define AGAINST_MAX 64

enum option {
	OPT_STATE,
	OPT_PUBLIC_KEY,
	OPT_CHECKPOINT,
	OPT_AGAINST,
	OPT_PROOF,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the state folder, or a copy of it" },
	[OPT_PUBLIC_KEY] = { "--public-key", "FILE",
	    "the first log.pub, kept elsewhere" },
	[OPT_CHECKPOINT] = { "--checkpoint", "FILE",
	    "checkpoints kept elsewhere: a copy of the file, or any export "
	    "(again and again)" },
	[OPT_AGAINST] = { "--against", "FILE", "the same" },
	[OPT_PROOF] = { "--proof", "FILE",
	    "a proof that 'assent log prove' made, instead of a log" },
	[OPT_JSON] = { "--json", NULL, "for machines" },
};
_Static_assert(ARRAY_LEN(options) == OPT_COUNT, "every option is described");

struct args {
	const char *values[OPT_COUNT];
	const char *against[AGAINST_MAX];
	size_t against_count;
	bool too_many;
};

static void
on_value(void *ctx, size_t option, const char *value)
{
	struct args *a = ctx;

	if (option != OPT_AGAINST && option != OPT_CHECKPOINT)
		return;
	if (a->against_count < AGAINST_MAX)
		a->against[a->against_count++] = value;
	else
		a->too_many = true;
}

static void
put_hex(struct jsonw *w, const char *key, const uint8_t hash[SHA256_LEN])
{
	jsonw_key(w, key);
	jsonw_hex(w, hash, SHA256_LEN);
}

static void
put_json(const struct verify_result *v, const char *why, struct buf *out)
{
	AUTO_BUF struct buf key = BUF_INIT(NOTE_BYTES_MAX);
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kbool(&w, "ok", why == NULL);
	jsonw_key(&w, "rows");
	jsonw_uint(&w, v->rows);
	jsonw_key(&w, "signed_rows");
	jsonw_uint(&w, v->signed_rows);
	jsonw_key(&w, "checkpoints");
	jsonw_uint(&w, v->checkpoints);
	jsonw_key(&w, "checkpoints_given");
	jsonw_uint(&w, v->foreign_checkpoints);
	jsonw_key(&w, "keys");
	jsonw_uint(&w, v->keys);
	jsonw_key(&w, "bodies_dropped");
	jsonw_uint(&w, v->bodies_dropped);
	put_hex(&w, "log_hash", v->head);
	put_hex(&w, "root", v->root);
	note_public_print(&v->first_key, &key);
	jsonw_key(&w, "first_key");
	jsonw_str(&w, buf_str(&key));
	jsonw_key(&w, "bad_seq");
	if (v->bad_seq == 0)
		jsonw_null(&w);
	else
		jsonw_uint(&w, v->bad_seq);
	jsonw_kstr(&w, "error", why);
	jsonw_end(&w);
	buf_putc(out, '\n');
}

static void
put_good(const struct verify_result *v, bool own_key, struct buf *out)
{
	buf_printf(out,
	    "ok: %" PRIu64 " rows, each follows from the one before it\n",
	    v->rows);
	if (v->signed_rows > 0)
		buf_printf(out,
		    "signed up to row %" PRIu64 ": %zu checkpoints, %zu keys\n",
		    v->signed_rows, v->checkpoints, v->keys);
	if (v->foreign_checkpoints > 0)
		buf_printf(out, "%zu checkpoints kept elsewhere agree\n",
		    v->foreign_checkpoints);
	if (v->rows > v->signed_rows)
		buf_printf(out,
		    "rows %" PRIu64 " to %" PRIu64
		    " are not signed yet: a cut there would not be seen\n",
		    v->signed_rows + 1, v->rows);
	if (v->bodies_dropped > 0)
		buf_printf(out,
		    "%" PRIu64 " bodies were dropped after export; their "
		    "hashes are here\n",
		    v->bodies_dropped);
	if (v->torn)
		buf_puts(out,
		    "the last checkpoint was not finished (a crash); the next "
		    "start signs again\n");
	buf_puts(out, "last hash ");
	text_hex(out, v->head, SHA256_LEN);
	buf_puts(out, "\nfirst key ");
	note_public_print(&v->first_key, out);
	buf_putc(out, '\n');
	if (own_key)
		buf_puts(out,
		    "the public key was taken from the same folder: with a "
		    "copy kept elsewhere\n(--public-key, --checkpoint) whoever "
		    "can write here cannot deceive you\n");
}

static int
verify(const struct args *a, struct err *e)
{
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	const bool json = a->values[OPT_JSON] != NULL;
	struct verify_options o = {
		.public_key = a->values[OPT_PUBLIC_KEY],
		.against = a->against,
		.against_count = a->against_count,
	};
	struct verify_result v;
	struct err printing = ERR_INIT;
	int r = cmdlog_state_dir(a->values[OPT_STATE], &dir, e);

	if (r != 0)
		return r;
	o.state_dir = buf_cstr(&dir);
	r = verify_log(&o, &v, e);
	if (r != 0 && r != ERR_DENIED)
		return r;
	if (json)
		put_json(&v, r == 0 ? NULL : e->msg, &out);
	else if (r == 0)
		put_good(
		    &v, o.public_key == NULL && o.against_count == 0, &out);
	else if (v.rows == 0)
		buf_puts(&out, "NOT what was recorded\n");
	else
		buf_printf(&out,
		    "NOT what was recorded\nrows 1 to %" PRIu64 " are good\n",
		    v.rows);
	if (cmdlog_flush(&out, &printing) != 0) {
		*e = printing;
		return printing.code;
	}
	return r;
}

static int
verify_proof(const struct args *a, struct err *e)
{
	AUTO_BUF struct buf out = BUF_INIT(LOG_OUT_BYTES_MAX);
	int r;

	if (a->values[OPT_PUBLIC_KEY] == NULL)
		return err_set(e, ERR_INVALID,
		    "--proof needs --public-key: a proof cannot vouch for "
		    "itself");
	r = proof_verify(
	    a->values[OPT_PROOF], a->values[OPT_PUBLIC_KEY], &out, e);
	return r == 0 ? cmdlog_flush(&out, e) : r;
}

static int
run(int argc, char **argv)
{
	struct args a = { .against_count = 0 };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_verify, argc, argv, a.values, on_value, &a, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(
		    &cmdlog_verify, "unexpected '%s'", argv[at]);
	if (a.too_many)
		return command_usage_error(&cmdlog_verify,
		    "--checkpoint more than %d times", AGAINST_MAX);
	r = a.values[OPT_PROOF] == NULL ? verify(&a, &e) : verify_proof(&a, &e);
	return r == 0 ? EXIT_OK : cmdlog_error(&cmdlog_verify, &e);
}

const struct command cmdlog_verify = {
	.name = "log verify",
	.summary = "Whether the log is what was recorded",
	.usage = "log verify [OPTIONS]",
	.details =
	    "Checks the file, that each row follows from the one before it, "
	    "every body, and\nevery signed checkpoint. Only reads; may run "
	    "beside the daemon. Exit 0 when all\nis good, 1 when something "
	    "was changed (with the first bad row), 78 when there\nis no log to "
	    "read.\n\nWhoever can write the state folder can also forge its "
	    "newest signatures. Keep the\nfirst log.pub and now and then a "
	    "copy of 'checkpoints' where he cannot write.",
	.example = "assent log verify --public-key /media/usb/log.pub",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
