/*
 * The life of a role: start, open, confine, ready, work, stop.
 * Runs in: every role but supervisor.  Trusts: the supervisor's frames as far
 * as their table and their record go.  Owns: the loop, the configuration, the
 * link to the supervisor.
 */
#include "role.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "model/command.h"

#define SUPERVISOR_FD 3
#define ROWS_MAX 16
#define PEERS_MAX 8
#define PEER_NAME_MAX 32
#define CONFIG_RECORD_MAX ((size_t)4 << 20)
#define STATUS_BYTES_MAX ((size_t)1 << 20)
#define REPORT_BYTES_MAX 64
#define FILES_WANTED 65536

struct process {
	struct role_env env; /* first: the ctx of a role's own rows */
	const struct role *role;
	struct config *config;
	struct ipc_row rows[ROWS_MAX];
	size_t row_count;
	char peers[PEERS_MAX][PEER_NAME_MAX];
	size_t peer_count;
	bool opened, ready, stopping;
	int status; /* to exit with */
};

/* ---- starting ---------------------------------------------------------- */

static int
report_ready(
    struct process *p, const struct confine_report *report, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(REPORT_BYTES_MAX);
	int r;

	confine_report_put(&b, report);
	r = buf_done(&b, e);
	if (r == 0)
		r = ipc_send(p->env.supervisor, RS_READY, buf_str(&b), -1, e);
	return r;
}

static int
open_and_confine(struct process *p, struct err *e)
{
	struct confine_options o = { .role = p->role->name };
	struct confine_report report;
	int r = ERR_OK;

	if (p->role->open != NULL)
		r = p->role->open(&p->env, e);
	if (r != 0)
		return r;
	p->opened = true;
	if (p->role->limits != NULL)
		r = p->role->limits(&p->env, &o, e);
	if (r == 0)
		r = confine(&o, &report, e);
	if (r == 0)
		r = report_ready(p, &report, e);
	p->ready = r == 0;
	return r;
}

static int
on_start(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct process *p = ctx;
	const int r = config_decode(m->payload, &p->config, e);

	if (r != 0)
		return r;
	p->env.config = p->config;
	return open_and_confine(p, e);
}

/* Before it is confined a role takes nothing else. */
static int
need_ready(const struct process *p, struct err *e)
{
	if (p->ready)
		return ERR_OK;
	return err_set(
	    e, ERR_INTERNAL, "the supervisor sent more before the start");
}

static int
on_listener(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct process *p = ctx;
	struct rec rec = rec_of(m->payload);
	const unsigned kind = rec_u8(&rec);
	int r = need_ready(p, e);

	if (r == 0)
		r = rec_done(&rec, e);
	if (r != 0)
		return r;
	if (kind == LISTENER_INVALID || kind > LISTENER_TCP)
		return err_set(e, ERR_INTERNAL, "unknown kind of listener");
	return p->role->listener(
	    &p->env, (enum listener_kind)kind, TAKE_FD(m->fd), e);
}

/* Names of peers live as long as the role, however often they come. */
static const char *
intern(struct process *p, struct str name)
{
	char *to;

	for (size_t i = 0; i < p->peer_count; i++) {
		if (str_eqz(name, p->peers[i]))
			return p->peers[i];
	}
	if (p->peer_count == PEERS_MAX || name.len >= PEER_NAME_MAX)
		return NULL;
	to = p->peers[p->peer_count++];
	memcpy(to, name.s, name.len);
	to[name.len] = '\0';
	return to;
}

static int
on_peer(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct process *p = ctx;
	struct rec rec = rec_of(m->payload);
	const struct str name = rec_str(&rec);
	const char *peer;
	int r = need_ready(p, e);

	if (r == 0)
		r = rec_done(&rec, e);
	if (r != 0)
		return r;
	peer = intern(p, name);
	if (peer == NULL)
		return err_set(e, ERR_INTERNAL, "too many peers");
	return p->role->peer(&p->env, peer, TAKE_FD(m->fd), e);
}

