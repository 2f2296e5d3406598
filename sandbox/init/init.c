/*
 * Process 1 of a run.
 * Runs in: assent-exec; begins with the launcher's rights in new namespaces,
 * ends with none.
 * Trusts: the plan.  Owns: the run: whatever is alive when it ends dies.
 */
#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "start/ctl.h"
#include "init/domain.h"
#include "init/edit.h"
#include "init/family.h"
#include "gate/filter.h"
#include "gate/gate.h"
#include "root/identity.h"
#include "init/init_int.h"
#include "init/net_listen.h"
#include "init/require.h"
#include "needed.h"
#include "root/root.h"
#include "init/spawn_command.h"
#include "sys.h"
#include "init/watch.h"

#define STARTED_AFTER_MS 2
#define JOB_ARENA ((size_t)8 << 20)
#define BARE_ARENA ((size_t)1 << 20)

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static _Noreturn void
give_up(struct init *in, struct err *e)
{
	struct ctl m = { .type = CTL_FAILED };

	needed_explain(e);
	m.code = (int32_t)e->code;
	m.text = e->msg;
	bare_close(&in->bare);
	(void)ctl_send(in->job->ctl, &m);
	_exit(1);
}

/* What a clone of the template would share with the others. */
static int
leave_template(const struct init *in, int *ret_self, struct err *e)
{
	if (in->job->plan->who.identity == IDENTITY_SAME) {
		/* Until identity_become: only then its files are its own. */
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		*ret_self = open(
		    ROOT_HOST_PROC "/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (*ret_self < 0)
			return err_sys(e, "cannot open the host's '/proc'");
	}
	if (in->job->netns < 0) {
		if (unshare(CLONE_NEWIPC) != 0)
			return err_sys(e, "cannot make an IPC namespace");
		return identity_new_network(e);
	}
	return setns(in->job->netns, CLONE_NEWNET) == 0 &&
		setns(in->job->ipcns, CLONE_NEWIPC) == 0
	    ? ERR_OK
	    : err_sys(e, "cannot enter the run's network");
}

/* Where the kernel takes milliseconds for it another process waits there
 * while this one builds. Nobody waits for one that is prepared. */
static void
start_joining(struct init *in)
{
	const struct job *j = in->job;
	char us[16];

	if (j->join_count == 0)
		return;
	if (!j->fresh || !cgroup_join_waits(j->join, j->join_count)) {
		in->not_joined = cgroup_join(j->join, j->join_count, "0") != 0;
		return;
	}
	in->joining = sys_fork(0, NULL);
	if (in->joining != 0)
		return;
	(void)snprintf(us, sizeof(us), "%d", getppid());
	_exit(cgroup_join(j->join, j->join_count, us) == 0 ? 0 : 1);
}

/* Before there is anything that has to be in it. */
static void
finish_joining(struct init *in)
{
	struct job *j = in->job;
	int status = 1;

	if (in->joining > 0) {
		while (waitpid(in->joining, &status, 0) < 0 && errno == EINTR)
			;
	}
	for (size_t i = 0; i < CGROUP_PLACES_MAX; i++)
		fd_closep(&j->join[i]);
	if (in->joining != 0)
		in->not_joined = status != 0;
	if (in->not_joined)
		j->controls = 0;
}

/* What was made ahead, or now. */
static int
take_begun(struct init *in, struct err *e)
{
	const struct job *j = in->job;
	struct begun own = { .root = in->root };
	const struct begun *b = j->begun != NULL ? j->begun : &own;
	int r = ERR_OK;

	if (j->begun == NULL) {
		r = begun_make(&own, j->plan, 0, e);
	} else if (b->why.code != ERR_OK) {
		*e = b->why;
		r = e->code;
	}
	if (r != 0)
		return r;
	in->root = b->root;
	in->root.idmap = j->idmap;
	return ERR_OK;
}

/* What a template has already. */
static int
build_root(struct init *in, struct err *e)
{
	const struct job *j = in->job;
	int r = ERR_OK;

	if (j->net_apart)
		r = net_apart_start(&in->apart, e);
	else if (j->begun == NULL)
		r = identity_loopback(e);
	if (r == 0)
		r = take_begun(in, e);
	if (r == 0)
		r = root_build(&in->root, j->plan, e);
	if (r == 0)
		r = root_enter(&in->root, e);
	if (r == 0 && j->net_apart)
		r = net_apart_enter(&in->apart, e);
	return r;
}

static int
build(struct init *in, struct err *e)
{
	struct job *j = in->job;
	AUTO_FD int self = -1;
	int r;

	in->root = (struct root)ROOT_INIT;
	in->root.idmap = j->idmap;
	in->root.plan = j->plan;
	in->root.fresh = j->fresh;
	(void)umask(0);
	r = j->fresh ? build_root(in, e) : leave_template(in, &self, e);
	if (r == 0)
		r = net_listen_ports(&in->net, j->plan, e);
	if (r == 0)
		r = root_each_run(&in->root, e);
	if (r == 0)
		r = root_let_go(&in->root, e);
	if (r == 0)
		r = identity_count_apart(&j->plan->who, j->userns, self, e);
	if (r == 0)
		r = root_close_in(&in->root, e);
	if (r == 0)
		r = net_listen_names(&in->net, j->plan, e);
	return r;
}

static int
build_bare(struct init *in, struct err *e)
{
	struct arena *a = arena_new(BARE_ARENA); /* until the end */
	struct job *j = in->job;
	struct plan *p;
	int r =
	    a == NULL ? err_nomem(e) : bare_open(&in->bare, j->plan, a, &p, e);

	in->root = (struct root)ROOT_INIT;
	if (r != 0)
		return r;
	j->plan = p;
	gate_bare(&in->gate, p, in->bare.tmp);
	return ERR_OK;
}

/* A template does it once for all its runs. */
void
init_signals(void)
{
	const struct sigaction dfl = { .sa_handler = SIG_DFL };

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &dfl, NULL);
}

