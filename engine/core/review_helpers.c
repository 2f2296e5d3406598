/*
 * Keys and programs for the reviewer's process.
 * Runs in: supervisor, assent.  Trusts: the configuration for what is
 * started; nothing of the reviewer's but the number of a provider.
 * Owns: the programs' pidfds; keys taken from the environment.
 */
#include "review_helpers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "core/messages.h"

#define KEYS_MAX 80
#define ARGV_MAX 64
#define KEY_NAME_MAX 128
#define KEY_COMMAND_MS 20000
#define HOW_MAX 64

struct program {
	struct review_helpers *h;
	struct ipc *link; /* who wants to know; or NULL */
	uint64_t ticket; /* 0: a key's command */
	pid_t pid;
	int pidfd; /* -1: free */
	struct loop_timer *timer;
};

struct env_key {
	char name[KEY_NAME_MAX];
	int fd;
};

struct review_helpers {
	struct loop *loop;
	struct program programs[REVIEW_PROGRAMS_MAX];
	struct env_key keys[KEYS_MAX];
	size_t key_count;
};

int
review_helpers_new(struct loop *l, struct review_helpers **ret, struct err *e)
{
	struct review_helpers *h = mem_new(1, sizeof(*h));

	if (h == NULL)
		return err_nomem(e);
	h->loop = l;
	for (size_t i = 0; i < REVIEW_PROGRAMS_MAX; i++)
		h->programs[i].pidfd = -1;
	*ret = h;
	return ERR_OK;
}

/* It leads a session: what it started goes with it. */
static void
kill_program(const struct program *p)
{
	if (kill(-p->pid, SIGKILL) != 0)
		(void)pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
}

static void
release(struct program *p)
{
	loop_cancel(p->h->loop, p->timer);
	p->timer = NULL;
	loop_forget(p->h->loop, p->pidfd);
	fd_closep(&p->pidfd);
}

void
review_helpers_free(struct review_helpers *h)
{
	char how[HOW_MAX];
	int code;

	if (h == NULL)
		return;
	for (size_t i = 0; i < REVIEW_PROGRAMS_MAX; i++) {
		struct program *p = &h->programs[i];

		if (p->pidfd < 0)
			continue;
		kill_program(p);
		(void)spawn_reap(p->pidfd, &code, how, sizeof(how), NULL);
		release(p);
	}
	for (size_t i = 0; i < h->key_count; i++)
		fd_closep(&h->keys[i].fd);
	mem_freep(&h);
}

void
review_helpers_freep(struct review_helpers **h)
{
	review_helpers_free(*h);
	*h = NULL;
}

/* ---- programs ---------------------------------------------------------- */

static void
on_ended(void *ctx, int fd, unsigned events)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct program *p = ctx;
	char how[HOW_MAX] = "unknown";
	int code = -1;

	(void)events;
	(void)spawn_reap(fd, &code, how, sizeof(how), NULL);
	if (code != 0)
		log_warn("review-program", "pid=%d how=%s", (int)p->pid, how);
	/* What it left running holds the other end; that ends, too. */
	(void)kill(-p->pid, SIGKILL);
	if (p->link != NULL && p->ticket != 0) {
		rec_put_u64(&b, p->ticket);
		rec_put_u8(&b, code == 0);
		(void)ipc_send(
		    p->link, SR_PROGRAM_ENDED, buf_str(&b), -1, NULL);
	}
	release(p);
}

static void
on_overdue(void *ctx)
{
	struct program *p = ctx;

	p->timer = NULL;
	log_warn("review-program", "pid=%d why=it took too long", (int)p->pid);
	kill_program(p);
}

static struct program *
free_program(struct review_helpers *h)
{
	for (size_t i = 0; i < REVIEW_PROGRAMS_MAX; i++) {
		if (h->programs[i].pidfd < 0)
			return &h->programs[i];
	}
	return NULL;
}

struct start {
	const struct config_strings *command;
	const struct review_identity *who;
	int in, out; /* -1: /dev/null */
	int64_t patience_ms;
	bool session; /* with the way to the user's session */
};

