/*
 * Change who we are, and check that it worked.
 * Runs in: assent-exec.  Trusts: the plan.  Owns: nothing.
 */
#include "root/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sys.h"

#define ID_END 4294967295ULL /* the last id is never mapped */
#define MAP_BYTES_MAX ((size_t)1024)

int
identity_choose(const char *workspace, struct plan_who *ret, struct err *e)
{
	(void)workspace;
	(void)e;
	if (geteuid() != 0) {
		*ret = (struct plan_who){
			.identity = IDENTITY_SAME,
			.uid = geteuid(),
			.gid = getegid(),
		};
		return ERR_OK;
	}
	*ret = (struct plan_who){
		.identity = IDENTITY_DEDICATED,
		.uid = PLAN_UID_DEDICATED,
		.gid = PLAN_UID_DEDICATED,
		.name = "assent",
	};
	return ERR_OK;
}

static int
write_text(int dirfd, const char *path, const char *text, size_t len)
{
	AUTO_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : -1;
}

static void
map_range(struct buf *b, uint64_t inside, uint64_t outside, uint64_t count)
{
	if (count > 0)
		buf_printf(b, "%llu %llu %llu\n", (unsigned long long)inside,
		    (unsigned long long)outside, (unsigned long long)count);
}

/* On disk owner, seen as runs, and the other way round; the rest as it is. */
static void
swap_map(struct buf *b, uint64_t owner, uint64_t runs)
{
	const uint64_t low = owner < runs ? owner : runs;
	const uint64_t high = owner < runs ? runs : owner;

	if (owner == runs) {
		map_range(b, 0, 0, ID_END);
		return;
	}
	map_range(b, 0, 0, low);
	map_range(b, low, high, 1);
	map_range(b, low + 1, low + 1, high - low - 1);
	map_range(b, high, low, 1);
	map_range(b, high + 1, high + 1, ID_END - high - 1);
}

static int
write_map(pid_t pid, const char *file, uint64_t owner, uint64_t runs)
{
	AUTO_BUF struct buf map = BUF_INIT(MAP_BYTES_MAX);
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	swap_map(&map, owner, runs);
	return buf_done(&map, NULL) != 0
	    ? -1
	    : write_text(AT_FDCWD, path, map.s, map.len);
}

/* Also when we are killed; and without a hold on anything of ours. */
static _Noreturn void
wait_for_the_end(pid_t parent)
{
	(void)sys_close_from(0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    getppid() != parent)
		_exit(0);
	for (;;)
		(void)pause();
}

struct ids {
	uint64_t owner, runs;
};

static int
cannot_make(struct err *e)
{
	if (errno == EAGAIN || errno == ENOMEM)
		return err_sys(e, "cannot make a user namespace");
	return err_set(e, ERR_DENIED,
	    "root may make no user namespaces here (%s), and its runs need "
	    "them: start assent as a plain user, whose runs can do without",
	    strerrordesc_np(errno));
}

/* Names of processes are found in /proc alone. */
static int
cannot_map(const char *what, struct err *e)
{
	const int r = err_sys(e, "cannot %s", what);

	if (access("/proc/self", F_OK) != 0)
		return err_wrap(
		    e, r, "no /proc is mounted here, and runs need one");
	if (e != NULL && e->sys_errno == EPERM)
		return err_wrap(e, r,
		    "root's runs need CAP_SETUID, CAP_SETGID and CAP_SETFCAP "
		    "(CapabilityBoundingSet= of the unit, or the container)");
	return r;
}

/* A process is needed only until its namespace has been opened. */
static int
make_namespace(struct ids user, struct ids group, struct err *e)
{
	char path[64];
	const pid_t us = getpid();
	const pid_t pid = sys_fork(CLONE_NEWUSER, NULL);
	int fd = -1;

	if (pid < 0)
		return cannot_make(e);
	if (pid == 0)
		wait_for_the_end(us);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	if (write_map(pid, "uid_map", user.owner, user.runs) == 0 &&
	    write_map(pid, "gid_map", group.owner, group.runs) == 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		(void)cannot_map("map users and groups", e);
	/* Its end is not waited for, which would take longer than all else:
	 * run_done does. */
	(void)kill(pid, SIGKILL);
	return fd < 0 ? ERR_SYS : fd;
}

static void
look_as(uid_t uid, gid_t gid)
{
	/* They tell what was, not whether they failed; root may be both. */
	(void)setfsgid(gid);
	(void)setfsuid(uid);
}

static int
check_owner(const struct plan_who *who, const char *workspace,
    const struct stat *st, struct err *e)
{
	if (who->owner == 0 || st->st_uid == who->owner)
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "the workspace '%s' belongs to user %u, and an elevated run of "
	    "user %u works in his own alone",
	    workspace, (unsigned)st->st_uid, (unsigned)who->owner);
}

