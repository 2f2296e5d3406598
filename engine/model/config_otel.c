/*
 * How OTLP leaves: as the configuration says, else as the standard OTEL_*
 * variables of the daemon's own environment say. The configuration wins, so
 * that nobody's environment takes away what an administrator requires.
 * Runs in: supervisor, tools.  Trusts: who started the daemon.  Owns: nothing.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "config_int.h"
#include "model/provider_url.h"

#define POST_MS 10000
#define POST_MS_MAX 600000
#define VARIABLE_BYTES_MAX ((size_t)64 << 10)
#define VARIABLE_NAME_MAX 64
#define EXPORTER "OTEL_EXPORTER_OTLP_"

static const struct {
	const char *name, *path;
} signals[OTLP_SIGNALS] = {
	[OTLP_LOGS] = { "LOGS", "v1/logs" },
	[OTLP_TRACES] = { "TRACES", "v1/traces" },
	[OTLP_METRICS] = { "METRICS", "v1/metrics" },
};

struct otel {
	struct reading *r;
	const char *const *environment;
	struct err *e;
	int failed; /* the first failure that is no finding */
};

/* ---- variables ------------------------------------------------------------ */

/* An empty one is as good as none, says the specification. */
static const char *
variable(const struct otel *o, const char *name)
{
	const size_t len = strlen(name);
	const char *const *at = o->environment;

	for (; at != NULL && *at != NULL; at++) {
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=' &&
		    (*at)[len + 1] != '\0')
			return *at + len + 1;
	}
	return NULL;
}

/* OTEL_EXPORTER_OTLP_LOGS_TIMEOUT, else OTEL_EXPORTER_OTLP_TIMEOUT; ret_name
 * is the one that counts, for findings. */
static const char *
of_signal(const struct otel *o, enum otlp_signal s, const char *what,
    char ret_name[static VARIABLE_NAME_MAX])
{
	const char *value;

	(void)snprintf(ret_name, VARIABLE_NAME_MAX, EXPORTER "%s_%s",
	    signals[s].name, what);
	value = variable(o, ret_name);
	if (value != NULL)
		return value;
	(void)snprintf(ret_name, VARIABLE_NAME_MAX, EXPORTER "%s", what);
	return variable(o, ret_name);
}

/* Values may hold keys: none is shown. */
static void
refuse(struct otel *o, const char *name, const char *hint)
{
	diag_add(o->r->diags,
	    &(struct diag){ .severity = DIAG_ERROR,
		.code = "E207",
		.file = "environment",
		.hint = hint },
	    "%s cannot be used: unset it, or set it right", name);
}

/* ---- lists: name=value,name=value, percent-encoded ------------------------- */

static bool
put_decoded(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.s[i];

		if (c == '%') {
			if (text_unhex(
				str_head(str_from(text, i + 1), 2), &c, 1) != 0)
				return false;
			i += 2;
		}
		/* a line could begin another header */
		if (iscntrl((unsigned char)c))
			return false;
		buf_putc(out, c);
	}
	return true;
}

static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!isalnum((unsigned char)s.s[i]) &&
		    strchr("!#$%&'*+-.^_`|~/", s.s[i]) == NULL)
			return false;
	}
	return s.len > 0;
}

/* One of them as a line, with between in the middle; else why not. */
static const char *
put_line(struct buf *out, struct str one, const char *between)
{
	const bool has_value = str_find(one, '=') < one.len;
	const struct str key = str_trim(str_cut(&one, '='));

	if (!has_value || !is_name(key))
		return "write name=value,name=value";
	buf_put_str(out, key);
	buf_puts(out, between);
	if (!put_decoded(out, str_trim(one)))
		return "values are percent-encoded text";
	buf_putc(out, '\n');
	return out->failed == 0 ? NULL : "it is too long";
}

/* NULL after a finding. */
static const char *
lines_of(
    struct otel *o, const char *name, const char *value, const char *between)
{
	AUTO_BUF struct buf out = BUF_INIT(VARIABLE_BYTES_MAX);
	struct str rest = str_of(value);
	const char *text = NULL, *why = NULL;

	while (why == NULL && rest.len > 0) {
		const struct str one = str_trim(str_cut(&rest, ','));

		if (one.len > 0)
			why = put_line(&out, one, between);
	}
	if (why == NULL)
		text = arena_strndup(o->r->arena, buf_cstr(&out), out.len);
	else
		refuse(o, name, why);
	if (out.s != NULL)
		explicit_bzero(out.s, out.len);
	return text;
}

/* ---- one signal ------------------------------------------------------------- */

static const char *
joined(struct otel *o, const char *base, const char *path)
{
	AUTO_BUF struct buf out = BUF_INIT(VARIABLE_BYTES_MAX);

	buf_puts(&out, base);
	if (out.len > 0 && out.s[out.len - 1] != '/')
		buf_putc(&out, '/');
	buf_puts(&out, path);
	return arena_strndup(o->r->arena, buf_cstr(&out), out.len);
}

static void
set_url(struct otel *o, enum otlp_signal s, struct config_otlp_way *w)
{
	char name[VARIABLE_NAME_MAX];
	const char *value = of_signal(o, s, "ENDPOINT", name);
	const char *why = "write https://HOST:4318";
	struct provider_url url;

	if (value == NULL)
		return;
	if (provider_url_parse(value, &url, &why) != 0 || url.is_unix) {
		refuse(o, name, why);
		return;
	}
	/* what is meant for one signal is the whole address */
	w->url = strcmp(name, EXPORTER "ENDPOINT") == 0
	    ? joined(o, value, signals[s].path)
	    : arena_strdup(o->r->arena, value);
}