#define WORDS_MAX 5 /* of an environment */

/* What libsecret asks for; nothing secret is there. */
static void
add_session(char *envp[static WORDS_MAX + 1], char (*space)[PATH_BYTES_MAX])
{
	static const char *const names[] = { "DBUS_SESSION_BUS_ADDRESS",
		"XDG_RUNTIME_DIR" };
	size_t at = 0;

	while (envp[at] != NULL)
		at++;
	for (size_t i = 0; i < ARRAY_LEN(names) && at < WORDS_MAX; i++) {
		const char *value = secure_getenv(names[i]);

		if (value == NULL || strlen(value) > PATH_BYTES_MAX / 2)
			continue;
		(void)snprintf(
		    space[i], PATH_BYTES_MAX, "%s=%s", names[i], value);
		envp[at++] = space[i];
	}
}

/* A small, fixed environment: nothing of ours, and where programs are. */
static int
run(const struct start *s, pid_t *ret_pid, int *ret_pidfd, struct err *e)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char lang[] = "LANG=C.UTF-8", home[PATH_BYTES_MAX + 8] = "HOME=/";
	char session[2][PATH_BYTES_MAX];
	char *envp[WORDS_MAX + 1] = { path, lang, home };
	char *argv[ARGV_MAX + 1] = { NULL };
	struct spawn_fd fds[3];
	struct spawn_options o = {
		.path = s->command->items[0],
		.path_fd = -1,
		.argv = argv,
		.envp = envp,
		.fds = fds,
		.set_user = s->who->set,
		.uid = s->who->uid,
		.gid = s->who->gid,
	};

	if (s->command->count > ARGV_MAX)
		return err_set(
		    e, ERR_LIMIT, "a program has %d words at most", ARGV_MAX);
	for (size_t i = 0; i < s->command->count; i++)
		argv[i] = (char *)(uintptr_t)s->command->items[i];
	if (!s->who->set && secure_getenv("HOME") != NULL)
		(void)snprintf(
		    home, sizeof(home), "HOME=%s", secure_getenv("HOME"));
	if (s->session && !s->who->set)
		add_session(envp, session);
	if (s->in >= 0)
		fds[o.fd_count++] = (struct spawn_fd){ .fd = s->in, .as = 0 };
	if (s->out >= 0)
		fds[o.fd_count++] = (struct spawn_fd){ .fd = s->out, .as = 1 };
	fds[o.fd_count++] =
	    (struct spawn_fd){ .fd = STDERR_FILENO, .as = STDERR_FILENO };
	return spawn(&o, ret_pid, ret_pidfd, e);
}

static int
start(struct review_helpers *h, const struct start *s, struct program **ret,
    struct err *e)
{
	struct program *p = free_program(h);
	int r;

	if (p == NULL)
		return err_set(e, ERR_LIMIT, "%d programs of reviewers run",
		    REVIEW_PROGRAMS_MAX);
	*p = (struct program){ .h = h, .pidfd = -1 };
	r = run(s, &p->pid, &p->pidfd, e);
	if (r != 0)
		return r;
	r = loop_fd(h->loop, p->pidfd, LOOP_READ, on_ended, p, e);
	if (r == 0)
		r = loop_after(
		    h->loop, s->patience_ms, on_overdue, p, &p->timer, e);
	if (r != 0) {
		kill_program(p);
		release(p);
		return r;
	}
	*ret = p;
	return ERR_OK;
}

/* What the reviewer asks for, and for whom it runs. */
struct wish {
	const struct config *config;
	const struct review_identity *who;
	uint64_t ticket;
	uint32_t provider;
	struct ipc *link;
};

static int
start_provider(
    struct review_helpers *h, const struct wish *w, int *ret_fd, struct err *e)
{
	const struct config *c = w->config;
	struct program *p = NULL;
	AUTO_FD int ours = -1;
	AUTO_FD int theirs = -1;
	int pair[2];
	int r;

