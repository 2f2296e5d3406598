/*
 * Which call is missing, asked when something has failed.
 * Runs in: assent-exec and the first process of a run.
 * Trusts: the kernel's answers.  Owns: nothing.
 */
#include "needed.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * Asked with arguments that the kernel refuses before it does anything, and
 * with another error than who keeps the call away. Some ask for rights first,
 * so of them EPERM tells nothing.
 */
static const struct call {
	const char *name;
	long number, first, third, fifth;
	bool asks_for_rights;
} calls[] = {
	{ "openat2", SYS_openat2, -1, 0, 0, false },
	{ "open_tree", SYS_open_tree, -1, ~0U, 0, false },
	{ "mount_setattr", SYS_mount_setattr, -1, ~0U, 0, false },
	{ "fsconfig", SYS_fsconfig, -1, 0, 0, false },
	{ "fsopen", SYS_fsopen, 0, 0, 0, true },
	{ "fsmount", SYS_fsmount, -1, ~0U, 0, true },
	{ "move_mount", SYS_move_mount, -1, -1, ~0U, true },
	{ "seccomp", SYS_seccomp, ~0U, 0, 0, false },
};

static bool
is_missing(const struct call *c)
{
	const long r =
	    syscall(c->number, c->first, NULL, c->third, NULL, c->fifth);

	return r < 0 &&
	    (errno == ENOSYS || (errno == EPERM && !c->asks_for_rights));
}

void
needed_explain(struct err *e)
{
	if (e == NULL || e->code != ERR_SYS ||
	    (e->sys_errno != ENOSYS && e->sys_errno != EPERM))
		return;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (!is_missing(&calls[i]))
			continue;
		(void)err_wrap(e, e->code,
		    "runs need the system call %s, which this kernel lacks "
		    "(Linux 5.13 has it) or a filter of its container forbids",
		    calls[i].name);
		return;
	}
}
