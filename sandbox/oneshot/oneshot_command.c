/*
 * The command line of one run: make its plan, then print, pin or perform it.
 * Runs in: assent, assent-exec.  Trusts: its caller's right to run a command
 * at all.
 * Owns: the process.
 */
#include "oneshot/oneshot_command.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fdio.h"
#include "env.h"
#include "model/command.h"
#include "oneshot/oneshot.h"
#include "oneshot/options.h"
#include "oneshot/pin.h"
#include "sys.h"

#define PLAN_ARENA ((size_t)256 << 20)
#define PLAN_TEXT_MAX ((size_t)16 << 20)

/* 0, 1 and 2 are open, nothing else is, and nobody else can look at us. */
static void
close_the_rest(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3 && fcntl(fd, F_SETFD, 0) == 0);
	(void)sys_close_from(3);
}

static int
print_plan(const struct plan *p)
{
	AUTO_BUF struct buf text = BUF_INIT(PLAN_TEXT_MAX);
	struct err e = ERR_INIT;

	plan_json(p, &text);
	buf_putc(&text, '\n');
	if (buf_done(&text, &e) != 0 ||
	    fdio_write_all(STDOUT_FILENO, text.s, text.len, &e) != 0)
		return oneshot_error(&e);
	return 0;
}

/* A pinned plan is the recorded one; the caller may shorten its time. */
static int
make_plan(
    const struct options *o, struct arena *a, struct plan **ret, struct err *e)
{
	struct pin *pin;
	int r;

	if (o->pinned == NULL)
		return options_plan(o, a, ret, e);
	r = pin_read(o->pinned, a, &pin, e);
	if (r == 0)
		r = pin_apply(pin, o->argv, o->argc, a, ret, e);
	if (r == 0)
		r = options_check_pinned(o, *ret, e);
	return r;
}

int
oneshot_command(int argc, char **argv, const struct config *c)
{
	AUTO(arena_freep) struct arena *a = arena_new(PLAN_ARENA);
	struct options o;
	struct plan *plan;
	struct err e = ERR_INIT;

	close_the_rest();
	if (a == NULL || options_read(argc, argv, &o, &e) != 0) {
		(void)oneshot_error(&e);
		return EXIT_USAGE;
	}
	o.config = c;
	if (make_plan(&o, a, &plan, &e) != 0)
		return oneshot_error(&e);
	if (o.pin != NULL)
		return pin_write(o.pin, plan, &e) == 0 ? 0 : oneshot_error(&e);
	env_wipe();
	const struct oneshot_apply apply = { o.apply, o.apply_count };

	return o.print_plan ? print_plan(plan) : oneshot_run(plan, &apply);
}