	if (w->provider >= c->provider_count ||
	    c->providers[w->provider].command.count == 0)
		return err_set(e, ERR_INTERNAL, "asks for no known program");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, "cannot make a socket for a program");
	ours = pair[0];
	theirs = pair[1];
	r = start(h,
	    &(struct start){
		.command = &c->providers[w->provider].command,
		.who = w->who,
		.in = theirs,
		.out = theirs,
		.patience_ms = c->review_timeout_ms,
	    },
	    &p, e);
	if (r != 0)
		return r;
	p->link = w->link;
	p->ticket = w->ticket;
	*ret_fd = TAKE_FD(ours);
	return ERR_OK;
}

int
review_helpers_program(struct review_helpers *h, const struct config *c,
    const struct review_identity *who, struct ipc_msg *m, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	AUTO_FD int fd = -1;
	struct err why = ERR_INIT;
	struct rec in = rec_of(m->payload);
	struct wish wish = { .config = c, .who = who, .link = m->from };
	int r;

	wish.ticket = rec_u64(&in);
	wish.provider = rec_u32(&in);
	r = rec_done(&in, e);

	if (r == 0 && wish.ticket == 0)
		r = err_set(e, ERR_INTERNAL, "a program needs a ticket");
	if (r != 0)
		return r;
	rec_put_u64(&b, wish.ticket);
	if (start_provider(h, &wish, &fd, &why) == 0)
		return ipc_send(m->from, SR_PROGRAM, buf_str(&b), fd, e);
	log_err("review-program", "why=%s", why.msg);
	rec_put_u8(&b, 0);
	return ipc_send(m->from, SR_PROGRAM_ENDED, buf_str(&b), -1, e);
}

int
review_helpers_program_done(
    struct review_helpers *h, struct ipc_msg *m, struct err *e)
{
	struct rec in = rec_of(m->payload);
	const uint64_t ticket = rec_u64(&in);
	const int r = rec_done(&in, e);

	for (size_t i = 0; r == 0 && i < REVIEW_PROGRAMS_MAX; i++) {
		struct program *p = &h->programs[i];

		if (p->pidfd >= 0 && p->ticket == ticket &&
		    p->link == m->from && ticket != 0) {
			p->link = NULL;
			kill_program(p);
		}
	}
	return r;
}

void
review_helpers_forget(struct review_helpers *h, const struct ipc *link)
{
	for (size_t i = 0; i < REVIEW_PROGRAMS_MAX; i++) {
		struct program *p = &h->programs[i];

		if (p->pidfd < 0 || p->link != link)
			continue;
		p->link = NULL;
		kill_program(p);
	}
}

/* ---- keys -------------------------------------------------------------- */

static struct env_key *
find_key(struct review_helpers *h, const char *name)
{
	for (size_t i = 0; i < h->key_count; i++) {
		if (strcmp(h->keys[i].name, name) == 0)
			return &h->keys[i];
	}
	return NULL;
}

static int
take_key(struct review_helpers *h, const char *name, struct err *e)
{
	char *value = secure_getenv(name);
	struct env_key *k = &h->keys[h->key_count];
	int r;

	if (value == NULL || value[0] == '\0')
		return err_set(e, ERR_INVALID,
		    "the environment has no '%s', which the settings name; "
		    "it is read when the daemon starts",
		    name);
	if (h->key_count == KEYS_MAX || strlen(name) >= sizeof(k->name))
		return err_set(e, ERR_LIMIT,
		    "too many keys, or too long a "
		    "name of a variable");
	r = fdio_sealed("key", value, strlen(value), &k->fd, e);
	if (r != 0)
		return r;
	memcpy(k->name, name, strlen(name) + 1);
	h->key_count++;
	/* Its bytes are also what /proc/PID/environ shows. */
	explicit_bzero(value, strlen(value));
	return ERR_OK;
}

int
review_helpers_take_environment(
    struct review_helpers *h, const struct config *c, struct err *e)
{
	int r = ERR_OK;

