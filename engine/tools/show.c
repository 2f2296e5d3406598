/*
 * Actions and errors as text for people.
 * Runs in: assent.  Trusts: nothing; every text is escaped.  Owns: nothing.
 */
#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "client.h"

#define LINE_BYTES_MAX 160

static void
esc(struct buf *out, const char *text)
{
	text_escape(out, str_of(text));
}

static void
row(struct buf *out, const char *label, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	buf_printf(out, "  %-9s", label);
	esc(out, text);
	buf_putc(out, '\n');
}

/* ---- the question -------------------------------------------------------- */

/* Each line of a script with a mark, so that none passes for ours. */
static void
put_display(struct buf *out, const char *display)
{
	struct str rest = str_of(display);

	do {
		buf_puts(out, "  | ");
		text_escape(out, str_cut(&rest, '\n'));
		buf_putc(out, '\n');
	} while (rest.len > 0);
}

static void
put_list(struct buf *out, const char *label, const json_t *list)
{
	AUTO_BUF struct buf text = BUF_INIT(SHOW_BYTES_MAX);
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (i > 0)
			buf_puts(&text, ", ");
		buf_puts(&text,
		    json_is_string(item) ? json_string_value(item) : "?");
	}
	row(out, label, buf_cstr(&text));
}

/* What the run would be permitted. */
static void
put_profile(struct buf *out, const json_t *explanation)
{
	const json_t *p = json_object_get(explanation, "profile");

	row(out, "profile", client_text(p, "name"));
	row(out, "network", client_text(p, "network"));
	put_list(out, "writes", json_object_get(p, "write"));
	put_list(out, "reads", json_object_get(p, "read"));
}

static void
put_effect(struct buf *out, const json_t *effect)
{
	const char *decision = client_text(effect, "decision");
	const char *kind = client_text(effect, "kind");
	const char *target = client_text(effect, "target");

	if (decision == NULL || kind == NULL || strcmp(decision, "allow") == 0)
		return;
	buf_puts(out, "  ");
	buf_printf(out, "%-9s", "");
	esc(out, decision);
	buf_puts(out, ": ");
	esc(out, kind);
	if (target != NULL) {
		buf_putc(out, ' ');
		esc(out, target);
	}
	buf_putc(out, '\n');
}

/* Only the parts that are not allowed: those are what is asked about. */
static void
put_parts(struct buf *out, const json_t *explanation)
{
	const json_t *part, *effect;
	size_t i, k;

	json_array_foreach(json_object_get(explanation, "parts"), i, part)
	{
		const char *decision = client_text(part, "decision");

		if (decision == NULL || strcmp(decision, "allow") == 0)
			continue;
		row(out, "part", client_text(part, "text"));
		row(out, "unclear", client_text(part, "not_understood"));
		json_array_foreach(json_object_get(part, "effects"), k, effect)
		    put_effect(out, effect);
	}
}

static void
put_rules(struct buf *out, const json_t *decision)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(decision, "rules"), i, rule)
	{
		const char *what = client_text(rule, "decision");
		const char *file = client_text(rule, "file");

		if (what == NULL || strcmp(what, "allow") == 0)
			continue;
		buf_printf(out, "  %-9s", "rule");
		esc(out, client_text(rule, "id"));
		if (file != NULL) {
			buf_puts(out, " (");
			esc(out, file);
			buf_printf(out, ":%lld)",
			    (long long)json_integer_value(
				json_object_get(rule, "line")));
		}
		buf_puts(out, ": ");
		esc(out, what);
		buf_putc(out, '\n');
	}
}

void
show_question(
    struct buf *out, const json_t *decision, const json_t *explanation)
{
	const json_t *p = json_object_get(decision, "proposal");
	const char *display = client_text(p, "display");

	if (display == NULL)
		display = client_text(explanation, "display");
	esc(out, client_text(decision, "id"));
	buf_puts(out, "  ");
	esc(out, client_text(decision, "risk"));
	buf_puts(out, " risk, ");
	esc(out, client_text(p, "tool"));
	buf_putc(out, '\n');
	put_display(out, display == NULL ? "(not shown)" : display);
	show_input(out, explanation);
	row(out, "in", client_text(p, "cwd"));
	row(out, "agent", client_text(p, "agent"));
	row(out, "session", client_text(p, "session"));
	row(out, "claims", client_text(p, "justification"));
	row(out, "why", client_text(decision, "reason"));
	put_rules(out, decision);
	put_parts(out, explanation);
	put_profile(out, explanation);
	row(out, "sha256", client_text(decision, "action_sha256"));
	row(out, "until", client_text(p, "answer_by"));
}

/* A line's worth; a cut is said, and never falls into a character. */
static void
put_short(struct buf *out, const char *text)
{
	AUTO_BUF struct buf whole = BUF_INIT(SHOW_BYTES_MAX);
	size_t end = LINE_BYTES_MAX;

	esc(&whole, text);
	if (whole.len <= LINE_BYTES_MAX) {
		buf_put_str(out, buf_str(&whole));
		return;
	}
	while (end > 0 && ((unsigned char)whole.s[end] & 0xc0) == 0x80)
		end--;
	buf_put(out, whole.s, end);
	buf_puts(out, " [...]");
}

void
show_question_line(struct buf *out, const json_t *decision)
{
	const json_t *p = json_object_get(decision, "proposal");
	const char *display = client_text(p, "display");

	esc(out, client_text(decision, "id"));
	buf_puts(out, "  ");
	esc(out, client_text(decision, "risk"));
	buf_puts(out, "  ");
	put_short(out, display == NULL ? "(not shown)" : display);
	buf_putc(out, '\n');
}

void
show_ruling(struct buf *out, const json_t *decision)
{
	const char *by = client_text(decision, "decided_by");
	const char *suggest = client_text(decision, "suggest");

	esc(out, client_text(decision, "decision"));
	buf_puts(out, " by ");
	esc(out, by == NULL ? "?" : by);
	buf_puts(out, ": ");
	esc(out, client_text(decision, "reason"));
	buf_putc(out, '\n');
	if (suggest != NULL) {
		buf_puts(out, "  try: ");
		esc(out, suggest);
		buf_putc(out, '\n');
	}
	put_rules(out, decision);
}

/* ---- out ----------------------------------------------------------------- */

int
show_print(const struct buf *out)
{
	if (buf_done(out, NULL) != 0)
		return EXIT_INTERNAL;
	if (fwrite(buf_cstr(out), 1, out->len, stdout) != out->len ||
	    fflush(stdout) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

int
show_json(const json_t *value)
{
	AUTO_FREE char *text = json_dumps(
	    value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);

	if (text == NULL || puts(text) < 0 || fflush(stdout) != 0)
		return EXIT_INTERNAL;
	return EXIT_OK;
}

int
show_error(const struct command *c, const struct err *e, int status)
{
	AUTO_BUF struct buf out = BUF_INIT(SHOW_BYTES_MAX);

	buf_printf(&out, "assent %s: ", c->name);
	esc(&out, e->msg);
	buf_putc(&out, '\n');
	(void)fputs(buf_cstr(&out), stderr);
	return status;
}
