/*
 * A provider: its settings, its key, and how it is doing.
 * Runs in: reviewer.  Trusts: the configuration.  Owns: the key.
 */
#include "provider.h"

#include <string.h>

#include "base/log.h"

int
provider_open(
    struct provider *p, const struct config_provider *c, struct err *e)
{
	const char *why = NULL;

	*p = (struct provider){ .c = c };
	p->format = wire_format_of(str_of(c->format));
	if (p->format == NULL)
		return err_set(e, ERR_INVALID,
		    "provider '%s' has an unknown format", c->name);
	p->key_wanted = c->key_file != NULL || c->key_env != NULL ||
	    c->key_command.count > 0;
	p->key_known = !p->key_wanted;
	if (c->url != NULL && provider_url_parse(c->url, &p->url, &why) != 0)
		return err_set(
		    e, ERR_INVALID, "provider '%s': %s", c->name, why);
	if ((c->url == NULL) != (p->format->get == NULL))
		return err_set(e, ERR_INVALID,
		    "provider '%s' has a format that does not fit", c->name);
	return ERR_OK;
}

void
provider_close(struct provider *p)
{
	secret_freep(&p->key);
}

static bool
is_key(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] <= ' ' || s.s[i] >= 0x7f)
			return false;
	}
	return s.len > 0 && s.len <= KEY_BYTES_MAX;
}

void
provider_take_key(struct provider *p, struct str bytes)
{
	const struct str key = str_trim(bytes);

	p->key_known = true;
	secret_freep(&p->key);
	if (is_key(key))
		p->key = secret_new(key.s, key.len);
	if (p->key == NULL)
		log_err("no-key",
		    "provider=%s why=what its key was to be read from is "
		    "empty, or not one line of visible ASCII",
		    p->c->name);
}

/* "some-model" also goes by "some-model-2026-03-01". */
static bool
is_dated(const char *returned, const char *model)
{
	const size_t len = strlen(model);
	const char *rest = returned + len;

	return strncmp(returned, model, len) == 0 && rest[0] == '-' &&
	    strlen(rest) >= 5 && strspn(rest, "-0123456789") == strlen(rest);
}

bool
provider_is_model(const struct provider *p, const char *returned)
{
	if (p->c->model == NULL)
		return true; /* a program is what it is */
	if (returned != NULL &&
	    (strcmp(returned, p->c->model) == 0 ||
		is_dated(returned, p->c->model)))
		return true;
	for (size_t i = 0; i < p->c->aliases.count; i++) {
		const char *alias = p->c->aliases.items[i];

		if (strcmp(alias, "*") == 0 ||
		    (returned != NULL && strcmp(alias, returned) == 0))
			return true;
	}
	return false;
}

void
provider_saw(struct provider *p, const struct call_result *r, int64_t now_ns)
{
	p->calls++;
	p->fresh = r->cause != NULL;
	if (r->cause == NULL) {
		if (p->last_cause != NULL)
			log_info("provider-well", "provider=%s", p->c->name);
		breaker_ok(&p->breaker);
		p->last_cause = NULL;
		p->told = false;
		return;
	}
	p->failures++;
	if (r->ours) {
		breaker_dropped(&p->breaker);
		return;
	}
	p->last_cause = r->cause;
	breaker_failed(&p->breaker, now_ns, r->hard);
	/* Once for each outage. */
	if (p->told || p->breaker.open_until_ns == 0)
		return;
	p->told = true;
	log_err("provider-down",
	    "provider=%s why=%s what=its questions go to the next provider or "
	    "to a person",
	    p->c->name, r->cause);
}

void
provider_status(const struct provider *p, int64_t now_ns, struct jsonw *w)
{
	jsonw_object(w);
	jsonw_kstr(w, "name", p->c->name);
	jsonw_kstr(w, "format", p->c->format);
	jsonw_kstr(w, "model", p->c->model);
	jsonw_kstr(w, "key",
	    !p->key_wanted       ? "none wanted"
		: p->key != NULL ? "there"
		: p->key_known   ? "missing"
				 : "awaited");
	jsonw_kstr(w, "breaker", breaker_state(&p->breaker, now_ns));
	jsonw_kstr(w, "last_failure", p->last_cause);
	jsonw_kint(w, "calls", (int64_t)p->calls);
	jsonw_kint(w, "failures", (int64_t)p->failures);
	jsonw_end(w);
}
