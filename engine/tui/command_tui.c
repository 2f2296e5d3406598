/*
 * assent tui: the loop of terminal, model and daemon.
 * Runs in: assent.  Trusts: the terminal; nothing of the daemon's texts.
 * Owns: the terminal while it runs, an epoll set, a timer, signals.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw.h"
#include "editor.h"
#include "feed.h"
#include "model/command.h"
#include "notice.h"
#include "term.h"
#include "tools/notify.h"
#include "tools/show.h"

#define TICK_NS 100000000L
#define FRAME_NS ((int64_t)15000000)
#define RETRY_MS 500
#define KEYS_AT_ONCE 4096
#define COPY_BYTES_MAX ((size_t)65536)

extern const struct command command_tui;

struct app {
	struct tui m;
	struct term *term;
	struct feed *feed;
	struct grid grid;
	struct notice notice;
	uint64_t told; /* of m.arrived */
	int64_t frame_ns;
	int epoll, timer, signals;
	bool changed;
};

/* ---- the screen ---------------------------------------------------------- */

static void handle(struct app *a, const struct term_event *e, bool keys);

/* Keys that were typed before this frame could not mean what it shows. */
static void
forget_keys(struct app *a)
{
	struct term_event e;

	for (int i = 0; i < KEYS_AT_ONCE && term_read(a->term, &e); i++)
		handle(a, &e, false);
}

static void
draw(struct app *a)
{
	const int64_t now = loop_now_ns();

	if (a->grid.rows != a->m.rows || a->grid.columns != a->m.columns) {
		if (grid_resize(&a->grid, a->m.rows, a->m.columns, NULL) != 0)
			return;
	}
	draw_screen(&a->m, &a->grid, now, loop_realtime_ns());
	if (term_show(a->term, &a->grid, NULL) != 0)
		return;
	a->frame_ns = now;
	a->changed = false;
	if (tui_drawn(&a->m, loop_now_ns()))
		forget_keys(a);
}

static void
take_size(struct app *a)
{
	int rows, columns;

	term_size(a->term, &rows, &columns);
	if (rows > GRID_SIDE_MAX)
		rows = GRID_SIDE_MAX;
	if (columns > GRID_SIDE_MAX)
		columns = GRID_SIDE_MAX;
	tui_resize(&a->m, rows, columns, loop_now_ns());
	term_redraw(a->term);
}

/* ---- input --------------------------------------------------------------- */

static void
handle(struct app *a, const struct term_event *e, bool keys)
{
	const int64_t now = loop_now_ns();

	a->changed = true;
	switch (e->kind) {
	case TERM_KEY:
		if (keys && e->key == KEY_CTRL_L)
			term_redraw(a->term);
		else if (keys)
			tui_key(&a->m, e->key, now);
		else
			tui_disturb(&a->m, now);
		break;
	case TERM_CLICK:
		if (keys)
			tui_click(&a->m, e->y, e->x, now);
		break;
	case TERM_WHEEL:
		tui_wheel(&a->m, e->key, now);
		break;
	case TERM_PASTE_BEGINS:
	case TERM_PASTE_ENDS:
		tui_paste(&a->m, e->kind == TERM_PASTE_BEGINS, now);
		break;
	case TERM_FOCUS_IN:
	case TERM_FOCUS_OUT:
		tui_focus(&a->m, e->kind == TERM_FOCUS_IN, now);
		break;
	case TERM_SUSPEND:
		if (!keys)
			break;
		term_suspend(a->term);
		take_size(a);
		break;
	}
}

static void
read_keys(struct app *a)
{
	struct term_event e;

	for (int i = 0; i < KEYS_AT_ONCE && term_read(a->term, &e); i++)
		handle(a, &e, true);
}

static void
read_signals(struct app *a)
{
	struct signalfd_siginfo s;

	while (read(a->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGWINCH || s.ssi_signo == SIGCONT)
			take_size(a);
		else
			a->m.quit = true; /* decides nothing */
	}
	a->changed = true;
}

/* ---- notices ------------------------------------------------------------- */

