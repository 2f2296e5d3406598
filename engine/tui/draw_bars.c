/*
 * The header, the line that says what is possible now, and the keys.
 * Runs in: assent.  Trusts: the model; texts are made safe here.
 * Owns: nothing.
 */
#include <string.h>

#include "base/mem.h"
#include "draw.h"

#define LINE_BYTES ((size_t)8192)
#define BAR_CELLS 10
#define NARROW_COLUMNS 64
#define SHORT_NS ((int64_t)30 * 1000000000)

static void
put_safe(struct buf *out, const struct tui *m, const char *text,
    enum style style, size_t cut)
{
	(void)safe_cstr(out, text,
	    &(struct safe_how){ .style = style, .utf8 = m->utf8, .cut = cut });
}

/* ---- the header ---------------------------------------------------------- */

static int64_t
oldest_ns(const struct tui_list *l)
{
	return l->count > 0 ? l->at[0].since_ns : 0;
}

static void
put_health(struct buf *line, const struct tui *m)
{
	const struct tui_health *h = &m->health;

	if (!m->link) {
		buf_puts(line, "  NO DAEMON");
		return;
	}
	if (!h->known)
		return;
	buf_puts(line, h->ready ? "  ready" : "  NOT READY (6)");
	if (h->settings_bad)
		buf_puts(line, "  settings REFUSED (6)");
	if (h->rules_bad) {
		buf_puts(line, "  rules BROKEN (6)");
	} else if (h->rules[0] != '\0') {
		buf_puts(line, "  rules ");
		put_safe(line, m, h->rules, STYLE_BAR, 12);
	}
	if (h->reviewer[0] != '\0') {
		buf_puts(line, "  reviewer ");
		put_safe(line, m, h->reviewer, STYLE_BAR, 20);
	}
	if (h->log_seq != 0)
		buf_printf(line, "  log %llu", (unsigned long long)h->log_seq);
	if (h->export[0] != '\0') {
		buf_printf(line, "  export %s", h->export_bad ? "FAILS, " : "");
		put_safe(line, m, h->export, STYLE_BAR, 20);
		buf_puts(line, " behind");
	}
}

void
draw_header(const struct tui *m, struct grid *g, int64_t wall)
{
	const struct tui_list *l = &m->lists[VIEW_WAITING];
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	grid_fill(g, 0, 0, g->columns, ' ', STYLE_BAR);
	buf_printf(&line, " assent  %zu waiting", l->count);
	if (oldest_ns(l) != 0) {
		buf_puts(&line, "  oldest ");
		draw_span(&line, wall - oldest_ns(l));
	}
	put_health(&line, m);
	(void)grid_put(g, 0, 0, g->columns, buf_str(&line), STYLE_BAR);
}

/* ---- what is possible now ------------------------------------------------ */

static void
put_arming(struct buf *out, const struct tui *m, int64_t now)
{
	const int64_t left = tui_arming(m, now);
	const int full = (int)((TUI_ARM_NS - left) * BAR_CELLS / TUI_ARM_NS);

	buf_printf(out, "a works in %d.%d s ",
	    (int)((left + 99999999) / 1000000000),
	    (int)((left + 99999999) / 100000000 % 10));
	for (int i = 0; i < BAR_CELLS; i++)
		buf_putc(out, i < full ? '#' : '-');
}

static enum style
put_may(struct buf *out, const struct tui *m, int64_t now)
{
	const enum tui_may may = tui_may_allow(m, now);
	const bool narrow = m->columns < NARROW_COLUMNS;

	switch (may) {
	case MAY_YES:
		buf_puts(out,
		    narrow ? "a allows it once"
			   : "All of it is shown: a allows it once.");
		return STYLE_GOOD;
	case MAY_TYPE_WORD:
		buf_puts(out, "Critical: a asks for a word.");
		return STYLE_BAD;
	case MAY_ARMING:
		put_arming(out, m, now);
		return STYLE_WARN;
	case MAY_PART_HIDDEN:
		buf_printf(out,
		    narrow ? "HIDDEN: %zu rows (%s)"
			   : "PART HIDDEN: %zu rows more. %s shows the rest",
		    m->open.rows.must > m->open.seen
			? m->open.rows.must - m->open.seen
			: 0,
		    m->in_case ? "space" : "PgDn");
		return STYLE_WARN;
	case MAY_NOTHING_FOCUSED:
		return STYLE_DIM;
	case MAY_NOT_DRAWN:
		buf_puts(out, "Enter opens it; d denies it.");
		return STYLE_DIM;
	case MAY_NOT_OPENED:
		buf_puts(out,
		    narrow ? "New: Enter opens it"
			   : "New: Enter opens it, then it can be allowed; d "
			     "denies it.");
		return STYLE_WARN;
	case MAY_LOADING:
	case MAY_NOT_WHOLE:
	case MAY_UNFOCUSED:
	case MAY_NO_LINK:
	case MAY_BUSY:
	case MAY_TYPING:
		break;
	}
	buf_puts(out, tui_may_text(may));
	return STYLE_WARN;
}

