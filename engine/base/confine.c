/*
 * Confinement of a role, step by step, and a report of what holds (I10).
 * Runs in: every role but supervisor.  Trusts: the kernel.  Owns: nothing.
 */
#include "confine.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jsonw.h"
#include "landlock.h"
#include "seccomp_filter.h"

#define CAPS_MAX 64

/* Also takes /proc/PID of this process away from others of the same user. */
void
confine_forbid_dumps(void)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef ASSENT_SANITIZE
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

static void
forbid_new_privs(struct confine_report *ret)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ret->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static bool
holds_no_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, caps) != 0)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if ((caps[i].effective | caps[i].permitted |
			caps[i].inheritable) != 0)
			return false;
	}
	return true;
}

/* The bounding set first, for that takes a capability. Where it cannot be
 * emptied there was none to lose, and no_new_privs holds the rest. */
static void
drop_caps(struct confine_report *ret)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	bool empty = true;

	for (int cap = 0; cap < CAPS_MAX; cap++) {
		if (prctl(PR_CAPBSET_READ, cap) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap) != 0)
			empty = false;
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)syscall(SYS_capset, &head, none);
	ret->caps_dropped = holds_no_caps() && (empty || ret->no_new_privs);
}

int
confine(
    const struct confine_options *o, struct confine_report *ret, struct err *e)
{
	struct confine_report got = { .landlock_abi = 0 };
	int r = ERR_OK;

	confine_forbid_dumps();
	got.not_dumpable = prctl(PR_GET_DUMPABLE) == 0;
	forbid_new_privs(&got);
	drop_caps(&got);
	/* Both need no_new_privs, now that there is no capability. */
	if (got.no_new_privs)
		r = landlock_enforce(o, &got, e);
	if (r == 0 && got.no_new_privs)
		r = seccomp_filter_enforce(o, &got, e);
	if (r != 0)
		return err_wrap(e, r, "cannot confine role %s", o->role);
	*ret = got;
	return ERR_OK;
}

/* ---- the report -------------------------------------------------------- */

enum fact {
	FACT_NO_NEW_PRIVS = 1 << 0,
	FACT_NOT_DUMPABLE = 1 << 1,
	FACT_CAPS_DROPPED = 1 << 2,
	FACT_SECCOMP = 1 << 3,
	FACT_LANDLOCK_NET = 1 << 4,
	FACT_LANDLOCK_SCOPE = 1 << 5,
	FACT_RELAXED = 1 << 6,
	FACTS = (1 << 7) - 1,
};

void
confine_report_put(struct buf *b, const struct confine_report *r)
{
	unsigned facts = 0;

	facts |= r->no_new_privs ? FACT_NO_NEW_PRIVS : 0;
	facts |= r->not_dumpable ? FACT_NOT_DUMPABLE : 0;
	facts |= r->caps_dropped ? FACT_CAPS_DROPPED : 0;
	facts |= r->seccomp ? FACT_SECCOMP : 0;
	facts |= r->landlock_net ? FACT_LANDLOCK_NET : 0;
	facts |= r->landlock_scope ? FACT_LANDLOCK_SCOPE : 0;
	facts |= r->relaxed ? FACT_RELAXED : 0;
	assert(r->landlock_abi >= 0);
	rec_put_u32(b, facts);
	rec_put_u32(b, (uint32_t)r->landlock_abi);
}

int
confine_report_get(struct rec *r, struct confine_report *ret)
{
	const uint32_t facts = rec_u32(r);
	const uint32_t abi = rec_u32(r);

	if (r->failed || (facts & ~(uint32_t)FACTS) != 0 || abi > INT16_MAX)
		return ERR_INVALID;
	*ret = (struct confine_report){
		.no_new_privs = (facts & FACT_NO_NEW_PRIVS) != 0,
		.not_dumpable = (facts & FACT_NOT_DUMPABLE) != 0,
		.caps_dropped = (facts & FACT_CAPS_DROPPED) != 0,
		.seccomp = (facts & FACT_SECCOMP) != 0,
		.landlock_abi = (int)abi,
		.landlock_net = (facts & FACT_LANDLOCK_NET) != 0,
		.landlock_scope = (facts & FACT_LANDLOCK_SCOPE) != 0,
		.relaxed = (facts & FACT_RELAXED) != 0,
	};
	return ERR_OK;
}

void
confine_report_json(struct buf *out, const struct confine_report *r)
{
	struct jsonw w = jsonw_on(out);

	jsonw_object(&w);
	jsonw_kbool(&w, "no_new_privs", r->no_new_privs);
	jsonw_kbool(&w, "not_dumpable", r->not_dumpable);
	jsonw_kbool(&w, "capabilities", r->caps_dropped);
	jsonw_kbool(&w, "seccomp", r->seccomp);
	jsonw_kint(&w, "landlock", r->landlock_abi);
	jsonw_kbool(&w, "landlock_net", r->landlock_net);
	jsonw_kbool(&w, "landlock_scope", r->landlock_scope);
	jsonw_kbool(&w, "relaxed_for_sanitizer", r->relaxed);
	jsonw_end(&w);
}

int
confine_report_has(
    const struct confine_report *r, const char *feature, unsigned long min)
{
	const struct str f = str_of(feature);

	if (str_eqz(f, "landlock"))
		return r->landlock_abi > 0 &&
		    (unsigned long)r->landlock_abi >= min;
	if (str_eqz(f, "seccomp"))
		return r->seccomp && !r->relaxed;
	if (str_eqz(f, "no_new_privs"))
		return r->no_new_privs;
	if (str_eqz(f, "capabilities"))
		return r->caps_dropped;
	if (str_eqz(f, "not_dumpable"))
		return r->not_dumpable;
	return -1;
}