static void
tell(struct app *a)
{
	const size_t waiting = a->m.lists[VIEW_WAITING].count;
	AUTO_BUF struct buf out = BUF_INIT(COPY_BYTES_MAX);
	struct err e = ERR_INIT;

	if (a->told == a->m.arrived || waiting == 0) {
		a->told = a->m.arrived;
		return;
	}
	if (!notice_is_due(&a->notice, loop_now_ns()))
		return;
	a->told = a->m.arrived;
	notice_bytes(&a->notice, waiting, &out);
	term_raw(a->term, buf_str(&out));
	if (notice_run(&a->notice, waiting, &e) != 0)
		tui_note(&a->m, STYLE_WARN, loop_now_ns(),
		    "The command for notices: %s", e.msg);
}

/* Only escaped text, and only when asked for. */
static void
copy_text(void *ctx, const char *id)
{
	struct app *a = ctx;
	const struct tui_entry *e = tui_find(&a->m, a->m.view, id);
	AUTO_BUF struct buf plain = BUF_INIT(COPY_BYTES_MAX);
	AUTO_BUF struct buf out = BUF_INIT(2 * COPY_BYTES_MAX);

	buf_puts(&plain, id);
	if (e != NULL && e->title != NULL) {
		buf_putc(&plain, ' ');
		text_escape(&plain, str_of(e->title));
	}
	buf_puts(&out, "\033]52;c;");
	text_base64(&out, buf_str(&plain));
	buf_puts(&out, "\033\\");
	if (out.failed == 0)
		term_raw(a->term, buf_str(&out));
}

/* Keys of the editor are no keys of ours: all that came meanwhile is quiet. */
static int
edit_text(void *ctx, const char *name, struct buf *text, struct err *e)
{
	struct app *a = ctx;
	int r;

	term_leave(a->term);
	r = editor_run(editor_choice(), name, text, e);
	term_back(a->term);
	forget_keys(a);
	take_size(a);
	return r;
}

/* ---- waking -------------------------------------------------------------- */

static void
tick(struct app *a)
{
	uint64_t n;
	const int64_t now = loop_now_ns();

	while (read(a->timer, &n, sizeof(n)) > 0)
		;
	tui_tick(&a->m, now);
	feed_tick(a->feed);
	tell(a);
	/* ages and the bar move; nothing is written that did not change */
	a->changed = true;
}

static bool
is_ready(const struct epoll_event *ready, int count, int fd)
{
	for (int i = 0; i < count; i++) {
		if (ready[i].data.fd == fd)
			return true;
	}
	return false;
}

static bool
is_gone(const struct epoll_event *ready, int count, int fd)
{
	for (int i = 0; i < count; i++) {
		if (ready[i].data.fd == fd &&
		    (ready[i].events & (EPOLLHUP | EPOLLERR)) != 0)
			return true;
	}
	return false;
}

/* Whatever is ready; also in the midst of a call to the daemon. Signals and
 * the clock come before keys: they say whether a key still counts. */
static int
on_ready(void *ctx, struct err *e)
{
	struct app *a = ctx;
	struct epoll_event ready[4];
	const int n = epoll_wait(a->epoll, ready, (int)ARRAY_LEN(ready), 0);

	if (is_ready(ready, n, a->signals))
		read_signals(a);
	if (is_ready(ready, n, a->timer))
		tick(a);
	if (is_gone(ready, n, STDIN_FILENO))
		a->m.quit = true;
	else if (is_ready(ready, n, STDIN_FILENO))
		read_keys(a);
	feed_work(a->feed);
	if (a->changed && (n > 0 || loop_now_ns() - a->frame_ns > FRAME_NS))
		draw(a);
	return a->m.quit ? err_set(e, ERR_CONFLICT, "quit") : ERR_OK;
}

static int
watch(struct app *a, int fd, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		return err_sys(e, "cannot wait for the terminal");
	return ERR_OK;
}

static int
open_wakers(struct app *a, struct err *e)
{
	const struct itimerspec every = {
		.it_value.tv_nsec = TICK_NS,
		.it_interval.tv_nsec = TICK_NS,
	};
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGCONT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	a->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->epoll < 0 || a->timer < 0 || a->signals < 0 ||
	    timerfd_settime(a->timer, 0, &every, NULL) != 0)
		return err_sys(e, "cannot set up timers and signals");
	r = watch(a, STDIN_FILENO, e);
	if (r == 0)
		r = watch(a, a->timer, e);
	return r != 0 ? r : watch(a, a->signals, e);
}

/* Until the next try, with the screen alive. */
static void
wait_a_while(struct app *a)
{
	const int64_t until = loop_now_ns() + RETRY_MS * (int64_t)1000000;
	struct epoll_event one;

	while (!a->m.quit && loop_now_ns() < until) {
		(void)epoll_wait(a->epoll, &one, 1, RETRY_MS);
		(void)on_ready(a, NULL);
	}
}

