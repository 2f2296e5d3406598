/*
 * From settings to sinks.
 * Runs in: reporter.  Trusts: the configuration.  Owns: what the sinks share:
 * libcurl, the texts of headers.
 */
#include "sinks.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "sink_file.h"
#include "sink_journal.h"
#include "sink_otlp.h"
#include "sink_syslog.h"
#include "sink_webhook.h"

#define HEADERS_MAX 16
#define HEADER_LINE_MAX 4096
#define ARENA_BYTES ((size_t)256 << 10)
#define POST_TIMEOUT_MS 10000

struct headers {
	const char *lines[HEADERS_MAX];
	size_t count;
};

struct sinks_own {
	struct loop *loop;
	struct curl_loop *curl;
	struct arena *arena;
	struct utsname machine;
	struct headers headers[OTLP_SIGNALS];
};

/* "Name: value" and nothing that could begin another header. */
static int
take_header(
    struct sinks_own *o, struct headers *h, struct str line, struct err *e)
{
	struct str value = line;
	const struct str name = str_trim(str_cut(&value, ':'));

	if (h->count == HEADERS_MAX)
		return err_set(
		    e, ERR_LIMIT, "more than %d headers", HEADERS_MAX);
	if (name.len == 0 || str_trim(value).len == 0 ||
	    line.len > HEADER_LINE_MAX || str_find(name, ' ') < name.len)
		return err_set(e, ERR_INVALID,
		    "headers for the collector: write 'Name: value', a header "
		    "a line");
	h->lines[h->count++] = arena_strndup(o->arena, line.s, line.len);
	return arena_failed(o->arena) ? err_nomem(e) : ERR_OK;
}

static int
take_headers(
    struct sinks_own *o, struct headers *h, const char *text, struct err *e)
{
	struct str rest = str_of(text);
	int r = 0;

	while (r == 0 && rest.len > 0) {
		const struct str line = str_trim(str_cut(&rest, '\n'));

		if (line.len > 0)
			r = take_header(o, h, line, e);
	}
	return r;
}

static void
take_attribute(struct sinks_own *o, struct str line, struct otlp_resource *ret)
{
	struct str value = line;
	const struct str name = str_cut(&value, '=');
	const char *key = arena_strndup(o->arena, name.s, name.len);
	const char *text = arena_strndup(o->arena, value.s, value.len);

	if (key == NULL || text == NULL || name.len == 0)
		return;
	if (ret->service == NULL && strcmp(key, "service.name") == 0)
		ret->service = text;
	else if (ret->attr_count < RESOURCE_ATTRS_MAX)
		ret->attrs[ret->attr_count++] =
		    (struct attr){ .name = key, .text = text };
	else
		log_warn("ignoring", "why=more than %d resource attributes",
		    RESOURCE_ATTRS_MAX);
}

static void
take_resource(
    struct sinks_own *o, const struct config *c, struct otlp_resource *ret)
{
	struct str rest = str_of(c->otlp_resource);

	*ret = (struct otlp_resource){
		.version = ASSENT_VERSION,
		.host = o->machine.nodename,
		.service = c->otlp_service,
		.pid = getpid(),
	};
	while (rest.len > 0)
		take_attribute(o, str_cut(&rest, '\n'), ret);
}

static void
take_way(const struct config_otlp_way *from, const struct headers *h,
    struct otlp_way *ret)
{
	*ret = (struct otlp_way){
		.url = from->url,
		.form = from->protocol == OTLP_JSON ? WIRE_JSON : WIRE_PROTOBUF,
		.headers = h->lines,
		.header_count = h->count,
		.tls = { .ca_file = from->ca_file,
		    .cert = from->cert,
		    .key = from->key },
		.gzip = from->gzip,
		.timeout_ms = from->timeout_ms,
	};
}

static int
open_otlp(struct sinks_own *o, const struct config *c, struct sink **ret,
    struct err *e)
{
	struct otlp_options *to = arena_alloc(o->arena, sizeof(*to));
	int r = 0;

