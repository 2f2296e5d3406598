/*
 * What this kernel and its settings offer to sandboxes and roles.
 * Runs in: assent doctor.  Trusts: the kernel.  Owns: nothing.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/audit.h"
#include "base/cgroup.h"
#include "base/fdio.h"
#include "base/num.h"
#include "doctor.h"

#define SETTING_BYTES_MAX 256
#define FILESYSTEMS_BYTES_MAX ((size_t)64 << 10)
#define LANDLOCK_ASK_VERSION 1U /* LANDLOCK_CREATE_RULESET_VERSION */
#define LANDLOCK_ABI_NETWORK 4
#define LANDLOCK_ABI_SCOPE 6
#define LANDLOCK_ABI_AUDIT 7
#define TRACE_RIGHTS 2 /* as in sandbox/start/run.c */
#define AUDIT_LANDLOCK 1423

static void
find_release(struct findings *f)
{
	struct utsname name;

	if (uname(&name) != 0)
		return;
	finding_add(f, FINDING_NOTE, "kernel", "release", NULL, "%s %s",
	    name.sysname, name.release);
}

static void
find_landlock(struct findings *f)
{
	const long abi = syscall(
	    SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_ASK_VERSION);

	if (abi < 1) {
		finding_add(f, FINDING_MISSING, "kernel", "landlock",
		    "boot with lsm=landlock,... or a kernel from 5.13 on", "%s",
		    strerrordesc_np(errno));
		return;
	}
	finding_add(f, FINDING_OK, "kernel", "landlock", NULL, "ABI %ld%s%s",
	    abi, abi >= LANDLOCK_ABI_NETWORK ? ", TCP" : "",
	    abi >= LANDLOCK_ABI_SCOPE ? ", signals and abstract sockets" : "");
}

static void
find_seccomp(struct findings *f)
{
	static const struct {
		unsigned action;
		const char *name;
	} actions[] = {
		{ SECCOMP_RET_KILL_PROCESS, "seccomp" },
		{ SECCOMP_RET_USER_NOTIF, "seccomp-notify" },
	};

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		const unsigned action = actions[i].action;
		const bool there =
		    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0U,
			&action) == 0;

		finding_add(f, there ? FINDING_OK : FINDING_MISSING, "kernel",
		    actions[i].name,
		    "a kernel from 5.0 on, with CONFIG_SECCOMP_FILTER", "%s",
		    there ? "available" : "not available");
	}
}

/* The whole number in a file of /proc/sys, or -1. */
static int64_t
setting(const char *path)
{
	AUTO_BUF struct buf text = BUF_INIT(SETTING_BYTES_MAX);
	uint64_t v;

	if (fdio_read_file(path, &text, NULL) != 0 ||
	    num_parse_u64(str_trim(buf_str(&text)), 0, INT64_MAX, &v) != 0)
		return -1;
	return (int64_t)v;
}