static int
on_status(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct process *p = ctx;
	struct rec rec = rec_of(m->payload);
	const bool all_up = rec_u8(&rec) != 0;
	const struct str json = rec_str(&rec);
	int r = need_ready(p, e);

	if (r == 0)
		r = rec_done(&rec, e);
	if (r == 0)
		r = p->role->status(&p->env, json, all_up, e);
	return r;
}

/* What cannot be loaded changes nothing; that is no fault of the message. */
static int
tell_reloaded(struct process *p, const struct err *why, struct err *e)
{
	AUTO_BUF struct buf b = BUF_INIT(ERR_MSG_MAX + REPORT_BYTES_MAX);
	int r;

	rec_put_u8(&b, why == NULL ? 1 : 0);
	rec_put_cstr(&b, why == NULL ? NULL : why->msg);
	r = buf_done(&b, e);
	return r != 0
	    ? r
	    : ipc_send(p->env.supervisor, RS_RELOADED, buf_str(&b), -1, e);
}

static int
take_config(struct process *p, const struct ipc_msg *m, struct config **ret,
    struct err *e)
{
	const int r = need_ready(p, e);

	return r != 0 ? r : config_decode(m->payload, ret, e);
}

static int
on_check(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(config_freep) struct config *now = NULL;
	struct process *p = ctx;
	struct err why = ERR_INIT;
	int r = take_config(p, m, &now, e);

	if (r != 0)
		return r;
	r = p->role->check(&p->env, now, &why);
	return tell_reloaded(p, r == 0 ? NULL : &why, e);
}

static int
on_reload(void *ctx, struct ipc_msg *m, struct err *e)
{
	AUTO(config_freep) struct config *now = NULL;
	struct process *p = ctx;
	struct err why = ERR_INIT;
	int r = take_config(p, m, &now, e);

	if (r != 0)
		return r;
	if (p->role->reload(&p->env, now, &why) != 0) {
		log_err("not-reloaded", "why=%s", why.msg);
		return tell_reloaded(p, &why, e);
	}
	config_free(p->config);
	p->config = TAKE_PTR(now);
	p->env.config = p->config;
	log_info("reloaded", "role=%s", p->role->name);
	return tell_reloaded(p, NULL, e);
}

/* ---- stopping ---------------------------------------------------------- */

void
role_stop(struct role_env *env)
{
	loop_stop(env->loop);
}

static int
on_stop(void *ctx, struct ipc_msg *m, struct err *e)
{
	struct process *p = ctx;

	(void)m;
	(void)e;
	if (p->stopping)
		return ERR_OK;
	p->stopping = true;
	if (p->opened && p->role->stop != NULL)
		p->role->stop(&p->env);
	else
		role_stop(&p->env);
	return ERR_OK;
}

static int
on_ping(void *ctx, struct ipc_msg *m, struct err *e)
{
	const struct process *p = ctx;

	(void)m;
	return ipc_send(p->env.supervisor, RS_PONG, STR(""), -1, e);
}

static void
on_supervisor_closed(void *ctx, struct ipc *i, const struct err *why)
{
	struct process *p = ctx;

	(void)i;
	log_err("role-failed", "why=%s",
	    why == NULL ? "the supervisor is gone" : why->msg);
	/* The supervisor tells what a person must correct from the rest. */
	p->status = why != NULL && why->code == ERR_INVALID ? EXIT_CONFIG
							    : EXIT_INTERNAL;
	loop_stop(p->env.loop);
}

void
role_peer_closed(struct role_env *env, const char *peer, const struct err *why)
{
	AUTO_BUF struct buf b = BUF_INIT(ERR_MSG_MAX * 2);

	if (why == NULL) {
		log_info("peer-gone", "peer=%s", peer);
		return;
	}
	log_err("peer-ended", "peer=%s why=%s", peer, why->msg);
	rec_put_cstr(&b, peer);
	rec_put_cstr(&b, why->msg);
	if (b.failed == 0)
		(void)ipc_send(
		    env->supervisor, RS_PEER_ENDED, buf_str(&b), -1, NULL);
}

/* ---- the frame --------------------------------------------------------- */

static void
add_row(struct process *p, const struct ipc_row *row)
{
	assert(p->row_count < ROWS_MAX);
	p->rows[p->row_count++] = *row;
}

