/*
 * Values in sealed memory: nobody changes them but who made them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "credentials/handed.h"

#define SECRET "not for everybody"

static void
assert_reads(int fd, const char *bytes, size_t len)
{
	char got[64];

	assert_true(len < sizeof(got));
	assert_int_equal(pread(fd, got, sizeof(got), 0), (ssize_t)len);
	assert_memory_equal(got, bytes, len);
}

static void
a_value_handed_out_is_what_it_was(void **state)
{
	struct handed h;

	(void)state;
	assert_int_equal(handed_make(STR(SECRET), &h, NULL), 0);
	assert_reads(h.fd, SECRET, sizeof(SECRET) - 1);
	assert_true((fcntl(h.fd, F_GETFD) & FD_CLOEXEC) != 0);
	handed_wipe(&h);
	assert_int_equal(h.fd, -1);
}

static void
nobody_changes_a_value_that_was_handed_out(void **state)
{
	struct handed h;

	(void)state;
	assert_int_equal(handed_make(STR(SECRET), &h, NULL), 0);
	assert_int_equal(pwrite(h.fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(h.fd, 1), -1);
	assert_int_equal(ftruncate(h.fd, 4096), -1);
	assert_int_equal(
	    fallocate(
		h.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
	    -1);
	assert_ptr_equal(
	    mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, h.fd, 0),
	    MAP_FAILED);
	/* No further seal could keep its maker from wiping it. */
	assert_int_equal(fcntl(h.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_reads(h.fd, SECRET, sizeof(SECRET) - 1);
	handed_wipe(&h);
}

static void
a_wiped_value_is_gone_for_whoever_still_has_it(void **state)
{
	static const char zeros[sizeof(SECRET) - 1];
	AUTO_FD int theirs = -1;
	struct handed h;

	(void)state;
	assert_int_equal(handed_make(STR(SECRET), &h, NULL), 0);
	theirs = dup(h.fd);
	handed_wipe(&h);
	assert_reads(theirs, zeros, sizeof(zeros));
}

static void
there_is_no_value_of_nothing(void **state)
{
	struct handed h = { 0 };

	(void)state;
	assert_int_equal(handed_make(STR(""), &h, NULL), ERR_INVALID);
	handed_wipe(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_handed_out_is_what_it_was),
		cmocka_unit_test(nobody_changes_a_value_that_was_handed_out),
		cmocka_unit_test(
		    a_wiped_value_is_gone_for_whoever_still_has_it),
		cmocka_unit_test(there_is_no_value_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
