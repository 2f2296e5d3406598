/*
 * The sink for syslog.
 * Runs in: reporter.  Trusts: nothing.  Owns: the socket, or the connection.
 */
#include "sink_syslog.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "datagram.h"
#include "model/syslog_url.h"
#include "syslog_stream.h"

#define LINE_BYTES_MAX ((size_t)64 << 10)
#define BATCH_BYTES_MAX ((size_t)32 << 20)

struct sink_syslog {
	struct sink sink;
	struct syslog_options o;
	enum syslog_way way;
	const char *where; /* behind the prefix */
	int fd; /* unix, udp */
	struct syslog_stream *stream; /* tcp, tls */
	sink_done_fn *done; /* of what is under way there */
	void *ctx;
};

/* ---- connecting ------------------------------------------------------------ */

static void
hang_up(struct sink_syslog *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

/* "127.0.0.1:514" or "[::1]:514": names would have to be looked up. */
static int
udp_address(const char *where, struct addrinfo **ret, struct err *e)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_DGRAM,
	};
	char host[64], port[8];
	const size_t colon = str_rfind(str_of(where), ':');
	struct str name = str_head(str_of(where), colon);

	if (str_starts(name, STR("[")) && str_ends(name, STR("]")))
		name = str_n(name.s + 1, name.len - 2);
	if (colon < strlen(where) && name.len < sizeof(host) &&
	    strlen(where + colon + 1) < sizeof(port)) {
		memcpy(host, name.s, name.len);
		host[name.len] = '\0';
		(void)snprintf(port, sizeof(port), "%s", where + colon + 1);
		if (getaddrinfo(host, port, &hints, ret) == 0)
			return ERR_OK;
	}
	return err_set(e, ERR_INVALID,
	    "'%.64s' is no address and port, such as 127.0.0.1:514", where);
}

static int
connect_udp(struct sink_syslog *s, struct err *e)
{
	struct addrinfo *to = NULL;
	int r = udp_address(s->where, &to, e);

	if (r != 0)
		return r;
	s->fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, to->ai_addr, to->ai_addrlen) != 0)
		r = err_sys(e, "cannot reach '%s'", s->where);
	freeaddrinfo(to);
	return r;
}

static int
connect_to(struct sink_syslog *s, struct err *e)
{
	if (s->fd >= 0)
		return ERR_OK;
	return s->way == SYSLOG_UNIX ? datagram_connect(s->where, &s->fd, e)
				     : connect_udp(s, e);
}

/* ---- sending --------------------------------------------------------------- */

/* A datagram a row. */
static int
send_datagrams(struct sink_syslog *s, json_t *const *rows, size_t count,
    size_t *ret_taken, struct err *e)
{
	const int64_t deadline_ns = loop_now_ns() + DATAGRAM_WITHIN_NS;
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES_MAX);

	for (size_t i = 0; i < count; i++) {
		struct iovec bytes;
		const struct msghdr m = { .msg_iov = &bytes, .msg_iovlen = 1 };

		buf_reset(&line);
		syslog_line(&s->o.from, rows[i], &line);
		if (buf_done(&line, e) != 0)
			return ERR_LIMIT;
		bytes =
		    (struct iovec){ .iov_base = line.s, .iov_len = line.len };
		if (datagram_send(s->fd, &m, deadline_ns) != 0)
			return err_sys(e, "cannot send to '%s'", s->o.url);
		*ret_taken = i + 1;
	}
	return ERR_OK;
}

/* ---- over a connection ------------------------------------------------------ */

static void
on_sent(void *ctx, int r, const struct err *why)
{
	struct sink_syslog *s = ctx;

	sink_tell(s->done, s->ctx, r, 0, why);
}

static int
put_counted(
    struct sink_syslog *s, json_t *const *rows, size_t count, struct buf *all)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES_MAX);

	for (size_t i = 0; i < count; i++) {
		buf_reset(&line);
		syslog_line(&s->o.from, rows[i], &line);
		if (buf_done(&line, NULL) != 0)
			return ERR_LIMIT;
		buf_printf(all, "%zu ", line.len);
		buf_put_str(all, buf_str(&line));
	}
	return buf_done(all, NULL);
}

static void
send_counted(struct sink_syslog *s, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	AUTO_BUF struct buf all = BUF_INIT(BATCH_BYTES_MAX);
	struct err why = ERR_INIT;
	int r = put_counted(s, rows, count, &all);

	if (r != 0) {
		r = err_set(&why, r, "rows are too long for a batch");
		sink_tell(done, ctx, r, 0, &why);
		return;
	}
	s->done = done;
	s->ctx = ctx;
	syslog_stream_send(s->stream, &all, on_sent, s);
}

/* ---- the sink ------------------------------------------------------------------ */

static void
syslog_send(struct sink *sink, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;
	struct err why = ERR_INIT;
	size_t taken = 0;
	int r;

	if (s->stream != NULL) {
		send_counted(s, rows, count, done, ctx);
		return;
	}
	r = connect_to(s, &why);
	if (r == 0)
		r = send_datagrams(s, rows, count, &taken, &why);
	if (r != 0)
		hang_up(s);
	sink_tell(done, ctx, r, taken, &why);
}

static void
syslog_close(struct sink *sink)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;

	hang_up(s);
	syslog_stream_free(s->stream);
	mem_freep(&s);
}

static int
open_stream(struct sink_syslog *s, struct err *e)
{
	if (s->way != SYSLOG_TCP && s->way != SYSLOG_TLS)
		return ERR_OK;
	return syslog_stream_new(
	    &(struct syslog_stream_options){
		.loop = s->o.loop,
		.curl = s->o.curl,
		.where = s->where,
		.encrypted = s->way == SYSLOG_TLS,
		.name = s->o.url,
		.tls = s->o.tls,
	    },
	    &s->stream, e);
}

int
sink_syslog_new(
    const struct syslog_options *o, struct sink **ret, struct err *e)
{
	static const struct sink_ops ops = {
		.send = syslog_send,
		.close = syslog_close,
	};
	struct sink_syslog *s = mem_new(1, sizeof(*s));
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->sink = (struct sink){ .ops = &ops, .name = "syslog" };
	s->o = *o;
	s->fd = -1;
	if (syslog_url_parse(o->url, &s->way, &s->where) != 0) {
		mem_freep(&s);
		return err_set(e, ERR_INVALID,
		    "'%.80s' is no syslog destination: " SYSLOG_URL_FORMS,
		    o->url);
	}
	r = open_stream(s, e);
	if (r != 0) {
		mem_freep(&s);
		return r;
	}
	*ret = &s->sink;
	return ERR_OK;
}
