/*
 * The output of a run as it comes: bytes to files, inert text to terminals.
 * Runs in: assent.  Trusts: nothing of the output.  Owns: nothing.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"
#include "model/json_in.h"
#include "run.h"

#define CHUNK_MAX ((size_t)64 << 20)

/* Room for some bytes; signals and keys are not kept waiting by a pipe that
 * nobody reads, or a terminal that was stopped. */
static int
wait_for_room(struct run *r, int fd, struct err *e)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLOUT },
		{ .fd = run_wake_fd(r), .events = POLLIN },
	};

	do {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for its reader");
		if (fds[1].revents != 0) {
			const int result = run_wake(r, e);

			if (result != 0)
				return result;
		}
	} while (fds[0].revents == 0);
	return ERR_OK;
}

/* Not more at once than a pipe with room takes without waiting. */
static int
write_bytes(struct run *r, int fd, struct str bytes, struct err *e)
{
	while (bytes.len > 0) {
		const size_t n = bytes.len < PIPE_BUF ? bytes.len : PIPE_BUF;
		int result = wait_for_room(r, fd, e);

		if (result == 0)
			result = fdio_write_all(fd, bytes.s, n, e);
		if (result != 0)
			return result;
		bytes = str_from(bytes, n);
	}
	return ERR_OK;
}

static int
write_out(struct run *r, int fd, struct str bytes, struct err *e)
{
	AUTO_BUF struct buf shown = BUF_INIT(CHUNK_MAX);
	int result;

	r->shown[fd - 1] += bytes.len;
	if (r->raw || isatty(fd) != 1)
		return write_bytes(r, fd, bytes, e);
	text_escape_block(&shown, bytes);
	result = buf_done(&shown, e);
	return result == 0 ? write_bytes(r, fd, buf_str(&shown), e) : result;
}

static uint64_t
counts(const json_t *json, const char *stream)
{
	return (uint64_t)json_integer_value(json_object_get(json, stream));
}

/* How much there was, in all: is this what was shown? */
static int
check_end(struct run *r, struct str data, struct err *e)
{
	json_auto_t *json = NULL;
	int result = json_in(data, &json, e);

	if (result != 0)
		return result;
	r->whole = counts(json, "stdout") == r->shown[0] &&
	    counts(json, "stderr") == r->shown[1];
	return ERR_OK;
}

/* The bytes of an event: a JSON string, or base64 in one. */
static int
event_bytes(struct str data, bool base64, struct buf *out, struct err *e)
{
	json_auto_t *json = NULL;
	int r;

	/* Nothing in base64 is written otherwise in JSON. */
	if (base64) {
		if (data.len < 2 || data.s[0] != '"' ||
		    data.s[data.len - 1] != '"' ||
		    text_unbase64(str_n(data.s + 1, data.len - 2), out) != 0)
			return err_set(
			    e, ERR_INTERNAL, "output that is no base64");
		return ERR_OK;
	}
	r = json_in(data, &json, e);
	if (r != 0)
		return r;
	if (!json_is_string(json))
		return err_set(e, ERR_INTERNAL, "output that is no text");
	buf_put_str(
	    out, str_n(json_string_value(json), json_string_length(json)));
	return buf_done(out, e);
}

static int
on_event(void *ctx, struct str name, struct str data, struct err *e)
{
	struct run *r = ctx;
	const bool base64 = str_ends(name, STR("-base64"));
	AUTO_BUF struct buf bytes = BUF_INIT(CHUNK_MAX);
	int result;

	if (str_eq(name, STR("done")))
		return check_end(r, data, e);
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

	/* What it is for is gone when this process is. */
	result = run_call(r, r->client, "/output?disconnect=end",
	    &(struct client_request){
		.method = "GET", .on_event = on_event, .ctx = r },
	    &reply, e);
	return result != 0 ? result : client_expect(&reply, e);
}
