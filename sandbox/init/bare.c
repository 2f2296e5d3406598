/*
 * Prepare a run that has no namespaces.
 * Runs in: assent-exec, as the first process of such a run.
 * Trusts: the plan.  Owns: a temporary folder.
 */
#include "init/bare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "root/root.h"
#include "base/mem.h"
#include "init/family.h"
#include "sys.h"

#define RESTRICTED "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
#define CONFINED_BY "/proc/self/attr/apparmor/current"
#define UNCONFINED "unconfined"
#define TMP_PREFIX "assent-run-"
#define LOADAVG_BYTES 128
#define DEPTH_MAX 64
#define SWEEP_MAX 4096
#define ABI_SIGNALS 6

const char *const bare_notes[] = {
	"note: this user may make no namespaces here, or none with rights and "
	"a /proc of their own (see 'assent doctor'): Landlock, the system call "
	"filter and limits stand alone",
	"note: without namespaces it has no network at all, no System V or "
	"POSIX shared memory, and TMPDIR instead of a private /tmp",
	"note: without namespaces names and sizes of files outside, and which "
	"processes run, can be seen; after a kill of assent itself processes "
	"may stay",
	NULL,
};

bool
bare_may_help(int error)
{
	return error == EPERM || error == EACCES || error == ENOSPC ||
	    error == EINVAL || error == ENOSYS || error == EUSERS;
}

static bool
is_restricted(void)
{
	AUTO_FD int fd = open(RESTRICTED, O_RDONLY | O_CLOEXEC);
	char text[1];

	return fd >= 0 && read(fd, text, 1) == 1 && text[0] != '0';
}

/* A profile may let namespaces be made and mount nothing in them. */
static bool
is_confined(void)
{
	AUTO_FD int fd = open(CONFINED_BY, O_RDONLY | O_CLOEXEC);
	char text[sizeof(UNCONFINED)] = "";

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	    strcmp(text, UNCONFINED) != 0;
}

/* Then whoever is not root outside may mount no other /proc: it would show
 * what is covered here. */
static bool
is_covered(void)
{
	static const char *const names[] = {
		"/proc/sys",
		"/proc/kcore",
		"/proc/kmsg",
		"/proc/acpi",
		"/proc/keys",
		"/proc/sysrq-trigger",
		"/proc/cpuinfo",
	};
	struct statx st;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (statx(AT_FDCWD, names[i], AT_NO_AUTOMOUNT, 0, &st) == 0 &&
		    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
			return true;
	}
	return false;
}