static void
set_form(struct otel *o, enum otlp_signal s, struct config_otlp_way *w)
{
	char name[VARIABLE_NAME_MAX];
	const char *value = of_signal(o, s, "PROTOCOL", name);

	if (value == NULL || strcmp(value, "http/protobuf") == 0)
		w->protocol = OTLP_PROTOBUF;
	else if (strcmp(value, "http/json") == 0)
		w->protocol = OTLP_JSON;
	else
		refuse(o, name,
		    "http/protobuf or http/json, with the collector's port "
		    "for HTTP (4318)");
	value = of_signal(o, s, "COMPRESSION", name);
	w->gzip = value == NULL || strcmp(value, "gzip") == 0;
	if (!w->gzip && strcmp(value, "none") != 0)
		refuse(o, name, "gzip or none");
}

static void
set_timeout(struct otel *o, enum otlp_signal s, struct config_otlp_way *w)
{
	char name[VARIABLE_NAME_MAX];
	const char *value = of_signal(o, s, "TIMEOUT", name);
	uint64_t ms = POST_MS;

	if (value != NULL &&
	    num_parse_u64(str_of(value), 1, POST_MS_MAX, &ms) != 0)
		refuse(o, name, "milliseconds, at most 600000");
	w->timeout_ms = (int64_t)ms;
}

static const char *
path_of(struct otel *o, enum otlp_signal s, const char *what)
{
	char name[VARIABLE_NAME_MAX];
	const char *value = of_signal(o, s, what, name);

	if (value != NULL && value[0] != '/') {
		refuse(o, name, "a path that begins with /");
		return NULL;
	}
	return value == NULL ? NULL : arena_strdup(o->r->arena, value);
}

static void
set_tls(struct otel *o, enum otlp_signal s, struct config_otlp_way *w)
{
	const char *cert = path_of(o, s, "CLIENT_CERTIFICATE");
	const char *key = path_of(o, s, "CLIENT_KEY");

	w->ca_file = path_of(o, s, "CERTIFICATE");
	if ((cert == NULL) != (key == NULL))
		refuse(o, EXPORTER "CLIENT_CERTIFICATE",
		    "it belongs together with " EXPORTER "CLIENT_KEY");
	else if (cert != NULL && o->failed == 0)
		o->failed =
		    config_read_pair(o->r, cert, key, &w->cert, &w->key, o->e);
}

static bool
is_on(struct otel *o, enum otlp_signal s)
{
	char name[VARIABLE_NAME_MAX];
	const char *value;

	(void)snprintf(name, sizeof(name), "OTEL_%s_EXPORTER", signals[s].name);
	value = variable(o, name);
	if (value == NULL || strcmp(value, "otlp") == 0)
		return true;
	if (strcmp(value, "none") != 0)
		refuse(o, name, "otlp or none");
	return false;
}

static void
set_from_environment(struct otel *o, enum otlp_signal s)
{
	struct config_otlp_way w = { .url = NULL };
	char name[VARIABLE_NAME_MAX];
	const char *headers = of_signal(o, s, "HEADERS", name);

	if (!is_on(o, s))
		return;
	set_url(o, s, &w);
	if (w.url == NULL)
		return;
	if (headers != NULL)
		w.headers = lines_of(o, name, headers, ": ");
	set_form(o, s, &w);
	set_timeout(o, s, &w);
	set_tls(o, s, &w);
	o->r->config->otlp_ways[s] = w;
}

static void
set_from_file(struct otel *o, enum otlp_signal s)
{
	struct config *c = o->r->config;

	c->otlp_ways[s] = (struct config_otlp_way){
		.url = joined(o, c->otlp, signals[s].path),
		.protocol = c->otlp_protocol,
		.timeout_ms = POST_MS,
		.gzip = true,
		.ca_file = c->telemetry_ca_file,
		.headers = c->otlp_headers,
		.cert = c->telemetry_cert,
		.key = c->telemetry_key,
	};
}

/* ---- who we are -------------------------------------------------------------- */

static void
set_resource(struct otel *o)
{
	const char *service = variable(o, "OTEL_SERVICE_NAME");
	const char *list = variable(o, "OTEL_RESOURCE_ATTRIBUTES");
	struct config *c = o->r->config;

	if (list != NULL)
		c->otlp_resource =
		    lines_of(o, "OTEL_RESOURCE_ATTRIBUTES", list, "=");
	if (service == NULL)
		return;
	if (text_find_hidden(str_of(service), NULL) < strlen(service))
		refuse(o, "OTEL_SERVICE_NAME", "one line of plain text");
	else
		c->otlp_service = arena_strdup(o->r->arena, service);
}

static bool
is_disabled(const struct otel *o)
{
	const char *value = variable(o, "OTEL_SDK_DISABLED");

	return value != NULL && strcasecmp(value, "true") == 0;
}

int
config_set_otlp(
    struct reading *r, const char *const *environment, struct err *e)
{
	struct otel o = { .r = r, .environment = environment, .e = e };
	const bool from_file = r->config->otlp != NULL;

	for (unsigned s = 0; s < OTLP_SIGNALS; s++) {
		if (from_file)
			set_from_file(&o, (enum otlp_signal)s);
		else if (!is_disabled(&o))
			set_from_environment(&o, (enum otlp_signal)s);
	}
	if (o.failed == 0 && config_has_otlp(r->config))
		set_resource(&o);
	return o.failed;
}
