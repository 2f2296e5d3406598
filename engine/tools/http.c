/*
 * HTTP/1.1 over a unix socket; http-parser reads the answer.
 * Runs in: assent.  Trusts: nothing that comes back.  Owns: the connection.
 */
#include "http.h"

#include <errno.h>
#include <http_parser.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/loop.h"
#include "base/mem.h"

#define CONNECT_TIMEOUT_S 5
#define READ_BYTES 65536
#define FIELD_NAME_MAX 16 /* longer than any name that is looked for */
#define NS_PER_MS 1000000

struct exchange {
	const struct http_call *call;
	http_parser parser;
	struct http_head head;
	char name[FIELD_NAME_MAX];
	size_t name_len, value_len;
	char *value; /* where the current header's value goes, or NULL */
	int64_t deadline_ns;
	int fd;
	bool in_value, is_whole;
	struct err why; /* of a function that ended it */
};

/* ---- the answer --------------------------------------------------------- */

static struct exchange *
exchange_of(const http_parser *p)
{
	return p->data;
}

/* A name that is too long is none of ours: its length says so. */
static int
on_field(http_parser *p, const char *bytes, size_t len)
{
	struct exchange *x = exchange_of(p);

	if (x->in_value) {
		x->in_value = false;
		x->name_len = 0;
	}
	if (x->name_len + len < sizeof(x->name))
		memcpy(x->name + x->name_len, bytes, len);
	x->name_len += len;
	return 0;
}

static bool
name_is(const struct exchange *x, const char *name)
{
	return x->name_len == strlen(name) &&
	    strncasecmp(x->name, name, x->name_len) == 0;
}

static int
on_value(http_parser *p, const char *bytes, size_t len)
{
	struct exchange *x = exchange_of(p);

	if (!x->in_value) {
		x->in_value = true;
		x->value_len = 0;
		x->value = NULL;
		if (name_is(x, "content-type"))
			x->value = x->head.content_type;
		else if (name_is(x, "etag"))
			x->value = x->head.etag;
	}
	if (x->value == NULL)
		return 0;
	if (x->value_len + len >= HTTP_FIELD_MAX)
		return err_set(&x->why, ERR_INTERNAL,
		    "the daemon's header '%.*s' is too long", (int)x->name_len,
		    x->name);
	memcpy(x->value + x->value_len, bytes, len);
	x->value_len += len;
	x->value[x->value_len] = '\0';
	return 0;
}

/* What tells where the answer ends. */
static bool
has_an_end(const http_parser *p)
{
	return (p->flags & (F_CHUNKED | F_CONTENTLENGTH)) != 0 ||
	    p->status_code == 204 || p->status_code == 304;
}

static int
on_head(http_parser *p)
{
	struct exchange *x = exchange_of(p);

	if (p->status_code < 200)
		return err_set(&x->why, ERR_INTERNAL,
		    "the daemon answers with status %u", p->status_code);
	if (!has_an_end(p))
		return err_set(&x->why, ERR_INTERNAL,
		    "the daemon's answer does not say where it ends");
	x->head.status = p->status_code;
	return x->call->on_head(x->call->ctx, &x->head, &x->why);
}

static int
on_body(http_parser *p, const char *bytes, size_t len)
{
	struct exchange *x = exchange_of(p);

	return x->call->on_body(x->call->ctx, str_n(bytes, len), &x->why);
}