/* 0, or why none can be made: a container's filter is in no setting. */
static int
try_userns(void)
{
	const long pid = syscall(SYS_clone,
	    (unsigned long)CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(0);
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Settings that forbid what the sandbox of a plain user stands on. */
static void
find_userns(struct findings *f)
{
	static const struct {
		const char *path;
		int64_t bad; /* this value forbids */
		const char *remedy;
	} settings[] = {
		{ "/proc/sys/user/max_user_namespaces", 0,
		    "sysctl user.max_user_namespaces=10000" },
		{ "/proc/sys/kernel/unprivileged_userns_clone", 0,
		    "sysctl kernel.unprivileged_userns_clone=1" },
		{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
		    "allow user namespaces to assent-exec in AppArmor" },
	};
	int why;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (setting(settings[i].path) != settings[i].bad)
			continue;
		finding_add(f, FINDING_MISSING, "kernel", "user-namespaces",
		    settings[i].remedy, "forbidden by %s", settings[i].path);
		return;
	}
	why = try_userns();
	if (why != 0)
		finding_add(f, FINDING_MISSING, "kernel", "user-namespaces",
		    "permit them in the container (its seccomp profile), and "
		    "make no chroot",
		    "none can be made here: %s", strerrordesc_np(why));
	else
		finding_add(f, FINDING_OK, "kernel", "user-namespaces", NULL,
		    "permitted");
}

static void
find_cgroup(struct findings *f)
{
	const unsigned needs = CGROUP_MEMORY | CGROUP_PIDS;
	struct cgroup_places p;

	/* By making one, as a run does. */
	cgroup_find(&p);
	if ((p.controls & needs) == needs)
		finding_add(f, FINDING_OK, "kernel", "cgroup", NULL,
		    "memory and processes of a run are limited%s",
		    p.why[0] == '\0' ? ", processor time, too" : "");
	else
		finding_add(f, FINDING_NOTE, "kernel", "cgroup",
		    "run the daemon as a service with Delegate=yes, or in "
		    "'systemd-run --user --scope -p Delegate=yes'",
		    "%s; memory is measured and processes are counted instead",
		    p.why);
	cgroup_places_close(&p);
}

/* Whoever may trace any process of his uid can speak for any program. */
static void
find_ptrace(struct findings *f)
{
	const int64_t scope = setting("/proc/sys/kernel/yama/ptrace_scope");

	if (scope >= TRACE_RIGHTS)
		finding_add(f, FINDING_MISSING, "kernel", "ptrace",
		    "sysctl kernel.yama.ptrace_scope=1 (3 stays until the next "
		    "boot)",
		    "nobody without rights may trace (yama %lld), and so no "
		    "run can be supervised",
		    (long long)scope);
	else if (scope >= 1)
		finding_add(f, FINDING_OK, "kernel", "ptrace", NULL,
		    "restricted (yama %lld)", (long long)scope);
	else
		finding_add(f, FINDING_NOTE, "kernel", "ptrace", NULL,
		    "not restricted: programs of one user may trace each "
		    "other outside of sandboxes");
}

/* What root's runs are told of denials by the kernel itself. */
static void
find_audit(struct findings *f)
{
	const long abi = syscall(
	    SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_ASK_VERSION);
	const enum audit_state state = audit_ask_state();
	struct err e = ERR_INIT;
	AUTO_FD int fd = -1;
	const char *what = "read, where the kernel's auditing is on (we may "
			   "not ask)";

	if (abi < LANDLOCK_ABI_AUDIT)
		what = "not made by this kernel (Linux 6.15 does)";
	else if (geteuid() != 0)
		what = "read only as root; the supervisor tells what it denied";
	else if (audit_join(AUDIT_LANDLOCK, AUDIT_LANDLOCK, &fd, &e) != 0)
		what = e.msg;
	else if (state == AUDIT_STATE_OFF)
		what = "auditing is off: 'auditctl -e 1', or 'sandbox: {audit: "
		       "on}', for the whole machine";
	else if (state == AUDIT_STATE_ON)
		what = "read: runs of root's launchers say what Landlock "
		       "denied";
	finding_add(f,
	    state == AUDIT_STATE_ON && fd >= 0 ? FINDING_OK : FINDING_NOTE,
	    "kernel", "denial-records", NULL, "%s", what);
}

/* For runs on a copy of the workspace; nothing else needs it. */
static void
find_overlay(struct findings *f)
{
	AUTO_BUF struct buf text = BUF_INIT(FILESYSTEMS_BYTES_MAX);
	const bool there =
	    fdio_read_file("/proc/filesystems", &text, NULL) == 0 &&
	    str_search(buf_str(&text), STR("\toverlay\n")) < text.len;

	finding_add(f, there ? FINDING_OK : FINDING_NOTE, "kernel", "overlay",
	    NULL, "%s",
	    there ? "runs can work on a copy of the workspace"
		  : "not there (yet): 'modprobe overlay' for runs on a copy "
		    "of the workspace");
}

static void
find_user(struct findings *f)
{
	if (geteuid() == 0)
		finding_add(f, FINDING_OK, "mode", "elevated", NULL,
		    "as root: roles have users of their own");
	else
		finding_add(f, FINDING_NOTE, "mode", "plain user", NULL,
		    "programs of uid %u outside any sandbox are not held off; "
		    "the elevated mode closes that",
		    (unsigned)geteuid());
}

void
doctor_kernel(struct findings *f)
{
	find_user(f);
	find_release(f);
	find_landlock(f);
	find_seccomp(f);
	find_userns(f);
	find_cgroup(f);
	find_overlay(f);
	find_audit(f);
	find_ptrace(f);
}
