/*
 * Where the log is sent: addresses, and files with secrets.
 * Runs in: supervisor, tools.  Trusts: nothing.  Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "config_int.h"
#include "model/provider_url.h"
#include "model/syslog_url.h"

void
config_read_url(
    struct reading *r, const struct setting *s, const struct yaml *v)
{
	const char *text = config_text(r, v);
	const char *why = "write https://HOST/, or http://127.0.0.1:PORT/";
	struct provider_url url;

	if (text == NULL)
		return;
	if (provider_url_parse(text, &url, &why) != 0 || url.is_unix) {
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", why,
		    "%s: '%.*s' is no address of https, or of http on this "
		    "machine",
		    s->key, STR_ARG(v->text));
		return;
	}
	config_put_text(r, s, text);
}

void
config_read_syslog(
    struct reading *r, const struct setting *s, const struct yaml *v)
{
	const char *text = config_text(r, v), *where;
	enum syslog_way way;

	if (text == NULL)
		return;
	if (syslog_url_parse(text, &way, &where) == 0)
		config_put_text(r, s, text);
	else
		yaml_diag(r->diags, v, DIAG_ERROR, "E203", SYSLOG_URL_FORMS,
		    "'%.*s' is no syslog destination", STR_ARG(v->text));
}

static int
read_certificate(struct reading *r, struct err *e)
{
	struct config *c = r->config;

	if (c->telemetry_cert_file == NULL && c->telemetry_key_file == NULL)
		return ERR_OK;
	if (c->telemetry_cert_file == NULL || c->telemetry_key_file == NULL) {
		const char *key = c->telemetry_key_file == NULL
		    ? "telemetry.cert_file"
		    : "telemetry.key_file";

		yaml_diag(r->diags, config_place_of(r, key), DIAG_ERROR, "E206",
		    "give both",
		    "telemetry.cert_file and telemetry.key_file "
		    "belong together");
		return ERR_OK;
	}
	return config_read_pair(r, c->telemetry_cert_file,
	    c->telemetry_key_file, &c->telemetry_cert, &c->telemetry_key, e);
}

int
config_read_pair(struct reading *r, const char *cert, const char *key,
    const char **ret_cert, const char **ret_key, struct err *e)
{
	struct str text = STR_NONE;
	int rc = config_read_owned(cert, false, r->arena, &text, e);

	if (rc == 0)
		rc = config_read_secret(
		    r, key, "openssl genpkey -algorithm ed25519", ret_key, e);
	if (rc != 0)
		return rc;
	*ret_cert = arena_strndup(r->arena, text.s, text.len);
	return *ret_cert == NULL ? err_nomem(e) : ERR_OK;
}

int
config_check_telemetry(
    struct reading *r, const char *const *environment, struct err *e)
{
	struct config *c = r->config;
	int rc = ERR_OK;

	if (c->webhook != NULL && c->webhook_key_file == NULL)
		yaml_diag(r->diags, config_place_of(r, "telemetry.webhook"),
		    DIAG_ERROR, "E206", "add webhook_key_file: FILE beside it",
		    "telemetry.webhook needs telemetry.webhook_key_file");
	if (c->webhook != NULL && c->webhook_key_file != NULL)
		rc = config_read_secret(r, c->webhook_key_file,
		    "head -c 32 /dev/urandom | base64", &c->webhook_key, e);
	if (rc == 0 && c->otlp != NULL && c->otlp_headers_file != NULL)
		rc = config_read_secret(r, c->otlp_headers_file,
		    "echo 'Authorization: Bearer ...'", &c->otlp_headers, e);
	if (rc == 0)
		rc = read_certificate(r, e);
	return rc == 0 ? config_set_otlp(r, environment, e) : rc;
}