static int
on_end(http_parser *p)
{
	exchange_of(p)->is_whole = true;
	http_parser_pause(p, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_end,
};

/* len 0: the other side closed. */
static int
feed(struct exchange *x, const char *bytes, size_t len, struct err *e)
{
	enum http_errno number;

	(void)http_parser_execute(&x->parser, &settings, bytes, len);
	number = HTTP_PARSER_ERRNO(&x->parser);
	if (x->why.code != ERR_OK) {
		if (e != NULL)
			*e = x->why;
		return x->why.code;
	}
	if (x->is_whole)
		return ERR_OK;
	if (number != HPE_OK)
		return err_set(e, ERR_INTERNAL,
		    "what comes from '%s' is not HTTP: %s", x->call->socket,
		    http_errno_description(number));
	if (len == 0)
		return err_set(e, ERR_SYS,
		    "the daemon at '%s' broke off its answer", x->call->socket);
	return ERR_OK;
}

/* ---- the connection ----------------------------------------------------- */

static int
connect_to(const char *path, int *ret, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = CONNECT_TIMEOUT_S };
	const size_t len = strlen(path);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, "cannot open a socket");
	if (len >= sizeof(to.sun_path))
		return err_set(e, ERR_LIMIT,
		    "the path '%.80s...' has %zu bytes; a socket's has at most "
		    "%zu: give the daemon a shorter --runtime",
		    path, len, sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, len);
	/* a full queue would otherwise wait for ever */
	if (setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
		return err_sys(e, "cannot limit the time to connect");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		return err_sys(e,
		    "no daemon answers at '%s'; start assentd, or name its "
		    "folder with --runtime",
		    path);
	*ret = TAKE_FD(fd);
	return fdio_nonblock(*ret, e);
}

static int
time_left_ms(const struct exchange *x, int *ret, struct err *e)
{
	const int64_t left = x->deadline_ns - loop_now_ns();

	*ret = -1;
	if (x->call->timeout_ms == 0)
		return ERR_OK;
	if (left <= 0)
		return err_set(e, ERR_SYS,
		    "the daemon at '%s' gave no answer in %lld seconds",
		    x->call->socket, (long long)x->call->timeout_ms / 1000);
	*ret =
	    left / NS_PER_MS < INT_MAX ? (int)(left / NS_PER_MS) + 1 : INT_MAX;
	return ERR_OK;
}

/* Until the connection is ready for these events. */
static int
wait_for(struct exchange *x, short events, struct err *e)
{
	struct pollfd fds[] = {
		{ .fd = x->fd, .events = events },
		{ .fd = x->call->interrupt_fd, .events = POLLIN },
	};
	int left_ms = 0, r;

	do {
		r = time_left_ms(x, &left_ms, e);
		if (r != 0)
			return r;
		if (poll(fds, ARRAY_LEN(fds), left_ms) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the daemon");
		if (fds[1].revents != 0) {
			r = x->call->interrupt(x->call->interrupt_ctx, e);
			if (r != 0)
				return r;
		}
	} while (fds[0].revents == 0);
	return ERR_OK;
}

static int
broken(const struct exchange *x, struct err *e)
{
	return err_sys(e, "talking to the daemon at '%s'", x->call->socket);
}

/* A daemon that answers before it read everything is heard, too. */
static int
send_all(struct exchange *x, struct err *e)
{
	struct str rest = x->call->request;

	while (rest.len > 0) {
		const ssize_t n =
		    send(x->fd, rest.s, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r = ERR_OK;

		if (n >= 0)
			rest = str_from(rest, (size_t)n);
		else if (errno == EAGAIN)
			r = wait_for(x, POLLOUT, e);
		else if (errno == EPIPE || errno == ECONNRESET)
			return ERR_OK;
		else if (errno != EINTR)
			r = broken(x, e);
		if (r != 0)
			return r;
	}
	return ERR_OK;
}

static int
receive(struct exchange *x, struct err *e)
{
	AUTO_FREE char *bytes = mem_new(1, READ_BYTES);
	int r = ERR_OK;

	if (bytes == NULL)
		return err_nomem(e);
	while (r == 0 && !x->is_whole) {
		const ssize_t n = recv(x->fd, bytes, READ_BYTES, MSG_DONTWAIT);

		if (n >= 0)
			r = feed(x, bytes, (size_t)n, e);
		else if (errno == EAGAIN)
			r = wait_for(x, POLLIN, e);
		else if (errno != EINTR)
			r = broken(x, e);
	}
	return r;
}

int
http_exchange(const struct http_call *call, struct err *e)
{
	AUTO_FD int fd = -1;
	struct exchange x = { .call = call, .why = ERR_INIT };
	int r = connect_to(call->socket, &fd, e);

	if (r != 0)
		return r;
	x.fd = fd;
	x.deadline_ns = loop_now_ns() + call->timeout_ms * NS_PER_MS;
	http_parser_init(&x.parser, HTTP_RESPONSE);
	x.parser.data = &x;
	r = send_all(&x, e);
	return r != 0 ? r : receive(&x, e);
}
