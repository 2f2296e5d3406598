/*
 * assent log find-secret: where a known secret was seen, though the log has
 * only keyed hashes of what it masked.
 * Runs in: assent.  Trusts: the state folder.  Owns: nothing.
 */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/hmac.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd_log_int.h"
#include "mask_key.h"
#include "store_limits.h"

#define SECRET_BYTES_MAX ((size_t)64 << 10)
#define SECRET_MIN 6
#define HASH_LEN 16
#define PREFIX_MAX 24 /* of a token: what tells its kind is not hashed */
#define WANTED_MAX (PREFIX_MAX + 2)
#define MASKED_KEY "\"masked\":["

enum option {
	OPT_STATE,
	OPT_JSON,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_STATE] = { "--state", "DIR", "the state folder" },
	[OPT_JSON] = { "--json", NULL, "the rows, one JSON object a line" },
};

struct search {
	bool json;
	char wanted[WANTED_MAX][2 * HASH_LEN + 1];
	size_t count;
	uint64_t found;
	struct buf out;
};

/* ---- the secret ------------------------------------------------------------ */

/* From standard input; typed, it is not shown. */
static int
read_secret(struct buf *ret, struct err *e)
{
	struct termios shown, hidden;
	const bool typed = tcgetattr(STDIN_FILENO, &shown) == 0;
	int r;

	if (typed) {
		hidden = shown;
		hidden.c_lflag &= (tcflag_t)~ECHO;
		(void)fputs("The secret, then Enter and Ctrl-D: ", stderr);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	r = fdio_read_all(STDIN_FILENO, ret, e);
	if (typed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		(void)fputc('\n', stderr);
	}
	if (r == 0 && str_trim(buf_str(ret)).len < SECRET_MIN)
		return err_set(e, ERR_INVALID,
		    "give the secret on standard input, at least %d characters",
		    SECRET_MIN);
	return r;
}

static int
want(struct search *s, const uint8_t key[SHA256_LEN], struct str value,
    struct err *e)
{
	AUTO_BUF struct buf hex = BUF_INIT(4 * SHA256_LEN);
	uint8_t mac[SHA256_LEN];
	int r;

	if (s->count == WANTED_MAX)
		return ERR_OK;
	r = hmac_sha256(str_n((const char *)key, SHA256_LEN), value, mac, e);
	if (r != 0)
		return r;
	text_hex(&hex, mac, HASH_LEN);
	(void)snprintf(
	    s->wanted[s->count++], sizeof(s->wanted[0]), "%s", buf_cstr(&hex));
	return buf_done(&hex, e);
}

/* What stands between the lines of a private key. */
static struct str
pem_body(struct str secret)
{
	const size_t begin = str_search(secret, STR("-----BEGIN "));
	size_t from, end;

	if (begin == secret.len)
		return STR_NONE;
	from = begin + strlen("-----BEGIN ");
	from += str_search(str_from(secret, from), STR("-----"));
	if (from + strlen("-----") > secret.len)
		return STR_NONE;
	from += strlen("-----");
	end = str_search(str_from(secret, from), STR("-----END "));
	return str_n(secret.s + from, end);
}

/* The mask keeps what tells the kind of a token, and hashes the rest: where
 * that begins is not known here. */
static int
want_all(struct search *s, const uint8_t key[SHA256_LEN], struct str secret,
    struct err *e)
{
	const struct str pem = pem_body(secret);
	int r = pem.len > 0 ? want(s, key, pem, e) : ERR_OK;

	secret = str_trim(secret);
	for (size_t i = 0;
	     r == 0 && i <= PREFIX_MAX && i + SECRET_MIN <= secret.len; i++)
		r = want(s, key, str_from(secret, i), e);
	return r;
}

/* ---- the rows --------------------------------------------------------------- */

static bool
has_any(const struct search *s, struct str body)
{
	const size_t at = str_search(body, STR(MASKED_KEY));
	struct str hashes;

	if (at == body.len)
		return false;
	hashes = str_from(body, at);
	hashes = str_head(hashes, str_find(hashes, ']'));
	for (size_t i = 0; i < s->count; i++) {
		if (str_search(hashes, str_of(s->wanted[i])) < hashes.len)
			return true;
	}
	return false;
}

static void
tell(const struct row_view *v, struct buf *out)
{
	buf_printf(out, "%6llu  ", (unsigned long long)v->row->seq);
	text_time(out, v->row->time_real_ns);
	buf_puts(out, "  ");
	if (v->row->action_id.s != NULL) {
		text_escape(out, v->row->action_id);
		buf_puts(out, "  ");
	}
	cmdlog_tell(v, out);
}

static int
on_row(void *ctx, const struct row_view *v, struct err *e)
{
	struct search *s = ctx;

	if (v->body.s == NULL || !has_any(s, v->body))
		return ERR_OK;
	s->found++;
	if (s->json)
		row_json(v, &s->out);
	else
		tell(v, &s->out);
	buf_putc(&s->out, '\n');
	return cmdlog_flush_some(&s->out, e);
}

static int
search(struct search *s, const char *state, struct err *e)
{
	AUTO(reader_closep) struct reader *reader = NULL;
	AUTO_BUF struct buf dir = BUF_INIT(PATH_BYTES_MAX);
	AUTO_BUF struct buf secret = BUF_INIT(SECRET_BYTES_MAX);
	uint8_t key[SHA256_LEN];
	int r = cmdlog_open(state, &dir, &reader, e);

	if (r == 0)
		r = mask_key_load(buf_cstr(&dir), false, key, e);
	if (r == 0)
		r = read_secret(&secret, e);
	if (r == 0)
		r = want_all(s, key, buf_str(&secret), e);
	if (secret.s != NULL)
		explicit_bzero(secret.s, secret.cap);
	if (r == 0)
		r = reader_each(
		    reader, &(struct log_query){ .limit = 0 }, on_row, s, e);
	return r == 0 ? cmdlog_flush(&s->out, e) : r;
}

static int
run(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct search s = { .out = BUF_INIT(LOG_OUT_BYTES_MAX) };
	struct err e = ERR_INIT;
	int status = EXIT_OK, r;
	const int at = command_parse(
	    &cmdlog_find_secret, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at < argc)
		return command_usage_error(&cmdlog_find_secret,
		    "the secret comes on standard input: on the command line "
		    "others would see it");
	s.json = values[OPT_JSON] != NULL;
	r = search(&s, values[OPT_STATE], &e);
	buf_free(&s.out);
	if (r != 0)
		return cmdlog_error(&cmdlog_find_secret, &e);
	if (s.found == 0 && !s.json)
		(void)fputs("it was not seen\n", stderr);
	return s.found > 0 ? EXIT_OK : EXIT_DENIED;
}

const struct command cmdlog_find_secret = {
	.name = "log find-secret",
	.summary = "Where a secret that you know was seen",
	.usage = "log find-secret [OPTIONS] < FILE",
	.details =
	    "The log masks secrets and keeps a keyed hash of each (the key is "
	    "mask.key in the\nstate folder). Give the secret on standard "
	    "input: "
	    "the rows are shown in which it\nwas masked. Exit 0 when there are "
	    "any, 1 when not. Values that no pattern\nrecognised were not "
	    "masked, "
	    "and are not found by this.",
	.example = "assent log find-secret < leaked-token.txt",
	.options = options,
	.option_count = OPT_COUNT,
	.run = run,
};
