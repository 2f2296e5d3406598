/*
 * The output of a run as it comes: bytes to files, inert text to terminals.
 * Runs in: assent.  Trusts: nothing of the output.  Owns: nothing.
 */
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"
#include "model/json_in.h"
#include "run.h"

#define CHUNK_MAX ((size_t)64 << 20)

static int
write_out(const struct run *r, int fd, struct str bytes, struct err *e)
{
	AUTO_BUF struct buf shown = BUF_INIT(CHUNK_MAX);
	int result;

	if (r->raw || isatty(fd) != 1)
		return fdio_write_all(fd, bytes.s, bytes.len, e);
	text_escape_block(&shown, bytes);
	result = buf_done(&shown, e);
	if (result != 0)
		return result;
	return fdio_write_all(fd, shown.s, shown.len, e);
}

/* The bytes of an event: a JSON string, or base64 in one. */
static int
event_bytes(struct str data, bool base64, struct buf *out, struct err *e)
{
	json_auto_t *json = NULL;
	struct str text;
	int r = json_in(data, &json, e);

	if (r != 0)
		return r;
	if (!json_is_string(json))
		return err_set(e, ERR_INTERNAL, "output that is no text");
	text = str_n(json_string_value(json), json_string_length(json));
	if (!base64)
		buf_put_str(out, text);
	else if (text_unbase64(text, out) != 0)
		return err_set(e, ERR_INTERNAL, "output that is no base64");
	return buf_done(out, e);
}

static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	const struct run *r = ctx;
	const bool base64 = str_ends(name, STR("-base64"));
	AUTO_BUF struct buf bytes = BUF_INIT(CHUNK_MAX);
	int result;

	if (!str_starts(name, STR("stdout")) &&
	    !str_starts(name, STR("stderr")))
		return ERR_OK;
	result = event_bytes(data, base64, &bytes, e);
	if (result != 0)
		return result;
	return write_out(
	    r, str_starts(name, STR("stderr")) ? 2 : 1, buf_str(&bytes), e);
}

int
run_stream(struct run *r, struct err *e)
{
	AUTO(client_reply_done) struct client_reply reply = CLIENT_REPLY_INIT;
	int result;

	result = run_call(r, r->client, "/output",
	    &(struct client_request){
		.method = "GET", .on_event = on_event, .ctx = r },
	    &reply, e);
	return result != 0 ? result : client_expect(&reply, e);
}
