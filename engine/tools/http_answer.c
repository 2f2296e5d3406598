/*
 * The answer to an HTTP request, and the connection that it comes by.
 * Runs in: assent.  Trusts: nothing that comes back.  Owns: nothing.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/fdio.h"
#include "base/loop.h"
#include "base/mem.h"
#include "http_int.h"

#define CONNECT_TIMEOUT_S 5

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

int
http_feed(struct exchange *x, const char *bytes, size_t len, struct err *e)
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
connect_unix(const char *path, bool waits, int *ret, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = CONNECT_TIMEOUT_S };
	const size_t len = strlen(path);
	AUTO_FD int fd = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);

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

/* A program of this machine; where it is not, the first write says so. */
static int
connect_loopback(const struct http_call *call, int *ret, struct err *e)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(call->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	AUTO_FD int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(e, "cannot open a socket");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno != EINPROGRESS)
		return err_sys(e, "nobody answers at '%s'", call->socket);
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

int
http_connect(const struct http_call *call, bool waits, int *ret, struct err *e)
{
	return call->port != 0 ? connect_loopback(call, ret, e)
			       : connect_unix(call->socket, waits, ret, e);
}

void
http_begin(struct exchange *x, const struct http_call *call)
{
	*x = (struct exchange){ .call = call, .why = ERR_INIT, .fd = -1 };
	x->deadline_ns = loop_now_ns() + call->timeout_ms * HTTP_NS_PER_MS;
	http_parser_init(&x->parser, HTTP_RESPONSE);
	x->parser.data = x;
}

int
http_late(const struct exchange *x, struct err *e)
{
	return err_set(e, ERR_SYS,
	    "the daemon at '%s' gave no answer in %lld seconds",
	    x->call->socket, (long long)x->call->timeout_ms / 1000);
}

int
http_broken(const struct exchange *x, struct err *e)
{
	return err_sys(e, "talking to the daemon at '%s'", x->call->socket);
}
