/*
 * Clone the first process of a run into new namespaces.
 * Runs in: assent-exec, on the host's side.  Trusts: the plan.
 * Owns: the run's process and link.
 */
#include "run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "identity.h"
#include "init.h"
#include "sys.h"

static unsigned long
namespaces(const struct plan *p)
{
	unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
	    CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	if (p->who.identity == IDENTITY_SAME)
		flags |= CLONE_NEWUSER;
	return flags;
}

static int
explain(struct err *e)
{
	const int r = err_sys(e, "cannot make the sandbox's namespaces");

	if (e != NULL && (e->sys_errno == EPERM || e->sys_errno == ENOSPC))
		return err_wrap(e, r,
		    "this system does not let a plain user make namespaces "
		    "(see 'assent doctor')");
	return r;
}

int
run_start(const struct plan *p, const int stdio[3], int tty, struct run *ret,
    struct err *e)
{
	struct job job = {
		.plan = p,
		.stdio = { stdio[0], stdio[1], stdio[2] },
		.tty = tty,
		.idmap = -1,
		.fresh = true,
	};
	AUTO_FD int idmap = -1;
	AUTO_FD int mine = -1;
	AUTO_FD int theirs = -1;
	int pair[2], pidfd = -1;
	pid_t pid;
	int r = identity_idmap(&p->who, p->workspace, &idmap, e);

	if (r != 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot make a link to the run");
	mine = pair[0];
	theirs = pair[1];
	pid = sys_fork(namespaces(p), &pidfd);
	if (pid < 0)
		return explain(e);
	if (pid == 0) {
		(void)close(mine);
		job.ctl = theirs;
		job.idmap = idmap;
		init_main(&job);
	}
	*ret = (struct run){ .pid = pid, .pidfd = pidfd, .ctl = TAKE_FD(mine) };
	return ERR_OK;
}

void
run_done(struct run *r)
{
	(void)sys_pidfd_kill(r->pidfd, SIGKILL);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	fd_closep(&r->pidfd);
	fd_closep(&r->ctl);
	*r = (struct run){ .pid = -1, .pidfd = -1, .ctl = -1 };
}
