/*
 * A report as a page of HTML: one file, no script, nothing fetched.
 * Runs in: assent.  Trusts: nothing in text: it is made visible, then escaped
 * for HTML.  Owns: nothing.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "report.h"

#define CHART_WIDTH 960
#define CHART_HEIGHT 180
#define BAR_GAP 2
#define HTML_TEXT_MAX ((size_t)65536)
#define PERCENT 100

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>assent: what was decided</title>\n<style>\n"
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#6b7280;"
    "--line:#d9dde3;--card:#f6f7f9;--ok:#2f7d4f;--no:#c2413a;--ask:#b7791f}\n"
    "@media(prefers-color-scheme:dark){:root{--fg:#e6e8eb;--bg:#14171b;"
    "--soft:#9aa3ae;--line:#2c323a;--card:#1c2127;--ok:#58b883;--no:#ef7770;"
    "--ask:#e0ab4f}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);"
    "background:var(--bg);max-width:60rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}\n"
    "p.soft,.soft{color:var(--soft)}\n"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,"
    "minmax(9rem,1fr));gap:.75rem;margin:1.5rem 0}\n"
    ".card{background:var(--card);border-radius:.5rem;padding:.75rem 1rem}\n"
    ".card b{display:block;font-size:1.6rem;font-variant-numeric:"
    "tabular-nums}\n"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;"
    "padding:.3rem .5rem;border-bottom:1px solid var(--line)}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "td.bar{width:40%}td.bar svg{display:block}"
    "code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}\n"
    ".ok{fill:var(--ok)}.no{fill:var(--no)}.ask{fill:var(--ask)}"
    ".key{display:inline-block;width:.7em;height:.7em;border-radius:2px;"
    "margin:0 .3em 0 1em}.key.ok{background:var(--ok)}.key.no{background:"
    "var(--no)}.key.ask{background:var(--ask)}\n"
    ".chart{width:100%;height:auto;border-bottom:1px solid var(--line)}\n"
    "</style></head><body>\n";

static void
html(struct buf *out, struct str text)
{
	AUTO_BUF struct buf safe = BUF_INIT(HTML_TEXT_MAX);

	text_escape(&safe, text);
	for (size_t i = 0; i < safe.len; i++) {
		switch (safe.s[i]) {
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		case '\'':
			buf_puts(out, "&#39;");
			break;
		default:
			buf_putc(out, safe.s[i]);
		}
	}
}

static uint64_t
percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : (part * PERCENT + whole / 2) / whole;
}

/* ---- figures --------------------------------------------------------------- */

static void
card(struct buf *out, uint64_t value, const char *unit, const char *what)
{
	buf_printf(out, "<div class=\"card\"><b>%" PRIu64 "%s</b>%s</div>\n",
	    value, unit, what);
}

static void
cards(const struct report *r, struct buf *out)
{
	const uint64_t all = r->asked + r->unasked;

	buf_puts(out, "<div class=\"cards\">\n");
	card(out, r->decisions, "", "decisions");
	card(out, percent(r->unasked, all), " %",
	    "made without asking a person");
	card(out, r->asked, "", "questions to a person");
	card(out, r->by_nobody, "", "of them unanswered, so denied");
	card(out, r->by_reviewer, "", "decided by the reviewer");
	card(out, r->left_to_person, "", "reviews left to a person");
	card(out, r->denied, "", "denied");
	card(out, r->runs, "", "runs in the sandbox");
	buf_puts(out, "</div>\n");
}

/* ---- over time --------------------------------------------------------------- */

static uint64_t
highest(const struct report *r)
{
	uint64_t max = 1;

	for (size_t i = 0; i < REPORT_BARS; i++) {
		const uint64_t all = r->bars[i].allowed + r->bars[i].denied;

		if (all > max)
			max = all;
	}
	return max;
}

static unsigned
height(uint64_t value, uint64_t max)
{
	const unsigned h = (unsigned)(value * CHART_HEIGHT / max);

	return value > 0 && h == 0 ? 1 : h;
}

static void
rect(struct buf *out, const char *class, unsigned x, unsigned y, unsigned h)
{
	if (h > 0)
		buf_printf(out,
		    "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%d\" "
		    "height=\"%u\"/>",
		    class, x, y, CHART_WIDTH / REPORT_BARS - BAR_GAP, h);
}

