/*
 * Run an editor on a text.
 * Runs in: assent.  Trusts: the editor that the person chose.
 * Owns: a temporary folder and a child, each until it returns.
 */
#include "editor.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "tools/capture.h"

#define WORDS_MAX 32
#define COMMAND_BYTES ((size_t)1024)
#define FOLDER_BYTES ((size_t)512)
#define HOW_BYTES 80
#define LOOK_MS 200
#define PATIENCE 10 /* looks, before it is killed */

extern char **environ;

struct folder {
	char path[FOLDER_BYTES];
	int fd;
};

/* Signals that are otherwise while an editor runs. */
struct signals {
	struct sigaction child, stop;
};

const char *
editor_choice(void)
{
	static const char *const names[] = { "VISUAL", "EDITOR" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[strspn(value, " \t")] != '\0')
			return value;
	}
	return "vi";
}

/* The words of a command; it is cut up. Returns how many, at most max. */
static size_t
editor_words(char *command, char **ret, size_t max)
{
	size_t count = 0;

	for (;;) {
		command += strspn(command, " \t");
		if (*command == '\0' || count >= max)
			return count;
		ret[count++] = command;
		command += strcspn(command, " \t");
		if (*command != '\0')
			*command++ = '\0';
	}
}

/* ---- the file ------------------------------------------------------------ */

static int
make_folder(struct folder *f, struct err *e)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (base == NULL || base[0] != '/' || access(base, W_OK) != 0)
		base = getenv("TMPDIR");
	if (base == NULL || base[0] != '/')
		base = "/tmp";
	(void)snprintf(
	    f->path, sizeof(f->path), "%.400s/assent-edit-XXXXXX", base);
	if (mkdtemp(f->path) == NULL) {
		f->path[0] = '\0';
		return err_sys(e, "cannot make a folder in '%.200s'", base);
	}
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return f->fd < 0 ? err_sys(e, "cannot open '%s'", f->path) : ERR_OK;
}

/* With what editors leave beside it: copies hold the text as well. */
static void
remove_folder(struct folder *f)
{
	DIR *dir = f->fd < 0 ? NULL : fdopendir(f->fd);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir != NULL)
		(void)closedir(dir); /* and with it the descriptor */
	else if (f->fd >= 0)
		(void)close(f->fd);
	if (f->path[0] != '\0')
		(void)rmdir(f->path);
}

static int
put_file(
    const struct folder *f, const char *name, struct str text, struct err *e)
{
	AUTO_FD int fd = openat(f->fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, "cannot make '%s/%s'", f->path, name);
	return fdio_write_all(fd, text.s, text.len, e);
}

static int
take_file(
    const struct folder *f, const char *name, struct buf *ret, struct err *e)
{
	AUTO_FD int fd =
	    openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "the edited text is gone");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "the edited text is no file");
	return fdio_read_all(fd, ret, e);
}

/* ---- the editor ---------------------------------------------------------- */

/* It can be reaped, and stopped together with us by its Ctrl-Z. */
static void
begin_signals(struct signals *s)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };

	(void)sigaction(SIGCHLD, &by_default, &s->child);
	(void)sigaction(SIGTSTP, &by_default, &s->stop);
}

static void
end_signals(const struct signals *s)
{
	const struct timespec at_once = { .tv_sec = 0 };
	sigset_t interrupt;

	(void)sigaction(SIGTSTP, &s->stop, NULL);
	(void)sigaction(SIGCHLD, &s->child, NULL);
	/* others may have ended meanwhile, and nobody asks for them */
	if (s->child.sa_handler == SIG_IGN) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	/* a Ctrl-C was meant for the editor, where it is blocked here */
	(void)sigemptyset(&interrupt);
	(void)sigaddset(&interrupt, SIGINT);
	while (sigtimedwait(&interrupt, NULL, &at_once) > 0)
		;
}

static bool
are_we_told_to_end(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	    (sigismember(&pending, SIGTERM) == 1 ||
		sigismember(&pending, SIGHUP) == 1);
}

/* As long as the person edits; when we are to end, it ends first. */
static void
await(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int looks = 0;

	while (poll(&p, 1, LOOK_MS) <= 0) {
		if (!are_we_told_to_end())
			continue;
		(void)pidfd_send_signal(
		    pidfd, looks++ < PATIENCE ? SIGTERM : SIGKILL, NULL, 0);
	}
}

static int
run(char **argv, struct err *e)
{
	static const struct spawn_fd fds[] = { { STDIN_FILENO, STDIN_FILENO },
		{ STDOUT_FILENO, STDOUT_FILENO },
		{ STDERR_FILENO, STDERR_FILENO } };
	AUTO_FREE char *path = strchr(argv[0], '/') != NULL
	    ? mem_strndup(argv[0], strlen(argv[0]))
	    : capture_find(argv[0]);
	AUTO_FD int pidfd = -1;
	char how[HOW_BYTES];
	int status = 0, r;
	pid_t pid;

	if (path == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no editor '%.80s'; set EDITOR", argv[0]);
	r = spawn(&(struct spawn_options){ .path = path,
		      .argv = argv,
		      .envp = environ,
		      .fds = fds,
		      .fd_count = ARRAY_LEN(fds),
		      .keep_session = true },
	    &pid, &pidfd, e);
	if (r != 0)
		return r;
	await(pidfd);
	r = spawn_reap(pidfd, &status, how, sizeof(how), e);
	if (r == 0 && status != 0)
		r = err_set(e, ERR_CONFLICT, "the editor ended with %s", how);
	return r;
}

static int
edit_in(const struct folder *f, char **argv, const char *name, struct buf *text,
    struct err *e)
{
	struct buf edited = BUF_INIT(text->max);
	struct signals s;
	int r = put_file(f, name, buf_str(text), e);

	if (r != 0)
		return r;
	begin_signals(&s);
	r = run(argv, e);
	end_signals(&s);
	if (r == 0)
		r = take_file(f, name, &edited, e);
	if (r == 0)
		r = buf_done(&edited, e);
	if (r == 0) {
		buf_reset(text);
		buf_put_str(text, buf_str(&edited));
		r = buf_done(text, e);
	}
	buf_free(&edited);
	return r;
}

int
editor_run(
    const char *command, const char *name, struct buf *text, struct err *e)
{
	struct folder f = { .fd = -1 };
	char words[COMMAND_BYTES], file[FOLDER_BYTES + NAME_MAX];
	char *argv[WORDS_MAX + 2] = { NULL };
	size_t count;
	int r;

	if (strlen(command) >= sizeof(words))
		return err_set(
		    e, ERR_LIMIT, "the editor's command is too long");
	(void)snprintf(words, sizeof(words), "%s", command);
	count = editor_words(words, argv, WORDS_MAX);
	if (count == 0)
		return err_set(e, ERR_INVALID, "no editor is named");
	r = make_folder(&f, e);
	if (r == 0) {
		(void)snprintf(file, sizeof(file), "%s/%.200s", f.path, name);
		argv[count] = file;
		r = edit_in(&f, argv, name, text, e);
	}
	remove_folder(&f);
	return r;
}