static int
block_signals(struct init *in, struct err *e)
{
	sigset_t set;

	if (in->job->fresh && in->job->begun == NULL)
		init_signals();

	(void)sigfillset(&set);
	if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
		return err_sys(e, "cannot block signals");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	in->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return in->signals < 0 ? err_sys(e, "cannot wait for signals") : ERR_OK;
}

/* Whoever started us may be gone already. */
static int
check_parent(const struct init *in, struct err *e)
{
	struct pollfd p = { .fd = in->job->ctl };

	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0)
		return err_set(e, ERR_CONFLICT, "the launcher is gone");
	return ERR_OK;
}

static void
close_stdio(struct init *in)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++) {
		/* Also our own 0, 1, 2, which the child shared. */
		if (null >= 0)
			(void)dup2(null, i);
		/* All three may be the same. */
		if (in->job->stdio[i] > 2)
			(void)close(in->job->stdio[i]);
	}
	if (null > 2)
		(void)close(null);
}

/* They are the command's alone now. */
static void
close_values(struct job *j)
{
	for (size_t i = 0; i < j->value_count; i++)
		fd_closep(&j->values[i]);
	j->value_count = 0;
}

static int
not_started(struct init *in)
{
	const struct command_spawn *c = &in->spawn;

	(void)snprintf(in->text, sizeof(in->text), "cannot %s: '%.300s': %s",
	    c->step, in->job->plan->argc > 0 ? in->job->plan->argv[0] : "",
	    strerrordesc_np(c->error));
	in->ended = true;
	in->flags |= CTL_NOT_FOUND;
	in->status = (c->error == ENOENT ? 127 : 126) << 8;
	return ERR_OK;
}

/* Its plan is the template's but for what runs. */
static int
take_job(struct init *in, struct err *e)
{
	const struct str frame = in->job->frame;
	struct str record = STR("");
	struct plan *p;
	int r;

	in->arena = arena_new(JOB_ARENA);
	r = in->arena == NULL
	    ? err_nomem(e)
	    : job_receive(in->job->ctl, in->record, &record, e);
	in->record_len = record.len;
	if (r == 0)
		r = plan_decode_run(
		    record, frame, in->job->plan, in->arena, &p, e);
	if (r == 0 && p->pin_count > 0)
		r = err_set(e, ERR_INTERNAL, "pins cannot be prepared");
	if (r == 0)
		in->job->plan = p;
	return r;
}

/* In the process that becomes the command: nobody else need wake up first. */
static bool
receive(void *ctx)
{
	struct init *in = ctx;

	again_arm(&in->again);
	in->received = take_job(in, &in->why);
	watch_start(&in->watch);
	in->spawn.plan = in->job->plan;
	return in->received == 0 && in->job->plan->edit_count == 0;
}

/* The ruleset serves all runs of this process, each of which has a domain of
 * its own. */
static int
make_domain(struct init *in, struct err *e)
{
	const struct job *j = in->job;
	int r;

	if (in->has_domain)
		return ERR_OK;
	r = j->bare ? bare_domain(j->plan, in->bare.tmp, &in->domain, e)
		    : domain_make(j->plan, in->supervised, &in->domain, e);
	in->has_domain = r == 0;
	return r;
}

static int
open_memory(struct init *in, struct err *e)
{
	const struct job *j = in->job;

	if ((j->controls & CGROUP_MEMORY) != 0)
		return ERR_OK;
	in->memory = memory_open(j->plan->limits.memory_bytes, j->bare);
	return in->memory == NULL ? err_nomem(e) : ERR_OK;
}

