/*
 * The daemon's folders: private, its own, and its alone.
 * Runs in: supervisor.  Trusts: the kernel's owners and modes.  Owns: the
 * locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "supervisor_int.h"

#define LOCK_NAME "assentd.lock"
#define LAUNCHER_NAME "assent-exec"
#define REVIEWER_NAME "assent-reviewer"

/* As root the runtime folder holds a socket for everybody. */
static mode_t
runtime_mode(void)
{
	return geteuid() == 0 ? 0755 : 0700;
}

static int
check_mode(const char *path, mode_t permitted, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return err_sys(e, "cannot stat '%s'", path);
	if ((st.st_mode & 07777 & ~permitted) != 0)
		return err_set(e, ERR_DENIED,
		    "'%s' has mode %04o, which lets others in; run chmod %04o "
		    "on it",
		    path, (unsigned)(st.st_mode & 07777), (unsigned)permitted);
	return ERR_OK;
}

static int
open_dir(const char *path, mode_t mode, struct err *e)
{
	const int r = fdio_make_dir(path, mode, e);

	return r != 0 ? r : check_mode(path, mode, e);
}

/* Held until the process ends, however it ends. */
static int
lock(const char *dir, int *ret, struct err *e)
{
	AUTO_FD int fd = -1;
	char path[PATH_BYTES_MAX];
	char text[32];
	int len;

	if (snprintf(path, sizeof(path), "%s/%s", dir, LOCK_NAME) >=
	    (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "'%s' is too long", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_sys(e, "cannot lock '%s'", path);
		return err_set(e, ERR_CONFLICT,
		    "another assentd uses '%s'; stop it, or choose other "
		    "folders with --state and --runtime",
		    dir);
	}
	/* Who it is, for people; the lock itself is what counts. */
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)len) != len)
		return err_sys(e, "cannot write '%s'", path);
	*ret = TAKE_FD(fd);
	return ERR_OK;
}

int
supervisor_dirs_open(struct supervisor *s, struct err *e)
{
	int r;

	s->state_lock = -1;
	s->runtime_lock = -1;
	(void)umask(077);
	r = open_dir(s->config->state_dir, 0700, e);
	if (r == 0)
		r = lock(s->config->state_dir, &s->state_lock, e);
	if (r == 0)
		r = open_dir(s->config->runtime_dir, runtime_mode(), e);
	/* The same folder for both is one lock. */
	if (r == 0 && strcmp(s->config->runtime_dir, s->config->state_dir) != 0)
		r = lock(s->config->runtime_dir, &s->runtime_lock, e);
	return r;
}

void
supervisor_dirs_close(struct supervisor *s)
{
	fd_closep(&s->runtime_lock);
	fd_closep(&s->state_lock);
}

/* Opened at start: an upgrade that replaces the file does not mix versions
 * of roles that talk to each other. */
int
supervisor_programs_open(struct supervisor *s, struct err *e)
{
	char path[PATH_BYTES_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t dir;

	s->launcher_fd = -1;
	s->self_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (s->self_fd < 0 || len < 0)
		return err_sys(e, "cannot open /proc/self/exe");
	path[len] = '\0';
	dir = str_rfind(str_n(path, (size_t)len), '/');
	if (dir + 1 + sizeof(REVIEWER_NAME) > sizeof(path))
		return err_set(e, ERR_LIMIT, "'%s' is too long", path);
	memcpy(path + dir + 1, REVIEWER_NAME, sizeof(REVIEWER_NAME));
	s->reviewer_fd = open(path, O_RDONLY | O_CLOEXEC);
	memcpy(path + dir + 1, LAUNCHER_NAME, sizeof(LAUNCHER_NAME));
	/* Without it nothing can be run, but decisions can be made; a launch
	 * then says what is missing. */
	s->launcher_fd = open(path, O_RDONLY | O_CLOEXEC);
	return ERR_OK;
}
