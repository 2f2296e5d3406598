#ifndef TUI_FIXTURE_H
#define TUI_FIXTURE_H
/*
 * What the tests of the screen share: a model with some actions in it, and a
 * clock that only moves when it is told to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "case_page.h"
#include "draw.h"
#include "model.h"

#define MS ((int64_t)1000000)
#define GOLDEN_BYTES_MAX ((size_t)1 << 20)
#define SECOND ((int64_t)1000000000)
#define WALL ((int64_t)1795641254 * SECOND)
#define HASH "67a886f0176135fbaf232cad08c5146a0edab3da700c02339b8946a94e58cfe9"
#define OTHER_HASH                                                             \
	"e8101372fafb79ea19d1e54c44a690cf956a531d0ae0332270f3f64d525cfafb"

struct world {
	struct tui *m;
	struct grid grid;
	int64_t now;
};

static inline void
world_open(struct world *w, bool utf8, int rows, int columns)
{
	*w = (struct world){ .now = 100 * SECOND };
	w->m = mem_new(1, sizeof(*w->m));
	assert_non_null(w->m);
	tui_init(w->m, utf8, w->now);
	tui_resize(w->m, rows, columns, w->now);
	tui_link(w->m, true, "", w->now);
	w->m->note[0] = '\0';
	assert_int_equal(grid_resize(&w->grid, rows, columns, NULL), 0);
}

static inline void
world_close(struct world *w)
{
	tui_done(w->m);
	free(w->m);
	grid_done(&w->grid);
}

/* The time passes as it does: in small steps. */
static inline void
pass(struct world *w, int64_t ms)
{
	const int64_t end = w->now + ms * MS;

	while (w->now < end) {
		w->now += end - w->now < 100 * MS ? end - w->now : 100 * MS;
		tui_tick(w->m, w->now);
	}
}

/* A frame reaches the screen. */
static inline bool
frame(struct world *w)
{
	if (w->grid.rows != w->m->rows || w->grid.columns != w->m->columns)
		assert_int_equal(
		    grid_resize(&w->grid, w->m->rows, w->m->columns, NULL), 0);
	draw_screen(w->m, &w->grid, w->now, WALL);
	return tui_drawn(w->m, w->now);
}

static inline void
press(struct world *w, int key)
{
	tui_key(w->m, key, w->now);
}

/* act_0000, act_0001, ... as they come to wait. */
static inline void
arrive(struct world *w, unsigned number, const char *risk, const char *title)
{
	struct tui_entry e = { .since_ns = WALL - 41 * SECOND,
		.until_ns = WALL + 259 * SECOND };

	(void)snprintf(e.id, sizeof(e.id), "act_%04u", number);
	(void)snprintf(e.sha256, sizeof(e.sha256), HASH);
	(void)snprintf(e.risk, sizeof(e.risk), "%s", risk);
	(void)snprintf(e.decision, sizeof(e.decision), "ask");
	(void)snprintf(e.state, sizeof(e.state), "pending");
	(void)snprintf(e.tool, sizeof(e.tool), "shell");
	(void)snprintf(e.approvals, sizeof(e.approvals), "0/1");
	e.title = mem_strndup(title, strlen(title));
	e.agent = mem_strndup("codex", 5);
	e.place = mem_strndup("/home/dev/web-api", 17);
	e.rule = mem_strndup("default.remote", 14);
	tui_put(w->m, VIEW_WAITING, &e, w->now);
}

/* What the daemon tells of it, as text with ' for ". */
static inline json_t *
quoted(const char *text)
{
	char *copy = mem_strndup(text, strlen(text));
	json_error_t why;
	json_t *value;

	assert_non_null(copy);
	for (char *c = copy; *c != '\0'; c++)
		*c = (char)(*c == '\'' ? '"' : *c);
	value = json_loads(copy, 0, &why);
	if (value == NULL)
		print_error("%s at %d\n", why.text, why.position);
	assert_non_null(value);
	free(copy);
	return value;
}

static inline json_t *
a_decision(const char *id, const char *risk)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "{'id':'%s','state':'pending','decision':'ask','risk':'%s',"
	    "'proposal':{'tool':'shell','display':'x','uid':1000,"
	    "'justification':'publish the work'},"
	    "'rules':[{'id':'default.remote','decision':'ask',"
	    "'file':'packs/defaults.yaml','line':242}],"
	    "'action_sha256':'" HASH "'}",
	    id, risk);
	return quoted(text);
}

