/*
 * Try the sandbox: run a probe in it and see what the probe could not do.
 * Runs in: assent doctor.  Trusts: nothing of what the probe prints beyond
 * what it is.  Owns: a folder that is removed again.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/program.h"
#include "base/spawn.h"
#include "doctor.h"

#define PROBE_OUTPUT_MAX 65536
#define PROBE_WAIT_MS 20000

/* Prints one word a line for each thing that holds. */
static const char probe[] =
    "if (: >/usr/.assent-probe) 2>/dev/null; then rm -f /usr/.assent-probe; "
    "else echo read-only-root; fi\n"
    "if (: >./.assent-probe) 2>/dev/null; then rm -f ./.assent-probe; "
    "echo workspace-writable; fi\n"
    "n=0; while read -r line; do n=$((n + 1)); case $line in lo:*) "
    "n=$((n - 1));; esac; done </proc/net/dev\n"
    "[ $n -le 2 ] && echo no-network\n"
    "while read -r key value; do case $key$value in\n"
    "NoNewPrivs:1) echo no-new-privileges;;\n"
    "Seccomp:2) echo seccomp;;\n"
    "CapEff:0000000000000000) echo no-capabilities;;\n"
    "esac; done </proc/self/status\n"
    "[ $PPID -le 2 ] && echo own-processes\n"
    "echo done\n";

static const struct {
	const char *word, *remedy;
} expected[] = {
	{ "read-only-root", "report this as a bug: writes left the sandbox" },
	{ "workspace-writable", "see 'assent sandbox --print-plan'" },
	{ "no-network", "report this as a bug: the network was there" },
	{ "no-new-privileges", "a kernel from 3.5 on" },
	{ "seccomp", "a kernel with CONFIG_SECCOMP_FILTER" },
	{ "no-capabilities", "report this as a bug" },
	{ "own-processes",
	    "allow namespaces; in a container, leave no part of /proc covered "
	    "(systempaths=unconfined, unmask=ALL)" },
};

/* stdout and stderr of the run, until it ends or time is over. */
static int
collect(int fd, int pidfd, struct buf *out, int *ret_exit, struct err *e)
{
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };
	char how[64];

	if (poll(&wait, 1, PROBE_WAIT_MS) != 1)
		return err_set(e, ERR_LIMIT, "the probe did not end in %d s",
		    PROBE_WAIT_MS / 1000);
	if (spawn_reap(pidfd, ret_exit, how, sizeof(how), e) != 0)
		return e == NULL ? ERR_INTERNAL : (int)e->code;
	/* the pipe is not full: the probe prints a few lines */
	return fdio_read_all(fd, out, e);
}

static int
run_probe(const char *folder, struct buf *out, int *ret_exit, struct err *e)
{
	char path[PROGRAM_PATH_MAX];
	AUTO_FREE char *workspace = strdup(folder);
	AUTO_FREE char *script = strdup(probe);
	char *argv[] = {
		path,
		(char[]){ "sandbox" },
		(char[]){ "--workspace" },
		workspace,
		(char[]){ "--" },
		(char[]){ "/bin/sh" },
		(char[]){ "-c" },
		script,
		NULL,
	};
	AUTO_FD int from = -1;
	AUTO_FD int to = -1;
	AUTO_FD int pidfd = -1;
	int pipes[2], r;
	pid_t pid;

	if (workspace == NULL || script == NULL)
		return err_nomem(e);
	r = program_beside("assent", path, e);
	if (r != 0)
		return r;
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_sys(e, "no pipe");
	from = pipes[0];
	to = pipes[1];
	const struct spawn_fd fds[] = { { to, 1 }, { to, 2 } };

	r = spawn(&(struct spawn_options){ .path = path,
		      .argv = argv,
		      .fds = fds,
		      .fd_count = ARRAY_LEN(fds) },
	    &pid, &pidfd, e);
	if (r != 0)
		return r;
	fd_closep(&to);
	to = -1;
	return collect(from, pidfd, out, ret_exit, e);
}

static bool
has_line(struct str text, const char *line)
{
	while (text.len > 0) {
		if (str_eqz(str_cut(&text, '\n'), line))
			return true;
	}
	return false;
}

static void
judge(struct findings *f, struct str printed, int status)
{
	if (status != 0 || !has_line(printed, "done")) {
		finding_add(f, FINDING_MISSING, "sandbox", "runs",
		    "mend what the message names", "exit status %d: %.*s",
		    status, STR_ARG(str_head(str_trim(printed), 180)));
		return;
	}
	finding_add(f, FINDING_OK, "sandbox", "runs", NULL,
	    "a probe ran in it and ended");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const bool holds = has_line(printed, expected[i].word);

		finding_add(f, holds ? FINDING_OK : FINDING_MISSING, "sandbox",
		    expected[i].word, expected[i].remedy, "%s",
		    holds ? "tried, holds" : "tried, does not hold");
	}
}

void
doctor_sandbox(struct findings *f)
{
	AUTO_BUF struct buf printed = BUF_INIT(PROBE_OUTPUT_MAX);
	/* On a disk, as workspaces are: before Linux 6.3 a tmpfs cannot show
	 * its files as another user's. */
	char folder[] = "/var/tmp/assent-doctor-XXXXXX";
	struct err e = ERR_INIT;
	int status = -1;

	if (mkdtemp(folder) == NULL) {
		finding_add(f, FINDING_MISSING, "sandbox", "runs",
		    "make /var/tmp writable", "no temporary folder");
		return;
	}
	if (run_probe(folder, &printed, &status, &e) != 0)
		finding_add(f, FINDING_MISSING, "sandbox", "runs",
		    "see the message", "%s", e.msg);
	else
		judge(f, buf_str(&printed), status);
	(void)rmdir(folder);
}