/* All of the command that need not know which it is. */
static int
prepare_command(struct init *in, struct err *e)
{
	struct command_spawn *c = &in->spawn;
	int r;

	in->supervised = true;
	r = open_memory(in, e);
	if (r == 0)
		r = make_domain(in, e);
	if (r != 0)
		return r;
	c->domain = in->domain;
	c->plan = in->job->plan;
	c->filter = in->job->filter;
	c->bare = in->job->bare;
	c->counted = (in->job->controls & CGROUP_PIDS) != 0;
	c->ctl = in->job->ctl;
	c->supervised = in->supervised;
	watch_open(&in->watch, in->job->plan, in->memory);
	in->watch.bare = in->job->bare;
	c->at_once = init_is_at_once(in);
	if (c->at_once) {
		watch_start(&in->watch);
		init_connect(in);
	}
	if (!in->job->fresh) {
		c->receive = receive;
		c->ctx = in;
		c->tty = -1;
		memcpy(c->stdio, in->job->stdio, sizeof(c->stdio));
	}
	in->command = command_prepare(c);
	c->domain = -1;
	if (in->command < 0) {
		errno = c->error;
		return err_sys(e, "cannot %s", c->step);
	}
	if (!in->supervised)
		return ERR_OK;
	in->gate.memory = in->memory;
	return gate_open(&in->gate, in->job->plan, c->listener, e);
}

static int
start_command(struct init *in)
{
	struct command_spawn *c = &in->spawn;

	c->plan = in->job->plan;
	if (!c->at_once)
		init_connect(in);
	command_go(c);
	close_stdio(in);
	close_values(in->job);
	return c->error != 0 ? not_started(in) : ERR_OK;
}

/* No command: the edits are made here and now. */
static int
apply_edits(struct init *in, struct err *e)
{
	const struct plan *p = in->job->plan;
	int r;

	gate_close(&in->gate);
	(void)umask(022);
	gate_learn(&in->gate);
	r = edit_apply(&in->gate, p, in->job->stdio[1], e);
	gate_close(&in->gate);
	close_stdio(in);
	in->supervised = false;
	in->ended = true;
	return r;
}

/* Without a process namespace "all" would be all of the user's. */
static void
kill_others(const struct init *in)
{
	if (in->job->bare)
		family_kill();
	else
		(void)kill(-1, SIGKILL);
}

static void
kill_all(struct init *in, uint32_t why)
{
	in->flags |= why;
	in->killing = true;
	kill_others(in);
}

static void
reap(struct init *in)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	/* Of one signal there is one at a time. */
	(void)!read(in->signals, &info, sizeof(info));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == in->command) {
			in->status = status;
			in->ended = true;
		} else {
			in->others = true;
			gate_worker_ended(&in->gate);
		}
	}
	if (pid < 0 && errno == ECHILD)
		in->ended = in->alone = true;
}

static void
obey(struct init *in)
{
	AUTO(arena_freep) struct arena *a = arena_new(CTL_BYTES_MAX);
	struct ctl m;
	const int r = a == NULL ? -1 : ctl_receive(in->job->ctl, a, &m, NULL);

	in->told = true;
	if (r <= 0 || m.type == CTL_KILL)
		kill_all(in, 0);
	else if (m.type == CTL_SIGNAL && in->command > 0)
		(void)kill(-in->command, m.code);
}

static void
wait_once(struct init *in)
{
	struct pollfd p[] = {
		{ .fd = in->signals, .events = POLLIN },
		{ .fd = in->job->ctl, .events = POLLIN },
		{ .fd = in->supervised ? in->gate.listener : -1,
		    .events = POLLIN },
	};

	if (poll(p, 3, in->started ? WATCH_EVERY_MS : STARTED_AFTER_MS) < 0 &&
	    errno != EINTR)
		kill_all(in, 0);
	/* Calls are answered first: many come, each is short. */
	if ((p[2].revents & POLLIN) != 0 && !gate_serve(&in->gate)) {
		in->supervised = false;
		in->gate.traces = true; /* who knows */
	}
	if ((p[2].revents & POLLHUP) != 0)
		in->supervised = false; /* nobody is left under the filter */
	if (p[1].revents != 0)
		obey(in);
	if (p[0].revents != 0)
		reap(in);
}

/* The kernel ends one process of a group; the whole run is over. */
static uint32_t
check_use(struct init *in)
{
	return cgroup_oom_kills(in->job->group_events) > 0
	    ? (uint32_t)CTL_MEMORY
	    : watch_check(&in->watch);
}

