/*
 * The real supervisor over an engine and a front that obey one-word commands:
 *
 *     echo abort | nc -U agent.sock
 *
 * A connection carries one line and gets one line. "engine WORD" is passed on
 * over the link between the two. A file named fail-WHEN in the state folder
 * makes the engine fail there.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/supervisor_role.h"
#include "model/command.h"
#include "otlp/reporter_role.h"

#define LINE_MAX 256
#define ANSWER_MAX 8192
#define CLIENTS_MAX 64

/* Unlisted in every table. */
#define UNKNOWN_MESSAGE 0x7777

struct fake {
	struct role_env *env;
	struct ipc *peer;
	int clients[CLIENTS_MAX]; /* front: by number; 0 is free */
	char status[ANSWER_MAX]; /* engine */
	uint32_t asking; /* engine: who waits for a launch */
};

/* What both can be told to do; NULL when it is no such word. */
static const char *
misbehave(struct fake *f, const char *word)
{
	if (strcmp(word, "abort") == 0)
		abort();
	if (strcmp(word, "exit") == 0)
		_exit(9);
	if (strcmp(word, "exec") == 0)
		(void)execl("/bin/true", "true", (char *)NULL);
	if (strcmp(word, "hang-up") == 0)
		ipc_freep(&f->env->supervisor);
	else if (strcmp(word, "rude") == 0)
		(void)ipc_send(f->peer, UNKNOWN_MESSAGE, STR(""), -1, NULL);
	else if (strcmp(word, "rude-to-supervisor") == 0)
		(void)ipc_send(
		    f->env->supervisor, UNKNOWN_MESSAGE, STR(""), -1, NULL);
	else if (strcmp(word, "accuse-stranger") == 0)
		role_peer_closed(f->env, "reviewer",
		    &(struct err){ .code = ERR_INTERNAL, .msg = "lies" });
	else
		return NULL;
	return "done";
}

static int
fake_open(struct role_env *env, struct err *e)
{
	struct fake *f = mem_new(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	f->env = env;
	env->self = f;
	return ERR_OK;
}

static void
fake_close(struct role_env *env)
{
	struct fake *f = env->self;

	ipc_free(f->peer);
	mem_freep(&f);
}

static void
on_peer_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct fake *f = ctx;

	ipc_free(i);
	f->peer = NULL;
	/* Nobody answers them any more. */
	for (size_t n = 1; n < CLIENTS_MAX; n++) {
		if (f->clients[n] > 0)
			(void)close(f->clients[n]);
		f->clients[n] = 0;
	}
	role_peer_closed(f->env,
	    strcmp(f->env->name, "engine") == 0 ? "front" : "engine", why);
}

/* ---- engine ------------------------------------------------------------ */

static void
answer(struct fake *f, uint32_t client, const char *text)
{
	AUTO_BUF struct buf b = BUF_INIT(ANSWER_MAX + 64);

	rec_put_u32(&b, client);
	rec_put_cstr(&b, text);
	if (f->peer != NULL)
		(void)ipc_send(f->peer, EF_REPLY, buf_str(&b), -1, NULL);
}

static void
ask_launch(struct fake *f, uint32_t client, const char *ids)
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	char *end;
	const unsigned long uid = strtoul(ids, &end, 10);
	const unsigned long gid = strtoul(end, NULL, 10);

	f->asking = client;
	rec_put_u64(&b, 77);
	rec_put_u32(&b, (uint32_t)uid);
	rec_put_u32(&b, (uint32_t)gid);
	(void)ipc_send(f->env->supervisor, ES_LAUNCH, buf_str(&b), -1, NULL);
}

static int
on_call(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ANSWER_MAX);
	struct fake *f = ctx;
	struct rec r = rec_of(m->payload);
	const uint32_t client = rec_u32(&r);
	const char *word = a == NULL ? NULL : rec_cstr(&r, a);
	char text[64];

	if (word == NULL || rec_done(&r, e) != 0)
		return ERR_INVALID;
	(void)snprintf(text, sizeof(text), "%lld",
	    (long long)f->env->config->ask_timeout_ms);
	if (strcmp(word, "status") == 0)
		answer(f, client, f->status);
	else if (strcmp(word, "ask-timeout") == 0)
		answer(f, client, text);
	else if (strcmp(word, "token") == 0)
		answer(f, client,
		    f->env->config->token == NULL ? "none" : "has it");
	else if (strncmp(word, "launch ", 7) == 0)
		ask_launch(f, client, word + 7);
	else if (misbehave(f, word) != NULL)
		answer(f, client, "done");
	else
		answer(f, client, word);
	return ERR_OK;
}