static void
bar(const struct report_bar *b, unsigned x, uint64_t max, struct buf *out)
{
	const unsigned ok = height(b->allowed, max);
	const unsigned no = height(b->denied, max);
	const unsigned ask = height(b->asked, max);

	buf_puts(out, "<g><title>");
	text_time(out, b->from_ns);
	buf_printf(out,
	    ": %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64
	    " asked</title>",
	    b->allowed, b->denied, b->asked);
	rect(out, "ok", x, CHART_HEIGHT - ok, ok);
	rect(out, "no", x, CHART_HEIGHT - ok - no, no);
	rect(out, "ask", x, CHART_HEIGHT - (ask < 3 ? ask : 3),
	    ask < 3 ? ask : 3);
	buf_puts(out, "</g>\n");
}

static void
chart(const struct report *r, struct buf *out)
{
	const uint64_t max = highest(r);

	buf_printf(out,
	    "<h2>Over time<span class=\"key ok\"></span>allowed<span "
	    "class=\"key no\"></span>denied<span class=\"key ask\"></span>"
	    "a person was asked</h2>\n<svg class=\"chart\" role=\"img\" "
	    "aria-label=\"Decisions over time\" viewBox=\"0 0 %d %d\">\n",
	    CHART_WIDTH, CHART_HEIGHT);
	for (unsigned i = 0; i < REPORT_BARS; i++)
		bar(&r->bars[i], i * (CHART_WIDTH / REPORT_BARS), max, out);
	buf_printf(out,
	    "</svg>\n<p class=\"soft\">The highest bar is %" PRIu64
	    " decisions.</p>\n",
	    max);
}

/* ---- lists ------------------------------------------------------------------- */

static void
row_of_list(const struct report_count *c, uint64_t max, struct buf *out)
{
	const uint64_t ok = c->allowed * PERCENT / max;
	const uint64_t no = c->denied * PERCENT / max;

	buf_puts(out, "<tr><td><code>");
	html(out, str_of(c->name));
	buf_printf(out,
	    "</code></td><td class=\"n\">%" PRIu64
	    "</td><td class=\"n\">%" PRIu64
	    "</td><td class=\"bar\"><svg width=\"100%%\" height=\"10\" "
	    "viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\"><rect "
	    "class=\"ok\" width=\"%" PRIu64
	    "\" height=\"10\"/><rect class=\"no\" x=\"%" PRIu64
	    "\" width=\"%" PRIu64 "\" height=\"10\"/></svg></td></tr>\n",
	    c->allowed, c->denied, ok, ok, no);
}

static void
list(const char *title, const char *what, const struct report_list *l,
    struct buf *out)
{
	uint64_t max = 1;

	if (l->count == 0)
		return;
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i].allowed + l->items[i].denied > max)
			max = l->items[i].allowed + l->items[i].denied;
	}
	buf_printf(out,
	    "<h2>%s</h2>\n<table><tr><th>%s</th><th class=\"n\">allowed</th>"
	    "<th class=\"n\">denied</th><th></th></tr>\n",
	    title, what);
	for (size_t i = 0; i < l->count; i++)
		row_of_list(&l->items[i], max, out);
	buf_puts(out, "</table>\n");
}

static void
denials(const struct report *r, struct buf *out)
{
	if (r->denial_count == 0)
		return;
	buf_puts(out,
	    "<h2>The last denials</h2>\n<p class=\"soft\"><code>assent log "
	    "show ID</code> tells the whole story.</p>\n<table><tr><th>when"
	    "</th><th>action</th><th>by</th><th>rule</th></tr>\n");
	for (size_t i = 0; i < r->denial_count; i++) {
		const struct report_denial *d = &r->denials[i];

		buf_puts(out, "<tr><td>");
		text_time(out, d->time_ns);
		buf_puts(out, "</td><td><code>");
		html(out, str_of(d->id));
		buf_puts(out, "</code></td><td>");
		html(out, str_of(d->by));
		buf_puts(out, "</td><td><code>");
		html(out, str_of(d->rule));
		buf_puts(out, "</code></td></tr>\n");
	}
	buf_puts(out, "</table>\n");
}

void
report_page(const struct report *r, struct buf *out)
{
	buf_puts(out, head);
	buf_puts(out, "<h1>What was decided</h1>\n<p class=\"soft\">");
	text_time(out, r->range.since_ns);
	buf_puts(out, " to ");
	text_time(out, r->range.until_ns);
	buf_printf(out,
	    ", %" PRIu64 " rows of the log. Whether it is what was recorded: "
	    "<code>assent log verify</code>.</p>\n",
	    r->rows);
	cards(r, out);
	chart(r, out);
	list("Who decided", "source", &r->sources, out);
	list("Rules that decided", "rule", &r->rules, out);
	list("Tools", "tool", &r->tools, out);
	list("Sessions", "session", &r->sessions, out);
	list("Hosts that runs connected to", "host", &r->hosts, out);
	denials(r, out);
	buf_puts(out, "</body></html>\n");
}