/* "denied in 4:19": what happens when nobody answers. */
static void
put_deadline(const struct tui *m, struct grid *g, int y, int64_t wall)
{
	const struct tui_entry *e = tui_focused(m);
	AUTO_BUF struct buf text = BUF_INIT(LINE_BYTES);
	int64_t left;

	if (m->view != VIEW_WAITING || e == NULL || e->until_ns == 0)
		return;
	left = e->until_ns - wall;
	buf_printf(&text, " %s%s", left < SHORT_NS ? "! " : "",
	    m->columns < NARROW_COLUMNS ? "" : "denied in ");
	draw_span(&text, left);
	(void)grid_put(g, y, g->columns - (int)text.len - 1, (int)text.len,
	    buf_str(&text), left < SHORT_NS ? STYLE_BAD : STYLE_DIM);
}

static void
draw_grant_prompt(const struct tui *m, struct grid *g, int y, int64_t now)
{
	const enum tui_may may = tui_may_grant(m, now);
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);
	enum style style = STYLE_WARN;

	switch (may) {
	case MAY_YES:
		style = STYLE_GOOD;
		buf_puts(&line, "Enter allows this, and the like ");
		buf_puts(&line, "for ");
		put_safe(&line, m,
		    str_starts(str_of(m->input_scope), STR("until "))
			? m->input_scope + 6
			: "this session",
		    STYLE_BOLD, 0);
		buf_puts(&line, "; Esc does not.");
		break;
	case MAY_NOT_WHOLE:
		buf_puts(&line,
		    "Not possible here. Esc goes back, a allows it once.");
		break;
	case MAY_ARMING:
		buf_puts(&line, "...");
		break;
	case MAY_PART_HIDDEN:
		buf_puts(&line, "PART HIDDEN: space shows the rest.");
		break;
	case MAY_TYPE_WORD:
	case MAY_NOTHING_FOCUSED:
	case MAY_NOT_OPENED:
	case MAY_LOADING:
	case MAY_UNFOCUSED:
	case MAY_NO_LINK:
	case MAY_BUSY:
	case MAY_TYPING:
	case MAY_NOT_DRAWN:
		buf_puts(&line, tui_may_text(may));
		break;
	}
	(void)grid_put(g, y, 1, g->columns - 1, buf_str(&line), style);
}

static void
draw_rule_prompt(const struct tui *m, struct grid *g, int y, int64_t now)
{
	const enum tui_may may = tui_may_rule(m, now);
	const char *text = tui_may_text(may);

	if (may == MAY_YES)
		text = m->columns < NARROW_COLUMNS
		    ? "Enter: own rules  o: draft  Esc"
		    : "Enter writes it into your own rules, o a draft for the "
		      "organisation; Esc does not.";
	else if (may == MAY_NOT_WHOLE)
		text = "No rule is made of this. Esc goes back.";
	else if (may == MAY_PART_HIDDEN)
		text = "PART HIDDEN: space shows the rest.";
	else if (may == MAY_ARMING)
		text = "...";
	(void)grid_put(g, y, 1, g->columns - 1, str_of(text),
	    may == MAY_YES ? STYLE_GOOD : STYLE_WARN);
}

static void
draw_batch_prompt(const struct tui *m, struct grid *g, int y, int64_t now)
{
	const bool armed = tui_may_batch(m, now) == MAY_YES;
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	buf_printf(&line, "Allow all %zu marked, once each? %s", m->batch_count,
	    armed ? "Enter allows them; Esc does not." : "...");
	(void)grid_put(g, y, 1, g->columns - 1, buf_str(&line),
	    armed ? STYLE_GOOD : STYLE_WARN);
}

