/*
 * Files, TCP, abstract sockets and signals out of reach, as far as the
 * running kernel can.
 * Runs in: every role.  Trusts: the kernel.  Owns: its rule set while it is
 * being built.
 */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"

/* Our own copy of the interface: headers of Debian 12 end at ABI 2. */
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

enum fs_right {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13, /* ABI 2 */
	FS_TRUNCATE = 1 << 14, /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
};

#define FS_ABI_1 (FS_REFER - 1)
#define NET_BIND_TCP 1u /* ABI 4 */
#define NET_CONNECT_TCP 2u
#define SCOPE_ABSTRACT_UNIX 1u /* ABI 6 */
#define SCOPE_SIGNAL 2u

#define ABI_NET 4
#define ABI_SCOPE 6
#define ABI_KNOWN_MAX 7

#define READ_RIGHTS (FS_READ_FILE | FS_READ_DIR)
#define WRITE_RIGHTS                                                           \
	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |        \
	    FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
/* What makes sense for a file that is not a folder. */
#define FILE_RIGHTS (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static long
create_ruleset(const struct ruleset_attr *attr, size_t size, unsigned flags)
{
	return syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

/* 0 where the kernel has no Landlock or has it switched off. */
static int
kernel_abi(void)
{
	const long abi = create_ruleset(NULL, 0, CREATE_RULESET_VERSION);

	if (abi < 0)
		return 0;
	return abi > ABI_KNOWN_MAX ? ABI_KNOWN_MAX : (int)abi;
}

/* Everything the ABI can deny, so that what is not allowed is denied. */
static struct ruleset_attr
handled(int abi, bool allow_connect)
{
	struct ruleset_attr a = { .fs = FS_ABI_1 };

	if (abi >= 2)
		a.fs |= FS_REFER;
	if (abi >= 3)
		a.fs |= FS_TRUNCATE;
	if (abi >= ABI_NET)
		a.net = NET_BIND_TCP | (allow_connect ? 0 : NET_CONNECT_TCP);
	if (abi >= 5)
		a.fs |= FS_IOCTL_DEV;
	if (abi >= ABI_SCOPE)
		a.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return a;
}

/* Older kernels refuse a longer struct than theirs. */
static size_t
attr_size(int abi)
{
	if (abi >= ABI_SCOPE)
		return sizeof(struct ruleset_attr);
	if (abi >= ABI_NET)
		return offsetof(struct ruleset_attr, scoped);
	return offsetof(struct ruleset_attr, net);
}

static int
allow_path(int ruleset, const struct ruleset_attr *attr,
    const struct confine_path *p, struct err *e)
{
	AUTO_FD int fd = open(p->path, O_PATH | O_CLOEXEC);
	struct path_beneath_attr rule = { .allowed = 0 };
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return ERR_OK;
	if (fd < 0)
		return err_sys(e, "cannot open '%s'", p->path);
	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot stat '%s'", p->path);
	if ((p->access & CONFINE_READ) != 0)
		rule.allowed |= READ_RIGHTS;
	if ((p->access & CONFINE_WRITE) != 0)
		rule.allowed |= WRITE_RIGHTS;
	rule.allowed &= attr->fs;
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FILE_RIGHTS;
	if (rule.allowed == 0)
		return ERR_OK;
	rule.parent_fd = fd;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
		0) != 0)
		return err_sys(e, "cannot allow '%s'", p->path);
	return ERR_OK;
}

int
landlock_enforce(
    const struct confine_options *o, struct confine_report *ret, struct err *e)
{
	const int abi = kernel_abi();
	const struct ruleset_attr attr = handled(abi, o->allow_connect);
	AUTO_FD int ruleset = -1;
	int r;

	if (abi == 0)
		return ERR_OK;
	ruleset = (int)create_ruleset(&attr, attr_size(abi), 0);
	if (ruleset < 0)
		return err_sys(e, "cannot create a Landlock rule set");
	for (size_t i = 0; i < o->path_count; i++) {
		r = allow_path(ruleset, &attr, &o->paths[i], e);
		if (r != 0)
			return r;
	}
#ifdef ASSENT_SANITIZE
	r = allow_path(ruleset, &attr,
	    &(struct confine_path){ .path = "/proc", .access = CONFINE_READ },
	    e);
	if (r != 0)
		return r;
#endif
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return err_sys(e, "cannot enforce Landlock");
	ret->landlock_abi = abi;
	ret->landlock_net = abi >= ABI_NET;
	ret->landlock_scope = abi >= ABI_SCOPE;
	return ERR_OK;
}
