/*
 * Say who answers reviews, and how they are.
 * Runs in: assent.  Trusts: nothing of the daemon's texts (they are escaped).
 * Owns: nothing.
 */
#include "show_reviewer.h"

#include <string.h>

#include "base/text.h"
#include "client.h"

static const char *
text_of(const json_t *j, const char *key)
{
	const char *text = client_text(j, key);

	return text == NULL ? "?" : text;
}

static bool
is_on(const json_t *reviewer)
{
	return json_is_true(json_object_get(reviewer, "configured"));
}

const char *
reviewer_trouble(const json_t *reviewer)
{
	if (!is_on(reviewer))
		return NULL;
	if (!json_is_true(json_object_get(reviewer, "there")))
		return "its process is down; a person is asked meanwhile";
	return NULL;
}

const char *
provider_trouble(const json_t *provider)
{
	if (strcmp(text_of(provider, "key"), "missing") == 0)
		return "its key is missing";
	if (strcmp(text_of(provider, "breaker"), "closed") != 0)
		return "it could not be reached and is left alone for a while";
	return NULL;
}

static void
put_provider(const json_t *p, struct buf *out)
{
	const char *trouble = provider_trouble(p);

	buf_puts(out, "         ");
	text_escape(out, str_of(text_of(p, "name")));
	buf_puts(out, " (");
	text_escape(out, str_of(text_of(p, "format")));
	if (client_text(p, "model") != NULL) {
		buf_puts(out, ", ");
		text_escape(out, str_of(client_text(p, "model")));
	}
	buf_printf(
	    out, "): %s", trouble == NULL ? "no trouble is known" : trouble);
	if (strcmp(text_of(p, "breaker"), "closed") != 0) {
		buf_puts(out, "; breaker ");
		text_escape(out, str_of(text_of(p, "breaker")));
	}
	if (client_text(p, "last_failure") != NULL) {
		buf_puts(out, " (");
		text_escape(out, str_of(client_text(p, "last_failure")));
		buf_putc(out, ')');
	}
	buf_putc(out, '\n');
}

void
show_reviewer(const json_t *reviewer, struct buf *out)
{
	const json_t *provider;
	const json_t *state = json_object_get(reviewer, "state");
	const char *trouble = reviewer_trouble(reviewer);
	size_t i;

	if (!is_on(reviewer)) {
		buf_puts(out,
		    "reviewer none; what rules send to review goes to a "
		    "person\n");
		return;
	}
	buf_puts(out, "reviewer ");
	text_escape(out, str_of(text_of(reviewer, "mode")));
	buf_printf(out, "%s%s\n", trouble == NULL ? "" : "; ",
	    trouble == NULL ? "" : trouble);
	json_array_foreach(json_object_get(state, "providers"), i, provider)
	    put_provider(provider, out);
}