/* script: JSON text, with its quotes. */
static inline json_t *
an_explanation(const char *script)
{
	json_t *x = quoted(
	    "{'decision':'ask','reason':'It changes what others see.',"
	    "'suggest':null,'parts':[{'text':'git push origin main',"
	    "'decision':'ask','effects':[{'kind':'remote_state',"
	    "'target':'push','decision':'ask','rule':{'id':"
	    "'default.remote'}},{'kind':'connect','target':'example.com',"
	    "'decision':'review','rule':{'id':'default.connect'}}],"
	    "'rules':[{'id':'default.remote','decision':'ask','file':"
	    "'packs/defaults.yaml','line':242,'reason':'Others see it.'}]}],"
	    "'profile':{'name':'workspace-write','hosts':['example.com'],"
	    "'write':[],'read':[]},'review':{'outcome':'escalate',"
	    "'rationale':'It is not easily undone.','model':'some-model'},"
	    "'action':{'tool':'shell','input':{},'cwd':'/home/dev/web-api',"
	    "'workspace':'/home/dev/web-api','session':'s-1',"
	    "'agent':{'name':'codex','version':'0.169.0'},"
	    "'executor':'assent','execute':true}}");
	json_t *input = json_object_get(json_object_get(x, "action"), "input");

	assert_int_equal(
	    json_object_set_new(input, "script", json_string(script)), 0);
	return x;
}

/* The case of id comes, as the daemon would tell it. */
static inline void
load_script(
    struct world *w, const char *id, const char *risk, const char *script)
{
	json_t *d = a_decision(id, risk), *x = an_explanation(script);
	struct page page = PAGE_INIT;
	struct tui_case c = { .whole = false };

	page.utf8 = w->m->utf8;
	(void)snprintf(c.id, sizeof(c.id), "%s", id);
	(void)snprintf(c.sha256, sizeof(c.sha256), HASH);
	(void)snprintf(c.etag, sizeof(c.etag), "\"2-2\"");
	(void)snprintf(c.risk, sizeof(c.risk), "%s", risk);
	(void)snprintf(c.state, sizeof(c.state), "pending");
	c.whole = case_page(d, x, &(struct case_how){ .user = "dev" }, &page);
	tui_show(w->m, &c, &page, w->now);
	page_done(&page);
	json_decref(d);
	json_decref(x);
}

static inline void
load(struct world *w, const char *id)
{
	load_script(w, id, "high", "git push origin main");
}

/* How many decisions the model ordered; other orders are forgotten. */
static inline unsigned
decisions(struct world *w, enum tui_order_kind kind)
{
	struct tui_order o;
	unsigned n = 0;

	while (tui_order(w->m, &o))
		n += o.kind == kind ? 1 : 0;
	return n;
}

static inline unsigned
any_decision(struct world *w)
{
	struct tui_order o;
	unsigned n = 0;

	while (tui_order(w->m, &o)) {
		if (o.kind != ORDER_LOAD && o.kind != ORDER_LIST &&
		    o.kind != ORDER_COPY)
			n++;
	}
	return n;
}

/* One action waits, was opened by a person, is shown whole and armed. */
static inline void
world_armed(struct world *w)
{
	world_open(w, true, 40, 120);
	arrive(w, 1, "high", "git push origin main");
	load(w, "act_0001");
	(void)frame(w);
	press(w, KEY_RETURN);
	(void)frame(w);
	(void)decisions(w, ORDER_LOAD);
	pass(w, 700);
	(void)frame(w);
}

/* The whole screen as text; free it. */
static inline char *
screen(struct world *w)
{
	struct buf out = BUF_INIT((size_t)1 << 20);

	(void)frame(w);
	grid_text(&w->grid, &out);
	assert_int_equal(out.failed, 0);
	return out.s;
}

static inline void
assert_shows(struct world *w, const char *text)
{
	char *all = screen(w);

	if (strstr(all, text) == NULL)
		print_error("not on the screen: %s\n%s", text, all);
	assert_non_null(strstr(all, text));
	free(all);
}

/* ---- what is drawn, compared with files of tests/data/tui ----------------- */

static const struct {
	int columns, rows;
} sizes[] = { { 80, 24 }, { 100, 30 }, { 60, 20 }, { 39, 10 } };

static inline void
check_golden(const char *name, const char *text)
{
	struct buf expected = BUF_INIT(GOLDEN_BYTES_MAX);
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/tests/data/tui/%s.txt",
	    TEST_SOURCE_DIR, name);
	if (getenv("ASSENT_UPDATE_GOLDEN") != NULL) {
		assert_int_equal(
		    fdio_write_file(path, text, strlen(text), 0644, NULL), 0);
		return;
	}
	assert_int_equal(fdio_read_file(path, &expected, NULL), 0);
	if (strcmp(buf_cstr(&expected), text) != 0)
		print_error("%s differs:\n%s", path, text);
	assert_string_equal(buf_cstr(&expected), text);
	buf_free(&expected);
}

static inline void
golden(struct world *w, const char *what)
{
	char *text = screen(w);
	char name[64];

	(void)snprintf(name, sizeof(name), "%s-%dx%d-%s", what, w->m->columns,
	    w->m->rows, w->m->utf8 ? "utf8" : "ascii");
	check_golden(name, text);
	free(text);
}

#endif
