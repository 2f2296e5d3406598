/*
 * assent-exec: performs sandbox plans.
 * Runs in: assent-exec.  Trusts: its caller's right to run a command at all.
 * Owns: the process.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "env.h"
#include "launcher/launcher.h"
#include "oneshot/oneshot_command.h"
#include "sys.h"

#define EXIT_BAD_USAGE 64
#define LAUNCHER_LINK 3

/* Descriptor 3 is the engine's link; 2 is the daemon's log. */
static int
launch(void)
{
	if (fcntl(LAUNCHER_LINK, F_SETFD, FD_CLOEXEC) != 0)
		return EXIT_BAD_USAGE;
	(void)sys_close_from(LAUNCHER_LINK + 1);
	env_wipe();
	log_open("launcher", LOG_INFO);
	return launcher_main(LAUNCHER_LINK);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--launcher") == 0)
		return launch();
	if (argc > 1 && strcmp(argv[1], "--oneshot") == 0)
		return oneshot_command(argc - 1, argv + 1, NULL, NULL);
	(void)fprintf(stderr, "assent-exec is started by assent and assentd\n");
	return EXIT_BAD_USAGE;
}
