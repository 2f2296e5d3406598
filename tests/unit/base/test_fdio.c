/*
 * Files and descriptors: limits, links that lead astray, atomic replacement.
 */
#include "base/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char dir[64], file[96], other[96];
};

static int
setup(void **state)
{
	static struct place p;

	(void)snprintf(p.dir, sizeof(p.dir), "/tmp/assent-fdio-XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	(void)snprintf(p.file, sizeof(p.file), "%s/file", p.dir);
	(void)snprintf(p.other, sizeof(p.other), "%s/other", p.dir);
	*state = &p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char deep[128];

	(void)snprintf(deep, sizeof(deep), "%s/a/b", p->dir);
	(void)rmdir(deep);
	(void)snprintf(deep, sizeof(deep), "%s/a", p->dir);
	(void)rmdir(deep);
	(void)unlink(p->file);
	(void)unlink(p->other);
	(void)rmdir(p->other);
	return rmdir(p->dir);
}

static void
put(const char *path, const char *text)
{
	assert_int_equal(
	    fdio_write_file(path, text, strlen(text), 0600, NULL), 0);
}

static void
a_file_is_read_whole_up_to_the_limit(void **state)
{
	const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 100000 };
	struct place *p = *state;
	AUTO_FREE char *bytes = calloc(1, 100000);

	assert_non_null(bytes);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO_BUF struct buf exact = BUF_INIT(sizes[i]);
		AUTO_BUF struct buf less = BUF_INIT(sizes[i] - 1);

		assert_int_equal(
		    fdio_write_file(p->file, bytes, sizes[i], 0600, NULL), 0);
		assert_int_equal(fdio_read_file(p->file, &exact, NULL), 0);
		assert_int_equal(exact.len, sizes[i]);
		if (sizes[i] > 0)
			assert_int_equal(
			    fdio_read_file(p->file, &less, NULL), ERR_LIMIT);
	}
}

static void
only_regular_files_are_read(void **state)
{
	struct place *p = *state;
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct err e = ERR_INIT;

	assert_int_equal(fdio_read_file(p->file, &b, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(fdio_read_file(p->dir, &b, &e), ERR_INVALID);
	assert_int_equal(mkfifo(p->file, 0600), 0);
	assert_int_equal(fdio_read_file(p->file, &b, &e), ERR_INVALID);
	assert_int_equal(symlink("/etc/passwd", p->other), 0);
	assert_int_equal(fdio_read_file(p->other, &b, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, ELOOP);
}

static void
a_file_is_replaced_whole_and_with_its_mode(void **state)
{
	struct place *p = *state;
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct stat before, after;

	put(p->file, "one");
	assert_int_equal(stat(p->file, &before), 0);
	assert_int_equal(fdio_write_file(p->file, "two", 3, 0644, NULL), 0);
	assert_int_equal(stat(p->file, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_mode & 07777, 0644);
	assert_int_equal(fdio_read_file(p->file, &b, NULL), 0);
	assert_string_equal(buf_cstr(&b), "two");
}

static void
replacing_a_link_does_not_write_through_it(void **state)
{
	struct place *p = *state;
	AUTO_BUF struct buf b = BUF_INIT(100);

	put(p->other, "mine");
	assert_int_equal(symlink(p->other, p->file), 0);
	put(p->file, "new");
	assert_int_equal(fdio_read_file(p->other, &b, NULL), 0);
	assert_string_equal(buf_cstr(&b), "mine");
}

static void
a_write_that_fails_leaves_the_old_file_and_no_other(void **state)
{
	struct place *p = *state;
	AUTO_BUF struct buf b = BUF_INIT(100);
	struct rlimit old, small;

	put(p->file, "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 10;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(
	    fdio_write_file(p->file, "longer than ten", 15, 0600, NULL),
	    ERR_SYS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(fdio_read_file(p->file, &b, NULL), 0);
	assert_string_equal(buf_cstr(&b), "old");
	/* teardown's rmdir fails when something was left behind */
}

static void
nothing_beneath_leads_out(void **state)
{
	struct place *p = *state;
	AUTO_FD int dir = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int fd = -1;
	struct err e = ERR_INIT;
	int none = -1;

	assert_true(dir >= 0);
	put(p->file, "x");
	assert_int_equal(symlink("/etc/passwd", p->other), 0);
	assert_int_equal(
	    fdio_open_beneath(dir, "file", O_RDONLY, &fd, NULL), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(
	    fdio_open_beneath(dir, "../../etc/passwd", O_RDONLY, &none, &e),
	    ERR_SYS);
	assert_int_equal(e.sys_errno, EXDEV);
	assert_int_equal(
	    fdio_open_beneath(dir, "/etc/passwd", O_RDONLY, &none, &e),
	    ERR_SYS);
	assert_int_equal(
	    fdio_open_beneath(dir, "other", O_RDONLY, &none, &e), ERR_SYS);
	assert_int_equal(none, -1);
}

static void
folders_are_made_with_their_parents(void **state)
{
	struct place *p = *state;
	char deep[128];
	struct stat st;

	(void)snprintf(deep, sizeof(deep), "%s//a/b/", p->dir);
	assert_int_equal(fdio_make_dir(deep, 0700, NULL), 0);
	assert_int_equal(fdio_make_dir(deep, 0700, NULL), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
a_folder_that_others_may_write_is_refused(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;

	assert_int_equal(mkdir(p->other, 0700), 0);
	assert_int_equal(chmod(p->other, 0770), 0);
	assert_int_equal(fdio_make_dir(p->other, 0700, &e), ERR_DENIED);
	assert_int_equal(chmod(p->other, 0700), 0);
	assert_int_equal(fdio_make_dir(p->other, 0700, &e), 0);
	put(p->file, "x");
	assert_int_equal(fdio_make_dir(p->file, 0700, &e), ERR_SYS);
	assert_int_equal(fdio_make_dir("", 0700, &e), ERR_INVALID);
}

static void
sealed_memory_cannot_be_changed(void **state)
{
	AUTO_FD int fd = -1;
	char got[4] = "";

	(void)state;
	assert_int_equal(fdio_sealed("x", "abc", 3, &fd, NULL), 0);
	assert_int_equal(fdio_is_sealed(fd, NULL), 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 10), -1);
	assert_ptr_equal(
	    mmap(NULL, 3, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(pread(fd, got, 3, 0), 3);
	assert_string_equal(got, "abc");
}

static void
what_is_not_sealed_is_told_apart(void **state)
{
	AUTO_FD int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	AUTO_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fdio_is_sealed(fd, NULL), ERR_INVALID);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
	assert_int_equal(fdio_is_sealed(fd, NULL), ERR_INVALID);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(fdio_is_sealed(fd, NULL), 0);
	assert_int_equal(fdio_is_sealed(null, NULL), ERR_SYS);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_is_read_whole_up_to_the_limit),
		T(only_regular_files_are_read),
		T(a_file_is_replaced_whole_and_with_its_mode),
		T(replacing_a_link_does_not_write_through_it),
		T(a_write_that_fails_leaves_the_old_file_and_no_other),
		T(nothing_beneath_leads_out),
		T(folders_are_made_with_their_parents),
		T(a_folder_that_others_may_write_is_refused),
		cmocka_unit_test(sealed_memory_cannot_be_changed),
		cmocka_unit_test(what_is_not_sealed_is_told_apart),
	};

	return cmocka_run_group_tests_name("fdio", tests, NULL, NULL);
}