	if (to == NULL)
		return err_nomem(e);
	*to = (struct otlp_options){ .curl = o->curl,
		.real_ns = loop_realtime_ns };
	take_resource(o, c, &to->who);
	for (unsigned i = 0; r == 0 && i < OTLP_SIGNALS; i++) {
		if (c->otlp_ways[i].headers != NULL)
			r = take_headers(
			    o, &o->headers[i], c->otlp_ways[i].headers, e);
		take_way(&c->otlp_ways[i], &o->headers[i], &to->ways[i]);
	}
	return r == 0 ? sink_otlp_new(to, ret, e) : r;
}

static struct web_tls
tls_of(const struct config *c)
{
	return (struct web_tls){
		.ca_file = c->telemetry_ca_file,
		.cert = c->telemetry_cert,
		.key = c->telemetry_key,
	};
}

static int
open_syslog(struct sinks_own *o, const struct config *c, struct sink **ret,
    struct err *e)
{
	struct syslog_options *to = arena_alloc(o->arena, sizeof(*to));

	if (to == NULL)
		return err_nomem(e);
	*to = (struct syslog_options){
		.loop = o->loop,
		.curl = o->curl,
		.url = c->syslog,
		.tls = tls_of(c),
		.from = { .host = o->machine.nodename, .pid = getpid() },
	};
	return sink_syslog_new(to, ret, e);
}

static int
open_file(struct sinks_own *o, const struct config *c, struct sink **ret,
    struct err *e)
{
	struct file_options *to = arena_alloc(o->arena, sizeof(*to));

	if (to == NULL)
		return err_nomem(e);
	*to = (struct file_options){ .path = c->telemetry_file };
	return sink_file_new(to, ret, e);
}

static int
open_journal(struct sinks_own *o, const struct config *c, struct sink **ret,
    struct err *e)
{
	const struct journal_options to = { .path = c->journal };

	(void)o;
	return sink_journal_new(&to, ret, e);
}

static int
open_webhook(struct sinks_own *o, const struct config *c, struct sink **ret,
    struct err *e)
{
	struct webhook_options *to = arena_alloc(o->arena, sizeof(*to));

	if (to == NULL)
		return err_nomem(e);
	*to = (struct webhook_options){
		.curl = o->curl,
		.url = c->webhook,
		.key = str_trim(str_of(c->webhook_key)),
		.tls = tls_of(c),
		.timeout_ms = POST_TIMEOUT_MS,
		.real_ns = loop_realtime_ns,
	};
	if (to->key.len == 0)
		return err_set(e, ERR_INVALID, "the webhook has no key");
	return sink_webhook_new(to, ret, e);
}

typedef int open_fn(struct sinks_own *o, const struct config *c,
    struct sink **ret, struct err *e);

static int
open_all(const struct config *c, struct sinks *s, struct err *e)
{
	const struct {
		bool wanted;
		open_fn *open;
	} kinds[SINKS_MAX] = {
		{ config_has_otlp(c), open_otlp },
		{ c->syslog != NULL, open_syslog },
		{ c->journal != NULL, open_journal },
		{ c->telemetry_file != NULL, open_file },
		{ c->webhook != NULL, open_webhook },
	};

	for (size_t i = 0; i < SINKS_MAX; i++) {
		int r;

		if (!kinds[i].wanted)
			continue;
		r = kinds[i].open(s->own, c, &s->items[s->count], e);
		if (r != 0)
			return r;
		s->count++;
	}
	return ERR_OK;
}

int
sinks_open(
    struct loop *l, const struct config *c, struct sinks *ret, struct err *e)
{
	struct sinks_own *o = mem_new(1, sizeof(*o));
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (o == NULL)
		return err_nomem(e);
	ret->own = o;
	o->loop = l;
	o->arena = arena_new(ARENA_BYTES);
	if (o->arena == NULL)
		r = err_nomem(e);
	else if (uname(&o->machine) != 0)
		r = err_sys(e, "cannot ask for the name of this machine");
	if (r == 0)
		r = curl_loop_new(l, &o->curl, e);
	return r == 0 ? open_all(c, ret, e) : r;
}

void
sinks_free(struct sinks *s)
{
	if (s->own == NULL)
		return;
	curl_loop_free(s->own->curl);
	arena_free(s->own->arena);
	mem_freep(&s->own);
}
