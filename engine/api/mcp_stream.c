/*
 * Streams of a session: events on their way to a client, and kept for when it
 * comes back.
 * Runs in: front.  Trusts: nothing.  Owns: streams and their events.
 */
#include <stdlib.h>

#include "base/log.h"
#include "hooks/rpc.h"
#include "mcp_hub.h"

#define RETRY_MS 1000 /* when a client that was cut off comes back */
#define SEQ_BITS 32
#define HEAD_MAX 64 /* of an event */

struct event {
	struct event *next;
	uint32_t seq;
	size_t len;
	char text[];
};

struct mcp_stream {
	struct mcp_http *session;
	struct mcp_stream *next;
	uint32_t number, seq; /* seq: of the latest event */
	uint32_t lost; /* events up to this one are not kept */
	char *request_id; /* of the call, or NULL */
	struct client *client; /* NULL: nobody listens */
	bool opened, over;
	struct event *first, *last;
};

static uint64_t
event_id(const struct mcp_stream *st, uint32_t seq)
{
	return (uint64_t)st->number << SEQ_BITS | seq;
}

/* ---- what is kept -------------------------------------------------------- */

static void
forget_first(struct mcp_stream *st)
{
	struct event *ev = st->first;

	st->first = ev->next;
	if (st->first == NULL)
		st->last = NULL;
	st->lost = ev->seq;
	st->session->kept -= ev->len;
	st->session->hub->kept -= ev->len;
	free(ev);
}

static void
stream_free(struct mcp_stream *st)
{
	if (st->client != NULL)
		mcp_stream_cut(st, true);
	while (st->first != NULL)
		forget_first(st);
	st->session->stream_count--;
	free(st->request_id);
	free(st);
}

/* The oldest event of all streams but those of this one that are newer. */
static bool
make_room(struct mcp_http *s, size_t len)
{
	while (len > MCP_KEPT_BYTES_MAX - s->kept) {
		struct mcp_stream *oldest = NULL;

		/* the latest stream comes first */
		for (struct mcp_stream *st = s->streams; st != NULL;
		     st = st->next) {
			if (st->first != NULL)
				oldest = st;
		}
		if (oldest == NULL)
			return false;
		forget_first(oldest);
	}
	return len <= MCP_KEPT_ALL_BYTES_MAX - s->hub->kept;
}

static void
keep(struct mcp_stream *st, struct str message)
{
	struct mcp_http *s = st->session;
	struct event *ev;

	if (message.len > MCP_KEPT_BYTES_MAX || !make_room(s, message.len) ||
	    (ev = malloc(sizeof(*ev) + message.len)) == NULL) {
		st->lost = st->seq;
		return;
	}
	ev->next = NULL;
	ev->seq = st->seq;
	ev->len = message.len;
	memcpy(ev->text, message.s, message.len);
	*(st->last == NULL ? &st->first : &st->last->next) = ev;
	st->last = ev;
	s->kept += ev->len;
	s->hub->kept += ev->len;
}

/* ---- to the client ------------------------------------------------------- */

static void
put_event(struct buf *out, const struct mcp_stream *st, uint32_t seq,
    struct str message)
{
	buf_printf(
	    out, "id: %llu\ndata: ", (unsigned long long)event_id(st, seq));
	buf_put_str(out, message);
	buf_puts(out, "\n\n");
}

static void
detach(struct mcp_stream *st)
{
	struct client *c = TAKE_PTR(st->client);

	if (c == NULL)
		return;
	c->stream = NULL;
	if (c->link != NULL)
		link_end(c->link, STR_NONE);
}

void
mcp_stream_cut(struct mcp_stream *st, bool over)
{
	st->over = st->over || over;
	detach(st);
}

void
mcp_stream_client_gone(struct mcp_stream *st, const struct client *c)
{
	if (st->client == c)
		st->client = NULL;
}

