/*
 * The sink for syslog.
 * Runs in: reporter.  Trusts: libcurl.  Owns: the socket, or the connection
 * that libcurl made.
 */
#include "sink_syslog.h"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "datagram.h"
#include "model/syslog_url.h"

#define URL_BYTES_MAX 1024
#define LINE_BYTES_MAX ((size_t)64 << 10)
#define BATCH_BYTES_MAX ((size_t)32 << 20)
#define CONNECT_MS 3000L
#define SEND_MS 5000
#define ACKNOWLEDGE_MS 5000
#define POLL_STEP_MS 20
#define NS_PER_MS 1000000

struct sink_syslog {
	struct sink sink;
	struct syslog_options o;
	enum syslog_way way;
	const char *where; /* behind the prefix */
	int fd; /* unix, udp: ours; else libcurl's */
	CURL *curl; /* tcp, tls */
};

/* ---- connecting ------------------------------------------------------------ */

static void
hang_up(struct sink_syslog *s)
{
	if (s->curl != NULL)
		curl_easy_cleanup(s->curl);
	else if (s->fd >= 0)
		(void)close(s->fd);
	s->curl = NULL;
	s->fd = -1;
}

static CURLcode
curl_connect(struct sink_syslog *s, const char *url)
{
	CURLcode code = curl_set_connect(s->curl, url, CONNECT_MS);

	if (code == CURLE_OK)
		code = curl_set_tls(s->curl, &s->o.tls);
	return code == CURLE_OK ? curl_easy_perform(s->curl) : code;
}

static int
connect_stream(struct sink_syslog *s, struct err *e)
{
	char url[URL_BYTES_MAX];
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode code;

	(void)snprintf(url, sizeof(url), "%s://%s",
	    s->way == SYSLOG_TLS ? "https" : "http", s->where);
	s->curl = curl_easy_init();
	if (s->curl == NULL)
		return err_nomem(e);
	code = curl_connect(s, url);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd);
	if (code != CURLE_OK || fd == CURL_SOCKET_BAD)
		return err_set(e, ERR_SYS, "cannot connect to '%s': %s",
		    s->o.url, curl_easy_strerror(code));
	s->fd = fd;
	return ERR_OK;
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
	switch (s->way) {
	case SYSLOG_UNIX:
		return datagram_connect(s->where, &s->fd, e);
	case SYSLOG_UDP:
		return connect_udp(s, e);
	case SYSLOG_TCP:
	case SYSLOG_TLS:
		return connect_stream(s, e);
	}
	return ERR_INTERNAL;
}

/* ---- sending --------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	return loop_now_ns() / NS_PER_MS;
}

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

static bool
wait_for(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	const int64_t left = deadline_ms - now_ms();

	return left > 0 && poll(&p, 1, (int)left) > 0;
}

static int
send_stream(struct sink_syslog *s, struct str bytes, struct err *e)
{
	const int64_t deadline = now_ms() + SEND_MS;

	while (bytes.len > 0) {
		size_t n = 0;
		const CURLcode code =
		    curl_easy_send(s->curl, bytes.s, bytes.len, &n);

		bytes = str_from(bytes, n);
		if (code == CURLE_OK)
			continue;
		if (code != CURLE_AGAIN)
			return err_set(e, ERR_SYS, "sending to '%s': %s",
			    s->o.url, curl_easy_strerror(code));
		if (!wait_for(s->fd, POLLOUT, deadline))
			return err_set(
			    e, ERR_SYS, "'%s' does not read", s->o.url);
	}
	return ERR_OK;
}

/* Until the peer's kernel has all of it; a peer that has hung up has not. */
static int
wait_acknowledged(struct sink_syslog *s, struct err *e)
{
	const int64_t deadline = now_ms() + ACKNOWLEDGE_MS;
	int queued = 0;

	for (;;) {
		if (wait_for(s->fd, POLLRDHUP, now_ms() + 1))
			return err_set(
			    e, ERR_SYS, "'%s' has hung up", s->o.url);
		if (ioctl(s->fd, SIOCOUTQ, &queued) != 0)
			return err_sys(e, "cannot ask about '%s'", s->o.url);
		if (queued == 0)
			return ERR_OK;
		if (now_ms() >= deadline)
			return err_set(
			    e, ERR_SYS, "'%s' does not answer", s->o.url);
		(void)poll(NULL, 0, POLL_STEP_MS);
	}
}

static int
send_counted(
    struct sink_syslog *s, json_t *const *rows, size_t count, struct err *e)
{
	AUTO_BUF struct buf all = BUF_INIT(BATCH_BYTES_MAX);
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES_MAX);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		buf_reset(&line);
		syslog_line(&s->o.from, rows[i], &line);
		r = buf_done(&line, e);
		buf_printf(&all, "%zu ", line.len);
		buf_put_str(&all, buf_str(&line));
	}
	if (r == 0)
		r = buf_done(&all, e);
	if (r == 0)
		r = send_stream(s, buf_str(&all), e);
	return r == 0 ? wait_acknowledged(s, e) : r;
}

static void
syslog_send(struct sink *sink, json_t *const *rows, size_t count,
    sink_done_fn *done, void *ctx)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;
	struct err why = ERR_INIT;
	size_t taken = 0;
	int r = connect_to(s, &why);

	if (r == 0)
		r = s->curl != NULL
		    ? send_counted(s, rows, count, &why)
		    : send_datagrams(s, rows, count, &taken, &why);
	if (r != 0)
		hang_up(s);
	sink_tell(done, ctx, r, taken, &why);
}

static void
syslog_close(struct sink *sink)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;

	hang_up(s);
	mem_freep(&s);
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
	*ret = &s->sink;
	return ERR_OK;
}
