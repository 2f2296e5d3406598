/*
 * Where the control groups of a process are, from what the kernel prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cgroup.h"

static const char own_v1[] = "9:name=systemd:/x\n"
			     "8:pids:/run/1\n"
			     "4:memory:/api/ab\n"
			     "2:cpu,cpuacct:/\n"
			     "0::/u\n";

static void
at(const char *line, const char *own, const char *path, unsigned controls,
    bool unified)
{
	struct cgroup_mount m = { .controls = 0 };

	assert_true(cgroup_parse_mount(str_of(line), str_of(own), &m));
	assert_string_equal(m.path, path);
	assert_int_equal(m.controls, controls);
	assert_int_equal(m.unified, unified);
}

static void
nowhere(const char *line, const char *own)
{
	struct cgroup_mount m;

	assert_false(cgroup_parse_mount(str_of(line), str_of(own), &m));
}

static void
a_group_is_where_its_hierarchy_is_mounted(void **state)
{
	(void)state;
	at("30 25 0:26 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup "
	   "cgroup rw,memory",
	    own_v1, "/sys/fs/cgroup/memory/api/ab", CGROUP_MEMORY, false);
	at("31 25 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
	    own_v1, "/sys/fs/cgroup/pids/run/1", CGROUP_PIDS, false);
	at("32 25 0:28 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct", own_v1,
	    "/cg/cpu", CGROUP_CPU, false);
	at("33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "0::/\n",
	    "/sys/fs/cgroup", 0, true);
	at("33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
	    "0::/user.slice/user-7.slice\n",
	    "/sys/fs/cgroup/user.slice/user-7.slice", 0, true);
}

static void
a_container_sees_its_part_of_a_hierarchy(void **state)
{
	(void)state;
	at("30 25 0:26 /docker/ff /sys/fs/cgroup/memory ro - cgroup cgroup "
	   "rw,memory",
	    "4:memory:/docker/ff/in\n", "/sys/fs/cgroup/memory/in",
	    CGROUP_MEMORY, false);
	at("30 25 0:26 /docker/ff /sys/fs/cgroup ro - cgroup2 c rw",
	    "0::/docker/ff\n", "/sys/fs/cgroup", 0, true);
}

static void
a_group_that_is_not_to_be_seen_is_not_found(void **state)
{
	(void)state;
	nowhere("30 25 0:26 /docker/ff /m rw - cgroup c rw,memory",
	    "4:memory:/docker/ffx\n");
	nowhere(
	    "33 25 0:29 / /sys/fs/cgroup rw - cgroup2 c rw", "0::/../other\n");
	nowhere("30 25 0:26 / /m rw - cgroup c rw,freezer", own_v1);
	nowhere("30 25 0:26 / /m rw - cgroup c rw,memory", "0::/\n");
	nowhere("30 25 0:26 / /tmp rw - tmpfs t rw,memory", own_v1);
	nowhere("30 25 0:26 / /a\\040b rw - cgroup c rw,memory", own_v1);
	nowhere("30 25 0:26 / /m rw", own_v1);
	nowhere("", own_v1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_where_its_hierarchy_is_mounted),
		cmocka_unit_test(a_container_sees_its_part_of_a_hierarchy),
		cmocka_unit_test(a_group_that_is_not_to_be_seen_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