static const struct ipc_row engine_rows[] = {
	{ .type = FE_CALL, .len_max = ANSWER_MAX, .handler = on_call },
};

static int
on_launched(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct role_env *env = ctx;
	struct fake *f = env->self;
	AUTO_FD int fd = TAKE_FD(m->fd);
	char text[ANSWER_MAX] = "";
	struct rec r = rec_of(m->payload);
	ssize_t n = -1;

	if (rec_u64(&r) != 77 || rec_done(&r, e) != 0)
		return err_set(e, ERR_INTERNAL, "another ticket");
	/* It speaks at once; a few milliseconds at most. */
	for (int i = 0; i < 2000 && n < 0; i++) {
		n = recv(fd, text, sizeof(text) - 1, 0);
		if (n < 0)
			(void)usleep(1000);
	}
	answer(f, f->asking, text);
	return ERR_OK;
}

static int
on_launch_failed(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ANSWER_MAX);
	struct role_env *env = ctx;
	struct fake *f = env->self;
	struct rec r = rec_of(m->payload);
	const char *why;

	(void)rec_u64(&r);
	why = a == NULL ? NULL : rec_cstr(&r, a);
	if (why == NULL || rec_done(&r, e) != 0)
		return ERR_INVALID;
	answer(f, f->asking, why);
	return ERR_OK;
}

static bool
is_told(const struct role_env *env, const char *what)
{
	char path[512];

	(void)snprintf(
	    path, sizeof(path), "%s/%s", env->config->state_dir, what);
	return access(path, F_OK) == 0;
}

static int
engine_open(struct role_env *env, struct err *e)
{
	if (is_told(env, "fail-settings"))
		return err_set(e, ERR_INVALID, "told to find fault");
	if (is_told(env, "fail-open"))
		return err_set(e, ERR_INTERNAL, "told to fail");
	if (is_told(env, "fail-crash"))
		abort();
	if (is_told(env, "slow-open"))
		(void)usleep(400000);
	return fake_open(env, e);
}

static int
engine_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	struct fake *f = env->self;

	if (strcmp(peer, "front") != 0) {
		fd_closep(&fd);
		return ERR_OK;
	}
	ipc_freep(&f->peer);
	return ipc_new(env->loop, fd, peer, engine_rows, ARRAY_LEN(engine_rows),
	    f, on_peer_closed, &f->peer, e);
}

static int
engine_status(struct role_env *env, struct str json, bool all_up, struct err *e)
{
	struct fake *f = env->self;

	(void)e;
	(void)snprintf(f->status, sizeof(f->status), "%s %.*s",
	    all_up ? "up" : "not-up", STR_ARG(json));
	return ERR_OK;
}

static int
engine_reload(struct role_env *env, const struct config *now, struct err *e)
{
	if (is_told(env, "fail-reload"))
		return err_set(e, ERR_INVALID, "told to keep the old rules");
	(void)now;
	return ERR_OK;
}

static int
engine_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	static const int calls[] = {
		SYS_access,
		SYS_faccessat2,
		SYS_faccessat,
	};

	(void)env;
	(void)e;
	o->syscalls = calls;
	o->syscall_count = ARRAY_LEN(calls);
	return ERR_OK;
}

/* What the real one writes into the log. */
static int
on_not_reloaded(void *ctx, struct ipc_msg *m, struct err *e)
{
	(void)ctx;
	(void)m;
	(void)e;
	return ERR_OK;
}

static const struct ipc_row engine_supervisor_rows[] = {
	{
	    .type = SE_NOT_RELOADED,
	    .len_max = ANSWER_MAX,
	    .handler = on_not_reloaded,
	},
	{
	    .type = SE_LAUNCHED,
	    .flags = IPC_FD,
	    .len_max = 8,
	    .handler = on_launched,
	},
	{
	    .type = SE_LAUNCH_FAILED,
	    .len_max = ANSWER_MAX,
	    .handler = on_launch_failed,
	},
};

