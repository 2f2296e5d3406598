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
#include "base/log.h"
#include "base/mem.h"
#include "supervisor_int.h"

#define LOCK_NAME "assentd.lock"
#define LAUNCHER_NAME "assent-exec"

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

/*
 * The user's own folder of rules, where it is not there: the engine is confined
 * to what there is now, and rules that come later have to be found.
 */
static void
make_rule_dirs(struct config *c)
{
	for (size_t i = 0; i < c->rule_dir_count; i++) {
		struct config_rule_dir *d = &c->rule_dirs[i];
		struct err why = ERR_INIT;

		if (!d->user || !d->optional || !d->missing)
			continue;
		if (fdio_make_dir(d->path, 0700, &why) == 0)
			d->missing = false;
		else
			log_warn("ignoring",
			    "folder=%s why=rules that are put there later are "
			    "found at the next start: %s",
			    d->path, why.msg);
	}
}

int
supervisor_dirs_open(struct supervisor *s, struct err *e)
{
	int r;

	s->state_lock = -1;
	s->runtime_lock = -1;
	(void)umask(077);
	make_rule_dirs(s->config);
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

/* Beside this very program; -1: it is not there. */
static int
open_beside(const char *self, const char *name, int *ret, struct err *e)
{
	char path[PATH_BYTES_MAX];
	const size_t dir = str_rfind(str_of(self), '/');

	if (snprintf(path, sizeof(path), "%.*s/%s", (int)dir, self, name) >=
	    (int)sizeof(path))
		return err_set(e, ERR_LIMIT, "'%s' is too long", self);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return ERR_OK;
}

/* Opened at start: an upgrade that replaces a file does not mix versions of
 * roles that talk to each other. Without assent-exec nothing can be run, but
 * decisions can be made; a launch then says what is missing. */
int
supervisor_programs_open(struct supervisor *s, struct err *e)
{
	char self[PATH_BYTES_MAX];
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int r;

	s->self_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (s->self_fd < 0 || len < 0)
		return err_sys(e, "cannot open /proc/self/exe");
	self[len] = '\0';
	r = open_beside(self, LAUNCHER_NAME, &s->launcher_fd, e);
	for (size_t i = 0; r == 0 && i < s->child_count; i++) {
		struct child *c = &s->children[i];

		if (c->role->program != NULL)
			r = open_beside(
			    self, c->role->program, &c->program_fd, e);
	}
	return r;
}

int
supervisor_check_programs(
    const struct supervisor *s, const struct config *now, struct err *e)
{
	for (size_t i = 0; i < s->child_count; i++) {
		const struct role *r = s->children[i].role;

		if (r->program == NULL || s->children[i].program_fd >= 0 ||
		    (r->wanted != NULL && !r->wanted(now)))
			continue;
		return err_set(e, ERR_NOTFOUND,
		    "%s is not beside assentd; install it there, or take the "
		    "settings out that need it (%s)",
		    r->program, r->name);
	}
	return ERR_OK;
}
