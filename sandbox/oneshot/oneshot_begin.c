/*
 * Begin a run before its plan is there: on another processor, while this one
 * reads the configuration.
 * Runs in: assent.  Trusts: nothing.
 * Owns: nothing; what is begun is its caller's.
 */
#include "oneshot/oneshot_begin.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "init/net_apart.h"
#include "oneshot/options.h"
#include "root/identity.h"
#include "sys.h"

#define SYSTEM_ARENA ((size_t)1 << 20)

void
oneshot_close_the_rest(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3 && fcntl(fd, F_SETFD, 0) == 0);
	(void)sys_close_from(3);
}

void
oneshot_begin(const struct options *o, struct oneshot_begun *b)
{
	struct blank_with with = {
		.ground = { .idmap = -1 },
		.at_once = true,
		.net_apart = net_apart_can(),
	};
	struct plan_who who;
	struct plan *common;

	/* Not for what only prints or records. */
	if (o->help || o->print_plan || o->pin != NULL)
		return;
	oneshot_close_the_rest();
	b->arena = arena_new(SYSTEM_ARENA);
	if (b->arena == NULL || identity_choose("", &who, NULL) != 0 ||
	    plan_make_system(&who, b->arena, &common, NULL) != 0)
		return;
	with.ground.plan = common;
	/* How large /tmp may be the configuration says. */
	while (common->ops[with.ground.op_count].kind != OP_TMP)
		with.ground.op_count++;
	(void)blank_make(&with, &b->blank, NULL);
}

void
oneshot_begun_done(struct oneshot_begun *b)
{
	blank_done(&b->blank);
	arena_free(b->arena);
	*b = (struct oneshot_begun)ONESHOT_BEGUN_INIT;
}