static const struct role engine = {
	.name = "engine",
	.open = engine_open,
	.limits = engine_limits,
	.peer = engine_peer,
	.status = engine_status,
	.reload = engine_reload,
	.close = fake_close,
	.rows = engine_supervisor_rows,
	.row_count = ARRAY_LEN(engine_supervisor_rows),
};

/* ---- front ------------------------------------------------------------- */

static int
on_reply(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(arena_freep) struct arena *a = arena_new(ANSWER_MAX * 2);
	struct fake *f = ctx;
	struct rec r = rec_of(m->payload);
	const uint32_t client = rec_u32(&r);
	const char *text = a == NULL ? NULL : rec_cstr(&r, a);

	if (text == NULL || rec_done(&r, e) != 0 || client >= CLIENTS_MAX)
		return err_set(e, ERR_INTERNAL, "ill-formed reply");
	if (f->clients[client] > 0) {
		(void)send(
		    f->clients[client], text, strlen(text), MSG_NOSIGNAL);
		fd_closep(&f->clients[client]);
		f->clients[client] = 0;
	}
	return ERR_OK;
}

static const struct ipc_row front_rows[] = {
	{ .type = EF_REPLY, .len_max = ANSWER_MAX * 2, .handler = on_reply },
};

static void
pass_on(struct fake *f, int client, const char *word)
{
	AUTO_BUF struct buf b = BUF_INIT(ANSWER_MAX);
	uint32_t number = 1;

	while (number < CLIENTS_MAX && f->clients[number] != 0)
		number++;
	if (number == CLIENTS_MAX || f->peer == NULL) {
		(void)send(client, "no engine", 9, MSG_NOSIGNAL);
		(void)close(client);
		return;
	}
	f->clients[number] = client;
	rec_put_u32(&b, number);
	rec_put_cstr(&b, word);
	(void)ipc_send(f->peer, FE_CALL, buf_str(&b), -1, NULL);
}

static void
on_line(void *ctx, int fd, unsigned events)
{
	struct fake *f = ctx;
	char line[LINE_MAX];
	const ssize_t n = recv(fd, line, sizeof(line) - 1, 0);
	const char *said;

	(void)events;
	loop_forget(f->env->loop, fd);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "engine ", 7) == 0) {
		pass_on(f, fd, line + 7);
		return;
	}
	said = strcmp(line, "token") != 0   ? misbehave(f, line)
	    : f->env->config->token == NULL ? "none"
					    : "has it";
	if (said == NULL)
		said = line;
	(void)send(fd, said, strlen(said), MSG_NOSIGNAL);
	(void)close(fd);
}

static void
on_client(void *ctx, int fd, unsigned events)
{
	struct fake *f = ctx;
	const int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (client >= 0)
		(void)loop_fd(
		    f->env->loop, client, LOOP_READ, on_line, f, NULL);
}

static int
front_listener(
    struct role_env *env, enum listener_kind kind, int fd, struct err *e)
{
	(void)kind;
	return loop_fd(env->loop, fd, LOOP_READ, on_client, env->self, e);
}

static int
front_peer(struct role_env *env, const char *peer, int fd, struct err *e)
{
	struct fake *f = env->self;

	ipc_freep(&f->peer);
	return ipc_new(env->loop, fd, peer, front_rows, ARRAY_LEN(front_rows),
	    f, on_peer_closed, &f->peer, e);
}

static int
front_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	static const int calls[] = { SYS_accept4 };

	(void)env;
	(void)e;
	o->syscalls = calls;
	o->syscall_count = ARRAY_LEN(calls);
	return ERR_OK;
}

static const struct role front = {
	.name = "front",
	.secrets = SECRETS_OF_FRONT,
	.open = fake_open,
	.limits = front_limits,
	.listener = front_listener,
	.peer = front_peer,
	.close = fake_close,
};

/* ---- the program ------------------------------------------------------- */

static const struct role *const roles[] = {
	&engine,
	&reporter_role,
	&front,
};

int
main(int argc, char **argv)
{
	static const struct role_ports ports = { .classifier = NULL };

	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(roles); i++) {
		char option[64];

		(void)snprintf(
		    option, sizeof(option), "--role=%s", roles[i]->name);
		if (strcmp(argv[1], option) == 0)
			return role_run(roles[i], &ports);
	}
	return supervisor_main(argc, argv, roles, ARRAY_LEN(roles), &ports);
}