/* Of a run that ends at once only the end is told. */
static void
say_started(struct init *in)
{
	const struct ctl started = { .type = CTL_STARTED };

	(void)ctl_send(in->job->ctl, &started);
	in->started = true;
}

static void
serve(struct init *in)
{
	const int64_t began = now_ms();
	int64_t watched = began;

	while (!in->ended) {
		int64_t now;

		wait_once(in);
		now = now_ms();
		if (!in->started && now - began >= STARTED_AFTER_MS)
			say_started(in);
		if (!in->killing && now >= in->deadline_ms)
			kill_all(in, CTL_TIMED_OUT);
		if (!in->killing && now - watched >= WATCH_EVERY_MS) {
			const uint32_t why = check_use(in);

			in->flags |= watch_reached(&in->watch);
			watched = now;
			if (why != 0)
				kill_all(in, why);
		}
	}
}

/* When the report leaves, nothing of the run is alive but this process, to
 * which every orphan is a child. */
static void
end_all(const struct init *in)
{
	if (in->alone)
		return;
	do
		kill_others(in);
	while (in->job->bare && waitpid(-1, NULL, 0) > 0);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int
prepare(struct init *in, struct err *e)
{
	struct job *j = in->job;
	int r;

	/* What is charged to nobody costs less, and what a prepared run is
	 * made of is not the command's. */
	if (j->fresh)
		start_joining(in);
	r = j->bare ? build_bare(in, e) : build(in, e);
	if (!j->fresh)
		start_joining(in);
	finish_joining(in);
	if (r == 0)
		r = require_check(j->plan, j->controls, j->bare, e);
	if (r == 0)
		r = block_signals(in, e);
	if (r == 0)
		r = j->bare ? identity_give_up(e)
			    : identity_become(&j->plan->who, e);
	if (r == 0)
		r = check_parent(in, e);
	if (r == 0 && (j->filter == NULL || in->not_joined)) {
		r = j->bare ? init_filter_bare(j->plan, in->bare.signals,
				  j->controls, &in->filter, e)
			    : init_filter(j->plan, !j->fresh, j->controls,
				  &in->filter, e);
		j->filter = &in->filter;
	}
	if (r == 0 && !j->fresh)
		again_note(&in->again, j->plan);
	return r;
}

/* The command begins as soon as the job is there, and this process may be the
 * last to hear of it. */
static int
wait_for_job(struct init *in, struct err *e)
{
	struct command_spawn *c = &in->spawn;

	command_go(c);
	if (in->received == ERR_NOTFOUND)
		_exit(0);
	if (in->received != 0) {
		*e = in->why;
		return in->received;
	}
	in->deadline_ms = now_ms() + in->job->plan->limits.wall_ms;
	if (net_listen_send(&in->net, in->job->ctl, e) != 0)
		return ERR_SYS;
	if (in->job->plan->edit_count > 0)
		return apply_edits(in, e);
	close_stdio(in);
	return c->error != 0 ? not_started(in) : ERR_OK;
}

static int
start(struct init *in, struct err *e)
{
	struct job *j = in->job;

	/* A network in which somebody waited is not used again. */
	in->gate.traces = in->gate.traces || in->net.count > 0;
	if (!j->fresh)
		return wait_for_job(in, e);
	if (net_listen_send(&in->net, j->ctl, e) != 0)
		return ERR_SYS;
	if (!in->spawn.at_once)
		watch_start(&in->watch);
	if (j->plan->tty && init_terminal(j, e) != 0)
		return ERR_SYS;
	if (j->plan->edit_count == 0)
		return start_command(in);
	command_end(&in->spawn);
	return apply_edits(in, e);
}

static void
do_run(struct init *in)
{
	struct err e = ERR_INIT;

	if (prepare_command(in, &e) != 0 || start(in, &e) != 0)
		give_up(in, &e);
	serve(in);
	/* What succeeded had room enough. */
	if (in->status != 0)
		in->flags |= watch_tmp(&in->watch);
	end_all(in);
	bare_close(&in->bare);
	init_judge(in);
	init_report(in);
}

_Noreturn void
init_main(struct job *j)
{
	/* Too large for a stack. */
	struct init *in = sys_map(sizeof(*in));
	struct err e = ERR_INIT;

	if (in == NULL)
		_exit(1);
	in->job = j;
	in->template = j->plan;
	in->gate.listener = in->spawn.domain = in->domain = -1;
	/* Whoever started us may have a terminal; a template has none. */
	if (j->fresh)
		(void)setsid();
	in->deadline_ms = now_ms() + j->plan->limits.wall_ms;
	if (prepare(in, &e) != 0)
		give_up(in, &e);
	do
		do_run(in);
	while (!j->fresh && init_begins_again(in));
	_exit(0);
}
