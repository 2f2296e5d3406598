/*
 * The require: list of the configuration, for a single run.
 * Runs in: assent-exec, as the first process of a run.
 * Trusts: the kernel's answers.  Owns: nothing.
 */
#include "init/require.h"

#include <string.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/num.h"
#include "init/domain.h"
#include "sys.h"

#define LANDLOCK_ABI_TRUNCATE 3
#define GROUP_NEEDS ((unsigned)(CGROUP_MEMORY | CGROUP_PIDS))

static int
check_landlock(const char *item, uint64_t min, struct err *e)
{
	const int known = sys_landlock_abi();
	/* What a later kernel could hold, too, this version does not ask of
	 * it. */
	const int abi = known > DOMAIN_ABI_MAX ? DOMAIN_ABI_MAX : known;

	if (abi > 0 && (uint64_t)abi >= min)
		return ERR_OK;
	return err_set(e, ERR_DENIED,
	    "%s is required, and with this kernel a run has %d (see 'assent "
	    "doctor')",
	    item, abi);
}

/*
 * Privileges, capabilities and the filter are set and verified for every run;
 * without them none begins. What is left to ask depends on the kernel.
 */
static int
check_item(const char *item, unsigned controls, bool bare, struct err *e)
{
	const struct str text = str_of(item);
	const size_t at = str_search(text, STR(">="));
	uint64_t min = 0;

	if (at < text.len &&
	    num_parse_u64(str_from(text, at + 2), 0, 1000, &min) != 0)
		return err_set(e, ERR_DENIED, "'%s' cannot be required", item);
	if (str_eqz(str_head(text, at), "landlock"))
		return check_landlock(item, min, e);
	if (strcmp(item, "cgroup") == 0 &&
	    (controls & GROUP_NEEDS) != GROUP_NEEDS)
		return err_set(e, ERR_DENIED,
		    "a control group that limits memory and processes is "
		    "required, and this run has none (see 'assent doctor')");
	if (strcmp(item, "userns") == 0 &&
	    (bare || access("/proc/self/ns/user", F_OK) != 0))
		return err_set(e, ERR_DENIED,
		    "user namespaces are required, and this kernel has none, "
		    "or none for this user (see 'assent doctor')");
	return ERR_OK;
}

int
require_check(const struct plan *p, unsigned controls, bool bare, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < p->require_count; i++)
		r = check_item(p->require[i], controls, bare, e);
	return r;
}

const char *
require_weaker(void)
{
	const int abi = sys_landlock_abi();

	if (abi == 0)
		return "note: Landlock is not there: mounts and the supervisor "
		       "of "
		       "names stand alone";
	if (abi < LANDLOCK_ABI_TRUNCATE)
		return "note: Landlock of this kernel does not cover "
		       "truncation";
	return NULL;
}
