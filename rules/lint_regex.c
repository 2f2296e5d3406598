/*
 * Regexes that can be made slow: looked at, and tried.
 * Runs in: assent.  Trusts: nothing in the files.  Owns: nothing.
 *
 * Trying: characters that the regex itself mentions are repeated, behind what
 * it begins with and before what it cannot match, until it gives up.
 */
#include "lint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "index.h"

#define UNITS_MAX 24
#define PUMP_LEN_MAX 4096

static bool
is_unbounded(struct str rest)
{
	if (rest.len == 0)
		return false;
	if (rest.s[0] == '*' || rest.s[0] == '+')
		/* A possessive one never goes back. */
		return rest.len < 2 || rest.s[1] != '+';
	return rest.s[0] == '{' &&
	    str_search(str_head(rest, str_find(rest, '}')), STR(",")) + 1 ==
	    str_find(rest, '}');
}

/*
 * Is there a group that is repeated without limit and holds something that is
 * repeated without limit?
 */
static bool
has_nested_repeat(struct str p)
{
	bool repeats[64] = { false };
	size_t depth = 0;

	for (size_t i = 0; i < p.len; i++) {
		if (p.s[i] == '\\') {
			i++;
			continue;
		}
		if (p.s[i] == '[') {
			i = regex_class_end(p, i) - 1;
			continue;
		}
		if (p.s[i] == '(' && depth + 1 < ARRAY_LEN(repeats)) {
			repeats[++depth] = false;
		} else if (p.s[i] == ')' && depth > 0) {
			const bool inner = repeats[depth--];

			if (inner && is_unbounded(str_from(p, i + 1)))
				return true;
			repeats[depth] = repeats[depth] || inner;
		} else if (is_unbounded(str_from(p, i))) {
			repeats[depth] = true;
		}
	}
	return false;
}

/* ---- pumping ----------------------------------------------------------- */

struct units {
	char v[UNITS_MAX][8];
	size_t count;
};

static void
add_unit(struct units *u, const char *text)
{
	if (u->count >= UNITS_MAX)
		return;
	for (size_t i = 0; i < u->count; i++) {
		if (strcmp(u->v[i], text) == 0)
			return;
	}
	(void)snprintf(u->v[u->count++], sizeof(u->v[0]), "%s", text);
}

/* Single characters of the pattern, pairs of them, and common others. */
static void
collect_units(struct str p, struct units *u)
{
	char last = '\0';

	add_unit(u, "a");
	add_unit(u, " ");
	add_unit(u, "a ");
	add_unit(u, "0");
	add_unit(u, "/a");
	add_unit(u, "-a ");
	for (size_t i = 0; i < p.len; i++) {
		char one[2] = { p.s[i], '\0' }, two[3] = { last, p.s[i], '\0' };

		if (!isalnum((unsigned char)p.s[i]) &&
		    strchr("/.-_=:@,", p.s[i]) == NULL)
			continue;
		add_unit(u, one);
		if (last != '\0')
			add_unit(u, two);
		last = p.s[i];
	}
}

/* head, unit * n, and a character that nothing expects. */
static void
pump_text(struct buf *b, struct str head, const char *unit, size_t n)
{
	buf_reset(b);
	buf_put_str(b, head);
	while (b->len < n)
		buf_puts(b, unit);
	buf_putc(b, '\x01');
}

static int64_t
no_time(void *ctx)
{
	(void)ctx;
	return 1;
}

static int
regex_pump(const struct regex *re, struct pump *ret, struct err *e)
{
	AUTO(regex_runner_freep) struct regex_runner *runner = NULL;
	AUTO_BUF struct buf text = BUF_INIT(REGEX_SUBJECT_MAX);
	char prefix[REGEX_PATTERN_MAX];
	struct units units = { .count = 0 };
	struct str head;
	int r;

	*ret = (struct pump){ .nested = has_nested_repeat(regex_pattern(re)) };
	r = regex_runner_new(no_time, NULL, &runner, e);
	if (r != 0)
		return r;
	head = str_n(prefix, regex_prefix(regex_pattern(re), prefix));
	collect_units(regex_pattern(re), &units);
	for (size_t n = 16; n <= PUMP_LEN_MAX; n *= 2) {
		for (size_t i = 0; i < units.count; i++) {
			pump_text(&text, head, units.v[i], n);
			regex_runner_begin(runner);
			if (regex_match(runner, re, buf_str(&text)) !=
			    REGEX_ERROR)
				continue;
			ret->gives_up_at = n;
			memcpy(ret->unit, units.v[i], sizeof(ret->unit));
			return ERR_OK;
		}
	}
	return ERR_OK;
}

static void
check_regex(struct classifier *c, const struct rule *r, struct diags *d)
{
	struct pump p;

	if (regex_pump(r->when.regex, &p, NULL) != 0)
		return;
	if (p.gives_up_at > 0)
		lint_finding(d, r, "L020",
		    "repeat one thing in one place only; [^ ]* instead of .*",
		    "the regex of '%s' gives up on %zu characters of '%s'%s: "
		    "that is %s",
		    r->id, p.gives_up_at, p.unit,
		    p.nested ? " (a repeat in a repeat)" : "",
		    r->decision == DECISION_ALLOW ? "no match then"
						  : "a match then");
	else if (p.nested)
		lint_finding(d, r, "L021", "a possessive repeat ('++') is safe",
		    "the regex of '%s' has a repeat in a repeat", r->id);
	if (index_always_tries(c->set, r))
		lint_finding(d, r, "L022",
		    "a word of four letters that every match holds is enough",
		    "the regex of '%s' is tried on every call", r->id);
}

void
lint_regexes(struct classifier *c, const struct cmd_rules *o, struct diags *d)
{
	for (size_t i = 0; i < c->set->rule_count; i++) {
		const struct rule *r = &c->set->rules[i];

		if (verb_is_subject(o, r->layer) && r->when.regex != NULL)
			check_regex(c, r, d);
	}
}
