/*
 * Questions about the administrator's requirements.
 * Runs in: every role, tools.  Trusts: the configuration.  Owns: nothing.
 */
#include "requirements.h"

#include <string.h>

#include "base/jsonw.h"
#include "base/mem.h"
#include "base/text.h"
#include "host_pattern.h"

static const char *const kind_names[] = {
	[REQUIREMENT_ALLOWED] = "allowed",
	[REQUIREMENT_DENIED] = "denied",
	[REQUIREMENT_FORCED] = "forced",
};

static const char *const kind_verbs[] = {
	[REQUIREMENT_ALLOWED] = "permits",
	[REQUIREMENT_DENIED] = "forbids",
	[REQUIREMENT_FORCED] = "forces",
};

const struct config_requirement *
requirement_find(
    const struct config_ceiling *c, const char *key, enum requirement_kind kind)
{
	for (size_t i = 0; c != NULL && i < c->line_count; i++) {
		if (c->lines[i].kind == kind &&
		    strcmp(c->lines[i].key, key) == 0)
			return &c->lines[i];
	}
	return NULL;
}

static void
put_values(const struct config_requirement *q, struct buf *out)
{
	for (size_t i = 0; i < q->values.count; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		text_escape(out, str_of(q->values.items[i]));
	}
}

void
requirement_put(const struct config_requirement *q, struct buf *out)
{
	text_escape(out, str_of(q->where));
	buf_printf(out, " %s ", kind_verbs[q->kind]);
	put_values(q, out);
}

static bool
covers(const struct config_requirement *q, const char *host)
{
	for (size_t i = 0; i < q->values.count; i++) {
		if (host_pattern_covers(
			str_of(q->values.items[i]), str_of(host)))
			return true;
	}
	return false;
}

/* What is asked for may be wider than what is denied: both ways round. */
static bool
touches(const struct config_requirement *q, const char *host)
{
	for (size_t i = 0; i < q->values.count; i++) {
		const struct str denied = str_of(q->values.items[i]);

		if (host_pattern_meets(denied, str_of(host)))
			return true;
	}
	return false;
}

bool
requirements_permit_host(const struct config_ceiling *c, const char *host,
    const struct config_requirement **ret)
{
	const struct config_requirement *denied =
	    requirement_find(c, "hosts", REQUIREMENT_DENIED);
	const struct config_requirement *allowed =
	    requirement_find(c, "hosts", REQUIREMENT_ALLOWED);

	*ret = denied;
	if (denied != NULL && (host == NULL || touches(denied, host)))
		return false;
	*ret = allowed;
	return allowed == NULL || (host != NULL && covers(allowed, host));
}

bool
requirements_permit_client(const struct config_ceiling *c, const char *agent,
    const struct config_requirement **ret)
{
	const struct config_requirement *q =
	    requirement_find(c, "clients", REQUIREMENT_ALLOWED);

	*ret = q;
	for (size_t i = 0; q != NULL && i < q->values.count; i++) {
		if (strcmp(q->values.items[i],
			agent == NULL ? REQUIREMENT_UNNAMED : agent) == 0)
			return true;
	}
	return q == NULL;
}

void
requirements_to_json(const struct config_ceiling *c, struct buf *out)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kstr(&w, "file", c->file);
	jsonw_key(&w, "requirements");
	jsonw_array(&w);
	for (size_t i = 0; i < c->line_count; i++) {
		const struct config_requirement *q = &c->lines[i];

		jsonw_object(&w);
		jsonw_kstr(&w, "key", q->key);
		jsonw_kstr(&w, "kind", kind_names[q->kind]);
		jsonw_key(&w, "values");
		jsonw_array(&w);
		for (size_t n = 0; n < q->values.count; n++)
			jsonw_cstr(&w, q->values.items[n]);
		jsonw_end(&w);
		jsonw_kstr(&w, "where", q->where);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
}

void
requirements_to_text(const struct config_ceiling *c, struct buf *out)
{
	if (c->file == NULL) {
		buf_puts(out, "no requirements: every setting is free\n");
		return;
	}
	for (size_t i = 0; i < c->line_count; i++) {
		const struct config_requirement *q = &c->lines[i];

		buf_printf(out, "%-24s %-8s ", q->key, kind_names[q->kind]);
		put_values(q, out);
		buf_puts(out, "  (");
		text_escape(out, str_of(q->where));
		buf_puts(out, ")\n");
	}
}