void
identity_look_as(const struct plan_who *who)
{
	if (who->owner != 0)
		look_as(who->owner, who->owner_gid);
}

void
identity_look_as_us(const struct plan_who *who)
{
	if (who->owner != 0)
		look_as(0, 0);
}

int
identity_open(const struct plan_who *who, int base, const char *path,
    uint64_t flags, uint64_t resolve)
{
	int fd, saved;

	identity_look_as(who);
	fd = sys_openat2(base, path, flags, resolve);
	saved = errno;
	identity_look_as_us(who);
	errno = saved;
	return fd;
}

void
identity_maps_close(struct identity_maps *m)
{
	while (m->count > 0)
		(void)close(m->at[--m->count].fd);
}

static int
find_map(const struct identity_maps *m, const struct stat *st,
    const struct plan_who *who)
{
	for (size_t i = 0; m != NULL && i < m->count; i++) {
		if (m->at[i].owner == st->st_uid &&
		    m->at[i].group == st->st_gid && m->at[i].uid == who->uid &&
		    m->at[i].gid == who->gid)
			return fcntl(m->at[i].fd, F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}

/* The oldest makes room. */
static void
keep_map(struct identity_maps *m, const struct stat *st,
    const struct plan_who *who, int fd)
{
	const int copy = m == NULL ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	size_t at;

	if (copy < 0)
		return;
	if (m->count < IDENTITY_MAPS_MAX) {
		at = m->count++;
	} else {
		at = m->next++ % IDENTITY_MAPS_MAX;
		(void)close(m->at[at].fd);
	}
	m->at[at].owner = st->st_uid;
	m->at[at].group = st->st_gid;
	m->at[at].uid = who->uid;
	m->at[at].gid = who->gid;
	m->at[at].fd = copy;
}

int
identity_idmap(const struct plan_who *who, const char *workspace,
    struct identity_maps *maps, int *ret, struct err *e)
{
	AUTO_FD int dir = -1;
	struct stat st;
	int fd;

	*ret = -1;
	if (who->identity != IDENTITY_DEDICATED)
		return ERR_OK;
	dir = identity_open(who, AT_FDCWD, workspace, O_PATH | O_NOFOLLOW,
	    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if ((dir < 0 && errno == ELOOP) ||
	    (dir >= 0 && fstat(dir, &st) == 0 && S_ISLNK(st.st_mode)))
		return err_set(e, ERR_DENIED,
		    "the path '%s' leads through a symbolic link: give the "
		    "real path of the folder",
		    workspace);
	if (dir < 0 || fstat(dir, &st) != 0)
		return err_sys(e, "cannot open the folder '%s'", workspace);
	if (check_owner(who, workspace, &st, e) != 0)
		return ERR_DENIED;
	fd = find_map(maps, &st, who);
	if (fd < 0) {
		fd = make_namespace(
		    (struct ids){ .owner = st.st_uid, .runs = who->uid },
		    (struct ids){ .owner = st.st_gid, .runs = who->gid }, e);
		if (fd >= 0)
			keep_map(maps, &st, who, fd);
	}
	if (fd < 0)
		return fd;
	*ret = fd;
	return ERR_OK;
}

int
identity_count_space(int *ret, struct err *e)
{
	const struct ids same = { .owner = 0, .runs = 0 };
	const int fd = make_namespace(same, same, e);

	if (fd < 0)
		return fd;
	*ret = fd;
	return ERR_OK;
}

/* self: the folder of this process in a /proc that can be written. */
static int
map_self(int self, const struct plan_who *who, struct err *e)
{
	char map[64];
	int n;

	if (write_text(self, "setgroups", "deny", 4) != 0 && errno != ENOENT)
		return err_sys(e, "cannot give up changing groups");
	n = snprintf(map, sizeof(map), "%u %u 1\n", who->uid, who->uid);
	if (write_text(self, "uid_map", map, (size_t)n) != 0)
		return err_sys(e, "cannot map the user %u", who->uid);
	n = snprintf(map, sizeof(map), "%u %u 1\n", who->gid, who->gid);
	if (write_text(self, "gid_map", map, (size_t)n) != 0)
		return err_sys(e, "cannot map the group %u", who->gid);
	return ERR_OK;
}

/* What the kernel counts for a user everywhere: a run takes a share, so that
 * the user's own programs find some left. Without the file nothing is lost. */
static void
leave_some(void)
{
	static const char *const shares[][2] = {
		{ "/proc/sys/user/max_inotify_instances", "64" },
		{ "/proc/sys/user/max_inotify_watches", "32768" },
	};

	for (size_t i = 0; i < ARRAY_LEN(shares); i++)
		(void)write_text(
		    AT_FDCWD, shares[i][0], shares[i][1], strlen(shares[i][1]));
}

int
identity_map_self(const struct plan_who *who, struct err *e)
{
	AUTO_FD int self = -1;
	int r;

	if (who->identity != IDENTITY_SAME)
		return ERR_OK;
	self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (self < 0)
		return cannot_map("open '/proc/self'", e);
	r = map_self(self, who, e);
	if (r == 0)
		leave_some();
	return r;
}

int
identity_count_apart(
    const struct plan_who *who, int userns, int self, struct err *e)
{
	if (userns >= 0 && setns(userns, CLONE_NEWUSER) != 0)
		return err_sys(e, "cannot count the run's processes apart");
	if (self < 0)
		return ERR_OK;
	if (unshare(CLONE_NEWUSER) != 0)
		return err_sys(e, "cannot make a user namespace");
	return map_self(self, who, e);
}

/* A new user namespace has all of them again: looking costs little. */
int
identity_drop_bounding(struct err *e)
{
	/* The kernel says where the list ends. */
	for (unsigned long cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0 ||
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL && cap > CAP_BPF)
			return ERR_OK;
		return err_sys(e, "cannot drop capability %lu", cap);
	}
	return ERR_OK;
}

static int
drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	struct __user_cap_data_struct now[2];

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0)
		return err_sys(e, "cannot drop capabilities");
	head.pid = 0;
	if (syscall(SYS_capget, &head, now) != 0 || now[0].permitted != 0 ||
	    now[1].permitted != 0 || now[0].effective != 0 ||
	    now[1].effective != 0)
		return err_set(e, ERR_INTERNAL, "capabilities are still there");
	return ERR_OK;
}

