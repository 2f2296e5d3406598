/*
 * What every program of shell_bash's sandbox is: writes down the directory
 * that it was started in and its arguments. A program of its own, statically
 * linked and without sanitizers, since it starts some ten thousand times.
 *
 * One record: the directory, the count of arguments, each argument; a number
 * before each text is its length (the form of base/buf.h's rec_put_cstr).
 *
 * Runs in: tests.  Trusts: bash.  Owns: nothing.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_PATH "/log"
#define RECORD_BYTES_MAX ((size_t)1 << 20)
#define FAILED 99

struct record {
	size_t len;
	char s[RECORD_BYTES_MAX];
};

static void
put(struct record *r, const void *p, size_t len)
{
	if (len > sizeof(r->s) - r->len)
		_exit(FAILED);
	(void)memcpy(r->s + r->len, p, len);
	r->len += len;
}

static void
put_number(struct record *r, size_t v)
{
	const unsigned char le[4] = { (unsigned char)v, (unsigned char)(v >> 8),
		(unsigned char)(v >> 16), (unsigned char)(v >> 24) };

	put(r, le, sizeof(le));
}

static void
put_text(struct record *r, const char *s)
{
	put_number(r, strlen(s));
	put(r, s, strlen(s));
}

int
main(int argc, char **argv)
{
	static struct record r;
	const int fd = open(LOG_PATH, O_WRONLY | O_APPEND | O_CLOEXEC);
	const char *const slash = strrchr(argv[0], '/');
	const char *const name = slash == NULL ? argv[0] : slash + 1;
	const char *const status = getenv("STUB_EXIT");
	char cwd[PATH_MAX];

	if (fd < 0 || getcwd(cwd, sizeof(cwd)) == NULL)
		return FAILED;
	put_text(&r, cwd);
	put_number(&r, (size_t)argc);
	/* A path names the stub: what it is, is its last word. */
	for (int i = 0; i < argc; i++)
		put_text(&r, i == 0 && argv[0][0] == '/' ? name : argv[i]);
	/* In one piece: others write at the same time. */
	if (write(fd, r.s, r.len) != (ssize_t)r.len)
		return FAILED;
	if (strcmp(name, "ls") == 0)
		(void)puts("one two\nthree");
	return status != NULL && status[0] == '1';
}
