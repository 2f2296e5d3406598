/*
 * The command line of one run: make its plan, then print, pin or perform it.
 * Runs in: assent, assent-exec.  Trusts: its caller's right to run a command
 * at all.
 * Owns: the process.
 */
#include "oneshot/oneshot_command.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fdio.h"
#include "env.h"
#include "model/command.h"
#include "oneshot/oneshot.h"
#include "oneshot/oneshot_begin.h"
#include "oneshot/options.h"
#include "oneshot/pin.h"
#include "start/job.h"

#define PLAN_ARENA ((size_t)256 << 20)
#define PLAN_TEXT_MAX ((size_t)16 << 20)

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

/* Ends the process: the kernel takes its memory down at once, where to give
 * it back piece by piece before that would take as long again. */
static _Noreturn void
perform(const struct options *o, const struct plan *p, struct blank *begun)
{
	AUTO_BUF struct buf record = BUF_INIT(JOB_BYTES_MAX);
	const struct oneshot_apply apply = { o->apply, o->apply_count };

	/* A longer one is too long to be handed over, too. */
	plan_encode(p, &record);
	if (buf_done(&record, NULL) != 0)
		record.len = 0;
	exit(oneshot_run(p, &apply, begun, buf_str(&record)));
}

static int
command(int argc, char **argv, const struct config *c, struct blank *begun)
{
	AUTO(arena_freep) struct arena *a = arena_new(PLAN_ARENA);
	struct options o;
	struct plan *plan;
	struct err e = ERR_INIT;

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
	if (o.print_plan)
		return print_plan(plan);
	perform(&o, plan, begun);
}

int
oneshot_command(
    int argc, char **argv, const struct config *c, struct oneshot_begun *b)
{
	struct oneshot_begun none = ONESHOT_BEGUN_INIT;
	int r;

	if (b == NULL)
		b = &none;
	/* The link to what was begun is open already. */
	if (b->blank.process.pid <= 0)
		oneshot_close_the_rest();
	r = command(argc, argv, c, &b->blank);
	oneshot_begun_done(b);
	return r;
}
