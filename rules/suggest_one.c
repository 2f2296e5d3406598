/*
 * A rule file from one action: what rules suggest would write of it alone.
 * Runs in: engine.  Trusts: nothing in the action.  Owns: nothing.
 *
 * It allows, so it lifts no deny and no floor: the strictest rule wins
 * whatever it says.
 */
#include "suggest_one.h"

#include <string.h>

#include "suggest.h"

static void
suggest_freep(struct suggest **s)
{
	if (*s != NULL)
		suggest_done(*s);
	mem_freep(s);
}

static bool
is_some(const struct suggest *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (suggest_is_kept(s, &s->v[i]))
			return true;
	}
	return false;
}

static int
check(struct str text, struct err *e)
{
	AUTO(ruleset_freep) struct ruleset *set = NULL;
	AUTO(diags_freep) struct diags *d = diags_new();
	const struct rule_text file = {
		.name = "suggested.yaml",
		.layer = LAYER_USER,
		.text = text,
	};

	return ruleset_parse(&file, 1, d, &set, e);
}

/* A host of a run: a name in its one form, or an address. */
static bool
is_plain_host(const char *host)
{
	return host[0] != '\0' &&
	    strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") ==
	    strlen(host);
}

/* That a run asked about: the very host and port, whatever connects. */
static int
suggest_host(const struct action *a, struct buf *out, struct err *e)
{
	const struct classification *c = &a->classification;
	const char *host = a->proposal.input.hosts[0];
	int r;

	if (c->floor || c->decision == DECISION_DENY || !is_plain_host(host))
		return err_set(e, ERR_DENIED,
		    "no rule is made of this: rules decide it already");
	buf_puts(out, "assent: 1\nrules:\n  - id: site.network.");
	for (const char *at = host; *at != '\0'; at++)
		buf_putc(out, strchr(":[]_", *at) == NULL ? *at : '-');
	buf_printf(out,
	    "\n    title: Connections to %s\n    host: [\"%s\"]\n"
	    "    covers: {connect: [\"%s\"]}\n    decision: allow\n"
	    "    reason: A person allowed it while a call ran.\n",
	    host, host, host);
	r = buf_done(out, e);
	return r != 0 ? r : check(buf_str(out), e);
}

int
suggest_one(const struct action *a, struct buf *out, struct err *e)
{
	AUTO(suggest_freep) struct suggest *s = mem_new(1, sizeof(*s));
	int r;

	if (s == NULL)
		return err_nomem(e);
	if (a->during != NULL && a->proposal.input.host_count == 1)
		return suggest_host(a, out, e);
	s->min = 1;
	r = suggest_learn(s, a, e);
	if (r != 0)
		return r;
	if (!is_some(s))
		return err_set(e, ERR_DENIED, "no rule is made of this: %s",
		    s->reason_count > 0 ? s->reasons[0].text
					: "it is answered one by one");
	suggest_text(s, out);
	r = buf_done(out, e);
	return r != 0 ? r : check(buf_str(out), e);
}