static void
draw_apply_prompt(const struct tui *m, struct grid *g, int y, int64_t now)
{
	const struct tui_changes *c = &m->changes;
	const bool armed = tui_may_apply(m, c->all, now) == MAY_YES;
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	buf_printf(&line, "Apply %zu of %zu to the workspace? %s",
	    c->all ? c->count : tui_changes_marked(m), c->count,
	    armed ? "Enter does; Esc does not." : "...");
	(void)grid_put(g, y, 1, g->columns - 1, buf_str(&line),
	    armed ? STYLE_GOOD : STYLE_WARN);
}

static void
draw_changes_prompt(const struct tui *m, struct grid *g, int y)
{
	const size_t marked = tui_changes_marked(m);
	const size_t unread = tui_changes_unread(m, marked == 0);
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);

	if (m->note[0] != '\0') {
		put_safe(
		    &line, m, m->note, m->note_style, (size_t)g->columns - 1);
		(void)grid_put(
		    g, y, 1, g->columns - 1, buf_str(&line), m->note_style);
		return;
	}
	if (m->changes.count > 0)
		buf_printf(
		    &line, "%zu of %zu marked", marked, m->changes.count);
	if (unread > 0)
		buf_printf(
		    &line, "; %zu not read to the end (PgDn, j)", unread);
	else if (m->changes.count > 0)
		buf_puts(
		    &line, marked > 0 ? ": a applies them" : ": A applies all");
	(void)grid_put(g, y, 1, g->columns - 1, buf_str(&line),
	    unread > 0 ? STYLE_WARN : STYLE_BOLD);
}

static enum style
put_marked(struct buf *out, const struct tui *m)
{
	const struct tui_list *l = &m->lists[VIEW_WAITING];
	size_t unread = 0;

	for (size_t i = 0; i < l->count; i++)
		unread += l->at[i].marked && l->at[i].shown_etag[0] == '\0';
	buf_printf(out, "%zu marked", tui_marked(m));
	if (unread > 0)
		buf_printf(out, ", %zu not read to the end yet; d denies them",
		    unread);
	else
		buf_puts(out, ": a allows them, d denies them, Esc unmarks");
	return unread > 0 ? STYLE_WARN : STYLE_BOLD;
}

static void
draw_prompt(const struct tui *m, struct grid *g, int y, int64_t now)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);
	char word[TUI_WORD_LEN + 1];

	switch (m->mode) {
	case MODE_FILTER:
		buf_puts(&line, "/");
		break;
	case MODE_MESSAGE:
		buf_puts(&line, "Deny, and tell the agent: ");
		break;
	case MODE_WORD:
		tui_word(m, word);
		buf_printf(&line, "CRITICAL. Type %s to allow once: ", word);
		break;
	case MODE_UNTIL:
		buf_puts(&line, "Allow for how long (15m, 1h, 8h): ");
		break;
	case MODE_GRANT:
		draw_grant_prompt(m, g, y, now);
		return;
	case MODE_RULE:
		draw_rule_prompt(m, g, y, now);
		return;
	case MODE_BATCH:
		draw_batch_prompt(m, g, y, now);
		return;
	case MODE_CHANGES:
		draw_changes_prompt(m, g, y);
		return;
	case MODE_APPLY:
		draw_apply_prompt(m, g, y, now);
		return;
	case MODE_RAISE:
		buf_puts(
		    &line, "Raise to (uid:1001, group:security, a name): ");
		break;
	case MODE_NORMAL:
	case MODE_HELP:
		return;
	}
	put_safe(&line, m, m->input, STYLE_BOLD, 0);
	buf_puts(&line, "_");
	(void)grid_put(g, y, 1, g->columns - 1, buf_str(&line), STYLE_WARN);
}

static void
draw_state(
    const struct tui *m, struct grid *g, int y, int64_t now, int64_t wall)
{
	AUTO_BUF struct buf line = BUF_INIT(LINE_BYTES);
	enum style style = m->note_style;

	if (m->mode != MODE_NORMAL && m->mode != MODE_HELP) {
		draw_prompt(m, g, y, now);
		return;
	}
	if (m->note[0] != '\0')
		put_safe(&line, m, m->note, style, (size_t)g->columns - 1);
	else if (m->view == VIEW_WAITING && !m->in_case && tui_marked(m) > 0)
		style = put_marked(&line, m);
	else if (m->view == VIEW_WAITING)
		style = put_may(&line, m, now);
	(void)grid_put(g, y, 1, g->columns - 1, buf_str(&line), style);
	if (m->note[0] == '\0')
		put_deadline(m, g, y, wall);
}