static void
live(struct app *a)
{
	take_size(a);
	draw(a);
	while (!a->m.quit) {
		(void)feed_follow(a->feed, NULL);
		if (!a->m.quit)
			wait_a_while(a);
	}
}

/* ---- the command --------------------------------------------------------- */

enum tui_option {
	OPT_NOTIFY,
	OPT_HOOK,
	OPT_ASCII,
	OPT_NO_COLOR,
	OPT_RUNTIME,
	OPT_COUNT,
};

static const struct command_option options[] = {
	[OPT_NOTIFY] = { "--notify", "LIST",
	    "bell (default), osc9, osc777, osc99, none; with commas" },
	[OPT_HOOK] = { "--on-waiting", "PROGRAM",
	    "is run when something comes, with ASSENT_WAITING=N" },
	[OPT_ASCII] = { "--ascii", NULL, "no character beyond ASCII" },
	[OPT_NO_COLOR] = { "--no-color", NULL,
	    "as when NO_COLOR is set in the environment" },
	[OPT_RUNTIME] = { "--runtime", "DIR", "the daemon's runtime folder" },
};

static int
set_up(struct app *a, const char *const *values, struct err *e)
{
	const char *no_color = getenv("NO_COLOR");
	int r = notice_parse(
	    values[OPT_NOTIFY] == NULL ? "bell" : values[OPT_NOTIFY],
	    &a->notice, e);

	if (r != 0)
		return r;
	a->notice.tmux = getenv("TMUX") != NULL;
	a->notice.command = values[OPT_HOOK];
	r = notify_check(a->notice.command, e);
	if (r != 0)
		return r;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ERR_INVALID,
		    "this is no terminal; 'assent pending --watch' needs none");
	r = feed_open(values[OPT_RUNTIME], &a->m, &a->feed, e);
	if (r == 0)
		r = open_wakers(a, e);
	if (r == 0)
		r = term_open(
		    &(struct term_options){
			.colour = values[OPT_NO_COLOR] == NULL &&
			    (no_color == NULL || no_color[0] == '\0'),
			.ascii = values[OPT_ASCII] != NULL },
		    &a->term, e);
	return r;
}

static void
app_free(struct app *a)
{
	term_close(a->term);
	feed_free(a->feed);
	tui_done(&a->m);
	grid_done(&a->grid);
	fd_closep(&a->epoll);
	fd_closep(&a->timer);
	fd_closep(&a->signals);
	free(a);
}

static int
run_app(const char *const *values, struct err *e)
{
	struct app *a = mem_new(1, sizeof(*a));
	int r;

	if (a == NULL)
		return err_nomem(e);
	a->epoll = a->timer = a->signals = -1;
	tui_init(&a->m, false, loop_now_ns());
	r = set_up(a, values, e);
	if (r == 0) {
		a->m.utf8 = a->m.open.page.utf8 = term_is_utf8(a->term);
		feed_wake_by(a->feed, a->epoll, on_ready, a);
		feed_copy_by(a->feed, copy_text, a);
		feed_edit_by(a->feed, edit_text, a);
		live(a);
	}
	app_free(a);
	return r;
}

static int
run_tui(int argc, char **argv)
{
	const char *values[OPT_COUNT] = { NULL };
	struct err e = ERR_INIT;
	int status = EXIT_OK;
	const int at = command_parse(
	    &command_tui, argc, argv, values, NULL, NULL, &status);

	if (at < 0)
		return status;
	if (at != argc)
		return command_usage_error(
		    &command_tui, "no operand is expected");
	if (run_app(values, &e) != 0)
		return show_error(&command_tui, &e, client_exit_status(&e));
	return EXIT_OK;
}

const struct command command_tui = {
	.name = "tui",
	.summary = "Answer questions on a screen, with all of each in view",
	.usage = "tui [--notify LIST] [--on-waiting PROGRAM] [OPTIONS]",
	.details =
	    "'?' on the screen shows the keys. Nothing can be allowed that was "
	    "not shown whole,\nand no key counts in the first 0.6 seconds. "
	    "Without a terminal, for a screen\nreader, or on a very small "
	    "screen, use 'assent pending --watch --long'.",
	.example = "assent tui --notify bell,osc9",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.run = run_tui,
};