static int
switch_user(const struct plan_who *who, struct err *e)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (who->identity == IDENTITY_SAME)
		return ERR_OK;
	if (setgroups(0, NULL) != 0 ||
	    setresgid(who->gid, who->gid, who->gid) != 0 ||
	    setresuid(who->uid, who->uid, who->uid) != 0)
		return err_sys(e, "cannot become user %u", who->uid);
	if (getresuid(&ruid, &euid, &suid) != 0 ||
	    getresgid(&rgid, &egid, &sgid) != 0 || ruid != who->uid ||
	    euid != who->uid || suid != who->uid || rgid != who->gid ||
	    egid != who->gid || sgid != who->gid || setuid(0) == 0)
		return err_set(e, ERR_INTERNAL, "still not user %u", who->uid);
	return ERR_OK;
}

int
identity_become(const struct plan_who *who, struct err *e)
{
	int r = identity_drop_bounding(e);

	if (r == 0)
		r = switch_user(who, e);
	return r == 0 ? identity_give_up(e) : r;
}

int
identity_give_up(struct err *e)
{
	const int r = drop_capabilities(e);

	if (r != 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(e, "cannot give up new privileges");
	/* After the change of user, which would have cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return err_sys(e, "cannot tie the run to its launcher");
	return ERR_OK;
}

int
identity_loopback(struct err *e)
{
	AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_flags = IFF_UP | IFF_RUNNING };

	(void)snprintf(req.ifr_name, sizeof(req.ifr_name), "lo");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) != 0)
		return err_sys(e, "cannot start the loopback interface");
	return ERR_OK;
}

int
identity_new_network(struct err *e)
{
	if (unshare(CLONE_NEWNET) != 0)
		return err_sys(e, "cannot make a network namespace");
	return identity_loopback(e);
}