	for (size_t i = 0; r == 0 && i < c->provider_count; i++) {
		if (c->providers[i].key_env != NULL)
			r = review_helpers_take_variable(
			    h, c->providers[i].key_env, e);
	}
	return r;
}

int
review_helpers_take_variable(
    struct review_helpers *h, const char *name, struct err *e)
{
	return find_key(h, name) == NULL ? take_key(h, name, e) : ERR_OK;
}

/* The command writes into a pipe; its other end is what is given away. */
static int
run_key_command(struct review_helpers *h, const struct helper_source *s,
    const struct review_identity *who, int *ret, struct err *e)
{
	struct program *program = NULL;
	AUTO_FD int from = -1;
	AUTO_FD int to = -1;
	int ends[2];
	int r;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "cannot make a pipe for a key");
	from = ends[0];
	to = ends[1];
	r = start(h,
	    &(struct start){
		.command = &s->command,
		.who = who,
		.in = -1,
		.out = to,
		.patience_ms = KEY_COMMAND_MS,
		.session = s->session,
	    },
	    &program, e);
	if (r != 0)
		return r;
	*ret = TAKE_FD(from);
	return ERR_OK;
}

int
review_helpers_open(struct review_helpers *h, const struct helper_source *s,
    const struct review_identity *who, int *ret, struct err *e)
{
	char path[64];
	const struct env_key *k;

	if (s->file != NULL)
		return config_open_owned(s->file, true, ret, e);
	if (s->command.count > 0)
		return run_key_command(h, s, who, ret, e);
	k = s->env == NULL ? NULL : find_key(h, s->env);
	if (k == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "'%s' was not in the environment when the daemon started",
		    s->env == NULL ? "" : s->env);
	/* Opened anew: each reader has an offset of its own. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", k->fd);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret < 0)
		return err_sys(e, "cannot open the key again");
	return ERR_OK;
}

static bool
has_key(const struct config_provider *p)
{
	return p->key_file != NULL || p->key_env != NULL ||
	    p->key_command.count > 0;
}

static struct helper_source
source_of(const struct config_provider *p)
{
	return (struct helper_source){
		.file = p->key_file,
		.env = p->key_env,
		.command = p->key_command,
	};
}

int
review_helpers_check_source(
    struct review_helpers *h, const struct helper_source *s, struct err *e)
{
	static const struct review_identity nobody = { .set = false };
	AUTO_FD int fd = -1;

	if (s->command.count > 0 || (s->file == NULL && s->env == NULL))
		return ERR_OK;
	return review_helpers_open(h, s, &nobody, &fd, e);
}

int
review_helpers_check(
    struct review_helpers *h, const struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->provider_count; i++) {
		const struct config_provider *p = &c->providers[i];
		const struct helper_source s = source_of(p);

		if (review_helpers_check_source(h, &s, e) != 0)
			return err_wrap(
			    e, ERR_INVALID, "provider '%s'", p->name);
	}
	return ERR_OK;
}

void
review_helpers_send_keys(struct review_helpers *h, const struct config *c,
    const struct review_identity *who, struct ipc *to)
{
	for (size_t i = 0; i < c->provider_count; i++) {
		AUTO_BUF struct buf b = BUF_INIT(16);
		AUTO_FD int fd = -1;
		const struct helper_source s = source_of(&c->providers[i]);
		struct err e = ERR_INIT;

		if (!has_key(&c->providers[i]))
			continue;
		rec_put_u32(&b, (uint32_t)i);
		if (review_helpers_open(h, &s, who, &fd, &e) != 0) {
			log_err("no-key", "provider=%s why=%s",
			    c->providers[i].name, e.msg);
			/* So that nobody waits for one: an empty key. */
			(void)fdio_sealed("no-key", "", 0, &fd, NULL);
		}
		if (fd < 0 || ipc_send(to, SR_KEY, buf_str(&b), fd, &e) != 0)
			log_err("no-key", "provider=%s why=not sent",
			    c->providers[i].name);
	}
}
