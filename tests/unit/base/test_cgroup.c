/*
 * Where the control groups of a process are, from what the kernel prints.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cgroup.h"
#include "base/mem.h"

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

/* ---- where this process may make groups -------------------------------- */

static const struct cgroup_limits usual = {
	.memory_bytes = (uint64_t)256 << 20,
	.pids = 64,
};

/* False, and said, where it may not. */
static bool
find(struct cgroup_places *p)
{
	cgroup_find(p);
	if (p->count == 0)
		print_message("[  SKIP    ] %s\n", p->why);
	return p->count > 0;
}

static void
make(struct cgroup_places *p, const struct cgroup_limits *l, struct cgroup *ret)
{
	struct err e = ERR_INIT;

	if (cgroup_make(p, l, ret, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
a_group_serves_the_next_that_asks_for_the_same_limits(void **state)
{
	struct cgroup_limits other = usual;
	struct cgroup_places p;
	struct cgroup a, b;
	char name[CGROUP_NAME_MAX];

	(void)state;
	if (!find(&p))
		return;
	other.pids++;
	make(&p, &usual, &a);
	memcpy(name, a.name, sizeof(name));
	cgroup_give_back(&p, &a);
	assert_int_equal(p.spare_count, 1);
	make(&p, &other, &b);
	assert_string_not_equal(b.name, name);
	make(&p, &usual, &a);
	assert_string_equal(a.name, name);
	assert_int_equal(a.join_count, b.join_count);
	assert_int_equal(p.spare_count, 0);
	/* Two at a time are two. */
	cgroup_remove(&p, &b);
	make(&p, &usual, &b);
	assert_string_not_equal(b.name, name);
	cgroup_remove(&p, &a);
	cgroup_remove(&p, &b);
	cgroup_places_close(&p);
}

static void
no_group_that_somebody_is_in_or_was_removed_serves_another(void **state)
{
	struct cgroup_places p;
	struct cgroup g;
	char name[CGROUP_NAME_MAX];

	(void)state;
	if (!find(&p) || p.at[0].unified)
		return; /* whose groups with groups below take no process back */
	make(&p, &usual, &g);
	memcpy(name, g.name, sizeof(name));
	assert_int_equal(cgroup_join(g.join, g.join_count, "0"), 0);
	cgroup_give_back(&p, &g);
	assert_int_equal(p.spare_count, 0);
	for (size_t i = 0; i < p.count; i++) {
		AUTO_FD int home =
		    openat(p.at[i].dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);

		assert_int_equal(write(home, "0", 1), 1);
		(void)unlinkat(p.at[i].dir, name, AT_REMOVEDIR);
	}
	make(&p, &usual, &g);
	cgroup_remove(&p, &g);
	assert_int_equal(p.spare_count, 0);
	cgroup_places_close(&p);
}

static void
spare_groups_are_few_and_go_with_the_rest(void **state)
{
	struct cgroup_limits l = usual;
	struct cgroup_places p;
	char first[CGROUP_NAME_MAX] = "", last[CGROUP_NAME_MAX] = "";
	AUTO_FD int dir = -1;

	(void)state;
	if (!find(&p))
		return;
	/* The first may be one for processor time, which is not used. */
	dir = openat(
	    p.at[p.count - 1].dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i <= CGROUP_SPARE_MAX; i++) {
		struct cgroup g;

		l.pids++;
		make(&p, &l, &g);
		memcpy(i == 0 ? first : last, g.name, sizeof(last));
		cgroup_give_back(&p, &g);
	}
	assert_int_equal(p.spare_count, CGROUP_SPARE_MAX);
	assert_int_equal(faccessat(dir, first, F_OK, 0), 0);
	assert_int_not_equal(faccessat(dir, last, F_OK, 0), 0);
	cgroup_places_close(&p);
	assert_int_not_equal(faccessat(dir, first, F_OK, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_where_its_hierarchy_is_mounted),
		cmocka_unit_test(a_container_sees_its_part_of_a_hierarchy),
		cmocka_unit_test(a_group_that_is_not_to_be_seen_is_not_found),
		cmocka_unit_test(
		    a_group_serves_the_next_that_asks_for_the_same_limits),
		cmocka_unit_test(
		    no_group_that_somebody_is_in_or_was_removed_serves_another),
		cmocka_unit_test(spare_groups_are_few_and_go_with_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
