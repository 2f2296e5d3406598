/*
 * Which system call filter a run has.
 * Runs in: assent-exec.  Trusts: the plan.  Owns: nothing.
 */
#include "base/cgroup.h"
#include "gate/filter.h"
#include "init/init.h"

static unsigned
common(const struct plan *p, unsigned controls)
{
	unsigned flags = FILTER_SUPERVISED;

	flags |= p->strict ? (unsigned)FILTER_STRICT : 0U;
	flags |= (controls & CGROUP_MEMORY) == 0 ? (unsigned)FILTER_SHARES : 0U;
	return flags;
}

static int
build(unsigned flags, struct bpf_program *ret, struct err *e)
{
	return filter_build(flags, ret) == 0
	    ? ERR_OK
	    : err_set(e, ERR_INTERNAL, "the system call filter is wrong");
}

int
init_filter(const struct plan *p, bool lent, unsigned controls,
    struct bpf_program *ret, struct err *e)
{
	unsigned flags = common(p, controls);

	flags |= p->deny_count > 0 ? (unsigned)FILTER_READS : 0U;
	flags |= lent ? (unsigned)FILTER_TRACES : 0U;
	return build(flags, ret, e);
}

int
init_filter_bare(const struct plan *p, bool signals, unsigned controls,
    struct bpf_program *ret, struct err *e)
{
	unsigned flags = common(p, controls) | FILTER_READS | FILTER_BARE;

	flags |= signals ? (unsigned)FILTER_SIGNALS : 0U;
	return build(flags, ret, e);
}
