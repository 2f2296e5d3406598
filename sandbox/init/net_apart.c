/*
 * Make a run's network beside everything else.
 * Runs in: the first process of a run, and a process of it.
 * Trusts: the kernel.  Owns: that process until net_apart_enter.
 */
#include "init/net_apart.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "root/identity.h"

#define NET_MAX "/proc/sys/user/max_net_namespaces"

/* A filter may let some namespaces pass and not others; so may a limit. */
bool
net_apart_can(void)
{
	AUTO_FD int fd = -1;
	char first = '0';

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
		return false;
	fd = open(NET_MAX, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &first, 1) == 1 && first != '0';
}

/* A descriptor of the network that this process is in. */
static int
own_network(int *ret, struct err *e)
{
	AUTO_FD int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ret = any < 0 ? -1 : ioctl(any, SIOCGSKNS);
	return *ret < 0 ? err_sys(e, "cannot open a network namespace")
			: ERR_OK;
}

static int
make_network(void *ctx)
{
	struct net_apart *n = ctx;
	int r = identity_new_network(&n->why);

	if (r == 0)
		r = own_network(&n->network, &n->why);
	return r == 0 ? 0 : 1;
}

int
net_apart_start(struct net_apart *n, struct err *e)
{
	n->network = -1;
	n->why = (struct err)ERR_INIT;
	n->pid = clone(make_network, n->stack + sizeof(n->stack),
	    CLONE_VM | CLONE_FILES | SIGCHLD, n);
	return n->pid < 0 ? err_sys(e, "cannot start a process") : ERR_OK;
}

int
net_apart_enter(struct net_apart *n, struct err *e)
{
	AUTO_FD int network = -1;
	int status = 1;

	while (waitpid(n->pid, &status, 0) < 0 && errno == EINTR)
		;
	network = TAKE_FD(n->network);
	if (status != 0 || network < 0)
		return err_set(e, ERR_SYS, "%s",
		    n->why.code != ERR_OK ? n->why.msg
					  : "cannot make the run's network");
	return setns(network, CLONE_NEWNET) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot enter the run's network");
}