/* The table holds what this role takes, and no more. */
static void
make_table(struct process *p)
{
	const struct role *r = p->role;

	add_row(p,
	    &(struct ipc_row){ .type = SR_START,
		.flags = IPC_ONCE,
		.len_max = CONFIG_RECORD_MAX,
		.handler = on_start });
	add_row(p, &(struct ipc_row){ .type = SR_STOP, .handler = on_stop });
	add_row(p, &(struct ipc_row){ .type = SR_PING, .handler = on_ping });
	if (r->listener != NULL)
		add_row(p,
		    &(struct ipc_row){ .type = SR_LISTENER,
			.flags = IPC_FD,
			.len_max = 1,
			.handler = on_listener });
	if (r->peer != NULL)
		add_row(p,
		    &(struct ipc_row){ .type = SR_PEER,
			.flags = IPC_FD,
			.len_max = 4 + PEER_NAME_MAX,
			.handler = on_peer });
	if (r->status != NULL)
		add_row(p,
		    &(struct ipc_row){ .type = SR_STATUS,
			.len_max = STATUS_BYTES_MAX,
			.handler = on_status });
	if (r->reload != NULL)
		add_row(p,
		    &(struct ipc_row){ .type = SR_RELOAD,
			.len_max = CONFIG_RECORD_MAX,
			.handler = on_reload });
	if (r->check != NULL)
		add_row(p,
		    &(struct ipc_row){ .type = SR_CHECK,
			.len_max = CONFIG_RECORD_MAX,
			.handler = on_check });
	for (size_t i = 0; i < r->row_count; i++)
		add_row(p, &r->rows[i]);
}

/* The supervisor alone answers to signals and tells the roles: a signal to
 * the whole group (a terminal's, a service manager's) must not cut them off
 * in the middle. */
static int
leave_signals_to_supervisor(struct err *e)
{
	const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return err_sys(
			    e, "cannot ignore signal %d", ignored[i]);
	}
	return ERR_OK;
}

static int
check_supervisor(struct err *e)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(SUPERVISOR_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET)
		return err_set(e, ERR_INVALID,
		    "a role is started by assentd, not by hand");
	if (fcntl(SUPERVISOR_FD, F_SETFD, FD_CLOEXEC) != 0)
		return err_sys(e, "cannot keep the supervisor's socket");
	return ERR_OK;
}

static void
raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	l.rlim_cur = l.rlim_max < FILES_WANTED ? l.rlim_max : FILES_WANTED;
	/* With fewer, fewer clients can be served; that is seen there. */
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static void
take_name(const char *role)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "assent-%s", role);
	(void)prctl(PR_SET_NAME, name);
}

static int
prepare(struct process *p, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	int r;

	/* A role is never more open to others than it is now. */
	confine_forbid_dumps();
	take_name(p->role->name);
	raise_files();
	r = check_supervisor(e);
	if (r == 0)
		r = leave_signals_to_supervisor(e);
	/* libcrypto reads its configuration at first use. */
	if (r == 0)
		r = sha256_of("", 0, digest, e);
	if (r == 0)
		r = loop_new(&p->env.loop, e);
	if (r != 0)
		return r;
	make_table(p);
	return ipc_new(p->env.loop, SUPERVISOR_FD, "supervisor", p->rows,
	    p->row_count, p, on_supervisor_closed, &p->env.supervisor, e);
}

static int
live(struct process *p, struct err *e)
{
	int r = prepare(p, e);

	if (r == 0)
		r = loop_run(p->env.loop, e);
	if (r != 0)
		log_err("role-failed", "why=%s", e->msg);
	if (p->opened && p->role->close != NULL)
		p->role->close(&p->env);
	ipc_free(p->env.supervisor);
	config_free(p->config);
	loop_free(p->env.loop);
	return r;
}

int
role_run(const struct role *r, const struct role_ports *ports)
{
	struct process p = {
		.env = { .name = r->name, .ports = ports },
		.role = r,
	};
	struct err e = ERR_INIT;

	log_open(r->name, LOG_INFO);
	if (live(&p, &e) != 0)
		return EXIT_INTERNAL;
	return p.status;
}