/* ---- the keys ------------------------------------------------------------ */

struct key_row {
	const char *text;
	unsigned skill; /* 0: always */
	unsigned views; /* bits: where it means something */
};

static const struct key_row change_rows[] = {
	{ "Space mark", 0, 0xffu },
	{ "a apply marked", 0, 0xffu },
	{ "A apply all", 0, 0xffu },
	{ "n drop all", 0, 0xffu },
	{ "j k move", 0, 0xffu },
	{ "PgDn more", 0, 0xffu },
	{ "Esc back", 0, 0xffu },
};

#define IN(view) (1u << (view))
#define EVERYWHERE 0xffu

static const struct key_row key_rows[] = {
	{ "a allow", 0, IN(VIEW_WAITING) },
	{ "d deny", 0, IN(VIEW_WAITING) },
	{ "m deny+message", 0, IN(VIEW_WAITING) },
	/* Before what there is not always room for: it tells the rest. */
	{ "? help", 0, EVERYWHERE },
	{ "s session", SKILL_SCOPE, IN(VIEW_WAITING) },
	{ "t for a time", SKILL_SCOPE, IN(VIEW_WAITING) },
	{ "u undo", SKILL_UNDO, IN(VIEW_WAITING) | IN(VIEW_HISTORY) },
	{ "R raise", SKILL_RAISE, IN(VIEW_WAITING) },
	{ "x stop", 0, IN(VIEW_RUNNING) },
	{ "x revoke", 0, IN(VIEW_GRANTS) },
	{ "c changes", 0, IN(VIEW_HISTORY) },
	{ "Enter open", 0, EVERYWHERE },
	{ "1-6 views", 0, EVERYWHERE },
	{ "/ filter", 0, EVERYWHERE },
	{ "e trace", 0, IN(VIEW_WAITING) | IN(VIEW_HISTORY) },
	{ "q quit", 0, EVERYWHERE },
	{ "E edit", SKILL_EDIT, IN(VIEW_WAITING) },
	{ "M rule", 0, IN(VIEW_WAITING) | IN(VIEW_HISTORY) },
	{ "Space mark", 0, IN(VIEW_WAITING) },
};

static void
draw_keys(const struct tui *m, struct grid *g, int y)
{
	const bool changes = tui_shows_changes(m);
	const struct key_row *rows = changes ? change_rows : key_rows;
	const size_t count =
	    changes ? ARRAY_LEN(change_rows) : ARRAY_LEN(key_rows);
	int x = 1;

	for (size_t i = 0; i < count; i++) {
		const struct key_row *k = &rows[i];
		const struct str text = str_of(k->text);
		const size_t key = str_find(text, ' ');

		/* what answers means nothing while there is nothing */
		if ((k->views & IN(m->view)) == 0 ||
		    (m->lists[m->view].count == 0 &&
			k->views == IN(VIEW_WAITING)) ||
		    (k->skill != 0 && (m->skills & k->skill) == 0))
			continue;
		if (x + (int)text.len + 1 >= g->columns)
			break;
		x += grid_put(
		    g, y, x, g->columns - x, str_head(text, key), STYLE_BOLD);
		x += grid_put(
		    g, y, x, g->columns - x, str_from(text, key), STYLE_DIM);
		x += 2;
	}
}

static void
draw_help_keys(struct grid *g, int y)
{
	(void)grid_put(g, y, 1, g->columns - 1,
	    STR("j k move   any other key goes back"), STYLE_DIM);
}

void
draw_bars(const struct tui *m, struct grid *g, const struct tui_layout *l,
    int64_t now, int64_t wall)
{
	const int last = g->rows - 1;

	if (m->mode == MODE_HELP) {
		draw_help_keys(g, last);
		return;
	}
	if (!l->bars) {
		draw_state(m, g, last, now, wall);
		return;
	}
	draw_state(m, g, last - 1, now, wall);
	draw_keys(m, g, last);
}
