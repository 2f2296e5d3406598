/*
 * Places that an agent claims: only its own project's directory will do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "whereabouts.h"

struct place {
	char dir[64];
	struct action *a;
};

static int
make(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	memcpy(p->dir, "/tmp/assent-place-XXXXXX", 25);
	if (mkdtemp(p->dir) == NULL || action_new(&p->a, NULL) != 0)
		return -1;
	p->a->proposer.uid = getuid();
	p->a->proposer.gid = getgid();
	*state = p;
	return 0;
}

static int
unmake(void **state)
{
	struct place *p = *state;

	(void)chmod(p->dir, 0700);
	(void)rmdir(p->dir);
	action_free(p->a);
	free(p);
	return 0;
}

static int
check(struct place *p, const char *workspace, const char *cwd, struct err *e)
{
	p->a->proposal.workspace =
	    workspace == NULL ? NULL : arena_strdup(p->a->arena, workspace);
	p->a->proposal.cwd =
	    cwd == NULL ? NULL : arena_strdup(p->a->arena, cwd);
	return whereabouts_check(p->a, e);
}

static void
a_project_of_ones_own_will_do(void **state)
{
	struct place *p = *state;

	assert_int_equal(check(p, p->dir, NULL, NULL), 0);
	assert_string_equal(p->a->proposal.cwd, p->dir);
}

static void
shared_system_and_secret_places_are_refused(void **state)
{
	static const char *const bad[] = {
		"/",
		"/tmp",
		"/home",
		"/usr",
		"/usr/lib",
		"/etc",
		"/var/lib",
		"/proc/self",
		"/dev",
		"relative",
		"/no/such/place",
		"/etc/passwd",
		"",
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(check(p, bad[i], NULL, &e), ERR_INVALID);
		assert_true(e.msg[0] != '\0');
	}
	assert_int_equal(check(p, NULL, NULL, NULL), ERR_INVALID);
}

static void
the_home_and_what_holds_it_are_refused(void **state)
{
	struct place *p = *state;
	char inner[96];

	(void)snprintf(inner, sizeof(inner), "%s/home", p->dir);
	assert_int_equal(mkdir(inner, 0700), 0);
	p->a->proposer.home = inner;
	assert_int_equal(check(p, inner, NULL, NULL), ERR_INVALID);
	assert_int_equal(check(p, p->dir, NULL, NULL), ERR_INVALID);
	assert_int_equal(rmdir(inner), 0);
}

static void
settings_of_the_home_are_refused(void **state)
{
	struct place *p = *state;
	char hidden[96];

	(void)snprintf(hidden, sizeof(hidden), "%s/.config", p->dir);
	assert_int_equal(mkdir(hidden, 0700), 0);
	p->a->proposer.home = p->dir;
	assert_int_equal(check(p, hidden, NULL, NULL), ERR_INVALID);
	assert_int_equal(rmdir(hidden), 0);
}

static void
the_daemons_own_folders_are_refused(void **state)
{
	struct place *p = *state;
	char inner[96];
	const char *own[] = { inner };
	const char *above[] = { "/tmp" };

	(void)snprintf(inner, sizeof(inner), "%s/state", p->dir);
	assert_int_equal(check(p, p->dir, NULL, NULL), 0);
	assert_int_equal(whereabouts_not_own(p->a, own, 1, NULL), ERR_DENIED);
	assert_int_equal(whereabouts_not_own(p->a, above, 1, NULL), ERR_DENIED);
	(void)snprintf(inner, sizeof(inner), "%s-state", p->dir);
	assert_int_equal(whereabouts_not_own(p->a, own, 1, NULL), 0);
}

static void
a_link_does_not_hide_where_it_leads(void **state)
{
	struct place *p = *state;
	char link[96];

	(void)snprintf(link, sizeof(link), "%s/link", p->dir);
	assert_int_equal(symlink("/etc", link), 0);
	assert_int_equal(check(p, link, NULL, NULL), ERR_INVALID);
	assert_int_equal(unlink(link), 0);
}

static void
what_the_peer_may_not_write_is_refused(void **state)
{
	struct place *p = *state;

	p->a->proposer.uid = getuid() + 1;
	p->a->proposer.gid = getgid() + 1;
	assert_int_equal(check(p, p->dir, NULL, NULL), ERR_DENIED);
}

static void
the_password_file_names_the_home(void **state)
{
	AUTO(arena_freep) struct arena *a = arena_new(65536);
	char *home = NULL;

	(void)state;
	assert_int_equal(whereabouts_home(0, a, &home, NULL), 0);
	assert_string_equal(home, "/root");
	assert_int_equal(
	    whereabouts_home(4294967290u, a, &home, NULL), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_project_of_ones_own_will_do, make, unmake),
		cmocka_unit_test_setup_teardown(
		    shared_system_and_secret_places_are_refused, make, unmake),
		cmocka_unit_test_setup_teardown(
		    the_home_and_what_holds_it_are_refused, make, unmake),
		cmocka_unit_test_setup_teardown(
		    settings_of_the_home_are_refused, make, unmake),
		cmocka_unit_test_setup_teardown(
		    the_daemons_own_folders_are_refused, make, unmake),
		cmocka_unit_test_setup_teardown(
		    a_link_does_not_hide_where_it_leads, make, unmake),
		cmocka_unit_test_setup_teardown(
		    what_the_peer_may_not_write_is_refused, make, unmake),
		cmocka_unit_test(the_password_file_names_the_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
