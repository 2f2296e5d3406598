/*
 * The require: list against what this machine and each role enforce (I10).
 * Runs in: supervisor.  Trusts: the kernel; a role's report about itself.
 * Owns: nothing.
 */
#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/fdio.h"
#include "base/num.h"
#include "supervisor_int.h"

#define SYSCTL_BYTES_MAX 64

/* The number in a file of /proc/sys, or absent when there is none. */
static uint64_t
sysctl_number(const char *path, uint64_t absent)
{
	AUTO_BUF struct buf text = BUF_INIT(SYSCTL_BYTES_MAX);
	uint64_t v;

	if (fdio_read_file(path, &text, NULL) != 0 ||
	    num_parse_u64(str_trim(buf_str(&text)), 0, UINT64_MAX, &v) != 0)
		return absent;
	return v;
}

/* Root builds sandboxes without them, others only with them. */
static bool
has_userns(void)
{
	if (access("/proc/self/ns/user", F_OK) != 0)
		return false;
	if (sysctl_number("/proc/sys/user/max_user_namespaces", 0) == 0)
		return false;
	if (geteuid() == 0)
		return true;
	return sysctl_number("/proc/sys/kernel/unprivileged_userns_clone", 1) !=
	    0 &&
	    sysctl_number(
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) ==
	    0;
}

/* Those of a run; a run that has none is refused itself, too. */
static bool
has_groups(void)
{
	const unsigned needs = CGROUP_MEMORY | CGROUP_PIDS;
	struct cgroup_places p;
	bool has;

	cgroup_find(&p);
	has = (p.controls & needs) == needs;
	cgroup_places_close(&p);
	return has;
}

int
supervisor_check_machine(const struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->require_count; i++) {
		if (strcmp(c->require[i].feature, "userns") == 0 &&
		    !has_userns())
			return err_set(e, ERR_DENIED,
			    "user namespaces are required, and this machine "
			    "does not let this user have them");
		if (strcmp(c->require[i].feature, "cgroup") == 0 &&
		    !has_groups())
			return err_set(e, ERR_DENIED,
			    "control groups for memory and processes are "
			    "required, and this daemon cannot make any (as a "
			    "service it needs Delegate=yes)");
	}
	return ERR_OK;
}

int
supervisor_check_report(const struct config *c, const char *role,
    const struct confine_report *r, struct err *e)
{
	for (size_t i = 0; i < c->require_count; i++) {
		const struct config_require *q = &c->require[i];

		/* -1: not a thing of roles; checked elsewhere. */
		if (confine_report_has(r, q->feature, q->min) != 0)
			continue;
		if (q->min > 0)
			return err_set(e, ERR_DENIED,
			    "%s>=%llu is required, and role %s has %d",
			    q->feature, (unsigned long long)q->min, role,
			    r->landlock_abi);
		return err_set(e, ERR_DENIED,
		    "%s is required, and role %s does not have it", q->feature,
		    role);
	}
	return ERR_OK;
}