void
mcp_stream_put(struct mcp_stream *st, struct str message)
{
	AUTO_BUF struct buf out = BUF_INIT(message.len + HEAD_MAX);

	/* nobody asked for it yet: it is not for anybody */
	if (!st->opened)
		return;
	st->seq++;
	keep(st, message);
	if (st->client == NULL)
		return;
	put_event(&out, st, st->seq, message);
	if (buf_done(&out, NULL) == 0 &&
	    link_chunk(st->client->link, buf_str(&out)))
		return;
	log_warn("stream_dropped", "request=%s uid=%u", st->client->request_id,
	    st->client->peer.uid);
	st->client->close_after = true;
	detach(st);
}

/* ---- coming and going ---------------------------------------------------- */

/* One that is over makes room. */
static void
drop_oldest(struct mcp_http *s)
{
	struct mcp_stream **at = NULL;

	for (struct mcp_stream **p = &s->streams; *p != NULL; p = &(*p)->next) {
		if ((*p)->over && (*p)->number != 0)
			at = p;
	}
	if (at != NULL) {
		struct mcp_stream *st = *at;

		*at = st->next;
		stream_free(st);
	}
}

int
mcp_stream_new(
    struct mcp_http *s, struct str request_id, struct mcp_stream **ret)
{
	struct mcp_stream *st;

	if (s->stream_count >= MCP_STREAMS_MAX)
		drop_oldest(s);
	if (s->stream_count >= MCP_STREAMS_MAX)
		return ERR_LIMIT;
	st = mem_new(1, sizeof(*st));
	if (st == NULL)
		return ERR_NOMEM;
	if (request_id.len > 0)
		st->request_id = mem_strndup(request_id.s, request_id.len);
	st->session = s;
	st->number = s->next_stream++;
	st->next = s->streams;
	s->streams = st;
	s->stream_count++;
	*ret = st;
	return ERR_OK;
}

void
mcp_streams_free(struct mcp_http *s)
{
	while (s->streams != NULL) {
		struct mcp_stream *st = s->streams;

		s->streams = st->next;
		stream_free(st);
	}
}

struct mcp_stream *
mcp_stream_find(struct mcp_http *s, uint64_t event)
{
	struct mcp_stream *st = s->streams;

	while (st != NULL && st->number != event >> SEQ_BITS)
		st = st->next;
	return st;
}

/* What was missed; where it is not there any more, that is said. */
static void
put_missed(struct buf *out, struct mcp_stream *st, uint32_t after)
{
	AUTO_BUF struct buf gone = BUF_INIT(1024);

	for (const struct event *ev = st->first; ev != NULL; ev = ev->next) {
		if (ev->seq > after)
			put_event(out, st, ev->seq, str_n(ev->text, ev->len));
	}
	if (st->lost <= after || !st->over || st->last != NULL ||
	    st->request_id == NULL)
		return;
	rpc_put_error(&gone, str_of(st->request_id), RPC_INTERNAL,
	    "the answer was too long to be kept; check_approval tells what "
	    "became of the action");
	put_event(out, st, st->seq, buf_str(&gone));
}

/* A stream begins with an event of no data, to which a client that is cut off
 * can come back; older clients take that for a message. */
void
mcp_stream_open(struct mcp_stream *st, struct client *c, uint64_t after)
{
	AUTO_BUF struct buf out =
	    BUF_INIT(2 * (MCP_KEPT_BYTES_MAX + HTTP_BODY_BYTES_MAX));

	detach(st);
	st->opened = true;
	st->client = c;
	c->stream = st;
	if (mcp_session_primes(st->session->said))
		buf_printf(&out, "id: %llu\nretry: %d\ndata: \n\n",
		    (unsigned long long)event_id(st, (uint32_t)after),
		    RETRY_MS);
	else
		buf_puts(&out, ":\n\n");
	put_missed(&out, st, (uint32_t)after);
	client_answer(c,
	    &(struct answer){
		.status = 200,
		.type = BODY_EVENTS,
		.body = buf_str(&out),
		.chunks = true,
		.session = st->session->id,
	    });
	if (st->over)
		detach(st);
}
