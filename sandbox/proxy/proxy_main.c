/*
 * assent-proxy: the one way from a run to the network.
 * Runs in: assent-proxy.  Trusts: the launcher that started it.  Owns: the
 * link to it, descriptor 3.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "confined.h"
#include "proxy.h"

#define LINK_FD 3
#define EXIT_USAGE 64
#define EXIT_FAILED 70

static bool
is_link(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_SEQPACKET && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int
main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	(void)argv;
	if (argc != 1 || !is_link(LINK_FD)) {
		(void)fprintf(
		    stderr, "assent-proxy is started by assent-exec\n");
		return EXIT_USAGE;
	}
	/* The launcher's end ends us, too: its descriptor closes. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_open("proxy", LOG_INFO);
	if (confined_prepare(&e) != 0 || proxy_run(LINK_FD, &e) != 0) {
		log_err("stopped", "reason=%s", e.msg);
		return EXIT_FAILED;
	}
	return 0;
}
