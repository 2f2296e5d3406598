/*
 * Build the Landlock domain of a run from its plan.
 * Runs in: assent-exec, in the run's mount namespace.  Trusts: the plan.
 * Owns: nothing.
 */
#include "init/domain.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

#define ABI_1 ((1ULL << 13) - 1)

/* What this kernel knows: the cascade of ABI versions. */
static uint64_t
handled(int abi)
{
	uint64_t fs = ABI_1;

	if (abi >= 2)
		fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	/* No socket of the host by its path. The gate connects, for those of
	 * the run. */
	if (abi >= 9)
		fs |= LANDLOCK_ACCESS_FS_RESOLVE_UNIX;
	return fs;
}

static size_t
ruleset_size(int abi)
{
	return sizeof(uint64_t) * (abi >= 6 ? 3U : abi >= 4 ? 2U : 1U);
}

int
domain_allow(int ruleset, const char *path, uint64_t rights, struct err *e)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return ERR_OK; /* nothing there to permit */
	/* Rights on a file leave out those that only folders have. */
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rights &= LANDLOCK_ACCESS_FS_EXECUTE |
		    LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_WRITE_FILE |
		    LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (rights != 0 && sys_landlock_add_path(ruleset, fd, rights) != 0)
		return err_sys(e, "Landlock refuses a rule for '%s'", path);
	return ERR_OK;
}

static int
allow_roots(int ruleset, const struct plan *p, bool supervised, uint64_t known,
    struct err *e)
{
	const uint64_t rights =
	    (supervised ? DOMAIN_REMOVES : DOMAIN_WRITES) & known;
	int r = ERR_OK;

	if (!p->write)
		return ERR_OK;
	r = domain_allow(ruleset, p->workspace, rights, e);
	for (size_t i = 0; r == 0 && i < p->write_root_count; i++)
		r = domain_allow(ruleset, p->write_roots[i], rights, e);
	return r;
}

uint64_t
domain_known(void)
{
	return handled(sys_landlock_abi());
}

int
domain_ruleset(int *ret, struct err *e)
{
	const int abi = sys_landlock_abi();
	const struct sys_landlock_ruleset attr = {
		.fs = handled(abi),
		.scoped =
		    SYS_LANDLOCK_SCOPE_ABSTRACT | SYS_LANDLOCK_SCOPE_SIGNAL,
	};
	const int fd = sys_landlock_create(&attr, ruleset_size(abi));

	if (fd < 0)
		return err_sys(e, "cannot make a Landlock ruleset");
	*ret = fd;
	return ERR_OK;
}

int
domain_make(const struct plan *p, bool supervised, int *ret, struct err *e)
{
	const uint64_t known = domain_known();
	/* A workspace below /tmp would inherit the rights of /tmp. */
	const bool nested =
	    supervised && plan_path_within(p->workspace, "/tmp");
	AUTO_FD int fd = -1;
	int r;

	*ret = -1;
	if (sys_landlock_abi() == 0)
		return ERR_OK;
	r = domain_ruleset(&fd, e);
	if (r != 0)
		return r;
	r = domain_allow(fd, "/", DOMAIN_READS, e);
	if (r == 0)
		r = domain_allow(
		    fd, "/dev", (DOMAIN_READS | DOMAIN_DEVICES) & known, e);
	if (r == 0)
		r = domain_allow(fd, nested ? "/tmp/.private" : "/tmp",
		    (DOMAIN_READS | DOMAIN_WRITES) & known, e);
	if (r == 0 && nested)
		r = domain_allow(fd, "/tmp", DOMAIN_REMOVES & known, e);
	if (r == 0)
		r = allow_roots(fd, p, supervised, known, e);
	if (r == 0)
		*ret = TAKE_FD(fd);
	return r;
}

/*
 * Of this process until it executes the command nothing is told, of the
 * programs behind it all - but for domains that they make themselves: one
 * domain a run is what the reader counts on (audit/table.h).
 */
int
domain_enter(int ruleset, bool records)
{
	const unsigned flags = SYS_LANDLOCK_LOG_SAME_EXEC_OFF |
	    SYS_LANDLOCK_LOG_SUBDOMAINS_OFF |
	    (records ? SYS_LANDLOCK_LOG_NEW_EXEC_ON : 0U);

	if (ruleset < 0)
		return 0;
	return sys_landlock_restrict(
	    ruleset, sys_landlock_abi() >= SYS_LANDLOCK_LOG_ABI ? flags : 0U);
}