static _Noreturn void
try_namespaces(void)
{
	_exit(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 &&
		    mount("proc", "/proc", "proc",
			MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0
		? 0
		: 1);
}

bool
bare_namespaces_are_hollow(void)
{
	int status = 0;
	pid_t pid;

	if (geteuid() == 0 ||
	    (!is_restricted() && !is_covered() && !is_confined()))
		return false;
	pid = sys_fork(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, NULL);
	if (pid == 0)
		try_namespaces();
	/* Who may make none at all finds out when he tries. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status != 0;
}

static int
check(const struct plan *p, struct err *e)
{
	if (p->who.identity != IDENTITY_SAME)
		return err_set(e, ERR_DENIED,
		    "root may make no namespaces here: start assent as a "
		    "plain user, whose runs can do without");
	if (sys_landlock_abi() == 0)
		return err_set(e, ERR_DENIED,
		    "this user may make no namespaces here, and the kernel has "
		    "no Landlock: nothing would hold the command (see 'assent "
		    "doctor')");
	if (p->overlay)
		return err_set(e, ERR_DENIED,
		    "a copy of the workspace needs namespaces, and this user "
		    "may make none here");
	for (size_t i = 0; i < p->pin_count; i++) {
		if (p->pins[i].kind == PIN_FROZEN)
			return err_set(e, ERR_DENIED,
			    "'%s' cannot be held as it was approved without "
			    "namespaces, and this user may make none here",
			    p->pins[i].path);
	}
	return root_check_pins(p, e);
}

/* Folders are entered by descriptor: nothing is followed. */
static void
remove_below(int at, const char *name, unsigned depth)
{
	AUTO_FD int fd = -1;
	const struct dirent *d;
	DIR *list;

	if (unlinkat(at, name, 0) == 0 ||
	    unlinkat(at, name, AT_REMOVEDIR) == 0 || depth == DEPTH_MAX)
		return;
	(void)!fchmodat(at, name, 0700, 0);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (list == NULL)
		return;
	fd = -1; /* the list's */
	while ((d = readdir(list)) != NULL) {
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			remove_below(dirfd(list), d->d_name, depth + 1);
	}
	(void)closedir(list);
	(void)unlinkat(at, name, AT_REMOVEDIR);
}

/* Of runs whose first process was killed. */
static void
sweep(void)
{
	DIR *list = opendir("/tmp");
	const struct dirent *d;
	struct stat st;

	for (int i = 0;
	     list != NULL && i < SWEEP_MAX && (d = readdir(list)) != NULL;
	     i++) {
		long pid;

		if (strncmp(d->d_name, TMP_PREFIX, strlen(TMP_PREFIX)) != 0)
			continue;
		pid = strtol(d->d_name + strlen(TMP_PREFIX), NULL, 10);
		if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH &&
		    fstatat(dirfd(list), d->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			remove_below(dirfd(list), d->d_name, 0);
	}
	if (list != NULL)
		(void)closedir(list);
}

static int
make_tmp(struct bare *b, struct err *e)
{
	sweep();
	(void)snprintf(
	    b->tmp, sizeof(b->tmp), "/tmp/" TMP_PREFIX "%d-XXXXXX", getpid());
	if (mkdtemp(b->tmp) != NULL)
		return ERR_OK;
	b->tmp[0] = '\0';
	return err_sys(e, "cannot make a temporary folder in '/tmp'");
}

/* What a mount would cover is denied by name. */
static int
deny_masks(struct plan *p, struct arena *a, struct err *e)
{
	const size_t n = strlen(p->workspace);
	const char **deny =
	    arena_array(a, p->deny_count + p->op_count + 1, sizeof(*deny));

	if (deny == NULL)
		return err_nomem(e);
	if (p->deny_count > 0)
		memcpy(deny, p->deny, p->deny_count * sizeof(*deny));
	for (size_t i = 0; i < p->op_count; i++) {
		const struct op *op = &p->ops[i];

		/* With a slash it is from the top; without, at any depth,
		 * which is the safe side. */
		if (op->kind == OP_MASK &&
		    plan_path_within(op->path, p->workspace) &&
		    op->path[n] == '/')
			deny[p->deny_count++] = op->path + n + 1;
	}
	p->deny = deny;
	return ERR_OK;
}

static int
set_tmpdir(struct plan *p, const char *tmp, struct arena *a, struct err *e)
{
	const char **env = arena_array(a, p->env_count + 2, sizeof(*env));
	char text[BARE_TMP_BYTES + 8];
	size_t n = 0;

	(void)snprintf(text, sizeof(text), "TMPDIR=%s", tmp);
	if (env == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < p->env_count; i++) {
		if (strncmp(p->env[i], "TMPDIR=", 7) != 0)
			env[n++] = p->env[i];
	}
	env[n++] = arena_strdup(a, text);
	p->env = env;
	p->env_count = n;
	return env[n - 1] == NULL ? err_nomem(e) : ERR_OK;
}

/* The kernel counts all processes of the user; others have theirs. */
static void
add_others(struct plan *p)
{
	AUTO_FD int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	char text[LOADAVG_BYTES];
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *slash;

	if (n <= 0)
		return;
	text[n] = '\0';
	slash = strchr(text, '/');
	if (slash != NULL)
		p->limits.processes +=
		    (uint32_t)strtoul(slash + 1, NULL, 10) & 0xffffff;
}

int
bare_open(struct bare *b, const struct plan *p, struct arena *a,
    struct plan **ret, struct err *e)
{
	struct plan *copy = arena_alloc(a, sizeof(*copy));
	int r = check(p, e);

	*b = (struct bare){ .signals = sys_landlock_abi() < ABI_SIGNALS };
	if (r == 0 && copy == NULL)
		r = err_nomem(e);
	if (r != 0)
		return r;
	*copy = *p;
	if (family_adopt() != 0)
		return err_sys(e, "cannot take in processes");
	r = deny_masks(copy, a, e);
	if (r == 0)
		r = make_tmp(b, e);
	if (r == 0)
		r = set_tmpdir(copy, b->tmp, a, e);
	add_others(copy);
	*ret = copy;
	return r;
}

void
bare_close(struct bare *b)
{
	if (b->tmp[0] != '\0')
		remove_below(AT_FDCWD, b->tmp, 0);
	b->tmp[0] = '\0';
}
